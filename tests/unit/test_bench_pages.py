"""Memory that a benchmark's process has used stays with it."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

SCRIPT = """
import resource
import numpy as np
from packsim.bench.pages import keep_pages
kept = keep_pages()
def new_pages():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for megabytes in (48, 3, 20, 48):
        np.ones(megabytes << 17)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
print(int(kept), new_pages(), new_pages())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library than GNU's")
def test_pages_are_used_again() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    kept, first, later = map(int, done.stdout.split())
    assert kept == 1
    assert first > 24  # of 2 MB at the most
    assert later < 0.1 * first + 8

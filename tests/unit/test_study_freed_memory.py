"""Freed memory is used again, where the C library would give it back otherwise."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

CODE = """
import resource
import numpy as np
from packsim.study.freed_memory import keep_freed_memory
if {keep}:
    keep_freed_memory()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for size in range(256, 4096, 64):  # kB; of larger ones NumPy asks for larger pages
    np.ones(size << 10, np.uint8)
print((resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) * resource.getpagesize() >> 20)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="what other C libraries do is left alone")
def test_pages_are_taken_once() -> None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("MALLOC_", "GLIBC_TUNABLES"))}
    with_it, without = (
        int(subprocess.run([sys.executable, "-c", CODE.format(keep=keep)], capture_output=True, check=True,
                           env=environment).stdout)
        for keep in (True, False)
    )  # fmt: skip
    assert with_it <= 10, "MB: the largest array, and little else"
    assert with_it < without

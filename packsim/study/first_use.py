"""The first use of a build on a machine: a second process compiles what a study needs late, while it computes what comes
first.

Numba compiles on one thread, and a study needs its kernels one after another. The helper (`compile_ahead`) takes the other
end: the line and the packs, while the study is at its cells and tests. Kernels have locks of their own (`numerics/jit.py`),
so each is compiled by one of the two and loaded by the other, and is the same whoever did it. A study never waits for more
than the kernel that it needs, and does without a helper that is not there: one that fails or is killed costs time alone.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numba

from packsim.numerics.kernel_cache import cache_directory, config
from packsim.scenario.model import Scenario

HELPER = "packsim.study.compile_ahead"
PATIENCE_S = 5.0  # with a helper that is told to end


@contextlib.contextmanager
def compiled_ahead(scenario: Scenario) -> Iterator[None]:
    """A helper beside the body where this is the first use of this build; it ends with the body, or with its process."""
    helper = _helper(scenario, cache_directory())
    try:
        yield
    finally:
        if helper is not None:
            helper.terminate()
            try:
                helper.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                helper.kill()
                helper.wait()


def _helper(scenario: Scenario, directory: Path | None) -> subprocess.Popen[bytes] | None:
    """The helper; None after the first study, with one processor, and where kernels cannot be kept or processes made."""
    if directory is None or config.DISABLE_JIT or numba.get_num_threads() < 2 or not sys.executable:
        return None
    with contextlib.suppress(OSError), tempfile.TemporaryFile() as file:  # a pipe could be full before anybody reads
        pickle.dump(handed_over(scenario), file)
        file.seek(0)
        (directory / "used").touch(exist_ok=False)  # of several processes that start at once only one gets beyond this
        # -P: no module of the folder that one happens to be in
        command = [sys.executable, "-P", "-m", HELPER, str(os.getpid())]
        return subprocess.Popen(command, stdin=file, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return None


def handed_over(scenario: Scenario) -> tuple[dict[str, object], Path]:
    """A scenario for another process: what was given, and the file whose folder other files' names refer to."""
    return scenario.model_dump(exclude_unset=True), scenario.file("its own file")

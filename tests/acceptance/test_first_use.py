"""The first use of a build on a machine: what the helper compiles is what a study needs, and bits are the same without."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from packsim.numerics.kernel_cache import source_hash
from packsim.scenario.load import load
from packsim.study import first_use

if TYPE_CHECKING:
    from collections.abc import Callable

CONFIG = Path(__file__).parents[2] / "configs" / "eve-2015-automatic.yaml"
COUNTED = """
import sys
from pathlib import Path
from packsim.scenario.load import load
from packsim.study.compile_ahead import compile_ahead
from packsim.study.run import run
from packsim.line.kernels import build_cells
from packsim.pack.kernels import run_packs
scenario = load(Path(sys.argv[1]))
counts = []
for use in (lambda: compile_ahead(scenario), lambda: run(scenario, packs=1)):
    use()
    counts.append([len(each.signatures) for each in (build_cells, run_packs)])
print(counts)
"""


PARENT = """
import os, subprocess, sys, time
helper = subprocess.Popen([sys.executable, "-P", "-m", "packsim.study.compile_ahead", str(os.getpid())])
print(helper.pid, flush=True)
time.sleep(600)
"""


def printed(command: list[str], **environment: str) -> str:
    """What a process of its own prints."""
    return subprocess.run(
        [sys.executable, *command], env=os.environ | environment, check=True, capture_output=True, text=True
    ).stdout


def test_the_helper_compiles_what_a_study_needs() -> None:
    """The largest kernels of line and packs, with the very types: a study finds nothing left to compile of them."""
    assert printed(["-c", COUNTED, str(CONFIG)]).strip() == "[[1, 1], [1, 1]]"


def test_the_helper_runs_to_its_end_as_it_is_started(tmp_path: Path) -> None:
    """The real command with the real scenario on its standard input; kernels are those of this test's cache."""
    helper = first_use._helper(load(CONFIG), tmp_path)
    if helper is None:
        pytest.skip("one thread, or kernels that cannot be kept")
    assert helper.wait() == 0


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="tells processes by /proc")
def test_the_helper_ends_when_its_parent_is_killed() -> None:
    """A study that is killed cannot end its helper, which then ends by itself: here it waits for its scenario for ever."""
    nothing, unwritten = os.pipe()
    command = [sys.executable, "-c", PARENT]
    with subprocess.Popen(command, stdin=nothing, stdout=subprocess.PIPE, text=True) as parent:
        os.close(nothing)
        assert parent.stdout is not None
        helper = Path("/proc") / parent.stdout.readline().strip() / "stat"
        running = helper.exists()
        parent.kill()
    assert running
    for _ in range(600):
        if not helper.exists() or helper.read_text().rsplit(") ", 1)[1].startswith("Z"):  # nobody may wait for it
            break
        time.sleep(0.1)
    else:
        pytest.fail("still there after a minute")
    os.close(unwritten)


@pytest.mark.slow
def test_bits_are_the_same_with_and_without_the_helper(tmp_path: Path, report: Callable[..., None]) -> None:
    """Two empty caches: one process alone, and two that share the work; then the second cache again, full."""
    command = ["-m", "packsim.cli", "run", str(CONFIG), "--packs", "10", "--json"]
    alone = printed(command, PACKSIM_CACHE_DIR=str(tmp_path / "alone"), NUMBA_NUM_THREADS="1")
    assert not used(tmp_path / "alone")
    shared = [printed(command, PACKSIM_CACHE_DIR=str(tmp_path / "shared"), NUMBA_NUM_THREADS="2") for _ in range(2)]
    assert used(tmp_path / "shared")
    different = sum(results(text) != results(alone) for text in shared)
    report("first use: runs that differ with a helper, of an empty and a full cache", different, 0, "", "==")


def used(root: Path) -> bool:
    return (root / f"kernels-{source_hash()}" / "used").exists()


def results(text: str) -> dict[str, object]:
    """The run without what depends on the clock."""
    return {key: value for key, value in json.loads(text).items() if "second" not in key and key != "machine"}

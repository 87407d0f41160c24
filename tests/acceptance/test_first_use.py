"""The first use of a build on a machine: what the helper compiles is what a study needs, and bits are the same without."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from packsim.numerics.kernel_cache import source_hash

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


def printed(command: list[str], **environment: str) -> str:
    """What a process of its own prints."""
    return subprocess.run(
        [sys.executable, *command], env=os.environ | environment, check=True, capture_output=True, text=True
    ).stdout


def test_the_helper_compiles_what_a_study_needs() -> None:
    """The largest kernels of line and packs, with the very types: a study finds nothing left to compile of them."""
    assert printed(["-c", COUNTED, str(CONFIG)]).strip() == "[[1, 1], [1, 1]]"


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

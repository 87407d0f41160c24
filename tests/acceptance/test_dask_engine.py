"""Blocks on a Dask cluster: the same bits, with workers killed midway as well; what is wrong is one line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from scenarios import small

from packsim.study.dask_engine import DaskEngine, EngineError
from packsim.study.run import run

if TYPE_CHECKING:
    from collections.abc import Callable

pytest.importorskip("distributed", reason='needs pip install "packsim[cluster]"')
# of its own event loops and sockets, when a cluster ends
pytestmark = pytest.mark.filterwarnings("ignore:.*:ResourceWarning", "ignore:.*:DeprecationWarning")

PACKS, TESTS = 80, Path(__file__).parents[1]


def worker_processes() -> list[int]:
    """Children of children of this process: Dask's nannies hold the workers."""
    found = []
    for task in Path("/proc").glob("[0-9]*"):
        try:
            line = (task / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            parent = int((task / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue
        if parent == os.getpid() and "spawn_main" in line:
            found.append(int(task.name))
    return found


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds the workers in /proc")
def test_a_cluster_gives_the_same_bits_with_a_worker_killed_midway(report: Callable[..., None]) -> None:
    here = run(small(), packs=PACKS, seed=5)
    killed: list[int] = []

    def kill_one(done: int, blocks: int) -> None:
        if done == 3:
            victim = worker_processes()[0]
            killed.append(victim)
            os.kill(victim, signal.SIGKILL)

    there = run(small(), packs=PACKS, seed=5, engine=DaskEngine(workers=2), progress=kill_one)
    assert len(killed) == 1
    assert here.totals.sums.tobytes() == there.totals.sums.tobytes()
    different = (here.packs != there.packs).any(axis=1).sum()
    report("packs that differ on two Dask workers, one of them killed", different, 0, "", "==")
    assert here.summary() == there.summary()


SCRIPT = """
import os
import numba
from packsim.study.dask_engine import DaskEngine

def threads(block):
    return numba.get_num_threads(), os.environ["MALLOC_TRIM_THRESHOLD_"]

if __name__ == "__main__":
    print(list(DaskEngine(workers=1)(threads, 1)))
"""


def test_a_worker_has_one_thread_and_keeps_its_memory_whatever_the_script_imports(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    environment = {**os.environ, "NUMBA_NUM_THREADS": "2"}
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == f"[(0, (1, '{2**28}'))]"


def test_a_scheduler_that_is_not_there_is_one_line() -> None:
    engine = DaskEngine("tcp://127.0.0.1:1")
    with pytest.raises(EngineError, match=r"--scheduler: given tcp://127.0.0.1:1, which does not answer"):
        list(engine(abs, 2))


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--engine", "spark"], "packsim: --engine: given spark; allowed: local, dask"),
        (
            ["--scheduler", "tcp://x:1"],
            "packsim: --scheduler: given tcp://x:1 with --engine local; allowed: with --engine",
        ),
    ],
)
def test_wrong_engines_are_one_line(arguments: list[str], line: str) -> None:
    command = [
        sys.executable,
        "-m",
        "packsim.cli",
        "run",
        str(TESTS.parent / "configs" / "module-24v.yaml"),
        *arguments,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(line)
    assert done.stderr.count("\n") == 1

"""Two Dask workers of one thread beside two threads of one process: packs a second of the Huizhou year.

    python benchmarks/dask_rate.py [--packs 6000] [--rounds 3] [--write] [--check]

Both write to disk. *With start-up* is all of `ps.run`: for Dask also the cluster, its processes, their imports and loading
of kernels, a few seconds whatever the run. *Without* counts from the moment a tenth of the blocks is done to the last.
The two take turns; the best round of each counts. --write: docs/cluster.md; --check: exit 1 below the bound.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import warnings
from typing import NamedTuple

import numba
from place import ROOT, place, table

import packsim as ps
from packsim.study.dask_engine import DaskEngine
from packsim.study.engine import Engine, local

SCENARIO = ROOT / "configs" / "huizhou-2017.yaml"
BOUND = 0.85
WORKERS = 2


class Rates(NamedTuple):
    """Packs/s."""

    whole: float
    steady: float


def run(engine: Engine, packs: int) -> Rates:
    """One run of the scenario."""
    scenario, done = ps.load(SCENARIO), []
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        ps.run(
            scenario,
            packs,
            store=f"{folder}/run",
            engine=engine,
            progress=lambda n, of: done.append(time.perf_counter()),
        )
        ended = time.perf_counter()
    first = max(len(done) // 10, 2 * WORKERS)
    counted = (len(done) - 1 - first) * scenario.packs_per_block
    return Rates(packs / (ended - begun), counted / (done[-1] - done[first]))


def main() -> int:
    """Print and write; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packs", type=int, default=6_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()
    warnings.filterwarnings("ignore", category=ResourceWarning)
    numba.set_num_threads(min(WORKERS, numba.config.NUMBA_NUM_THREADS))
    ps.run(ps.load(SCENARIO), 100)  # compiles
    best = {"local": Rates(0.0, 0.0), "dask": Rates(0.0, 0.0)}
    for number in range(given.rounds):
        for name, engine in (("local", local), ("dask", DaskEngine(workers=WORKERS))):
            found = run(engine, given.packs)
            best[name] = Rates(*map(max, best[name], found))
            print(
                f"round {number + 1}, {name}: {found.whole:.0f} packs/s, {found.steady:.0f} without start-up",
                flush=True,
            )
    ours, theirs = best["local"], best["dask"]
    share = theirs.steady / ours.steady
    rows = [
        ["one process, two threads", f"{ours.whole:.0f}", f"{ours.steady:.0f}", ""],
        ["two Dask workers of one thread", f"{theirs.whole:.0f}", f"{theirs.steady:.0f}", ""],
        [
            "Dask of local",
            f"{100 * theirs.whole / ours.whole:.0f} %",
            f"{100 * share:.0f} %",
            f">= {100 * BOUND:.0f} %",
        ],
    ]
    text = table([f"{given.packs:,} packs", "with start-up, packs/s", "without", "bound"], rows)
    print(text)
    if given.write:
        place("cluster.md", "dask", text)
    return int(given.check and share < BOUND)


if __name__ == "__main__":
    sys.exit(main())

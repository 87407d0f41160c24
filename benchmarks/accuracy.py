# ruff: noqa: E402
"""Accuracy of packsim's SPMe cell against PyBaMM's: every bound, every set, every trait.

python benchmarks/accuracy.py                      run all and write docs/accuracy.md
python benchmarks/accuracy.py --check              the same; exit 1 on a miss or a missing line
python benchmarks/accuracy.py --sets Ecker2015     a part; prints, does not touch the docs
python benchmarks/accuracy.py --balance            only the electrode balance of 1,000 random cells a set

Sets run side by side, a process each, as many as there are cores (--processes).
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))
sys.path.insert(0, str(ROOT))
os.environ.setdefault("PYBAMM_DISABLE_TELEMETRY", "true")

import numpy as np
import pybamm
import spme_accuracy as accuracy
from accuracy_page import page
from pybamm_spme import SETS
from spme_accuracy import Line

if TYPE_CHECKING:
    from collections.abc import Iterator

BALANCE_CELLS = 1000
DOCS = ROOT / "docs" / "accuracy.md"


def measure_set(name: str) -> Iterator[Line]:
    """Every line of one set but the balance."""
    for case in accuracy.cases(name):
        pair = accuracy.Pair(name, case)
        for rate in accuracy.RATES:
            yield from pair.discharge(rate)
        yield pair.sequence()
        if case.name == "stock":
            yield pair.against_dfn()
            yield pair.to_zero_volt()
            yield from pair.long_steps()


def measure_balance(name: str) -> Line:
    """The worst of five numbers over all random cells."""
    worst = float(np.max(accuracy.balance_errors(name, BALANCE_CELLS)))
    case = f"{BALANCE_CELLS:,} random cells"
    return Line(name, case, "electrode balance, largest error", worst, accuracy.BALANCE, "")


def lines_expected(name: str) -> int:
    """How many lines `measure_set` owes: 5 a case, and the extras of the stock one."""
    return 5 * len(accuracy.cases(name)) + 1 + 1 + 2


class Measured(NamedTuple):
    """Everything of one set."""

    lines: list[Line]
    owed: int
    charge_rms_mv: tuple[float, float] | None  # at 1C and 2C


def measure(name: str, only_balance: bool) -> Measured:
    """One set, in a process of its own."""
    if only_balance:
        return Measured([measure_balance(name)], 1, None)
    lines = [measure_balance(name), *measure_set(name)]
    stock = accuracy.Pair(name, accuracy.Case("stock"))
    return Measured(lines, lines_expected(name) + 1, (stock.charge_rms_mv(1.0), stock.charge_rms_mv(2.0)))


def main() -> int:
    """Run, print, write the docs if the run was whole; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="exit 1 on any miss or missing line")
    parser.add_argument("--sets", default=",".join(SETS), help="comma-separated parameter sets")
    parser.add_argument("--balance", action="store_true", help="only the electrode balance")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="sets at once (default: one a core)")
    given = parser.parse_args()
    names = given.sets.split(",")
    if unknown := set(names) - set(SETS):
        parser.error(f"unknown sets {', '.join(sorted(unknown))}; known: {', '.join(SETS)}")
    began, found = time.perf_counter(), dict[str, Measured]()
    with ProcessPoolExecutor(given.processes) as pool:
        jobs = {pool.submit(measure, name, given.balance): name for name in names}
        for job in as_completed(jobs):
            name = jobs[job]
            found[name] = got = job.result()
            misses = sum(not line.met for line in got.lines)
            seconds = time.perf_counter() - began
            print(f"{name}: {len(got.lines)} lines of {got.owed}, {misses} missed, {seconds:.0f} s", flush=True)
    lines = [line for name in names for line in found[name].lines]
    missing = sum(found[name].owed - len(found[name].lines) for name in names)
    for line in lines:
        if not line.met:
            print(f"MISSED {line.set} {line.case} {line.quantity}: {line.measured:.4g} | <= {line.bound:g} {line.unit}")
    if names == list(SETS) and not given.balance:
        charge = [(name, *found[name].charge_rms_mv) for name in names if found[name].charge_rms_mv is not None]
        DOCS.write_text(page(lines, charge, pybamm.__version__), encoding="utf-8")
        print(f"wrote {DOCS.relative_to(ROOT)}")
    return 1 if given.check and (missing or any(not line.met for line in lines)) else 0


if __name__ == "__main__":
    sys.exit(main())

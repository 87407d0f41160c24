"""What commands cost a user: time and memory of whole processes, first and warm, beside their bounds.

    python benchmarks/cost.py [--year] [--write] [--check]

--year also runs configs/huizhou-2017.yaml as a whole and a hundredth of it; --write puts the table into
docs/benchmarks.md; --check exits 1 if a bound is missed (only fair on an idle machine). Rows are printed as they end.
"""

from __future__ import annotations

import argparse
import math
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from place import ROOT, place, table

if TYPE_CHECKING:
    from collections.abc import Iterator

EVE = "configs/eve-2015-semi-automatic.yaml"
COMPARE = ("compare", EVE, "configs/eve-2015-automatic.yaml", "--quiet")
YEAR = ("run", "configs/huizhou-2017.yaml", "--quiet")
PACKS = 196_700
TARGETS = ((89.8, 0.5), (70.0, 0.05), (70.0, 0.5), (70.0, 1.0), (80.0, 1.0), (99.9, 0.05), (99.9, 1.0))


class Cost(NamedTuple):
    """One row."""

    name: str
    value: float
    bound: float
    unit: str

    @property
    def met(self) -> bool:
        """Whether the bound holds."""
        return self.value <= self.bound

    def cells(self) -> list[str]:
        """The row in words."""
        bound = f"<= {self.bound:g} {self.unit}{'' if self.met else ' **missed**'}" if self.bound < math.inf else ""
        return [self.name, f"{self.value:.3g}{'' if bound else ' ' + self.unit}", bound]


def timed(arguments: tuple[str, ...], cache: str | None = None) -> tuple[float, float]:
    """Wall seconds and peak memory [GB] of one command."""
    environment = {**os.environ, "PYBAMM_DISABLE_TELEMETRY": "true"} | ({"PACKSIM_CACHE_DIR": cache} if cache else {})
    begun = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "packsim.cli", *arguments], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"packsim {' '.join(arguments)} failed")
    return time.perf_counter() - begun, usage.ru_maxrss / 1e6


def commands() -> Iterator[Cost]:
    """The flagship comparison from an empty kernel cache and again, and the help."""
    with tempfile.TemporaryDirectory() as cache:
        first, memory = timed(COMPARE, cache)
        yield Cost("compare of the EVE lines, first use after installation", first, 60.0, "s")
        warm = sorted(timed(COMPARE, cache) for _ in range(3))[1]
        yield Cost("compare of the EVE lines, warm (median of 3)", warm[0], 10.0, "s")
        for known in Path(cache).glob("*/calibrations/*"):
            known.unlink()
        yield Cost("... whose lines this machine has not calibrated before", timed(COMPARE, cache)[0], 10.0, "s")
        yield Cost("peak memory of both", max(memory, warm[1]), 1.5, "GB")
        helped = sorted(timed(("--help",), cache)[0] for _ in range(5))[2]
        yield Cost("packsim --help (median of 5)", helped, 0.5, "s")


def years() -> Iterator[Cost]:
    """The whole year, a hundredth of it and one pack, which is all start: whole commands."""
    with tempfile.TemporaryDirectory() as folder:
        timed((*YEAR, "--packs", "1", "--out", f"{folder}/compiles"))
        start, part = (
            min(timed((*YEAR, "--packs", str(packs), "--out", f"{folder}/{packs}-{k}"))[0] for k in range(3))
            for packs in (1, PACKS // 100)
        )
        whole, memory = timed((*YEAR, "--out", f"{folder}/year"))
        size = sum(path.stat().st_size for path in Path(folder, "year").rglob("*") if path.is_file()) / 1e6
    print(f"a year on disk: {size:.0f} MB; one pack takes {start:.2f} s, a hundredth of the year {part:.2f} s")
    yield Cost(f"huizhou-2017.yaml, {PACKS:,} packs, written to disk with its report", whole, 120.0, "s (goal 60)")
    yield Cost("peak memory of it", memory, 1.5, "GB")
    yield Cost("one pack of it", start, math.inf, "s")
    yield Cost(
        "time of a hundredth of the packs with the start of a process, off a hundredth", offset(part, whole), 20.0, "%"
    )


def parts() -> Iterator[Cost]:
    """The year and a hundredth of it by `ps.run`, in a process that has run before: as in a notebook."""
    import packsim as ps

    scenario, seconds = ps.load(ROOT / YEAR[1]), {}
    with tempfile.TemporaryDirectory() as folder:
        for packs, repeats in ((1, 1), (PACKS // 100, 3), (PACKS, 1)):
            seconds[packs] = min(ps.run(scenario, packs, store=f"{folder}/{packs}-{k}").wall_s for k in range(repeats))
    print(f"in one process: a hundredth {seconds[PACKS // 100]:.3f} s, the year {seconds[PACKS]:.1f} s")
    off = offset(seconds[PACKS // 100], seconds[PACKS])
    yield Cost("time of a hundredth of the packs in a process that has run before, off a hundredth", off, 20.0, "%")


def offset(part: float, whole: float) -> float:
    """How far a part's time is off a hundredth of the whole [%]."""
    return abs(100.0 * part / whole - 1.0) * 100.0


def calibrations() -> Iterator[Cost]:
    """Seconds of one warm calibration of the flagship's baseline to other rates (median of three)."""
    import packsim as ps
    from packsim.cell.plan import plan

    for target, share in TARGETS:
        asked = {"target_pct": target, "baseline_conformance_share": share}
        scenario = ps.load(ROOT / EVE).updated({"qualification": asked})
        cell, times = plan(scenario.cell), []
        for _ in range(4):
            begun = time.perf_counter()
            ps.calibrate(scenario, cell)
            times.append(time.perf_counter() - begun)
        name = f"calibration of the EVE line to {target:g} %, conformance share {share:g}, warm"
        yield Cost(name, sorted(times[1:])[1], 10.0, "s")


def main() -> int:
    """Measure, print rows as they end, and write the page if asked; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--year", action="store_true", help="also a whole year of 196,700 packs")
    parser.add_argument("--write", action="store_true", help="put the table into docs/benchmarks.md")
    parser.add_argument("--check", action="store_true", help="exit 1 if a bound is missed")
    given, rows = parser.parse_args(), []
    for part in (commands, years, parts, calibrations):
        for row in part() if part not in (years, parts) or given.year else ():
            rows.append(row)
            print(" | ".join(row.cells()), flush=True)
    if given.write:
        place("benchmarks.md", "cost", table(["what", "measured", "bound"], [row.cells() for row in rows]))
    return 1 if given.check and not all(row.met for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())

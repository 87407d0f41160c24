"""What the flagship comparison costs: time and memory, first and warm, beside their bounds.

    python benchmarks/cost.py [--write] [--check]

--write puts the table into docs/benchmarks.md; --check exits 1 if a bound is missed (only fair on an idle machine).
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
COMPARE = ("compare", "configs/eve-2015-semi-automatic.yaml", "configs/eve-2015-automatic.yaml", "--quiet")


def timed(arguments: tuple[str, ...], cache: str) -> tuple[float, float]:
    """Wall seconds and peak memory [GB] of one command."""
    environment = {**os.environ, "PACKSIM_CACHE_DIR": cache, "PYBAMM_DISABLE_TELEMETRY": "true"}
    begun = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "packsim.cli", *arguments], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"packsim {' '.join(arguments)} failed")
    return time.perf_counter() - begun, usage.ru_maxrss / 1e6


def calibration(target_pct: float, conformance_share: float) -> float:
    """Seconds of one warm calibration of the flagship's baseline to another rate (median of three)."""
    import packsim as ps
    from packsim.cell.plan import plan

    asked = {"target_pct": target_pct, "baseline_conformance_share": conformance_share}
    scenario = ps.load(ROOT / COMPARE[1]).updated({"qualification": asked})
    cell = plan(scenario.cell)
    ps.calibrate(scenario, cell)
    times = []
    for _ in range(3):
        begun = time.perf_counter()
        ps.calibrate(scenario, cell)
        times.append(time.perf_counter() - begun)
    return sorted(times)[1]


def sampling() -> float:
    """Million cells/s of the flagship line on all threads (median of five)."""
    import numpy as np

    import packsim as ps
    from packsim.line.build import build, slot_addresses
    from packsim.line.plan import plan

    scenario = ps.load(ROOT / COMPARE[1])
    line = plan(scenario.line, scenario.slots_per_block)
    addresses = np.concatenate([slot_addresses(block, range(scenario.slots_per_block)) for block in range(50)])
    build(line, 1, addresses)
    times = []
    for _ in range(5):
        begun = time.perf_counter()
        build(line, 1, addresses)
        times.append(time.perf_counter() - begun)
    return len(addresses) / sorted(times)[2] / 1e6


def whole_line() -> float:
    """Million cells/s of the line with everything on (benchmarks/sampling.py), all threads (median of five)."""
    sys.path.insert(0, str(ROOT / "benchmarks"))
    from sampling import line

    from packsim.line.build import build, slot_addresses
    from packsim.line.plan import plan

    cells = 1_000_000
    numbers, addresses = plan(line(), cells), slot_addresses(0, range(cells))
    build(numbers, 1, addresses)
    times = []
    for _ in range(5):
        begun = time.perf_counter()
        build(numbers, 1, addresses)
        times.append(time.perf_counter() - begun)
    return cells / sorted(times)[2] / 1e6


def coupled() -> float:
    """Million equivalent cell-steps/s of 60 packs of 26s7p at 1C, all threads (median of five)."""
    sys.path.insert(0, str(ROOT / "tests"))
    from packs import cell_plan, pack_case

    from packsim.pack.run import run

    case = pack_case(26, 7, 60, cell=cell_plan("Chen2020", 2.5), top_balanced=True)
    run(*case)
    rates = []
    for _ in range(5):
        begun = time.perf_counter()
        outcome = run(*case)
        rates.append(26 * 7 * outcome.simulated_s.sum() / 10.0 / (time.perf_counter() - begun) / 1e6)
    return float(sorted(rates)[2])


def main() -> int:
    """Measure, print `measured | bound`, and write the page if asked; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as cache:
        first, memory = timed(COMPARE, cache)
        rows.append(("compare of the EVE lines, first use after installation", first, "<=", 80.0, "s"))
        warm = sorted(timed(COMPARE, cache) for _ in range(3))[1]
        rows.append(("compare of the EVE lines, warm (median of 3)", warm[0], "<=", 30.0, "s (goal 10)"))
        rows.append(("peak memory", max(memory, warm[1]), "<=", 1.5, "GB"))
        helped = sorted(timed(("--help",), cache)[0] for _ in range(5))[2]
        rows.append(("packsim --help (median of 5)", helped, "<=", 0.5, "s"))
    rows.append(("coupled SPMe 26s7p, 1C, Chen2020", coupled(), ">=", 20.0, "million equivalent cell-steps/s"))
    rows.append(("sampling, line of the EVE scenario", sampling(), ">=", 20.0, "million cells/s"))
    rows.append(("sampling, line with everything on", whole_line(), ">=", 15.0, "million cells/s"))
    for target, share in ((89.8, 0.5), (70.0, 0.05), (70.0, 0.5), (70.0, 1.0), (80.0, 1.0), (99.9, 0.05), (99.9, 1.0)):
        row = f"calibration of the EVE line to {target:g} %, conformance share {share:g}, warm"
        rows.append((row, calibration(target, share), "<=", 10.0, "s"))
    lines = [f"| {name} | {value:.3g} | {sign} {bound:g} {unit} |" for name, value, sign, bound, unit in rows]
    table = "\n".join(["| what | measured | bound |", "|---|---|---|", *lines])
    print(table)
    print(f"peak memory of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")
    if given.write:
        page = ROOT / "docs" / "benchmarks.md"
        head, _, tail = page.read_text(encoding="utf-8").partition("<!-- cost -->")
        tail = tail.partition("<!-- /cost -->")[2]
        machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
        page.write_text(f"{head}<!-- cost -->\n{machine}:\n\n{table}\n<!-- /cost -->{tail}", encoding="utf-8")
    missed = [name for name, value, sign, bound, _ in rows if not (value <= bound if sign == "<=" else value >= bound)]
    for name in missed:
        print(f"MISSED {name}")
    return 1 if given.check and missed else 0


if __name__ == "__main__":
    sys.exit(main())

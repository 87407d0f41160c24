"""Two plants' packs over 8 years: the EVE lines, 500 packs of 96s1p each, for every assumption on what improved.

    python benchmarks/life_field.py [--packs 500] [--shares 0,0.5,1] [--write]

Each share is one `packsim compare --life 8y` in a process of its own: time by the clock, peak memory, reference cycles
and rejected jumps, what became of the packs. Before it a small one compiles. --write puts the tables into docs/life.md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
LINES = ("configs/eve-2015-semi-automatic.yaml", "configs/eve-2015-automatic.yaml")
CHANGES = (  # all assumed
    "pack.parallel=1",
    "packs_per_block=25",
    "line.supplier_lot_cells=2400",  # 20 lots in 500 packs: fewer than 10 give no interval
    "line.roll_cells=480",
    'line.steps.formation.ageing_rate_ratio={"sd_pct":10.0}',
    'pack.bms.balancing={"bleed_ma":20.0}',
)


def compare(packs: int, share: float) -> tuple[dict[str, Any], float, float]:
    """What one comparison says, its seconds and its peak memory [GB]."""
    changes = [word for change in CHANGES for word in ("--set", change)]
    command = [sys.executable, "-m", "packsim.cli", "compare", *LINES, "--life", "8y", "--packs", str(packs), *changes]
    command += ["--set", f"qualification.improvement_conformance_share={share}", "--json", "--quiet"]
    begun = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
    assert process.stdout is not None
    text = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit("packsim compare failed")
    return json.loads(text), time.perf_counter() - begun, usage.ru_maxrss / 1e6


def interval(row: dict[str, Any]) -> str:
    """A value with its 95 % interval."""
    if row["low"] is None:
        return f"{row['value']:.3g} (too few lots to say)"
    return f"{row['value']:.3g} ({row['low']:.3g} to {row['high']:.3g})"


def main() -> None:
    """Measure and print; write the page if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--packs", type=int, default=500)
    parser.add_argument("--shares", default="0,0.5,1")
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    compare(2, 0.5)
    cost = [
        "| `improvement_conformance_share` | s | <= | GB | <= | cycles a pack | <= | rejected a pack |",
        "|" + "---|" * 8,
    ]
    found = [
        "| share | line | failed in 8 years, % | warranty claims, % | worn out | imbalance | other | spread when new, % "
        "| after 8 years |",
        "|" + "---|" * 9,
    ]
    for text in given.shares.split(","):
        result, seconds, memory = compare(given.packs, float(text))
        life = result["life"]
        most = max(life[key]["simulated_cycles"] for key in "ab")
        rejected = max(life[key]["rejected_jumps"] for key in "ab")
        cost.append(f"| {text} | {seconds:.0f} | 180 | {memory:.2f} | 2 | {most:.1f} | 25 | {rejected:.2f} |")
        print(cost[-1], flush=True)
        for key in "ab":
            one, fates = life[key], dict(life[key]["fates"])
            fates.pop("alive", None)
            worn, unbalanced = fates.pop("worn_out", 0), fates.pop("imbalance", 0)
            ages = one["ages"]
            found.append(
                f"| {text} | {result[key]} | {interval(one['summary']['failed_pct'])} "
                f"| {interval(one['summary']['warranty_claims_pct'])} | {worn} | {unbalanced} | {sum(fates.values())} "
                f"| {ages[0]['cell_cv_pct']:.2f} | {ages[-1]['cell_cv_pct']:.2f} |"
            )
            print(found[-1], flush=True)
        for row in life["differences"]:
            real = "" if row["beyond_noise"] else ", within noise"
            change = f"{row['metric']} {row['difference']:+.3g} {row['unit']}{real}"
            print(f"{text}: {change}", flush=True)
            found.append(f"| {text} | difference: {change} " + "| " * 7 + "|")
    machine = (
        f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, {given.packs} packs a line"
    )
    table = "\n".join([f"{machine}; share: `improvement_conformance_share`.", "", *cost, "", *found])
    print("\n" + table)
    if given.write:
        page = ROOT / "docs" / "life.md"
        head, _, tail = page.read_text(encoding="utf-8").partition("<!-- field -->")
        tail = tail.partition("<!-- end of field -->")[2]
        page.write_text(f"{head}<!-- field -->\n{table}\n<!-- end of field -->{tail}", encoding="utf-8")


if __name__ == "__main__":
    main()

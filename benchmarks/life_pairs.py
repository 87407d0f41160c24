"""Two cells in parallel with different resistance: what the mismatch costs of their life, beside the literature.

    python benchmarks/life_pairs.py [--write]

--write puts the table into docs/life.md. Pairs of Chen2020, 29 mOhm each at 10 s, 14 cycles a week 90 % deep (20 at 2C), to
80 % of nominal; one cell has so much more weld resistance. With heat: 0.05 W/K to an ambient of 25 degC for each cell.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from lives import life_of, plan_of  # noqa: E402

from packsim.verdict.field import judge_life  # noqa: E402

CELL_MOHM = 29.0
BEGIN, END = "<!-- pairs -->\n", "<!-- end of pairs -->"


def years(c_rate: float, mismatch_pct: float, heated: bool) -> float:
    """Life of a pair."""
    pack = {"heat": {"ambient_w_per_k": 0.05}} if heated else None
    plan = plan_of(
        1,
        2,
        pack,
        years=30.0,
        cycles_per_week=14.0 if c_rate <= 1.0 else 20.0,
        depth_pct=90.0,
        charge_c_rate=min(c_rate, 1.0),
        discharge_c_rate=c_rate,
        fast_share_pct=0.0,
        tolerance_pct=0.02,
    )
    life = life_of(plan, {"weld_resistance_mohm": [0.01 * mismatch_pct * CELL_MOHM, 0.0]})
    return judge_life(plan, life).years


def table() -> str:
    """The rows as Markdown."""
    lines = ["| discharge | heat | life, even | 10 % mismatch | 20 % mismatch |", "|---|---|---|---|---|"]
    for c_rate in (0.5, 1.0, 2.0):
        for heated in (False, True):
            even = years(c_rate, 0.0, heated)
            costs = [100.0 * (years(c_rate, pct, heated) / even - 1.0) for pct in (10.0, 20.0)]
            how = "own" if heated else "one temperature"
            lines.append(f"| {c_rate:g}C | {how} | {even:.2f} years | {costs[0]:+.1f} % | {costs[1]:+.1f} % |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Print, and with --write keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true")
    found = table()
    print(found)
    if parser.parse_args().write:
        page = ROOT / "docs/life.md"
        text = page.read_text(encoding="utf-8")
        head, _, rest = text.partition(BEGIN)
        page.write_text(head + BEGIN + found + END + rest.partition(END)[2], encoding="utf-8")


if __name__ == "__main__":
    main()

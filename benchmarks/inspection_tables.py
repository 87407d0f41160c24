"""Tables of docs/inspection.md: which test sees which defect, rates of each test, small lots, temperature.

Run: python benchmarks/inspection_tables.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

import packsim as ps
from packsim.inspection import plan as inspection_plans
from packsim.inspection.k_value import robust_limit
from packsim.inspection.rates import TESTS, detectability, k_roc, per_test
from packsim.inspection.temperature import sensitivities
from packsim.inspection.test import test as inspect
from packsim.line.build import build, slot_addresses
from packsim.study.plans import make_plans

CONFIG = Path(__file__).parents[1] / "configs" / "eve-2015-automatic.yaml"
SETS = ("Chen2020", "Prada2013", "Mohtat2020", "Ecker2015", "NCA_Kim2011", "Marquis2019", "OKane2022")
CELLS = 40_000


def main() -> None:
    """Print every table as Markdown."""
    scenario = ps.load(CONFIG)
    plans = make_plans(scenario, scenario.seed)
    print(f"| defect, {CELLS} cells each | " + " | ".join((*TESTS, "any")) + " |")
    print("|---|" + "---|" * 5)
    for name, row in detectability(plans.line, plans.inspection, scenario.seed, CELLS).iterrows():
        print(f"| {name} | " + " | ".join(f"{value:.2f}" for value in row) + " |")

    address = np.concatenate([slot_addresses(block, range(plans.line.slots_per_block)) for block in range(10)])
    measured = inspect(plans.inspection, build(plans.line, scenario.seed, address), scenario.seed)
    print(f"\n| test, {len(address)} cells | false rejects, ppm | escapes, ppm |\n|---|---|---|")
    for name, rates in per_test(plans.inspection, measured).items():
        print(f"| {name} | {rates.false_reject_ppm:.0f} | {rates.escape_ppm:.0f} |")

    print("\n| rest, days | AUC | false alarms at the limit, ppm | detected, % |\n|---|---|---|---|")
    for days in (10.0, 6.0, 2.0, 1.0):
        changed = scenario.updated({"inspection.k_value.rest_days": days})
        inspection = inspection_plans.plan(changed.inspection, plans.cell, plans.line)
        roc = k_roc(plans.line, inspection, scenario.seed, 10 * CELLS)
        print(f"| {days:g} | {roc.auc:.4f} | {1e6 * roc.at_limit[0]:.1f} | {100 * roc.at_limit[1]:.1f} |")

    sizes, sigmas, rng = (3, 5, 7, 10, 20, 30, 60, 100, 300), (3.5, 4.5, 6.0), np.random.default_rng(1)
    print("\n| cells in the lot | " + " | ".join(f"{k:g} sigmas" for k in sigmas) + " |\n|---|" + "---|" * len(sigmas))
    for size in sizes:
        x = rng.standard_normal((3_000_000 // size, size))
        middle = np.array(np.median(x, axis=1))
        spread = 1.4826 * np.median(np.abs(x - middle[:, None]), axis=1)
        assert abs(robust_limit(x[0], 1.0) - middle[0] - spread[0]) < 1e-12
        shares = [1e6 * float((x > (middle + k * spread)[:, None]).mean()) for k in sigmas]
        print(f"| {size} | " + " | ".join(f"{share:.0f}" for share in shares) + " |")

    print("\n| set | capacity, %/K | DCIR, %/K |\n|---|---|---|")
    for name in SETS:
        cell = scenario.cell.model_copy(update={"parameter_set": name, "capacity_ah": None})
        found = sensitivities(scenario.inspection, cell, plans.line)
        print(f"| {name} | {found.capacity_pct_per_k:+.3f} | {found.dcir_pct_per_k:+.2f} |")


if __name__ == "__main__":
    main()

"""As-built cells are the plain twin's, the same to the bit however they are asked for, and spread as the scenario says."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import naive_line
import numba
import numpy as np
import pytest
from scipy import stats

from packsim.cell.traits import INDEX, TRAITS
from packsim.line import plan as plans
from packsim.line.build import build, slot_addresses
from packsim.line.defects import BIT, DEFECTS
from packsim.scenario.line import LineModel

if TYPE_CHECKING:
    from collections.abc import Callable

SLOTS = 480
FALSE_ALARM = 1e-6  # of each statistical bound below, seeds being fixed


def model(lot: int = 240, roll: int = 24, rate_ppm: float = 60_000.0, **spread: Any) -> LineModel:
    steps: dict[str, Any] = {}
    for k, trait in enumerate(TRAITS):
        own: dict[str, Any] = {"sd_pct": 1.0 + 0.1 * k, "between_lot_share": 0.3, "between_roll_share": 0.2, **spread}
        if trait.unit != "1":
            own |= {
                "nominal": 0.4 if trait.name.startswith("weld") else 8.0,
                "distribution": "lognormal",
                "sd_pct": 25.0,
            }
        steps.setdefault(trait.step, {})[trait.name] = own
    steps["cutting"]["coated_area_ratio"] = {"cpk": 1.1, "tolerance_pct": 2.0, "offset_pct": -0.3}
    steps["filling"]["electrolyte_fill_ratio"] = {
        "first_pass_yield_pct": 98.0,
        "tolerance_pct": 1.5,
        "offset_pct": 0.4,
        "between_lot_share": 0.5,
    }
    size = {"leakage_ua": 90.0, "resistance_mohm": 3.0, "extra_formation_loss_pct": 60.0}
    defects = {
        d.name: {"rate_ppm": rate_ppm, d.severity: size.get(d.severity, 5.0), "spread_factor": 1.8} for d in DEFECTS
    }
    return LineModel.model_validate({"supplier_lot_cells": lot, "roll_cells": roll, "steps": steps, "defects": defects})


def scattered(n: int, seed: int = 0) -> np.ndarray:
    draw = np.random.default_rng(seed)
    return np.stack([draw.integers(0, 50, n), draw.integers(0, SLOTS, n), draw.integers(0, 4, n)], axis=1)


@pytest.mark.parametrize(("lot", "roll"), [(240, 24), (480, 480), (1440, 96), (1440, 720)])
def test_cells_are_those_of_the_plain_twin(report: Callable[..., None], lot: int, roll: int) -> None:
    line, seed = model(lot, roll), 2**40 + 7
    cells = build(plans.plan(line, SLOTS), seed, scattered(150))
    worst, differ = 0.0, 0
    for j, address in enumerate(cells.address.tolist()):
        values, mask, number, *_ = naive_line.built(line, SLOTS, seed, tuple(address))
        differ += (mask, number) != (int(cells.defect[j]), int(cells.lot[j]))
        worst = max(worst, *(abs(cells.values[INDEX[name], j] / value - 1.0) for name, value in values.items()))
    report(f"line, lot {lot} roll {roll}: traits off the plain twin", worst, 2e-6)  # normals: 2e-6 sigma
    report(f"line, lot {lot} roll {roll}: lots or defects that differ", differ, 0, "of 150", "==")


def test_bits_do_not_depend_on_threads_chunks_or_order(report: Callable[..., None]) -> None:
    plan = plans.plan(model(), SLOTS)
    addresses = np.concatenate([slot_addresses(3, range(SLOTS)), scattered(3000), slot_addresses(9, range(7, 300), 2)])
    whole = build(plan, 5, addresses)
    before, differ = numba.get_num_threads(), 0
    try:
        numba.set_num_threads(1)
        differ += not np.array_equal(build(plan, 5, addresses).values, whole.values)
    finally:
        numba.set_num_threads(before)
    for rows in (
        slice(1, None),
        slice(1000, 1003),
        slice(0, 1025),
        np.random.default_rng(1).permutation(len(addresses)),
    ):
        part = build(plan, 5, np.ascontiguousarray(addresses[rows]))
        differ += not np.array_equal(part.values, whole.values[:, rows])
        differ += not (np.array_equal(part.lot, whole.lot[rows]) and np.array_equal(part.defect, whole.defect[rows]))
    report("line: ways of asking that change a bit", differ, 0, "of 9", "==")


def test_variance_components_come_back(report: Callable[..., None]) -> None:
    """Nested analysis of variance over 600 lots of 10 rolls; chi-square bounds at the stated false-alarm probability."""
    lots, rolls, each = 600, 10, 24
    plan = plans.plan(model(rolls * each, each, 0.0), SLOTS)
    addresses = np.concatenate([slot_addresses(block, range(SLOTS)) for block in range(lots // 2)])
    x = build(plan, 11, addresses).values[INDEX["anode_loading_ratio"]].reshape(lots, rolls, each)
    sd = 0.011
    within = x.var(axis=2, ddof=1).mean()
    roll = each * x.mean(axis=2).var(axis=1, ddof=1).mean()
    lot = each * rolls * x.mean(axis=(1, 2)).var(ddof=1)
    expected = sd**2 * np.array([0.5, 0.5 + 0.2 * each, 0.5 + 0.2 * each + 0.3 * each * rolls])
    freedom = (lots * rolls * (each - 1), lots * (rolls - 1), lots - 1)
    for name, got, want, df in zip(("within", "roll", "lot"), (within, roll, lot), expected, freedom, strict=True):
        bound = stats.chi2.ppf(1.0 - FALSE_ALARM / 2, df) / df - 1.0
        report(f"variance components: mean square of {name} off", abs(got / want - 1.0), bound)


def test_lognormal_keeps_mean_and_sd(report: Callable[..., None]) -> None:
    n = 400_000
    plan = plans.plan(model(1, 1, 0.0, between_lot_share=0.0, between_roll_share=0.0), n)
    x = build(plan, 3, slot_addresses(0, range(n))).values[INDEX["leakage_ua"]]
    z = -stats.norm.ppf(FALSE_ALARM / 2)
    report("lognormal: mean off", abs(x.mean() - 8.0), z * 2.0 / math.sqrt(n), "uA")
    excess = math.sqrt(np.mean((x - x.mean()) ** 4) / x.var() ** 2 - 1.0)
    report("lognormal: sd off", abs(x.std() / 2.0 - 1.0), z * excess / 2.0 / math.sqrt(n))
    report("lognormal: smallest value", x.min(), 0.0, "uA", ">")


def test_defects_come_at_their_rate_and_severity(report: Callable[..., None]) -> None:
    n, rate = 500_000, 0.02
    plan = plans.plan(model(1, 1, 1e6 * rate), n)
    cells = build(plan, 8, slot_addresses(0, range(n)))
    clean = build(plans.at_rates(plan, np.zeros(len(DEFECTS))), 8, slot_addresses(0, range(n)))
    z = -stats.norm.ppf(FALSE_ALARM / 2)
    for k, defect in enumerate(DEFECTS):
        only = cells.defect == BIT[defect.name]
        share = float(((cells.defect >> k) & 1).mean())
        report(f"{defect.name}: rate off", abs(share - rate), z * math.sqrt(rate * (1 - rate) / n))
        after, before = cells.values[INDEX[defect.trait], only], clean.values[INDEX[defect.trait], only]
        logs = np.log((after - before) if defect.mode == 0 else (1.0 - after / before))
        median = math.log(plan.severity[k])
        report(f"{defect.name}: log severity off", abs(logs.mean() - median), z * math.log(1.8) / math.sqrt(logs.size))
        report(f"{defect.name}: log sd off", abs(logs.std() / math.log(1.8) - 1.0), z / math.sqrt(2 * logs.size))


def test_candidates_share_lot_and_roll() -> None:
    plan = plans.plan(model(), SLOTS)
    still = plans.at_rates(plan._replace(sd_within=np.zeros_like(plan.sd_within)), np.zeros(len(DEFECTS)))
    first, later = (build(still, 2, slot_addresses(4, range(SLOTS), candidate)) for candidate in (0, 3))
    assert np.array_equal(first.values, later.values)
    assert np.array_equal(first.lot, later.lot)


def test_rolls_end_with_the_blocks_of_their_lot(report: Callable[..., None]) -> None:
    """A lot that is no whole number of blocks is rounded down to them; cells built together are those built alone."""
    model = LineModel.model_validate(
        {
            "supplier_lot_cells": 50,
            "roll_cells": 50,
            "steps": {"cutting": {"coated_area_ratio": {"sd_pct": 1.0, "between_lot_share": 0.5}}},
        }
    )
    plan = plans.plan(model, 28)  # one block a lot
    addresses = np.concatenate([slot_addresses(block, range(28)) for block in range(6)])
    together = build(plan, 1, addresses)
    alone = [build(plan, 1, addresses[k : k + 1].copy()) for k in range(len(addresses))]
    differ = sum(
        int(a.lot[0] != together.lot[k]) + int(a.values[4, 0] != together.values[4, k]) for k, a in enumerate(alone)
    )
    report("rolls cut short by their blocks: cells that differ when built alone", differ, 0, "", "==")
    report("their lots", len(np.unique(together.lot)), 6, "", "==")

"""Spreads become standard deviations; factors turn them; defects have one declaration."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm

from packsim.cell.traits import INDEX, TRAIT_NAMES
from packsim.line import plan as plans
from packsim.line import size
from packsim.line.build import build, slot_addresses
from packsim.line.defects import BIT, DEFECTS, defect_names
from packsim.scenario.line import Defects, LineModel, Spread
from packsim.scenario.traits import STEPS


def line(**changes) -> LineModel:
    base = {
        "supplier_lot_cells": 10,
        "roll_cells": 5,
        "steps": {"cutting": {"coated_area_ratio": {"sd_pct": 1.0, "between_lot_share": 0.25}}},
        "defects": {"weld_void": {"rate_ppm": 200_000, "resistance_mohm": 2.0}},
    }
    return LineModel.model_validate(base | changes)


def test_cpk_counts_the_nearer_limit():
    for offset in (-1.0, 0.0, 1.0):
        spread = Spread(cpk=1.33, tolerance_pct=3.0, offset_pct=offset)
        assert size.sd_pct(spread) == pytest.approx((3.0 - abs(offset)) / (3 * 1.33), rel=1e-14)


@pytest.mark.parametrize("yield_pct", [1e-3, 5.0, 50.0, 90.0, 99.73, 99.9999, 99.9999999])
@pytest.mark.parametrize("offset", [-0.9, 0.0, 0.5, 1.999])
def test_yield_comes_back_from_its_sd(yield_pct, offset):
    sd = size.sd_pct(Spread(first_pass_yield_pct=yield_pct, tolerance_pct=2.0, offset_pct=offset))
    missed = norm.sf((2.0 - offset) / sd) + norm.cdf((-2.0 - offset) / sd)
    assert missed == pytest.approx(1.0 - yield_pct / 100.0, rel=1e-8, abs=1e-12)


def test_factors_turn_every_sd_and_every_rate():
    one, two = plans.plan(line(), 20), plans.plan(line(), 20, sd_factor=2.0, defect_factor=0.5)
    row = INDEX["coated_area_ratio"]
    assert two.sd_within[row] == pytest.approx(2.0 * one.sd_within[row])
    assert two.sd_lot[row] == pytest.approx(2.0 * one.sd_lot[row])
    assert two.mean[row] == one.mean[row] == 1.0
    assert two.probability == pytest.approx(0.5 * one.probability)
    assert one.sd_lot[row] ** 2 + one.sd_within[row] ** 2 == pytest.approx(1e-4)


def test_rates_above_one_are_refused():
    assert plans.largest_defect_factor(line()) == pytest.approx(5.0)
    assert plans.largest_defect_factor(line(defects={})) == math.inf
    assert plans.plan(line(), 20, defect_factor=5.0).probability.max() == pytest.approx(1.0)
    with pytest.raises(ValueError, match=r"within 0\.\.5"):
        plans.plan(line(), 20, defect_factor=5.01)
    with pytest.raises(ValueError, match="sd_factor"):
        plans.plan(line(), 20, sd_factor=-1.0)


def test_more_defects_only_add_to_those_there_were():
    few, many = (
        build(plans.plan(line(), 20, defect_factor=factor), 1, slot_addresses(0, range(20))) for factor in (0.5, 3.0)
    )
    assert not np.any(few.defect & ~many.defect)


def test_certain_and_impossible_defects():
    for ppm, share in ((1e6, 1.0), (0.0, 0.0)):
        plan = plans.plan(line(defects={"weld_void": {"rate_ppm": ppm, "resistance_mohm": 2.0}}), 20)
        cells = build(plan, 1, slot_addresses(0, range(20)))
        assert (cells.defect != 0).mean() == share
        assert np.all(cells.values[INDEX["weld_resistance_mohm"]] == 2.0 * share)


def test_no_trait_is_negative_and_losses_are_bounded():
    wild = line(
        steps={"cutting": {"coated_area_ratio": {"sd_pct": 100.0}}},
        defects={"coating_defect": {"rate_ppm": 5e5, "area_loss_pct": 80.0, "spread_factor": 10.0}},
    )
    area = build(plans.plan(wild, 1000), 1, slot_addresses(0, range(1000))).values[INDEX["coated_area_ratio"]]
    assert area.min() == 0.0
    assert np.all(np.isfinite(area))


def test_what_does_not_spread_is_nominal():
    cells = build(plans.plan(line(steps={}, defects={}), 20), 1, slot_addresses(0, range(20)))
    assert np.all(cells.values == plans.plan(line(steps={}), 20).nominal[:, None])


def test_defects_are_those_of_the_scenario():
    assert [defect.name for defect in DEFECTS] == list(Defects.model_fields)
    for defect in DEFECTS:
        kind = Defects.model_fields[defect.name].annotation
        assert defect.severity in next(k for k in kind.__args__ if k is not type(None)).model_fields
        assert defect.trait in TRAIT_NAMES
        assert defect.step in STEPS
    assert defect_names(BIT["weld_void"] | BIT["moisture"]) == ("weld_void", "moisture")


def test_addresses_must_be_whole_numbers_by_three():
    plan = plans.plan(line(), 20)
    for wrong in (np.zeros((2, 3)), np.zeros((2, 2), np.int64), np.zeros(3, np.int64)):
        with pytest.raises(ValueError, match=r"int64\[n, 3\]"):
            build(plan, 1, wrong)
    assert len(build(plan, 1, np.zeros((0, 3), np.int64))) == 0


def test_a_line_that_is_not_inspected_scraps_nothing_and_keeps_its_defects() -> None:
    steps = {"welding": {"inspection": {"on_reject": "rework", "rework_yield_pct": 60.0}}}
    model = line(steps=steps | line().model_dump(exclude_unset=True)["steps"])
    inspected = plans.plan(model, 200)
    certain = np.array([1.0 if defect.name == "weld_void" else 0.0 for defect in DEFECTS])
    for plan, kept in ((plans.uninspected(inspected), 200), (inspected, 0)):
        cells = build(plans.at_rates(plan, certain), 3, slot_addresses(0, range(200)))
        assert np.count_nonzero(cells.defect == BIT["weld_void"]) == kept + np.count_nonzero(cells.scrapped >= 0)
        assert (np.count_nonzero(cells.scrapped >= 0) == 0) == (kept == 200)

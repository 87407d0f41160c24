"""Limits, causes, filling and grading, on a table cell whose capacity is its area."""

from __future__ import annotations

import math

import numpy as np
import pytest

from packsim.cell.cell import Cell
from packsim.cell.plan import CellPlan
from packsim.cell.table.table_cell import TableCell
from packsim.inspection import plan as plans
from packsim.inspection import test as eol
from packsim.inspection.fill import OutOfCandidates, fill
from packsim.inspection.grade import grade
from packsim.line import plan as line_plans
from packsim.line.build import build, slot_addresses
from packsim.scenario.inspection import InspectionModel
from packsim.scenario.line import LineModel

SLOTS = 240
CELL = Cell(TableCell(2.5, np.array([0.0, 1.0]), np.array([3.0, 4.0]), 10.0))


def line(**area) -> line_plans.LinePlan:
    model = {
        "supplier_lot_cells": 60,
        "roll_cells": 20,
        "steps": {
            "cutting": {"coated_area_ratio": {"sd_pct": 1.0} | area},
            "formation": {"leakage_ua": {"nominal": 20.0, "sd_pct": 20.0, "between_lot_share": 0.5}},
        },
        "defects": {"weld_void": {"rate_ppm": 50_000, "resistance_mohm": 30.0}},
    }
    return line_plans.plan(LineModel.model_validate(model), SLOTS)


def inspection(line_plan: line_plans.LinePlan, **changes) -> plans.InspectionPlan:
    base = {"capacity": {"lower_pct": 98.0, "upper_pct": 102.0, "gauge_sd_pct": 0.2}, "ocv": {"meter_sd_mv": 0.1}}
    base |= {"dcir": {"upper_pct": 150.0}}
    model = InspectionModel.model_validate({k: base.get(k, {}) | changes.get(k, {}) for k in base | changes})
    return plans.plan(model, CellPlan("table", CELL.design, CELL.nominal_capacity_ah), line_plan)


def test_nominal_cell_is_the_reference():
    plan = inspection(line())
    resistance = 1e-2 + 10.0 / 3600.0 / 2.5  # and the fall of the OCV over 10 s at 1C: 2.5 A x 10 s of 2.5 Ah per volt
    assert plan.nominal_dcir_mohm == pytest.approx(1e3 * resistance, rel=1e-4)
    assert plan.nominal_capacity_ah == pytest.approx(2.5 * (1 - 1.25e-2), rel=1e-4)
    assert plan.capacity_ah == pytest.approx((0.98 * plan.nominal_capacity_ah, 1.02 * plan.nominal_capacity_ah))
    assert plan.dcir_mohm == (-math.inf, pytest.approx(1.5 * plan.nominal_dcir_mohm))
    assert plan.ocv_v == (-math.inf, math.inf)


def test_factor_on_spreads_leaves_the_references():
    model = LineModel.model_validate(
        {"supplier_lot_cells": 60, "roll_cells": 20, "steps": {"cutting": {"coated_area_ratio": {"sd_pct": 1.0}}}}
    )
    one, two = (inspection(line_plans.plan(model, SLOTS, sd_factor=factor)) for factor in (1.0, 3.0))
    assert one.capacity_ah == two.capacity_ah


def test_every_cause_has_its_own_sentence():
    sentences = [cause.sentence for cause in eol.Cause]
    assert len(set(sentences)) == len(sentences) == 9
    assert all(sentence and "\n" not in sentence for sentence in sentences)


@pytest.mark.parametrize(
    ("limits", "cause"),
    [
        ({"capacity": {"lower_pct": 99.0}}, eol.Cause.CAPACITY_LOW),
        ({"capacity": {"upper_pct": 101.0}}, eol.Cause.CAPACITY_HIGH),
        ({"dcir": {"lower_pct": 99.5}}, eol.Cause.DCIR_LOW),
        ({"dcir": {"upper_pct": 100.5}}, eol.Cause.DCIR_HIGH),
        ({"ocv": {"lower_mv": -0.5}}, eol.Cause.OCV_LOW),
        ({"ocv": {"upper_mv": 0.5}}, eol.Cause.OCV_HIGH),
        ({"k_value": {"upper_mv_per_day": 0.2}}, eol.Cause.K_VALUE),
    ],
)
def test_a_limit_rejects_for_its_cause_only(limits, cause):
    line_plan = line()
    model = InspectionModel.model_validate(limits)
    plan = plans.plan(model, CellPlan("table", CELL.design, CELL.nominal_capacity_ah), line_plan)
    m = eol.test(plan, build(line_plan, 1, slot_addresses(0, range(SLOTS))), 1)
    assert set(m.cause.tolist()) == {int(eol.Cause.NONE), int(cause)}
    assert np.array_equal(m.accepted, m.cause == 0)


def test_no_limits_reject_nothing():
    line_plan = line()
    plan = plans.plan(InspectionModel(), CellPlan("table", CELL.design, CELL.nominal_capacity_ah), line_plan)
    assert eol.test(plan, build(line_plan, 1, slot_addresses(0, range(SLOTS))), 1).accepted.all()


def test_relative_k_limit_is_of_the_lots_first_candidates():
    line_plan = line()
    plan = inspection(line_plan, k_value={"upper_robust_sigmas": 2.0})
    filled = fill(line_plan, plan, 3, 5, SLOTS, 100)
    m, cells = filled.measured, filled.cells
    for lot in np.unique(cells.lot):
        own = cells.lot == lot
        first = m.k_value_mv_per_day[own & (cells.address[:, 2] == 0)]
        limit = np.median(first) + 2.0 * 1.4826 * np.median(np.abs(first - np.median(first)))
        assert m.k_limit_mv_per_day[own] == pytest.approx(limit, rel=1e-12)
    assert (m.cause == eol.Cause.K_VALUE).any()


def test_each_place_gets_its_first_passing_candidate():
    line_plan = line()
    plan = inspection(line_plan)
    filled = fill(line_plan, plan, 3, 5, SLOTS, 100)
    cells, m = filled.cells, filled.measured
    assert len(cells) == len(m)
    assert np.array_equal(cells.address[filled.chosen, 1], np.arange(SLOTS))
    assert m.accepted[filled.chosen].all()
    assert m.accepted.sum() == SLOTS
    order = np.lexsort((cells.address[:, 1], cells.address[:, 2]))
    assert np.array_equal(order, np.arange(len(cells)))
    alone = eol.test(plan, build(line_plan, 3, cells.address), 3)
    assert np.array_equal(alone.capacity_ah, m.capacity_ah)
    again = m.take(filled.chosen)
    assert np.array_equal(again.window, m.window[:, filled.chosen])


def test_fewer_places_hold_the_same_cells():
    line_plan = line()
    plan = inspection(line_plan)
    few, many = fill(line_plan, plan, 3, 5, 60, 100), fill(line_plan, plan, 3, 5, SLOTS, 100)
    assert np.array_equal(few.cells.address[few.chosen], many.cells.address[many.chosen[:60]])


def test_running_out_of_candidates_names_cause_and_step():
    line_plan = line(offset_pct=5.0)
    with pytest.raises(OutOfCandidates) as error:
        fill(line_plan, inspection(line_plan), 3, 5, SLOTS, 4)
    text = str(error.value)
    assert "\n" not in text
    for part in ("block 5", "4 candidates", "capacity above its upper limit", "coated_area_ratio", "cutting"):
        assert part in text


def test_running_out_because_of_a_defect_names_it():
    model = {
        "supplier_lot_cells": 60,
        "roll_cells": 20,
        "defects": {"weld_void": {"rate_ppm": 999_000, "resistance_mohm": 30.0}},
    }
    line_plan = line_plans.plan(LineModel.model_validate(model), SLOTS)
    with pytest.raises(OutOfCandidates, match=r"capacity below.*defect weld_void \(step welding\)"):
        fill(line_plan, inspection(line_plan), 3, 5, SLOTS, 2)


@pytest.mark.parametrize("matching", ["in_order", "capacity_bins", "sorted"])
def test_grading_is_a_permutation(matching):
    plan = inspection(line(), grading={"matching": matching, "capacity_bins": 4})
    low, high = plan.capacity_ah
    capacity = np.random.default_rng(1).uniform(low, high, 48)
    order = grade(plan, capacity, 4, 12)
    assert order.shape == (4, 12)
    assert np.array_equal(np.sort(order.ravel()), np.arange(48))
    graded = capacity[order.ravel()]
    bins = np.minimum((4 * (graded - low) / (high - low)).astype(int), 3)
    if matching == "in_order":
        assert np.array_equal(order.ravel(), np.arange(48))
    elif matching == "sorted":
        assert np.all(np.diff(graded) >= 0.0)
    else:
        assert np.all(np.diff(bins) >= 0)
        assert all(np.all(np.diff(order.ravel()[bins == b]) > 0) for b in range(4))


def test_equal_cells_keep_their_order():
    plan = inspection(line(), grading={"matching": "sorted"})
    assert np.array_equal(grade(plan, np.full(6, 2.5), 2, 3).ravel(), np.arange(6))
    with pytest.raises(ValueError, match="need 6 cells"):
        grade(plan, np.full(5, 2.5), 2, 3)

"""What calibration is asked for, what it refuses, and that one line says what would do."""

from __future__ import annotations

import numpy as np
import pytest
from scenarios import small

from packsim.cell import plan as cell_plans
from packsim.inspection.process import spread_groups, spread_slots, with_defects
from packsim.line import plan as line_plans
from packsim.line.build import build
from packsim.study.calibrate import CalibrationError, calibrate


@pytest.fixture(scope="module")
def cell():
    return cell_plans.plan(small().cell)


def asked(**qualification):
    return small().updated({"qualification": {"target_pct": 90.0} | qualification})


def refused(scenario, cell) -> str:
    with pytest.raises(CalibrationError) as error:
        calibrate(scenario, cell)
    text = str(error.value)
    assert "\n" not in text
    assert text.startswith("qualification: ")
    return text


def test_negative_conformance_rejects_are_refused_with_the_range(cell):
    text = refused(
        asked(
            target_pct=92.0,
            baseline_pct=89.8,
            baseline_conformance_share=0.05,
            improvement_conformance_share=1.0,
        ),
        cell,
    )
    assert "without a defect is negative" in text
    assert "improvement_conformance_share needs 0 to 0.2318, not 1" in text


def test_negative_defect_rejects_are_refused_with_the_range(cell):
    text = refused(asked(target_pct=92.0, baseline_pct=89.8, baseline_conformance_share=1.0), cell)
    assert "with a defect is negative" in text
    assert "needs 1 to 1, not 0.5" in text


def test_too_many_defect_rejects_are_refused_with_the_range(cell):
    faint = {"line.defects": {"misalignment": {"rate_ppm": 30_000, "overlap_loss_pct": 0.1}}}
    text = refused(asked(target_pct=60.0, baseline_conformance_share=0.05).updated(faint), cell)
    assert "with a defect cannot be reached, these defects can give 0 to" in text


def test_no_defects_give_no_defect_rejects(cell):
    scenario = asked().updated({"line.defects": {}})
    assert "these defects can give 0 to 0.000 %" in refused(scenario, cell)


def test_no_spread_gives_no_conformance_rejects(cell):
    scenario = asked(baseline_conformance_share=1.0).updated({"line.steps": {}})
    assert "without a defect cannot be reached, spreads can give" in refused(scenario, cell)


def test_too_few_conformance_rejects_for_the_gauge_are_refused(cell):
    scenario = asked(target_pct=99.9, baseline_conformance_share=1.0).updated(
        {"inspection.capacity.gauge_sd_pct": 3.0, "line.defects": {}}
    )
    assert "spreads can give 31.7" in refused(scenario, cell)  # 3 % limits, 3 % gauge: beyond one sigma


def test_only_conformance_needs_no_defects(cell):
    found = calibrate(asked(baseline_conformance_share=1.0), cell)
    assert found.defect_factor == 0.0
    assert found.defect_reject_pct == 0.0
    assert found.qualification_rate_pct == pytest.approx(90.0, abs=0.02)


def test_only_defects_need_no_spread(cell):
    scenario = asked(
        target_pct=97.0, baseline_pct=96.0, baseline_conformance_share=0.25, improvement_conformance_share=1.0
    )
    assert scenario.qualification.conformance_reject_pct == 0.0
    exact = scenario.updated({"inspection.capacity.gauge_sd_pct": 0.1, "inspection.dcir.gauge_sd_pct": 0.1})
    found = calibrate(exact, cell)
    assert found.sd_factor == 0.0
    assert found.conformance_reject_pct == pytest.approx(0.0, abs=5e-3)
    assert found.defect_reject_pct == pytest.approx(3.0, abs=0.02)


def test_the_same_twice(cell):
    wanted = asked(target_pct=99.0)
    assert calibrate(wanted, cell) == calibrate(wanted.updated({"seed": 5, "name": "other"}), cell)


def test_without_a_qualification_there_is_nothing_to_reach(cell):
    with pytest.raises(ValueError, match="qualification"):
        calibrate(small(), cell)


def test_a_line_whose_every_cell_has_two_defects():
    plan = line_plans.plan(small().line, 48)
    assert with_defects(plan, (0, 2)).probability.tolist() == [1.0, 0.0, 1.0, 0.0, 0.0, 0.0]
    assert with_defects(plan, ()).probability.tolist() == [0.0] * 6


def line_of(lot: int, roll: int):
    return line_plans.plan(small().line.model_copy(update={"supplier_lot_cells": lot, "roll_cells": roll}), 48)


@pytest.mark.parametrize(("lot", "roll"), [(12, 4), (20, 4), (48, 8), (100, 20), (144, 24)])
def test_each_slot_is_in_a_lot_of_its_own_and_no_place_is_preferred(lot, roll):
    plan, n = line_of(lot, roll), 20_000
    address = spread_slots(plan, n)
    assert np.unique(build(plan, 1, address).lot).size == n
    span = plan.blocks_per_lot * plan.slots_per_block
    place = address[:, 0] % plan.blocks_per_lot * plan.slots_per_block + address[:, 1]
    assert np.abs(np.bincount(place, minlength=span) - n / span).max() <= 3.0
    beside = spread_slots(plan, n, 4)
    assert np.unique(build(plan, 1, beside).lot).size == n // 4
    place = beside[:, 0] % plan.blocks_per_lot * plan.slots_per_block + beside[:, 1]
    assert np.abs(np.bincount(place, minlength=span) - n / span).max() <= 8.0
    assert np.unique(np.stack([beside[:, 0] // plan.blocks_per_lot, place // roll]), axis=1).shape[1] == n // 4


@pytest.mark.parametrize(
    ("lot", "roll", "per_group", "size"),
    [
        (12, 4, 1024, {48}),
        (20, 4, 30, {40, 8}),
        (12, 4, 6, {6}),
        (48, 8, 1024, {48}),
        (144, 24, 10, {10}),
        (24, 8, 1, {1}),
    ],
)
def test_groups_hold_neighbours_of_one_block(lot, roll, per_group, size):
    plan = line_of(lot, roll)
    groups = spread_groups(plan, 9600, per_group)
    cells = build(plan, 1, groups.address)
    assert np.unique(groups.address, axis=0).shape == groups.address.shape
    assert set(np.bincount(groups.group).tolist()) == size
    starts = np.flatnonzero(np.diff(groups.group, prepend=-1))
    assert np.array_equal(cells.address[:, 0], cells.address[starts, 0][groups.group])  # one block
    assert np.unique(cells.lot[starts]).size == groups.groups  # lots of their own
    if per_group <= lot:
        assert np.array_equal(cells.lot, cells.lot[starts][groups.group])  # one lot

"""Rules between the keys of the inspection, and what its plan refuses."""

from __future__ import annotations

from typing import Any

import pytest
from inspections import plan_of
from pydantic import ValidationError

from packsim.scenario.errors import NominalCellError
from packsim.scenario.inspection import InspectionModel


@pytest.mark.parametrize(
    ("blocks", "said"),
    [
        ({"k_value": {"upper_robust_sigmas": 4.0, "guard_band_sigmas": 1.0}}, "holds the noise already"),
        ({"capacity": {"retest": {"times": 6}}}, "less than or equal to 5"),
        ({"dcir": {"retest": {"times": 1, "decide": "best"}}}, "'last', 'mean' or 'any'"),
        ({"grading": {"matching": "random_in_bin"}}, "1, or both capacity.lower_pct and capacity.upper_pct"),
        ({"grading": {"whole_packs": True}}, "1, or both capacity.lower_pct"),
        ({"grading": {"dcir_bins": 2}, "dcir": {"upper_pct": 110.0}}, "1, or both dcir.lower_pct and dcir.upper_pct"),
        ({"grading": {"ocv_bins": 2}}, "1, or both ocv.lower_mv and ocv.upper_mv"),
        ({"grading": {"k_bins": 2}, "k_value": {"upper_robust_sigmas": 4.0}}, "1, or k_value.upper_mv_per_day"),
    ],
)
def test_combinations_that_are_refused(blocks: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said.replace(".", r"\.")):
        InspectionModel.model_validate(blocks)


@pytest.mark.parametrize("matching", ["sorted", "snake", "greedy_conductance", "in_order"])
def test_ways_without_bins_need_no_limits(matching: str) -> None:
    assert plan_of(grading={"matching": matching}).grades.matching == matching
    assert plan_of(grading={"matching": "random_in_bin", "capacity_bins": 1}).grades.bin_count == 1


def test_guard_bands_move_the_limits_of_readings_alone() -> None:
    tests = {"capacity": {"lower_pct": 98.0, "upper_pct": 102.0, "gauge_sd_pct": 0.3, "channel_sd_pct": 0.4}}
    plain, guarded = plan_of(**tests), plan_of(capacity=tests["capacity"] | {"guard_band_sigmas": 2.0})
    band = 2.0 * 0.005 * plain.nominal_capacity_ah
    assert guarded.capacity_ah == pytest.approx((plain.capacity_ah[0] + band, plain.capacity_ah[1] - band), rel=1e-12)
    assert guarded.capacity_spec_ah == plain.capacity_spec_ah == plain.capacity_ah
    assert plain.grades.spans == guarded.grades.spans


@pytest.mark.parametrize(
    "blocks",
    [
        {"capacity": {"lower_pct": 99.0, "upper_pct": 101.0, "gauge_sd_pct": 1.0, "guard_band_sigmas": 1.0}},
        {"ocv": {"meter_sd_mv": 1.0}, "k_value": {"upper_mv_per_day": 0.2, "guard_band_sigmas": 1.0}},
    ],
)
def test_a_guard_band_that_leaves_nothing_is_refused_in_one_line(blocks: dict[str, Any]) -> None:
    with pytest.raises(NominalCellError, match="guard band") as error:
        plan_of(**blocks)
    assert "\n" not in str(error.value)


def test_gauges_left_out_are_zero() -> None:
    plan = plan_of()
    assert (plan.capacity_sd_ah, plan.dcir_sd_mohm, plan.meter_sd_v, plan.k_noise_sd_mv_per_day) == (0.0,) * 4
    assert not plan.disturbed
    one = plan_of(capacity={"gauge_sd_pct": 0.1}, ocv={"meter_sd_mv": 0.1})
    assert one.capacity_sd_ah == 0.1 / 100.0 * one.nominal_capacity_ah  # to the bit: calibration rests on it
    assert one.meter_sd_v == 1e-3 * 0.1

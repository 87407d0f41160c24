"""Verdicts and attribution on outcomes whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from packs import cell_plan, fleet_of, pack_case

from packsim.cell.cell import window_of
from packsim.cell.traits import INDEX
from packsim.pack.fleet.run import of_outcome
from packsim.pack.run import empty_outcome, run
from packsim.scenario.pack import VerdictModel
from packsim.verdict.attribution import CHARGE, DISCHARGE, PARTS, attribute
from packsim.verdict.causes import Verdict
from packsim.verdict.judge import judge

AREA = INDEX["coated_area_ratio"]


def judged(series=3, parallel=2, model=None, **arrays):
    plan = fleet_of(pack_case(series, parallel, cell=cell_plan("Chen2020", 2.5)))
    out = empty_outcome(1, series)
    out.usable_ah[:], out.energy_wh[:] = 2.0 * parallel, 7.0 * parallel * series
    out.soc_full[:] = 1.0
    nominal = of_outcome(plan, empty_outcome(1, series), np.zeros((1, series)))
    nominal.usable_ah[:], nominal.energy_wh[:] = out.usable_ah, out.energy_wh
    for name, value in arrays.items():
        getattr(out, name)[:] = value
    return judge(of_outcome(plan, out, np.zeros((1, series))), plan, model or VerdictModel(), nominal)


def test_a_pack_of_nominal_cells_is_good():
    found = judged()
    assert Verdict(found.verdict[0]) is Verdict.GOOD
    assert found.usable_pct == pytest.approx(100.0)
    assert found.energy_pct == pytest.approx(100.0)
    assert found.under_charge_pct == pytest.approx(0.0)


def below(threshold, seconds):
    times = np.zeros((1, 2, 5, 3))
    times[0, :, : threshold + 1, 1] = seconds
    return times


@pytest.mark.parametrize(
    ("arrays", "expected"),
    [
        ({"soc_full": [[1.0, 0.94, 1.0]]}, Verdict.UNDER_CHARGED),
        ({"usable_ah": 3.7}, Verdict.SHORT_AT_DELIVERY),
        ({"full_v": [[4.2, 4.23, 4.2]]}, Verdict.OVER_CHARGED),
        ({"full_v": [[4.2, 4.21, 4.2]]}, Verdict.GOOD),
        ({"time_below_s": below(1, 1.5)}, Verdict.OVER_DISCHARGED),
        ({"time_below_s": below(1, 0.9)}, Verdict.GOOD),
        ({"time_below_s": below(0, 99.0)}, Verdict.GOOD),
        ({"time_below_s": below(4, 2.0)}, Verdict.REVERSED),
        ({"time_below_s": below(4, 2.0), "status": 1}, Verdict.UNSOLVED),
        ({"usable_ah": 3.7, "time_below_s": below(1, 2.0)}, Verdict.OVER_DISCHARGED),
    ],
)
def test_the_worst_that_applies(arrays, expected):
    assert Verdict(judged(**arrays).verdict[0]) is expected
    assert expected.sentence


def attribution_of(case, area_slope_ah=2.5):
    outcome = run(*case)
    capacity = window_of(case.design, case.cells.values)[4]
    slopes = np.zeros(len(PARTS) - 1)
    slopes[AREA] = area_slope_ah
    plan = fleet_of(case)
    fleet = of_outcome(plan, outcome, case.offset_v)
    found = attribute(case.cells, capacity, case.soc, case.order, plan, fleet, slopes, 2.5)
    return found, outcome


def test_a_small_cell_in_a_top_balanced_pack_limits_the_discharge():
    case = pack_case(6, 2, cell=cell_plan("Chen2020", 2.5), sd=0.0, top_balanced=True)
    case.cells.values[AREA, 7] = 0.95
    found, _ = attribution_of(case)
    assert (found.weakest_group[0], found.limits[0], found.weakest_cell[0]) == (3, DISCHARGE, 7)
    assert PARTS[found.root[0]] == "coated_area_ratio"
    # group 3 has 2.5 % less area than the others; against the pack's mean group that is 5/6 of it
    assert found.parts_pct[0, found.root[0]] == pytest.approx(-2.5 * 5 / 6, rel=1e-9)


def test_a_small_cell_given_the_same_charge_limits_the_charge():
    case = pack_case(6, 1, cell=cell_plan("Chen2020", 2.5), sd=0.0)
    case.cells.values[AREA, 3] = 0.95
    case.soc[3] = 0.3 / 0.95  # the same charge from empty: balanced at the bottom
    found, outcome = attribution_of(case)
    assert (found.weakest_group[0], found.limits[0], found.weakest_cell[0]) == (3, CHARGE, 3)
    assert PARTS[found.root[0]] == "coated_area_ratio"
    assert outcome.soc_full[0, 3] - outcome.soc_full[0, 0] == pytest.approx(0.05, abs=0.005)


def test_missing_charge_is_named_as_such():
    case = pack_case(6, 1, cell=cell_plan("Chen2020", 2.5), sd=0.0)
    case.soc[2] -= 0.04
    found, _ = attribution_of(case)
    assert (found.weakest_group[0], found.limits[0]) == (2, DISCHARGE)
    assert PARTS[found.root[0]] == "state_of_charge"


def test_the_parts_add_up_to_what_the_pack_lost(report):
    """Loss against a pack of average cells, by first-order parts, for 40 packs of area and charge spread."""
    case = pack_case(8, 1, packs=40, cell=cell_plan("Mohtat2020", 2.5), sd=0.0, soc_sd=0.01)
    luck = np.random.default_rng(2)
    case.cells.values[AREA] *= 1.0 + 0.01 * luck.standard_normal(len(case.cells))
    found, outcome = attribution_of(case)
    even = run(*pack_case(1, 1, cell=cell_plan("Mohtat2020", 2.5), sd=0.0)).usable_ah[0, 0]
    mean_area = case.cells.values[AREA].reshape(40, 8).mean(axis=1)
    lost = 100.0 * (outcome.usable_ah[:, 0] - even * mean_area) / 2.5
    explained = np.corrcoef(lost, found.parts_pct.sum(axis=1))[0, 1]
    report("attribution: correlation of the parts' sum with the loss", explained, 0.98, direction=">=")
    scale = np.polyfit(found.parts_pct.sum(axis=1), lost, 1)[0]
    report("attribution: slope of the loss on the parts' sum, off 1", abs(scale - 1.0), 0.1)


def test_no_group_limits_a_charge_that_the_pack_voltage_ends():
    case = pack_case(6, 1, packs=40, cell=cell_plan("Chen2020", 2.5), sd=0.01, bms={"monitoring": "pack_only"})
    offset = 0.005 * np.random.default_rng(4).standard_normal(case.offset_v.shape)
    found, _ = attribution_of(case._replace(offset_v=offset))
    assert (found.limits == DISCHARGE).all()

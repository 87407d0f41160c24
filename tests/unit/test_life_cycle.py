"""A life's own cycle against the same by pattern of use, what of it is refused, and check-ups of new and aged cells."""

from __future__ import annotations

import numpy as np
import pytest
from lives import life_of, plan_of

import packsim as ps
from packsim.cell.traits import trait_values
from packsim.life.checkups import CheckUp, check_up
from packsim.scenario.errors import ScenarioError
from packsim.scenario.life import LifeModel

STEPS = ["Charge at 0.5C until 4.2 V", "Hold at 4.2 V until C/20", "Discharge at 0.5C until 2.5 Ah"]
TEST = CheckUp(current_a=5.0, lower_v=2.5)


def test_steps_of_ones_own_age_as_the_pattern_that_they_spell_out() -> None:
    rated = plan_of(1, 1).duty.settings.rated_a
    depth = 100.0 * 2.5 / rated
    use = {"cycles_per_week": 7.0, "years": 2.0}
    pattern = plan_of(
        1, 1, charge_c_rate=0.5, fast_share_pct=0.0, discharge_c_rate=0.5, depth_pct=depth, parked_full_pct=0.0, **use
    )
    one, two = life_of(pattern), life_of(plan_of(1, 1, cycle=STEPS, **use))
    loss = [1.0 - life.capacity_ah[-1, 0] / life.capacity_ah[0, 0] for life in (one, two)]
    assert loss[0] > 0.01
    assert abs(loss[1] / loss[0] - 1.0) < 1e-3


def test_a_cycle_of_a_pair_waits_as_long_as_that_of_one() -> None:
    waits = [
        plan_of(1, parallel, cycle=[*STEPS[:2], f"Discharge at 0.5C until {2.5 * parallel} Ah"]) for parallel in (1, 2)
    ]
    one, two = (plan.cycles[0][1].duration_s[-1] for plan in waits)
    assert abs(two / one - 1.0) < 1e-3


def test_a_cycle_that_takes_too_long() -> None:
    with pytest.raises(ValueError, match="cycles_per_week: the steps of cycle leave time for"):
        plan_of(1, 1, cycle=STEPS, cycles_per_week=100.0)


def test_a_cycle_without_drive_cycles() -> None:
    with pytest.raises((ValueError, ScenarioError), match="without a drive cycle"):
        LifeModel.model_validate({"cycle": [{"profile": "city.csv"}]})


def test_a_check_up_of_a_new_cell_is_its_discharge_and_its_pulse() -> None:
    plan, cell = plan_of(1, 1, use="bus"), ps.Cell("Chen2020")
    found = check_up(plan, trait_values(), life_of(plan), np.array([0.0, 1000.0]), TEST)
    whole = cell.discharge(current_a=5.0, dt_s=60.0)
    assert found.capacity_ah[0, 0] == pytest.approx(whole.capacity_ah, rel=1e-9)
    rate = TEST.current_a / cell.nominal_capacity_ah
    assert 1e3 * found.resistance_ohm[0, 0] == pytest.approx(cell.dcir_mohm(c_rate=rate), rel=1e-9)
    assert found.capacity_ah[1, 0] < found.capacity_ah[0, 0]
    assert found.resistance_ohm[1, 0] > found.resistance_ohm[0, 0]

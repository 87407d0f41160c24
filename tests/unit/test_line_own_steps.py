"""Steps and process variables of one's own, from text alone; each has its own luck."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from packsim.cell.traits import INDEX, TRAIT_NAMES
from packsim.line import plan as plans
from packsim.line.build import build, slot_addresses
from packsim.line.in_line.plan import inspected_steps
from packsim.scenario.line import LineModel
from packsim.scenario.load import load
from packsim.scenario.starter import starter_text

CLEANING = """
  own_steps:
    cleaning:
      after: cutting
      variables:
        laser_power: {sd_pct: 2.0, tolerance_pct: 3.0, effects: {overlap_ratio: 0.5}}
      inspection: {detection_pct: 100.0}
    second_cleaning:
      after: cleaning
"""
BASE = {
    "supplier_lot_cells": 40,
    "roll_cells": 20,
    "steps": {"winding": {"overlap_ratio": {"sd_pct": 0.1}}},
}


def variable(**more: object) -> dict[str, object]:
    shares = {"between_lot_share": 0.2, "between_roll_share": 0.2, "between_lane_share": 0.1, "drift_share": 0.2}
    return {"sd_pct": 2.0, "tolerance_pct": 3.0, **shares, **more}


def test_a_step_written_as_text_loads_and_works(tmp_path: Path) -> None:
    path = tmp_path / "plant.yaml"
    path.write_text(starter_text().replace("\n# End-of-line test", f"{CLEANING}\n# End-of-line test", 1))
    text = path.read_text()
    assert "second_cleaning" in text
    model = load(path).line
    order = [name for name, _ in model.ordered()]
    assert order[order.index("cutting") :][:4] == ["cutting", "cleaning", "second_cleaning", "winding"]
    assert inspected_steps(model) == ["coating_cathode", "cleaning"]
    n = 20_000
    with_step = build(plans.plan(model, n), 1, slot_addresses(0, range(n)))
    plain = build(plans.plan(model.model_copy(update={"own_steps": {}}), n), 1, slot_addresses(0, range(n)))
    clean = with_step.defect == 0
    ratio = (with_step.values[INDEX["overlap_ratio"]] / plain.values[INDEX["overlap_ratio"]])[clean]
    assert ratio.std() == pytest.approx(0.5 * 0.02, rel=0.05)  # 20,000 cells: 0.5 % standard error
    power = 1.0 + (ratio - 1.0) / 0.5
    bad = (power < 0.97) | (power > 1.03)
    reached = with_step.scrapped[clean] != 0
    assert np.array_equal((with_step.scrapped[clean] == 1)[reached], bad[reached])
    assert bad[reached].any()
    others = [INDEX[name] for name in TRAIT_NAMES if name != "overlap_ratio"]
    assert np.array_equal(with_step.values[others], plain.values[others])


def test_another_variable_or_step_leaves_the_luck_of_the_first() -> None:
    first = {"laser_power": variable(effects={"coated_area_ratio": 1.0})}
    more = {"aaa": variable(), **first, "zzz": variable()}
    inspection = {"detection_pct": 90.0, "false_alarm_pct": 1.0, "on_reject": "rework", "rework_yield_pct": 50.0}
    step = {"after": "winding", "inspection": inspection}
    one = LineModel.model_validate(BASE | {"own_steps": {"cleaning": {**step, "variables": first}}})
    two = LineModel.model_validate(
        BASE
        | {
            "own_steps": {
                "before": {
                    "after": "cutting",
                    "variables": {"other": variable()},
                    "inspection": {"detection_pct": 0.0},
                },
                "cleaning": {**step, "variables": first},
                "later": {"after": "cleaning", "variables": {"late": variable()}},
            }
        }
    )
    three = LineModel.model_validate(
        BASE
        | {
            "own_steps": {
                "before": {"after": "cutting", "variables": {"aaa": more["aaa"]}},
                "cleaning": {**step, "variables": first},
                "later": {"after": "cleaning", "variables": {"zzz": more["zzz"]}},
            }
        }
    )
    addresses = np.concatenate(
        [slot_addresses(block, range(100), candidate) for block in range(20) for candidate in (0, 2)]
    )
    cells = [build(plans.plan(model, 100), 3, addresses) for model in (one, two, three)]
    for other in cells[1:]:
        assert np.array_equal(cells[0].values, other.values)
    assert np.array_equal(cells[0].scrapped, cells[2].scrapped)
    assert np.array_equal(cells[0].scrapped >= 0, cells[1].scrapped >= 0)
    assert np.array_equal(cells[0].rejected << 1, cells[1].rejected)
    assert (cells[0].rejected > 0).mean() > 0.05
    assert cells[0].values[INDEX["coated_area_ratio"]].std() > 0.01


def test_luck_of_a_variable_is_its_names() -> None:
    def built(name: str) -> np.ndarray:
        own = {name: variable(effects={"coated_area_ratio": 1.0})}
        model = LineModel.model_validate(BASE | {"steps": {"mixing_anode": {"variables": own}}})
        return build(plans.plan(model, 100), 3, slot_addresses(0, range(100))).values[INDEX["coated_area_ratio"]]

    assert np.array_equal(built("viscosity"), built("viscosity"))
    assert abs(np.corrcoef(built("viscosity"), built("solids"))[0, 1]) < 0.9

"""Rules of the models, seen from Python instead of from a file."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from packsim.scenario.cell import CellModel, parameter_sets
from packsim.scenario.inspection import DcirTest, OcvTest
from packsim.scenario.line import LineModel, Spread
from packsim.scenario.pack import Charge


def test_installed_parameter_sets_are_known_without_pybamm() -> None:
    assert {"Chen2020", "Prada2013", "Mohtat2020", "NCA_Kim2011"} <= set(parameter_sets())
    assert CellModel(parameter_set="Prada2013").parameter_set == "Prada2013"


def test_all_broken_rules_of_a_block_are_reported_at_their_keys() -> None:
    with pytest.raises(ValidationError) as caught:
        CellModel(table_file="a.csv", bpx_file="b.json", lower_cutoff_v=4.0, upper_cutoff_v=3.0)
    assert [error["loc"] for error in caught.value.errors()] == [(), ("capacity_ah",), ("lower_cutoff_v",)]


def test_a_rule_inside_a_nested_block_keeps_its_whole_path() -> None:
    spread = {"sd_pct": 1.0, "nominal": 1.0}
    with pytest.raises(ValidationError) as caught:
        LineModel.model_validate(
            {"supplier_lot_cells": 4, "roll_cells": 2, "steps": {"winding": {"overlap_ratio": spread}}}
        )
    [error] = caught.value.errors()
    assert error["loc"] == ("steps", "winding", "overlap_ratio", "nominal")
    assert error["input"] == 1.0


@pytest.mark.parametrize(
    ("model", "values", "key"),
    [
        (DcirTest, {"lower_pct": 110.0, "upper_pct": 110.0}, "lower_pct"),
        (OcvTest, {"lower_mv": 0.0, "upper_mv": 0.0}, "lower_mv"),
        (Charge, {"c_rate": 0.05}, "cutoff_c_rate"),
        (Spread, {"first_pass_yield_pct": 99.0}, "tolerance_pct"),
        (Spread, {"cpk": 1.0, "tolerance_pct": 1.0, "offset_pct": 1.0}, "offset_pct"),
    ],
)
def test_the_key_to_change_is_blamed(model: type, values: dict[str, float], key: str) -> None:
    with pytest.raises(ValidationError) as caught:
        model(**values)
    assert [error["loc"] for error in caught.value.errors()] == [(key,)]


def test_one_limit_alone_is_enough() -> None:
    assert DcirTest(upper_pct=50.0).lower_pct is None
    assert OcvTest(lower_mv=-1.0).upper_mv is None

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_scenario_load import JUNK, KEYS, TEXT

from packsim.scenario.errors import ScenarioError
from packsim.scenario.line import Spread
from packsim.scenario.load import load
from packsim.scenario.model import Scenario
from packsim.scenario.starter import starter_text


@pytest.fixture(scope="module")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    path = tmp_path_factory.mktemp("starter") / "plant.yaml"
    path.write_text(starter_text())
    return load(path)


def lines_of(scenario: Scenario, changes: dict[str, Any]) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        scenario.updated(changes)
    return list(caught.value.lines)


def test_a_copy_has_the_new_values_and_the_original_keeps_its_own(scenario: Scenario) -> None:
    copy = scenario.updated({"pack.series": np.int64(14), "packs_per_block": 1, "cell.capacity_ah": np.float32(3)})
    assert (copy.pack.series, copy.packs_per_block, copy.cell.capacity_ah) == (14, 1, 3.0)
    assert type(copy.pack.series) is int
    assert (scenario.pack.series, scenario.packs_per_block, scenario.cell.capacity_ah) == (7, 2, 2.5)
    assert copy._path == scenario._path
    assert copy.pack.model_fields_set == scenario.pack.model_fields_set  # defaults stay defaults
    assert scenario.updated({}) == scenario


def test_optional_blocks_can_be_added_replaced_and_taken_away(scenario: Scenario) -> None:
    key = "line.steps.incoming.separator_porosity_ratio"
    assert scenario.updated({f"{key}.sd_pct": 1}).line.steps.incoming.separator_porosity_ratio.sd_pct == 1.0
    assert scenario.updated({key: Spread(sd_pct=2.0)}).line.steps.incoming.separator_porosity_ratio.sd_pct == 2.0
    assert (
        scenario.updated({key: {"sd_pct": np.float64(3.0)}}).line.steps.incoming.separator_porosity_ratio.sd_pct == 3.0
    )
    assert scenario.updated({"line.defects.weld_void": None}).line.defects.weld_void is None
    assert scenario.updated({"sources.pack.series": "drawing"}).sources["pack.series"] == "drawing"


def test_a_path_is_taken_as_its_name(scenario: Scenario) -> None:
    assert scenario._path is not None
    (scenario._path.parent / "cell.csv").touch()
    changes = {"cell.parameter_set": None, "cell.table_file": Path("cell.csv")}
    assert scenario.updated(changes).cell.table_file == "cell.csv"


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (
            {"pack.serie": 12},
            "updated: pack.serie: given an unknown key; allowed: series, parallel, topology, bms, heat, "
            "charge, discharge, protocol, beyond, faults, top_balanced, longest_step_s; did you mean series?",
        ),
        (
            {"pack.series": 0},
            "updated: pack.series: given 0; allowed: a whole number >= 1 and <= 1000",
        ),
        (
            {"pack.series": np.float64(7.5)},
            "updated: pack.series: given 7.5; allowed: a whole number >= 1 and <= 1000",
        ),
        ({"pack.series.x": 1}, "updated: pack.series.x: given an unknown key; allowed: nothing below a plain value"),
        (
            {"inspection.capacity.lower_pct": 103},
            "updated: inspection.capacity.lower_pct: given 103; "
            "allowed: a lower limit (LSL) below upper_pct (USL) 102.0",
        ),
        (
            {"line.steps.winding.overlap_ratio.cpk": 1.0},
            "updated: line.steps.winding.overlap_ratio: given a block with keys sd_pct, cpk; "
            "allowed: exactly one of sd_pct, cpk, first_pass_yield_pct",
        ),
    ],
)
def test_a_wrong_change_is_one_line(scenario: Scenario, changes: dict[str, Any], line: str) -> None:
    assert lines_of(scenario, changes) == [line]


@pytest.mark.parametrize(
    ("key", "near"),
    [
        ("pak.series", "pack"),
        ("series", "series in pack"),
        ("cell.capacity_mah", "capacity_ah"),
        ("inspection.k_value.rest_hours", "rest_days"),
        ("pack.charge.rest_min", "rest_s"),
        ("inspection.ocv.lower_pct", "lower_mv"),
        ("pack.Series", "series"),
        ("max_candidate", "max_candidates"),
    ],
)
def test_the_key_that_was_meant_is_suggested(scenario: Scenario, key: str, near: str) -> None:
    [line] = lines_of(scenario, {key: 1})
    assert line.endswith(f"; did you mean {near}?")


def test_all_unknown_keys_are_reported_together_and_nonsense_gets_no_suggestion(scenario: Scenario) -> None:
    lines = lines_of(scenario, {"": 1, "qqq": 2, "cell.zzz": 3})
    assert [line.split(": given")[0] for line in lines] == ["updated: ''", "updated: qqq", "updated: cell.zzz"]
    assert not any("did you mean" in line for line in lines)


def test_a_file_that_is_not_there_is_refused(scenario: Scenario) -> None:
    [line] = lines_of(scenario, {"cell.parameter_set": None, "cell.bpx_file": "none.json"})
    assert line.startswith("updated: cell.bpx_file: given 'none.json'; allowed: an existing file, relative to ")


def test_the_error_survives_the_way_home_from_a_worker_process() -> None:
    error = pickle.loads(pickle.dumps(ScenarioError(["a", "b"])))
    assert error.lines == ("a", "b")
    assert str(error) == "a\nb"


@settings(deadline=None, max_examples=150)
@given(
    changes=st.dictionaries(
        st.sampled_from(KEYS) | TEXT, JUNK | st.binary(max_size=3) | st.complex_numbers(), max_size=2
    )
)
def test_any_junk_gives_a_scenario_or_a_scenario_error(scenario: Scenario, changes: dict[str, Any]) -> None:
    try:
        copy = scenario.updated(changes)
    except ScenarioError as error:
        lines = error.lines
    else:
        assert isinstance(copy, Scenario)
        return
    assert lines
    assert all(line.startswith("updated: ") and line.isprintable() and "; allowed: " in line for line in lines)

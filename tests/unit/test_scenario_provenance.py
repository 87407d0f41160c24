from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest

from packsim.scenario import keys
from packsim.scenario.hashing import scenario_hash
from packsim.scenario.load import load
from packsim.scenario.model import Scenario
from packsim.scenario.provenance import Number, numbers, source_of
from packsim.scenario.starter import starter_text
from packsim.scenario.units import OF_PARENT, suffix, unit_of


@pytest.fixture(scope="module")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    path = tmp_path_factory.mktemp("starter") / "plant.yaml"
    path.write_text(starter_text())
    return load(path)


def by_key(scenario: Scenario) -> dict[str, Number]:
    return {number.key: number for number in numbers(scenario)}


def test_every_number_of_every_model_has_a_unit() -> None:
    root = keys.schema(Scenario)
    for key in keys.dotted(Scenario):
        node = keys.find(Scenario, key.split("."))
        assert node is not None
        if keys.resolve(root, node).get("type") in ("number", "integer") and key.rpartition(".")[2] not in OF_PARENT:
            assert unit_of(key), key


@pytest.mark.parametrize(
    ("key", "unit"),
    [
        ("cell.capacity_ah", "A.h"),
        ("c_rate", "1/h"),
        ("cutoff_c_rate", "1/h"),
        ("upper_mv_per_day", "mV/d"),
        ("sensor_offset_sd_mv", "mV"),
        ("lower_cutoff_v", "V"),
        ("line.steps.welding.weld_resistance_mohm.nominal", "mOhm"),
        ("line.steps.formation.leakage_ua.nominal", "uA"),
        ("line.steps.winding.overlap_ratio.sd_pct", "%"),
        ("pack.series", "1"),
    ],
)
def test_the_unit_is_the_suffix(key: str, unit: str) -> None:
    assert unit_of(key) == unit


def test_a_name_without_a_known_suffix_has_no_unit() -> None:
    assert suffix("wax") == ""
    with pytest.raises(KeyError):
        unit_of("wax")


def test_numbers_are_listed_once_with_meaning_and_origin(scenario: Scenario) -> None:
    listed = numbers(scenario)
    assert max(Counter(number.key for number in listed).values()) == 1
    assert all(number.meaning for number in listed)
    found = by_key(scenario)
    assert found["cell.lower_cutoff_v"].source is not None
    assert found["cell.capacity_ah"][:5] == ("cell.capacity_ah", 2.5, "A.h", None, True)
    assert found["max_candidates"][:5] == ("max_candidates", 100, "1", None, False)
    assert found["pack.charge.rest_s"].given is False
    assert "pack.top_balanced" not in found
    assert "cell.parameter_set" not in found
    assert not [key for key in found if "misalignment" in key]


def test_a_source_covers_a_block_and_the_innermost_wins(scenario: Scenario) -> None:
    changes = {"line": "plan", "line.steps.winding": "camera", "line.steps.winding.overlap_ratio.sd_pct": "gauge"}
    found = by_key(scenario.updated({f"sources.{key}": text for key, text in changes.items()}))
    assert found["line.roll_cells"].source == "plan"
    assert found["line.steps.winding.overlap_ratio.offset_pct"].source == "camera"
    assert found["line.steps.winding.overlap_ratio.sd_pct"].source == "gauge"
    assert found["pack.series"].source is None
    assert source_of("linear.x", {"line": "plan"}) is None


def test_the_hash_ignores_words_paths_and_spelt_out_defaults(scenario: Scenario, tmp_path: Path) -> None:
    wanted = scenario_hash(scenario)
    assert len(wanted) == 64
    words = {"name": "other", "description": "x", "sources": {}}
    assert scenario_hash(scenario.updated(words)) == wanted
    assert scenario_hash(scenario.updated({"max_candidates": 100, "cell.temperature_degc": 25})) == wanted
    moved = tmp_path / "moved.yaml"
    moved.write_text(starter_text())
    assert scenario_hash(load(moved)) == wanted


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1},
        {"packs": 21},
        {"cell.capacity_ah": 2.5000000001},
        {"line.steps.winding.overlap_ratio": None},
        {"verdict.over_discharge_margin_v": 0.3},
        {"inspection.grading.matching": "sorted"},
    ],
)
def test_the_hash_sees_all_that_changes_results(scenario: Scenario, change: dict[str, object]) -> None:
    assert scenario_hash(scenario.updated(change)) != scenario_hash(scenario)


def test_the_hash_follows_the_content_of_a_table_not_its_name(scenario: Scenario) -> None:
    assert scenario._path is not None
    folder = scenario._path.parent
    (folder / "a.csv").write_text("soc_pct,ocv_v,resistance_mohm\n0,3,1\n")
    shutil.copy(folder / "a.csv", folder / "b.csv")
    a, b = (scenario.updated({"cell.parameter_set": None, "cell.table_file": name}) for name in ("a.csv", "b.csv"))
    assert scenario_hash(a) == scenario_hash(b)
    (folder / "b.csv").write_text("soc_pct,ocv_v,resistance_mohm\n0,3,2\n")
    assert scenario_hash(a) != scenario_hash(b)
    (folder / "b.csv").unlink()
    with pytest.raises(FileNotFoundError):
        scenario_hash(b)

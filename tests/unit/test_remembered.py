"""Calibrations that the machine remembers: the same to the bit, told apart by all they depend on, never trusted blindly."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from scenarios import small

from packsim.cell import plan as cell_plans
from packsim.study import remembered
from packsim.study.calibrate import Calibration, CalibrationError
from packsim.study.program import program_hash

if TYPE_CHECKING:
    from pathlib import Path

FOUND = Calibration(0.1 + 0.2, 2.0 / 3.0, 5.1, 4.9, 90.0, 0.01, 12345)


@pytest.fixture
def asked():
    return small().updated({"qualification": {"target_pct": 90.0, "baseline_conformance_share": 0.5}})


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Names of the scenarios that were calibrated, in an empty memory."""
    made: list[str] = []

    def calibrate(scenario, cell_plan):
        made.append(scenario.name)
        return FOUND

    monkeypatch.setattr(remembered, "calibrate", calibrate)
    monkeypatch.setattr(remembered, "cache_directory", lambda: tmp_path)
    return made


def files(folder: Path) -> list[Path]:
    return sorted((folder / "calibrations").iterdir())


def test_the_second_is_the_first_to_the_bit(asked, calls: list[str], tmp_path: Path) -> None:
    cell = cell_plans.plan(asked.cell)
    assert remembered.calibration(asked, cell) == FOUND == remembered.calibration(asked, cell)
    assert len(calls) == 1
    assert len(files(tmp_path)) == 1


@pytest.mark.parametrize(
    ("change", "again"),
    [
        ({"name": "other", "seed": 5, "packs": 3}, False),
        ({"verdict.usable_capacity_min_pct": 90.0}, False),
        ({"qualification.target_pct": 91.0}, True),
        ({"inspection.dcir.gauge_sd_pct": 0.77}, True),
        ({"line.steps.coating_cathode.cathode_loading_ratio.sd_pct": 0.77}, True),
        ({"packs_per_block": 7}, True),
        ({"cell.capacity_ah": 3.3}, True),
    ],
)
def test_only_what_it_depends_on_makes_it_anew(asked, calls: list[str], change, again: bool) -> None:
    cell = cell_plans.plan(asked.cell)
    remembered.calibration(asked, cell)
    remembered.calibration(asked.updated(change), cell)
    assert len(calls) == 1 + again


def test_code_and_libraries_are_part_of_its_name(tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.mkdir()
    (package / "a.py").write_text("x = 1\n")
    before = program_hash(package)
    program_hash.cache_clear()
    (package / "a.py").write_text("x = 2\n")
    assert program_hash(package) != before


@pytest.mark.parametrize("damage", [b"", b"[]", b"{}", b'{"check": 3}', b"\xff\xfe"])
def test_a_damaged_one_is_made_again(asked, calls: list[str], tmp_path: Path, damage: bytes) -> None:
    cell = cell_plans.plan(asked.cell)
    remembered.calibration(asked, cell)
    (path,) = files(tmp_path)
    whole = path.read_bytes()
    changed = json.loads(whole)
    changed["cells"] += 1
    for content in (damage, json.dumps(changed).encode()):
        path.write_bytes(content)
        assert remembered.calibration(asked, cell) == FOUND
        assert path.read_bytes() == whole
    assert len(calls) == 3


def test_a_refusal_is_not_remembered(asked, calls: list[str], tmp_path: Path, monkeypatch) -> None:
    def refuse(scenario, cell_plan):
        raise CalibrationError("out of reach")

    monkeypatch.setattr(remembered, "calibrate", refuse)
    with pytest.raises(CalibrationError):
        remembered.calibration(asked, cell_plans.plan(asked.cell))
    assert not (tmp_path / "calibrations").exists()


def test_a_folder_that_cannot_be_written_is_done_without(asked, calls: list[str], tmp_path: Path) -> None:
    (tmp_path / "calibrations").write_text("in the way")
    assert remembered.calibration(asked, cell_plans.plan(asked.cell)) == FOUND


def test_no_memory_at_all_is_done_without(asked, calls: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "cache_directory", lambda: None)
    cell = cell_plans.plan(asked.cell)
    assert remembered.calibration(asked, cell) == remembered.calibration(asked, cell) == FOUND
    assert len(calls) == 2

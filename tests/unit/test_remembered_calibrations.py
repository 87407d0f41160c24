"""Calibrations that the machine remembers are told apart by all that they depend on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from scenarios import small

from packsim.cell import plan as cell_plans
from packsim.memory import remembered
from packsim.study import calibrations
from packsim.study.calibrate import Calibration

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

    monkeypatch.setattr(calibrations, "calibrate", calibrate)
    monkeypatch.setattr(remembered, "cache_directory", lambda: tmp_path)
    return made


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
    assert calibrations.calibration(asked, cell) == FOUND
    assert calibrations.calibration(asked.updated(change), cell) == FOUND
    assert len(calls) == 1 + again


def test_a_set_with_other_numbers_under_its_name_is_calibrated_anew(asked, calls: list[str]) -> None:
    cell = cell_plans.plan(asked.cell)
    other = cell._replace(design=cell.design._replace(lower_cutoff_v=cell.design.lower_cutoff_v + 1e-15))
    for each in (cell, other, cell, other):
        calibrations.calibration(asked, each)
    assert len(calls) == 2


def test_of_several_lines_each_once_and_in_order(asked, calls: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    cell = cell_plans.plan(asked.cell)
    monkeypatch.setattr(calibrations, "calibrate", lambda scenario, _: calls.append(scenario.name) or scenario.name)
    names = ["a", "b", "c"]
    lines = [
        asked.updated({"name": n, "qualification.target_pct": t}) for n, t in zip(names, (90, 91, 90), strict=True)
    ]
    for _ in range(2):
        assert calibrations.calibrations([(line, cell) for line in lines]) == ["a", "b", "a"]
    assert sorted(calls) == ["a", "b"]
    assert calibrations.calibrations([]) == []

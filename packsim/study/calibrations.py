"""Calibrations that this machine has made before: pure functions of the scenario and the code, and seconds each."""

from __future__ import annotations

from collections.abc import Sequence

from packsim.cell.plan import CellPlan
from packsim.memory.content import content_hash
from packsim.memory.remembered import remembered
from packsim.numerics.threads import in_order
from packsim.scenario.hashing import scenario_hash
from packsim.scenario.model import Scenario
from packsim.study.calibrate import Calibration, calibrate
from packsim.study.garbage import started

PARTS = ("cell", "line", "inspection", "qualification")  # of a scenario, all that calibration reads


def calibration(scenario: Scenario, cell_plan: CellPlan) -> Calibration:
    """As `calibrate`, from the machine's memory if it has done it before.

    Raises:
        CalibrationError, ValueError: as `calibrate`; failures are not remembered.
    """
    return _calibration(_asked(scenario, cell_plan), scenario, cell_plan)


def calibrations(lines: Sequence[tuple[Scenario, CellPlan]]) -> list[Calibration]:
    """Of several lines: those not remembered are calibrated side by side, as they leave threads idle now and then.

    Raises:
        CalibrationError, ValueError: as `calibrate`, of the first line that has one.
    """
    asked = [_asked(*line) for line in lines]
    places = [asked.index(one) for one in dict.fromkeys(asked)]  # lines that are alike in this are calibrated once
    found = {asked[n]: made for n, made in in_order(lambda n: _calibration(asked[n], *lines[n]), places)}
    return [found[one] for one in asked]


def _asked(scenario: Scenario, cell_plan: CellPlan) -> str:
    """The cell by its numbers: a set of somebody's own may have others today under the same name and version."""
    return f"{scenario_hash(scenario, PARTS)} {scenario.slots_per_block} {content_hash(cell_plan)}"


def _calibration(asked: str, scenario: Scenario, cell_plan: CellPlan) -> Calibration:
    def make() -> Calibration:
        started()
        return calibrate(scenario, cell_plan)

    return remembered("calibrations", asked, make)

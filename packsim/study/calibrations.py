"""Calibrations that this machine has made before: pure functions of the scenario and the code, and seconds each."""

from __future__ import annotations

from packsim.cell.plan import CellPlan
from packsim.memory.remembered import remembered
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
    asked = f"{scenario_hash(scenario, PARTS)} {scenario.slots_per_block}"

    def make() -> Calibration:
        started()
        return calibrate(scenario, cell_plan)

    return remembered("calibrations", asked, make)

"""What must be found of a scenario before its plans can be made, and takes seconds: its cell, its line's calibration."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple

from packsim.cell import plan as cell_plans
from packsim.cell.plan import CellPlan
from packsim.numerics.jit import compiling_s
from packsim.scenario.model import Scenario
from packsim.study.calibrate import Calibration
from packsim.study.calibrations import calibrations


class Groundwork(NamedTuple):
    """Of one scenario; `calibration` only if it states a qualification rate."""

    cell: CellPlan
    calibration: Calibration | None
    wall_s: float = 0.0  # its part of what finding them took
    compiling_s: float = 0.0  # of it, as in `packsim.study.run.Result`


def groundwork(scenarios: Sequence[Scenario]) -> list[Groundwork]:
    """Of each scenario; lines that this machine has not calibrated before are calibrated side by side.

    Raises:
        FileNotFoundError, ValueError, NominalCellError, CalibrationError: as `packsim.study.plans.make_plans`.
    """
    begun, compiled, count = time.perf_counter(), compiling_s(), max(len(scenarios), 1)
    cells = [cell_plans.plan(scenario.cell, scenario.file) for scenario in scenarios]
    stated = [number for number, scenario in enumerate(scenarios) if scenario.qualification is not None]
    found = dict(zip(stated, calibrations([(scenarios[n], cells[n]) for n in stated]), strict=True))
    took = (time.perf_counter() - begun) / count, (compiling_s() - compiled) / count
    return [Groundwork(cell, found.get(number), *took) for number, cell in enumerate(cells)]

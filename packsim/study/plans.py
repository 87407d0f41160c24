"""Everything a block needs, as plain numbers, made once per run."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from packsim.cell.cells import Cells
from packsim.cell.plan import CellPlan
from packsim.cell.traits import TRAITS
from packsim.inspection import plan as inspection_plans
from packsim.inspection.plan import InspectionPlan
from packsim.inspection.test import test as inspect
from packsim.line import plan as line_plans
from packsim.line.in_line.plan import inspected_steps
from packsim.line.plan import LinePlan
from packsim.pack.fleet import plan as fleet_plans
from packsim.pack.fleet.plan import FleetPlan
from packsim.pack.fleet.run import Fleet
from packsim.pack.fleet.run import nominal as nominal_pack
from packsim.scenario.errors import NominalCellError
from packsim.scenario.model import Scenario
from packsim.study.calibrate import Calibration
from packsim.study.groundwork import Groundwork, groundwork

Array = npt.NDArray[np.float64]
SLOPE_STEP = 0.01  # relative change of a ratio trait for the slopes; absolute ones take a tenth of their unit


class Plans(NamedTuple):
    """One scenario as numbers."""

    scenario: Scenario
    cell: CellPlan
    line: LinePlan
    inspected: tuple[str, ...]  # the line's steps with an in-line inspection
    inspection: InspectionPlan
    fleet: FleetPlan
    nominal: Fleet  # one pack of nominal cells
    nominal_capacity_ah: float  # of the nominal cell in the capacity test
    nominal_window_ah: float  # ... between the cut-offs at equilibrium
    nominal_dcir_mohm: float
    slopes_ah: Array  # [trait] change of the tested capacity per unit of each trait
    calibration: Calibration | None


def make_plans(scenario: Scenario, seed: int, ground: Groundwork | None = None) -> Plans:
    """Numbers of a scenario; calibrates its line first if it states a qualification rate.

    Args:
        ground: found before; default: found now.

    Raises:
        FileNotFoundError, ValueError: the cell cannot be built.
        NominalCellError: the nominal cell cannot do what is asked of it.
        CalibrationError: the qualification rate cannot be reached.
        ScenarioError: a file of the protocol that cannot be used.
    """
    cell, calibration = (groundwork([scenario])[0] if ground is None else ground)[:2]
    factors = (calibration.sd_factor, calibration.defect_factor) if calibration is not None else (1.0, 1.0)
    line = line_plans.plan(
        scenario.line, scenario.slots_per_block, sd_factor=factors[0], defect_factor=factors[1], file=scenario.file
    )
    inspection = inspection_plans.plan(scenario.inspection, cell, line)
    fleet = fleet_plans.plan(scenario.pack, scenario.verdict, cell, line.nominal, seed, scenario.file)
    probes = _probes(line)
    tested = inspect(inspection, probes, seed)
    nominal = nominal_pack(fleet, line.nominal, float(tested.true_soc[0]))
    if not (nominal.solved[0] and nominal.usable_ah[0, fleet.own] > 0.0):
        raise NominalCellError(f"{cell.name}: a pack of nominal cells gives no charge {_duty_words(scenario)}")
    capacity = tested.true_capacity_ah
    steps = np.array([_step(trait.unit) for trait in TRAITS])
    slopes = (capacity[1::2] - capacity[2::2]) / (2.0 * steps)
    return Plans(
        scenario=scenario,
        cell=cell,
        line=line,
        inspected=tuple(inspected_steps(scenario.line)),
        inspection=inspection,
        fleet=fleet,
        nominal=nominal,
        nominal_capacity_ah=float(capacity[0]),
        nominal_window_ah=float(tested.window[4, 0]),
        nominal_dcir_mohm=float(tested.true_dcir_mohm[0]),
        slopes_ah=slopes,
        calibration=calibration,
    )


def _duty_words(scenario: Scenario) -> str:
    if scenario.pack.protocol is not None:
        return "in its protocol; allowed: a protocol that discharges it"
    return (
        f"at {scenario.pack.discharge.c_rate:g}C after a charge at {scenario.pack.charge.c_rate:g}C; "
        "allowed: slower rates or less weld resistance"
    )


def _step(unit: str) -> float:
    return SLOPE_STEP if unit == "1" else 0.1


def _probes(line: LinePlan) -> Cells:
    """The nominal cell, then each trait a step up and a step down."""
    n = 1 + 2 * len(TRAITS)
    values = np.repeat(line.nominal[:, None], n, axis=1)
    for row, trait in enumerate(TRAITS):
        values[row, 1 + 2 * row] += _step(trait.unit)
        values[row, 2 + 2 * row] -= _step(trait.unit)
    address = np.zeros((n, 3), np.int64)
    return Cells.at_the_end(address, np.zeros(n, np.int32), values, np.zeros(n, np.uint16))

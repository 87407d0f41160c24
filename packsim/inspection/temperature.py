"""How readings change with temperature according to the cell model itself, to fill `inspection.chamber` from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from packsim.cell import plan as cell_plans
from packsim.inspection.plan import InspectionPlan, plan
from packsim.line.plan import LinePlan
from packsim.scenario.cell import CellModel
from packsim.scenario.inspection import InspectionModel

STEP_K = 1.0


class Sensitivities(NamedTuple):
    """Change of the nominal cell's readings per kelvin, in the units of `inspection.chamber`."""

    capacity_pct_per_k: float
    dcir_pct_per_k: float


def sensitivities(
    inspection: InspectionModel, cell: CellModel, line: LinePlan, locate: Callable[[str], Path] = Path
) -> Sensitivities:
    """Central differences over +-1 K of the nominal cell in the scenario's own tests, both ways built anew.

    PyBaMM's sets give +0.01 to +0.16 and -1.4 to -4.8 %/K (C/2 capacity, 10 s pulse at 1C, 25 degC; docs/inspection.md);
    a table cell knows no temperature and gives 0. Heat that a test makes is not modelled.

    Raises:
        NominalCellError, FileNotFoundError, ValueError: as `inspection.plan.plan` and `cell.plan.plan`.
    """

    def at(change_k: float) -> InspectionPlan:
        warmer = cell.model_copy(update={"temperature_degc": cell.temperature_degc + change_k})
        return plan(inspection, cell_plans.plan(warmer, locate), line)

    cold, warm = at(-STEP_K), at(STEP_K)
    capacity = (warm.nominal_capacity_ah - cold.nominal_capacity_ah) / (
        warm.nominal_capacity_ah + cold.nominal_capacity_ah
    )
    dcir = (warm.nominal_dcir_mohm - cold.nominal_dcir_mohm) / (warm.nominal_dcir_mohm + cold.nominal_dcir_mohm)
    return Sensitivities(100.0 * capacity / STEP_K, 100.0 * dcir / STEP_K)

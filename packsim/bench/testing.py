"""The end-of-line test: cells run through it a second, beside the error of its steps."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from packsim.bench.clock import all_threads, least
from packsim.bench.row import Error, Row
from packsim.bench.settings import HUIZHOU, Settings
from packsim.bench.whole_line import whole_line
from packsim.cell import plan as cell_plans
from packsim.cell.cell import Cell
from packsim.cell.cells import Cells
from packsim.inspection import plan as inspection_plans
from packsim.inspection.plan import InspectionPlan
from packsim.inspection.test import true_values
from packsim.line import plan as line_plans
from packsim.line.build import build, slot_addresses
from packsim.scenario.cell import CellModel
from packsim.scenario.inspection import InspectionModel

CELLS, COMPARED = 40_000, 24
FINE_S = 1.0
CAPACITY_PCT, DCIR_PCT = 0.01, 0.1


class Tested:
    """Cells of a line in front of their test."""

    def __init__(self, settings: Settings, count: int) -> None:
        """Cells of the Huizhou scenario; where its file is not there, of the line with everything on."""
        scenario = settings.scenario(HUIZHOU)
        cell = CellModel(parameter_set="Mohtat2020", capacity_ah=2.5) if scenario is None else scenario.cell
        line, test = (whole_line(), InspectionModel()) if scenario is None else (scenario.line, scenario.inspection)
        self.source = Cell(str(cell.parameter_set), capacity_ah=cell.capacity_ah)
        numbers = line_plans.plan(line, -(-count // line.supplier_lot_cells) * line.supplier_lot_cells)
        self.plan: InspectionPlan = inspection_plans.plan(test, cell_plans.plan(cell), numbers)
        self.c_rate = test.capacity.c_rate
        self.dcir = {"soc": test.dcir.soc_pct / 100.0, "c_rate": test.dcir.c_rate, "pulse_s": test.dcir.pulse_s}
        self.cells: Cells = build(numbers, 1, slot_addresses(0, range(count)))

    def run(self) -> object:
        """Test every cell."""
        return true_values(self.plan, self.cells, 1)

    def errors(self, count: int) -> tuple[float, float]:
        """Largest relative error [%] of capacity and DCIR of the first cells against steps of 1 s and less."""
        found = true_values(self.plan, self.cells.take(np.arange(count)), 1)
        fine = [self.fine(self.cells.values[:, j : j + 1]) for j in range(count)]
        capacity = found.capacity_ah / np.array([c for c, _ in fine])
        dcir = found.dcir_mohm / np.array([r for _, r in fine])
        return tuple(100.0 * float(np.nanmax(np.abs(ratio - 1.0))) for ratio in (capacity, dcir))  # type: ignore[return-value]

    def fine(self, values: npt.NDArray[np.float64]) -> tuple[float, float]:
        """Capacity [A.h] and DCIR [mohm] of one cell by fine steps."""
        own = copy.copy(self.source)
        own.__dict__.pop("window", None)
        own.values = np.ascontiguousarray(values)
        return own.discharge(self.c_rate, dt_s=FINE_S).capacity_ah, own.dcir_mohm(**self.dcir)


def measure(settings: Settings) -> Iterator[Row]:
    """Cells a second on all threads."""
    case = Tested(settings, 600 if settings.quick else CELLS)
    rate = len(case.cells) / least(case.run, settings.repeat) / 1e3
    capacity, dcir = case.errors(3 if settings.quick else COMPARED)
    errors = (
        Error("capacity to 1 s steps", capacity, "%", CAPACITY_PCT),
        Error("DCIR to fine steps", dcir, "%", DCIR_PCT),
    )
    name = f"capacity, DCIR and storage of every cell, Mohtat2020, {all_threads()} threads"
    yield Row("test", name, rate, "thousand cells/s", errors=errors)

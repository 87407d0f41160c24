"""Inspections on cells whose true values are given: what a gauge does to them needs no cell to run."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from packsim.cell.cell import Cell
from packsim.cell.cells import Cells
from packsim.cell.plan import CellPlan
from packsim.cell.table.table_cell import TableCell
from packsim.cell.traits import trait_values
from packsim.inspection import plan as plans
from packsim.inspection.measured import TrueValues
from packsim.line import plan as line_plans
from packsim.scenario.inspection import InspectionModel
from packsim.scenario.line import LineModel

PLAIN = Cell(TableCell(2.5, np.array([0.0, 1.0]), np.array([3.0, 4.0]), 10.0))
Array = npt.NDArray[np.float64]


def plan_of(slots_per_block: int = 1000, **blocks: dict[str, Any]) -> plans.InspectionPlan:
    """Inspection of a table cell of 2.5 Ah, about 11 mohm, 10 mV per percent of SOC."""
    line = line_plans.plan(LineModel.model_validate({"supplier_lot_cells": 10, "roll_cells": 10}), slots_per_block)
    cell = CellPlan("plain", PLAIN.design, PLAIN.nominal_capacity_ah)
    return plans.plan(InspectionModel.model_validate(blocks), cell, line)


def cells_at(address: npt.NDArray[np.int64], lot_cells: int = 1000) -> Cells:
    """Nominal cells without defects at these addresses; lots are ranges of slots."""
    n = len(address)
    lot = (address[:, 1] // lot_cells).astype(np.int32)
    return Cells.at_the_end(address, lot, np.repeat(trait_values({}), n, axis=1), np.zeros(n, np.uint16))


def in_blocks(blocks: int, slots: int) -> npt.NDArray[np.int64]:
    """Addresses of the first candidates of several blocks."""
    address = np.zeros((blocks * slots, 3), np.int64)
    address[:, 0] = np.repeat(np.arange(blocks), slots)
    address[:, 1] = np.tile(np.arange(slots), blocks)
    return address


def true_of(
    plan: plans.InspectionPlan,
    n: int,
    capacity_pct: Array | float = 100.0,
    dcir_pct: Array | float = 100.0,
    ocv_mv: Array | float = 0.0,
    leak_mv_per_day: Array | float = 0.0,
) -> TrueValues:
    """True values of n cells, by default the nominal ones; OCV as its deviation after the rest."""
    second = np.broadcast_to(plan.nominal_ocv_v + 1e-3 * np.asarray(ocv_mv), n)
    return TrueValues(
        np.broadcast_to(plan.nominal_capacity_ah * np.asarray(capacity_pct) / 100.0, n),
        np.broadcast_to(plan.nominal_dcir_mohm * np.asarray(dcir_pct) / 100.0, n),
        second + 1e-3 * plan.rest_days * np.asarray(leak_mv_per_day),
        second,
        np.full(n, 0.3),
        np.zeros((5, n)),
    )

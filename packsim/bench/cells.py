"""Nominal cells and as-built ones for benchmarks: every trait of every cell differs."""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt

from packsim.cell.cell import Cell
from packsim.cell.cells import Cells
from packsim.cell.plan import CellPlan, plan
from packsim.cell.table.table_cell import TableCell
from packsim.cell.traits import INDEX, TRAIT_NAMES, trait_values
from packsim.scenario.cell import CellModel

Array = npt.NDArray[np.float64]
CAPACITY_AH = 2.5
SPREAD = 0.01
WELD_MOHM, LEAK_UA = 0.3, 5.0


@functools.cache
def spme(name: str = "Chen2020") -> CellPlan:
    """A set's cell, its area scaled to 2.5 Ah."""
    return plan(CellModel(parameter_set=name, capacity_ah=CAPACITY_AH))


@functools.cache
def table(over_soc: bool = False) -> CellPlan:
    """A table cell with two RC pairs and the open-circuit voltage of Chen2020; the pairs constant, or over SOC."""
    source, soc = Cell("Chen2020"), np.linspace(0.0, 1.0, 101)
    ocv = np.array([source.open_circuit_v(float(z)) for z in soc])
    empty = (1.0 - soc) ** 4
    pairs = (8.0 + 20.0 * empty, 5.0 + 10.0 * empty) if over_soc else (8.0, 5.0)
    times = (25.0 + 20.0 * empty, 400.0 + 200.0 * empty) if over_soc else (25.0, 400.0)
    tables = TableCell(CAPACITY_AH, soc, ocv, 25.0 + 20.0 * empty, pairs, times)
    cell = Cell(tables)
    return CellPlan("table", cell.design, cell.nominal_capacity_ah)


def as_built(count: int, seed: int = 1, sd: float = SPREAD) -> Cells:
    """`count` cells whose ratios scatter by `sd` about 1, welds about 0.3 mohm and leakages about 5 uA by ten times that."""
    luck, values = np.random.default_rng(seed), trait_values(cells=count)
    for name in TRAIT_NAMES:
        if name.endswith("_ratio"):
            values[INDEX[name]] *= 1.0 + sd * luck.standard_normal(count)
    values[INDEX["weld_resistance_mohm"]] = WELD_MOHM * np.exp(10.0 * sd * luck.standard_normal(count))
    values[INDEX["leakage_ua"]] = LEAK_UA * np.exp(10.0 * sd * luck.standard_normal(count))
    return Cells.at_the_end(
        np.zeros((count, 3), np.int64), np.zeros(count, np.int32), values, np.zeros(count, np.uint16)
    )

"""A cell's numbers do not depend on where it stands in an array: bit for bit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from packsim.cell import kernels as k
from packsim.cell.cell import Cell, empty_lane
from packsim.cell.table.table_cell import TableCell
from packsim.cell.traits import NOMINAL, TRAIT_NAMES

if TYPE_CHECKING:
    from collections.abc import Callable

LENGTHS = (1, 7, 16, 37, 96, 1152)
OFFSETS = (0, 1, 5)
CELLS = max(LENGTHS) + max(OFFSETS)
STEPS = 50

TABLE = TableCell(
    5.0, np.linspace(0.0, 1.0, 11), 3.0 + np.linspace(0.0, 1.0, 11) ** 0.5, 10.0, rc_mohm=(4.0, 2.0), rc_s=(20.0, 300.0)
)
SLOPE = 1.0 + np.linspace(0.0, 1.0, 11)
FULL_TABLE = TableCell(
    5.0,
    np.linspace(0.0, 1.0, 11),
    3.0 + np.linspace(0.0, 1.0, 11) ** 0.5,
    np.outer([15.0, 7.0], SLOPE),
    rc_mohm=(np.outer([6.0, 3.0], SLOPE), np.outer([3.0, 1.0], SLOPE)),
    rc_s=(20.0 * SLOPE, 300.0 * SLOPE),
    temperature_degc=(10.0, 40.0),
    resistance_charge_mohm=12.0,
    hysteresis_mv=10.0,
)


def distinct_cells() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Traits [trait, CELLS], SOC and current share of cells that all differ."""
    rng = np.random.default_rng(11)
    values = np.repeat(NOMINAL[:, None], CELLS, axis=1)
    for row, name in enumerate(TRAIT_NAMES):
        if name.endswith("_ratio"):
            values[row] *= rng.normal(1.0, 0.02, CELLS)
    values[TRAIT_NAMES.index("weld_resistance_mohm")] = rng.uniform(0.0, 0.5, CELLS)
    values[TRAIT_NAMES.index("leakage_ua")] = rng.uniform(0.0, 200.0, CELLS)
    return values, rng.uniform(0.3, 0.9, CELLS), rng.uniform(0.5, 1.5, CELLS)


def everything(cell: Cell, first: int, length: int, padding: int) -> dict[str, np.ndarray]:
    """Results of cells first..first+length, standing at `padding`.. of arrays that are longer still."""
    values, soc, share = (np.ascontiguousarray(a[..., first : first + length]) for a in distinct_cells())
    n, design = length + padding, cell.design
    begin, end = padding, n
    lane = empty_lane(n)
    wide = np.repeat(NOMINAL[:, None], n, axis=1)
    wide[:, begin:end] = values
    window, charge = np.zeros((5, n)), np.zeros(n)
    charge[begin:end] = soc
    k.coefficients(lane.coef, wide, design, begin, end)
    k.balance(window, wide, design, begin, end)
    k.rest_state(lane.state, design, charge, window, begin, end)
    voltages = np.empty((STEPS, length))
    for step in range(STEPS):
        dt = (10.0, 10.0, 2.5, 0.1, 30.0)[step % 5]
        c_rate = (1.0, 1.0, 0.0, -0.5, 0.25)[step // 10]
        k.set_dt(lane.decay, lane.coef, design, dt, begin, end)
        k.prepare(lane.work, lane.state, lane.coef, lane.decay, design, dt, begin, end)
        lane.current[begin:end] = c_rate * cell.nominal_capacity_ah * share
        k.respond(lane.emf, lane.slope, lane.current, lane.work, lane.coef, design, begin, end)
        voltages[step] = (lane.emf - lane.slope * lane.current)[begin:end]
        k.advance(lane.state, lane.work, lane.coef, lane.decay, design, lane.current, dt, begin, end)
    found = {"coef": lane.coef, "window": window, "state": lane.state, "emf": lane.emf, "slope": lane.slope}
    return {name: array[..., begin:end] for name, array in found.items()} | {"voltage": voltages}


@pytest.mark.parametrize(
    "source", ["Chen2020", "Ecker2015", TABLE, FULL_TABLE], ids=["poles", "shells", "table", "full table"]
)
def test_bits_do_not_depend_on_array_position(source: str | TableCell, report: Callable[..., None]) -> None:
    cell = Cell(source)
    whole = everything(cell, 0, CELLS, 0)
    assert all(np.all(np.isfinite(array)) for array in whole.values())
    different = 0
    for length in LENGTHS:
        for offset in OFFSETS:
            for padding in OFFSETS:  # the same cells, first in their array or behind others
                part = everything(cell, offset, length, padding)
                for name, array in part.items():
                    expected = np.ascontiguousarray(whole[name][..., offset : offset + length])
                    different += int(np.sum(np.ascontiguousarray(array).view(np.int64) != expected.view(np.int64)))
    name = source if isinstance(source, str) else "table cell" if source is TABLE else "table cell with everything"
    report(f"{name}: values that differ in a bit at another length or offset", different, 0, "", "==")

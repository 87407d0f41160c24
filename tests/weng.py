"""The 2p experiment of Weng et al. (arXiv 2310.10396) at C/4: its data, and models of its two cells.

MIT-licensed data of the repository wengandrew/current-imbalance, in the folder that PACKSIM_VALIDATION_DATA names.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from packsim.cell.cell import Cell
from packsim.cell.table.fit import RcFit, fit_together
from packsim.cell.table.table_cell import TableCell
from packsim.pack.mixed.follow import follow

if TYPE_CHECKING:
    from collections.abc import Sequence

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

CELLS = (("151805", 1.83), ("152098", 1.93))  # name, Ah; the data's README
DISCHARGE_STARTS_S = 20737.0  # the experiment's middle: rest, small discharge, rest, charge, rest | discharge, rest
BLOCK_S = 3600.0
FLOWS = 0.1  # of the largest current


class Experiment(NamedTuple):
    """Measured [k], discharge positive: common voltage, total current, currents [cell, k]; the two cells as tabled."""

    time_s: Array
    voltage_v: Array
    total_a: Array
    current_a: Array
    cells: tuple[TableCell, ...]

    @property
    def initial_soc(self) -> list[float]:
        """SOC at which each cell's tabled OCV is the first measured voltage (the pair has rested)."""
        return [float(np.interp(self.voltage_v[0], cell.ocv_v, cell.soc)) for cell in self.cells]


def folder() -> Path | None:
    """Where the experiment is, None if it is not here."""
    path = Path(os.environ.get("PACKSIM_VALIDATION_DATA", "")) / "weng2023_parallel"
    return path if (path / "expt_c_over_4.csv").is_file() else None


def experiment(path: Path, *, even_resistance: bool = False) -> Experiment:
    """Read it; `even_resistance` replaces R0(SOC) by its mean."""
    record = pd.read_csv(path / "expt_c_over_4.csv")
    current = -record[["current_1", "current_2"]].to_numpy(float).T  # the file has charge positive
    cells = []
    for name, capacity_ah in CELLS:
        table = pd.read_csv(path / f"params_cell{name}.csv")
        ohm = table["dcr"].to_numpy(float)
        r0 = np.full(ohm.size, ohm.mean()) if even_resistance else ohm
        cells.append(TableCell(capacity_ah, table["soc"].to_numpy() / 100.0, table["ocv"].to_numpy(), 1e3 * r0))
    time, voltage = record["test_time_s"].to_numpy(float), record["voltage_v"].to_numpy(float)
    return Experiment(time, voltage, current.sum(axis=0), current, tuple(cells))


class Model(NamedTuple):
    """Modelled voltage [k] and current of the first cell [k]."""

    voltage_v: Array
    first_a: Array


def simulate(e: Experiment, cells: Sequence[TableCell], initial_soc: Sequence[float] | None = None) -> Model:
    """The pair driven by the measured total current from the experiment's first instant."""
    found = follow([Cell(cell) for cell in cells], e.time_s, e.total_a, initial_soc or e.initial_soc)
    return Model(found.voltage_v, found.current_a[0])


def halves(e: Experiment) -> dict[str, Mask]:
    """Parts to fit on or to test on: both halves in time, and every other hour."""
    first = e.time_s < DISCHARGE_STARTS_S
    even = (e.time_s // BLOCK_S).astype(int) % 2 == 0
    return {"first half": first, "second half": ~first, "even hours": even, "odd hours": ~even}


def fit(e: Experiment, part: Mask, *, current_weight: float = 0.0) -> RcFit:
    """One RC pair common to both cells, two numbers (size, time constant), from the part's voltages.

    The OCV's slope is taken over the shift that a cell's current makes in that part (root mean square where one flows).
    `current_weight` [V/A] adds the branch currents to what is fitted; without it they are predicted everywhere.
    """

    def predict(cells: Sequence[TableCell]) -> Array:
        model = simulate(e, cells)
        return np.concatenate([model.voltage_v[part], current_weight * model.first_a[part]])

    total = e.total_a[part]
    flows = np.abs(total) > FLOWS * np.abs(e.total_a).max()
    current = float(np.sqrt(np.mean(total[flows] ** 2))) / len(e.cells)
    measured = np.concatenate([e.voltage_v[part], current_weight * e.current_a[0][part]])
    return fit_together(e.cells, predict, measured, current_a=current)


def rmse(model: Model, e: Experiment, part: Mask | slice = slice(None)) -> tuple[float, float]:
    """Root mean square error of voltage [V] and of branch current [A]; both branches have the same."""
    return (
        float(np.sqrt(np.mean((model.voltage_v - e.voltage_v)[part] ** 2))),
        float(np.sqrt(np.mean((model.first_a - e.current_a[0])[part] ** 2))),
    )

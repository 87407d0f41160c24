"""Electrode balance of cells, one core, beside PyBaMM's solver for the same charges."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from packsim.bench.cells import as_built, spme
from packsim.bench.clock import OWN, least
from packsim.bench.row import Beside, Error, Row
from packsim.bench.settings import Settings
from packsim.cell.cell import window_of
from packsim.cell.electrodes.kernels import inventory

CELLS, THEIRS = 20_000, 50
ERROR = 1e-4


def measure(settings: Settings) -> Iterator[Row]:
    """Cells a second."""
    count = 100 if settings.quick else CELLS
    design, values = spme().design, as_built(count).values
    rate = count / least(lambda: window_of(design, values), settings.repeat, OWN) / 1e6
    row = Row("balance", "electrode balance, Chen2020", rate, "million cells/s, one core")
    pybamm = settings.incumbent("pybamm_cells")
    if pybamm is None:
        yield row
        return
    compared = 2 if settings.quick else THEIRS
    charges = np.array([inventory(design.nominal, values, j) for j in range(compared)]) / 3600.0
    theirs, seconds = pybamm.electrode_balance("Chen2020", charges)
    found = window_of(design, np.ascontiguousarray(values[:, :compared]))
    error = Error("of stoichiometry and relative capacity", largest(found, theirs), "", ERROR)
    their_rate = compared / seconds / 1e6
    beside = Beside("PyBaMM ElectrodeSOHSolver", their_rate, rate / their_rate)
    yield row._replace(beside=beside, errors=(error,))


def largest(ours: npt.NDArray[np.float64], theirs: npt.NDArray[np.float64]) -> float:
    """Largest difference of x0, x100, y0, y100 [0..3, cell], and relative one of the capacity [4, cell]."""
    off = np.abs(ours - theirs)
    off[4] /= theirs[4]
    return float(off.max())

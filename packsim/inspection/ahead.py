"""The kernels of surfaces, called once each on numbers that mean nothing, by a process that compiles ahead of a study."""

from __future__ import annotations

import numpy as np

from packsim.cell.cells import Cells
from packsim.cell.plan import CellPlan
from packsim.inspection import kernels as k
from packsim.inspection.plan import coarsest
from packsim.inspection.response import by_one, through
from packsim.inspection.surface import kernels as surfaces
from packsim.scenario.inspection import InspectionModel

FITTED = 20  # points of the polynomial


def use_surfaces(model: InspectionModel, cell: CellPlan, cells: Cells, seed: int) -> None:
    """Polynomials through nothing, tried on a cell of the line; they hold for none."""
    rows, x = np.arange(1), np.linspace(-1.0, 1.0, FITTED)
    surface = through(x[None], np.zeros((surfaces.N_FIT, FITTED)), rows, np.zeros(1), np.ones(1))
    traits, n = cells.values.shape
    surface = surface._replace(low=np.full(traits, np.inf), high=np.full(traits, -np.inf))
    surfaces.polynomials(cells.values, surface)
    bench = coarsest(model, cell, cells.values[:, :1].copy(), np.zeros(5))
    true, window, inside = np.empty((k.N_TRUE, n)), np.empty((5, n)), np.zeros(n, np.bool_)
    by_one(cell.design, bench, surface, cells, seed, np.arange(n), true, window, inside)

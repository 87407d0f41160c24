"""Aged cells from as-built traits and their ageing: what cycle jumping and second-life packs start from."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from packsim.cell import kernels as cell_kernels
from packsim.cell.ageing import kernels as k
from packsim.cell.cell import empty_lane, window_of
from packsim.cell.electrodes.kernels import Q_N, X_N, Design

Array = npt.NDArray[np.float64]


def fresh_ageing(design: Design, values: Array, rate: Array, lane: cell_kernels.Lane) -> Array:
    """Ageing [N_AGEING, cells] of cells as built, whose `lane` has their as-built coefficients and a state at rest."""
    n = values.shape[1]
    ageing = np.empty((k.N_AGEING, n))
    k.new_ageing(ageing, lane.state, lane.coef, design, window_of(design, values), rate, 0, n)
    return ageing


def aged_window(design: Design, values: Array, ageing: Array) -> Array:
    """Electrode balance [x0, x100, y0, y100, capacity_ah; cell] of aged cells; nan where there is none."""
    out = np.empty((5, values.shape[1]))
    k.aged_balance(out, values, ageing, design, 0, values.shape[1])
    return out


def aged_lane(design: Design, laws: k.Ageing, values: Array, ageing: Array, soc: Array) -> cell_kernels.Lane:
    """Aged cells at rest at `soc` of their own present window, at the design's temperature.

    `ageing` is brought up to date: the rows that follow from the sums, and a new half cycle that begins here.
    """
    n = values.shape[1]
    lane = empty_lane(n)
    cell_kernels.coefficients(lane.coef, values, design, 0, n)
    k.age_coefficients(lane.coef, ageing, design, laws, 0, n)
    cell_kernels.rest_state(lane.state, design, soc, aged_window(design, values, ageing), 0, n)
    ageing[k.SWING_FROM_C] = ageing[k.SWING_TO_C] = lane.state[X_N] / lane.coef[Q_N]
    return lane

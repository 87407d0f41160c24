"""Check-ups of cells that age: capacity and resistance as a test bench would measure them, at given ages of a life."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from packsim.cell import kernels as cell
from packsim.cell.ageing import kernels as ageing
from packsim.cell.ageing.rebuild import aged_lane, fresh_ageing
from packsim.cell.cell import empty_lane, window_of
from packsim.life.pack_life import PackLife
from packsim.life.plan import LifePlan

Array = npt.NDArray[np.float64]
NO_LIMIT_V = 1e3


class CheckUp(NamedTuple):
    """What is measured of each cell alone, from rest."""

    current_a: float  # of the discharge from full to `lower_v`, and of the pulse
    lower_v: float
    pulse_s: float = 10.0
    pulse_soc: float = 0.5  # of what the aged cell holds between its cut-offs
    longest_step_s: float = 60.0


class Measured(NamedTuple):
    """Of n cells at a ages."""

    capacity_ah: Array  # [a, n]
    resistance_ohm: Array  # [a, n] fall of the voltage from rest over the pulse, by its current


def check_up(plan: LifePlan, values: Array, life: PackLife, cycles: Array, test: CheckUp) -> Measured:
    """Measure the cells of a pack after so many `cycles` of its life; between simulated ages sums go on straight lines.

    Args:
        values: as-built traits [trait, n] of the pack's cells.
    """
    n, design = values.shape[1], plan.duty.design
    lane = empty_lane(n)
    cell.coefficients(lane.coef, values, design, 0, n)
    cell.rest_state(lane.state, design, np.ones(n), window_of(design, values), 0, n)
    rows = fresh_ageing(design, values, np.ones(n), lane)
    out = Measured(np.empty((cycles.size, n)), np.empty((cycles.size, n)))
    for age, at in enumerate(cycles):
        sums = np.array(
            [[np.interp(at, life.cycles, of_cell) for of_cell in row] for row in life.sums.transpose(1, 2, 0)]
        )
        for j in range(n):
            own, aged = values[:, j : j + 1].copy(), rows[:, j : j + 1].copy()
            aged[: ageing.N_SUMS, 0] = sums[:, j]
            out.capacity_ah[age, j] = _capacity_ah(plan, own, aged, test)
            out.resistance_ohm[age, j] = _resistance_ohm(plan, own, aged, test)
    return out


def _capacity_ah(plan: LifePlan, values: Array, aged: Array, test: CheckUp) -> float:
    lane, amps = aged_lane(plan.duty.design, plan.laws, values, aged, np.ones(1)), np.array([test.current_a])
    longest_s = 2.0 * aged[ageing.CAPACITY_C, 0] / test.current_a
    trace, _ = cell.profile(
        lane, plan.duty.design, amps, np.array([longest_s]), test.longest_step_s, test.lower_v, NO_LIMIT_V
    )
    return float(test.current_a * trace[0, -1] / 3600.0)


def _resistance_ohm(plan: LifePlan, values: Array, aged: Array, test: CheckUp) -> float:
    lane = aged_lane(plan.duty.design, plan.laws, values, aged, np.array([test.pulse_soc]))
    amps, times = np.array([0.0, test.current_a]), np.array([0.0, test.pulse_s])
    trace, _ = cell.profile(lane, plan.duty.design, amps, times, min(1.0, test.pulse_s / 8.0), -NO_LIMIT_V, NO_LIMIT_V)
    return float((trace[1, 0] - trace[1, -1]) / test.current_a)

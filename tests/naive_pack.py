"""A pack solved the slow, obvious way: one cell at a time, bisection for every current, fixed small steps."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq

from packsim.cell import kernels as k
from packsim.cell.cell import empty_lane, window_of
from packsim.cell.electrodes.kernels import Design

Array = npt.NDArray[np.float64]


class NaiveCell:
    """One cell that answers `voltage after dt at this current` and can be stepped."""

    def __init__(self, design: Design, values: Array, soc: float) -> None:
        self.design, self.lane = design, empty_lane(1)
        k.coefficients(self.lane.coef, values, design, 0, 1)
        k.rest_state(self.lane.state, design, np.array([soc]), window_of(design, values), 0, 1)

    def voltage(self, current: float, dt: float) -> float:
        return float(k.voltage_after(self.lane, self.design, current, dt))

    def current_at(self, voltage: float, dt: float, guess: float) -> float:
        width = 5.0 + abs(guess)
        return float(brentq(lambda i: self.voltage(i, dt) - voltage, guess - width, guess + width, xtol=1e-12))

    def step(self, current: float, dt: float) -> None:
        self.voltage(current, dt)
        k.advance(
            self.lane.state, self.lane.work, self.lane.coef, self.lane.decay, self.design, self.lane.current, dt, 0, 1
        )


def split(cells: list[NaiveCell], total: float, dt: float) -> tuple[float, Array]:
    """Common voltage and currents of parallel cells after dt: bisection on the voltage, and inside it on each current."""
    mean = total / len(cells)
    voltages = [cell.voltage(mean, dt) for cell in cells]
    low, high = min(voltages) - 0.05, max(voltages) + 0.05

    def excess(v: float) -> float:
        return sum(cell.current_at(v, dt, mean) for cell in cells) - total

    v = float(brentq(excess, low, high, xtol=1e-13))
    return v, np.array([cell.current_at(v, dt, mean) for cell in cells])


def discharge(groups: list[list[NaiveCell]], total: float, dt: float, lower_v: float) -> tuple[float, Array]:
    """Time at which the first group falls to `lower_v` in fixed steps (linear within the last), and its group voltages."""
    t, before = 0.0, np.array([split(group, total, 0.0)[0] for group in groups])
    while True:
        found = [split(group, total, dt) for group in groups]
        v = np.array([voltage for voltage, _ in found])
        if v.min() <= lower_v:
            part = np.min(((before - lower_v) / (before - v))[v <= lower_v])
            return t + dt * float(part), before + part * (v - before)
        for group, (_, currents) in zip(groups, found, strict=True):
            for cell, current in zip(group, currents, strict=True):
                cell.step(float(current), dt)
        t, before = t + dt, v

"""One cell with its own temperature, driven step by step from Python: what the pack's time loop does, in slow motion."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from packsim.cell import kernels as k
from packsim.cell.cell import empty_lane, window_of
from packsim.cell.heat import kernels as heat
from packsim.cell.traits import trait_values

if TYPE_CHECKING:
    from collections.abc import Iterable

    from packsim.cell.electrodes.kernels import Design

FIRST_STEPS_S = (0.5, 0.5, 1.0, 2.0, 2.0, 4.0)  # ten seconds after a jump of current


class HeatedCell:
    """A cell at `temperature_k`, cooled by `cooling_w_per_k` to `ambient_k`; `adiabatic` follows its own heat."""

    def __init__(
        self,
        design: Design,
        soc: float,
        temperature_k: float,
        *,
        cooling_w_per_k: float = 0.0,
        ambient_k: float | None = None,
        isothermal: bool = False,
        traits: dict[str, float] | None = None,
    ) -> None:
        values = trait_values(traits)
        self.design, self.lane, self.isothermal = design, empty_lane(1), isothermal
        k.coefficients(self.lane.coef, values, design, 0, 1)
        self.base = self.lane.coef.copy()
        k.rest_state(self.lane.state, design, np.array([soc]), window_of(design, values), 0, 1)
        self.temperature = np.array([temperature_k])
        self.ambient_k = temperature_k if ambient_k is None else ambient_k
        self.cooling, self.capacity = cooling_w_per_k, np.zeros(1)
        heat.heat_capacity(self.capacity, values, design, 0, 1)
        self.time_s, self.terminal_j, self.heat_j, self.lost_j = 0.0, 0.0, 0.0, 0.0
        self.trace: list[tuple[float, float, float, float, float]] = []  # time, voltage, current, temperature, heat [W]
        heat.set_temperature(self.lane.coef, self.base, design, self.temperature, 0, 1)

    def voltage(self, current: float, dt: float) -> float:
        """Terminal voltage `dt` later; leaves the lane prepared."""
        lane, design = self.lane, self.design
        k.set_dt(lane.decay, lane.coef, design, dt, 0, 1)
        k.prepare(lane.work, lane.state, lane.coef, lane.decay, design, dt, 0, 1)
        lane.current[0] = current
        k.respond(lane.emf, lane.slope, lane.current, lane.work, lane.coef, design, 0, 1)
        heat.entropic(lane.emf, lane.current, lane.work, design, self.temperature, 0, 1)
        return float(lane.emf[0] - lane.slope[0] * current)

    def heat_now(self, current: float, voltage: float) -> float:
        """Heat [W] at this instant."""
        out, lane = np.zeros(1), self.lane
        heat.heat_w(out, np.array([current]), np.array([voltage]), lane.state, lane.coef, self.design, 0, 1)
        return float(out[0])

    def stored_j(self) -> float:
        """Chemical energy from an arbitrary zero."""
        out = np.zeros(1)
        heat.stored_j(out, self.lane.state, self.lane.coef, self.design, 0, 1)
        return float(out[0])

    def hold(self, current: float, duration_s: float, dt_s: float = 10.0, until_v: float = -np.inf) -> None:
        """A current held for a time, or until the voltage falls to `until_v` (end point by halving the step)."""
        v = self.voltage(current, 0.0)
        q = self.heat_now(current, v)
        self.trace.append((self.time_s, v, current, float(self.temperature[0]), q))
        left, steps = duration_s, list(FIRST_STEPS_S[::-1])
        while left > 1e-9:
            dt = min(steps.pop() if steps else dt_s, left)
            v_new = self.voltage(current, dt)
            while v_new < until_v and dt > 1e-4:
                dt *= 0.5
                v_new = self.voltage(current, dt)
            if v_new < until_v:
                return
            lane = self.lane
            k.advance(lane.state, lane.work, lane.coef, lane.decay, self.design, lane.current, dt, 0, 1)
            q_new = self.heat_now(current, v_new)
            self.terminal_j += 0.5 * (v + v_new) * current * dt
            self._warm(0.5 * (q + q_new), dt)
            v, q, left = v_new, q_new, left - dt
            self.time_s += dt
            self.trace.append((self.time_s, v, current, float(self.temperature[0]), q))

    def follow(self, segments: Iterable[tuple[float, float]], dt_s: float = 10.0) -> None:
        """(current, duration) after one another."""
        for current, duration in segments:
            self.hold(current, duration, dt_s)

    def _warm(self, q: float, dt: float) -> None:
        self.heat_j += q * dt
        if self.isothermal:
            self.lost_j += q * dt
            return
        before = self.temperature[0]
        per_k = self.capacity[0] / dt
        mean_rate = 0.5 * self.cooling  # trapezium
        self.temperature[0] = (per_k * before + q + self.cooling * self.ambient_k - mean_rate * before) / (
            per_k + mean_rate
        )
        self.lost_j += self.cooling * (0.5 * (before + self.temperature[0]) - self.ambient_k) * dt
        heat.set_temperature(self.lane.coef, self.base, self.design, self.temperature, 0, 1)

    def rows(self) -> np.ndarray:
        """time, voltage, current, temperature, heat [5, n]."""
        return np.array(self.trace).T

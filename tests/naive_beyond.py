"""Plain twin of `packsim/cell/beyond/kernels.py`, one cell, from docs/beyond.md; numbers by name instead of by row."""

from __future__ import annotations

import math
from dataclasses import dataclass

GAUSS = (0.5 - 0.5 / math.sqrt(3.0), 0.5 + 0.5 / math.sqrt(3.0))
R_OVER_F = 8.31446261815324 / 96485.33212


@dataclass
class Anode:
    """What a step left at the anode (SI): potential and stoichiometry of the surface, salt, kinetics, charges."""

    u: float
    surface: float
    mean: float  # of the particles, after the step
    salt_mean: float
    salt_edge: float
    salt_shape: float
    half_per_exchange: float  # 1 / (2 A m): half the inverse of the exchange current without its square roots
    capacity_c: float
    diffusion_s: float  # R^2 / D
    kelvin: float

    def potential(self, inner: float) -> float:
        """Of the surface vs Li, at the current `inner` through the reaction."""
        points = [self.salt_mean + (self.salt_edge - self.salt_mean) * (3.0 * z * z - 1.0) / 2.0 for z in GAUSS]
        product = self.salt_shape * math.prod(max(c, 0.1 * max(self.salt_mean, 1.0)) for c in points)
        salt = math.exp(0.5 * math.log(product))
        exchange = math.sqrt(salt * max(self.surface * (1.0 - self.surface), 1e-4))
        return self.u + 2.0 * R_OVER_F * self.kelvin * math.asinh(self.half_per_exchange * inner / exchange)


@dataclass
class Damage:
    """All damage of one cell."""

    dissolved: float = 0.0
    away: float = 0.0
    short: float = 0.0
    sei_broken: float = 0.0
    lithium_lost: float = 0.0
    plating_s: float = 0.0
    plating_c: float = 0.0
    plating_depth: float = 0.0
    over_charge: float = 0.0
    short_a: float = 0.0

    def step(
        self,
        numbers: dict[str, float],
        anode: Anode,
        current: float,
        leak: float,
        volt: float,
        upper_v: float,
        dt: float,
    ) -> float:
        """Take the damage of a step; returns the anode's mean stoichiometry, lowered by the lithium that SEI took."""
        if current < 0.0 and volt > upper_v + 1e-3:
            self.over_charge += -current * dt
        inner = current + leak
        potential = anode.potential(inner)
        if inner < 0.0 and potential < 0.0:
            self.plating_s += dt
            self.plating_c += -inner * dt
            self.plating_depth = max(self.plating_depth, -potential)
        self.copper(numbers, anode, inner, dt)
        return anode.mean - self.sei(numbers, anode, potential, inner, dt) / anode.capacity_c

    def copper(self, numbers: dict[str, float], anode: Anode, inner: float, dt: float) -> None:
        """Dissolved, away, short."""
        exponent = (anode.u - numbers["copper_v"]) / numbers["width_v"]
        share = 0.0 if exponent <= -30.0 else math.exp(min(exponent, 0.0))
        deficit = max(0.0, -anode.mean) * anode.capacity_c
        driven = self.away + share * inner * dt
        settled = 1.0 - math.exp(-(math.pi**2) * dt / anode.diffusion_s)
        away = max(0.0, driven + (deficit - driven) * settled)
        self.dissolved += max(0.0, away - self.away)
        self.away = away
        at_once, on_return = numbers["cathode_share"], 1.0 - numbers["cathode_share"]
        deposited = at_once * self.dissolved + on_return * (self.dissolved - self.away)
        self.short = min(numbers["short_s_per_c"] * deposited, anode.capacity_c / 3600.0)

    def leak(self, own: float, volt: float, fall: float, ohm: float) -> float:
        """Leakage of the next step; `fall` is the cell's dV/dI of which `ohm` is outside the short.

        The short's current that, if it had flowed during the step, would have stood at the voltage that it leaves.
        """
        inside = max(fall - ohm, 0.0)
        unloaded = volt + inside * self.short_a
        self.short_a = unloaded / (1.0 / self.short + inside) if self.short > 0.0 else 0.0
        return own + self.short_a

    def sei(self, numbers: dict[str, float], anode: Anode, potential: float, inner: float, dt: float) -> float:
        """Lithium that new SEI takes."""
        if potential > numbers["sei_v"]:
            whole = numbers["sei_share"] * anode.capacity_c - self.sei_broken
            self.sei_broken += max(whole, 0.0) * (1.0 - math.exp(-dt * numbers["sei_per_s"]))
            return 0.0
        if inner < 0.0 and potential < numbers["reform_v"]:
            taken = min(self.sei_broken, numbers["reform_share"] * -inner * dt)
            self.sei_broken -= taken
            self.lithium_lost += taken
            return taken
        return 0.0

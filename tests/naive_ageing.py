"""Plain twin of `packsim/cell/ageing/kernels.py`, one cell, from docs/ageing.md; numbers by name instead of by row."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from scipy.optimize import brentq

ROOT = 1.0 / math.sqrt(3.0)
POINTS = (0.5 - 0.5 * ROOT, 0.5 + 0.5 * ROOT)  # through the anode, from collector to separator
FARADAY, GAS = 96485.33212, 8.31446261815324


@dataclass
class Step:
    """What a committed step left (SI): anode's mean potential, salt, particles, and the cell's present numbers."""

    potential: float
    salt_mean: float
    salt_edge: float
    chi_v: float
    anode_salt_ohm: float  # the anode's share of the electrolyte's resistance
    surface_x: float
    surface_y: float
    x: float  # mean after the step
    y: float
    current: float
    leak: float
    kelvin: float
    dt: float
    q_n: float
    q_p: float


@dataclass
class Aged:
    """All ageing of one cell, and how it was built."""

    rate: float
    surface: float
    q_n: float
    q_p: float
    capacity: float
    pore_volume: float
    swing_from: float
    swing_to: float
    thickness: float = 0.0
    sei: float = 0.0
    plated: float = 0.0
    lost_n: float = 0.0
    lost_p: float = 0.0
    lost_n_c: float = 0.0
    lost_p_c: float = 0.0
    film: float = 0.0
    cracks: float = 0.0
    in_cracks: float = 0.0

    def step(self, laws: Any, now: Step) -> float:
        """Age by one step; returns the lithium [C] that left the anode's particles."""
        f = FARADAY / (GAS * now.kelvin)
        salt = [now.salt_mean + (now.salt_edge - now.salt_mean) * (3.0 * z * z - 1.0) / 2.0 for z in POINTS]
        salt = [max(c, 0.1 * now.salt_mean, 1.0) for c in salt]
        logs = [math.log(c) for c in salt]
        local = [
            now.potential
            + 1.5 * now.anode_salt_ohm * now.current * (z * z - 1.0 / 3.0)
            - now.chi_v * (log - 0.5 * sum(logs))
            for z, log in zip(POINTS, logs, strict=True)
        ]
        time = self.rate * now.dt
        area = self.surface * (1.0 - self.lost_n)
        warm = math.exp(laws.sei_activation_k * (1.0 / laws.reference_k - 1.0 / now.kelvin))
        film_v = (now.current + now.leak) * self.film
        grown = self.growth(laws, local, film_v, f, time * warm * laws.sei_ratio)
        inside = grown * area * laws.sei_c_per_m3 * (laws.crack_area + self.cracks)
        taken = grown * area * laws.sei_c_per_m3 + inside
        self.in_cracks += inside
        plated = self.plating(laws, local, salt, f) * area * time * laws.dead_share
        self.thickness += grown
        self.sei += taken
        self.plated += plated
        x = now.x - (taken + plated) / now.q_n
        before, after, whole = self.half_cycle(x * now.q_n)
        deeper = self.rate * (after**laws.depth_exponent - before**laws.depth_exponent)
        if laws.crack_area > 0.0:
            cracked = (1.0 + self.cracks / laws.crack_area) ** (laws.crack_exponent / 2.0)
            swing = [(depth * whole / self.capacity) ** laws.crack_exponent for depth in (before, after)]
            self.cracks += self.rate * laws.crack_growth * laws.crack_area * cracked * (swing[1] - swing[0])
        stress = [
            laws.stress_per_s[k] * max(laws.stress_per_sto[k] * gap, 0.0) ** laws.stress_exponent[k]
            for k, gap in enumerate((x - now.surface_x, now.y - now.surface_y))
        ]
        loss_n = laws.loss_by_sei * taken / self.q_n + laws.half_cycle[0] * deeper + time * stress[0]
        loss_p = laws.half_cycle[1] * deeper + time * stress[1]
        self.lost_n += loss_n
        self.lost_p += loss_p
        self.lost_n_c += x * loss_n * self.q_n
        self.lost_p_c += now.y * loss_p * self.q_p
        film_m = laws.first_m + self.thickness - laws.film_from_m
        self.film = laws.film_ohm_m * film_m / (self.surface * (1.0 - self.lost_n))
        return taken + plated

    def growth(self, laws: Any, local: list[float], film_v: float, f: float, time: float) -> float:
        """Root of: time that the reaction and the way through the film take together, less the time there is."""
        if laws.s_per_m == 0.0 and laws.s_per_m2 == 0.0:
            return 0.0
        reaction = transport = 0.0
        if laws.s_per_m:
            speeds = [math.exp(-laws.alpha * f * (v - laws.sei_v)) / laws.s_per_m for v in local]
            reaction = 2.0 / sum(speeds)
        if laws.s_per_m2:
            fluxes = [math.exp(-laws.beta * f * (v + film_v)) / laws.s_per_m2 for v in local]
            transport = 2.0 / sum(fluxes)
        before = laws.first_m + self.thickness

        def late(grown: float) -> float:
            return reaction * grown + transport * (before * grown + 0.5 * grown * grown) - time

        if time == 0.0:
            return 0.0
        return float(brentq(late, 0.0, 1e-3, xtol=1e-30, rtol=1e-15))

    def plating(self, laws: Any, local: list[float], salt: list[float], f: float) -> float:
        """Mean current density of plating."""
        total = 0.0
        for v, c in zip(local, salt, strict=True):
            forward = math.exp(-laws.plating_alpha * f * v)
            back = math.exp((1.0 - laws.plating_alpha) * f * v)
            exchange = laws.plating_fixed + laws.plating_per_c_e * c
            if laws.plating == 1:
                total += 0.5 * exchange * forward
            elif laws.plating == 2 and v < 0.0:
                total += 0.5 * exchange * (forward - back)
        return total

    def half_cycle(self, charge: float) -> tuple[float, float, float]:
        """Depth before and after, and of what."""
        lost = self.sei + self.plated + self.lost_n_c + self.lost_p_c
        whole = max(self.capacity - lost, 0.1 * self.capacity)
        depth = abs(self.swing_to - self.swing_from) / whole
        up, way = self.swing_to - self.swing_from, charge - self.swing_from
        if (up == 0.0 or way * up > 0.0) and abs(way) > abs(up):
            self.swing_to = charge
            return depth, abs(way) / whole, whole
        back = abs(charge - self.swing_to) / whole
        if back > 0.02:
            self.swing_from, self.swing_to = self.swing_to, charge
            return 0.0, back, whole
        return 0.0, 0.0, whole

"""Plain, slow twins of the kernels: one cell, one number at a time, written from docs/spme.md."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.interpolate import CubicHermiteSpline, RegularGridInterpolator
from scipy.optimize import brentq

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from packsim.cell.from_pybamm import CellParameters, ElectrodeParameters

F = 96485.33212
GAS = 8.31446261815324
POLES = (
    (20.497739, 0.10272786),
    (77.270595, 0.04633367),
    (306.06466, 0.02648598),
    (1441.2811, 0.01378870),
    (8432.7008, 0.00660441),
    (68851.247, 0.00283557),
    (1195876.1, 0.00122381),
)
STAGE = 0.36
SHELLS = {  # edges, how far the last gradient reaches, fast poles
    5: (
        np.array([0.0, 0.5164463, 0.6814943, 0.7927305, 0.9109277, 1.0]),
        0.01322993,
        ((1085.9299, 0.018903219), (10415.003, 0.008082934), (258311.75, 0.002854628)),
    ),
    3: (
        np.array([0.0, 0.6082284, 0.8386743, 1.0]),
        0.02202839,
        ((345.73808, 0.034553258), (3630.3752, 0.014390128), (112747.28, 0.004578375)),
    ),
}
GAUSS = (0.5 - 0.5 / math.sqrt(3.0), 0.5 + 0.5 / math.sqrt(3.0))


def philox4x32(counter: tuple[int, int, int, int], key: tuple[int, int]) -> tuple[int, int, int, int]:
    """Philox4x32-10 (Salmon et al., SC11) in Python integers."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (p1 >> 32) ^ c1 ^ k0, p1 & 0xFFFFFFFF, (p0 >> 32) ^ c3 ^ k1, p0 & 0xFFFFFFFF
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return c0, c1, c2, c3


def ocp(e: ElectrodeParameters) -> CubicHermiteSpline:
    """PyBaMM's open-circuit potential, without the bounds that only matter outside the window."""
    return CubicHermiteSpline(e.ocp_sto, np.clip(e.ocp_v, -10.0, 10.0), np.clip(e.ocp_slope, -1e7, 1e7))


def balance(
    u_n: Callable[[float], float], u_p: Callable[[float], float], charges: tuple[float, float, float], window: tuple
) -> tuple[float, float, float, float, float]:
    """x0, x100, y0, y100 and capacity [A.h] of electrodes with charges Q_n, Q_p, Q_Li [A.h]."""
    q_n, q_p, q_li = charges
    low, high = max(1e-6, (q_li - q_p) / q_n + 1e-6), min(1.0 - 1e-6, q_li / q_n - 1e-6)
    x0, x100 = (
        brentq(lambda x, v=v: float(u_p((q_li - x * q_n) / q_p)) - float(u_n(x)) - v, low, high, xtol=1e-14)
        for v in window
    )
    return x0, x100, (q_li - x0 * q_n) / q_p, (q_li - x100 * q_n) / q_p, (x100 - x0) * q_n


def closure(d_e: Callable[[float], float], mean: float, edge: float) -> tuple[float, float]:
    """Effective D and <ln c> of the steady profile in an electrode: ODE-free, by root finding (docs/spme.md)."""
    c = np.linspace(0.0, 16000.0, 64001)
    d = np.array([d_e(value) for value in c])
    potential = np.concatenate([[0.0], np.cumsum(0.5 * (d[1:] + d[:-1]) * np.diff(c))])
    nodes, weights = np.polynomial.legendre.leggauss(40)
    z, w = 0.5 * (nodes + 1.0), 0.5 * weights
    at_edge = np.interp(edge, c, potential)

    def profile(g: float) -> np.ndarray:
        return np.interp(at_edge + g * (1.0 - z * z), potential, c)

    g = brentq(lambda g: float(w @ profile(g)) - mean, -at_edge, potential[-1] - at_edge, xtol=1e-22)
    return 2.0 * g / (3.0 * (mean - edge)), float(w @ np.log(profile(g)))


def inertia(rows: tuple[tuple[float, float, float], ...]) -> float:
    """First moment of how the electrodes' means part after a step of current, over that of two means alone.

    `rows`: thickness, porosity, tortuosity factor of negative, separator, positive; the diffusivity does not matter.
    """
    (l_n, e_n, t_n), (l_s, e_s, t_s), (l_p, e_p, t_p) = rows
    along = np.polynomial.Polynomial([0.0, 1.0])
    slopes = (along / l_n / -t_n, 0.0 * along - 1.0 / t_s, (along / l_p - 1.0) / t_p)  # of the steady profile
    parts, before = [], 0.0
    for slope, (length, _, _) in zip(slopes, rows, strict=True):
        parts.append(slope.integ(k=before))
        before = parts[-1](length)
    salt = sum(e * c.integ()(length) for c, (length, e, _) in zip(parts, rows, strict=True))
    parts = [c - salt / (e_n * l_n + e_s * l_s + e_p * l_p) for c in parts]
    # diffusion is symmetric: the moment is the square of the profile over the profile at the source
    squares = sum(e * (c * c).integ()(length) for c, (length, e, _) in zip(parts, rows, strict=True))
    exact = squares / (parts[0].integ()(l_n) / l_n - parts[2].integ()(l_p) / l_p)
    a_n, s, a_p = 3.0 * t_n / l_n, t_s / l_s, 3.0 * t_p / l_p
    matrix = np.array(  # of both means, the separator's, both edges
        [
            [a_n, 0.0, 0.0, -a_n, 0.0],
            [0.0, a_p, 0.0, 0.0, -a_p],
            [a_n, 0.0, 6.0 * s, -a_n - 4.0 * s, -2.0 * s],
            [0.0, a_p, 6.0 * s, -2.0 * s, -a_p - 4.0 * s],
            [e_n * l_n, e_p * l_p, e_s * l_s, 0.0, 0.0],
        ]
    )
    means = np.linalg.solve(matrix, [1.0, -1.0, 0.0, 0.0, 0.0])
    later = np.linalg.solve(matrix, [e_n * l_n * means[0], e_p * l_p * means[1], 0.0, 0.0, 0.0])
    return float(exact * (means[0] - means[1]) / (later[0] - later[1]))


class Electrode:
    """Mean, surface and voltage parts of one electrode. `sign` is +1 for the cathode, which fills on discharge."""

    def __init__(self, p: ElectrodeParameters, sign: float, area: float, start: float, shells: int) -> None:
        self.p, self.sign, self.area, self.x = p, sign, area, start
        self.u = ocp(p)
        self.modes = [0.0] * len(POLES)
        self.shells = np.full(shells, start)
        self.charge = F * area * p.thickness_m * p.active_fraction * p.c_max
        self.surface_area = 3.0 * p.active_fraction / p.particle_radius_m * p.thickness_m * area

    def d(self, x: float) -> float:
        return float(np.interp(x, np.linspace(0.0, 1.0, self.p.diffusivity.size), self.p.diffusivity))

    def advance(self, current: float, dt: float) -> float:
        """Surface stoichiometry after dt."""
        self.x += self.sign * current * dt / self.charge
        return self._shells(current, dt) if len(self.shells) else self._poles(current, dt)

    def _poles(self, current: float, dt: float) -> float:
        tau = self.p.particle_radius_m**2 / self.d(0.5)
        flux = self.sign * current * tau / (3.0 * self.charge)  # R j / (F c_max D)
        for k, (rate, weight) in enumerate(POLES):
            decay = math.exp(-rate * dt / tau)
            self.modes[k] = self.modes[k] * decay + weight * flux * (1.0 - decay)
        return self.x + sum(self.modes)

    def _shells(self, current: float, dt: float) -> float:
        n, x = len(self.shells), self.shells
        edge, reach, poles = SHELLS[n]
        volume = edge[1:] ** 3 - edge[:-1] ** 3
        mean_r2 = 0.6 * (edge[1:] ** 5 - edge[:-1] ** 5) / volume
        gap = [(mean_r2[k + 1] - mean_r2[k]) / (2.0 * edge[k + 1]) for k in range(n - 1)]
        per_r2 = 1.0 / self.p.particle_radius_m**2
        conduct = [3.0 * edge[k + 1] ** 2 / gap[k] * per_r2 for k in range(n - 1)]
        face = 0.5 * (self.d(x[-1]) + self.d(x[-2]))
        drift = 0.5 * dt * face * conduct[-1] * (x[-1] - x[-2]) / (1.0 - volume[-1])
        rate = np.zeros((n, n))
        for k in range(n - 1):
            ends, middle = self.d(x[k] + drift) + self.d(x[k + 1] + drift), self.d(0.5 * (x[k] + x[k + 1]) + drift)
            g = (ends + 4.0 * middle) / 6.0 * conduct[k]
            rate[k, k : k + 2] += np.array([-g, g]) / volume[k]
            rate[k + 1, k : k + 2] += np.array([g, -g]) / volume[k + 1]
        stage = np.eye(n) - STAGE * dt * rate
        source = STAGE * dt * self.sign * current / self.charge * np.eye(n)[-1] / volume[-1]
        middle_of_step = np.linalg.solve(stage, x + source)
        self.shells = np.linalg.solve(stage, x + (1.0 - STAGE) / STAGE * (middle_of_step - x) + source)
        d = self.d(x[-1])
        decay = [math.exp(-r * d * dt * per_r2) for r, _ in poles]
        flat = self.shells[-1] + reach * (self.shells[-1] - self.shells[-2]) / gap[-1]
        flat += sum(m * e for m, e in zip(self.modes, decay, strict=False))
        rises = [w * (1.0 - e) for (_, w), e in zip(poles, decay, strict=True)]
        flux = self.sign * current / (3.0 * self.charge * per_r2)
        surface = flat
        for _ in range(2):
            gradient = flux / self.d(surface)
            surface = flat + sum(rises) * gradient
        self.modes = [m * e + w * gradient for m, e, w in zip(self.modes, decay, rises, strict=False)]
        return surface

    def exchange(self, x: float, c_e: float) -> float:
        """Exchange current [A]."""
        return self.surface_area * self.p.exchange_m * math.sqrt(c_e * max(x * (1.0 - x), 1e-4))


class NaiveCell:
    """SPMe cell with closed-form electrolyte means; `table` is the electrolyte closure [mean, gap, 2]."""

    def __init__(
        self, p: CellParameters, window: tuple, soc: float, table: np.ndarray, shells: tuple[int, int]
    ) -> None:
        x0, x100, y0, y100 = window[:4]
        self.p = p
        self.n = Electrode(p.negative, -1.0, p.area_m2, x0 + soc * (x100 - x0), shells[0])
        self.pos = Electrode(p.positive, +1.0, p.area_m2, y0 + soc * (y100 - y0), shells[1])
        self.c = dict.fromkeys(("mean_n", "mean_p", "edge_n", "edge_p"), p.c_e_init)
        axes = (np.linspace(0.0, 4000.0, table.shape[0]), np.linspace(-1.0, 5.0, table.shape[1]))
        self.closure = [RegularGridInterpolator(axes, table[:, :, part]) for part in range(2)]

    def of_c(self, values: np.ndarray, c: float) -> float:
        return float(np.interp(c, np.linspace(0.0, 4000.0, values.size), values))

    def lengths(self) -> tuple[tuple[float, float, float], ...]:
        """(thickness, porosity, tortuosity factor) of negative, separator, positive."""
        p = self.p
        n, s, q = p.negative, (p.separator_thickness_m, p.separator_porosity, p.separator_bruggeman), p.positive
        rows = (
            (n.thickness_m, n.porosity, n.bruggeman_electrolyte),
            s,
            (q.thickness_m, q.porosity, q.bruggeman_electrolyte),
        )
        return tuple((length, eps, eps**b) for length, eps, b in rows)

    def ohmic(self) -> float:
        p, rows = self.p, self.lengths()
        total = sum(row[0] for row in rows)
        c_ref = p.c_e_init * sum(e * x for x, e, _ in rows) / total * sum(x / e for x, e, _ in rows) / total
        (l_n, _, t_n), (l_s, _, t_s), (l_p, _, t_p) = rows
        electrolyte = (l_n / (3 * t_n) + l_s / t_s + l_p / (3 * t_p)) / self.of_c(p.electrolyte_conductivity, c_ref)
        solid = sum(
            e.thickness_m / (3.0 * e.conductivity * (1.0 - e.porosity) ** e.bruggeman_electrode)
            for e in (p.negative, p.positive)
        )
        self.chi = self.of_c(p.chi, c_ref)
        return (electrolyte + solid) / p.area_m2 + p.contact_resistance_ohm

    def electrolyte(self, current: float, dt: float) -> Mapping[str, float]:
        """Implicit step of the five unknowns (three means, two edges); returns the lagged shapes."""
        p, c = self.p, self.c
        (l_n, e_n, t_n), (l_s, e_s, t_s), (l_p, e_p, t_p) = self.lengths()
        gap = {k: (c[f"edge_{k}"] - c[f"mean_{k}"]) / c[f"mean_{k}"] for k in "np"}
        d = {k: float(self.closure[0]((c[f"mean_{k}"], gap[k]))) for k in "np"}
        shape = {k: float(self.closure[1]((c[f"mean_{k}"], gap[k]))) for k in "np"}
        middle, arm = 0.5 * (c["edge_n"] + c["edge_p"]), 0.5 / math.sqrt(3.0) * (c["edge_n"] - c["edge_p"])
        d_s = 0.5 * (
            self.of_c(p.electrolyte_diffusivity, middle + arm) + self.of_c(p.electrolyte_diffusivity, middle - arm)
        )
        a_n, a_p, s = 3 * t_n * d["n"] / l_n, 3 * t_p * d["p"] / l_p, t_s * d_s / l_s
        v_n, v_s, v_p = e_n * l_n, e_s * l_s, e_p * l_p
        salt = p.c_e_init * (v_n + v_s + v_p)

        def edges(m_n: float, m_p: float) -> np.ndarray:
            m_s = (salt - v_n * m_n - v_p * m_p) / v_s
            matrix = np.array([[a_n + 4 * s, 2 * s], [2 * s, a_p + 4 * s]])
            return np.linalg.solve(matrix, np.array([a_n * m_n + 6 * s * m_s, a_p * m_p + 6 * s * m_s]))

        def outflow(m: np.ndarray) -> np.ndarray:
            c_1, c_2 = edges(*m)
            return np.array([a_n * (m[0] - c_1), a_p * (m[1] - c_2)])

        zero = outflow(np.zeros(2))
        slope = np.stack([outflow(np.array([1.0, 0.0])) - zero, outflow(np.array([0.0, 1.0])) - zero], axis=1)
        weight = inertia(self.lengths()) * np.diag([v_n, v_p])
        rate = np.linalg.inv(weight) @ slope
        x = dt * np.linalg.det(rate) / np.trace(rate)
        explicit = 1.0 / (2.0 + x / 3.0 + x * x / 20.0)
        source = (1.0 - p.transference) * current / (F * p.area_m2) * np.array([1.0, -1.0])
        m = np.array([c["mean_n"], c["mean_p"]])
        right = weight @ m + dt * (source - zero - explicit * slope @ m)
        new = np.linalg.solve(weight + dt * (1.0 - explicit) * slope, right)
        c_1, c_2 = edges(*new)
        self.c = {"mean_n": new[0], "mean_p": new[1], "edge_n": c_1, "edge_p": c_2}
        return shape

    def log_mean(self, side: str, shape: float) -> float:
        mean, edge = self.c[f"mean_{side}"], self.c[f"edge_{side}"]
        values = [max(mean + (edge - mean) * (3 * z * z - 1) / 2, 0.1 * mean) for z in GAUSS]
        return 0.5 * math.log(shape * values[0] * values[1])

    def step(self, current: float, dt: float) -> float:
        """Terminal voltage after dt at `current`."""
        thermal = GAS * self.p.temperature_k / F
        shape = self.electrolyte(current, dt)
        x, y = self.n.advance(current, dt), self.pos.advance(current, dt)
        log_n, log_p = self.log_mean("n", shape["n"]), self.log_mean("p", shape["p"])
        eta = 0.0
        for electrode, sto, log_c in ((self.n, x, log_n), (self.pos, y, log_p)):
            eta += 2.0 * thermal * math.asinh(0.5 * current / electrode.exchange(sto, math.exp(log_c)))
        resistance = self.ohmic()
        concentration = self.chi * thermal * (log_p - log_n)
        return float(self.pos.u(y) - self.n.u(x)) - eta + concentration - resistance * current

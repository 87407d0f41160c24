"""Plain twins of the heat kernels, written from docs/heat.md: one cell at a time, dense matrices for the pack."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from packsim.cell.electrodes import kernels as e
from packsim.cell.electrodes.ocp import grid

if TYPE_CHECKING:
    from packsim.cell.electrodes.kernels import Design
    from packsim.pack.heat.kernels import Thermal

NODES = grid()
GAUSS = np.polynomial.legendre.leggauss(6)


def factor(design: Design, row: int, kelvin: float) -> float:
    """A property at `kelvin` over its value at the reference."""
    ref = design.heat.reference_k
    t = min(max(kelvin, ref - 45.0), ref + 75.0)
    u = 1.0 / ref - 1.0 / t
    a, b, c = design.heat.law[row]
    return math.exp(a * u + b * u**2 + c * u**3)


def coefficients_at(base: np.ndarray, design: Design, kelvin: float) -> np.ndarray:
    """Coefficients [N_COEF] of one cell at `kelvin` from those at the reference."""
    out, ref = base.copy(), design.heat.reference_k
    f = [factor(design, row, kelvin) for row in range(6)]
    for rows, by in (((e.TAU_N,), 1 / f[0]), ((e.TAU_P,), 1 / f[1]), ((e.K_N,), 1 / f[2]), ((e.K_P,), 1 / f[3])):
        out[list(rows)] *= by
    out[[e.AL_N, e.AL_S, e.AL_P]] *= f[4]
    out[e.TWO_V] *= kelvin / ref
    out[e.CHI_V] *= kelvin / ref * (1.0 + design.heat.chi_slope * (kelvin - ref))
    out[e.R_E] /= f[5]
    out[e.R_OHM] += out[e.R_E] - base[e.R_E]
    return out


def potential(table: np.ndarray, x: float) -> float:
    """The cubic piece of an OCP table at x, straight tails beyond."""
    nodes = NODES
    held = min(max(x, nodes[0]), nodes[-1])
    k = min(max(int(np.searchsorted(nodes, held, side="right")) - 1, 0), len(table) - 1)
    u = (held - nodes[k]) / (nodes[k + 1] - nodes[k])
    return float(np.polyval(table[k][::-1], u)) - e.OCP_TAIL * (x - held)


def change(nodes: np.ndarray, x: float) -> float:
    """dU/dT at x."""
    return float(np.interp(x, NODES, nodes))


def full_cell(design: Design, x: float, y: float) -> tuple[float, float]:
    """Open-circuit voltage at the reference and its entropic change."""
    heat = design.heat
    u = potential(design.ocp_p, y) - potential(design.ocp_n, x)
    return u, change(heat.entropy_p, y) - change(heat.entropy_n, x)


def drawn_j(design: Design, coef: np.ndarray, start: tuple[float, float], end: tuple[float, float]) -> float:
    """Chemical energy between two (anode, cathode) means, by Gauss points inside every piece of the tables."""
    total = 0.0
    for side, (table, nodes) in enumerate(
        ((design.ocp_n, design.heat.entropy_n), (design.ocp_p, design.heat.entropy_p))
    ):
        low, high = sorted((start[side], end[side]))
        sign = 1.0 if end[side] >= start[side] else -1.0
        cuts = np.concatenate([[low], [z for z in NODES if low < z < high], [high]])
        area = 0.0
        for a, b in pairwise(cuts):
            for z, w in zip(*GAUSS, strict=True):
                x = 0.5 * (a + b) + 0.5 * (b - a) * z
                area += 0.5 * (b - a) * w * (potential(table, x) - design.heat.reference_k * change(nodes, x))
        total += sign * area / coef[e.Q_N + side]
    return total


def network(
    thermal: Thermal, inlet_k: float, ambient_k: float, flow_factor: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Dense A, b of capacity dT/dt = A T + b + heat, cells in their own order."""
    n = len(thermal.order)
    a, b = np.zeros((n, n)), np.zeros(n)

    def conduct(i: int, j: int, g: float) -> None:
        a[[i, j], [i, j]] -= g
        a[[i, j], [j, i]] += g

    for k in range(n - 1):
        conduct(thermal.order[k], thermal.order[k + 1], thermal.along[k])
    for j in range(n - thermal.cells_per_row):
        conduct(j, j + thermal.cells_per_row, thermal.across)
    for j in range(n):
        a[j, j] -= thermal.ambient_w_per_k[j]
        b[j] += thermal.ambient_w_per_k[j] * ambient_k
    arrives, offset = np.zeros(n), inlet_k  # the coolant's temperature as arrives @ T + offset
    for k in range(n):
        if k == 0 or thermal.stream[k] != thermal.stream[k - 1]:
            arrives, offset = np.zeros(n), inlet_k
        carries = thermal.flow_w_per_k * flow_factor[thermal.stream[k]]
        if carries <= 0.0:
            continue
        share, cell = 1.0 - math.exp(-thermal.contact_w_per_k / carries), thermal.order[k]
        a[cell] += carries * share * arrives
        a[cell, cell] -= carries * share
        b[cell] += carries * share * offset
        arrives = (1.0 - share) * arrives
        arrives[cell] += share
        offset *= 1.0 - share
    return a, b

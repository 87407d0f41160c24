"""The inertia of the electrodes' mean concentrations against brute force: the exact first moment on a fine mesh."""

from __future__ import annotations

import naive
import numpy as np
import pytest
from pybamm_spme import SETS

from packsim.cell.electrolyte.inertia import inertia
from packsim.cell.from_pybamm import read_parameters

CELLS = 400  # a region


def rows_of(name: str) -> tuple[tuple[float, float, float], ...]:
    """Thickness, porosity, tortuosity factor of negative, separator, positive."""
    _, p = read_parameters(name)
    n, q = p.negative, p.positive
    return (
        (n.thickness_m, n.porosity, n.porosity**n.bruggeman_electrolyte),
        (p.separator_thickness_m, p.separator_porosity, p.separator_porosity**p.separator_bruggeman),
        (q.thickness_m, q.porosity, q.porosity**q.bruggeman_electrolyte),
    )


def kernels(rows: tuple[tuple[float, float, float], ...]) -> float:
    (l_n, e_n, t_n), (l_s, e_s, t_s), (l_p, e_p, t_p) = rows
    return inertia((e_n * l_n, e_s * l_s, e_p * l_p), (3.0 * t_n / l_n, t_s / l_s, 3.0 * t_p / l_p))


@pytest.mark.parametrize("name", SETS)
def test_inertia_is_the_plain_twins(name, report):
    rows = rows_of(name)
    report(f"{name}: inertia against its twin", abs(kernels(rows) / naive.inertia(rows) - 1.0), 1e-12, "relative")


@pytest.mark.parametrize("name", ["NCA_Kim2011", "Ai2020", "Prada2013"])
def test_first_moment_is_that_of_a_fine_mesh(name, report):
    """How late the difference of the means is after a step of current: of the mesh, and of two means with the inertia."""
    rows = rows_of(name)
    width = np.repeat([length / CELLS for length, _, _ in rows], CELLS)
    room = width * np.repeat([eps for _, eps, _ in rows], CELLS)
    half = 0.5 * width / np.repeat([tor for _, _, tor in rows], CELLS)
    between = 1.0 / (half[1:] + half[:-1])
    flow = np.diag(np.append(between, 0.0) + np.append(0.0, between)) - np.diag(between, 1) - np.diag(between, -1)
    flow += np.outer(room, room) / room.sum() ** 2 * between.max()  # no salt is added
    source = np.repeat([1.0 / CELLS, 0.0, -1.0 / CELLS], CELLS)
    steady = np.linalg.solve(flow, source)
    later = np.linalg.solve(flow, room * steady)
    late = (later @ source) / (steady @ source)  # the integral of what is missing from the end value, over that value
    (l_n, e_n, t_n), (l_s, e_s, t_s), (l_p, e_p, t_p) = rows
    a_n, s, a_p = 3.0 * t_n / l_n, t_s / l_s, 3.0 * t_p / l_p
    v_n, v_s, v_p = e_n * l_n, e_s * l_s, e_p * l_p

    def outflow(m_n: float, m_p: float) -> list[float]:
        m_s = -(v_n * m_n + v_p * m_p) / v_s
        edges = [[a_n + 4.0 * s, 2.0 * s], [2.0 * s, a_p + 4.0 * s]]
        c_1, c_2 = np.linalg.solve(edges, [a_n * m_n + 6.0 * s * m_s, a_p * m_p + 6.0 * s * m_s])
        return [a_n * (m_n - c_1), a_p * (m_p - c_2)]

    rates = np.transpose([outflow(1.0, 0.0), outflow(0.0, 1.0)])
    means = np.linalg.solve(rates, [1.0, -1.0])
    after = np.linalg.solve(rates, kernels(rows) * np.array([v_n, v_p]) * means)
    found = (after[0] - after[1]) / (means[0] - means[1])
    report(f"{name}: first moment of the electrolyte against a mesh", abs(found / late - 1.0), 1e-4, "relative")

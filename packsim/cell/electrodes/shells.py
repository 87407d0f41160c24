"""Shells of a particle whose diffusivity depends on stoichiometry, and the poles between the outermost and the surface.

A shell's mean says nothing of the surface until lithium has diffused through half of it, 20 s in Ecker2015's anode. Until
then the surface goes as the root of time, which a few fast modes follow: they are fitted together with the shells' edges
to a sphere of constant diffusivity (`benchmarks/shells.py`, docs/spme.md), and each takes the diffusivity where it is.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from packsim.cell.electrodes import kernels as k

Array = npt.NDArray[np.float64]


class Shells(NamedTuple):
    """Edges of shells of a unit sphere, centre first; how far their last gradient reaches; rates and weights of poles."""

    edges: tuple[float, ...]
    reach: float
    rates: tuple[float, ...]  # of D / R^2
    weights: tuple[float, ...]


FITTED = {
    5: Shells(
        (0.0, 0.5164463, 0.6814943, 0.7927305, 0.9109277, 1.0),
        0.01322993,
        (1085.9299, 10415.003, 258311.75),
        (0.018903219, 0.008082934, 0.002854628),
    ),
    3: Shells(
        (0.0, 0.6082284, 0.8386743, 1.0),
        0.02202839,
        (345.73808, 3630.3752, 112747.28),
        (0.034553258, 0.014390128, 0.004578375),
    ),
}
SHELL_COUNT = (5, 3)  # negative, positive


def shell_tables(count: int) -> tuple[Array, Array]:
    """Design.shell_geometry and Design.shell_surface of an electrode with so many shells.

    A face's conductance is three times its area over the distance of its shells' nodes, so that the gradient there is exact
    for a parabola.
    """
    shells = FITTED[count]
    edges = np.array(shells.edges)
    volume = np.diff(edges**3)
    apart = np.diff(0.6 * np.diff(edges**5) / volume) / (2.0 * edges[1:-1])
    geometry = np.zeros((k.MOST_SHELLS, 2))
    geometry[: volume.size - 1, 0] = 3.0 * edges[1:-1] ** 2 / apart
    geometry[: volume.size, 1] = volume
    return geometry, np.array([shells.reach / apart[-1], *shells.rates, *shells.weights])

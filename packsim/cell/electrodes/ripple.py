"""How far a stoichiometry may move in one step before the open-circuit potential ripples on the way."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from packsim.cell.electrodes import kernels as k

Array = npt.NDArray[np.float64]

RIPPLE_V = 1e-3  # V off the parabola through both ends and the middle of a stretch
FINE = 4096  # intervals of 0..1 on which the potential is looked at
PARTS = 16  # of a stretch
LENGTHS = np.unique(np.rint(np.geomspace(1, 64, 32)).astype(int)) * PARTS  # fine intervals; up to a quarter of 0..1


def calm_stretches(table: Array) -> Array:
    """[CALM_POINTS] longest stretch around each stoichiometry of an even grid 0..1 on which U is near a parabola.

    A stretch of that length is calm wherever it lies around the place, and so is every shorter one, but for the shortest
    of LENGTHS, which stands where none is. Where one of a quarter of 0..1 is, longer ones are not looked for: inf.
    """
    x = np.linspace(0.0, 1.0, FINE + 1)
    potential = np.array([k.ocp(table, value)[0] for value in x])
    calm, still = np.full(x.size, float(LENGTHS[0])), np.ones(x.size, dtype=bool)
    part = np.arange(PARTS + 1) / PARTS
    for length in LENGTHS:
        places = np.arange(x.size - length)[:, None] + np.arange(PARTS + 1) * (length // PARTS)
        u = potential[places]
        first, middle, last = u[:, :1], u[:, PARTS // 2 : PARTS // 2 + 1], u[:, -1:]
        parabola = first + (last - first) * part + (4.0 * middle - 2.0 * (first + last)) * part * (1.0 - part)
        ripples = np.concatenate([[0], np.cumsum(np.max(np.abs(u - parabola), axis=1) > RIPPLE_V)])
        begins = np.clip(np.arange(x.size) - length, 0, x.size - length)  # of the stretches around a place
        ends = np.clip(np.arange(x.size) + 1, 0, x.size - length)
        still &= ripples[ends] == ripples[begins]
        calm[still] = length
    calm[calm == LENGTHS[-1]] = np.inf
    inside = (
        calm[:-1].reshape(k.CALM_POINTS, -1).min(axis=1)
    )  # of the places in an interval of the table, and at its end
    shortest = np.minimum(inside, calm[FINE // k.CALM_POINTS :: FINE // k.CALM_POINTS])
    return np.ascontiguousarray(shortest / FINE)

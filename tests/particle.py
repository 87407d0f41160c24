"""A sphere whose surface takes a constant flux from t = 0: how far the surface runs ahead of the mean, exactly."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import erf

Array = npt.NDArray[np.float64]

MODES = 100
SHORT = 0.02  # below it the closed form, whose own error there is less than exp(-1/SHORT)


def eigenvalues(count: int = MODES) -> Array:
    """The first positive roots of tan(lambda) = lambda."""
    roots = [
        brentq(lambda x: math.sin(x) - x * math.cos(x), k * math.pi, (k + 0.5) * math.pi, xtol=1e-14)
        for k in range(1, count + 1)
    ]
    return np.array(roots)


def step_response(t: Array) -> Array:
    """(x_surface - x_mean) D F c_max / (R j) after t = time D / R^2: 1/5 - sum 2 exp(-lambda^2 t) / lambda^2.

    For short times the same by images of the boundary: exp(t) (1 + erf sqrt t) - 1, less the mean's 3 t.
    """
    squares = eigenvalues() ** 2
    late = 0.2 - np.exp(-np.outer(t, squares)) @ (2.0 / squares)
    early = np.expm1(np.minimum(t, SHORT)) * (1.0 + erf(np.sqrt(t))) + erf(np.sqrt(t)) - 3.0 * t
    return np.where(t < SHORT, early, late)


def of_poles(rates: Array, weights: Array, t: Array) -> Array:
    """The same of a sum of relaxing terms; an infinite rate is there at once."""
    gone = np.zeros((t.size, len(rates)))
    finite = np.isfinite(rates)
    gone[:, finite] = np.exp(-np.outer(t, np.asarray(rates)[finite]))
    out: Array = (1.0 - gone) @ weights
    return out


def of_shells(edges: Array, reach: float, t: Array) -> Array:
    """As `step_response`, of shells between `edges` (0 to 1) that conduct as a parabola would, exactly in time.

    The surface is the outermost shell and `reach` times the gradient inside it; what the flux adds there is left out.
    """
    volume = np.diff(edges**3)
    apart = np.diff(0.6 * np.diff(edges**5) / volume) / (2.0 * edges[1:-1])
    conduct, root = 3.0 * edges[1:-1] ** 2 / apart, np.sqrt(volume)
    matrix = np.zeros((volume.size, volume.size))
    for k, g in enumerate(conduct):
        matrix[k : k + 2, k : k + 2] += g * np.array([[-1.0, 1.0], [1.0, -1.0]])
    rates, modes = np.linalg.eigh(matrix / np.outer(root, root))
    surface = np.zeros(volume.size)
    surface[-2:] = -reach / apart[-1], 1.0 + reach / apart[-1]
    share = (modes.T @ (surface / root)) * (modes.T @ (3.0 * np.eye(volume.size)[-1] / root))
    out = np.zeros_like(t)
    for rate, part in zip(rates[:-1], share[:-1], strict=True):  # the last mode is the mean, that rises for ever
        out = out + part * np.expm1(rate * t) / rate
    out += (share[-1] - 3.0) * t
    return out

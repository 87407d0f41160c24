"""Factors of Shewhart charts for subgroups of n normal values, computed from their definitions.

The range W of n standard normals has P(W <= w) = n * integral of phi(x) (Phi(x + w) - Phi(x))^(n - 1) dx; d2 is its mean and
d3 its standard deviation. c4 is the mean of the sample standard deviation. Definitions and published tables: ASTM E2587,
Montgomery, Introduction to Statistical Quality Control, appendix VI.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import special

LARGEST = 100  # of a subgroup; the integration grid is wide and fine enough far beyond


@dataclass(frozen=True)
class Factors:
    """Factors for subgroups of n; capital letters as in the published tables (D3 is a limit, d3 a standard deviation)."""

    n: int
    d2: float  # mean range over sigma
    d3: float  # sd of the range over sigma
    c4: float  # mean sample sd over sigma
    A2: float  # X-bar limits: centre +- A2 R-bar
    A3: float  # X-bar limits: centre +- A3 S-bar
    D3: float  # R limits: D3 R-bar, D4 R-bar
    D4: float
    B3: float  # S limits: B3 S-bar, B4 S-bar
    B4: float


def c4(n: int) -> float:
    """Mean of the sample standard deviation (n - 1) of n normals over sigma.

    Raises:
        ValueError: n below 2.
    """
    if n < 2:
        raise ValueError(f"a standard deviation needs at least 2 values, not {n}")
    half = math.lgamma(0.5 * n) - math.lgamma(0.5 * (n - 1)) if n < 10_000 else 0.5 * math.log(0.5 * (n - 1.5))
    return math.sqrt(2.0 / (n - 1)) * math.exp(half)


@lru_cache(maxsize=LARGEST)
def factors(n: int) -> Factors:
    """All factors for subgroups of `n`.

    Raises:
        ValueError: n outside 2..100.
    """
    if not 2 <= n <= LARGEST:
        raise ValueError(f"factors exist for subgroups of 2 to {LARGEST}, not {n}")
    mean, sd = _range_moments(n)
    c = c4(n)
    loss = math.sqrt(max(1.0 - c * c, 0.0))
    return Factors(
        n=n,
        d2=mean,
        d3=sd,
        c4=c,
        A2=3.0 / (mean * math.sqrt(n)),
        A3=3.0 / (c * math.sqrt(n)),
        D3=max(1.0 - 3.0 * sd / mean, 0.0),
        D4=1.0 + 3.0 * sd / mean,
        B3=max(1.0 - 3.0 * loss / c, 0.0),
        B4=1.0 + 3.0 * loss / c,
    )


def _range_moments(n: int) -> tuple[float, float]:
    """Mean and sd of the range: mean = integral of P(W > w), mean square = 2 * integral of w P(W > w)."""
    nodes, weights = np.polynomial.legendre.leggauss(160)
    w, weight = 8.0 * (nodes + 1.0), 8.0 * weights  # 0..16 sigma
    x = np.linspace(
        -26.0, 10.0, 721
    )  # the trapezoid is exact to rounding for smooth functions that vanish at both ends
    density = np.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi)
    between = special.ndtr(x + w[:, None]) - special.ndtr(x)
    below = n * (density * between ** (n - 1)).sum(axis=1) * (x[1] - x[0])
    above = 1.0 - below
    mean = float(weight @ above)
    return mean, math.sqrt(float(weight @ (2.0 * w * above)) - mean * mean)

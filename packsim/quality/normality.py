"""Anderson-Darling: how far data are from a distribution, with most weight on the tails."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from packsim.quality.spread import Array, as_values

FEWEST = 8  # the p-value's fit holds from here on


@dataclass(frozen=True)
class Normality:
    """Anderson-Darling test of normality with mean and sd estimated from the data."""

    n: int
    mean: float
    sd: float
    a2: float
    a2_star: float  # A2 (1 + 0.75 / n + 2.25 / n^2)
    p_value: float


def anderson_darling(u: npt.ArrayLike) -> float:
    """A2 of probability-integral-transformed values u [n] in any order; inf if one of them is 0 or 1.

    `u` is the distribution function at each value: of a given distribution (5 % point 2.492 for n >= 5, Stephens 1974) or of
    a fitted one (then critical values depend on what was fitted).

    Raises:
        ValueError: values outside 0..1 or not finite.
    """
    array = np.sort(as_values(u, "u", 1))
    if array[0] < 0.0 or array[-1] > 1.0:
        raise ValueError(f"u must lie in 0..1, not {array[0]:g}..{array[-1]:g}")
    if array[0] == 0.0 or array[-1] == 1.0:
        return math.inf
    return _statistic(np.log(array), np.log1p(-array))


def normality(values: npt.ArrayLike) -> Normality:
    """Anderson-Darling test that values [n >= 8] come from some normal distribution.

    p-value: D'Agostino & Stephens 1986, Goodness-of-Fit Techniques, table 4.9, case 3.

    Raises:
        ValueError: fewer than 8 values, not finite, or all equal.
    """
    array = np.sort(as_values(values, fewest=FEWEST))
    n, mean, sd = array.size, float(array.mean()), float(array.std(ddof=1))
    if not sd > 0.0:
        raise ValueError("all values are equal")
    z = (array - mean) / sd
    a2 = _statistic(special.log_ndtr(z), special.log_ndtr(-z))
    star = a2 * (1.0 + 0.75 / n + 2.25 / n**2)
    return Normality(n, mean, sd, a2, star, p_value(star))


def p_value(a2_star: float) -> float:
    """Upper tail of A2* for a normal with both parameters estimated; below 4e-24 it is not told apart."""
    a = min(a2_star, 10.0)
    if a < 0.2:
        return 1.0 - math.exp(-13.436 + 101.14 * a - 223.73 * a * a)
    if a < 0.34:
        return 1.0 - math.exp(-8.318 + 42.796 * a - 59.938 * a * a)
    if a < 0.6:
        return math.exp(0.9177 - 4.279 * a - 1.38 * a * a)
    return math.exp(1.2937 - 5.709 * a + 0.0186 * a * a)


def _statistic(log_cdf: Array, log_survival: Array) -> float:
    n = log_cdf.size
    weight = 2.0 * np.arange(1, n + 1) - 1.0
    return float(-n - (weight * (log_cdf + log_survival[::-1])).sum() / n)

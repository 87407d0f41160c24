"""Distributions as tables: the value that belongs to a latent standard normal, minus the mean of the process.

A variable is quantile(Phi(u)) of its distribution, where u is the sum of its normals from lot, lane, roll, drift and
within. So every distribution keeps its shape whatever the split of the variance, and correlations of the normals are a
Gaussian copula (Nelsen 2006, An Introduction to Copulas, section 2.3; Cario & Nelson 1997).
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import numpy.typing as npt

from packsim.line.variation.kernels import KNOTS, REACH
from packsim.scenario.errors import ScenarioError
from packsim.scenario.spread import Spread

Array = npt.NDArray[np.float64]
FEWEST_VALUES = 20  # of an empirical distribution


def knots() -> Array:
    """Latent normals [KNOTS] at which tables hold values."""
    return np.linspace(-REACH, REACH, KNOTS)


def weibull(sd: float, shape: float) -> Array:
    """Deviations [KNOTS] of a three-parameter Weibull from its mean; sd in the unit of the values."""
    from scipy.special import log_ndtr

    g1, g2 = math.gamma(1.0 + 1.0 / shape), math.gamma(1.0 + 2.0 / shape)
    scale = sd / math.sqrt(g2 - g1 * g1)
    deviations: Array = scale * ((-log_ndtr(-knots())) ** (1.0 / shape) - g1)
    return deviations


def truncated(mean: float, sd: float, lower: float, upper: float) -> Array:
    """Deviations [KNOTS] from `mean` of a normal (mean, sd) cut at lower and upper (may be infinite)."""
    from scipy.special import ndtr, ndtri

    u = knots()
    if sd == 0.0:
        return np.zeros(KNOTS)
    low, high = ndtr((lower - mean) / sd), ndtr((upper - mean) / sd)
    below, above = ndtr(u), ndtr(-u)
    z = np.where(u < 0.0, ndtri(low + below * (high - low)), -ndtri((1.0 - high) + above * (high - low)))
    cut: Array = np.clip(mean + sd * z, lower, upper) - mean
    return cut


def mixture(sd: float, share: float, tail_offset: float, tail_sd: float) -> Array:
    """Deviations [KNOTS] from the mean of the first normal; a `share` (0..1) comes from the second one."""
    from scipy.special import log_ndtr

    u = knots()
    lower_half = u < 0.0
    target = log_ndtr(np.where(lower_half, u, -u))  # logarithm of the probability on the small side
    low = np.full(KNOTS, min(-1.2 * REACH * sd, tail_offset - 1.2 * REACH * tail_sd))
    high = np.full(KNOTS, max(1.2 * REACH * sd, tail_offset + 1.2 * REACH * tail_sd))
    for _ in range(200):  # bisection; the sides are handled apart so that both tails stay exact
        middle = 0.5 * (low + high)
        sign = np.where(lower_half, 1.0, -1.0)
        first = _log_side(middle / sd if sd > 0.0 else np.where(middle < 0.0, -np.inf, np.inf), sign)
        second = _log_side((middle - tail_offset) / tail_sd, sign)
        found = np.logaddexp(math.log1p(-share) + first, math.log(share) + second)
        short = np.where(lower_half, found < target, found > target)
        low, high = np.where(short, middle, low), np.where(short, high, middle)
    deviations: Array = 0.5 * (low + high)
    return deviations


def _log_side(z: Array, sign: Array) -> Array:
    from scipy.special import log_ndtr

    logarithm: Array = log_ndtr(sign * z)
    return logarithm


def empirical(values: Array) -> tuple[float, Array]:
    """Mean of values [n] and deviations [KNOTS] from it: linear between Hazen's plotting positions (k - 1/2) / n."""
    from scipy.special import ndtr

    ordered = np.sort(values)
    mean = float(values.mean())
    positions = (np.arange(ordered.size) + 0.5) / ordered.size
    return mean, np.interp(ndtr(knots()), positions, ordered) - mean


def read_values(path: Path, key: str) -> Array:
    """Values of an empirical distribution, one a line; blank lines and lines after # are skipped.

    Raises:
        ScenarioError: no such file, a line that is no finite number >= 0, or fewer than FEWEST_VALUES of them.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioError(
            [f"{key}: given {str(path)!r}, which cannot be read as text; allowed: a text file"]
        ) from error
    values = []
    for number, line in enumerate(lines, 1):
        text = line.partition("#")[0].strip()
        if not text:
            continue
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not 0.0 <= value < math.inf:
            raise ScenarioError([f"{path}:{number}: given {text[:40]!r}; allowed: a number >= 0, percent of nominal"])
        values.append(value)
    if len(values) < FEWEST_VALUES:
        raise ScenarioError([f"{path}: given {len(values)} values; allowed: at least {FEWEST_VALUES}"])
    return np.array(values)


def table_of(
    spread: Spread, nominal: float, mean: float, sd: float, factor: float, file: Path | None, key: str
) -> tuple[float, float, Array]:
    """(mean of the process, factor on the deviations, deviations [KNOTS]) of a distribution that needs a table.

    `sd` before `factor`, in the unit of the values; a truncated normal keeps its limits whatever the factor.
    """
    unit = nominal / 100.0
    if spread.distribution == "weibull":
        return mean, factor, weibull(sd, float(spread.weibull_shape or 1.0))
    if spread.distribution == "mixture":
        share, offset, tail = (
            float(v or 0.0) for v in (spread.tail_share_pct, spread.tail_offset_pct, spread.tail_sd_pct)
        )
        return mean, factor, mixture(sd, share / 100.0, offset * unit, tail * unit)
    if spread.distribution == "empirical":
        if file is None:
            raise ScenarioError([f"{key}: given no file; allowed: a text file of values"])
        own, deviations = empirical(read_values(file, key) * unit)
        return own + nominal * spread.offset_pct / 100.0, factor, deviations
    lower, upper = spread.limits_pct
    low = -math.inf if lower is None else lower * unit
    high = math.inf if upper is None else upper * unit
    return mean, 1.0, truncated(mean, sd * factor, low, high)

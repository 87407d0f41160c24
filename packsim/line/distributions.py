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
from packsim.scenario.spread import LARGEST_INVERSE_WEIBULL_CV, Spread
from packsim.stats.brent import brentq

Array = npt.NDArray[np.float64]
FEWEST_VALUES = 20  # of an empirical distribution
SMALL_CV = 1e-4  # below it the gamma functions cancel, and two terms of a series are right to 1e-8


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


def inverse_weibull(mean: float, sd: float) -> Array:
    """Deviations [KNOTS] from `mean` of x whose 1/x is Weibull with two parameters; mean > 0.

    Speeds of cells whose lives are Weibull, with the same shape. Also Frechet's distribution (Johnson, Kotz &
    Balakrishnan 1995, Continuous Univariate Distributions 2, section 22.2).
    """
    from scipy.special import log_ndtr

    if sd == 0.0:
        return np.zeros(KNOTS)
    power = 1.0 / inverse_weibull_shape(sd / mean)
    deviations: Array = mean * np.expm1(-power * np.log(-log_ndtr(knots())) - math.lgamma(1.0 - power))
    return deviations


def inverse_weibull_shape(cv: float) -> float:
    """Shape at which sd over mean is `cv` > 0; above 2, because at 2 there is no variance any more."""
    if cv < SMALL_CV:
        first, second = math.pi**2 / 6.0, 1.2020569031595942  # zeta(2), zeta(3)
        power = cv / math.sqrt(first)
        return 1.0 / (power * (1.0 - power * second / first))

    def excess(power: float) -> float:
        return math.lgamma(1.0 - 2.0 * power) - 2.0 * math.lgamma(1.0 - power) - math.log1p(cv * cv)

    return 1.0 / brentq(excess, 0.0, 0.5 - 1e-15, xtol=1e-18, rtol=1e-14)


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
    spread: Spread,
    nominal: float,
    mean: float,
    sd: float,
    factor: float,
    file: Path | None,
    key: str,
    level_factor: float = 1.0,
) -> tuple[float, float, Array]:
    """(mean of the process, factor on the deviations, deviations [KNOTS]) of a distribution that needs a table.

    `sd` before `factor`, in the unit of the values; a truncated normal keeps its limits whatever the factor, and an
    inverse Weibull is one still. `key`: where the spread stands in the scenario; `level_factor`: what of `factor` is the
    step's level of automation, the rest being calibration's, which may go beyond what is allowed in a scenario.

    Raises:
        ScenarioError: an empirical distribution's file that cannot be used; an inverse Weibull too wide for a table.
    """
    unit = nominal / 100.0
    if spread.distribution == "weibull":
        return mean, factor, weibull(sd, float(spread.weibull_shape or 1.0))
    if spread.distribution == "inverse_weibull":
        if level_factor * sd > LARGEST_INVERSE_WEIBULL_CV * mean:
            given, most = 100.0 * level_factor * sd / mean, 100.0 * LARGEST_INVERSE_WEIBULL_CV
            raise ScenarioError(
                [f"{key}: given a standard deviation of {given:.4g} % of the mean; allowed: at most {most:g} %"]
            )
        return mean, 1.0, inverse_weibull(mean, sd * factor)
    if spread.distribution == "mixture":
        share, offset, tail = (
            float(v or 0.0) for v in (spread.tail_share_pct, spread.tail_offset_pct, spread.tail_sd_pct)
        )
        return mean, factor, mixture(sd, share / 100.0, offset * unit, tail * unit)
    if spread.distribution == "empirical":
        if file is None:
            raise ScenarioError([f"{key}.file: given no file; allowed: a text file of values"])
        own, deviations = empirical(read_values(file, f"{key}.file") * unit)
        return own + nominal * spread.offset_pct / 100.0, factor, deviations
    lower, upper = spread.limits_pct
    low = -math.inf if lower is None else lower * unit
    high = math.inf if upper is None else upper * unit
    return mean, 1.0, truncated(mean, sd * factor, low, high)

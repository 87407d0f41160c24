"""Plain quantiles of the distributions of docs/line.md, from scipy.stats and by root finding."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.stats import invweibull, norm, truncnorm, weibull_min

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from packsim.scenario.spread import Spread

STEP = 14.0 / 2048.0  # between the 2,049 points of a table from -7 to 7 sigma
ONE_SIGMA = 146 * STEP  # where a table's own sigma is read off


class Shape(NamedTuple):
    """How a latent value becomes a variable."""

    location: float
    sd: float  # of the latent value
    wear: float  # latent
    target: float  # latent
    value: Callable[[float], float]


def shape(
    spread: Spread,
    nominal: float,
    sd_pct: float,
    limits_pct: tuple[float, float],
    factor: float,
    folder: Path,
    as_tabulated: bool,
) -> Shape:
    """The shape of a spread; `factor` is that of automation and calibration on its deviations."""
    mean, sd = nominal * (1.0 + spread.offset_pct / 100.0), nominal * sd_pct / 100.0
    wear = factor * nominal * spread.wear_pct / 100.0
    kind = spread.distribution
    if kind == "normal" or (kind == "lognormal" and sd * factor == 0.0):
        return Shape(mean, sd * factor, wear, nominal, lambda u: max(u, 0.0))
    if kind == "lognormal":
        variance = math.log(1.0 + (sd * factor / mean) ** 2)
        location = math.log(mean) - variance / 2.0
        return Shape(location, math.sqrt(variance), wear / mean, math.log(nominal) - variance / 2.0, math.exp)
    if kind == "truncated":
        low, high = (limit / 100.0 * nominal for limit in limits_pct)
        quantile = truncated(mean, sd * factor, low, high)
    elif kind == "inverse_weibull":
        quantile = inverse_weibull(mean, sd * factor)
    else:
        if kind == "empirical":
            values = np.sort(np.loadtxt(folder / str(spread.file)) * nominal / 100.0)
            centre, own = values.mean(), empirical(values)
            mean = centre + nominal * spread.offset_pct / 100.0
        elif kind == "weibull":
            centre, own = 0.0, weibull(sd, float(spread.weibull_shape))
        else:
            offset, tail = (nominal * float(v) / 100.0 for v in (spread.tail_offset_pct, spread.tail_sd_pct))
            centre, own = 0.0, mixture(sd, float(spread.tail_share_pct) / 100.0, offset, tail)

        def quantile(u: float) -> float:
            return mean + factor * (own(u) - centre)

    one = 0.5 * (quantile(ONE_SIGMA) - quantile(-ONE_SIGMA))
    exact = tabulated(quantile) if as_tabulated else quantile
    per_one = 1.0 / one if one > 0.0 else 0.0
    return Shape(0.0, 1.0, wear * per_one, (nominal - mean) * per_one, lambda u: max(exact(u), 0.0))


def tabulated(quantile: Callable[[float], float]) -> Callable[[float], float]:
    """Linear between the points of a table."""

    def interpolated(u: float) -> float:
        u = min(max(u, -7.0), 7.0)
        k = min(math.floor((u + 7.0) / STEP), 2047)
        left, right = -7.0 + k * STEP, -7.0 + (k + 1) * STEP
        return ((right - u) * quantile(left) + (u - left) * quantile(right)) / STEP

    return interpolated


def weibull(sd: float, shape: float) -> Callable[[float], float]:
    """Deviation from the mean at a latent normal."""
    scale = sd / weibull_min.std(shape)
    mean = scale * weibull_min.mean(shape)

    def quantile(u: float) -> float:
        from_below = weibull_min.ppf(norm.cdf(u), shape) if u < 0.0 else weibull_min.isf(norm.sf(u), shape)
        return float(scale * from_below - mean)

    return quantile


def inverse_weibull(mean: float, sd: float) -> Callable[[float], float]:
    """Value at a latent normal."""
    if sd == 0.0:
        return lambda u: mean
    shape = brentq(lambda c: invweibull.std(c) / invweibull.mean(c) - sd / mean, 2.0001, 1e4, xtol=1e-12, rtol=1e-14)
    own = invweibull(shape, 0.0, mean / invweibull.mean(shape))
    return lambda u: float(own.ppf(norm.cdf(u)) if u < 0.0 else own.isf(norm.sf(u)))


def truncated(mean: float, sd: float, low: float, high: float) -> Callable[[float], float]:
    """Value at a latent normal."""
    if sd == 0.0:
        return lambda u: mean
    cut = truncnorm((low - mean) / sd, (high - mean) / sd, mean, sd)
    return lambda u: float(cut.ppf(norm.cdf(u)) if u < 0.0 else cut.isf(norm.sf(u)))


def mixture(sd: float, share: float, offset: float, tail_sd: float) -> Callable[[float], float]:
    """Deviation from the mean of the first normal, by Brent's method on the smaller tail."""

    def quantile(u: float) -> float:
        side = norm.cdf if u < 0.0 else norm.sf
        wanted = math.log(side(u))

        def excess(x: float) -> float:
            return math.log((1.0 - share) * side(x, 0.0, sd) + share * side(x, offset, tail_sd)) - wanted

        reach = 8.5
        low, high = min(-reach * sd, offset - reach * tail_sd), max(reach * sd, offset + reach * tail_sd)
        return float(brentq(excess, low, high, xtol=1e-15 * (high - low), rtol=1e-14))

    return quantile


def empirical(ordered: np.ndarray) -> Callable[[float], float]:
    """Value at a latent normal: linear between Hazen's plotting positions."""
    positions = (np.arange(ordered.size) + 0.5) / ordered.size
    return lambda u: float(np.interp(norm.cdf(u), positions, ordered))

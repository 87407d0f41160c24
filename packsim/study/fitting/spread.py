"""One trait's block of a scenario from its variance by level and its distribution within lots.

A line's trait is q(u), u = sqrt(a_lot) z_lot + sqrt(a_roll) z_roll + sqrt(a_within) z_within: the *whole* has the
distribution, its shares are of the latent normal. With the Hermite coefficients c_k of q the part of the variance that lies
between groups of latent share a is V(a) = sum c_k^2 a^k (Mehler 1866), so shares are found that give the variances seen.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from packsim.line import distributions
from packsim.quality.fit.families import Family, Lognormal, Mixture, Truncated, Weibull

Array = npt.NDArray[np.float64]
SHAPES = (0.9, 45.0)  # of a Weibull that a scenario may be given
LARGEST_OFFSET = 49.0
TERMS = 40  # Hermite coefficients; what is beyond counts as of that order


class Shaped(NamedTuple):
    """A block of the scenario; `per_latent` [lot, roll, within]: sd over that of a linear trait, for correlations."""

    block: dict[str, Any]
    per_latent: Array


def spread_block(trait: str, nominal: float, variance: Array, family: Family) -> Shaped:
    """`sd_pct`, shares and distribution; `variance` [lot, roll, within] in the trait's unit, gauge taken out."""
    total = float(variance.sum())
    if total <= 0.0:
        return Shaped(_head(trait, nominal, 0.0, 0.0, 0.0), np.ones(3))
    if isinstance(family, Lognormal):
        logarithm = math.log1p(total / nominal**2)  # its variance; the shares follow in closed form
        lot, both = (math.log1p(float(part) / nominal**2) / logarithm for part in np.cumsum(variance[:2]))
        head = _head(trait, nominal, math.sqrt(total), lot, both - lot)
        latent, first = np.array([lot, both - lot, 1.0 - both]), nominal * math.sqrt(logarithm)
        return Shaped(head | {"distribution": "lognormal"}, _per_latent(variance, latent, first))
    sd, block, deviations = math.sqrt(total), {}, None
    if isinstance(family, Weibull):
        shape = shape_of(skewness(family.shape) * math.sqrt(total / max(float(variance[2]), 1e-9 * total)))
        block = {"distribution": "weibull", "weibull_shape": _six(shape)}
        deviations = distributions.weibull(sd, shape)
    elif isinstance(family, Truncated):
        grow = sd / truncated_sd(family)  # cuts move out with the spread between lots
        sd, offset = family.sd * grow, (family.mean - nominal) * grow
        ends = [(end - nominal) * grow for end in (family.lower, family.upper)]
        block = {"distribution": "truncated", "offset_pct": _percent(offset, nominal, LARGEST_OFFSET)}
        pairs = zip(("lower_pct", "upper_pct"), ends, strict=True)
        block |= {key: _six(max(100.0 * (1.0 + end / nominal), 0.0)) for key, end in pairs if math.isfinite(end)}
        deviations = distributions.truncated(offset, sd, *ends)
    elif isinstance(family, Mixture):
        share, offset = family.tail_share, family.tail_offset
        widening = family.tail_sd**2 - family.sd**2  # of the tail over the main part; gauge and lots widen both alike
        main = total - share * widening - share * (1.0 - share) * offset**2
        sd = math.sqrt(max(main, 1e-3 * total))
        tail = math.sqrt(max(sd**2 + widening, 1e-3 * sd**2))
        block = {
            "distribution": "mixture",
            "tail_share_pct": _six(100.0 * share),
            "tail_offset_pct": _percent(offset, nominal, 99.0),
            "tail_sd_pct": _six(100.0 * tail / nominal),
            "offset_pct": _percent(-share * offset, nominal, LARGEST_OFFSET),
        }
        deviations = distributions.mixture(sd, share, offset, tail)
    if deviations is None:
        return Shaped(_head(trait, nominal, sd, *(variance[:2] / total)), np.ones(3))
    lot, roll, first = latent_shares(deviations, float(variance[0]) / total, float(variance[1]) / total)
    latent = np.array([lot, roll, 1.0 - lot - roll])
    return Shaped(_head(trait, nominal, sd, lot, roll) | block, _per_latent(variance, latent, first))


def _per_latent(variance: Array, latent: Array, first: float) -> Array:
    """Sd of each part over that of a linear trait with the same first Hermite coefficient."""
    return np.where(latent > 0.0, np.sqrt(variance / np.maximum(latent, 1e-12)) / first, 1.0)


def latent_shares(deviations: Array, lot: float, roll: float) -> tuple[float, float, float]:
    """Latent shares of lots and rolls that give these shares of the variance, and the first Hermite coefficient."""
    from scipy.optimize import brentq

    squares, first = hermite_squares(deviations)

    def share(a: float) -> float:
        return float(squares @ a ** np.arange(1, squares.size + 1)) / float(squares.sum())

    found = []
    for target in (lot, lot + roll):
        inside = 0.0 < target < 1.0
        found.append(float(brentq(lambda a, t=target: share(a) - t, 0.0, 1.0, xtol=1e-9)) if inside else target)
    return found[0], max(found[1] - found[0], 0.0), first


def hermite_squares(deviations: Array) -> tuple[Array, float]:
    """Squares of the Hermite coefficients 1 .. TERMS of a table over `distributions.knots()`, and the first of them."""
    u = distributions.knots()
    weight = np.exp(-0.5 * u * u)
    weight /= weight.sum()
    mean = float(weight @ deviations)
    before, now, squares, first = np.ones_like(u), u.copy(), [], 0.0
    for k in range(1, TERMS):
        c = float(weight @ (deviations * now))  # Hermite polynomials of unit norm
        first = c if k == 1 else first
        squares.append(c * c)
        before, now = now, (u * now - math.sqrt(k) * before) / math.sqrt(k + 1)
    rest = float(weight @ (deviations - mean) ** 2) - sum(squares)
    return np.array([*squares, max(rest, 0.0)]), first


def skewness(shape: float) -> float:
    """Skewness of a Weibull."""
    g1, g2, g3 = (math.gamma(1.0 + k / shape) for k in (1.0, 2.0, 3.0))
    return float((g3 - 3.0 * g1 * g2 + 2.0 * g1**3) / (g2 - g1 * g1) ** 1.5)


def shape_of(skew: float) -> float:
    """Shape of the Weibull with this skewness, within what a scenario allows."""
    from scipy.optimize import brentq

    low, high = SHAPES
    if skew >= skewness(low):
        return low
    if skew <= skewness(high):
        return high
    return float(brentq(lambda shape: skewness(shape) - skew, low, high))


def truncated_sd(family: Truncated) -> float:
    """Standard deviation of what is left after the cuts."""
    reach = 8.0 * family.sd
    grid = np.linspace(max(family.lower, family.mean - reach), min(family.upper, family.mean + reach), 4001)
    density = np.exp(family.log_density(grid))
    density /= density.sum()
    mean = float(density @ grid)
    return math.sqrt(float(density @ (grid - mean) ** 2))


def _head(trait: str, nominal: float, sd: float, lot: float, roll: float) -> dict[str, Any]:
    out: dict[str, Any] = {"sd_pct": _six(min(100.0 * sd / nominal, 100.0))}
    if trait != "coated_area_ratio":
        out["nominal"] = nominal
    shares = {"between_lot_share": _six(lot), "between_roll_share": _six(roll)}
    return out | {key: share for key, share in shares.items() if share > 0.0}


def _percent(value: float, nominal: float, most: float) -> float:
    return _six(min(max(100.0 * value / nominal, -most), most))


def _six(value: float) -> float:
    return float(f"{value:.6g}")

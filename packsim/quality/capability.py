"""Process capability: Cp, Cpk (spread within subgroups) and Pp, Ppk (overall spread) with 95 % intervals.

Intervals hold for independent normal values. Where lots differ, the process is not stable, the overall sd has far fewer
degrees of freedom than values, and these intervals are too narrow: `docs/quality.md`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import special

from packsim.quality.spread import Array, Method, Sd, as_values, overall_sd, within_sd
from packsim.stats.brent import brentq

LEVEL = 0.95


class Interval(NamedTuple):
    """An index with its two-sided interval; nan where a limit is missing."""

    value: float
    low: float
    high: float


_NONE = Interval(math.nan, math.nan, math.nan)


@dataclass(frozen=True)
class Indices:
    """Indices from one mean and one standard deviation; `cp` is nan with one limit."""

    cp: Interval
    cpk: Interval
    cpl: float  # (mean - lower) / 3 sd, nan without lower limit
    cpu: float  # (upper - mean) / 3 sd, nan without upper limit


@dataclass(frozen=True)
class Capability:
    """Capability of n values; ppm are of pieces beyond the limits, expected ones from the normal distribution."""

    n: int
    mean: float
    lower: float | None
    upper: float | None
    subgroup_size: int  # 1: moving ranges
    within_sd: Sd
    overall_sd: Sd
    within: Indices  # Cp, Cpk
    overall: Indices  # Pp, Ppk
    observed_ppm: float
    expected_within_ppm: float
    expected_overall_ppm: float


def capability(
    values: npt.ArrayLike,
    lower: float | None = None,
    upper: float | None = None,
    *,
    subgroup_size: int = 1,
    method: Method | None = None,
    level: float = LEVEL,
) -> Capability:
    """Capability of values [n] in order of production against one or two limits.

    Args:
        subgroup_size: consecutive values that form a subgroup; values left over at the end count only overall.
        method: of the within sd; default "pooled", or "moving_range" for a subgroup size of 1.

    Raises:
        ValueError: no limit, limits out of order, values not finite, all equal, or fewer than two subgroups.
    """
    array = as_values(values)
    _check(lower, upper)
    if subgroup_size < 1:
        raise ValueError(f"subgroup_size must be at least 1, not {subgroup_size}")
    method = method or ("moving_range" if subgroup_size == 1 else "pooled")
    if (method == "moving_range") != (subgroup_size == 1):
        raise ValueError(f"method {method!r} does not go with subgroups of {subgroup_size}")
    whole = array.size // subgroup_size * subgroup_size
    rows: Array = array if subgroup_size == 1 else array[:whole].reshape(-1, subgroup_size)
    within, overall = within_sd(rows, method), overall_sd(array)
    if not (within.sd > 0.0 and overall.sd > 0.0):
        raise ValueError("values do not spread within subgroups: no capability can be computed")
    mean = float(array.mean())
    out = _outside(array, lower, upper)
    return Capability(
        n=array.size,
        mean=mean,
        lower=lower,
        upper=upper,
        subgroup_size=subgroup_size,
        within_sd=within,
        overall_sd=overall,
        within=indices(mean, within, array.size, lower, upper, level=level),
        overall=indices(mean, overall, array.size, lower, upper, level=level),
        observed_ppm=1e6 * out / array.size,
        expected_within_ppm=expected_ppm(mean, within.sd, lower, upper),
        expected_overall_ppm=expected_ppm(mean, overall.sd, lower, upper),
    )


def indices(
    mean: float, sd: Sd, n: int, lower: float | None = None, upper: float | None = None, *, level: float = LEVEL
) -> Indices:
    """Indices from the mean of `n` values and an estimate of their spread.

    Cp: exact, from chi-square with sd.dof degrees of freedom. Cpk with both limits: Cpk +- z sqrt(1 / 9n + Cpk^2 / 2 dof)
    (Bissell 1990, Applied Statistics 39:331). With one limit: exact, from the noncentral t (Chou, Owen & Borrego 1990,
    J. Quality Technology 22:223).

    Raises:
        ValueError: no limit, or limits out of order.
    """
    _check(lower, upper)
    cpl = math.nan if lower is None else (mean - lower) / (3.0 * sd.sd)
    cpu = math.nan if upper is None else (upper - mean) / (3.0 * sd.sd)
    if lower is None or upper is None:
        value = cpu if lower is None else cpl
        low, high = one_sided_interval(value * sd.sd / sd.chi_sd, n, sd.dof, level)
        return Indices(_NONE, Interval(value, low, high), cpl, cpu)
    cp = (upper - lower) / (6.0 * sd.sd)
    scale = cp * sd.sd / sd.chi_sd / math.sqrt(sd.dof)
    tail = 0.5 - 0.5 * level
    low, high = (scale * math.sqrt(float(special.chdtri(sd.dof, p))) for p in (1.0 - tail, tail))
    cpk = min(cpl, cpu)
    half = -float(special.ndtri(tail)) * math.sqrt(1.0 / (9.0 * n) + cpk**2 / (2.0 * sd.dof))
    return Indices(Interval(cp, low, high), Interval(cpk, cpk - half, cpk + half), cpl, cpu)


def expected_ppm(mean: float, sd: float, lower: float | None, upper: float | None) -> float:
    """Pieces per million beyond the limits if values are normal."""
    below = 0.0 if lower is None else float(special.ndtr((lower - mean) / sd))
    above = 0.0 if upper is None else float(special.ndtr((mean - upper) / sd))
    return 1e6 * (below + above)


def one_sided_interval(index: float, n: int, dof: float, level: float = LEVEL) -> tuple[float, float]:
    """Exact interval of a one-sided index seen as `index` = distance / 3 s: 3 sqrt(n) index is noncentral t with `dof`."""
    root = math.sqrt(n)
    spread = 8.0 * math.sqrt(1.0 / (9.0 * n) + (abs(index) + 1.0 / root) ** 2 / (2.0 * dof)) + 8.0 * abs(index) / dof
    tail = 0.5 - 0.5 * level

    def end(p: float) -> float:
        def excess(true: float) -> float:
            return noncentral_t(3.0 * root * index, dof, 3.0 * root * true) - p

        return brentq(excess, index - spread, index + spread, xtol=1e-12)

    return end(1.0 - tail), end(tail)


def noncentral_t(t: float, dof: float, shift: float) -> float:
    """P(T <= t) of the noncentral t: the mean of Phi(t s - shift) over s = sqrt(chi2 / dof).

    By the midpoint rule over s: good also for thousands of degrees of freedom, where series fail.
    """
    first, last = max(0.0, 1.0 - 9.0 / math.sqrt(2.0 * dof)), 1.0 + 12.0 / math.sqrt(2.0 * dof)
    s = first + (last - first) * (np.arange(4000) + 0.5) / 4000
    log_density = (dof - 1.0) * np.log(s) - 0.5 * dof * (s * s - 1.0)
    weight = np.exp(log_density)
    return float(weight @ special.ndtr(t * s - shift) / weight.sum())


def _outside(array: Array, lower: float | None, upper: float | None) -> int:
    below = 0 if lower is None else int((array < lower).sum())
    return below + (0 if upper is None else int((array > upper).sum()))


def _check(lower: float | None, upper: float | None) -> None:
    if lower is None and upper is None:
        raise ValueError("capability needs a lower or an upper limit")
    if lower is not None and upper is not None and not lower < upper:
        raise ValueError(f"the lower limit {lower:g} must be below the upper limit {upper:g}")

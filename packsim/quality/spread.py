"""Estimates of a process's standard deviation and the degrees of freedom that their scatter is worth.

`within` estimates come from the scatter inside subgroups of consecutive pieces, `overall` from all pieces together.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from packsim.quality.constants import c4, factors

Array = npt.NDArray[np.float64]
Method = Literal["pooled", "range", "moving_range"]

_RHO = -0.5  # correlation of successive differences of independent values
_MR_MEAN = 2.0 / math.sqrt(math.pi)  # d2 of two: mean moving range over sigma
_MR_VARIANCE = 2.0 - 4.0 / math.pi
_MR_COVARIANCE = 4.0 / math.pi * (math.sqrt(1.0 - _RHO**2) + _RHO * math.asin(_RHO) - 1.0)


class Sd(NamedTuple):
    """An estimate of sigma.

    `chi_sd` is the value whose square over sigma^2, times `dof`, is (nearly) chi-square: intervals are made with it. It
    equals `sd` unless `sd` was made unbiased.
    """

    sd: float
    dof: float
    chi_sd: float


def as_values(values: npt.ArrayLike, what: str = "values", fewest: int = 2) -> Array:
    """Values [n] as finite floats.

    Raises:
        ValueError: not one row, too few, or not finite.
    """
    array = np.asarray(values, float)
    if array.ndim != 1 or array.size < fewest:
        raise ValueError(f"{what}: at least {fewest} numbers in one row, not shape {list(array.shape)}")
    if not np.isfinite(array).all():
        raise ValueError(f"{what}: {int((~np.isfinite(array)).sum())} of {array.size} are not finite numbers")
    return array


def as_subgroups(subgroups: npt.ArrayLike) -> Array:
    """Subgroups [k, n] as finite floats.

    Raises:
        ValueError: not k >= 2 rows of n >= 2 finite numbers.
    """
    array = np.asarray(subgroups, float)
    if array.ndim != 2 or array.shape[0] < 2 or array.shape[1] < 2:
        raise ValueError(f"subgroups: at least 2 rows of at least 2 numbers, not shape {list(array.shape)}")
    if not np.isfinite(array).all():
        raise ValueError(f"subgroups: {int((~np.isfinite(array)).sum())} values are not finite numbers")
    return array


def overall_sd(values: npt.ArrayLike, *, unbiased: bool = False) -> Sd:
    """Sample standard deviation of all values [n]; `unbiased` divides it by c4(n).

    Raises:
        ValueError: see `as_values`.
    """
    array = as_values(values)
    return _chi(float(array.std(ddof=1)), array.size - 1, unbiased)


def within_sd(subgroups: npt.ArrayLike, method: Method = "pooled", *, unbiased: bool = True) -> Sd:
    """Standard deviation inside subgroups.

    Args:
        subgroups: [k, n]; for "moving_range" single values in order [n].
        method: "pooled" (root mean square of the subgroups' sds, k (n - 1) degrees of freedom, the most efficient), "range"
            (R-bar / d2) or "moving_range" (mean moving range of two / d2).
        unbiased: whether "pooled" is divided by c4 of its degrees of freedom + 1; the others always are unbiased.

    Degrees of freedom of ranges: those of the chi distribution with the same coefficient of variation (Patnaik 1950,
    Biometrika 37:78), with 1 / (-2 + 2 sqrt(1 + 2 cv^2)) as in Duncan 1974.

    Raises:
        ValueError: an unknown method, or values of the wrong shape.
    """
    if method == "pooled":
        array = as_subgroups(subgroups)
        rows, n = array.shape
        return _chi(math.sqrt(float(array.var(axis=1, ddof=1).mean())), rows * (n - 1), unbiased)
    if method == "range":
        array = as_subgroups(subgroups)
        rows, n = array.shape
        f = factors(n)
        return _from_range(float(np.ptp(array, axis=1).mean()) / f.d2, f.d3**2 / (f.d2**2 * rows))
    if method == "moving_range":
        steps = np.abs(np.diff(as_values(subgroups)))
        m = steps.size
        variance = (m * _MR_VARIANCE + 2 * (m - 1) * _MR_COVARIANCE) / m**2
        return _from_range(float(steps.mean()) / _MR_MEAN, variance / _MR_MEAN**2)
    raise ValueError(f"method {method!r}: pooled, range or moving_range")


def _chi(root_mean_square: float, dof: float, unbiased: bool) -> Sd:
    return Sd(root_mean_square / (c4(round(dof) + 1) if unbiased else 1.0), dof, root_mean_square)


def _from_range(sd: float, relative_variance: float) -> Sd:
    dof = 1.0 / (2.0 * math.sqrt(1.0 + 2.0 * relative_variance) - 2.0)
    # mean of sqrt(chi2 / dof), for a dof that is not whole
    mean = math.sqrt(2.0 / dof) * math.exp(math.lgamma(0.5 * dof + 0.5) - math.lgamma(0.5 * dof))
    return Sd(sd, dof, sd * mean)

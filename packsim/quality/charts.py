"""Shewhart control charts: centre, 3 sigma limits, points, and which points signal by which of Nelson's tests.

Limits come from the data (phase I), or from a known mean and standard deviation (phase II).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from packsim.quality import rules as tests
from packsim.quality.constants import c4, factors
from packsim.quality.spread import Array, as_subgroups, as_values

Index = npt.NDArray[np.int64]
FIRST_FOUR = (1, 2, 3, 4)  # "should be applied routinely" (Nelson 1984)


@dataclass(frozen=True)
class Chart:
    """One chart of m points. `sd` is of a point; `signals` holds by test number the points that complete its pattern."""

    name: str
    points: Array  # [m]
    centre: Array  # [m]
    sd: Array  # [m]
    lower: Array  # [m]
    upper: Array  # [m]
    signals: dict[int, Index]

    @property
    def z(self) -> Array:
        """Points in standard deviations from the centre [m]."""
        return (self.points - self.centre) / self.sd

    @property
    def signalling(self) -> Index:
        """Points that signal by any test, in order."""
        return np.unique(np.concatenate([np.empty(0, np.int64), *self.signals.values()]))


def xbar_r(
    subgroups: npt.ArrayLike,
    *,
    mean: float | None = None,
    sd: float | None = None,
    rules: Sequence[int] = FIRST_FOUR,
) -> tuple[Chart, Chart]:
    """X-bar and R chart of subgroups [k, n]; sigma is R-bar / d2 unless `sd` is given. Of R only test 1 is taken.

    Raises:
        ValueError: subgroups that are not [k >= 2, n >= 2] finite numbers, that do not spread, or n above 100.
    """
    array = as_subgroups(subgroups)
    f = factors(array.shape[1])
    ranges = np.ptp(array, axis=1)
    sigma = float(ranges.mean()) / f.d2 if sd is None else sd
    return _means(array, mean, sigma, rules), _chart("R", ranges, f.d2 * sigma, f.d3 * sigma, (1,), floor=0.0)


def xbar_s(
    subgroups: npt.ArrayLike,
    *,
    mean: float | None = None,
    sd: float | None = None,
    rules: Sequence[int] = FIRST_FOUR,
) -> tuple[Chart, Chart]:
    """X-bar and S chart of subgroups [k, n]; sigma is S-bar / c4 unless `sd` is given. Of S only test 1 is taken.

    Raises:
        ValueError: subgroups that are not [k >= 2, n >= 2] finite numbers, or that do not spread.
    """
    array = as_subgroups(subgroups)
    c = c4(array.shape[1])
    spreads = array.std(axis=1, ddof=1)
    sigma = float(spreads.mean()) / c if sd is None else sd
    return _means(array, mean, sigma, rules), _chart(
        "S", spreads, c * sigma, math.sqrt(1.0 - c * c) * sigma, (1,), floor=0.0
    )


def i_mr(
    values: npt.ArrayLike,
    *,
    mean: float | None = None,
    sd: float | None = None,
    rules: Sequence[int] = FIRST_FOUR,
) -> tuple[Chart, Chart]:
    """Individuals and moving-range chart of values [m]; sigma is the mean moving range of two / d2 unless `sd` is given.

    The moving-range chart has m - 1 points, the first of them between values 0 and 1. Of it only test 1 is taken.

    Raises:
        ValueError: values that are not finite, fewer than two, or all equal.
    """
    array = as_values(values)
    f = factors(2)
    ranges = np.abs(np.diff(array))
    sigma = float(ranges.mean()) / f.d2 if sd is None else sd
    centre = float(array.mean()) if mean is None else mean
    return _chart("I", array, centre, sigma, rules), _chart("MR", ranges, f.d2 * sigma, f.d3 * sigma, (1,), floor=0.0)


def p_chart(
    defective: npt.ArrayLike,
    sizes: npt.ArrayLike,
    *,
    share: float | None = None,
    rules: Sequence[int] = FIRST_FOUR,
) -> Chart:
    """Chart of the share defective in samples of any sizes [m]; limits p +- 3 sqrt(p (1 - p) / n) by the binomial.

    Raises:
        ValueError: counts that are not between 0 and their sizes, or a share of 0 or 1 (it has no limits).
    """
    count, size = as_values(defective, "defective", 1), as_values(sizes, "sizes", 1)
    if count.shape != size.shape or (size <= 0.0).any() or (count < 0.0).any() or (count > size).any():
        raise ValueError("defective counts must lie between 0 and the size of their sample")
    p = float(count.sum() / size.sum()) if share is None else share
    if not 0.0 < p < 1.0:
        raise ValueError(f"a p chart needs a share between 0 and 1, not {p:g}")
    return _chart("p", count / size, p, np.sqrt(p * (1.0 - p) / size), rules, floor=0.0, ceiling=1.0)


def _means(array: Array, mean: float | None, sigma: float, rules: Sequence[int]) -> Chart:
    centre = float(array.mean()) if mean is None else mean
    return _chart("X-bar", array.mean(axis=1), centre, sigma / math.sqrt(array.shape[1]), rules)


def _chart(
    name: str,
    points: Array,
    centre: float,
    sd: float | Array,
    rules: Sequence[int],
    *,
    floor: float = -math.inf,
    ceiling: float = math.inf,
) -> Chart:
    spread = np.broadcast_to(np.asarray(sd, float), points.shape)
    if not (np.isfinite(spread) & (spread > 0.0)).all():
        raise ValueError(f"{name} chart: values do not spread within subgroups, so there are no limits")
    return Chart(
        name=name,
        points=points,
        centre=np.full(points.shape, centre),
        sd=spread,
        lower=np.maximum(centre - 3.0 * spread, floor),
        upper=np.minimum(centre + 3.0 * spread, ceiling),
        signals=tests.nelson((points - centre) / spread, rules),
    )

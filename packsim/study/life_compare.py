"""Two lives under common luck: what a better line buys in the field, with paired intervals over independent units."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from packsim.stats.intervals import FEWEST_UNITS, leave_one_out, t_interval
from packsim.study.life import LifeResult

Array = npt.NDArray[np.float64]


class FieldDifference(NamedTuple):
    """One number of the field in both runs; `difference` = b - a with its 95 % interval (nan: too few units to say)."""

    metric: str
    unit: str
    meaning: str
    a: float
    b: float
    difference: float
    low: float
    high: float

    @property
    def beyond_noise(self) -> bool:
        """Whether the interval leaves out zero (one comparison at a time)."""
        return self.low > 0.0 or self.high < 0.0


def field_differences(a: LifeResult, b: LifeResult) -> list[FieldDifference]:
    """Differences of two lives; paired where both have the same units.

    Raises:
        ValueError: different years were looked at.
    """
    if a.life.years != b.life.years:
        raise ValueError(f"lives of {a.life.years:g} and {b.life.years:g} years cannot be compared")
    out = []
    for metric, unit, meaning, pick in _METRICS:
        (before, a_out), (after, b_out) = (leave_one_out(_mean, _sums(result, pick)) for result in (a, b))
        low = high = math.nan
        if min(a_out.size, b_out.size) >= FEWEST_UNITS and a_out.size == b_out.size:
            estimate = t_interval(after - before, b_out - a_out)
            low, high = estimate.low, estimate.high
        out.append(FieldDifference(metric, unit, meaning, before, after, after - before, low, high))
    return out


def _mean(sums: Array) -> float:
    return float(sums[0] / sums[1]) if sums[1] else math.nan


def _sums(result: LifeResult, pick: Callable[[LifeResult], Array]) -> Array:
    """Sum and number of the picked values [unit, 2]; nan values count for nothing."""
    values, units = pick(result), result.units
    known = np.isfinite(values)
    rows = [np.bincount(units, weights=np.where(known, values, 0.0)), np.bincount(units, weights=known.astype(float))]
    return np.stack(rows, axis=1)


def _claimed(result: LifeResult) -> Array:
    limit = min(result.model.warranty_years, result.life.years)
    if result.life.km_per_cycle > 0.0:
        limit = min(limit, result.model.warranty_km / (result.life.km_per_cycle * result.life.cycles_per_year))
    out: Array = np.where((result.causes > 0) & (result.years <= limit), 100.0, 0.0)
    return out


def _failed(result: LifeResult) -> Array:
    out: Array = np.where(result.causes > 0, 100.0, 0.0)
    return out


def _life(result: LifeResult) -> Array:
    return result.years


def _usable_after(result: LifeResult) -> Array:
    """Usable capacity [%] of each pack after half of the years; nan where it has failed before."""
    half = int(result.life.years / 2.0)
    out: Array = np.concatenate([block.usable_pct[:, half] for block in result.blocks])
    return out


_METRICS: tuple[tuple[str, str, str, Callable[[LifeResult], Array]], ...] = (
    ("warranty_claims_pct", "%", "packs with a warranty claim", _claimed),
    ("failed_pct", "%", "packs that fail in the years looked at", _failed),
    ("mean_years", "years", "mean age at failure, or the years looked at", _life),
    ("usable_at_half_pct", "%", "usable capacity after half of the years", _usable_after),
)

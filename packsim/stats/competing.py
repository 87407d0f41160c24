"""Which cause ends how many lives, and how fast: cumulative incidence and hazard by cause.

A pack that failed by one cause cannot fail by another any more, so one minus the Kaplan-Meier curve of a cause (others taken
as censored) says more failures than there will be; the Aalen-Johansen estimate does not.
"""

from __future__ import annotations

import itertools
import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from packsim.stats import bands
from packsim.stats.event_rates import event_rate_interval
from packsim.stats.intervals import LEVEL, Estimate
from packsim.stats.observations import ALIVE, Array, lives, product_limit, steps, without_each


class Incidence(NamedTuple):
    """Share failed by each cause at each distinct time seen, starting at time 0; it holds up to the next time."""

    time: Array  # [m] any unit, ascending
    at_risk: Array  # [m] packs seen alive just before
    failed: Array  # [causes, m] packs that fail then
    survival: Array  # [m] share alive just after; with `incidence` of all causes it makes 1
    incidence: Array  # [causes, m] share failed by then
    error: Array  # [causes, m] jackknife standard error of it
    low: Array  # [causes, m] band, one time by itself; nan with too few units
    high: Array  # [causes, m]
    units: int  # independent units


class Hazards(NamedTuple):
    """Failures per exposure time, by cause and age; a bin holds the failures after its first edge up to its last."""

    edges: Array  # [bins + 1] any unit
    exposure: Array  # [bins] packs times time
    failed: Array  # [causes, bins]
    hazard: Array  # [causes, bins] per time; nan without exposure
    low: Array  # [causes, bins] nan with too few units
    high: Array  # [causes, bins]
    units: int


def cumulative_incidence(
    time: npt.ArrayLike,
    cause: npt.ArrayLike,
    unit: npt.ArrayLike | None = None,
    *,
    causes: int | None = None,
    level: float = LEVEL,
) -> Incidence:
    """Share failed by each cause over time, with right censoring and ties.

    Aalen & Johansen 1978, jstor 4615704 (Kalbfleisch & Prentice 2002, eq. 8.19). Bands: the jackknife over units with
    Student's t on log(-log(1 - share)), so that with a single cause they are those of the Kaplan-Meier curve. Without
    units every pack is left out in turn: n times m numbers are worked through.

    Args:
        time: [n] of failure or of the end of observation, any unit.
        cause: [n] 0 for packs still alive then, else 1, 2 ...
        unit: [n] label of the independent unit of each pack; None: every pack is one.
        causes: how many there are; None: up to the highest seen.

    Raises:
        ValueError: lengths differ, times negative or no numbers, causes no whole numbers, level not between 0 and 1.
    """
    bands.check_level(level)
    seen = lives(time, cause, unit, causes=causes)
    table = steps(seen)
    survival = product_limit(table.at_risk, table.failed.sum(axis=0))
    share = incidence_of(table.at_risk, table.failed)
    pieces = (1.0 - incidence_of(at_risk, failed) for at_risk, failed in without_each(seen, table))
    errors = bands.jackknife(1.0 - share, pieces, seen.units)
    quantile = bands.units_quantile(seen.units, level)
    low, high = bands.band(1.0 - share, errors, table.at_risk, quantile, scale="log-log", level=level)
    return Incidence(
        table.time, table.at_risk, table.failed, survival, share, errors.plain, 1.0 - high, 1.0 - low, seen.units
    )


def incidence_of(at_risk: Array, failed: Array) -> Array:
    """Aalen-Johansen estimate [..., causes, m] from who was at risk [..., m] and how many failed [..., causes, m]."""
    alive = product_limit(at_risk, failed.sum(axis=-2))
    before = np.concatenate([np.ones_like(alive[..., :1]), alive[..., :-1]], axis=-1)
    empty = at_risk <= 0.0
    each = (before / np.where(empty, 1.0, at_risk))[..., None, :] * failed
    return np.where(np.isnan(alive)[..., None, :], np.nan, np.cumsum(each, axis=-1))


def incidence_at(found: Incidence, cause: int, time: float) -> Estimate:
    """Share failed by a cause (1, 2 ...) at a time; nan beyond the last time seen, unless nobody was left."""
    if not 1 <= cause <= found.incidence.shape[0]:
        raise ValueError(f"cause {cause}: there are 1 to {found.incidence.shape[0]}")
    if not time >= 0.0:
        raise ValueError(f"time must not be negative, not {time}")
    if time > found.time[-1] and found.survival[-1] > 0.0:
        return Estimate(math.nan, math.nan, math.nan, found.units)
    k = int(np.searchsorted(found.time, time, side="right")) - 1
    value, low, high = (float(row[cause - 1, k]) for row in (found.incidence, found.low, found.high))
    return Estimate(value, low, high, found.units)


def hazard_by_cause(
    time: npt.ArrayLike,
    cause: npt.ArrayLike,
    edges: npt.ArrayLike,
    unit: npt.ArrayLike | None = None,
    *,
    causes: int | None = None,
) -> Hazards:
    """Cause-specific hazard in bins of age: failures over the time that packs spent alive in the bin.

    The maximum-likelihood estimate where the hazard is constant within a bin (Kalbfleisch & Prentice 2002, section 8.2).
    Intervals: `event_rate_interval`.

    Args:
        time, cause, unit, causes: as `cumulative_incidence`.
        edges: [bins + 1] ascending, not negative; what lies outside does not count.

    Raises:
        ValueError: as `cumulative_incidence`, or edges that are not ascending finite numbers.
    """
    seen = lives(time, cause, unit, causes=causes)
    ends = np.asarray(edges, float)
    if ends.ndim != 1 or ends.size < 2 or not np.isfinite(ends).all() or ends[0] < 0.0 or (np.diff(ends) <= 0.0).any():
        raise ValueError("edges: at least two finite numbers in ascending order, none negative")
    bins = ends.size - 1
    spent = [np.clip(seen.time - a, 0.0, b - a) for a, b in itertools.pairwise(ends)]
    exposure = np.stack([np.bincount(seen.unit, row, seen.units) for row in spent])  # [bins, unit]
    place = np.searchsorted(ends, seen.time, side="left") - 1
    place[(seen.time == 0.0) & (ends[0] == 0.0)] = 0  # a failure at time 0 belongs to the first bin
    inside = (seen.cause != ALIVE) & (place >= 0) & (place < bins)
    index = ((seen.cause - 1) * bins + place) * seen.units + seen.unit
    events = np.bincount(index[inside], minlength=seen.causes * bins * seen.units).astype(float)
    failed = events.reshape(seen.causes, bins, seen.units)
    found = [[event_rate_interval(failed[k, j], exposure[j]) for j in range(bins)] for k in range(seen.causes)]
    value, low, high = (np.array([[row[field] for row in line] for line in found]) for field in range(3))
    return Hazards(ends, exposure.sum(axis=1), failed.sum(axis=2), value, low, high, seen.units)

"""Claims within a warranty that ends by age or by distance, whichever comes first.

Each pack has its own end of warranty: it is driven its own distance a year. A pack whose warranty ran out will make no claim
any more, so running out competes with failing; a pack that is still within its warranty when the observation ends is
censored. The share of claims is then an Aalen-Johansen estimate, and plainly claims / packs where every warranty was seen
to its end. Source of the two-dimensional window: Blischke & Murthy 1994, "Warranty Cost Analysis", chapter 8.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from packsim.stats.competing import incidence_of
from packsim.stats.intervals import Estimate, rate_interval
from packsim.stats.observations import ALIVE, Array, Counts, lives, steps, without_each


class Claims(NamedTuple):
    """Claims of a fleet within its warranty, as shares of its packs."""

    share: Estimate  # packs with a claim, whatever the cause
    by_cause: tuple[Estimate, ...]
    claims: int  # seen
    packs: int
    expired: int  # packs whose warranty was seen to run out without a claim
    unfinished: int  # packs still within their warranty when the observation ended


def warranty_end(distance_per_time: npt.ArrayLike, *, age_limit: float, distance_limit: float) -> Array:
    """Age [n] at which each pack's warranty ends.

    Args:
        distance_per_time: [n] that each pack's vehicle is driven, distance per unit of time; 0: it stands.
        age_limit: in the unit of time; inf: none.
        distance_limit: in the unit of distance; inf: none.

    Raises:
        ValueError: limits not positive, distances negative or no finite numbers.
    """
    rate = np.asarray(distance_per_time, float)
    if not (age_limit > 0.0 and distance_limit > 0.0):
        raise ValueError(f"limits of a warranty must be positive, not {age_limit} and {distance_limit}")
    bad = int((~(np.isfinite(rate) & (rate >= 0.0))).sum())
    if rate.ndim != 1 or bad:
        raise ValueError(f"distance_per_time: one row, none negative or not finite ({bad} of {rate.size} are)")
    with np.errstate(divide="ignore"):
        return np.minimum(age_limit, np.where(rate > 0.0, distance_limit / rate, math.inf))


def within_warranty(
    time: npt.ArrayLike, cause: npt.ArrayLike, end: Array, *, causes: int | None = None
) -> tuple[Array, Counts]:
    """Observations as the warranty sees them: time [n] of claim, end or censoring, and cause [n].

    The cause is `causes` + 1 where the warranty ran out before a failure. What is returned goes into
    `competing.cumulative_incidence` for claims over age.

    Args:
        time: [n] of failure or of the end of observation.
        cause: [n] 0 for packs still alive then, else 1, 2 ...
        end: [n] of each warranty, as `warranty_end`; a failure at that very time is a claim.
    """
    seen = lives(time, cause, causes=causes)
    if end.shape != seen.time.shape:
        raise ValueError(f"{seen.time.size} times, but {end.size} ends of warranty")
    over = (seen.time > end) | ((seen.time == end) & (seen.cause == ALIVE))
    return np.where(over, end, seen.time), np.where(over, seen.causes + 1, seen.cause)


def warranty_claims(
    time: npt.ArrayLike,
    cause: npt.ArrayLike,
    distance_per_time: npt.ArrayLike,
    unit: npt.ArrayLike | None = None,
    *,
    age_limit: float,
    distance_limit: float,
    causes: int | None = None,
) -> Claims:
    """Share of packs that fail within their warranty, by cause, with intervals from the scatter between units.

    Args:
        time: [n] of failure or of the end of observation.
        cause: [n] 0 (or False) for packs still alive then, else 1, 2 ... (or True).
        distance_per_time: [n] distance per unit of `time` that each pack is driven.
        unit: [n] label of the independent unit of each pack; None: every pack is one.
        age_limit, distance_limit: of the warranty; a failure counts that comes before both, or at one of them. 8 years and
            160,000 km are `age_limit=8.0, distance_limit=160_000.0` with times in years and distances in km per year.
        causes: how many there are; None: up to the highest seen.

    Raises:
        ValueError: lengths differ, numbers negative or not finite, limits not positive.
    """
    given = lives(time, cause, unit, causes=causes)
    end = warranty_end(distance_per_time, age_limit=age_limit, distance_limit=distance_limit)
    at, mark = within_warranty(given.time, given.cause, end, causes=given.causes)
    seen = lives(at, mark, given.unit, causes=given.causes + 1)
    table = steps(seen)
    whole = incidence_of(table.at_risk, table.failed)[:-1, -1]
    left_out = np.concatenate([incidence_of(*piece)[:, :-1, -1] for piece in without_each(seen, table)])
    expired = int((mark == given.causes + 1).sum())
    by_cause = tuple(_share(float(whole[k]), left_out[:, k], given.time.size, expired) for k in range(given.causes))
    share = _share(float(whole.sum()), left_out.sum(axis=1), given.time.size, expired)
    unfinished = int((mark == ALIVE).sum())
    return Claims(share, by_cause, given.time.size - expired - unfinished, given.time.size, expired, unfinished)


def _share(value: float, left_out: Array, packs: int, expired: int) -> Estimate:
    """Interval of a share of claims; with none, the warranties that ran out count as trials without an event."""
    trials = float(packs if value > 0.0 else expired)
    if math.isnan(value) or trials == 0.0 or not np.isfinite(left_out).all():
        return Estimate(value, math.nan, math.nan, left_out.size)
    return rate_interval(min(value, 1.0) * trials, trials, left_out, 1.0)


def expected_claims(share: Estimate, packs: float) -> Estimate:
    """Claims to expect of a fleet of `packs`, from the share of one of its packs; the fleet's own luck is not in it."""
    return Estimate(share.value * packs, share.low * packs, share.high * packs, share.n)

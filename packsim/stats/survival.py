"""How long packs live when not all have failed yet: Kaplan-Meier curves and quantile lives.

With units (blocks, or lots that span blocks) the band comes from the scatter between them; without, from Greenwood's
formula, which takes every pack as independent: of packs that share a lot it is too narrow (`docs/statistics.md`).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from packsim.stats import bands
from packsim.stats.bands import Errors, Scale
from packsim.stats.intervals import FEWEST_UNITS, LEVEL, Estimate
from packsim.stats.observations import Array, lives, product_limit, steps, without_each


class Curve(NamedTuple):
    """Share alive at each distinct time seen, starting at time 0; it holds from there up to the next time."""

    time: Array  # [m] any unit, ascending
    at_risk: Array  # [m] packs seen alive just before
    failed: Array  # [m] packs that fail then
    censored: Array  # [m] packs last seen alive then
    survival: Array  # [m] share alive just after
    error: Array  # [m] standard error of it: Greenwood's, or the jackknife's
    low: Array  # [m] band, one time by itself; nan with too few units, or where one unit alone is still watched
    high: Array  # [m]
    units: int  # independent units


def kaplan_meier(
    time: npt.ArrayLike,
    failed: npt.ArrayLike,
    unit: npt.ArrayLike | None = None,
    *,
    scale: Scale = "log-log",
    level: float = LEVEL,
) -> Curve:
    """Product-limit estimate of the share alive over time, with right censoring and ties.

    Kaplan & Meier 1958, doi 10.1080/01621459.1958.10501452. Without units: variance by Greenwood 1926 ("The natural duration
    of cancer"; Kalbfleisch & Prentice 2002, eq. 1.12) and the normal quantile. With units: each is left out in turn (Efron
    & Stein 1981) and the quantile is Student's with units - 1 degrees of freedom.

    Args:
        time: [n] of failure or of the end of observation, any unit.
        failed: [n] whether the pack failed then (otherwise it was still alive).
        unit: [n] label of the independent unit of each pack; None: every pack is one.
        scale: on which the band is symmetrical.

    Raises:
        ValueError: lengths differ, times negative or no numbers, level not between 0 and 1.
    """
    bands.check_level(level)
    seen = lives(time, failed, unit, causes=1)
    table = steps(seen)
    dead = table.failed[0]
    alive = product_limit(table.at_risk, dead)
    if unit is None:
        errors, quantile = _greenwood(table.at_risk, dead, alive), bands.normal_quantile(level)
    else:
        pieces = (product_limit(at_risk, gone[:, 0]) for at_risk, gone in without_each(seen, table))
        errors, quantile = bands.jackknife(alive, pieces, seen.units), bands.units_quantile(seen.units, level)
    low, high = bands.band(alive, errors, table.at_risk, quantile, scale=scale, level=level)
    censored = np.bincount(table.place, minlength=table.time.size) - dead
    return Curve(table.time, table.at_risk, dead, censored, alive, errors.plain, low, high, seen.units)


def _greenwood(at_risk: Array, failed: Array, alive: Array) -> Errors:
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.sqrt(np.cumsum(failed / (at_risk * (at_risk - failed))))
        plain = np.where(alive > 0.0, alive * relative, math.nan)
        return Errors(plain, relative / np.abs(np.log(alive)))


def survival_at(curve: Curve, time: float) -> Estimate:
    """Share alive at a time; nan beyond the last time seen, unless nobody was left."""
    if not time >= 0.0:
        raise ValueError(f"time must not be negative, not {time}")
    k = int(np.searchsorted(curve.time, time, side="right")) - 1
    if time > curve.time[-1] and curve.survival[-1] > 0.0:
        return Estimate(math.nan, math.nan, math.nan, curve.units)
    return Estimate(float(curve.survival[k]), float(curve.low[k]), float(curve.high[k]), curve.units)


def quantile_life(curve: Curve, share: float) -> Estimate:
    """Time by which a share of the packs has failed: 0.01 and 0.1 are the B1 and B10 lives, 0.5 the median.

    The first time at which the curve is down to 1 - share; the interval is where the band is (Brookmeyer & Crowley 1982,
    doi 10.2307/2530286). inf: not reached within the observation. The lower end is then the last time at which the band
    still lies above, so that "more than" can be said.
    """
    if not 0.0 < share < 1.0:
        raise ValueError(f"share must lie between 0 and 1, not {share}")
    level = 1.0 - share + 1e-12
    value = _first(curve.time, curve.survival <= level, math.inf)
    if curve.units < FEWEST_UNITS:
        return Estimate(value, math.nan, math.nan, curve.units)
    low = _first(curve.time, ~(curve.low > level), float(curve.time[-1]))
    return Estimate(value, low, _first(curve.time, curve.high <= level, math.inf), curve.units)


def _first(time: Array, reached: npt.NDArray[np.bool_], otherwise: float) -> float:
    return float(time[np.argmax(reached)]) if reached.any() else otherwise

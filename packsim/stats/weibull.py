"""Weibull lives from censored observations: maximum likelihood, intervals, and the points of a probability plot.

F(t) = 1 - exp(-(t / scale)^shape). Sources: Meeker & Escobar 1998, "Statistical Methods for Reliability Data", chapters 6
to 8; Kalbfleisch & Prentice 2002, section 3.6.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import special

from packsim.stats import bands
from packsim.stats.intervals import LEVEL, Estimate
from packsim.stats.observations import ALIVE, Array, Lives, lives

_ROUNDS = 200
_STEEPEST = 1e9  # shape beyond which lives are told apart by rounding alone


class Weibull(NamedTuple):
    """A fitted Weibull distribution."""

    shape: Estimate  # below 1: early failures, above 1: wear-out
    scale: Estimate  # characteristic life: 63.2 % have failed
    covariance: Array  # [2, 2] of (log shape, log scale)
    quantile: float  # that intervals are made with: normal, or Student's t with units - 1; nan with too few units
    log_likelihood: float
    failures: int
    units: int


class PlotPoints(NamedTuple):
    """Points of a Weibull probability plot, one a distinct failure time; Weibull lives lie on a line."""

    time: Array  # [r] any unit
    rank: Array  # [r] of the failure among all packs, adjusted for those censored before
    share: Array  # [r] failed, by the median of that rank
    log_time: Array  # [r] abscissa
    weibit: Array  # [r] ordinate log(-log(1 - share)); its slope over log_time is the shape


class _Counts(NamedTuple):
    """Packs last seen at each distinct time."""

    log_time: Array  # [m] ascending
    ended: Array  # [m]
    failed: Array  # [m]


def fit_weibull(
    time: npt.ArrayLike, failed: npt.ArrayLike, unit: npt.ArrayLike | None = None, *, level: float = LEVEL
) -> Weibull:
    """Shape and scale by maximum likelihood from lives of which some are right-censored.

    Without units: intervals from the observed Fisher information on the logarithms (Meeker & Escobar 1998, section 8.3), as
    if every pack were independent. With units: from the jackknife on the logarithms with Student's t; there is no interval
    where one unit holds all failures.

    Args:
        time: [n] of failure or of the end of observation, any unit.
        failed: [n] whether the pack failed then (otherwise it was still alive).
        unit: [n] label of the independent unit of each pack; None: every pack is one.

    Raises:
        ValueError: no failure, fewer than two distinct failure times, a failure at time 0, lengths differ, times negative
            or no numbers, level not between 0 and 1.
    """
    bands.check_level(level)
    seen = lives(time, failed, unit, causes=1)
    counts = _counts(seen)
    at = counts.log_time[counts.failed > 0.0]
    if at.size < 2:
        raise ValueError(
            f"a Weibull fit needs failures at two times or more: {at.size} among {seen.time.size} packs"
            if at.size
            else f"a Weibull fit needs failures: none among {seen.time.size} packs"
        )
    if at[0] == -math.inf:
        raise ValueError("a pack that failed at time 0 has no Weibull life")
    best = _maximum(counts)
    k, z = math.exp(best[0]), math.exp(best[0]) * (counts.log_time - best[1])
    hazard = np.exp(z)
    moment = [float(np.sum(counts.ended * hazard * np.where(hazard > 0.0, z, 0.0) ** p)) for p in (0, 1, 2)]
    failures = float(counts.failed.sum())
    own = counts.failed > 0.0
    log_likelihood = float(np.sum(counts.failed[own] * (best[0] + z[own] - counts.log_time[own]))) - moment[0]
    if unit is None:
        cross = -k * moment[1]
        covariance = np.linalg.inv(np.array([[failures + moment[2], cross], [cross, k * k * failures]]))
        quantile = bands.normal_quantile(level)
    else:
        covariance = _jackknife(seen, counts, best)
        quantile = bands.units_quantile(seen.units, level)
    shape, scale = (
        Estimate(math.exp(best[j]), *_ends(best[j], quantile * math.sqrt(covariance[j, j])), seen.units)
        for j in (0, 1)
    )  # fmt: skip
    return Weibull(shape, scale, covariance, quantile, log_likelihood, int(failures), seen.units)


def _ends(middle: float, half: float) -> tuple[float, float]:
    """exp(middle -+ half); an end too large for a number is inf."""
    with np.errstate(over="ignore"):
        return float(np.exp(middle - half)), float(np.exp(middle + half))


def _counts(seen: Lives) -> _Counts:
    time, place = np.unique(seen.time, return_inverse=True)
    with np.errstate(divide="ignore"):
        log_time = np.log(time)
    ended = np.bincount(place, minlength=time.size).astype(float)
    return _Counts(log_time, ended, np.bincount(place[seen.cause != ALIVE], minlength=time.size).astype(float))


def _jackknife(seen: Lives, counts: _Counts, start: Array) -> Array:
    """Covariance [2, 2] of (log shape, log scale) from the estimates with each unit left out."""
    m = counts.log_time.size
    place = np.searchsorted(np.unique(seen.time), seen.time)
    order = np.argsort(seen.unit, kind="stable")
    ends = np.searchsorted(seen.unit[order], np.arange(seen.units + 1))
    left_out = np.empty((seen.units, 2))
    for u in range(seen.units):
        own = order[ends[u] : ends[u + 1]]
        failed = own[seen.cause[own] != ALIVE]
        rest = _Counts(
            counts.log_time,
            counts.ended - np.bincount(place[own], minlength=m),
            counts.failed - np.bincount(place[failed], minlength=m),
        )
        left_out[u] = _maximum(rest, start)
    off = left_out - left_out.mean(axis=0)
    return np.asarray((seen.units - 1) / seen.units * off.T @ off)


def _maximum(counts: _Counts, start: Array | None = None) -> Array:
    """(log shape, log scale) of the largest likelihood; nan where it has no maximum.

    The profile likelihood's equation sum(t^k log t) / sum(t^k) - 1 / k = mean log failure time (Kalbfleisch & Prentice 2002,
    section 3.6; sums over all packs) has a left side that rises with k, so there is one root: Newton's steps in log k,
    halving where one leaves the bracket.
    """
    there = (counts.ended > 0.0) & (counts.log_time > -math.inf)
    ended, failed = counts.ended[there], counts.failed[there]
    failures = float(failed.sum())
    if failures <= 0.0:
        return np.full(2, math.nan)
    top = float(counts.log_time[there][-1])
    x = counts.log_time[there] - top  # of which the largest is 0: powers cannot overflow
    mean = float(np.sum(failed * x)) / failures
    if not mean < 0.0:
        return np.full(2, math.nan)  # all failed at the last time: the likelihood rises with the shape without end

    def slope(log_k: float) -> tuple[float, float, float]:
        k = math.exp(log_k)
        weight = ended * np.exp(k * x)
        whole = float(weight.sum())
        first, second = float(np.sum(weight * x)) / whole, float(np.sum(weight * x * x)) / whole
        return first - 1.0 / k - mean, k * (second - first * first) + 1.0 / k, whole

    low, high = math.log(1e-9), math.log(_STEEPEST)
    log_k = float(start[0]) if start is not None else min(max(math.log(-1.0 / mean), low), high)
    for _ in range(_ROUNDS):
        off, rise, _whole = slope(log_k)
        if off > 0.0:
            high = log_k
        else:
            low = log_k
        after = log_k - off / rise
        if not low <= after <= high:
            after = 0.5 * (low + high)
        done = abs(after - log_k) <= 1e-9  # the error of the next is the square of this step
        log_k = after
        if done:
            break
    whole = slope(log_k)[2]
    return np.array([log_k, top + math.log(whole / failures) / math.exp(log_k)])


def failed_by(fit: Weibull, time: npt.ArrayLike) -> Estimate:
    """Share failed by a time; of several times [n], the mean over packs that are each watched up to their own.

    The interval is symmetrical on log(-log(1 - share)), by the delta method (Meeker & Escobar 1998, section 8.4).
    """
    ends = np.atleast_1d(np.asarray(time, float))
    if ends.ndim != 1 or ends.size == 0 or np.isnan(ends).any() or (ends < 0.0).any():
        raise ValueError("time: one or more numbers, none negative")
    k = fit.shape.value
    with np.errstate(divide="ignore", over="ignore"):
        weibit = k * (np.log(ends) - math.log(fit.scale.value))
        cumulative = np.exp(weibit)
    share = float(np.mean(-np.expm1(-cumulative)))
    if not 0.0 < share < 1.0:
        return Estimate(share, *((share, share) if math.isfinite(fit.quantile) else (math.nan,) * 2), fit.units)
    usual = np.isfinite(weibit) & np.isfinite(cumulative)
    density = np.exp(np.where(usual, weibit, 0.0) - np.where(usual, cumulative, 0.0)) * usual
    slope = np.array([np.mean(density * np.where(usual, weibit, 0.0)), -k * np.mean(density)])
    error = math.sqrt(float(slope @ fit.covariance @ slope)) / ((1.0 - share) * -math.log1p(-share))
    low, high = _ends(math.log(-math.log1p(-share)), fit.quantile * error)
    return Estimate(share, -math.expm1(-low), -math.expm1(-high), fit.units)


def life_by(fit: Weibull, share: float) -> Estimate:
    """Time by which a share has failed: 0.01 and 0.1 are the B1 and B10 lives (Meeker & Escobar 1998, section 8.4)."""
    if not 0.0 < share < 1.0:
        raise ValueError(f"share must lie between 0 and 1, not {share}")
    away = math.log(-math.log1p(-share)) / fit.shape.value
    slope = np.array([-away, 1.0])
    middle = math.log(fit.scale.value) + away
    ends = _ends(middle, fit.quantile * math.sqrt(float(slope @ fit.covariance @ slope)))
    return Estimate(math.exp(middle), *ends, fit.units)


def probability_points(time: npt.ArrayLike, failed: npt.ArrayLike) -> PlotPoints:
    """Points of a Weibull probability plot with ranks adjusted for packs that were censored before.

    Johnson 1964, "The Statistical Treatment of Fatigue Experiments": each failure's rank rises by (n + 1 - the last rank) /
    (1 + packs not yet out). Shares are exact medians of the rank's beta distribution, not Benard's approximation. Of
    failures at one time the last counts; packs censored at the time of a failure outlive it.

    Args:
        time: [n] of failure or of the end of observation, any unit.
        failed: [n] whether the pack failed then.

    Raises:
        ValueError: as `fit_weibull`, but one failure is enough.
    """
    seen = lives(time, failed, causes=1)
    own = seen.cause != ALIVE
    if not own.any():
        raise ValueError(f"a probability plot needs failures: none among {seen.time.size} packs")
    if (seen.time[own] == 0.0).any():
        raise ValueError("a pack that failed at time 0 has no place on a Weibull plot")
    n = seen.time.size
    order = np.lexsort((~own, seen.time))
    remaining = n - np.flatnonzero(own[order])  # packs not yet out, each failure itself among them
    # n + 1 - rank shrinks by remaining / (1 + remaining) at each failure
    rank = n + 1.0 - (n + 1.0) * np.cumprod(remaining / (1.0 + remaining))
    at = seen.time[order][own[order]]
    last = np.append(at[1:] != at[:-1], True)
    at, rank = at[last], rank[last]
    share = special.betaincinv(rank, n + 1.0 - rank, 0.5)
    return PlotPoints(at, rank, share, np.log(at), np.log(-np.log1p(-share)))

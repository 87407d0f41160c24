"""Pointwise bands of shares that fall with time, from the scatter between independent units or from Greenwood's formula."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Literal, NamedTuple

import numpy as np
from scipy import special

from packsim.stats.intervals import FEWEST_UNITS, LEVEL
from packsim.stats.observations import Array

Scale = Literal["log-log", "plain"]

_NOBODY = 1e-12  # a share below is one of rounding


class Errors(NamedTuple):
    """Standard errors [..., m] of a share and of log(-log(share)); nan where they cannot be said."""

    plain: Array
    log_log: Array


def log_log(alive: Array) -> Array:
    """log(-log(share)): the scale on which a band keeps within 0 and 1 (Kalbfleisch & Prentice 2002, section 1.4)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log(-np.log(np.where(alive < _NOBODY, 0.0, alive)))


def normal_quantile(level: float = LEVEL) -> float:
    """Two-sided quantile of the normal distribution."""
    return float(special.ndtri(0.5 + 0.5 * level))


def delta(plain: Array, alive: Array) -> Array:
    """Error of log(-log(share)) from that of the share."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return plain / np.abs(alive * np.log(alive))


def jackknife(alive: Array, left_out: Iterable[Array], units: int) -> Errors:
    """Errors of `alive` [..., m] from its values with each unit left out, given as pieces [u, ..., m].

    Where a single unit holds all failures so far (or all survivors), log(-log) without it is infinite: there the error of
    the share is carried over.
    """
    whole = log_log(alive)
    sums = np.zeros((4, *alive.shape))
    for piece in left_out:
        with np.errstate(invalid="ignore"):
            moved, on_scale = piece - alive, log_log(piece) - whole
            sums += (moved.sum(axis=0), np.sum(moved**2, axis=0), on_scale.sum(axis=0), np.sum(on_scale**2, axis=0))
    weight = (units - 1) / units
    with np.errstate(invalid="ignore"):
        plain = np.sqrt(weight * np.maximum(sums[1] - sums[0] ** 2 / units, 0.0))
        scaled = np.sqrt(weight * np.maximum(sums[3] - sums[2] ** 2 / units, 0.0))
    return Errors(plain, np.where(np.isfinite(scaled), scaled, delta(plain, alive)))


def band(
    alive: Array, errors: Errors, at_risk: Array, quantile: float, *, scale: Scale, level: float
) -> tuple[Array, Array]:
    """Lower and upper end [..., m] of the share alive.

    Before the first failure there is no scatter; the lower end is then that of no failure among `at_risk` packs, (1 -
    level)^(1 / at_risk) (mid-P, as `rate_interval`). After the last survivor the upper end is not known: nan.
    """
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        if scale == "log-log":
            low = alive ** np.exp(quantile * errors.log_log)
            high = alive ** np.exp(-quantile * errors.log_log)
        else:
            low = np.maximum(alive - quantile * errors.plain, 0.0)
            high = np.minimum(alive + quantile * errors.plain, 1.0)
        first = (1.0 - level) ** (1.0 / at_risk)
    known = 1.0 if math.isfinite(quantile) else math.nan
    low = np.where(alive == 1.0, known * first, np.where(alive < _NOBODY, known * 0.0, low))
    high = np.where(alive == 1.0, known, np.where(alive < _NOBODY, math.nan, high))
    return low, high


def units_quantile(units: int, level: float) -> float:
    """Quantile of Student's t with `units` - 1 degrees of freedom; nan with fewer than ten units."""
    return float(special.stdtrit(units - 1, 0.5 + 0.5 * level)) if units >= FEWEST_UNITS else math.nan


def check_level(level: float) -> None:
    """Refuse a level that is no probability."""
    if not 0.0 < level < 1.0:
        raise ValueError(f"level must lie between 0 and 1, not {level}")

"""Expected reject rates of a line and its test, with lots integrated out: what calibration aims at.

A run's own rate scatters with its few lots. Here the process itself is simulated on many slots, each in a lot of its own
(`process`). Two shortcuts make that fast: a response surface stands in for running the cells, and a K-value limit
relative to the lot is taken from other lots. What both change is measured on slots where the process is simulated with
and without them, and added (a control variate). The luck of how many cells have a defect is taken out (another).
Rates are shares of the cells tested: scrap of the line is no test.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from packsim.inspection.plan import InspectionPlan
from packsim.inspection.process import (
    Truth,
    outcomes,
    spread_groups,
    spread_slots,
    with_defects,
)
from packsim.inspection.response import Surfaces, estimate
from packsim.inspection.scrap import at_end
from packsim.inspection.test import read, true_values
from packsim.line.build import build
from packsim.line.plan import LinePlan
from packsim.numerics.threads import alone, in_parallel

Array = npt.NDArray[np.float64]
BATCH = 1 << 15
MANY = 64  # batches: then twice as large ones, whose Python takes less
FEW = 8
PER_ROLL = 8  # slots of a roll that drifts: walking along it costs more than testing a cell
MANY_DEFECTS = 100  # of a kind to be expected: of fewer, the luck of the number is not told from that of the starts
CONSTANT = 1e-9  # added to the variance of defects, relative
LIMITS, BOTH = 1 << 40, 1 << 41  # added to the seed: random numbers of their own

__all__ = [
    "Moments",
    "Rates",
    "correction",
    "estimated_limits",
    "lot_limits",
    "moments",
    "pooled",
    "rates",
    "with_defects",
]


class Moments(NamedTuple):
    """Mean of (tests, rejects without, rejects with a defect) a slot, and the covariance of that mean."""

    mean: Array  # [3]
    covariance: Array  # [3, 3] from the scatter of independent parts; nan from fewer than FEW of them
    tests: int
    started: int


class Rates(NamedTuple):
    """Shares of tested cells that are rejected without and with a defect, with standard errors (`error`: of the sum)."""

    without: float
    defect: float
    error_without: float
    error_defect: float
    error: float
    tests: int  # simulated
    started: int


def moments(
    line: LinePlan, inspection: InspectionPlan, surfaces: Surfaces, seed: int, slots: int, limits: Array | None
) -> Moments:
    """By the response surface, on `slots` slots (rounded up to whole batches), one a lot or PER_ROLL of one of its rolls.

    Each batch has a seed of its own, so its gauges' biases are its own too.

    Args:
        limits: K-value limits of other lots (see `lot_limits`), dealt out to the slots; None: the absolute one.
    """
    batch_slots = min(slots, 2 * BATCH if slots >= MANY * BATCH else BATCH)
    address = spread_slots(line, batch_slots, PER_ROLL if line.any_moves else 1)
    size = len(address)
    batches, dealt = -(-slots // size), _dealt(inspection, limits, size)
    truth = functools.partial(estimate, inspection, surfaces)
    found, started = np.empty((batches, 3)), np.empty(batches, np.int64)
    kinds = _lasting(line)
    kinds = kinds[line.probability[kinds] * size * batches >= MANY_DEFECTS]
    surplus, product = np.empty((batches, kinds.size)), np.empty((batches, 3 + kinds.size, kinds.size))

    def batch(number: int) -> None:
        counts, by_chance, started[number] = outcomes(line, inspection, truth, seed + number, address, dealt)
        own = by_chance[kinds]
        found[number], surplus[number] = counts.sum(axis=1), own.sum(axis=1)
        terms = np.concatenate([counts - counts.mean(axis=1, keepdims=True), own])
        product[number] = np.einsum(
            "ai,ki->ak", terms, own
        )  # not by @: BLAS has threads of its own, which wait spinning

    _each(batch, batches)
    tests = int(found[:, 0].sum())
    found /= size
    found -= _by_chance(surplus / size, product.mean(axis=0) / size)
    return _moments(found, tests, int(started.sum()))


def correction(
    line: LinePlan,
    inspection: InspectionPlan,
    surfaces: Surfaces,
    seed: int,
    cells: int,
    per_lot: int,
    limits: Array | None,
    first: int = 0,
) -> Moments:
    """What to add to `moments`: on about `cells` slots the process as it is, less the one with both shortcuts.

    K-value limits relative to the lot then come from groups of about `per_lot` slots, see `spread_groups`. `first` slots,
    whole batches, have been looked at already, by a call like this one (`pooled`).
    """
    relative = math.isfinite(inspection.k_robust_sigmas)
    batches, before = max(cells // BATCH, 1), first // BATCH
    groups = spread_groups(line, min(cells, BATCH), per_lot if relative else 1)
    exact, surrogate = functools.partial(true_values, inspection), functools.partial(estimate, inspection, surfaces)
    found = np.empty((batches, groups.groups, 3))
    tests, started = np.empty(batches, np.int64), np.empty(batches, np.int64)

    def batch(number: int) -> None:
        own = seed + BOTH + before + number
        dealt = _dealt(inspection, limits, groups.groups, (before + number) * groups.groups)[groups.group]
        real, _, started[number] = outcomes(line, inspection, exact, own, groups.address, None if relative else dealt)
        off = real - outcomes(line, inspection, surrogate, own, groups.address, dealt).counts
        size = np.bincount(groups.group, minlength=groups.groups)
        for row in range(3):
            found[number, :, row] = np.bincount(groups.group, off[row], groups.groups) / size
        tests[number] = real[0].sum()

    _each(batch, batches)
    return _moments(found.reshape(-1, 3), int(tests.sum()), int(started.sum()))


def lot_limits(
    line: LinePlan, inspection: InspectionPlan, seed: int, cells: int, per_lot: int, truth: Truth | None = None
) -> Array | None:
    """K-value limits [lot] (mV/day) of many lots, if they are relative: from groups of about `per_lot` slots.

    Args:
        truth: source of true values; default: run the cells.
    """
    if not math.isfinite(inspection.k_robust_sigmas):
        return None
    built, _ = at_end(build(line, seed + LIMITS, spread_groups(line, cells, per_lot).address))
    true = (truth or functools.partial(true_values, inspection))(built, seed + LIMITS)
    _, first = np.unique((built.address[:, 0] << 32) | built.lot, return_index=True)
    return read(inspection, built, true, seed + LIMITS).k_limit_mv_per_day[first]


def estimated_limits(
    line: LinePlan, inspection: InspectionPlan, surfaces: Surfaces, seed: int, cells: int, per_lot: int
) -> Array | None:
    """As `lot_limits`, by the response surface."""
    return lot_limits(line, inspection, seed, cells, per_lot, functools.partial(estimate, inspection, surfaces))


def pooled(one: Moments, slots: int, other: Moments, more: int) -> Moments:
    """Moments of `slots` and `more` slots together."""
    share = slots / (slots + more)
    return Moments(
        share * one.mean + (1.0 - share) * other.mean,
        share**2 * one.covariance + (1.0 - share) ** 2 * other.covariance,
        one.tests + other.tests,
        one.started + other.started,
    )


def rates(*parts: Moments) -> Rates:
    """Ratios of the sum of independent parts, with standard errors by the delta method."""
    mean = np.sum([part.mean for part in parts], axis=0)
    covariance = np.sum([part.covariance for part in parts], axis=0)
    without, defect = (max(float(mean[row] / mean[0]), 0.0) for row in (1, 2))
    slopes = np.array([[-without, 1.0, 0.0], [-defect, 0.0, 1.0], [-without - defect, 1.0, 1.0]]) / mean[0]
    variance = np.einsum("ka,ab,kb->k", slopes, covariance, slopes)
    of_without, of_defect, of_sum = np.sqrt(np.maximum(variance, 0.0)).tolist()
    tests, started = sum(part.tests for part in parts), sum(part.started for part in parts)
    return Rates(without, defect, of_without, of_defect, of_sum, tests, started)


def _lasting(line: LinePlan) -> npt.NDArray[np.int64]:
    """Kinds of defects that happen and that no rework in the line removes: cells have them at their rates."""
    removed = int(np.bitwise_or.reduce(line.in_line.made_here[line.in_line.rework], initial=0))
    return np.array([k for k in np.flatnonzero(line.probability) if not removed >> int(k) & 1], np.int64)


def _by_chance(surplus: Array, product: Array) -> Array:
    """What of each batch's outcomes [batch, 3] is due to more or fewer defects among its cells than their rates say.

    A control variate: the surplus of each kind of defect [batch, k] is 0 on average, whenever a slot stops (Wald's
    identity); `product` [3 + k, k] are the mean products of outcomes, less their means, and of surpluses with surpluses.
    """
    own = product[3:] + np.diag(CONSTANT * np.diag(product[3:]) + np.finfo(float).tiny)
    slopes = np.linalg.solve(own, product[:3].T)
    out: Array = np.einsum("bk,ka->ba", surplus, slopes)
    return out


def _moments(parts: Array, tests: int, started: int) -> Moments:
    """Mean and its covariance from independent parts [n, 3] of equal weight."""
    n, mean = len(parts), parts.mean(axis=0)
    covariance = np.full((3, 3), math.nan)
    if n >= FEW:
        covariance = np.einsum("na,nb->ab", parts - mean, parts - mean) / (n * (n - 1.0))
    return Moments(mean, covariance, tests, started)


def _dealt(inspection: InspectionPlan, limits: Array | None, slots: int, first: int = 0) -> Array:
    if limits is None:
        return np.full(slots, inspection.k_mv_per_day)
    return limits[(first + np.arange(slots)) % limits.size]


def _each(task: Callable[[int], None], count: int) -> None:
    """task(number) on all threads, one at a time on each; what a task calls runs on its own thread."""

    def some(first: int, last: int) -> None:
        with alone():
            for number in range(first, last):
                task(number)

    in_parallel(some, count)

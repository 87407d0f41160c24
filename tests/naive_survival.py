"""Plain loops for survival statistics, written from the definitions, and lives with a shared lot effect of known truth."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import ndtr


def observed(seed, n, units=12, causes=3, grid=20):
    """Random lives with many ties: time [n], cause [n] (0 alive), unit [n]."""
    luck = np.random.default_rng(seed)
    time = luck.integers(0 if seed % 2 else 1, grid, n).astype(float) / 4.0
    return time, luck.integers(0, causes + 1, n), luck.permutation(np.arange(n) % units)


def alive_at(time, failed, at):
    """Kaplan-Meier: the product over failure times up to `at`."""
    share = 1.0
    for t in sorted({x for x, dead in zip(time, failed, strict=True) if dead and x <= at}):
        risk = sum(1 for x in time if x >= t)
        gone = sum(1 for x, dead in zip(time, failed, strict=True) if dead and x == t)
        share *= (risk - gone) / risk
    return share


def greenwood_at(time, failed, at):
    """Sum of d / (y (y - d)) up to `at`."""
    total = 0.0
    for t in sorted({x for x, dead in zip(time, failed, strict=True) if dead and x <= at}):
        risk = sum(1 for x in time if x >= t)
        gone = sum(1 for x, dead in zip(time, failed, strict=True) if dead and x == t)
        total += gone / (risk * (risk - gone)) if risk > gone else math.inf
    return total


def incidence_at(time, cause, which, at):
    """Aalen-Johansen: alive until just before, times the share of those at risk that fail by this cause."""
    share = 0.0
    for t in sorted({x for x, k in zip(time, cause, strict=True) if k == which and x <= at}):
        risk = sum(1 for x in time if x >= t)
        gone = sum(1 for x, k in zip(time, cause, strict=True) if k == which and x == t)
        before = alive_at([*time], [k > 0 and x < t for x, k in zip(time, cause, strict=True)], t)
        share += before * gone / risk
    return share


def jackknife_error(statistic, unit):
    """Standard error of `statistic(keep)`, from leaving each unit out."""
    names = sorted(set(unit))
    values = [statistic(np.asarray(unit) != name) for name in names]
    mean = sum(values) / len(values)
    return math.sqrt((len(names) - 1) / len(names) * sum((v - mean) ** 2 for v in values))


def weibull_log_likelihood(time, failed, shape, scale):
    """Sum of log densities of failures and log survivals of the rest."""
    total = 0.0
    for t, dead in zip(time, failed, strict=True):
        if dead:
            total += math.log(shape / scale) + (shape - 1.0) * math.log(t / scale)
        total -= (t / scale) ** shape
    return total


def johnson_ranks(time, failed):
    """Adjusted ranks of all failures, one after another (failures before packs censored at the same time)."""
    order = sorted(range(len(time)), key=lambda i: (time[i], not failed[i]))
    n, rank, ranks = len(time), 0.0, {}
    for place, i in enumerate(order):
        if failed[i]:
            rank += (n + 1 - rank) / (1 + n - place)
            ranks[time[i]] = rank
    return ranks


def claims(time, failed, distance_per_time, age_limit, distance_limit):
    """Failures before both limits."""
    return sum(
        1
        for t, dead, rate in zip(time, failed, distance_per_time, strict=True)
        if dead and t <= age_limit and t * rate <= distance_limit
    )


def lots_of_lives(luck, lots, packs, *, between, shape, end=(0.5, 2.0), causes=(1.0,)):
    """Weibull lives (scale 1, `shape`) of which `between` of the variance (as normal scores) is shared within a lot.

    A normal copula: whatever the lots do, the life of a single pack is exactly that Weibull, and its cause has exactly the
    shares `causes` (with a lot effect of its own). Observation ends at random between `end`.
    Returns time, cause (0 alive), unit.
    """

    def score():
        own = luck.standard_normal((lots, packs))
        return ndtr(math.sqrt(between) * luck.standard_normal((lots, 1)) + math.sqrt(1.0 - between) * own)

    life = (-np.log1p(-score())) ** (1.0 / shape)
    cause = 1 + np.searchsorted(np.cumsum(causes)[:-1], score(), side="right")
    stop = luck.uniform(*end, (lots, packs))
    unit = np.repeat(np.arange(lots), packs)
    return np.minimum(life, stop).ravel(), np.where(life <= stop, cause, 0).ravel(), unit


def rare_terrible_lots(luck, lots, packs, *, alpha, shape, end=(0.5, 2.0)):
    """As `lots_of_lives`, but with a positive stable frailty of the lot, of infinite mean (Hougaard 1986).

    Single packs have Weibull lives again (scale 1, `shape`); Kendall's tau of two packs of a lot is 1 - alpha.
    Stable numbers: Kanter 1975, doi 10.1214/aop/1176996309. Returns time, failed, unit.
    """
    angle, spread = np.pi * luck.uniform(size=(lots, 1)), luck.standard_exponential((lots, 1))
    frailty = (np.sin((1.0 - alpha) * angle) / spread) ** ((1.0 - alpha) / alpha)
    frailty = frailty * np.sin(alpha * angle) / np.sin(angle) ** (1.0 / alpha)
    life = (luck.standard_exponential((lots, packs)) / frailty) ** (alpha / shape)
    stop = luck.uniform(*end, (lots, packs))
    return np.minimum(life, stop).ravel(), (life <= stop).ravel(), np.repeat(np.arange(lots), packs)

"""Intervals cover, and luck is not called real: 400 seeds of one scenario with lots on.

Chance of a false alarm: a 95 % interval covers in fewer than 91 % or more than 99 % of 400 runs with probability 5e-4
(binomial). Exact intervals of events that are rare, or rarely missing, are wider by construction: how often they cover then
follows from the binomial distribution (`exact_coverage`), and that is the bound for rates of packs.
"""

from __future__ import annotations

import numba
import numpy as np
import pytest
from scenarios import small
from scipy.stats import beta, binom

from packsim.study import block as blocks
from packsim.study.compare import differences
from packsim.study.metrics import METRICS, ROW, estimate
from packsim.study.plans import make_plans

SEEDS, BLOCKS, LONG_BLOCKS = 400, 30, 6000


@pytest.fixture(scope="module")
def plans():
    return make_plans(small(), 1)


def exact_coverage(share, n):
    """How often the exact (Clopper-Pearson) 95 % interval of n independent events covers their true share."""
    seen = np.arange(n + 1)
    low = np.where(seen == 0, 0.0, beta.ppf(0.025, seen, n - seen + 1))
    high = np.where(seen == n, 1.0, beta.ppf(0.975, seen + 1, n - seen))
    return float(binom.pmf(seen, n, share)[(low <= share) & (share <= high)].sum())


def sums_of(plans, seed, count):
    return np.array([blocks.run_block(plans, seed, number, 4).sums for number in range(count)])


@pytest.fixture(scope="module")
def runs(plans):
    """Sums [seed, block, SUMS] of 400 short runs and [block, SUMS] of a long one; small blocks want one thread."""
    before = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        short = np.array([sums_of(plans, 10_000 + seed, BLOCKS) for seed in range(SEEDS)])
        return short, sums_of(plans, 999, LONG_BLOCKS)
    finally:
        numba.set_num_threads(before)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_nominal_95_pct_intervals_cover(metric, runs, report):
    short, long = runs
    truth = metric.value(long.sum(axis=0))
    found = [estimate(metric, sums) for sums in short]
    covered = 100.0 * float(np.mean([row.low <= truth <= row.high for row in found]))
    report(f"coverage, {metric.name}", covered, 91.0, "%", ">=")
    most = 99.0
    if metric.rate is not None and metric.rate[1] == "packs":
        packs = int(short[0, :, ROW["packs"]].sum())
        most = max(most, 100.0 * float(binom.ppf(1.0 - 5e-4, SEEDS, exact_coverage(truth / 100.0, packs))) / SEEDS)
    report(f"coverage, {metric.name}", covered, most, "%", "<=")


def test_another_seed_is_not_called_real(runs, report):
    short, _ = runs
    called = 0
    for a, b in zip(short[::2], short[1::2], strict=True):
        called += any(row.real for row in differences(a, b, paired=True))
    # at a familywise 2 % more than 10 of 200 come up with probability 0.3 %
    report("A against another seed of A called real", 100.0 * called / (SEEDS // 2), 5.0, "% of 200")

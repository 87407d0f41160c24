"""Intervals cover, and luck is not called real: 400 seeds of one scenario with lots on.

Chance of a false alarm: a 95 % interval covers in fewer than 91 % or more than 99 % of 400 runs with probability 5e-4
(binomial). Exact intervals of rare events are wider by construction, so the scenario is one in which they are not rare.
"""

from __future__ import annotations

import numba
import numpy as np
import pytest
from scenarios import small

from packsim.study import block as blocks
from packsim.study.compare import differences
from packsim.study.metrics import METRICS, estimate
from packsim.study.plans import make_plans

SEEDS, BLOCKS, LONG_BLOCKS = 400, 30, 6000


@pytest.fixture(scope="module")
def plans():
    return make_plans(small(), 1)


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
    report(f"coverage, {metric.name}", covered, 99.0, "%", "<=")


def test_another_seed_is_not_called_real(runs, report):
    short, _ = runs
    called = 0
    for a, b in zip(short[::2], short[1::2], strict=True):
        called += any(row.real for row in differences(a, b, paired=True))
    # at a familywise 2 % more than 10 of 200 come up with probability 0.3 %
    report("A against another seed of A called real", 100.0 * called / (SEEDS // 2), 5.0, "% of 200")

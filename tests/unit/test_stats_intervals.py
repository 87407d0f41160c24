"""Intervals against scipy.stats and against simulated truth."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from packsim.stats import intervals


def mean_of(sums: np.ndarray) -> float:
    return float(sums[0] / sums[1])


def test_jackknife_of_a_mean_is_the_textbook_t_interval():
    x = np.random.default_rng(1).normal(3.0, 2.0, 25)
    value, left_out = intervals.leave_one_out(mean_of, np.stack([x, np.ones(25)], axis=1))
    low, high = stats.t.interval(0.95, 24, x.mean(), stats.sem(x))
    found = intervals.t_interval(value, left_out)
    assert found == pytest.approx((x.mean(), low, high, 25), rel=1e-12)


def test_too_few_units_say_nothing():
    found = intervals.t_interval(1.0, np.ones(9))
    assert found.value == 1.0
    assert math.isnan(found.low)
    assert math.isnan(found.high)
    assert math.isnan(intervals.rate_interval(3, 100, np.ones(9), 1.0).low)


@pytest.mark.parametrize(("events", "trials"), [(0, 40), (1, 40), (7, 40), (39, 40), (40, 40), (3, 100_000)])
def test_mid_p_ends_have_the_stated_tails(events, trials):
    rate = events / trials
    low, high = (intervals.mid_p(rate, trials, low=side) for side in (True, False))
    if events:
        above = stats.binom.sf(events, trials, low) + 0.5 * stats.binom.pmf(events, trials, low)
        assert above == pytest.approx(0.025, rel=1e-6)
    else:
        assert low == 0.0
    if events < trials:
        below = stats.binom.cdf(events - 1, trials, high) + 0.5 * stats.binom.pmf(events, trials, high)
        assert below == pytest.approx(0.025, rel=1e-6)
    else:
        assert high == 1.0


def test_rate_interval_of_clustered_events_is_wider_by_the_design_effect():
    # whole lots fail or pass: 20 lots of 100 cells have the information of 20 cells
    failed = np.zeros((20, 2))
    failed[:, 1] = 100.0
    failed[:4, 0] = 100.0
    rate, left_out = intervals.leave_one_out(mean_of, failed)
    assert rate == 0.2
    assert intervals.design_effect(400, 2000, left_out, 1.0) == pytest.approx(100.0 * 20 / 19, rel=1e-9)
    clustered = intervals.rate_interval(400, 2000, left_out, 1.0)
    alone = intervals.mid_p(0.2, 2000, low=False) - intervals.mid_p(0.2, 2000, low=True)
    assert clustered.high - clustered.low > 9.0 * alone


@pytest.mark.parametrize("rho", [0.0, 0.25])
def test_coverage_with_lots(rho):
    # 400 runs of 15 lots of 200 cells, 10 % rejects; coverage of 95 % lies in 91..99 % but for a chance of 1e-4 (binomial)
    luck = np.random.default_rng(7)
    limit = stats.norm.ppf(0.9)
    hits = 0
    for _ in range(400):
        lots = luck.standard_normal((15, 1)) * math.sqrt(rho)
        cells = lots + luck.standard_normal((15, 200)) * math.sqrt(1.0 - rho)
        rows = np.stack([(cells > limit).sum(axis=1), np.full(15, 200)], axis=1).astype(float)
        _, left_out = intervals.leave_one_out(mean_of, rows)
        found = intervals.rate_interval(rows[:, 0].sum(), 3000.0, left_out, 1.0)
        hits += found.low <= 0.1 <= found.high
    assert 0.91 <= hits / 400 <= 0.99


def test_difference_p_value_is_the_paired_t_test():
    luck = np.random.default_rng(3)
    x = luck.normal(0.0, 1.0, 30)
    y = x + luck.normal(0.2, 0.5, 30)
    one = np.ones(30)
    (a, a_out), (b, b_out) = (intervals.leave_one_out(mean_of, np.stack([v, one], axis=1)) for v in (x, y))
    expected = stats.ttest_rel(y, x).pvalue
    assert intervals.difference_p_value(b - a, b_out - a_out) == pytest.approx(expected, rel=1e-9)
    assert intervals.difference_p_value(0.0, np.zeros(30)) == 1.0
    assert intervals.difference_p_value(0.1, np.full(30, 0.1)) == 0.0


def test_holm_is_the_step_down_of_the_paper():
    assert intervals.holm([0.01, 0.04, 0.03, 0.005], 0.05) == [True, False, False, True]
    assert intervals.holm([], 0.05) == []
    assert intervals.holm([0.9, 0.0001], 0.05) == [False, True]

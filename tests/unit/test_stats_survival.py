"""Survival statistics against plain loops (tests/naive_survival.py), scipy.stats and closed forms."""

from __future__ import annotations

import itertools
import math
import subprocess
import sys
import warnings

import naive_survival as naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from packsim.stats import event_rates
from packsim.stats.competing import cumulative_incidence, hazard_by_cause, incidence_at
from packsim.stats.intervals import Estimate, mid_p, rate_interval, t_quantile
from packsim.stats.survival import kaplan_meier, quantile_life, survival_at
from packsim.stats.warranty import expected_claims, warranty_claims, warranty_end, within_warranty
from packsim.stats.weibull import failed_by, fit_weibull, life_by, probability_points

SEEDS = [1, 2, 3, 4]


def censored(time, failed):
    failed = np.asarray(failed, bool)
    return stats.CensoredData(uncensored=np.asarray(time)[failed], right=np.asarray(time)[~failed])


def log_log(share):
    return math.log(-math.log(share))


# -- Kaplan-Meier -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_curve_is_the_plain_product(seed):
    time, cause, _ = naive.observed(seed, 60)
    curve = kaplan_meier(time, cause > 0)
    assert curve.time[0] == 0.0
    for k, t in enumerate(curve.time):
        share = naive.alive_at(time, cause > 0, t)
        assert curve.survival[k] == pytest.approx(share, rel=1e-12, abs=1e-15)
        assert curve.at_risk[k] == (time >= t).sum()
        assert curve.failed[k] == ((time == t) & (cause > 0)).sum()
        assert curve.censored[k] == ((time == t) & (cause == 0)).sum()
        if share > 0.0:
            assert curve.error[k] == pytest.approx(share * math.sqrt(naive.greenwood_at(time, cause > 0, t)), rel=1e-10)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("scale", "name"), [("log-log", "log-log"), ("plain", "linear")])
def test_greenwood_bands_are_scipys(seed, scale, name):
    time, cause, _ = naive.observed(seed, 80)
    curve = kaplan_meier(time, cause > 0, scale=scale, level=0.9)
    found = stats.ecdf(censored(time, cause > 0)).sf
    with warnings.catch_warnings():  # of ends at 0 and 1, where scipy has none
        warnings.simplefilter("ignore", RuntimeWarning)
        band = found.confidence_interval(0.9, method=name)
    place = np.searchsorted(curve.time, found.quantiles)
    np.testing.assert_allclose(curve.survival[place], found.probabilities, rtol=1e-12, atol=1e-15)
    inside = (curve.survival[place] < 1.0) & (curve.survival[place] > 0.0)
    np.testing.assert_allclose(curve.low[place][inside], band.low.probabilities[inside], rtol=1e-10)
    np.testing.assert_allclose(curve.high[place][inside], band.high.probabilities[inside], rtol=1e-10)


@pytest.mark.parametrize("seed", SEEDS)
def test_clustered_band_is_that_of_leaving_units_out(seed):
    time, cause, unit = naive.observed(seed, 120)
    curve = kaplan_meier(time, cause > 0, unit)
    assert curve.units == 12
    checked = 0
    for k, t in enumerate(curve.time):
        without = [naive.alive_at(time[unit != u], cause[unit != u] > 0, t) for u in range(12)]
        if not all(0.0 < share < 1.0 for share in without):
            continue
        error = naive.jackknife_error(lambda keep, t=t: naive.alive_at(time[keep], cause[keep] > 0, t), unit)
        assert curve.error[k] == pytest.approx(error, rel=1e-9)
        scaled = naive.jackknife_error(lambda keep, t=t: log_log(naive.alive_at(time[keep], cause[keep] > 0, t)), unit)
        for end, sign in ((curve.low[k], 1.0), (curve.high[k], -1.0)):
            assert log_log(end) == pytest.approx(log_log(curve.survival[k]) + sign * t_quantile(12) * scaled, rel=1e-9)
        checked += 1
    assert checked >= 8


def test_without_censoring_the_error_is_the_binomial_one():
    time = np.random.default_rng(5).exponential(1.0, 200)
    curve = kaplan_meier(time, np.ones(200, bool))
    share = 1.0 - np.arange(200) / 200
    np.testing.assert_allclose(curve.survival[:-1], share, rtol=1e-12)
    np.testing.assert_allclose(curve.error[:-1], np.sqrt(share * (1.0 - share) / 200), rtol=1e-9, atol=1e-15)
    alone = kaplan_meier(time, np.ones(200, bool), np.arange(200))
    np.testing.assert_allclose(alone.error[:-1], np.sqrt(share * (1.0 - share) / 199), rtol=1e-8, atol=1e-12)


def test_whole_lots_that_fail_together_have_the_error_of_lots():
    luck = np.random.default_rng(6)
    lot = luck.exponential(1.0, 20)
    curve = kaplan_meier(np.repeat(lot, 50), np.ones(1000, bool), np.repeat(np.arange(20), 50))
    share = curve.survival[1:-1]
    np.testing.assert_allclose(curve.error[1:-1], np.sqrt(share * (1.0 - share) / 19), rtol=1e-9)
    assert (curve.low[1:-1] < share).all()
    assert (share < curve.high[1:-1]).all()


def test_before_the_first_failure_the_lower_end_is_that_of_no_failure():
    curve = kaplan_meier([5.0] * 40, [False] * 40, np.arange(40) // 2)
    assert survival_at(curve, 3.0) == Estimate(1.0, pytest.approx(0.05 ** (1 / 40)), 1.0, 20)
    assert survival_at(curve, 3.0).low == pytest.approx(1.0 - mid_p(0.0, 40, low=False), rel=1e-9)
    assert math.isnan(survival_at(curve, 5.1).value)
    found = quantile_life(curve, 0.5)
    assert (found.value, found.low, found.high) == (math.inf, 5.0, math.inf)


def test_too_few_units_say_nothing():
    time, cause, unit = naive.observed(1, 90, units=9)
    curve = kaplan_meier(time, cause > 0, unit)
    assert np.isnan(curve.low).all()
    assert np.isnan(curve.high).all()
    assert math.isnan(quantile_life(curve, 0.5).low)
    found = cumulative_incidence(time, cause, unit)
    assert np.isnan(found.low).all()
    assert np.isnan(hazard_by_cause(time, cause, [0.0, 5.0], unit).low).all()
    time = time + 0.25
    fit = fit_weibull(time, cause > 0, unit)
    assert math.isnan(fit.shape.low)
    assert math.isnan(failed_by(fit, 1.0).high)
    claims = warranty_claims(time, cause, np.ones(90), unit, age_limit=2.0, distance_limit=9.0)
    assert math.isnan(claims.share.low)
    assert claims.share.value > 0.0


def test_where_one_unit_alone_is_watched_the_band_says_nothing():
    time = np.append(np.arange(1.0, 21.0), [30.0, 31.0])
    failed = np.append(np.arange(20) % 2 == 0, [True, False])
    curve = kaplan_meier(time, failed, np.append(np.arange(20), [20, 20]))
    assert not np.isnan(curve.low[curve.time < 30.0]).any()
    assert np.isnan(curve.low[curve.time >= 30.0]).all()
    assert quantile_life(curve, 0.8).high == math.inf


def test_quantile_lives_are_where_curve_and_band_cross():
    time, cause, unit = naive.observed(2, 400, units=40)
    curve = kaplan_meier(time, cause > 0, unit)
    for share in (0.05, 0.1, 0.5):
        found = quantile_life(curve, share)
        assert found.low <= found.value <= found.high
        assert survival_at(curve, found.value).value <= 1.0 - share < survival_at(curve, found.value - 0.1).value
        assert survival_at(curve, found.low).low <= 1.0 - share
        assert survival_at(curve, found.high).high <= 1.0 - share < survival_at(curve, found.high - 0.1).high


def test_a_median_that_is_met_exactly_is_met():
    # 0.9 * 8/9 * ... is 0.5 only up to rounding
    curve = kaplan_meier(np.arange(1.0, 11.0), np.ones(10, bool))
    assert quantile_life(curve, 0.5).value == 5.0


TIMES = st.lists(
    st.tuples(st.integers(0, 12), st.integers(0, 2), st.integers(0, 11)), min_size=3, max_size=40
)  # fmt: skip


@settings(max_examples=50, deadline=None)
@given(TIMES, st.randoms(use_true_random=False))
def test_order_labels_and_unit_of_time_do_not_matter(rows, shuffler):
    time, cause, unit = (np.array(column) for column in zip(*rows, strict=True))
    found = cumulative_incidence(time, cause, unit, causes=2)
    shuffler.shuffle(rows)
    time, cause, unit = (np.array(column) for column in zip(*rows, strict=True))
    moved = cumulative_incidence(7.0 * time, cause, [f"lot {99 - u}" for u in unit], causes=2)
    np.testing.assert_allclose(moved.time, 7.0 * found.time)
    for name in ("survival", "incidence", "error", "low", "high"):
        np.testing.assert_allclose(getattr(moved, name), getattr(found, name), rtol=1e-9, atol=1e-12)
    curve = kaplan_meier(time, cause > 0, unit)
    assert (np.diff(curve.survival) <= 0.0).all()
    known = ~np.isnan(curve.low)
    assert (curve.low[known] <= curve.survival[known]).all()
    assert (curve.high[~np.isnan(curve.high)] >= curve.survival[~np.isnan(curve.high)]).all()


# -- causes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_incidence_is_the_plain_sum_and_all_shares_make_one(seed):
    time, cause, unit = naive.observed(seed, 60)
    found = cumulative_incidence(time, cause, unit)
    np.testing.assert_allclose(found.incidence.sum(axis=0) + found.survival, 1.0, rtol=0.0, atol=1e-15 * 8)
    for which in (1, 2, 3):
        for k, t in enumerate(found.time):
            assert found.incidence[which - 1, k] == pytest.approx(naive.incidence_at(time, cause, which, t), abs=1e-13)


def test_bands_of_causes_are_those_of_leaving_units_out():
    time, cause, unit = naive.observed(3, 240)
    found = cumulative_incidence(time, cause, unit)
    for k in (5, 10, 15):
        at = found.time[k]

        def share(keep, at=at):
            return naive.incidence_at(time[keep], cause[keep], 2, at)

        assert found.error[1, k] == pytest.approx(naive.jackknife_error(share, unit), rel=1e-9)
        half = t_quantile(12) * naive.jackknife_error(lambda keep: log_log(1.0 - share(keep)), unit)
        middle = log_log(1.0 - found.incidence[1, k])
        assert log_log(1.0 - found.low[1, k]) == pytest.approx(middle - half, rel=1e-9)
        assert log_log(1.0 - found.high[1, k]) == pytest.approx(middle + half, rel=1e-9)
        assert incidence_at(found, 2, at) == (found.incidence[1, k], found.low[1, k], found.high[1, k], 12)


def test_a_single_cause_is_the_kaplan_meier_curve():
    time, cause, unit = naive.observed(4, 120)
    found, curve = cumulative_incidence(time, cause > 0, unit), kaplan_meier(time, cause > 0, unit)
    np.testing.assert_allclose(1.0 - found.incidence[0], curve.survival, atol=1e-14)
    inside = (curve.survival < 1.0) & (curve.survival > 0.01)
    np.testing.assert_allclose(1.0 - found.low[0][inside], curve.high[inside], rtol=1e-9)
    np.testing.assert_allclose(1.0 - found.high[0][inside], curve.low[inside], rtol=1e-9)


def test_without_censoring_incidence_is_a_share_of_packs():
    luck = np.random.default_rng(8)
    time, cause = luck.exponential(1.0, 300), luck.integers(1, 4, 300)
    found = cumulative_incidence(time, cause, np.arange(300) // 10)
    for which in (1, 2, 3):
        assert incidence_at(found, which, 0.7).value == pytest.approx(np.mean((cause == which) & (time <= 0.7)))
    ends = [incidence_at(found, which, 1e6).value for which in (1, 2, 3)]
    assert sum(ends) == pytest.approx(1.0, abs=1e-12)


def test_a_cause_that_was_never_seen_has_an_upper_end():
    time, cause, unit = naive.observed(1, 200, causes=2)
    found = cumulative_incidence(time, cause, unit, causes=3)
    none = incidence_at(found, 3, 1.0)
    assert none[:2] == (0.0, 0.0)
    assert 0.0 < none.high < 0.05
    hazards = hazard_by_cause(time, cause, [0.0, 2.0], unit, causes=3)
    assert hazards.hazard[2, 0] == hazards.low[2, 0] == 0.0
    assert hazards.high[2, 0] == pytest.approx(-math.log(0.05) / hazards.exposure[0])


@pytest.mark.parametrize("seed", SEEDS)
def test_hazards_are_failures_over_time_alive(seed):
    time, cause, unit = naive.observed(seed, 200)
    edges = [0.0, 0.5, 1.3, 2.0, 9.0]
    found = hazard_by_cause(time, cause, edges, unit)
    for j, (a, b) in enumerate(itertools.pairwise(edges)):
        spent = sum(min(t, b) - a for t in time if t > a)
        assert found.exposure[j] == pytest.approx(spent)
        for k in (1, 2, 3):
            gone = sum(1 for t, c in zip(time, cause, strict=True) if c == k and (a < t <= b or t == a == 0.0))
            assert found.failed[k - 1, j] == gone
            assert found.hazard[k - 1, j] == pytest.approx(gone / spent)
            assert found.low[k - 1, j] <= found.hazard[k - 1, j] <= found.high[k - 1, j]
    assert found.failed.sum() == (cause > 0).sum()


@pytest.mark.parametrize("events", [0, 1, 7, 60, 4000])
def test_poisson_ends_have_the_stated_tails(events):
    low, high = (event_rates.poisson_mid_p(float(events), low=side) for side in (True, False))
    below = stats.poisson.cdf(events - 1, high) + 0.5 * stats.poisson.pmf(events, high)
    assert below == pytest.approx(0.025, rel=1e-6)
    if events:
        above = stats.poisson.sf(events, low) + 0.5 * stats.poisson.pmf(events, low)
        assert above == pytest.approx(0.025, rel=1e-6)
    else:
        assert low == 0.0


def test_events_that_come_in_lots_widen_their_rate():
    events, exposure = np.zeros(40), np.full(40, 10.0)
    events[:8] = 25.0
    clustered = event_rates.event_rate_interval(events, exposure)
    even = event_rates.event_rate_interval(np.full(40, 5.0), exposure)
    assert clustered.value == even.value == 0.5
    assert (clustered.high - clustered.low) > 4.0 * (even.high - even.low)
    assert math.isnan(event_rates.event_rate_interval(events, np.zeros(40)).value)
    assert math.isnan(event_rates.event_rate_interval(events, np.where(np.arange(40) == 0, 1.0, 0.0)).low)


# -- Weibull ----------------------------------------------------------------------------------------------------------


def weibull_lives(seed, n, shape, scale, stop):
    life = scale * np.random.default_rng(seed).weibull(shape, n)
    return np.minimum(life, stop * scale), life <= stop * scale


@pytest.mark.parametrize(
    ("n", "shape", "scale", "stop"),
    [(500, 1.5, 8.0, 0.8), (40, 0.6, 1e5, 3.0), (30, 25.0, 1e-3, 0.97), (5000, 3.0, 1.0, 0.2), (12, 1.0, 1.0, 9.0)],
)
def test_weibull_is_scipys(n, shape, scale, stop):
    time, failed = weibull_lives(11, n, shape, scale, stop)
    assert failed.sum() >= 2
    fit = fit_weibull(time, failed)

    def loss(found):
        return -naive.weibull_log_likelihood(time / scale, failed, *np.exp(found))

    start = np.log([fit.shape.value, fit.scale.value / scale])
    given = stats.weibull_min.fit(censored(time / scale, failed), floc=0.0, method="mle")
    assert (fit.shape.value, fit.scale.value / scale) == pytest.approx((given[0], given[2]), rel=2e-3)
    assert -loss(start) >= -loss(np.log([given[0], given[2]])) - 1e-9
    for step in ((1e-4, 0.0), (-1e-4, 0.0), (0.0, 1e-4), (0.0, -1e-4)):
        assert loss(start + np.array(step)) > loss(start)
    assert fit.log_likelihood == pytest.approx(-loss(start) - failed.sum() * math.log(scale), rel=1e-9)


def test_fisher_information_is_the_curvature_of_the_likelihood():
    time, failed = weibull_lives(3, 60, 1.7, 5.0, 0.9)
    fit = fit_weibull(time, failed)
    best, h = np.log([fit.shape.value, fit.scale.value]), 1e-3

    def value(a, b):
        return -naive.weibull_log_likelihood(time, failed, *np.exp(best + h * np.array([a, b])))

    information = np.empty((2, 2))
    information[0, 0] = (value(1, 0) - 2 * value(0, 0) + value(-1, 0)) / h**2
    information[1, 1] = (value(0, 1) - 2 * value(0, 0) + value(0, -1)) / h**2
    information[0, 1] = information[1, 0] = (value(1, 1) - value(1, -1) - value(-1, 1) + value(-1, -1)) / (4 * h**2)
    np.testing.assert_allclose(fit.covariance, np.linalg.inv(information), rtol=1e-4)
    half = stats.norm.ppf(0.975) * math.sqrt(fit.covariance[0, 0])
    assert fit.shape.high == pytest.approx(fit.shape.value * math.exp(half))


def test_clustered_weibull_is_that_of_leaving_units_out():
    luck = np.random.default_rng(9)
    time, cause, unit = naive.lots_of_lives(luck, 15, 12, between=0.4, shape=2.0)
    time = np.round(time, 2)  # ties
    fit = fit_weibull(time, cause > 0, unit)

    def parameter(j):
        return lambda keep: math.log(fit_weibull(time[keep], cause[keep] > 0)[j].value)

    errors = [naive.jackknife_error(parameter(j), unit) for j in (0, 1)]
    np.testing.assert_allclose(np.sqrt(np.diag(fit.covariance)), errors, rtol=1e-7)
    assert fit.quantile == pytest.approx(t_quantile(15))
    assert fit.shape[:1] == fit_weibull(time, cause > 0).shape[:1]


def test_lives_and_shares_of_a_fit_agree_with_each_other():
    time, failed = weibull_lives(4, 200, 1.3, 10.0, 0.7)
    fit = fit_weibull(time, failed)
    for share in (0.01, 0.1, 0.5):
        life = life_by(fit, share)
        known = stats.weibull_min.ppf(share, fit.shape.value, scale=fit.scale.value)
        assert life.value == pytest.approx(known)
        back = failed_by(fit, life.value)
        assert back.value == pytest.approx(share)
        # both intervals are the same statement on log(-log(1 - share)) and on log time
        width = log_log(1.0 - back.high) - log_log(1.0 - back.low)
        assert width == pytest.approx(fit.shape.value * math.log(life.high / life.low), rel=1e-9)
    fleet = failed_by(fit, np.array([2.0, 5.0, math.inf, 0.0]))
    known = np.mean(stats.weibull_min.cdf([2.0, 5.0, math.inf, 0.0], fit.shape.value, scale=fit.scale.value))
    assert fleet.value == pytest.approx(known)
    assert fleet.low < fleet.value < fleet.high
    assert failed_by(fit, 0.0)[:3] == (0.0, 0.0, 0.0)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.floats(1e-3, 1e3), st.booleans()), min_size=3, max_size=30),
    st.floats(1e-6, 1e6),
)
def test_the_fit_is_a_maximum_and_scales_with_time(rows, factor):
    time, failed = (np.array(column) for column in zip(*rows, strict=True))
    apart = np.unique(time[failed])
    if apart.size < 2 or apart[-1] / apart[0] < 1.001:
        return
    fit = fit_weibull(time, failed)
    k = fit.shape.value
    # the scale that belongs to a shape, and the root of the profile likelihood
    x = np.log(time / time.max())
    power = np.exp(k * x)
    assert math.log(fit.scale.value / time.max()) == pytest.approx(
        math.log(power.sum() / failed.sum()) / k, rel=1e-9, abs=1e-9
    )
    assert power @ x / power.sum() - 1.0 / k == pytest.approx(x[failed].mean(), rel=1e-7)
    other = fit_weibull(factor * time, failed)
    assert other.shape.value == pytest.approx(k, rel=1e-6)
    assert other.scale.value == pytest.approx(factor * fit.scale.value, rel=1e-6)


def test_one_lot_with_all_failures_leaves_no_interval():
    time, failed = np.full(40, 5.0), np.zeros(40, bool)
    time[:2], failed[:2] = (1.0, 2.0), True
    fit = fit_weibull(time, failed, np.arange(40) // 4)
    assert fit.shape.value > 0.0
    assert math.isnan(fit.shape.low)
    assert math.isnan(life_by(fit, 0.1).high)


@pytest.mark.parametrize("seed", SEEDS)
def test_points_have_johnsons_ranks(seed):
    time, cause, _ = naive.observed(seed, 50)
    time = time + 0.5
    points, ranks = probability_points(time, cause > 0), naive.johnson_ranks(time, cause > 0)
    assert list(points.time) == sorted(ranks)
    np.testing.assert_allclose(points.rank, [ranks[t] for t in points.time], rtol=1e-12)
    medians = stats.beta.median(points.rank, 51 - points.rank)
    np.testing.assert_allclose(points.share, medians, rtol=1e-9)
    np.testing.assert_allclose(points.share, (points.rank - 0.3) / 50.4, atol=0.002)  # Benard's approximation
    np.testing.assert_allclose(points.weibit, np.log(-np.log1p(-points.share)))


def test_without_censoring_ranks_are_places():
    assert list(probability_points([4.0, 2.0, 1.0, 3.0], [True] * 4).rank) == pytest.approx([1.0, 2.0, 3.0, 4.0])


# -- warranty ---------------------------------------------------------------------------------------------------------


def fleet(seed, units=20, packs=30, stop=12.0):
    luck = np.random.default_rng(seed)
    n = units * packs
    life = 12.0 * luck.weibull(2.0, n)
    failed = life <= stop
    return np.minimum(life, stop), failed * luck.integers(1, 3, n), luck.uniform(0.0, 4e4, n), np.arange(n) // packs


def test_claims_seen_to_the_end_are_counted():
    time, cause, per_year, unit = fleet(1)
    found = warranty_claims(time, cause, per_year, unit, age_limit=8.0, distance_limit=160_000.0)
    counted = naive.claims(time, cause > 0, per_year, 8.0, 160_000.0)
    assert (found.claims, found.packs, found.unfinished) == (counted, 600, 0)
    assert found.claims + found.expired == 600
    assert found.share.value == pytest.approx(counted / 600, rel=1e-12)
    assert sum(part.value for part in found.by_cause) == pytest.approx(found.share.value, rel=1e-12)
    claimed = (time <= warranty_end(per_year, age_limit=8.0, distance_limit=160_000.0)) & (cause > 0)
    left_out = np.array([claimed[unit != u].mean() for u in range(20)])
    assert found.share == pytest.approx(rate_interval(counted, 600, left_out, 1.0), rel=1e-9)
    assert expected_claims(found.share, 10_000.0).high == pytest.approx(1e4 * found.share.high)


def test_claims_do_not_wait_for_all_warranties_to_end():
    # a long-watched fleet and the same fleet watched at random for 1 to 9 years: same truth
    time, cause, per_year, unit = fleet(2, units=200, packs=40)
    stop = np.random.default_rng(3).uniform(1.0, 9.0, time.size)
    short = warranty_claims(
        np.minimum(time, stop), cause * (time <= stop), per_year, unit, age_limit=8.0, distance_limit=160_000.0
    )
    whole = warranty_claims(time, cause, per_year, unit, age_limit=8.0, distance_limit=160_000.0)
    assert short.unfinished > 1000
    assert abs(short.share.value - whole.share.value) < 0.02
    assert short.share.high - short.share.low > whole.share.high - whole.share.low
    assert short.claims / short.packs < whole.share.low  # counting alone would miss the claims to come


def test_limits_are_within_the_warranty_and_the_earlier_one_counts():
    end = warranty_end([0.0, 10_000.0, 40_000.0], age_limit=8.0, distance_limit=160_000.0)
    assert list(end) == [8.0, 8.0, 4.0]
    time, cause = within_warranty([8.0, 8.0, 4.0], [1, 0, 2], end)
    assert list(time) == [8.0, 8.0, 4.0]
    assert list(cause) == [1, 3, 2]
    time, cause = within_warranty([9.0, 7.9, 4.1], [1, 0, 2], end)
    assert list(time) == [8.0, 7.9, 4.0]
    assert list(cause) == [3, 0, 3]
    endless = warranty_end([0.0, 1.0], age_limit=math.inf, distance_limit=5.0)
    assert list(endless) == [math.inf, 5.0]


def test_no_claim_still_has_an_upper_end():
    found = warranty_claims(
        np.full(100, 9.0), np.zeros(100, bool), np.ones(100), np.arange(100) // 5, age_limit=8.0, distance_limit=1e9
    )
    assert found.share[:2] == (0.0, 0.0)
    assert found.share.high == pytest.approx(mid_p(0.0, 100, low=False))
    early = warranty_claims(
        np.full(100, 2.0), np.zeros(100, bool), np.ones(100), np.arange(100) // 5, age_limit=8.0, distance_limit=1e9
    )
    assert (early.unfinished, early.expired) == (100, 0)
    assert math.isnan(early.share.high)


def test_incidence_over_age_ends_at_the_share_of_claims():
    time, cause, per_year, unit = fleet(5)
    end = warranty_end(per_year, age_limit=8.0, distance_limit=160_000.0)
    curve = cumulative_incidence(*within_warranty(time, cause, end), unit)
    found = warranty_claims(time, cause, per_year, unit, age_limit=8.0, distance_limit=160_000.0)
    assert [row[-1] for row in curve.incidence[:2]] == pytest.approx([part.value for part in found.by_cause])


# -- bad input --------------------------------------------------------------------------------------------------------

GOOD = [1.0, 2.0, 3.0]
BAD = [
    (([1.0, math.nan, 3.0], [1, 1, 0]), "1 of 3 are negative or no finite"),
    (([1.0, -2.0, 3.0], [1, 1, 0]), "1 of 3 are negative or no finite"),
    (([1.0, math.inf, 3.0], [1, 1, 0]), "1 of 3 are negative or no finite"),
    ((GOOD, [1, 1]), "3 times, but causes of shape"),
    ((GOOD, [1, 1, 0], [1, 2]), "3 times, but units of shape"),
    ((GOOD, [1, 1, 0], [1, 2, math.nan]), "unit"),
    ((GOOD, [1.0, 0.5, 0.0]), "0 for alive"),
    ((GOOD, [1, -1, 0]), "0 for alive"),
    ((GOOD, ["a", "b", "c"]), "0 for alive"),
    (([], []), "at least one number"),
    (([GOOD], [[1, 1, 0]]), "in one row"),
]


@pytest.mark.parametrize(("given_", "says"), BAD)
def test_bad_observations_are_refused_in_one_line(given_, says):
    for statistic in (kaplan_meier, cumulative_incidence, fit_weibull):
        with pytest.raises(ValueError, match=says) as refused:
            statistic(*given_)
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: fit_weibull(GOOD, [0, 0, 0]), "none among 3 packs"),
        (lambda: fit_weibull(GOOD, [1, 0, 0]), "two times or more: 1 among 3"),
        (lambda: fit_weibull([2.0, 2.0, 3.0], [1, 1, 0]), "two times or more: 1 among 3"),
        (lambda: fit_weibull([0.0, 2.0, 3.0], [1, 1, 0]), "failed at time 0"),
        (lambda: probability_points([0.0, 2.0], [1, 1]), "failed at time 0"),
        (lambda: probability_points(GOOD, [0, 0, 0]), "none among 3"),
        (lambda: kaplan_meier(GOOD, [2, 0, 0]), "cause 2 of 1"),
        (lambda: kaplan_meier(GOOD, [1, 0, 0], level=1.0), "level"),
        (lambda: quantile_life(kaplan_meier(GOOD, [1, 1, 1]), 0.0), "share"),
        (lambda: life_by(fit_weibull(GOOD, [1, 1, 1]), 1.0), "share"),
        (lambda: survival_at(kaplan_meier(GOOD, [1, 1, 1]), math.nan), "not be negative"),
        (lambda: failed_by(fit_weibull(GOOD, [1, 1, 1]), -1.0), "none negative"),
        (lambda: hazard_by_cause(GOOD, [1, 1, 1], [1.0, 1.0]), "ascending"),
        (lambda: hazard_by_cause(GOOD, [1, 1, 1], [-1.0, 1.0]), "none negative"),
        (lambda: incidence_at(cumulative_incidence(GOOD, [1, 1, 2]), 3, 1.0), "1 to 2"),
        (lambda: warranty_end([1.0, -1.0], age_limit=8.0, distance_limit=1.0), "1 of 2"),
        (lambda: warranty_end([1.0], age_limit=0.0, distance_limit=1.0), "positive"),
        (lambda: warranty_claims(GOOD, [1, 1, 0], [1.0], age_limit=1.0, distance_limit=1.0), "1 ends of warranty"),
    ],
)
def test_what_cannot_be_said_is_refused(call, says):
    with pytest.raises(ValueError, match=says):
        call()


def test_importing_costs_no_scipy_stats():
    names = "bands, competing, event_rates, observations, survival, warranty, weibull"
    code = f"import sys; from packsim.stats import {names}; print('scipy.stats' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"

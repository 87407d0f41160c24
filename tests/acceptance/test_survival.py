"""Survival statistics against published tables, scipy, and lives of known truth that share their lots.

Coverage: 400 fleets of 30 lots of 20 packs, a quarter of the variance between lots. Chance of a false alarm: an interval
that covers 95 % covers in fewer than 91 % or more than 99 % of 400 fleets with probability 5e-4 (binomial). Intervals that
take packs as independent are shown to cover in fewer than 91 %.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import naive_survival as naive
import numpy as np
import pytest
from scipy import stats

from packsim.stats.competing import cumulative_incidence, hazard_by_cause, incidence_at
from packsim.stats.survival import kaplan_meier, quantile_life, survival_at
from packsim.stats.warranty import warranty_claims
from packsim.stats.weibull import failed_by, fit_weibull, life_by, probability_points

if TYPE_CHECKING:
    from collections.abc import Callable

    Report = Callable[..., None]

# remission in weeks under 6-MP, * in the paper: still in remission (Freireich et al. 1963, Blood 21(6), 699-716)
FREIREICH = "6* 6 6 6 7 9* 10* 10 11* 13 16 17* 19* 20* 22 23 25* 32* 32* 34* 35*"
# distance in km to the failure of a shock absorber, * not failed (Meeker & Escobar 1998, p. 630, both failure modes)
SHOCK = """6700 6950* 7820* 8790* 9120 9660* 9820* 11310* 11690* 11850* 11880* 12140* 12200 12870* 13150 13330* 13470* 14040*
14300 17520 17540* 17890* 18450* 18960* 18980* 19410* 20100 20100* 20150* 20320* 20900 22700 23490* 26510 27410* 27490
27890* 28100*"""


def lives(table):
    words = table.split()
    return np.array([float(word.rstrip("*")) for word in words]), np.array([not word.endswith("*") for word in words])


def printed(report: Report, name: str, got: float, text: str) -> None:
    """`got` rounds to the printed text: it is less than half a unit of its last place off."""
    places = len(text.partition(".")[2])
    report(f"{name} {text}: off", abs(got - float(text)), 0.5 * 10.0**-places * (1.0 + 1e-9))


@pytest.mark.parametrize(
    ("week", "share", "error"),
    [
        (6, "0.857", "0.0764"),
        (7, "0.807", "0.0869"),
        (10, "0.753", "0.0963"),
        (13, "0.690", "0.1068"),
        (16, "0.627", "0.1141"),
        (22, "0.538", "0.1282"),
        (23, "0.448", "0.1346"),
    ],
)
def test_published_survival_and_greenwood_errors(week: int, share: str, error: str, report: Report) -> None:
    """The table of every textbook (Kalbfleisch & Prentice 2002; Collett; R's survival::survfit of the gehan data)."""
    curve = kaplan_meier(*lives(FREIREICH))
    k = int(np.searchsorted(curve.time, week))
    printed(report, f"6-MP, alive after week {week},", curve.survival[k], share)
    printed(report, f"6-MP, Greenwood's error in week {week},", curve.error[k], error)


def test_published_median(report: Report) -> None:
    """Median remission of 23 weeks; its lower end is where scipy's log-log band comes down to one half."""
    time, failed = lives(FREIREICH)
    found = quantile_life(kaplan_meier(time, failed), 0.5)
    report("6-MP, median remission", found.value, 23.0, "weeks", "==")
    curve = stats.ecdf(stats.CensoredData(uncensored=time[failed], right=time[~failed])).sf
    low = curve.confidence_interval(method="log-log").low
    report("6-MP, lower end of the median", found.low, low.quantiles[low.probabilities <= 0.5][0], "weeks", "==")
    report("6-MP, upper end of the median", found.high, math.inf, "weeks", "==")


def test_published_weibull_of_shock_absorbers(report: Report) -> None:
    """mu = log scale and sigma = 1 / shape, as the R package weibulltools has them (_snaps/ml_estimation.md in its tests).

    To the digits that its optimizer finds: it stops 1e-7 from the maximum.
    """
    fit = fit_weibull(*lives(SHOCK), level=0.9)
    mu, sigma = math.log(fit.scale.value), 1.0 / fit.shape.value
    printed(report, "shock absorbers, mu", mu, "10.22986")
    printed(report, "shock absorbers, sigma", sigma, "0.316409")
    printed(report, "shock absorbers, variance of mu", fit.covariance[1, 1], "0.012076")
    printed(report, "shock absorbers, variance of sigma", sigma**2 * fit.covariance[0, 0], "0.005353")
    printed(report, "shock absorbers, covariance of mu and sigma", -sigma * fit.covariance[0, 1], "0.003990")
    printed(report, "shock absorbers, log likelihood", fit.log_likelihood, "-123.9954")
    printed(report, "shock absorbers, 90 % lower end of mu", math.log(fit.scale.low), "10.0491")
    printed(report, "shock absorbers, 90 % upper end of mu", math.log(fit.scale.high), "10.4106")
    printed(report, "shock absorbers, 90 % lower end of sigma", 1.0 / fit.shape.high, "0.2163")
    printed(report, "shock absorbers, 90 % upper end of sigma", 1.0 / fit.shape.low, "0.4628")


def test_published_johnson_ranks(report: Report) -> None:
    """Documentation of the R package weibulltools: ranks and Benard's medians (exact ones are our own)."""
    points = probability_points(*lives(SHOCK))
    printed(report, "shock absorbers, second rank", points.rank[1], "2.09")
    printed(report, "shock absorbers, second rank by Benard", (points.rank[1] - 0.3) / 38.4, "0.0465")
    state = [False, True, True, False, False, False, True, False, True, False]
    points = probability_points(np.arange(1e4, 1.1e5, 1e4), state)
    for got, text in zip(points.rank, ("1.1", "2.2", "3.96", "6.31"), strict=True):
        printed(report, "ten vehicles, rank", got, text)


def test_scipy_agrees(report: Report) -> None:
    luck = np.random.default_rng(1)
    life, stop = 9.0 * luck.weibull(1.8, 3000), luck.uniform(0.0, 15.0, 3000)
    time, failed = np.round(np.minimum(life, stop) + 0.005, 2), life <= stop
    data = stats.CensoredData(uncensored=time[failed], right=time[~failed])
    curve, found = kaplan_meier(time, failed), stats.ecdf(data).sf
    place = np.searchsorted(curve.time, found.quantiles)
    report("scipy.stats.ecdf, 3000 packs: off", np.abs(curve.survival[place] - found.probabilities).max(), 1e-13)
    fit, given = fit_weibull(time, failed), stats.weibull_min.fit(data, floc=0.0)
    report("scipy.stats.weibull_min.fit, shape: off", abs(fit.shape.value / given[0] - 1.0), 1e-3)
    report("scipy.stats.weibull_min.fit, scale: off", abs(fit.scale.value / given[2] - 1.0), 1e-3)
    beyond = -naive.weibull_log_likelihood(time, failed, given[0], given[2]) + fit.log_likelihood
    report("log likelihood above scipy's", beyond, -1e-9, "", ">=")


def test_shares_of_all_causes_and_the_living_make_one(report: Report) -> None:
    time, cause, unit = naive.observed(7, 20_000, units=100, causes=4, grid=5000)
    found = cumulative_incidence(time, cause, unit)
    report(
        "causes and alive against 1, 20 000 packs", np.abs(found.incidence.sum(0) + found.survival - 1.0).max(), 1e-13
    )


def test_closed_forms(report: Report) -> None:
    """One large fleet of constant hazards 0.3 and 0.1 a year: shares are 3/4 and 1/4 of 1 - exp(-0.4 t)."""
    luck = np.random.default_rng(3)
    n = 200_000
    life, cause = luck.exponential(2.5, n), 1 + (luck.uniform(size=n) < 0.25)
    stop = luck.uniform(1.0, 6.0, n).round(2)  # few distinct times
    time, cause = np.minimum(np.ceil(life * 100) / 100, stop), np.where(life <= stop, cause, 0)
    found = cumulative_incidence(time, cause, np.arange(n) // 10_000)
    for which, part in ((1, 0.75), (2, 0.25)):
        at = incidence_at(found, which, 3.0)
        report(f"constant hazards, share of cause {which}: off", abs(at.value / part / -math.expm1(-1.2) - 1.0), 0.015)
    hazards = hazard_by_cause(time, cause, np.arange(0.0, 6.1, 0.5), np.arange(n) // 10_000)
    inside = (hazards.low <= [[0.3], [0.1]]) & (hazards.high >= [[0.3], [0.1]])
    # ceiling of lives to 0.01 years takes 0.2 % off a hazard; 5 or more of 24 intervals miss with probability 0.7 %
    report("constant hazards, bins whose interval misses", (~inside).sum(), 4.0, "of 24")


FLEETS, LOTS, PACKS, SHAPE, CAUSES = 400, 30, 20, 1.5, (0.7, 0.3)
AGES = (0.1, 0.3, 1.0)


def age_of(share):
    return (-math.log1p(-share)) ** (1.0 / SHAPE)


def intervals_of(time, cause, unit, per_year):
    """Name -> (interval by units, interval that takes packs as independent or None, truth)."""
    by_units, alone = kaplan_meier(time, cause > 0, unit), kaplan_meier(time, cause > 0)
    parts = cumulative_incidence(time, cause, unit)
    fits = fit_weibull(time, cause > 0, unit), fit_weibull(time, cause > 0)
    found = {}
    for age in AGES:
        share = math.exp(-(age**SHAPE))
        found[f"alive at age {age}"] = (survival_at(by_units, age), survival_at(alone, age), share)
        for which, part in enumerate(CAUSES, start=1):
            known = part * (1.0 - share)
            found[f"failed by cause {which} at age {age}"] = (incidence_at(parts, which, age), None, known)
    for name, share in (("B10 life", 0.1), ("median life", 0.5)):
        found[name] = (quantile_life(by_units, share), quantile_life(alone, share), age_of(share))
    found["Weibull shape"] = (fits[0].shape, fits[1].shape, SHAPE)
    found["Weibull scale"] = (fits[0].scale, fits[1].scale, 1.0)
    found["Weibull B1 life"] = (life_by(fits[0], 0.01), life_by(fits[1], 0.01), age_of(0.01))
    found["Weibull share failed at age 3"] = (
        failed_by(fits[0], 3.0),
        failed_by(fits[1], 3.0),
        -math.expm1(-(3.0**SHAPE)),
    )
    claims = warranty_claims(time, cause, per_year, unit, age_limit=0.8, distance_limit=1.0, causes=2)
    rates = (np.arange(200_000) + 0.5) / 100_000
    share = float(np.mean(-np.expm1(-(np.minimum(0.8, 1.0 / rates) ** SHAPE))))
    found["warranty claims"] = (claims.share, None, share)
    found["warranty claims by cause 2"] = (claims.by_cause[1], None, CAUSES[1] * share)
    return found


@pytest.fixture(scope="module")
def covered():
    """Name -> how many of the intervals (by units, of independent packs) hold the truth, in % of 400 fleets."""
    luck = np.random.default_rng(2024)
    hits: dict[str, np.ndarray] = {}
    for _ in range(FLEETS):
        time, cause, unit = naive.lots_of_lives(luck, LOTS, PACKS, between=0.25, shape=SHAPE, causes=CAUSES)
        per_year = luck.uniform(0.0, 2.0, time.size)
        for name, (*both, truth) in intervals_of(time, cause, unit, per_year).items():
            row = [math.nan if one is None else float(one.low <= truth <= one.high) for one in both]
            hits[name] = hits.get(name, 0.0) + np.array(row)
    return {name: 100.0 * row / FLEETS for name, row in hits.items()}


def test_intervals_by_units_cover(covered, report: Report) -> None:
    for name, (by_units, _) in covered.items():
        report(f"coverage, {name}", by_units, 91.0, "%", ">=")
        report(f"coverage, {name}", by_units, 99.0, "%", "<=")


def test_intervals_of_independent_packs_do_not(covered, report: Report) -> None:
    for name, (_, alone) in covered.items():
        if not math.isnan(alone):
            report(f"coverage if packs were independent, {name}", alone, 91.0, "%", "<")


def test_rare_terrible_lots_are_the_limit(report: Report) -> None:
    """What docs/statistics.md admits: a frailty of infinite mean; 30 lots most often hold no terrible one."""
    luck, truth = np.random.default_rng(5), math.exp(-(0.1**SHAPE))
    hits = np.zeros(3)
    for _ in range(FLEETS):
        time, failed, unit = naive.rare_terrible_lots(luck, LOTS, PACKS, alpha=0.8, shape=SHAPE)
        by_units, alone = (survival_at(kaplan_meier(time, failed, of), 0.1) for of in (unit, None))
        shape = fit_weibull(time, failed, unit).shape
        hits += [row.low <= at <= row.high for row, at in ((by_units, truth), (alone, truth), (shape, SHAPE))]
    early, independent, shapes = 100.0 * hits / FLEETS
    report("coverage with rare terrible lots, alive at age 0.1", early, 80.0, "%", ">=")
    report("coverage with rare terrible lots, Weibull shape", shapes, 80.0, "%", ">=")
    report("coverage with rare terrible lots if packs were independent, alive at age 0.1", independent, 70.0, "%", "<")

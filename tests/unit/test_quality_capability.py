"""Capability: estimates of spread, intervals that cover, one-sided limits, errors."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy import stats

from packsim.quality import capability as cap
from packsim.quality.constants import c4, factors
from packsim.quality.spread import Sd, overall_sd, within_sd

if TYPE_CHECKING:
    from collections.abc import Callable


def test_factors_by_simulation() -> None:
    draw = np.random.default_rng(1)
    for n in (4, 30):
        x = draw.standard_normal((200_000, n))
        spread, f = np.ptp(x, axis=1), factors(n)
        # 6 standard errors: a false alarm in 1e-8
        assert abs(spread.mean() - f.d2) < 6.0 * f.d3 / math.sqrt(len(x))
        assert abs(spread.std() / f.d3 - 1.0) < 0.02
        assert abs(x.std(axis=1, ddof=1).mean() - f.c4) < 6.0 * math.sqrt(1.0 - f.c4**2) / math.sqrt(len(x))
    assert c4(2) == pytest.approx(math.sqrt(2.0 / math.pi), rel=1e-14)
    assert factors(2).d2 == pytest.approx(2.0 / math.sqrt(math.pi), rel=1e-11)
    assert factors(3).d2 == pytest.approx(3.0 / math.sqrt(math.pi), rel=1e-11)
    assert c4(20_000) == pytest.approx(c4(9_999) ** (9_998 / 19_999), rel=1e-9)
    for bad in (1, 101):
        with pytest.raises(ValueError, match="subgroups of 2 to 100"):
            factors(bad)


def test_within_sds_are_unbiased_and_worth_their_degrees_of_freedom() -> None:
    draw, k, n, times = np.random.default_rng(2), 8, 4, 6000
    found: dict[str, list[Sd]] = {"pooled": [], "range": [], "moving_range": []}
    for _ in range(times):
        x = draw.standard_normal((k, n))
        for method, rows in found.items():
            rows.append(within_sd(x.ravel() if method == "moving_range" else x, method))  # type: ignore[arg-type]
    for method, rows in found.items():
        sd = np.array([row.sd for row in rows])
        assert abs(sd.mean() - 1.0) < 6.0 * sd.std() / math.sqrt(times), method
        # a chi with dof degrees of freedom scatters as much
        expected = math.sqrt(1.0 / c4(round(rows[0].dof) + 1) ** 2 - 1.0)
        assert sd.std() == pytest.approx(expected, rel=0.06), method
    assert found["pooled"][0].dof == k * (n - 1)
    assert found["range"][0].dof < k * (n - 1)
    assert found["moving_range"][0].dof == pytest.approx(
        31 * 0.605, rel=0.05
    )  # 0.605 as efficient as an sd, for long series


def test_pooled_sd_by_hand() -> None:
    sd = within_sd([[1.0, 3.0], [5.0, 9.0]], unbiased=False)
    assert sd.sd == pytest.approx(math.sqrt((2.0 + 8.0) / 2.0))
    assert sd.chi_sd == sd.sd
    fair = within_sd([[1.0, 3.0], [5.0, 9.0]])
    assert fair.sd == pytest.approx(sd.sd / c4(3))
    assert overall_sd([1.0, 3.0]).sd == pytest.approx(math.sqrt(2.0))


def test_intervals_cover(report: Callable[..., None]) -> None:
    """4,000 samples of 50; 95 % within 1.5 points is 4 standard deviations of the count."""
    draw, n, times = np.random.default_rng(3), 50, 4000
    hit = np.zeros(3)
    true = {"lower": -2.5, "upper": 3.5}
    cp, cpk = 6.0 / 6.0, 2.5 / 3.0
    for _ in range(times):
        found = cap.capability(draw.standard_normal(n), **true, subgroup_size=5)
        hit[0] += found.within.cp.low <= cp <= found.within.cp.high
        hit[1] += found.overall.cp.low <= cp <= found.overall.cp.high
        hit[2] += found.overall.cpk.low <= cpk <= found.overall.cpk.high
    share = 100.0 * hit / times
    report("coverage of the 95 % interval of Cp: off", abs(share[0] - 95.0), 1.5, "points")
    report("coverage of the 95 % interval of Pp: off", abs(share[1] - 95.0), 1.5, "points")
    report("coverage of Bissell's 95 % interval of Ppk: off", abs(share[2] - 95.0), 2.0, "points")


def test_one_sided_intervals_are_exact(report: Callable[..., None]) -> None:
    """Against scipy's noncentral t: the ends leave 2.5 % on either side."""
    worst = 0.0
    for index, n, dof in ((1.0, 30, 29), (0.4, 8, 7), (1.6, 120, 90), (-0.2, 12, 11)):
        low, high = cap.one_sided_interval(index, n, dof)
        t = 3.0 * math.sqrt(n) * index
        for end, tail in ((low, 0.975), (high, 0.025)):
            worst = max(worst, abs(stats.nct.cdf(t, dof, 3.0 * math.sqrt(n) * end) - tail))
    report("one-sided Cpk interval: tail off the noncentral t", worst, 1e-8)
    # thousands of values: nearly normal, where scipy's series are slow or fail
    low, high = cap.one_sided_interval(1.0, 20_000, 19_999)
    half = 1.959964 * math.sqrt(1.0 / (9 * 20_000) + 1.0 / (2 * 19_999))
    assert (high - low) / 2.0 == pytest.approx(half, rel=2e-3)


def test_one_sided_capability() -> None:
    x = np.random.default_rng(4).normal(10.0, 1.0, 200)
    above, below = cap.capability(x, upper=13.0), cap.capability(x, lower=7.0)
    assert math.isnan(above.within.cp.value)
    assert math.isnan(above.within.cpl)
    assert above.within.cpk.value == above.within.cpu
    assert below.overall.cpk.value == pytest.approx((x.mean() - 7.0) / (3.0 * x.std(ddof=1)))
    assert above.within.cpk.low < above.within.cpk.value < above.within.cpk.high
    assert above.subgroup_size == 1


def test_ppm_observed_and_expected() -> None:
    x = np.concatenate([np.random.default_rng(5).normal(0.0, 1.0, 2000), [-5.0, 5.0, 6.0]])
    found = cap.capability(x, -4.0, 4.0, subgroup_size=5)
    assert found.observed_ppm == pytest.approx(1e6 * 3 / 2003)
    assert found.expected_overall_ppm == pytest.approx(
        1e6 * (stats.norm.cdf(-4.0, x.mean(), x.std(ddof=1)) + stats.norm.sf(4.0, x.mean(), x.std(ddof=1)))
    )


def test_lots_lower_overall_but_not_within_indices() -> None:
    draw = np.random.default_rng(6)
    x = (draw.normal(0.0, 1.0, (40, 1)) + draw.normal(0.0, 1.0, (40, 50))).ravel()
    found = cap.capability(x, -6.0, 6.0, subgroup_size=5)
    assert found.within.cp.value == pytest.approx(2.0, rel=0.1)
    assert found.overall.cp.value == pytest.approx(2.0 / math.sqrt(2.0), rel=0.15)


@pytest.mark.parametrize(
    ("values", "options", "message"),
    [
        ([1.0, 2.0], {}, "needs a lower or an upper"),
        ([1.0, 2.0], {"lower": 3.0, "upper": 2.0}, "must be below"),
        ([1.0, np.nan, 2.0], {"lower": 0.0}, "1 of 3 are not finite"),
        ([1.0, 1.0, 1.0], {"lower": 0.0}, "do not spread"),
        ([1.0, 2.0, 3.0], {"lower": 0.0, "subgroup_size": 2}, "at least 2 rows"),
        ([1.0, 2.0, 3.0, 4.0], {"lower": 0.0, "subgroup_size": 0}, "at least 1"),
        ([1.0, 2.0, 3.0, 4.0], {"lower": 0.0, "subgroup_size": 2, "method": "moving_range"}, "does not go with"),
        ([1.0], {"lower": 0.0}, "at least 2 numbers"),
    ],
)
def test_errors(values: list[float], options: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cap.capability(values, **options)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="pooled, range or moving_range"):
        within_sd([[1.0, 2.0], [3.0, 4.0]], "median")  # type: ignore[arg-type]

"""Charts, gauge studies, normality, Pareto and yields: definitions by hand, and clear errors."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from packsim.quality import charts, yields
from packsim.quality.constants import factors
from packsim.quality.gauge import crossed, gauge_study
from packsim.quality.normality import anderson_darling, normality, p_value
from packsim.quality.pareto import pareto


def test_xbar_charts_have_the_limits_of_the_factors() -> None:
    x = np.random.default_rng(1).normal(5.0, 1.0, (30, 6))
    f = factors(6)
    mean, spread = charts.xbar_r(x)
    r_bar = np.ptp(x, axis=1).mean()
    np.testing.assert_allclose(mean.upper[0], x.mean() + f.A2 * r_bar)
    np.testing.assert_allclose((spread.lower[0], spread.upper[0]), (f.D3 * r_bar, f.D4 * r_bar))
    mean, spread = charts.xbar_s(x)
    s_bar = x.std(axis=1, ddof=1).mean()
    np.testing.assert_allclose(mean.lower[0], x.mean() - f.A3 * s_bar)
    np.testing.assert_allclose((spread.lower[0], spread.upper[0]), (f.B3 * s_bar, f.B4 * s_bar))
    np.testing.assert_allclose(mean.z, (x.mean(axis=1) - x.mean()) / (s_bar / f.c4 / math.sqrt(6)))


def test_a_chart_signals_by_rule_number() -> None:
    x = np.zeros(60) + np.resize([0.9, -0.9], 60)
    x[30] = 20.0
    individuals, moving = charts.i_mr(x, mean=0.0, sd=1.0)
    assert individuals.signals[1].tolist() == [30]
    assert moving.signals[1].tolist() == [29, 30]
    assert individuals.signals[4].size > 0
    assert individuals.signalling.tolist() == sorted({*individuals.signals[1], *individuals.signals[4]})


def test_p_chart_of_unequal_samples() -> None:
    size = np.array([50, 200, 100, 400])
    bad = np.array([2, 10, 30, 18])
    chart = charts.p_chart(bad, size)
    p = 60 / 750
    np.testing.assert_allclose(chart.centre, p)
    np.testing.assert_allclose(chart.upper, p + 3.0 * np.sqrt(p * (1 - p) / size))
    np.testing.assert_allclose(chart.lower, np.maximum(p - 3.0 * np.sqrt(p * (1 - p) / size), 0.0))
    assert chart.lower[0] == 0.0
    assert chart.signals[1].tolist() == [2]
    for counts, sizes in (([0, 0], [10, 10]), ([10, 10], [10, 10])):
        with pytest.raises(ValueError, match="share between 0 and 1"):
            charts.p_chart(counts, sizes)
    with pytest.raises(ValueError, match="between 0 and the size"):
        charts.p_chart([3, 11], [10, 10])


def test_charts_of_values_that_do_not_spread() -> None:
    for make in (charts.xbar_r, charts.xbar_s):
        with pytest.raises(ValueError, match="do not spread"):
            make([[1.0, 1.0], [2.0, 2.0]])
    with pytest.raises(ValueError, match="do not spread"):
        charts.i_mr([1.0, 1.0, 1.0])
    with pytest.raises(ValueError, match="at least 2 rows"):
        charts.xbar_r([[1.0, 2.0]])


def test_gauge_study_finds_its_components() -> None:
    """Balanced study of 400 parts, 30 operators: components within 6 standard errors of what was put in."""
    draw = np.random.default_rng(2)
    parts, operators, repeats = 400, 30, 3
    x = (
        draw.normal(0.0, 2.0, (parts, 1, 1))
        + draw.normal(0.0, 1.0, (1, operators, 1))
        + draw.normal(0.0, 0.7, (parts, operators, 1))
        + draw.normal(0.0, 0.5, (parts, operators, repeats))
    )
    found = gauge_study(x, tolerance=12.0).components
    for name, sd, dof in (("repeatability", 0.5, parts * operators * 2), ("interaction", 0.7, 1e4), ("part", 2.0, 399)):
        assert found[name].sd == pytest.approx(sd, rel=6.0 / math.sqrt(2.0 * dof)), name
    assert found["operator"].sd == pytest.approx(1.0, rel=6.0 / math.sqrt(2.0 * 29))
    assert found["gauge"].variance == pytest.approx(
        sum(found[k].variance for k in ("repeatability", "operator", "interaction"))
    )
    assert found["total"].contribution_pct == 100.0
    assert found["gauge"].tolerance_pct == pytest.approx(100.0 * 6.0 * found["gauge"].sd / 12.0)
    assert found["gauge"].study_variation == pytest.approx(6.0 * found["gauge"].sd)


def test_gauge_study_without_part_or_operator_effects_has_no_negative_variance() -> None:
    x = np.random.default_rng(3).normal(0.0, 1.0, (5, 3, 4))
    for option in (0.25, None, 0.99):
        found = gauge_study(x, pool_above=option)
        assert min(part.variance for part in found.components.values()) >= 0.0
        squares = [row.sum_of_squares for row in found.anova]
        assert sum(squares[:-1]) == pytest.approx(squares[-1])
        assert sum(row.dof for row in found.anova[:-1]) == found.anova[-1].dof
    assert gauge_study(x, pool_above=None).pooled is False


def test_gauge_readings_in_a_list() -> None:
    x = np.random.default_rng(4).normal(0.0, 1.0, (4, 3, 2))
    part, operator, repeat = (index.ravel() for index in np.indices(x.shape))
    order = np.random.default_rng(5).permutation(x.size)
    order = order[np.argsort(repeat[order], kind="stable")]  # repeats keep their order
    back = crossed(np.array(list("abcd"))[part[order]], operator[order], x.ravel()[order])
    np.testing.assert_array_equal(back, x)
    with pytest.raises(ValueError, match=r"unbalanced study: part d has 1 readings by operator 2, others 2"):
        crossed(np.array(list("abcd"))[part[:-1]], operator[:-1], x.ravel()[:-1])
    with pytest.raises(ValueError, match="columns of one length"):
        crossed([1, 2], [1], [1.0, 2.0])


@pytest.mark.parametrize(
    ("readings", "options", "message"),
    [
        (np.zeros((1, 3, 2)), {}, "at least 2 of each"),
        (np.zeros((3, 2)), {}, "at least 2 of each"),
        (np.zeros((3, 3, 2)), {}, "never differ"),
        (np.full((3, 3, 2), np.nan), {}, "18 readings are missing"),
        (np.ones((3, 3, 2)), {"tolerance": 0.0}, "must be positive"),
    ],
)
def test_gauge_errors(readings: np.ndarray, options: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        gauge_study(readings, **options)  # type: ignore[arg-type]


def test_anderson_darling_is_scipys_and_needs_no_normal() -> None:
    x = np.random.default_rng(6).gumbel(3.0, 2.0, 300)
    found = normality(x)
    assert found.a2 == pytest.approx(stats.anderson(x, "norm", method="interpolate").statistic, rel=1e-9)
    u = stats.norm.cdf((x - x.mean()) / x.std(ddof=1))
    assert anderson_darling(u) == pytest.approx(found.a2, rel=1e-9)
    assert anderson_darling(np.random.default_rng(7).permutation(u)) == pytest.approx(found.a2, rel=1e-9)
    fitted = stats.gumbel_r(*stats.gumbel_r.fit(x))
    assert anderson_darling(fitted.cdf(x)) < found.a2
    assert anderson_darling([0.0, 0.5]) == math.inf
    with pytest.raises(ValueError, match=r"0\.\.1"):
        anderson_darling([0.5, 1.2])


def test_normality_p_values_are_uniform_for_normal_data() -> None:
    """4,000 samples of 40: shares below 0.5, 0.1, 0.05 and 0.01 within 6 standard errors and the fit's own 0.005."""
    draw = np.random.default_rng(8)
    p = np.array([normality(draw.normal(3.0, 2.0, 40)).p_value for _ in range(4000)])
    for level in (0.5, 0.1, 0.05, 0.01):
        assert abs((p < level).mean() - level) < 6.0 * math.sqrt(level * (1 - level) / 4000) + 0.005
    assert p_value(50.0) < 1e-23
    values = [p_value(a) for a in np.linspace(0.05, 12.0, 2000)]
    # the published pieces of the fit meet with steps of up to 0.003 and rise nowhere else
    assert max(np.diff(values)) < 0.003
    with pytest.raises(ValueError, match="at least 8"):
        normality([1.0, 2.0])
    with pytest.raises(ValueError, match="equal"):
        normality(np.ones(20))


def test_pareto() -> None:
    rows = pareto({"few": 1, "many": 6, "none": 0, "some": 3})
    assert [(row.name, row.number) for row in rows] == [("many", 6), ("some", 3), ("few", 1)]
    assert [row.cumulative_share for row in rows] == [0.6, 0.9, 1.0]
    assert pareto({"a": 0}) == []
    with pytest.raises(ValueError, match="negative counts: b"):
        pareto({"a": 1, "b": -1})


def test_yields_at_the_ends_and_errors() -> None:
    assert yields.pack_failure_probability(0.0, 100) == 0.0
    assert yields.pack_failure_probability(1.0, 3) == 1.0
    assert yields.pack_failure_probability(1.0, 0) == 0.0
    assert yields.pack_failure_probability(1e-18, 96) == pytest.approx(96e-18, rel=1e-12)
    assert yields.rolled_throughput_yield([1.0, 0.5]) == 0.5
    assert yields.dpmo(6.0) == pytest.approx(3.4, abs=0.01)
    assert yields.sigma_level(1350.0, shift=0.0) == pytest.approx(3.0, abs=1e-3)
    for call, message in (
        (lambda: yields.rolled_throughput_yield([]), "at least one"),
        (lambda: yields.rolled_throughput_yield([1.1]), r"0\.\.1"),
        (lambda: yields.mean_step_yield(0.9, 0), "at least one step"),
        (lambda: yields.pack_failure_probability(-0.1, 3), r"0\.\.1"),
        (lambda: yields.pack_failure_probability(0.1, -3), "negative"),
        (lambda: yields.sigma_level(0.0), "between 0 and 1,000,000"),
        (lambda: yields.two_sided_z(1.0), "between 0 and 1"),
    ):
        with pytest.raises(ValueError, match=message):
            call()

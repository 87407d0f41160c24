"""Figures of lives show what their tables hold."""

from __future__ import annotations

import math

import naive_survival as naive
import numpy as np
import pandas as pd
import pytest

from packsim.report import life_figures
from packsim.stats.competing import cumulative_incidence, hazard_by_cause
from packsim.stats.survival import kaplan_meier
from packsim.stats.weibull import failed_by, fit_weibull, probability_points

NAN = math.nan
LIVES = naive.lots_of_lives(np.random.default_rng(1), 20, 15, between=0.25, shape=1.5, causes=(0.6, 0.4))


def curve(name: str) -> pd.DataFrame:
    time, cause, unit = LIVES
    found = kaplan_meier(time, cause > 0, unit)
    columns = {key: getattr(found, key) for key in ("time", "survival", "low", "high", "at_risk")}
    return pd.DataFrame({"scenario": name, **columns})


def test_survival_curves_hold_shares_and_who_is_still_watched() -> None:
    table = curve("<b>line")
    figure = life_figures.survival_curves(pd.concat([table, curve("other")]), "age [years]")
    alive = [trace for trace in figure.data if trace.mode == "lines" and trace.fill is None]
    np.testing.assert_allclose(alive[0].y, 100.0 * table["survival"])
    assert [trace.name for trace in alive] == ["&lt;b&gt;line", "other"]
    numbers = next(trace for trace in figure.data if trace.mode == "text")
    for tick, text in zip(numbers.x, numbers.text, strict=True):
        assert int(text.replace(",", "")) == (LIVES[0] >= tick).sum()
    assert list(figure.layout.yaxis2.ticktext) == ["&lt;b&gt;line", "other"]
    band = next(trace for trace in figure.data if trace.fill == "toself")
    assert max(band.y) == 100.0
    assert min(band.y) == pytest.approx(100.0 * table["low"].min())


def test_a_band_that_is_not_known_is_not_drawn() -> None:
    table = pd.DataFrame(
        [
            ("a", 0.0, 1.0, 0.9, 1.0, 9),
            ("a", 1.0, 0.9, 0.7, 0.95, 9),
            ("a", 2.0, 0.8, NAN, NAN, 8),
            ("a", 3.0, 0.5, 0.2, 0.7, 3),
        ],
        columns=["scenario", "time", "survival", "low", "high", "at_risk"],
    )
    figure = life_figures.survival_curves(table, "age")
    first, last = [trace for trace in figure.data if trace.fill == "toself"]
    assert set(first.x) == {0.0, 1.0, 2.0}
    assert set(last.x) == {3.0}
    assert "no interval" in [row[0] for row in next(t for t in figure.data if t.customdata is not None).customdata]
    nothing = table.assign(low=NAN, high=NAN)
    assert not [trace for trace in life_figures.survival_curves(nothing, "age").data if trace.fill == "toself"]


def test_incidence_stacks_to_all_that_failed() -> None:
    found = cumulative_incidence(*LIVES)
    names = ["capacity", "<i>short"]
    table = pd.concat(
        pd.DataFrame(
            {"cause": name, "time": found.time}
            | {key: getattr(found, key)[k] for key in ("incidence", "low", "high")}
        )
        for k, name in enumerate(names)
    )  # fmt: skip
    figure = life_figures.incidence_by_cause(table, "age")
    assert {trace.stackgroup for trace in figure.data} == {"failed"}
    np.testing.assert_allclose(sum(np.array(trace.y) for trace in figure.data), 100.0 * (1.0 - found.survival))
    assert figure.data[1].name == "&lt;i&gt;short"
    assert figure.data[0].fillpattern.shape != figure.data[1].fillpattern.shape


def test_a_weibull_plot_is_straight() -> None:
    time, cause, unit = LIVES
    points, fit = probability_points(time, cause > 0), fit_weibull(time, cause > 0, unit)
    at = np.geomspace(points.time[0], points.time[-1], 30)
    shares = pd.DataFrame([failed_by(fit, t)[:3] for t in at], columns=["share", "low", "high"])
    figure = life_figures.weibull_plot(
        pd.DataFrame({"scenario": "line", "time": points.time, "share": points.share}),
        shares.assign(scenario="line", time=at),
        "age",
    )
    line = next(trace for trace in figure.data if trace.mode == "lines" and trace.fill is None)
    slopes = np.diff(line.y) / np.diff(np.array(line.x) * math.log(10.0))
    np.testing.assert_allclose(slopes, fit.shape.value, rtol=1e-9)
    marks = next(trace for trace in figure.data if trace.mode == "markers")
    np.testing.assert_allclose(marks.y, points.weibit)
    np.testing.assert_allclose(10.0 ** np.array(marks.x), points.time)
    for value, text in zip(figure.layout.yaxis.tickvals, figure.layout.yaxis.ticktext, strict=True):
        assert -100.0 * math.expm1(-math.exp(value)) == pytest.approx(float(text))
    for value, text in zip(figure.layout.xaxis.tickvals, figure.layout.xaxis.ticktext, strict=True):
        assert 10.0**value == pytest.approx(float(text))
    assert len(figure.layout.xaxis.tickvals) >= 3


def test_points_without_a_fit_are_drawn_alone() -> None:
    points = pd.DataFrame({"scenario": ["a"], "time": [3.0], "share": [0.1]})
    figure = life_figures.weibull_plot(points, points.iloc[:0].assign(low=[], high=[]), "age")
    assert [len(trace.x) for trace in figure.data if trace.mode == "markers"] == [1]


@pytest.mark.parametrize("causes", [1, 2, 3])
def test_hazards_have_one_panel_a_cause(causes: int) -> None:
    time, cause, unit = LIVES
    found = hazard_by_cause(time, np.minimum(cause, causes), np.arange(0.0, 2.1, 0.25), unit, causes=causes)
    table = pd.concat(
        pd.DataFrame(
            {"cause": f"cause {k}", "start": found.edges[:-1], "end": found.edges[1:]}
            | {key: getattr(found, key)[k] for key in ("failed", "hazard", "low", "high")}
        )
        for k in range(causes)
    )
    figure = life_figures.hazards(table, "age", "failures per pack-year")
    lines = [trace for trace in figure.data if trace.fill is None]
    assert len({trace.xaxis for trace in lines}) == causes
    for k, trace in enumerate(lines):
        np.testing.assert_allclose(trace.x, found.edges)
        np.testing.assert_allclose(trace.y[:-1], found.hazard[k])


def test_long_curves_are_thinned_and_keep_their_ends() -> None:
    n = 20_000
    table = pd.DataFrame({"scenario": "a", "time": np.arange(n), "survival": np.linspace(1.0, 0.0, n)})
    table = table.assign(low=table["survival"], high=table["survival"], at_risk=n - np.arange(n))
    figure = life_figures.survival_curves(table, "age")
    drawn = next(trace for trace in figure.data if trace.mode == "lines" and trace.fill is None)
    assert len(drawn.x) == life_figures.MOST_STEPS
    assert (drawn.x[0], drawn.x[-1]) == (0, n - 1)


@pytest.mark.parametrize(
    ("last", "step"), [(14.6, 2.5), (7.0, 1.0), (7.01, 2.0), (0.8, 0.2), (1e-3, 2e-4), (35.0, 5.0)]
)
def test_ticks_are_round(last: float, step: float) -> None:
    ticks = life_figures.nice_ticks(last)
    np.testing.assert_allclose(np.diff(ticks), step)
    assert len(ticks) <= 8
    assert last - step < ticks[-1] <= last * (1.0 + 1e-9)

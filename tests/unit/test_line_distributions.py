"""The inverse Weibull's table against scipy: quantiles, moments, shapes, and what is too wide."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import invweibull, norm, weibull_min

from packsim.line import distributions, size
from packsim.line import plan as plans
from packsim.line.variation.kernels import KNOTS
from packsim.scenario.errors import ScenarioError
from packsim.scenario.line import LineModel, Spread
from packsim.scenario.spread import LARGEST_INVERSE_WEIBULL_CV

CVS = (1e-3, 0.01, 0.13, 0.3, LARGEST_INVERSE_WEIBULL_CV)


@pytest.mark.parametrize("cv", CVS)
def test_quantiles_are_scipys(cv):
    u, mean = distributions.knots(), 3.0
    shape = distributions.inverse_weibull_shape(cv)
    truth = invweibull(shape, 0.0, mean / invweibull.mean(shape))
    exact = np.where(u < 0.0, truth.ppf(norm.cdf(u)), truth.isf(norm.sf(u)))
    assert mean + distributions.inverse_weibull(mean, cv * mean) == pytest.approx(exact, rel=1e-12)


@pytest.mark.parametrize("cv", CVS)
def test_mean_and_sd_are_those_that_were_given(cv):
    shape = distributions.inverse_weibull_shape(cv)
    assert invweibull.std(shape) / invweibull.mean(shape) == pytest.approx(cv, rel=1e-9)
    u, x = distributions.knots(), distributions.inverse_weibull(1.0, cv)
    within = norm.pdf(u) * (u[1] - u[0])
    assert within @ x == pytest.approx(0.0, abs=1e-7 * cv)
    assert within @ x**2 == pytest.approx(cv**2, rel=4e-4 if cv > 0.5 else 1e-6)


def test_one_over_it_is_weibull():
    u = distributions.knots()
    x = 1.0 + distributions.inverse_weibull(1.0, 0.13)
    shape = distributions.inverse_weibull_shape(0.13)
    lives = weibull_min(shape, 0.0, invweibull.mean(shape))
    assert lives.sf(1.0 / x[u < 0.0]) == pytest.approx(norm.cdf(u[u < 0.0]), rel=1e-10)
    assert lives.cdf(1.0 / x[u >= 0.0]) == pytest.approx(norm.sf(u[u >= 0.0]), rel=1e-10)


def test_narrow_ones_meet_where_the_series_takes_over():
    below, above = (distributions.inverse_weibull_shape(distributions.SMALL_CV * f) for f in (1.0 - 1e-12, 1.0))
    assert below == pytest.approx(above, rel=5e-8)
    assert distributions.inverse_weibull_shape(1e-12) == pytest.approx(math.pi / math.sqrt(6.0) * 1e12, rel=1e-9)
    assert np.all(distributions.inverse_weibull(2.0, 0.0) == np.zeros(KNOTS))


def line(**spread) -> LineModel:
    own = {"distribution": "inverse_weibull"} | spread
    return LineModel.model_validate(
        {"supplier_lot_cells": 10, "roll_cells": 5, "steps": {"cutting": {"coated_area_ratio": own}}}
    )


def test_a_factor_gives_an_inverse_weibull_too():
    twice, wide = plans.plan(line(sd_pct=10.0), 10, sd_factor=2.0), plans.plan(line(sd_pct=20.0), 10)
    assert twice.tables == pytest.approx(wide.tables, abs=1e-14)
    assert np.all(np.isfinite(plans.plan(line(sd_pct=67.0), 10, sd_factor=64.0).tables))  # as calibration tries


def test_one_that_is_too_wide_by_its_cpk_is_refused():
    spread = {"cpk": 0.1, "tolerance_pct": 30.0}
    assert size.sd_pct(Spread(**spread)) == pytest.approx(100.0)
    with pytest.raises(ScenarioError) as caught:
        plans.plan(line(**spread), 10)
    [told] = caught.value.lines
    assert told == (
        "line.steps.cutting.coated_area_ratio: given a standard deviation of 100 % of the mean; allowed: at most 67 %"
    )


def test_one_that_its_level_of_automation_makes_too_wide_is_refused():
    model = line(sd_pct=50.0).model_dump(exclude_unset=True)
    model["steps"]["cutting"]["automation"] = "manual"
    model["automation_levels"] = {"manual": {"spread_factor": 1.5}}
    with pytest.raises(ScenarioError, match=r"given a standard deviation of 75 % of the mean; allowed: at most 67 %"):
        plans.plan(LineModel.model_validate(model), 10)

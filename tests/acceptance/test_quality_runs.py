"""How often charts of a process that is in control signal: the nominal false-alarm rate, on random numbers and on the line.

Seeds are fixed. With m signals the average run length scatters by 1 / sqrt(m); bounds of 10 % are at least 5 standard
deviations, so each has a false-alarm probability below 1e-6.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import quality_naive as naive
from scipy import special

from packsim.cell.traits import INDEX, TRAITS
from packsim.line import plan as plans
from packsim.line.build import build, slot_addresses
from packsim.quality import charts, rules
from packsim.scenario.line import LineModel

if TYPE_CHECKING:
    from collections.abc import Callable

    Report = Callable[..., None]

BEYOND = 2.0 * float(special.ndtr(-3.0))  # 0.0027: one signal in 370.4 points
LONGEST = 511  # 2^9 - 1 points until nine in a row lie on one side: a fair coin


def off(points: int, signals: int) -> float:
    """Relative error of the average run length against 370.4."""
    return abs(points / signals * BEYOND - 1.0)


def test_point_beyond_three_sigma(report: Report) -> None:
    draw = np.random.default_rng(101)
    individuals, _ = charts.i_mr(draw.normal(10.0, 2.0, 1_200_000), mean=10.0, sd=2.0, rules=(1,))
    report("ARL, individuals, test 1: off 370.4", off(1_200_000, individuals.signals[1].size), 0.10)
    groups = draw.normal(10.0, 2.0, (1_000_000, 4))
    xbar, ranges = charts.xbar_r(groups, mean=10.0, sd=2.0, rules=(1,))
    report("ARL, X-bar of 4, test 1: off 370.4", off(len(groups), xbar.signals[1].size), 0.10)
    # a range is not normal: its 3 sigma limits are passed about twice as often (0.46 % for n = 4)
    assert 0.003 < ranges.signals[1].size / len(groups) < 0.006


def test_nine_on_one_side_and_both_tests(report: Report) -> None:
    z = np.random.default_rng(102).standard_normal(1_500_000)
    assert naive.arl_of_run(9, 0.0) == pytest.approx(LONGEST, rel=1e-12)
    alone = naive.run_lengths(z, rules.one_side)
    report("ARL, test 2 alone: off 2^9 - 1 = 511", abs(alone.mean() / LONGEST - 1.0), 0.10)
    exact = naive.arl_of_run(9, BEYOND)
    both = naive.run_lengths(z, lambda part: np.union1d(rules.beyond(part), rules.one_side(part)))
    report(f"ARL, tests 1 and 2: off the Markov chain's {exact:.1f}", abs(both.mean() / exact - 1.0), 0.10)
    # the Western Electric handbook's fourth test: eight in a row, 2^8 - 1
    eight = naive.run_lengths(z, lambda part: rules.one_side(part, 8))
    report("ARL, eight on one side: off 2^8 - 1 = 255", abs(eight.mean() / 255.0 - 1.0), 0.10)


def test_each_test_alarms_falsely_in_fewer_than_five_of_a_thousand_points(report: Report) -> None:
    """Nelson 1984: "the chance of a false signal for each test is less than five in one thousand"."""
    z = np.random.default_rng(103).standard_normal(1_000_000)
    for rule in rules.ALL:
        lengths = naive.run_lengths(z[:400_000], lambda part, rule=rule: rules.nelson(part, (rule,))[rule])
        report(f"Nelson's test {rule}: false alarms a point", 1.0 / lengths.mean(), 0.005)


def line(**shares: float) -> LineModel:
    """Every trait spreads, normal where it is a ratio; `shares` of the variance between lots and rolls."""
    steps: dict[str, Any] = {}
    for trait in TRAITS:
        own: dict[str, Any] = {"sd_pct": 1.0, **shares}
        if trait.unit != "1":
            own |= {"nominal": 1.0}
        steps.setdefault(trait.step, {})[trait.name] = own
    return LineModel.model_validate({"supplier_lot_cells": 400, "roll_cells": 100, "steps": steps})


def traits(model: LineModel, slots: int) -> tuple[plans.LinePlan, np.ndarray]:
    """The line's plan and its cells' values [trait, slot] in slot order."""
    plan = plans.plan(model, slots)
    return plan, build(plan, 2025, slot_addresses(0, range(slots))).values


def test_a_line_without_drift_and_lots_signals_at_the_nominal_rate(report: Report) -> None:
    """Drift and lots off: charts of known mean and spread on the line's cells in slot order."""
    slots = 400_000
    plan, values = traits(line(), slots)
    ratios = [INDEX[trait.name] for trait in TRAITS if trait.unit == "1"]
    single = pooled = chances = groups = 0
    for t in ratios:
        known = {"mean": float(plan.mean[t]), "sd": float(plan.sd_within[t]), "rules": (1,)}
        single += charts.i_mr(values[t], **known)[0].signals[1].size
        chances += slots
        xbar, _ = charts.xbar_r(values[t].reshape(-1, 4), **known)
        pooled += xbar.signals[1].size
        groups += xbar.points.size
    report("line in control, individuals: ARL off 370.4", off(chances, single), 0.10)
    report("line in control, X-bar of 4: ARL off 370.4", off(groups, pooled), 0.10)
    z = np.concatenate([(values[t] - plan.mean[t]) / plan.sd_within[t] for t in ratios[:4]])
    lengths = naive.run_lengths(z, rules.one_side)
    report("line in control, nine on one side: ARL off 511", abs(lengths.mean() / LONGEST - 1.0), 0.10)


def test_lots_make_the_chart_signal(report: Report) -> None:
    """Lots and rolls with a quarter and a fifth of the variance: limits from within subgroups are passed far more often."""
    slots = 80_000
    plan, values = traits(line(between_lot_share=0.25, between_roll_share=0.2), slots)
    t = INDEX["anode_loading_ratio"]
    xbar, ranges = charts.xbar_r(values[t].reshape(-1, 4), mean=float(plan.mean[t]), sd=float(plan.sd_within[t]))
    share = xbar.signals[1].size / xbar.points.size
    # X-bar scatters with variance within / 4 + lot + roll against limits from within / 4
    expected = 2.0 * float(special.ndtr(-3.0 * np.sqrt(0.1375 / (0.1375 + 0.45))))
    report("line with lots: share of X-bar points beyond 3 sigma, of the expected", share / expected, 0.6, "", ">=")
    report("line with lots: share of X-bar points beyond 3 sigma", share, 20.0 * BEYOND, "", ">=")
    report("line with lots: R chart stays at its rate", ranges.signals[1].size / ranges.points.size, 0.0075)

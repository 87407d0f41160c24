"""Little's law to the digit, and what a shorter rest does to the same cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from inspections import cells_at, in_blocks, plan_of, true_of
from scenarios import small

import packsim as ps
from packsim.inspection.floor import cells_in_progress, floor_needs, servers_needed
from packsim.inspection.read import read
from packsim.inspection.temperature import sensitivities
from packsim.line import plan as line_plans
from packsim.report.inspection_figures import k_roc_figure
from packsim.scenario.inspection import Floor

if TYPE_CHECKING:
    from collections.abc import Callable


def test_littles_law_is_exact(report: Callable[..., None]) -> None:
    """Counted in a plain queue: a cell every 90 s (960 a day), each resting 10 or 6 days."""
    for days in (10, 6):
        arrivals = np.arange(0, 40 * 86_400, 90)
        at = 30 * 86_400 + 45
        resting = int(((arrivals <= at) & (at < arrivals + days * 86_400)).sum())
        report(
            f"{days} days: cells counted off Little's law", abs(resting - cells_in_progress(960.0, days)), 0.0, "", "=="
        )
    assert servers_needed(24_000.0, 4.0, 80.0) == 5000
    assert servers_needed(24_000.0, 4.0, 100.0) == 4000


def test_channels_hold_the_hours_of_the_test_and_its_retests(report: Callable[..., None]) -> None:
    plan = plan_of(
        capacity={"lower_pct": 99.0, "gauge_sd_pct": 0.5, "retest": {"times": 2, "decide": "last"}},
        k_value={"rest_days": 6.0},
    )
    floor = Floor(cells_per_day=24_000.0, utilisation_pct=80.0, charge_h=3.0, handling_h=0.5)
    plain = floor_needs(plan, floor)
    hours = 0.5 + 3.0 + plan.nominal_capacity_ah / 1.25 + 10.0 / 3600.0
    report("hours of a channel off the sum of its steps", abs(plain.channel_h - hours), 1e-12, "h")
    assert plain.channels == int(np.ceil(1000.0 * hours / 0.8))
    report("cells at rest", plain.resting_cells, 144_000.0, "", "==")
    n = 10_000
    true = true_of(plan, n, np.random.default_rng(1).normal(100, 1, n))
    measured = read(plan, cells_at(in_blocks(10, 1000)), true, 1)
    busy = floor_needs(plan, floor, 24.0, measured)
    share = float(measured.capacity_ah.size and (measured.capacity_tests > 1).mean())
    assert 0.1 < share < 0.3
    report(
        "hours with retests off 2 more tests of the rejected",
        abs(busy.channel_h - hours - 2 * share * (hours - 0.5)),
        0.01,
        "h",
    )
    report("days from charge to the second reading", busy.waiting_days, 7.0, "d", "==")


def test_rest_tradeoff_on_the_same_cells(report: Callable[..., None]) -> None:
    scenario = small(
        line__supplier_lot_cells=480,
        inspection__k_value={
            "rest_days": 7.0,
            "upper_robust_sigmas": 4.5,
            "overhang_mv": 2.0,
            "overhang_sd_mv": 0.2,
            "first_reading_h": 24.0,
        },
        inspection__chamber={"temperature_sd_k": 0.3, "ocv_mv_per_k": -0.1},
        packs_per_block=40,
    )
    table = ps.rest_tradeoff(scenario, days=(10, 6), cells=9600, roc_cells=4800)
    ratio = table.loc[6.0] / table.loc[10.0]
    report("10 to 6 days: meter's part, off 10/6", abs(ratio["k_meter_sd_mv_per_day"] - 10 / 6), 1e-9)
    report("10 to 6 days: temperature's part, off 10/6", abs(ratio["k_temperature_sd_mv_per_day"] - 10 / 6), 1e-9)
    report("10 to 6 days: leak's part changes by", abs(ratio["k_leak_sd_mv_per_day"] - 1.0), 0.01)
    report("10 to 6 days: K-value limit", ratio["k_limit_mv_per_day"], 1.1, "times", ">=")
    report("10 to 6 days: particles caught", ratio["particles_caught_pct"], 1.0, "times")
    report("10 to 6 days: AUC", ratio["auc"], 1.0, "times")
    report("10 to 6 days: drift that passes", ratio["soc_drift_pct_per_year"], 1.1, "times", ">=")
    report("10 to 6 days: cells at rest off 7/11", abs(ratio["resting_cells"] - 7 / 11), 1e-12)
    assert ratio["channels"] == pytest.approx(1.0, abs=0.01)
    assert table.loc[10.0, "escape_change_ppm"] == 0.0
    again = ps.rest_tradeoff(scenario, days=(6,), cells=9600, roc_cells=4800)
    changes = [name for name in table if not name.startswith("escape_change")]
    assert (again.loc[6.0, changes] == table.loc[6.0, changes]).all()
    with pytest.raises(ValueError, match="at least one rest time"):
        ps.rest_tradeoff(scenario, days=())
    with pytest.raises(ps.ScenarioError, match="rest_days"):
        ps.rest_tradeoff(scenario, days=(-1,), cells=10)


def test_sensitivities_are_those_of_the_cell(report: Callable[..., None]) -> None:
    scenario = small()
    line = line_plans.plan(scenario.line, scenario.slots_per_block)
    found = sensitivities(scenario.inspection, scenario.cell, line)
    curves = [ps.Cell("Mohtat2020", capacity_ah=2.5, temperature_degc=t).discharge(c_rate=0.5) for t in (24.0, 26.0)]
    cold, warm = (curve.capacity_ah for curve in curves)
    own = 100.0 * (warm - cold) / (warm + cold)
    report("capacity per kelvin off the cell's own discharge", abs(found.capacity_pct_per_k - own), 0.01, "%/K")
    report("DCIR per kelvin", found.dcir_pct_per_k, -1.0, "%/K")


def test_the_roc_figure_holds_its_points() -> None:
    from packsim.inspection.rates import Roc

    roc = Roc(np.array([3.0, 2.0, 1.0]), np.array([0.0, 0.1, 1.0]), np.array([0.5, 0.8, 1.0]), 0.9, (0.05, 0.7))
    figure = k_roc_figure({"10 <b>days": roc, "6 days": roc._replace(at_limit=(float("nan"), float("nan")))})
    lines = [trace for trace in figure.data if trace.mode == "lines"]
    assert [trace.name for trace in lines] == ["10 &lt;b&gt;days, AUC 0.9000", "6 days, AUC 0.9000"]
    np.testing.assert_allclose(lines[0].y, [50.0, 80.0, 100.0])
    np.testing.assert_allclose(lines[0].x[1:], [10.0, 100.0])
    assert lines[0].x[0] is None or np.isnan(lines[0].x[0])  # no false alarm has no place on a logarithm
    marks = [trace for trace in figure.data if trace.mode == "markers"]
    assert len(marks) == 1
    np.testing.assert_allclose((marks[0].x[0], marks[0].y[0]), (5.0, 70.0))

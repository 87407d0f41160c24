"""Figures show what their tables hold."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from packsim.report import cell_figures, figures, pack_figures, sections, tables
from packsim.report.tables import Capacities, PackVoltages

NAN = float("nan")


def differences() -> pd.DataFrame:
    rows = [
        ("qualification_rate_pct", "%", "passed", 90.0, 92.0, 2.0, 1.5, 2.5, True),
        ("escape_ppm", "ppm", "escapes", 50.0, 40.0, -10.0, -40.0, 20.0, False),
        ("pack_usable_capacity_pct", "%", "usable", 99.0, 99.0, 0.0, 0.0, 0.0, False),
        ("of_its_own_pct", "%", "unknown to the groups", 1.0, 2.0, 1.0, NAN, NAN, False),
    ]
    names = ["metric", "unit", "meaning", "a", "b", "difference", "low", "high", "real"]
    return sections.grouped(pd.DataFrame(rows, columns=names))


def test_differences_match_their_table_and_units_never_share_an_axis() -> None:
    table = differences()
    figure = figures.differences(table, "a", "<b>")
    assert sum(len(trace.x) for trace in figure.data) == len(table)
    units: dict[str, set[str]] = {}
    for trace in figure.data:
        units.setdefault(trace.xaxis, set()).update(row[1] for row in trace.customdata)
        for x, low, high, (_, _, _, _, lo, hi, _) in zip(
            trace.x, trace.error_x.arrayminus, trace.error_x.array, trace.customdata, strict=True
        ):
            np.testing.assert_allclose((x - low, x + high), (lo, hi))
    assert all(len(found) == 1 for found in units.values())
    assert {trace.marker.color for trace in figure.data} == {"#1b1f24", "white"}
    assert "<b>: " not in figure.data[0].hovertemplate.replace("<b>%", "")


def test_histograms_hold_the_counts() -> None:
    edges = np.linspace(80.0, 120.0, 401)
    capacity = np.random.default_rng(1).normal(100.0, 1.0, 5000)
    started = np.bincount(np.searchsorted(edges, capacity, side="right"), minlength=402)
    kept = np.bincount(np.searchsorted(edges, capacity[abs(capacity - 100.0) < 2.0], side="right"), minlength=402)
    one = Capacities("line", edges, started, kept, 98.0, 102.0)
    figure = cell_figures.capacity_histograms([one, one])
    made, ships = figure.data[:2]
    cells = [row[0] for row in ships.customdata]
    assert sum(cells) == kept.sum()
    np.testing.assert_allclose(ships.y[:-1], 100.0 * np.array(cells[:-1]) / started.sum())
    assert 0.97 * started.sum() < sum(row[0] for row in made.customdata) <= started.sum()
    assert made.x[0] < 98.0
    assert made.x[-1] > 102.0
    lines = [shape.x0 for shape in figure.layout.shapes]
    assert lines == [98.0, 102.0] * 2
    assert len(ships.x) <= cell_figures.BARS + 20


def test_histograms_of_no_cells_are_empty() -> None:
    none = np.zeros(402, np.int64)
    figure = cell_figures.capacity_histograms([Capacities("line", np.linspace(80.0, 120.0, 401), none, none)])
    assert max(figure.data[0].y) == 0.0


KINDS = ("every_group", "pack_only")


def over() -> pd.DataFrame:
    below = {f"over_discharged_{key}_{kind}": np.zeros(20, np.int64) for key in ("cutoff", "0v") for kind in KINDS}
    below["over_discharged_cutoff_pack_only"][:5] = 2
    return tables.over_discharge(below, np.full(20, 2), {"cutoff": "cut-off", "0v": "0 V"}, "line")


def test_over_discharge_shares_and_intervals() -> None:
    table = over()
    row = table[(table["monitoring"] == "pack_only") & (table["threshold"] == "cutoff")].iloc[0]
    assert row["share_pct"] == 25.0
    assert row["low_pct"] < 25.0 < row["high_pct"]
    nothing = table[table["events"] == 0]
    assert (nothing["low_pct"] == 0.0).all()
    assert (nothing["high_pct"] > 0.0).all()
    figure = figures.over_discharge(table)
    drawn = [trace for trace in figure.data if trace.mode == "markers"]
    assert [list(trace.y) for trace in drawn] == [[0.0, 0.0], [25.0, 0.0]]


def test_over_discharge_of_one_unit_has_no_interval() -> None:
    below = {f"over_discharged_cutoff_{kind}": np.ones(1, np.int64) for kind in KINDS}
    table = tables.over_discharge(below, np.full(1, 2), {"cutoff": "cut-off"}, "line")
    assert table["share_pct"].tolist() == [50.0, 50.0]
    assert table["low_pct"].isna().all()
    figures.over_discharge(table)


def test_pareto_puts_the_largest_on_top() -> None:
    rows = [("a", "kind", "few", "m", 1.0), ("a", "kind", "many", "m", 9.0), ("b", "kind", "few", "m", 2.0)]
    table = pd.DataFrame(rows, columns=["scenario", "kind", "name", "meaning", "value"])
    figure = figures.pareto(table, "value", "ppm", "cells")
    assert list(figure.layout.yaxis.categoryarray) == ["few", "many"]
    assert {trace.name: sorted(trace.x) for trace in figure.data} == {"a": [1.0, 9.0], "b": [2.0]}
    assert figure.layout.xaxis.title.text == "cells [ppm]"


def test_names_from_scenarios_are_no_markup() -> None:
    table = pd.DataFrame(
        [("<img src=x>", "kind", "<i>n</i>", "m", 1.0)], columns=["scenario", "kind", "name", "meaning", "value"]
    )
    bar = figures.pareto(table, "value", "ppm", "cells").data[0]
    assert bar.name == "&lt;img src=x&gt;"
    assert bar.y[0] == "&lt;i&gt;n&lt;/i&gt;"


def pack() -> PackVoltages:
    time = np.linspace(0.0, 7200.0, 3000)
    volts = np.linspace(4.2, 2.6, 3000) - 0.01 * np.arange(4)[:, None]
    return PackVoltages("line", time, np.ones(3000), volts, 3, 2.8, 4.2, {"every_group": 6300.0, "pack_only": 6400.0})


def test_pack_voltages_mark_the_weakest_group_and_both_stops() -> None:
    figure = pack_figures.pack_voltages(pack())
    weakest = [trace for trace in figure.data if trace.name == "first group to be empty (number 3)"]
    assert len(weakest) == 2
    assert all(len(trace.x) <= pack_figures.MOST_POINTS for trace in weakest)
    np.testing.assert_allclose(
        weakest[0].y, np.interp(3600.0 * weakest[0].x, pack().time_s, pack().group_v[3]), atol=1e-5
    )
    stops = [shape.x0 for shape in figure.layout.shapes if shape.x0 == shape.x1]
    np.testing.assert_allclose(stops, [-100.0 / 60.0, 0.0])


@pytest.mark.parametrize("groups", [1, 2])
def test_pack_voltages_of_small_packs(groups: int) -> None:
    whole = pack()
    small = PackVoltages("line", whole.time_s, whole.current_a, whole.group_v[:groups], -1, 2.8, 4.2, {})
    assert pack_figures.pack_voltages(small).data


def test_lowest_voltages_end_at_all_packs() -> None:
    figure = pack_figures.lowest_voltages({"line": np.array([2.7, 2.5, NAN])}, 2.8, 0.2)
    assert list(figure.data[0].x) == [2.5, 2.7]
    assert list(figure.data[0].y) == [50.0, 100.0]


def test_sweep_has_one_panel_a_metric() -> None:
    rows = [
        (s, name, "%", "m", s, s - 1, s + 1, s > 0.5)
        for s in (0.0, 0.5, 1.0)
        for name in ("escape_ppm", "b_pct", "c_pct")
    ]
    table = pd.DataFrame(rows, columns=["share", "metric", "unit", "meaning", "difference", "low", "high", "real"])
    lines = [trace for trace in figures.sweep(table, "share").data if trace.mode == "lines+markers"]
    assert [list(trace.y) for trace in lines] == [[0.0, 0.5, 1.0]] * 3
    assert len({trace.xaxis for trace in lines}) == 3

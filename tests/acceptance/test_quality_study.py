"""Quality control of a run: the sample is the run's cells in order, its numbers are those of the cells, the page says so."""

from __future__ import annotations

import math
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
import scenarios

from packsim.quality import charts
from packsim.quality.pareto import ParetoRow
from packsim.report import html, quality_figures
from packsim.study import quality, quality_report
from packsim.study.quality_sample import sample
from packsim.study.run import Result, run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(scope="module")
def result() -> Result:
    """2,400 places in 50 blocks; lots of 240 cells (five blocks), rolls of 60."""
    return run(scenarios.small(line__supplier_lot_cells=240, line__roll_cells=60), packs=200)


@pytest.fixture(scope="module")
def cells(result: Result) -> pd.DataFrame:
    """All its started cells in order of production."""
    return result.cells.sort_values(["block", "slot", "candidate"], ignore_index=True)


def test_the_sample_is_the_first_cells_in_order(
    report: Callable[..., None], result: Result, cells: pd.DataFrame
) -> None:
    differ = 0
    for most in (20_000, 500, 31):
        found = sample(result, most)
        first = cells.iloc[:most]
        nominal = result.plans.inspection.nominal_capacity_ah
        differ += not np.array_equal(found.address, first[["block", "slot", "candidate"]].to_numpy())
        differ += not np.array_equal(found.lot, first["lot"])
        differ += not np.array_equal(found.rejected, ~first["accepted"])
        values = first["capacity_ah"].to_numpy(float) / nominal * 100.0
        differ += not np.allclose(found.readings[0].values, values[np.isfinite(values)], rtol=1e-14)
        differ += not np.array_equal(found.readings[3].clean, first["defect"] == "")
        differ += found.blocks != first["block"].nunique()
        place = first["block"] % 5 * 48 + first["slot"]
        roll = (first["block"] // 5).astype(str) + "/" + (place // 60).astype(str)
        differ += not np.array_equal(found.batch, pd.factorize(roll)[0])
    report("quality sample: arrays that differ from result.cells", differ, 0, "of 21", "==")
    assert sample(result).tested == len(cells)
    assert sample(result).lots == cells["lot"].nunique() == 10
    assert sample(result).batch_words == "roll of 60 places"


def test_capability_of_a_run(report: Callable[..., None], result: Result, cells: pd.DataFrame) -> None:
    table = result.capability()
    assert list(table.index) == ["capacity", "DCIR", "OCV", "K-value"]
    ah = result.plans.inspection.nominal_capacity_ah
    x = cells["capacity_ah"].to_numpy(float) / ah * 100.0
    row = table.loc["capacity"]
    groups = x[: x.size // 5 * 5].reshape(-1, 5)
    within = math.sqrt(groups.var(axis=1, ddof=1).mean())
    expected = {
        "mean": x.mean(),
        "within_sd": within,  # unbiased by 1 + 1 / (4 dof): 0.013 %
        "overall_sd": x.std(ddof=1),
        "cp": 6.0 / (6.0 * within),
        "cpk": min(x.mean() - 97.0, 103.0 - x.mean()) / (3.0 * within),
        "ppk": min(x.mean() - 97.0, 103.0 - x.mean()) / (3.0 * x.std(ddof=1)),
        "observed_ppm": 1e6 * ((x < 97.0) | (x > 103.0)).mean(),
    }
    worst = max(abs(row[name] / value - 1.0) for name, value in expected.items())
    report("capability of a run: off numpy on result.cells", worst, 2e-4)
    assert row["cp_low"] < row["cp"] < row["cp_high"]
    assert row["pp"] < row["cp"]  # lots and rolls widen the overall spread
    assert math.isnan(table.loc["DCIR", "cp"])  # one limit
    assert table.loc["DCIR", "cpk"] > 0.0
    assert math.isnan(table.loc["OCV", "cpk"])  # no limit
    assert table.loc["OCV", "within_sd"] > 0.0
    # particles short a few cells: without them the K-value's spread is a fraction
    assert table.loc["K-value", "cpk_without_defects"] > 2.0 * table.loc["K-value", "cpk"]
    clean = cells.loc[cells["defect"] == "", "capacity_ah"].to_numpy(float) / ah * 100.0
    ppk = min(clean.mean() - 97.0, 103.0 - clean.mean()) / (3.0 * clean.std(ddof=1))
    assert row["ppk_without_defects"] == pytest.approx(ppk, rel=1e-12)


def test_charts_of_a_run(result: Result, cells: pd.DataFrame) -> None:
    found = sample(result)
    chart = quality.rejects_chart(found)
    assert chart is not None
    rolls = (~cells["accepted"]).groupby(found.batch)
    np.testing.assert_allclose(chart.points, rolls.mean())
    np.testing.assert_allclose(chart.centre, (~cells["accepted"]).mean())
    means = quality.means_chart(found.readings[0].values)
    assert means is not None
    assert means.xbar.points.size == quality.MOST_POINTS
    k = 7
    at = means.place[k]
    assert at % 5 == 0
    assert means.xbar.points[k] == pytest.approx(found.readings[0].values[at : at + 5].mean(), rel=1e-14)
    causes = {row.name: row.number for row in quality.causes(result)}
    counted = cells.loc[~cells["accepted"], "cause"].value_counts()
    assert sorted(causes.values()) == sorted(counted)


def test_a_cut_batch_and_nothing_rejected_make_no_points(result: Result) -> None:
    found = sample(result, 470)
    chart = quality.rejects_chart(found)
    assert chart is not None
    assert chart.points.size == np.bincount(found.batch).size - 1  # the last roll is cut to a few cells
    nothing = run(scenarios.small(inspection={"capacity": {"c_rate": 0.5}}), packs=20)
    assert quality.rejects_chart(sample(nothing)) is None
    assert quality.causes(nothing) == []
    section = quality_report.section([nothing], ["line"])
    assert any("No p chart" in sentence for sentence in section.sentences)
    assert all(cell.text == "\N{EN DASH}" for row in section.tables[0].rows[6:11] for cell in row[1:])


def test_small_rolls_and_lots_are_put_together() -> None:
    found = sample(run(scenarios.small(), packs=40))  # lots of 24 cells, rolls of 8
    assert found.batch_words == "200 cells in a row"
    assert np.array_equal(found.batch, np.arange(len(found.lot)) // 200)


def test_the_page_says_what_it_rests_on(result: Result, tmp_path: Path) -> None:
    section = quality_report.section([result], ["line"])
    said = " ".join(section.sentences)
    assert "rests on all cells that reached the test" in said
    assert "10 supplier lots" in said
    assert "one point in 370" in said
    few = " ".join(quality_report.section([run(result.scenario, packs=20)], ["line"]).sentences)
    assert "only 1 supplier lot, " in few
    assert "too few lots to say how much" in few
    page = result.report(tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<h2>Process capability</h2>" in page
    assert page.count("Capability of the end-of-line test") == 1


def test_both_lines_stand_beside_each_other(result: Result) -> None:
    section = quality_report.section([result, result], ["old", "new"])
    assert [table.title for table in section.tables] == [
        "Capability of the end-of-line test: old",
        "Capability of the end-of-line test: new",
    ]
    assert len(section.figures) == 5  # two X-bar, two p, one Pareto
    assert sum(sentence.startswith(("old: ", "new: ")) for sentence in section.sentences) == 2
    html.render(html.Page("t", "h", sections=[section]))


def test_figures_hold_the_charts() -> None:
    x = np.random.default_rng(1).normal(0.0, 1.0, (60, 5))
    x[40:] += 2.0
    xbar, ranges = charts.xbar_r(x)
    figure = quality_figures.control_charts(
        [("<img src=x>", xbar), ("Ranges", ranges)],
        np.arange(60),
        "cell",
        ("mean", "range"),
        starts=[20],
        starts_words="lot",
    )
    marked = {
        int(at) for trace in figure.data if str(trace.name).startswith("test") and trace.yaxis == "y" for at in trace.x
    }
    assert marked == set(xbar.signalling.tolist())
    assert sum(
        len(trace.x) for trace in figure.data if str(trace.name).startswith("test") and trace.yaxis == "y"
    ) == len(marked)
    assert any("&lt;img src=x&gt;" in str(note.text) for note in figure.layout.annotations)
    rows = [ParetoRow("<i>a</i>", 3, 0.75, 0.75), ParetoRow("b", 1, 0.25, 1.0)]
    bars = quality_figures.pareto_bars([("line", rows)]).data
    assert list(bars[0].x) == [75.0, 25.0]
    assert list(bars[1].x) == [75.0, 100.0]
    assert bars[0].y[0] == "&lt;i&gt;a&lt;/i&gt;"


@pytest.mark.parametrize("first", ["pass", "import packsim.study.quality", "import packsim.study.reporting"])
def test_the_room_is_reachable_by_name(first: str) -> None:
    shown = "ps.quality.gauge.NDC_FACTOR, ps.quality.yields.SHIFT, 'quality' in dir(ps)"
    code = f"{first}\nimport packsim as ps\nprint({shown})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1.41", "1.5", "True"]

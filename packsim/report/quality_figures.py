"""Figures of statistical quality control (Plotly), shared by report, app and notebooks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from packsim.quality.charts import Chart
from packsim.quality.pareto import ParetoRow
from packsim.quality.rules import MEANING
from packsim.report.theme import HIGHLIGHT, INK, LIGHT, MUTED, SERIES, bar_style, dress, panel_title, safe

SIGNAL = {1: "circle", 2: "square", 3: "triangle-up", 4: "diamond", 5: "cross", 6: "x", 7: "star", 8: "hexagon"}


def control_charts(
    panels: Sequence[tuple[str, Chart]],
    x: npt.NDArray[np.int64],
    x_title: str,
    y_titles: Sequence[str],
    *,
    starts: Sequence[int] = (),
    starts_words: str = "",
) -> go.Figure:
    """Charts one under another over the same x [m]; points that signal carry the symbol of the lowest test they fail.

    Args:
        panels: title and chart; titles come from scenarios too and are shown as text.
        starts: x at which something begins (lots); thin lines, named `starts_words` in the legend.
    """
    figure = make_subplots(rows=len(panels), cols=1, shared_xaxes=True, vertical_spacing=0.12)
    seen: set[int] = set()
    for row, ((title, chart), y_title) in enumerate(zip(panels, y_titles, strict=True), start=1):
        for trace in _limits(chart, x, legend=row == 1):
            figure.add_trace(trace, row=row, col=1)
        figure.add_trace(_points(chart, x), row=row, col=1)
        for trace in _signals(chart, x, seen):
            figure.add_trace(trace, row=row, col=1)
        panel_title(figure, f"<b>{safe(title)}</b>", row, 1)
        figure.update_yaxes(title_text=y_title, row=row, col=1)
    dress(figure, 250 * len(panels) + 130)
    for place in starts:
        figure.add_vline(x=place, line={"color": LIGHT, "width": 1}, layer="below", row="all", col=1)
    if len(starts) and starts_words:
        line = {"color": LIGHT, "width": 1}
        figure.add_trace(
            go.Scatter(x=[None], y=[None], mode="lines", name=starts_words, line=line, hoverinfo="skip"), row=1, col=1
        )
    figure.update_xaxes(title_text=x_title, row=len(panels), col=1)
    figure.update_layout(legend={"y": 1.0 + 30 / (250 * len(panels))}, margin={"t": 110})
    return figure


def _limits(chart: Chart, x: npt.NDArray[np.int64], *, legend: bool) -> list[go.Scatter]:
    """Centre and limits; a stepped line, because samples of unequal size have limits of their own."""
    rows = (
        ("centre", chart.centre, {"color": INK, "width": 1.2}),
        ("limits, 3 sigma", chart.upper, {"color": INK, "width": 1.4, "dash": "dash", "shape": "hvh"}),
        ("limits, 3 sigma", chart.lower, {"color": INK, "width": 1.4, "dash": "dash", "shape": "hvh"}),
    )
    return [
        go.Scatter(
            x=x,
            y=y,
            mode="lines",
            name=name,
            legendgroup=name,
            showlegend=legend and place < 2,
            line=line,
            hovertemplate=f"{name}: %{{y:.5g}}<extra></extra>",
        )
        for place, (name, y, line) in enumerate(rows)
    ]


def _points(chart: Chart, x: npt.NDArray[np.int64]) -> go.Scatter:
    return go.Scatter(
        x=x,
        y=chart.points,
        mode="lines+markers",
        showlegend=False,
        line={"color": SERIES[0], "width": 1},
        marker={"color": SERIES[0], "size": 4},
        customdata=chart.z,
        hovertemplate="%{y:.5g}, %{customdata:+.2f} sigma<extra></extra>",
    )


def _signals(chart: Chart, x: npt.NDArray[np.int64], seen: set[int]) -> list[go.Scatter]:
    """One trace a test; each point is shown once, under the lowest number, all its tests in the hover text."""
    traces: list[go.Scatter] = []
    done: set[int] = set()
    for rule in sorted(chart.signals):
        own = [int(i) for i in chart.signals[rule] if int(i) not in done]
        done.update(own)
        if not own:
            continue
        tests = [
            ", ".join(f"{number} ({MEANING[number]})" for number, found in chart.signals.items() if i in found)
            for i in own
        ]
        traces.append(
            go.Scatter(
                x=x[own],
                y=chart.points[own],
                mode="markers",
                name=f"test {rule}: {MEANING[rule]}",
                legendgroup=f"test {rule}",
                showlegend=rule not in seen,
                marker={"symbol": SIGNAL[rule], "size": 9, "color": HIGHLIGHT, "line": {"color": "white", "width": 1}},
                text=tests,
                hovertemplate="%{y:.5g}: test %{text}<extra></extra>",
            )
        )
        seen.add(rule)
    return traces


def pareto_bars(lines: Sequence[tuple[str, Sequence[ParetoRow]]]) -> go.Figure:
    """Causes by falling count with their cumulative share, one panel a line; rows must not be empty."""
    heights = [34 * max(len(rows), 1) + 20 for _, rows in lines]
    gap, total = 76, sum(heights) + 76 * (len(lines) - 1)
    figure = make_subplots(
        rows=len(lines), cols=1, row_heights=heights, vertical_spacing=gap / total if lines[1:] else 0.0
    )
    for row, (name, causes) in enumerate(lines, start=1):
        shares = [100.0 * cause.share for cause in causes]
        names = [safe(cause.name) for cause in causes]
        sums = [100.0 * cause.cumulative_share for cause in causes]
        figure.add_trace(
            go.Bar(
                x=shares,
                y=names,
                orientation="h",
                name="share of rejects",
                showlegend=row == 1,
                marker=bar_style(row - 1),
                text=[f"{share:.1f} %" for share in shares],
                textposition="inside",
                insidetextanchor="start",
                customdata=[cause.number for cause in causes],
                hovertemplate="%{y}: %{customdata:,} cells, %{x:.3g} % of rejects<extra></extra>",
            ),
            row=row,
            col=1,
        )
        figure.add_trace(
            go.Scatter(
                x=sums,
                y=names,
                mode="lines+markers",
                name="cumulative share",
                showlegend=row == 1,
                line={"color": MUTED, "width": 1.5, "dash": "dot"},
                marker={"color": MUTED, "size": 7},
                hovertemplate="up to %{y}: %{x:.3g} % of rejects<extra></extra>",
            ),
            row=row,
            col=1,
        )
        figure.update_yaxes(categoryorder="array", categoryarray=names[::-1], showgrid=False, row=row, col=1)
        figure.update_xaxes(range=[0, 104], row=row, col=1)
        panel_title(figure, f"<b>{safe(name)}</b>", row, 1)
    dress(figure, total + 140)
    figure.update_xaxes(title_text="share of rejected cells [%]", row=len(lines), col=1)
    figure.update_layout(legend={"y": 1.0 + 34 / total}, margin={"t": 92})
    return figure

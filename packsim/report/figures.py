"""Figures of cells, tests and comparisons (Plotly), shared by report, app and notebooks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from packsim.report import labels, phrases
from packsim.report.tables import MONITORING
from packsim.report.theme import INK, NOISE, REAL, SERIES, SYMBOLS, bar_style, dress, panel_title, safe

ROW = 34  # height of one line of a chart of lines, pixels


def differences(table: pd.DataFrame, a: str, b: str) -> go.Figure:
    """Differences b - a with 95 % intervals, one panel a group of one unit.

    Args:
        table: columns metric, group, unit, meaning, a, b, difference, low, high, real; intervals nan: too few units.
        a, b: names of the scenarios.
    """
    panels = list(table.groupby(["group", "unit"], sort=False))
    sizes = [len(rows) for _, rows in panels]
    heights = [ROW * n + 20 for n in sizes]
    gap, total = 84, sum(heights) + 84 * (len(panels) - 1)
    figure = make_subplots(
        rows=len(panels), cols=1, row_heights=heights, vertical_spacing=gap / total if len(panels) > 1 else 0.0
    )
    for k, (key, rows) in enumerate(panels, start=1):
        group, unit = (str(part) for part in key)
        for real in (True, False):
            part = rows[rows["real"] == real]
            if len(part):
                figure.add_trace(_points(part, real, a, b), row=k, col=1)
        names = [labels.spoken(name) for name in rows["metric"]]
        step = "percentage points" if unit == "%" else labels.unit_text(unit)
        title = f"<b>{safe(group)}</b>" + (f", {step}" if step else "")
        figure.update_yaxes(
            categoryorder="array", categoryarray=names[::-1], range=[-0.6, len(names) - 0.4], row=k, col=1
        )
        figure.update_xaxes(range=_around_zero(rows), zeroline=True, row=k, col=1)
        panel_title(figure, title, k, 1)
    dress(figure, total + 130, showlegend=False)
    figure.update_xaxes(zeroline=True, zerolinecolor=INK, zerolinewidth=1.2)
    figure.update_yaxes(showgrid=False, ticks="")
    return figure


def _around_zero(rows: pd.DataFrame) -> list[float]:
    """Range of an axis that holds all intervals, zero, and room for text."""
    ends = rows[["difference", "low", "high"]].to_numpy(float)
    low, high = float(np.nanmin(ends, initial=0.0)), float(np.nanmax(ends, initial=0.0))
    room = 0.16 * ((high - low) or 1.0)
    return [low - room, high + room]


def _points(rows: pd.DataFrame, real: bool, a: str, b: str) -> go.Scatter:
    """Points with whiskers: full and dark where the difference is real, hollow and grey where it is not."""
    difference = rows["difference"].to_numpy(float)
    low, high = (rows[name].to_numpy(float) for name in ("low", "high"))
    changes: list[Any] = list(rows.itertuples())
    said = [
        labels.fixed(row.difference, phrases.places(row), signed=True) if row.difference else "no difference"
        for row in changes
    ]
    verdicts = ["real" if real else "too few lots to say" if np.isnan(x) else "within noise" for x in low]
    units = [labels.unit_text(unit) for unit in rows["unit"]]
    color = REAL if real else NOISE
    return go.Scatter(
        x=difference,
        y=[labels.spoken(name) for name in rows["metric"]],
        mode="markers+text",
        text=said,
        textposition=["top center" if d else "top right" for d in difference],  # beside the line of 0, above whiskers
        textfont={"size": 13, "color": color},
        cliponaxis=False,
        error_x={"array": high - difference, "arrayminus": difference - low, "color": color, "width": 5},
        marker={"size": 10, "color": color if real else "white", "line": {"color": color, "width": 2}},
        customdata=list(zip(rows["meaning"], units, rows["a"], rows["b"], low, high, verdicts, strict=True)),
        hovertemplate=(
            "<b>%{customdata[0]}</b><br>" + safe(a) + ": %{customdata[2]:.5g} %{customdata[1]}<br>" + safe(b)
            + ": %{customdata[3]:.5g} %{customdata[1]}<br>difference %{x:+.3g} (95 % interval %{customdata[4]:.3g} to "
            "%{customdata[5]:.3g}), %{customdata[6]}<extra></extra>"
        ),
    )  # fmt: skip


def over_discharge(table: pd.DataFrame) -> go.Figure:
    """Packs with a group below each threshold, with 95 % intervals; one panel a kind of monitoring.

    Args:
        table: as `tables.over_discharge`, one or more scenarios one after another.
    """
    kinds = [kind for kind in MONITORING if kind in set(table["monitoring"])]
    highest = float(np.nanmax(table[["share_pct", "high_pct"]].to_numpy(float), initial=1.0))
    figure = make_subplots(rows=1, cols=len(kinds), shared_yaxes=True, horizontal_spacing=0.05)
    for col, kind in enumerate(kinds, start=1):
        for place, (name, rows) in enumerate(table[table["monitoring"] == kind].groupby("scenario", sort=False)):
            figure.add_trace(_shares(rows, str(name), place, legend=col == 1), row=1, col=col)
            figure.add_trace(_share_texts(rows, place, 0.02 * highest), row=1, col=col)
        panel_title(figure, f"<b>{MONITORING[kind]}</b>", 1, col)
    dress(figure, 430, scattermode="group", scattergap=0.25)
    figure.update_xaxes(title_text="a group goes below", showgrid=False, tickangle=0)
    figure.update_yaxes(range=[-0.03 * highest, 1.14 * highest], rangemode="nonnegative")
    figure.update_yaxes(title_text="packs [%]", row=1, col=1)
    figure.update_layout(legend={"y": 1.1}, margin={"t": 84})
    return figure


def _shares(rows: pd.DataFrame, name: str, place: int, *, legend: bool) -> go.Scatter:
    share, low, high = (rows[key].to_numpy(float) for key in ("share_pct", "low_pct", "high_pct"))
    color = SERIES[place % len(SERIES)]
    return go.Scatter(
        x=rows["words"],
        y=share,
        name=safe(name),
        mode="markers",
        legendgroup=str(place),
        offsetgroup=str(place),
        showlegend=legend,
        marker={"color": color, "symbol": SYMBOLS[place % len(SYMBOLS)], "size": 11},
        error_y={"array": high - share, "arrayminus": share - low, "color": color, "thickness": 2, "width": 6},
        cliponaxis=False,
        customdata=list(zip(rows["events"], rows["packs"], low, high, strict=True)),
        hovertemplate=safe(name)
        + ": %{customdata[0]:,} of %{customdata[1]:,} packs = %{y:.3g} % (95 % interval %{customdata[2]:.3g} to "
        "%{customdata[3]:.3g} %)<extra></extra>",
    )


def _share_texts(rows: pd.DataFrame, place: int, above: float) -> go.Scatter:
    """The shares in figures, above their intervals."""
    return go.Scatter(
        x=rows["words"],
        y=np.fmax(rows["share_pct"].to_numpy(float), rows["high_pct"].to_numpy(float)) + above,
        text=[labels.figures(value, 2) for value in rows["share_pct"]],
        mode="text",
        textposition="top center",
        textfont={"size": 13, "color": INK},
        offsetgroup=str(place),
        showlegend=False,
        hoverinfo="skip",
        cliponaxis=False,
    )


def pareto(table: pd.DataFrame, value: str, unit: str, meaning: str) -> go.Figure:
    """Bars of named things, the largest (over all scenarios) on top; one panel a kind.

    Args:
        table: columns scenario, kind, name, meaning, `value`.
        value: column with the length of the bars; unit, meaning: for its axis.
    """
    kinds = list(dict.fromkeys(table["kind"]))
    counts = [table[table["kind"] == kind]["name"].nunique() for kind in kinds]
    scenarios = list(dict.fromkeys(table["scenario"]))
    heights = [max(n, 1) * (14 + 16 * len(scenarios)) + 10 for n in counts]
    gap, total = 88, sum(heights) + 88 * (len(kinds) - 1)
    figure = make_subplots(
        rows=len(kinds), cols=1, row_heights=heights, vertical_spacing=gap / total if kinds[1:] else 0
    )
    for row, kind in enumerate(kinds, start=1):
        part = table[table["kind"] == kind]
        order = part.groupby("name", sort=False)[value].max().sort_values(kind="stable").index.tolist()
        for place, scenario in reversed(list(enumerate(scenarios))):  # Plotly stacks upwards
            own = part[part["scenario"] == scenario]
            figure.add_trace(_lying_bars(own, value, unit, scenario, place, legend=row == 1), row=row, col=1)
        longest = float(part[value].max()) or 1.0
        figure.update_xaxes(range=[0, 1.15 * longest], row=row, col=1)
        figure.update_yaxes(categoryorder="array", categoryarray=[safe(name) for name in order], row=row, col=1)
        panel_title(figure, f"<b>{safe(kind)}</b>", row, 1)
    dress(figure, total + 150, barmode="group")
    figure.update_yaxes(showgrid=False, ticks="")
    figure.update_xaxes(title_text=labels.axis(meaning, unit), row=len(kinds), col=1)
    figure.update_layout(
        legend={"y": 1 + 26 / total, "traceorder": "reversed"}, margin={"t": 88}, showlegend=len(scenarios) > 1
    )
    return figure


def _lying_bars(rows: pd.DataFrame, value: str, unit: str, scenario: str, place: int, *, legend: bool) -> go.Bar:
    return go.Bar(
        x=rows[value],
        y=[safe(name) for name in rows["name"]],
        orientation="h",
        name=safe(scenario),
        legendgroup=str(place),
        showlegend=legend,
        marker=bar_style(place),
        text=[labels.fixed(v, 1) if unit == "%" else labels.figures(v, 3) for v in rows[value]],
        textposition="outside",
        textfont={"size": 13, "color": INK},
        cliponaxis=False,
        customdata=[safe(meaning) for meaning in rows["meaning"]],
        hovertemplate=f"<b>%{{y}}</b><br>%{{customdata}}<br>{safe(scenario)}: %{{x:.4g}} {labels.unit_text(unit)}"
        "<extra></extra>",
    )


def sweep(table: pd.DataFrame, x_title: str) -> go.Figure:
    """How differences change with an assumption: small multiples with 95 % bands.

    Args:
        table: columns share, metric, unit, meaning, difference, low, high, real.
    """
    metrics = list(dict.fromkeys(table["metric"]))
    cols = 2 if len(metrics) > 1 else 1
    lines = -(-len(metrics) // cols)
    figure = make_subplots(rows=lines, cols=cols, vertical_spacing=0.3 / lines, horizontal_spacing=0.13)
    for k, metric in enumerate(metrics):
        rows = table[table["metric"] == metric].sort_values("share")
        row, col = k // cols + 1, k % cols + 1
        share, low, high = (rows[name].to_numpy(float) for name in ("share", "low", "high"))
        band = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False}
        figure.add_trace(go.Scatter(x=share, y=low, **band), row, col)
        figure.add_trace(
            go.Scatter(x=share, y=high, fill="tonexty", fillcolor="rgba(0,114,178,0.18)", **band), row, col
        )
        figure.add_trace(_swept(rows), row, col)
        step = "points" if rows["unit"].iloc[0] == "%" else labels.unit_text(rows["unit"].iloc[0])
        panel_title(figure, f"<b>{labels.spoken(metric)}</b>, difference" + (f" [{step}]" if step else ""), row, col)
        figure.add_hline(y=0.0, line={"color": INK, "width": 1.2}, row=row, col=col)
        figure.update_xaxes(title_text=x_title if row == lines else None, range=[-0.04, 1.04], row=row, col=col)
    dress(figure, 250 * lines + 90, showlegend=False)
    return figure


def _swept(rows: pd.DataFrame) -> go.Scatter:
    real = rows["real"].to_numpy(bool)
    return go.Scatter(
        x=rows["share"],
        y=rows["difference"],
        mode="lines+markers",
        line={"color": SERIES[0], "width": 2},
        marker={"size": 9, "color": np.where(real, SERIES[0], "white"), "line": {"color": SERIES[0], "width": 2}},
        customdata=list(zip(rows["low"], rows["high"], np.where(real, "real", "not real"), strict=True)),
        hovertemplate="share %{x}: %{y:+.3g} (95 % interval %{customdata[0]:.3g} to %{customdata[1]:.3g}), "
        "%{customdata[2]}<extra></extra>",
    )

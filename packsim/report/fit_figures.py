"""Figures of a fit to end-of-line data: histogram with fitted densities and Q-Q plot, lots in their order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from packsim.report import labels
from packsim.report.theme import HIGHLIGHT, INK, LIGHT, MUTED, SERIES, dress, panel_title, safe

Array = npt.NDArray[np.float64]
MOST_POINTS = 400  # of a Q-Q plot: quantiles stand for the rest, all extremes are drawn
EXTREMES = 40
DASHES = ("solid", "dash", "dot", "dashdot")


@dataclass(frozen=True)
class Shape:
    """One quantity within its lots, and what was fitted to it.

    `values` [n] readings about their lot's mean, moved to the overall mean; `curves`: name -> density at `at`, the chosen
    one first; `theory` [n]: quantiles of the chosen distribution at the plotting positions of the sorted `of_chosen` values.
    """

    title: str
    unit: str
    values: Array
    at: Array
    curves: dict[str, Array]
    of_chosen: Array
    theory: Array


def distribution(shape: Shape) -> go.Figure:
    """Histogram with fitted densities, and a Q-Q plot against the chosen distribution."""
    figure = make_subplots(rows=1, cols=2, column_widths=[0.58, 0.42], horizontal_spacing=0.11)
    edges = _edges(shape.values)
    counts, _ = np.histogram(shape.values, edges)
    density = counts / counts.sum() / np.diff(edges)
    figure.add_trace(
        go.Bar(
            x=0.5 * (edges[1:] + edges[:-1]), y=density, width=np.diff(edges), name="readings",
            marker={"color": LIGHT, "line": {"width": 0}}, customdata=counts,
            hovertemplate="%{x:.5g}: %{customdata:,} cells<extra></extra>",
        ), row=1, col=1,
    )  # fmt: skip
    for k, (name, curve) in enumerate(shape.curves.items()):
        line = {"color": SERIES[k % len(SERIES)], "dash": DASHES[k % len(DASHES)], "width": 3 if k == 0 else 1.6}
        figure.add_trace(go.Scatter(x=shape.at, y=curve, mode="lines", name=safe(name), line=line), row=1, col=1)
    figure.add_trace(_quantiles(shape), row=1, col=2)
    ends = [float(shape.theory[0]), float(shape.theory[-1])]
    figure.add_trace(
        go.Scatter(x=ends, y=ends, mode="lines", line={"color": INK, "width": 1.2}, showlegend=False, hoverinfo="skip"),
        row=1, col=2,
    )  # fmt: skip
    axis = labels.axis(shape.title + " within lots", shape.unit)
    dress(figure, 380)
    figure.update_layout(bargap=0.0, legend={"y": 1.1}, margin={"t": 74})
    figure.update_xaxes(title_text=safe(axis), row=1, col=1)
    figure.update_yaxes(title_text="density", showticklabels=False, row=1, col=1)
    figure.update_xaxes(title_text=f"quantile of the {safe(next(iter(shape.curves)))}", row=1, col=2)
    figure.update_yaxes(title_text=f"reading [{labels.unit_text(shape.unit)}]", row=1, col=2)
    panel_title(figure, "<b>Q-Q</b>", 1, 2)
    return figure


def _edges(values: Array) -> Array:
    """Bins over all values, narrow enough for the main part (Freedman & Diaconis 1981), at most 160."""
    q1, q3 = np.quantile(values, [0.25, 0.75])
    width = 2.0 * float(q3 - q1) / values.size ** (1.0 / 3.0)
    span = float(np.ptp(values))
    count = int(min(max(span / width if width > 0.0 else 30.0, 12.0), 160.0))
    return np.linspace(float(values.min()), float(values.max()), count + 1)


def _quantiles(shape: Shape) -> go.Scatter:
    ordered, n = np.sort(shape.of_chosen), shape.of_chosen.size
    some = np.unique(
        np.concatenate(
            [
                np.linspace(0, n - 1, min(MOST_POINTS, n)).astype(int),
                np.arange(min(EXTREMES, n)),
                n - 1 - np.arange(min(EXTREMES, n)),
            ]
        )
    )
    return go.Scatter(
        x=shape.theory[some],
        y=ordered[some],
        mode="markers",
        showlegend=False,
        marker={"size": 5, "color": SERIES[0], "opacity": 0.75},
        hovertemplate="fitted %{x:.5g}, read %{y:.5g}<extra></extra>",
    )


def lot_chart(table: pd.DataFrame) -> go.Figure:
    """Mean of every lot with the spread within it, one panel a quantity, lots in the order of the file.

    Args:
        table: columns quantity, unit, title, lot, cells, mean, sd, overall, sd_lot (overall mean and sd between lots).
    """
    names = list(dict.fromkeys(table["quantity"]))
    height = 190
    figure = make_subplots(rows=len(names), cols=1, shared_xaxes=True, vertical_spacing=0.32 / max(len(names), 2))
    for row, name in enumerate(names, start=1):
        part = table[table["quantity"] == name].reset_index(drop=True)
        overall, sd = float(part["overall"].iloc[0]), float(part["sd_lot"].iloc[0])
        x = np.arange(1, len(part) + 1)
        far = np.abs(part["mean"] - overall) > 3.0 * sd if sd > 0.0 else np.zeros(len(part), bool)
        figure.add_trace(
            go.Scatter(
                x=x,
                y=part["mean"],
                mode="markers",
                showlegend=False,
                marker={"size": 7, "color": np.where(far, HIGHLIGHT, SERIES[0])},
                error_y={"array": part["sd"], "color": "rgba(0,114,178,0.45)", "thickness": 1.4, "width": 0},
                customdata=list(zip((safe(str(lot)) for lot in part["lot"]), part["cells"], part["sd"], strict=True)),
                hovertemplate="lot %{customdata[0]}: %{customdata[1]:,} cells, mean %{y:.5g}, "
                "sd %{customdata[2]:.3g}<extra></extra>",
            ),
            row=row,
            col=1,
        )
        band = {"fillcolor": "rgba(0,114,178,0.10)", "line_width": 0, "layer": "below"}  # after a trace: else ignored
        figure.add_hrect(y0=overall - 2 * sd, y1=overall + 2 * sd, row=row, col=1, **band)
        figure.add_hline(y=overall, line={"color": MUTED, "width": 1.2}, row=row, col=1)
        title, unit = part["title"].iloc[0], labels.unit_text(part["unit"].iloc[0])
        panel_title(figure, f"<b>{safe(title)}</b> [{safe(unit)}]", row, 1)
    dress(figure, height * len(names) + 110)
    figure.update_xaxes(title_text="lot, in the order of the file", row=len(names), col=1)
    return figure

"""Figures of cells before and after the test (Plotly), shared by report, app and notebooks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from packsim.report.tables import Array, Capacities, Counts
from packsim.report.theme import INK, MUTED, SERIES, dress, panel_title, safe

BARS = 50  # a histogram is drawn with about as many bars


def capacity_histograms(scenarios: Sequence[Capacities]) -> go.Figure:
    """Measured capacity before and after the test, one panel a scenario, with the limits of the capacity test."""
    first, last, merge = _window(scenarios)
    figure = make_subplots(rows=len(scenarios), cols=1, shared_xaxes=True, vertical_spacing=0.09)
    for row, one in enumerate(scenarios, start=1):
        edges = one.edges_pct[first : last + 1 : merge]
        total = max(int(one.started.sum()), 1)
        color = SERIES[(row - 1) % len(SERIES)]
        for filled, counts in ((False, one.started), (True, one.shipped)):
            bars = _merged(counts, first, last, merge)
            figure.add_trace(_outline(edges, bars, total, filled, color, legend=row == 1), row, 1)
        outside = int(one.started.sum() - _merged(one.started, first, last, merge).sum())
        note = f"<b>{safe(one.name)}</b>" + (
            f" ({outside:,} of {total:,} cells made lie beyond this axis)" if outside else ""
        )
        panel_title(figure, note, row, 1)
    dress(figure, 250 * len(scenarios) + 110)
    _limits(figure, scenarios)
    width = float(scenarios[0].edges_pct[merge] - scenarios[0].edges_pct[0])
    figure.update_yaxes(title_text=f"cells made [% per {width:.1f} %]", rangemode="tozero")
    figure.update_xaxes(title_text="measured capacity [% of the nominal cell]", row=len(scenarios), col=1)
    figure.update_layout(legend={"y": 1.0 + 30 / (250 * len(scenarios))}, margin={"t": 84})
    return figure


def _window(scenarios: Sequence[Capacities]) -> tuple[int, int, int]:
    """First and last edge to show (98 % of all started cells, and the limits), and how many bins make one bar."""
    edges = scenarios[0].edges_pct
    inner = np.sum([one.started for one in scenarios], axis=0)[1:-1]
    if not inner.sum():
        return 0, len(inner), max(len(inner) // BARS, 1)
    share = np.cumsum(inner) / inner.sum()
    limits = [x for one in scenarios for x in (one.lower_pct, one.upper_pct) if x is not None]
    at = [int(np.searchsorted(edges, x)) for x in limits]
    low, high = min([int(np.searchsorted(share, 0.01)), *at]), max([int(np.searchsorted(share, 0.99)) + 1, *at])
    merge = next((m for m in (1, 2, 5, 10, 20) if (high - low) / m <= BARS), 20)
    room = 2 + BARS // 12
    first = max((low // merge - room) * merge, 0)
    last = min((-(-high // merge) + room) * merge, len(inner) // merge * merge)
    return first, last, merge


def _merged(counts: Counts, first: int, last: int, merge: int) -> Counts:
    merged: Counts = counts[1:-1][first:last].reshape(-1, merge).sum(axis=1)
    return merged


def _outline(edges: Array, bars: Counts, total: int, filled: bool, color: str, *, legend: bool) -> go.Scatter:
    """A histogram as one stepped line: dotted where all cells, filled where those that ship."""
    label = "cells that ship" if filled else "all cells made"
    red, green, blue = (int(color[k : k + 2], 16) for k in (1, 3, 5))
    return go.Scatter(
        x=edges,
        y=100.0 * np.append(bars, 0) / total,
        name=label,
        legendgroup=label,
        showlegend=legend,
        mode="lines",
        line={"shape": "hv", "color": color if filled else MUTED, "width": 2, "dash": "solid" if filled else "dot"},
        fill="tozeroy" if filled else None,
        fillcolor=f"rgba({red},{green},{blue},0.18)" if filled else None,
        customdata=list(zip(np.append(bars, 0), np.append(edges[1:], edges[-1:]), strict=True)),
        hovertemplate=f"{label}: %{{customdata[0]:,}} (%{{y:.3g}} %) from %{{x:.1f}} to %{{customdata[1]:.1f}} %"
        "<extra></extra>",
    )


def _limits(figure: go.Figure, scenarios: Sequence[Capacities]) -> None:
    for row, one in enumerate(scenarios, start=1):
        for value, label, side in (
            (one.lower_pct, "lower limit", "top left"),
            (one.upper_pct, "upper limit", "top right"),
        ):
            if value is not None:
                figure.add_vline(
                    x=value,
                    line={"color": INK, "width": 1.5, "dash": "dash"},
                    annotation_text=f"{label} {value:g} %",
                    annotation_position=side,
                    annotation_font={"size": 13, "color": INK},
                    row=row,
                    col=1,
                )

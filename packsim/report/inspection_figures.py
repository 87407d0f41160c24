"""Figures of the end-of-line test (Plotly), shared by report, app and notebooks."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go

from packsim.inspection.rates import Roc
from packsim.report.theme import SERIES, SYMBOLS, dress, safe

DASHES = ("solid", "dash", "dot", "dashdot")


def k_roc_figure(curves: Mapping[str, Roc]) -> go.Figure:
    """Detection of particle contamination against false alarms, on a logarithm; a mark where each limit stands.

    Args:
        curves: name -> `inspection.rates.k_roc`, at most four.
    """
    figure = go.Figure()
    for place, (name, roc) in enumerate(curves.items()):
        color = SERIES[place % len(SERIES)]
        alarm = np.where(roc.false_alarm > 0.0, 100.0 * roc.false_alarm, math.nan)
        figure.add_trace(
            go.Scatter(
                x=alarm,
                y=100.0 * roc.detection,
                name=f"{safe(name)}, AUC {roc.auc:.4f}",
                mode="lines",
                legendgroup=str(place),
                line={"color": color, "dash": DASHES[place % len(DASHES)], "width": 2.5},
                customdata=roc.limit,
                hovertemplate="limit %{customdata:.4g}: false alarms %{x:.3g} %, detected %{y:.2f} %<extra></extra>",
            )
        )
        if math.isfinite(roc.at_limit[0]) and roc.at_limit[0] > 0.0:
            figure.add_trace(
                go.Scatter(
                    x=[100.0 * roc.at_limit[0]],
                    y=[100.0 * roc.at_limit[1]],
                    name=f"{safe(name)}: the limit",
                    mode="markers",
                    legendgroup=str(place),
                    showlegend=False,
                    marker={"color": color, "symbol": SYMBOLS[place % len(SYMBOLS)], "size": 12},
                    hovertemplate="the limit: false alarms %{x:.3g} %, detected %{y:.2f} %<extra></extra>",
                )
            )
    dress(figure, 430)
    figure.update_xaxes(type="log", title_text="false alarms: clean cells above the limit [%]")
    figure.update_yaxes(title_text="particle contamination detected [%]")
    return figure

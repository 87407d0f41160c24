"""Figures of one pack in time (Plotly), shared by report, app and notebooks."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from packsim.report.tables import MONITORING, Array, PackVoltages
from packsim.report.theme import HIGHLIGHT, INK, LIGHT, SERIES, dress, panel_title, safe

MOST_POINTS = 400  # of one line; more cannot be seen
DASHES = ("solid", "dash", "dot", "dashdot")
BEFORE = 1.5  # the zoom begins this many times earlier than the way between the two stops
STOP_WORDS = {
    "every_group": "stop if every group is watched",
    "every_module": "stop if every module is watched",
    "pack_only": "stop if only the pack is watched",
}


def pack_voltages(pack: PackVoltages) -> go.Figure:
    """Group voltages over charge, rest and discharge, the first empty one highlighted; right: the end of discharge."""
    figure = make_subplots(rows=1, cols=2, column_widths=[0.52, 0.48], horizontal_spacing=0.09)
    hours = pack.time_s / 3600.0
    end_s = max(pack.stops_s.values(), default=float(pack.time_s[-1]))
    minutes = (pack.time_s - end_s) / 60.0
    first = _zoom_start(pack, end_s)
    whole, end = _thinned(pack.time_s, 0.0), _thinned(pack.time_s, first)
    for col, time, keep, unit in ((1, hours, whole, "h"), (2, minutes, end, "min")):
        _lines(figure, pack, time, keep, unit, col)
        limits = (
            (pack.lower_v, "lower cut-off"),
            (pack.upper_v, "upper cut-off"),
            (0.0, "0 V: reversal below (postulated)"),
        )
        lowest = float(pack.group_v[:, keep].min())
        for volts, words in limits[: 2 if lowest > 0.0 else 3][: 2 if col == 1 else 3]:
            if col == 1 or volts != pack.upper_v:
                figure.add_hline(
                    y=volts, line={"color": INK, "width": 1.2, "dash": "dash"}, annotation_text=f"{words} {volts:g} V"
                    if volts else words, annotation_position="bottom left" if volts == pack.lower_v else "top left",
                    annotation_font={"size": 12, "color": INK}, row=1, col=col,
                )  # fmt: skip
    for place, (kind, stop) in enumerate(pack.stops_s.items()):
        figure.add_vline(x=(stop - end_s) / 60.0, line={"color": SERIES[2 * place], "width": 2}, row=1, col=2)
        figure.add_trace(
            _legend_line(STOP_WORDS.get(kind, MONITORING.get(kind, kind)), SERIES[2 * place]), row=1, col=2
        )
    panel_title(figure, f"<b>Charge, rest, discharge</b> ({safe(pack.name)})", 1, 1)
    panel_title(figure, "<b>End of discharge</b>", 1, 2)
    dress(figure, 470)
    low, high = float(pack.group_v[:, end].min()), float(pack.group_v[:, end].max())
    figure.update_yaxes(range=[low - 0.06 * (high - low), high + 0.08 * (high - low)], row=1, col=2)
    low = min(float(pack.group_v[:, whole].min()), pack.lower_v)
    room = 0.1 * (pack.upper_v - low)
    figure.update_yaxes(title_text="group voltage [V]", range=[low - room, pack.upper_v + room], row=1, col=1)
    figure.update_xaxes(title_text="time [h]", row=1, col=1)
    figure.update_xaxes(title_text="time before the pack reaches its cut-off [min]", row=1, col=2)
    figure.update_layout(legend={"y": 1.1}, margin={"t": 92})
    return figure


def lowest_voltages(lowest_v: dict[str, Array], lower_v: float, margin_v: float) -> go.Figure:
    """How deep the lowest group of each pack falls: share of packs at or below each voltage.

    Args:
        lowest_v: scenario -> lowest group voltage of each pack where discharge stops at the pack's voltage.
        lower_v: cut-off of a cell; margin_v: below it a pack counts as over-discharged.
    """
    figure = go.Figure()
    for place, (name, volts) in enumerate(lowest_v.items()):
        x = np.sort(volts[np.isfinite(volts)])
        share = 100.0 * np.arange(1, x.size + 1) / max(x.size, 1)
        figure.add_trace(
            go.Scatter(
                x=x,
                y=share,
                name=safe(name),
                mode="lines",
                line={"shape": "hv", "color": SERIES[place % len(SERIES)], "width": 2.5, "dash": DASHES[place % 4]},
                hovertemplate=safe(name) + ": %{y:.3g} % of packs at or below %{x:.3f} V<extra></extra>",
            )
        )
    dress(figure, 380)
    lines = {"cut-off": lower_v, "margin": lower_v - margin_v, "1 V": 1.0, "0 V, reversal below": 0.0}
    lowest = min((float(v.min()) for v in lowest_v.values() if v.size), default=lower_v)
    for label, level in lines.items():
        if level >= min(lowest, lower_v - margin_v) - 1e-9:
            text = f"{label} {level:g} V" if label in ("cut-off", "margin") else label
            figure.add_vline(
                x=level,
                line={"color": INK, "width": 1.5, "dash": "dash"},
                annotation_text=text,
                annotation_position="top left" if label == "cut-off" else "top right",
                annotation_font={"size": 13, "color": INK},
            )
    figure.update_yaxes(title_text="packs at or below [%]", range=[-2, 112], tickvals=[0, 20, 40, 60, 80, 100])
    figure.update_xaxes(title_text="voltage of the pack's lowest group when the pack reaches its cut-off [V]")
    figure.update_layout(legend={"y": 1.02}, margin={"t": 60})
    return figure


def _zoom_start(pack: PackVoltages, end_s: float) -> float:
    """Where the zoom begins [s]: well before the first stop, at least two minutes before the last."""
    first = min(pack.stops_s.values(), default=end_s)
    return max(min(first - BEFORE * (end_s - first), end_s - 120.0), float(pack.time_s[0]))


def _thinned(time_s: Array, first_s: float) -> np.ndarray:
    """Rows from `first_s` on, at most `MOST_POINTS`: the nearest to evenly spaced times, and all ends of phases."""
    rows = np.flatnonzero(time_s >= first_s)
    if rows.size <= MOST_POINTS:
        return rows
    even = np.linspace(time_s[rows[0]], time_s[rows[-1]], MOST_POINTS - 50)
    by_time = rows[0] + np.searchsorted(time_s[rows], even).clip(0, rows.size - 1)
    return np.unique(np.concatenate([by_time, rows[-50:]]))  # the last steps are short: that is where the knee is


def _lines(figure: go.Figure, pack: PackVoltages, time: Array, keep: np.ndarray, unit: str, col: int) -> None:
    """All groups as one grey trace with gaps, the pack's mean, and the weakest group on top."""
    x = time[keep].astype(np.float32)
    others = np.delete(pack.group_v[:, keep], pack.weakest, axis=0) if pack.weakest >= 0 else pack.group_v[:, keep]
    gap = np.full((len(others), 1), np.nan, np.float32)
    style = {"mode": "lines", "showlegend": col == 1}
    if len(others):
        figure.add_trace(
            go.Scatter(
                x=np.append(x, np.float32(np.nan))[None, :].repeat(len(others), axis=0).ravel(),
                y=np.concatenate([others.astype(np.float32), gap], axis=1).ravel(),
                name=f"the other {len(others)} groups",
                legendgroup="others",
                line={"color": LIGHT, "width": 1},
                hoverinfo="skip",
                **style,
            ),
            row=1,
            col=col,
        )
    mean = pack.group_v[:, keep].mean(axis=0)
    named: list[tuple[str, Array, dict[str, object]]] = [
        ("mean of all groups", mean, {"color": INK, "width": 2, "dash": "dot"})
    ]
    if pack.weakest >= 0:
        label = f"first group to be empty (number {pack.weakest})"
        named.append((label, pack.group_v[pack.weakest, keep], {"color": HIGHLIGHT, "width": 3}))
    for name, volts, line in named:
        hover = f"{name}: %{{y:.3f}} V at %{{x:.2f}} {unit}<extra></extra>"
        figure.add_trace(
            go.Scatter(
                x=x, y=volts.astype(np.float32), name=name, legendgroup=name, line=line, hovertemplate=hover, **style
            ),
            row=1,
            col=col,
        )


def _legend_line(name: str, color: str) -> go.Scatter:
    return go.Scatter(x=[None], y=[None], name=name, mode="lines", line={"color": color, "width": 2}, hoverinfo="skip")

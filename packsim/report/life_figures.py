"""Figures of lives (Plotly): who is still alive, what the others failed by, how fast, and whether a Weibull fits.

All take plain tables; those of `packsim.stats` have the same columns. Shares are fractions there and percent here. `x_title`
names the time and its unit, `age [years]`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from packsim.report.labels import figures
from packsim.report.theme import PATTERNS, SERIES, SYMBOLS, dress, panel_title, safe

Array = npt.NDArray[np.float64]

MOST_STEPS = 1500  # of one curve: a screen shows no more
STRIP = 26  # height of one line of numbers at risk, pixels
SHARES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 80, 90, 99, 99.9)  # ticks, percent


def survival_curves(table: pd.DataFrame, x_title: str) -> go.Figure:
    """Share of packs alive over time with 95 % bands, and how many are still watched below.

    Args:
        table: columns scenario, time, survival, low, high, at_risk: a row a step, times ascending from 0 within a scenario;
            what is said of a time holds up to the next. low, high nan: not to be said.
    """
    scenarios = list(table.groupby("scenario", sort=False))
    strip, curve = STRIP * len(scenarios) + 12, 330
    gap, total = 66, curve + strip + 66
    figure = make_subplots(
        rows=2, cols=1, shared_xaxes=True, row_heights=[curve, strip], vertical_spacing=gap / total
    )  # fmt: skip
    last = float(table["time"].max()) or 1.0
    ticks = nice_ticks(last)
    for place, (name, rows) in enumerate(scenarios):
        thin = thinned(rows)
        color = SERIES[place % len(SERIES)]
        for part in _band(thin, 100.0):
            part.update(fillcolor=_pale(color), legendgroup=str(place))
            figure.add_trace(part, row=1, col=1)
        figure.add_trace(_alive(thin, str(name), place), row=1, col=1)
        time, at_risk = (rows[key].to_numpy(float) for key in ("time", "at_risk"))
        left = np.append(at_risk, 0.0)[np.searchsorted(time, ticks, side="left")]
        figure.add_trace(
            go.Scatter(
                x=ticks, y=[place] * len(ticks), mode="text", text=[f"{int(n):,}" for n in left], showlegend=False,
                textfont={"size": 13, "color": color}, hoverinfo="skip", cliponaxis=False,
            ), row=2, col=1,
        )  # fmt: skip
    dress(figure, total + 84)
    figure.update_layout(margin={"b": 24})
    figure.update_xaxes(tickvals=ticks, range=[-0.03 * last, 1.03 * last])
    figure.update_xaxes(title_text=x_title, showticklabels=True, row=1, col=1)
    figure.update_xaxes(showgrid=False, showline=False, ticks="", showticklabels=False, row=2, col=1)
    figure.update_yaxes(title_text="packs alive [%]", rangemode="tozero", row=1, col=1)
    figure.update_yaxes(range=[len(scenarios) - 0.4, -0.6], showgrid=False, ticks="", row=2, col=1)
    names = [safe(str(name)) for name, _ in scenarios]
    figure.update_yaxes(tickvals=list(range(len(names))), ticktext=names, row=2, col=1)
    figure.update_layout(showlegend=len(scenarios) > 1)
    panel_title(figure, "<b>packs still watched</b>", 2, 1)
    return figure


def _alive(rows: pd.DataFrame, name: str, place: int) -> go.Scatter:
    share, low, high = (100.0 * rows[key].to_numpy(float) for key in ("survival", "low", "high"))
    said = [
        f"95 % interval {figures(a, 4)} to {figures(b, 4)} %" if math.isfinite(a + b) else "no interval"
        for a, b in zip(low, high, strict=True)
    ]  # fmt: skip
    return go.Scatter(
        x=rows["time"],
        y=share,
        name=safe(name),
        legendgroup=str(place),
        mode="lines",
        line={"color": SERIES[place % len(SERIES)], "width": 2.4, "shape": "hv"},
        customdata=list(zip(said, rows["at_risk"], strict=True)),
        hovertemplate=safe(name)
        + ", %{x:.4g}: %{y:.4g} % alive (%{customdata[0]}), %{customdata[1]:,} packs watched<extra></extra>",
    )


def incidence_by_cause(table: pd.DataFrame, x_title: str) -> go.Figure:
    """Share of packs that failed by each cause over time, stacked: the upper edge is all that failed.

    Args:
        table: columns cause, time, incidence, low, high: a row a step, the same times for every cause.
    """
    figure = go.Figure()
    for place, (cause, rows) in enumerate(table.groupby("cause", sort=False)):
        figure.add_trace(_stacked(thinned(rows), str(cause), place))
    dress(figure, 430)
    figure.update_xaxes(title_text=x_title, rangemode="tozero")
    figure.update_yaxes(title_text="packs failed [%]", rangemode="tozero")
    figure.update_layout(legend={"traceorder": "normal"})
    return figure


def _stacked(rows: pd.DataFrame, cause: str, place: int) -> go.Scatter:
    color, pattern = SERIES[place % len(SERIES)], PATTERNS[(place + place // len(SERIES)) % len(PATTERNS)]
    share, low, high = (100.0 * rows[key].to_numpy(float) for key in ("incidence", "low", "high"))
    return go.Scatter(
        x=rows["time"],
        y=share,
        name=safe(cause),
        mode="lines",
        stackgroup="failed",
        line={"color": color, "width": 1.4, "shape": "hv"},
        fillcolor=_pale(color, 0.55),
        fillpattern={"shape": pattern, "fgcolor": "white", "fgopacity": 0.8, "size": 8, "solidity": 0.18},
        customdata=list(zip(share, low, high, strict=True)),
        hovertemplate=safe(cause)
        + ", %{x:.4g}: %{customdata[0]:.3g} % (95 % interval %{customdata[1]:.3g} to %{customdata[2]:.3g} %)"
        "<extra></extra>",
    )


def weibull_plot(points: pd.DataFrame, lines: pd.DataFrame, x_title: str) -> go.Figure:
    """Weibull probability plot: lives that are Weibull lie on a line, whose slope is the shape.

    Args:
        points: columns scenario, time, share: failures at their median ranks.
        lines: columns scenario, time, share, low, high: fits with their 95 % bands, times ascending; may be empty.
    """
    figure = go.Figure()
    for place, (name, rows) in enumerate(points.groupby("scenario", sort=False)):
        color = SERIES[place % len(SERIES)]
        fit = lines[lines["scenario"] == name]
        x = np.log10(fit["time"].to_numpy(float))
        on_scale = pd.DataFrame({"time": x} | {key: weibit(fit[key].to_numpy(float)) for key in ("low", "high")})
        for part in _band(on_scale, 1.0, stepped=False):
            part.update(fillcolor=_pale(color), legendgroup=str(place))
            figure.add_trace(part)
        figure.add_trace(
            go.Scatter(
                x=x, y=weibit(fit["share"].to_numpy(float)), mode="lines", line={"color": color, "width": 2},
                legendgroup=str(place), showlegend=False, hoverinfo="skip",
            )
        )  # fmt: skip
        figure.add_trace(_ranked(rows, str(name), place))
    dress(figure, 470)
    _weibull_axes(figure, points, lines)
    figure.update_xaxes(title_text=x_title)
    figure.update_yaxes(title_text="packs failed [%]")
    figure.update_layout(showlegend=points["scenario"].nunique() > 1)
    return figure


def _ranked(rows: pd.DataFrame, name: str, place: int) -> go.Scatter:
    time, share = rows["time"].to_numpy(float), rows["share"].to_numpy(float)
    keep = np.unique(np.geomspace(1, len(time), MOST_STEPS).astype(int) - 1)  # all of the first, which lie far apart
    color = SERIES[place % len(SERIES)]
    return go.Scatter(
        x=np.log10(time[keep]),
        y=weibit(share[keep]),
        mode="markers",
        name=safe(name),
        legendgroup=str(place),
        marker={
            "size": 7, "symbol": SYMBOLS[place % len(SYMBOLS)], "color": "white", "line": {"color": color, "width": 1.6}
        },
        customdata=list(zip(time[keep], 100.0 * share[keep], strict=True)),
        hovertemplate=safe(name) + ": %{customdata[1]:.3g} % by %{customdata[0]:.4g}<extra></extra>",
    )  # fmt: skip


def _weibull_axes(figure: go.Figure, points: pd.DataFrame, lines: pd.DataFrame) -> None:
    """Ticks where readers expect them: 1, 2, 5 ... on the logarithm of time, percent on that of -log(1 - share).

    The range is that of points and fitted lines; a band may leave it.
    """
    both = pd.concat([points, lines])
    y = weibit(both["share"].to_numpy(float))
    y = y[np.isfinite(y)]
    low, high = (float(y.min()) - 0.3, float(y.max()) + 0.3) if y.size else (-4.0, 1.0)
    shown = [share for share in SHARES if low <= weibit(np.array(share / 100.0)) <= high]
    figure.update_yaxes(
        tickvals=[float(weibit(np.array(share / 100.0))) for share in shown],
        ticktext=[f"{share:g}" for share in shown],
        range=[low, high],
    )
    time = both["time"].to_numpy(float)
    time = time[np.isfinite(time) & (time > 0.0)]
    if time.size:
        a, b = math.log10(time.min()) - 0.04, math.log10(time.max()) + 0.04
        values = [m * 10.0**e for e in range(math.floor(a), math.ceil(b) + 1) for m in _steps(b - a)]
        inside = [v for v in values if a <= math.log10(v) <= b]
        figure.update_xaxes(
            tickvals=[math.log10(v) for v in inside], ticktext=[figures(v, 3) for v in inside], range=[a, b]
        )


def _steps(decades: float) -> tuple[int, ...]:
    if decades > 4.0:
        return (1,)
    return (1, 2, 5) if decades > 1.0 else (1, 2, 3, 4, 5, 6, 7, 8, 9)


def hazards(table: pd.DataFrame, x_title: str, y_title: str) -> go.Figure:
    """Failures per time by age, one panel a cause, each with its own scale; bands are 95 % intervals.

    Args:
        table: columns cause, start, end, failed, hazard, low, high: a row a bin of age, ascending within a cause.
        y_title: of the hazard, `failures per 1000 pack-years`.
    """
    causes = list(table.groupby("cause", sort=False))
    cols = 2 if len(causes) > 1 else 1
    lines = -(-len(causes) // cols)
    figure = make_subplots(rows=lines, cols=cols, vertical_spacing=0.3 / lines, horizontal_spacing=0.13)
    for place, (cause, rows) in enumerate(causes):
        row, col = place // cols + 1, place % cols + 1
        color = SERIES[place % len(SERIES)]
        steps = _closed(rows)
        for part in _band(steps, 1.0):
            part.update(fillcolor=_pale(color))
            figure.add_trace(part, row=row, col=col)
        figure.add_trace(_rate(steps, str(cause), color), row=row, col=col)
        panel_title(figure, f"<b>{safe(str(cause))}</b>", row, col)
        figure.update_xaxes(title_text=x_title if place >= len(causes) - cols else None, row=row, col=col)
        figure.update_yaxes(title_text=y_title if col == 1 else None, row=row, col=col)
    dress(figure, 250 * lines + 90, showlegend=False)
    figure.update_yaxes(rangemode="tozero")
    figure.update_xaxes(range=[float(table["start"].min()), float(table["end"].max())])
    return figure


def _closed(rows: pd.DataFrame) -> pd.DataFrame:
    """Bins as steps: each starts at its time, and the last one ends."""
    end = rows.iloc[[-1]].assign(start=rows["end"].iloc[-1])
    return pd.concat([rows, end]).rename(columns={"start": "time"})


def _rate(steps: pd.DataFrame, cause: str, color: str) -> go.Scatter:
    fields = [steps[key] for key in ("end", "failed", "low", "high")]
    return go.Scatter(
        x=steps["time"],
        y=steps["hazard"],
        mode="lines",
        line={"color": color, "width": 2.2, "shape": "hv"},
        customdata=list(zip(*fields, strict=True)),
        hovertemplate=safe(cause)
        + ", %{x:.4g} to %{customdata[0]:.4g}: %{y:.3g} (95 % interval %{customdata[2]:.3g} to "
        "%{customdata[3]:.3g}), %{customdata[1]:,} failures<extra></extra>",
    )


def weibit(share: Array) -> Array:
    """log(-log(1 - share)), the scale of a Weibull plot; infinite for none and all."""
    with np.errstate(divide="ignore", invalid="ignore"):
        on_scale: Array = np.log(-np.log1p(-share))
    return on_scale


def thinned(rows: pd.DataFrame) -> pd.DataFrame:
    """At most `MOST_STEPS` rows, evenly taken, the first and the last among them."""
    if len(rows) <= MOST_STEPS:
        return rows
    return rows.iloc[np.linspace(0, len(rows) - 1, MOST_STEPS).astype(int)]


def nice_ticks(last: float, most: int = 8) -> Array:
    """0, then equal steps of 1, 2, 2.5 or 5 times a power of ten up to `last`, at most `most` of them."""
    size = 10.0 ** math.floor(math.log10(last / most))
    step = next(m * size for m in (1.0, 2.0, 2.5, 5.0, 10.0, 20.0) if last / (m * size) <= most - 1 + 1e-9)
    return np.arange(int(last / step + 1e-9) + 1, dtype=np.float64) * step


def _band(rows: pd.DataFrame, factor: float, *, stepped: bool = True) -> Sequence[go.Scatter]:
    """Areas between low and high, one for each stretch of rows where both are known."""
    time, low, high = (rows[key].to_numpy(float) for key in ("time", "low", "high"))
    known = np.isfinite(low) & np.isfinite(high) & np.isfinite(time)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], known, [False]]).astype(int)))
    areas = []
    for a, b in edges.reshape(-1, 2):
        x, bottom, top = time[a:b], low[a:b], high[a:b]
        if stepped:
            ends = np.append(time[a + 1 : b], time[min(b, len(time) - 1)])  # each step holds up to the next
            x, bottom, top = np.column_stack([x, ends]).ravel(), np.repeat(bottom, 2), np.repeat(top, 2)
        areas.append(
            go.Scatter(
                x=np.concatenate([x, x[::-1]]), y=factor * np.concatenate([bottom, top[::-1]]), mode="lines",
                fill="toself", line={"width": 0}, hoverinfo="skip", showlegend=False,
            )
        )  # fmt: skip
    return areas


def _pale(color: str, opacity: float = 0.18) -> str:
    red, green, blue = (int(color[k : k + 2], 16) for k in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"

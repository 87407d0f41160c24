"""One look for all figures: dark text on white, the color-blind safe palette of Okabe & Ito (2008), no chart junk."""

from __future__ import annotations

import html
from typing import Any

import plotly.graph_objects as go

FONT = "'Segoe UI', 'Helvetica Neue', Arial, 'Liberation Sans', sans-serif"
INK, MUTED, GRID, LIGHT = "#1b1f24", "#57606a", "#e4e7eb", "#b8bfc7"
SERIES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")  # first, second ... scenario, always in this order
REAL, NOISE = "#1b1f24", "#7d8590"
HIGHLIGHT = "#D55E00"
PATTERNS = ("", "/", "x", ".")  # so that bars differ without color, too
SYMBOLS = ("circle", "diamond", "square", "x")


def safe(text: str) -> str:
    """Text from a scenario for a figure, where Plotly would read `<b>` or `<a href=...>` as markup."""
    return html.escape(text, quote=False)


def dress(figure: go.Figure, height: int, **layout: Any) -> go.Figure:
    """Give a figure the house's look."""
    figure.update_layout(
        height=height,
        font={"family": FONT, "size": 14, "color": INK},
        paper_bgcolor="white",
        plot_bgcolor="white",
        margin={"l": 70, "r": 24, "t": 46, "b": 58},
        legend={"orientation": "h", "x": 0.0, "xanchor": "left", "y": 1.0, "yanchor": "bottom", "font": {"size": 14}},
        hoverlabel={"font": {"family": FONT, "size": 13, "color": INK}, "bgcolor": "white", "bordercolor": LIGHT},
        bargap=0.3,
        bargroupgap=0.08,
        **layout,
    )
    axes = {"gridcolor": GRID, "zeroline": False, "linecolor": LIGHT, "ticks": "outside", "tickcolor": LIGHT}
    text = {"automargin": True, "ticklabelstandoff": 5, "title": {"font": {"size": 14}}}
    figure.update_xaxes(**axes, **text, showline=True)
    figure.update_yaxes(**axes, **text, showline=False)
    figure.update_annotations(font={"family": FONT, "size": 14, "color": INK})
    return figure


def panel_title(figure: go.Figure, text: str, row: int, col: int = 1) -> None:
    """A bold title at the upper left of one panel; `text` may hold markup, so scenario text in it must be `safe`."""
    figure.add_annotation(
        text=text,
        x=0,
        xref="x domain",
        xanchor="left",
        y=1,
        yref="y domain",
        yanchor="bottom",
        yshift=4,
        showarrow=False,
        row=row,
        col=col,
    )


def bar_style(place: int) -> dict[str, Any]:
    """Color and hatching of the bars of scenario number `place`."""
    pattern = {"shape": PATTERNS[place % len(PATTERNS)], "fgcolor": "white", "size": 6, "solidity": 0.2}
    return {"color": SERIES[place % len(SERIES)], "pattern": pattern}

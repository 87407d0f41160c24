"""Yields by step (Plotly), and their tables."""

from __future__ import annotations

import math

import pandas as pd
import plotly.graph_objects as go

from packsim.report.html import Cell, Table
from packsim.report.labels import fixed
from packsim.report.theme import SERIES, dress, safe


def step_yields(steps: pd.DataFrame) -> go.Figure:
    """First-pass yield of each row of `study.yields.step_table`, top to bottom in the order of the line."""
    value = steps["first_pass_yield_pct"]
    known = steps["low"].notna() & steps["high"].notna()
    figure = go.Figure(
        go.Scatter(
            x=value,
            y=[safe(str(step).replace("_", " ")) for step in steps["step"]],
            mode="markers",
            marker={"size": 11, "color": SERIES[0]},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": (steps["high"] - value).where(known, 0.0),
                "arrayminus": (value - steps["low"]).where(known, 0.0),
                "color": SERIES[0],
            },
            customdata=steps[["entered", "reworked", "scrapped"]],
            hovertemplate=(
                "%{y}: %{x:.3f} %<br>entered %{customdata[0]:,}, reworked %{customdata[1]:,}, "
                "scrapped %{customdata[2]:,}<extra></extra>"
            ),
        )
    )
    dress(figure, 34 * len(steps) + 110)
    figure.update_yaxes(autorange="reversed")
    figure.update_xaxes(title_text="first-pass yield [%]")
    return figure


def tables(steps: pd.DataFrame, materials: pd.DataFrame) -> list[Table]:
    """The steps and the materials in numbers."""
    rows = []
    for row in steps.to_dict("records"):
        interval = "" if math.isnan(row["low"]) else f"{fixed(row['low'], 3)} to {fixed(row['high'], 3)}"
        counts = [Cell(f"{row[key]:,}", "number") for key in ("entered", "passed_at_first", "reworked", "scrapped")]
        rows.append([Cell(row["step"]), *counts, Cell(fixed(row["first_pass_yield_pct"], 3), "number"), Cell(interval)])
    used = [
        [Cell(row["material"]), *(Cell(fixed(row[key], 1), "number") for key in ("used", "in_good_cells", "loss_pct"))]
        for row in materials.to_dict("records")
    ]
    head = ("step", "entered", "passed at first", "reworked", "scrapped", "first-pass yield [%]", "95 % interval")
    return [
        Table(head, rows),
        Table(("material", "used [cells' worth]", "in cells that ship", "loss [%]"), used),
    ]

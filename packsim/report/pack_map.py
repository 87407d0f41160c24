"""A pack seen from above (Plotly): every cell a square, coloured by one quantity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from packsim.report.tables import Array
from packsim.report.theme import INK, MUTED, dress, safe

Whole = npt.NDArray[np.int64]

SHOWN = {  # column -> words, hover format
    "current_a": ("cell current [A]", ".3f"),
    "temperature_degc": ("cell temperature [degC]", ".2f"),
    "soc_pct": ("state of charge [%]", ".2f"),
    "capacity_ah": ("capacity [A.h]", ".4f"),
    "dcir_mohm": ("resistance [mOhm]", ".3f"),
    "voltage_v": ("cell voltage [V]", ".4f"),
}
SCALE = "Cividis"  # even in lightness, readable without color vision
LONGEST_ROW = 48  # groups side by side before the map goes on below


@dataclass(frozen=True)
class PackCells:
    """One pack's cells at one time, n rows: where each is, and what is known of it.

    `branch` is the cell's place in its group, `group` counts along the pack, `module` and `string` (or None) say what the
    group belongs to. `values` holds columns of n numbers, e.g. current_a, temperature_degc, soc_pct, capacity_ah; nan is
    drawn as a cross on white (an open cell, a dead sensor).
    """

    name: str
    group: Whole
    branch: Whole
    values: dict[str, Array]
    module: Whole | None = None
    string: Whole | None = None


def pack_map(cells: PackCells, quantity: str = "current_a", groups_a_row: int = 0) -> go.Figure:
    """The map: groups side by side, the cells of a group on top of each other; long packs continue below.

    Args:
        quantity: column of `cells.values` that gives the color; all columns are in the hover text.
        groups_a_row: where the map goes on below; 0: at the end of a module or of a string, at most 48.

    Raises:
        KeyError: no such column.
    """
    if quantity not in cells.values:
        raise KeyError(f"no column {quantity!r}; allowed: {', '.join(cells.values)}")
    row_groups = groups_a_row or _groups_a_row(cells)
    groups, branches = int(cells.group.max()) + 1, int(cells.branch.max()) + 1
    rows = -(-groups // row_groups)
    width = min(groups, row_groups)
    high = branches + 1  # a free line between rows of the map
    z = np.full((rows * high - 1, width), np.nan)
    x, y = cells.group % row_groups, (cells.group // row_groups) * high + cells.branch
    z[y, x] = cells.values[quantity]
    hover = np.full(z.shape, "", dtype=object)
    hover[y, x] = _hover(cells)
    words, form = SHOWN.get(quantity, (quantity, ".4g"))
    figure = go.Figure()
    figure.add_trace(
        go.Heatmap(
            z=z,
            colorscale=SCALE,
            xgap=1,
            ygap=1,
            text=hover,
            hovertemplate=_TEXT,
            hoverongaps=False,
            colorbar={"tickformat": form, "outlinewidth": 0, "ticklabelposition": "outside"},
        )
    )
    unknown = ~np.isfinite(cells.values[quantity])
    if unknown.any():
        figure.add_trace(
            go.Scatter(
                x=x[unknown],
                y=y[unknown],
                mode="markers",
                marker={"symbol": "x-thin-open", "size": 10, "color": INK},
                text=hover[y, x][unknown],
                hovertemplate=_TEXT,
                showlegend=False,
            )
        )
    _borders(figure, cells, row_groups, high, branches)
    dress(figure, int(np.clip(150 + 22 * len(z), 240, 900)))
    lowest = [row * high + 0.5 * (branches - 1) for row in range(rows)]
    ends = [f"{row * row_groups}-{min((row + 1) * row_groups, groups) - 1}" for row in range(rows)]
    figure.update_yaxes(
        autorange="reversed", tickvals=lowest, ticktext=ends, title_text="groups of the row", showgrid=False
    )
    figure.update_xaxes(title_text="group in the row, from the left", showgrid=False, range=[-0.5, width - 0.5])
    title = f"<b>{safe(cells.name)}</b>: {words}; {_spread(cells.values[quantity], form)}"
    figure.update_layout(title={"text": title, "x": 0.0, "xref": "paper", "font": {"size": 15}}, margin={"t": 60})
    return figure


_TEXT = "%{text}<extra></extra>"


def _spread(values: Array, form: str) -> str:
    known = values[np.isfinite(values)]
    if not known.size:
        return "nothing known"
    return f"lowest {known.min():{form}}, highest {known.max():{form}}"


def _groups_a_row(cells: PackCells) -> int:
    """The longest row, up to 48 groups, that ends where modules and strings end; a plain 48 where there is none."""
    groups = int(cells.group.max()) + 1
    string = groups if cells.string is None else int(np.bincount(_of_groups(cells, cells.string)).max())
    module = 1 if cells.module is None else int(np.bincount(_of_groups(cells, cells.module)).max())
    whole = [n for n in range(module, min(string, LONGEST_ROW) + 1, module) if string % n == 0]
    longest = max(whole, default=0)
    return longest if longest >= min(string, LONGEST_ROW) / 4 else min(groups, LONGEST_ROW)


def _of_groups(cells: PackCells, of_cells: Whole) -> Whole:
    """What the cells say of their group, one entry a group."""
    first = np.zeros(int(cells.group.max()) + 1, dtype=np.int64)
    first[cells.group] = of_cells
    return first


def _hover(cells: PackCells) -> np.ndarray:
    """Text of each cell: where it is and all that is known of it."""
    places = {"string": cells.string, "module": cells.module, "group": cells.group, "place": cells.branch}
    known = {name: numbers for name, numbers in places.items() if numbers is not None}
    texts = []
    for row in range(cells.group.size):
        where = ", ".join(f"{name} {int(numbers[row])}" for name, numbers in known.items())
        lines = [f"<b>{where}</b>"]
        for column, values in cells.values.items():
            words, form = SHOWN.get(column, (column, ".4g"))
            lines.append(f"{safe(words)}: {values[row]:{form}}" if np.isfinite(values[row]) else f"{safe(words)}: none")
        texts.append("<br>".join(lines))
    return np.array(texts, dtype=object)


def _borders(figure: go.Figure, cells: PackCells, row_groups: int, high: int, branches: int) -> None:
    """A line where a module ends, a thicker one where a string does."""
    for of_cells, color, thick in ((cells.module, MUTED, 1.5), (cells.string, INK, 3.0)):
        if of_cells is None:
            continue
        owner = _of_groups(cells, of_cells)
        for group in np.flatnonzero(np.diff(owner)) + 1:
            row, column = divmod(int(group), row_groups)
            if column == 0:
                continue  # the map goes on below here anyway
            top = row * high - 0.5
            figure.add_shape(
                type="line",
                x0=column - 0.5,
                x1=column - 0.5,
                y0=top,
                y1=top + branches,
                line={"color": color, "width": thick},
            )

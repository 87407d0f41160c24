"""The pack map: every cell where it belongs, what is unknown marked, rows that end where modules and strings do."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import pytest

from packsim.report.pack_map import PackCells, pack_map


def pack(series: int, parallel: int, module: int = 0, string: int = 0, name: str = "pack") -> PackCells:
    group = np.repeat(np.arange(series), parallel)
    branch = np.tile(np.arange(parallel), series)
    values = {"current_a": 100.0 * group + branch, "soc_pct": 50.0 + branch}
    return PackCells(
        name, group, branch, values, group // module if module else None, group // string if string else None
    )


def heat(figure: go.Figure) -> go.Heatmap:
    return next(trace for trace in figure.data if trace.type == "heatmap")


@pytest.mark.parametrize(
    ("series", "parallel", "module", "string", "width"),
    [
        (6, 2, 0, 0, 6),
        (96, 4, 12, 0, 48),
        (96, 1, 0, 0, 48),
        (200, 1, 10, 100, 20),
        (100, 3, 0, 0, 25),
        (97, 2, 0, 0, 48),  # a prime number of groups: plain rows
        (48, 1, 0, 16, 16),
    ],
)
def test_every_cell_is_drawn_once_where_it_belongs(
    series: int, parallel: int, module: int, string: int, width: int
) -> None:
    cells = pack(series, parallel, module, string)
    found = heat(pack_map(cells))
    z = np.array(found.z, float)
    assert z.shape[1] == width
    assert np.array_equal(np.sort(z[np.isfinite(z)]), np.sort(cells.values["current_a"]))
    for group in range(series):
        for branch in range(parallel):
            row, column = divmod(group, width)
            y = row * (parallel + 1) + branch
            assert z[y, column] == 100.0 * group + branch
            assert f"group {group}, place {branch}" in found.text[y][column]
            assert "state of charge [%]" in found.text[y][column]


def test_what_is_unknown_is_a_cross_with_its_hover_text() -> None:
    cells = pack(6, 2)
    cells.values["current_a"][5] = np.nan
    figure = pack_map(cells)
    cross = next(trace for trace in figure.data if trace.type == "scatter")
    assert (cross.x.tolist(), cross.y.tolist()) == ([2], [1])
    assert "cell current [A]: none" in cross.text[0]
    assert len(pack_map(pack(6, 2)).data) == 1
    cells.values["current_a"][:] = np.nan
    assert "nothing known" in pack_map(cells).layout.title.text


def test_lines_stand_where_modules_and_strings_end() -> None:
    figure = pack_map(pack(12, 2, module=3, string=6), groups_a_row=12)
    ends = [(shape.x0, shape.line.width) for shape in figure.layout.shapes]
    assert ends == [(2.5, 1.5), (5.5, 1.5), (8.5, 1.5), (5.5, 3.0)]


def test_names_are_text_and_an_unknown_column_says_which_there_are() -> None:
    assert "&lt;b&gt;" in pack_map(pack(3, 1, name="<b>x")).layout.title.text
    with pytest.raises(KeyError, match="current_a, soc_pct"):
        pack_map(pack(3, 1), "colour")

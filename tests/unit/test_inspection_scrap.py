"""Limits of places whose first cell the line scrapped."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np

from packsim.cell.cells import Cells
from packsim.inspection.scrap import at_end, limits_of_slots


def first_cells(scrapped: list[int], lots: list[int], blocks: list[int]) -> Cells:
    n = len(lots)
    address = np.stack([np.array(blocks), np.arange(n), np.zeros(n, int)], axis=1)
    empty = np.zeros((1, n)), np.zeros(n, np.uint16)
    return Cells(address, np.array(lots, np.int32), *empty, np.array(scrapped, np.int8), np.zeros(n, np.uint32))


def test_a_relative_limit_is_that_of_the_lot_in_its_block():
    cells = first_cells([-1, 2, -1, 0, 0], [0, 0, 1, 1, 2], [0, 0, 0, 1, 1])
    alive, places = at_end(cells)
    assert places.tolist() == [0, 2]
    assert len(alive) == 2
    limits = limits_of_slots(SimpleNamespace(k_mv_per_day=math.inf), cells, places, np.array([0.1, 0.3]))
    assert limits.tolist() == [0.1, 0.1, 0.3, 0.2, 0.2]  # nobody of the last two reached the test: the median


def test_an_absolute_limit_holds_where_every_first_cell_was_scrapped():
    cells = first_cells([0, 0], [0, 1], [0, 0])
    nobody = np.zeros(0, np.int64)
    absolute, relative = (
        limits_of_slots(SimpleNamespace(k_mv_per_day=k), cells, nobody, np.zeros(0)) for k in (0.35, math.inf)
    )
    assert absolute.tolist() == [0.35, 0.35]
    assert relative.tolist() == [math.inf, math.inf]

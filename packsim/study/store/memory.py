"""A store that keeps everything in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from packsim.study.block import BlockResult
from packsim.study.cell_table import CellChoice
from packsim.study.sightings import frame
from packsim.study.store.tables import blocks_frame, chosen, packs_frame, small
from packsim.study.store.totals import Totals

if TYPE_CHECKING:
    import pandas as pd


TOGETHER = 1000  # blocks in one part of a table


class MemoryStore:
    """Blocks by number; see `Store`. Cells are never kept."""

    def __init__(self) -> None:
        self.totals, self.cells = Totals(), CellChoice()
        self.blocks: dict[int, BlockResult] = {}

    def put(self, number: int, result: BlockResult, cells: pd.DataFrame | None = None) -> None:
        """Keep a block."""
        assert cells is None
        self.totals.add(number, small(result))
        self.blocks[number] = result

    def iter(self, table: str, columns: Sequence[str] | None = None) -> Iterator[pd.DataFrame]:
        """A table in parts.

        Raises:
            KeyError: no such table, or column.
        """
        make: Callable[[dict[int, BlockResult]], pd.DataFrame] = {
            "blocks": blocks_frame,
            "packs": lambda blocks: packs_frame(blocks.values()),
            "sightings": lambda blocks: frame([block.sightings for block in blocks.values()]),
        }[table]
        order = sorted(self.blocks)
        for first in range(0, len(order), TOGETHER):
            part = {number: self.blocks[number] for number in order[first : first + TOGETHER]}
            yield chosen(make(part), columns)

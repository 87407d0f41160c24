"""What every store does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

from packsim.study.block import BlockResult
from packsim.study.cell_table import CellChoice
from packsim.study.store.totals import Totals

if TYPE_CHECKING:
    import pandas as pd


class Store(Protocol):
    """Blocks of one run. Tables: `blocks`, `packs`, `sightings`, and `cells` where they were chosen."""

    totals: Totals
    cells: CellChoice

    def put(self, number: int, result: BlockResult, cells: pd.DataFrame | None = None) -> None:
        """Keep a block, in any order; `cells` as chosen."""

    def iter(self, table: str, columns: Sequence[str] | None = None) -> Iterator[pd.DataFrame]:
        """A table in parts, in the order of blocks."""

"""A store on disk: Parquet files in shards of consecutive blocks, with checksums, from which a killed run goes on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from packsim.scenario.model import Scenario
from packsim.study.block import BlockResult
from packsim.study.cell_table import CellChoice
from packsim.study.sightings import frame
from packsim.study.store.arrow import from_columns, from_frame, to_columns
from packsim.study.store.settings import run_settings
from packsim.study.store.shards import Say, Shards
from packsim.study.store.tables import SMALL, blocks_columns, packs_frame, small, smalls
from packsim.study.store.totals import Totals
from packsim.study.store.url import Place

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

SHARD_CELLS = 500_000  # places of cells in a shard, about: what a kill may cost; at least one block


class ParquetStore:
    """Blocks of one run in a folder; see `Store` and docs/store.md. In memory: totals, and the blocks of one shard."""

    def __init__(
        self,
        folder: Place,
        scenario: Scenario,
        packs: int,
        seed: int,
        *,
        cells: CellChoice | None = None,
        shard_cells: int = SHARD_CELLS,
        say: Say = lambda text: None,
        force: bool = False,
    ) -> None:
        """Open or begin a folder; sound shards of the same run stay.

        Args:
            force: drop another run that is there.

        Raises:
            OutputExists: the folder holds another run, or another process writes to it.
            OSError: it cannot be written.
        """
        self.totals, self.cells = Totals(), CellChoice() if cells is None else cells
        self.blocks = -(-packs // scenario.packs_per_block)
        self.blocks_per_shard = max(1, round(shard_cells / scenario.slots_per_block))
        settings = run_settings(
            "run",
            scenario,
            packs,
            seed,
            blocks=self.blocks,
            blocks_per_shard=self.blocks_per_shard,
            cells=self.cells.which,
            cell_columns=[] if self.cells.which == "none" else list(self.cells.columns),
        )
        tables = ["blocks", "packs"]
        tables += [] if scenario.pack.plain else ["sightings"]  # in plain packs nobody searches
        tables += [] if self.cells.which == "none" else ["cells"]
        self._shards = Shards(folder, settings, tables, say, force=force)
        self._waiting: dict[int, tuple[BlockResult, pa.Table | None]] = {}
        for shard in sorted(self._shards.finished):
            for number, block in smalls(to_columns(self._shards.read(shard, "blocks", SMALL))):
                self.totals.add(number, block)

    @property
    def folder(self) -> Place:
        """Where the run is."""
        return self._shards.folder

    @property
    def shards(self) -> int:
        """Shards of the whole run."""
        return -(-self.blocks // self.blocks_per_shard)

    @property
    def finished(self) -> int:
        """Shards that are there."""
        return len(self._shards.finished)

    def put(self, number: int, result: BlockResult, cells: pd.DataFrame | None = None) -> None:
        """Keep a block; once all blocks of its shard are there, the shard is written.

        Raises:
            OSError: it cannot be written.
        """
        self.totals.add(number, small(result))
        self._waiting[number] = (result, None if cells is None else from_frame(cells))
        shard = number // self.blocks_per_shard
        first = shard * self.blocks_per_shard
        numbers = range(first, min(first + self.blocks_per_shard, self.blocks))
        if all(n in self._waiting for n in numbers):
            self._write(shard, numbers)

    def iter(self, table: str, columns: Sequence[str] | None = None) -> Iterator[pd.DataFrame]:
        """A table, shard after shard.

        Raises:
            KeyError: no such table, or column.
        """
        if table not in self._shards.tables:
            raise KeyError(table)
        for shard in sorted(self._shards.finished):
            yield self._shards.read(shard, table, columns).to_pandas()

    def close(self) -> None:
        """Let other processes write to the folder."""
        self._shards.close()

    def move(self, to: Place) -> None:
        """Close, move the folder to its place, and go on reading there; what is there already goes."""
        self._shards.move(to)

    def _write(self, shard: int, numbers: range) -> None:
        import pyarrow as pa

        waiting = {number: self._waiting.pop(number) for number in numbers}
        results = {number: result for number, (result, _) in waiting.items()}
        tables = {
            "blocks": from_columns(blocks_columns(results)),
            "packs": from_frame(packs_frame(results.values())),
        }
        if "sightings" in self._shards.tables:
            tables["sightings"] = from_frame(frame([r.sightings for r in results.values()]))
        if "cells" in self._shards.tables:
            tables["cells"] = pa.concat_tables([cells for _, cells in waiting.values() if cells is not None])
        facts = {"blocks": [numbers[0], numbers[-1]], "rows": {name: len(table) for name, table in tables.items()}}
        self._shards.put(shard, tables, facts)

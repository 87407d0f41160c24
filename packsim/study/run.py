"""`ps.run`: a scenario becomes cells, packs and a summary with honest intervals."""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from packsim.numerics.jit import compiling_s
from packsim.pack.fleet.run import trace
from packsim.scenario.model import Scenario
from packsim.stats.intervals import Estimate, design_effect
from packsim.study import block as blocks
from packsim.study.cell_table import CellChoice, cell_table
from packsim.study.counts import PackCounts, SeenCounts
from packsim.study.engine import Engine, Progress, local
from packsim.study.garbage import started
from packsim.study.groundwork import Groundwork
from packsim.study.metrics import BY_NAME, ROW, Metric, estimate, left_out_values, metrics_of
from packsim.study.plans import Plans, make_plans
from packsim.study.sightings import nothing
from packsim.study.store.base import Store
from packsim.study.store.memory import MemoryStore
from packsim.study.store.parquet import ParquetStore
from packsim.study.store.tables import chosen
from packsim.study.store.url import Place, place

if TYPE_CHECKING:
    import pandas as pd

    from packsim.pack.fleet.run import Fleet, PackEnd
    from packsim.pack.run import PackTrace

Array = npt.NDArray[np.float64]
MOST_CELL_ROWS = 5_000_000
MOST_PACK_ROWS = 1_000_000  # about 0.5 GB
COMPILING_TOLD_S = 2.0  # less is loading
SAMPLED = 20_000  # packs, at most, that figures and medians rest on


class Result:
    """What came out of one run. Cells are not kept: they are rebuilt, bit for bit, from their addresses."""

    def __init__(
        self,
        plans: Plans,
        seed: int,
        packs: int,
        store: Store,
        wall_s: float,
        found_blocks: int = 0,
        compiling_s: float = 0.0,
    ) -> None:
        self.plans, self.seed, self.pack_count, self.store = plans, seed, packs, store
        self.wall_s, self.found_blocks = wall_s, found_blocks  # the time of those that were not found in the store
        self.compiling_s = compiling_s  # of it, compiling kernels or waiting for them, in this process
        self.totals = store.totals
        self.block_count = len(store.totals)

    @property
    def scenario(self) -> Scenario:
        """The scenario that was run."""
        return self.plans.scenario

    @cached_property
    def packs(self) -> pd.DataFrame:
        """One row a pack.

        Raises:
            MemoryError: more than a million packs; iterate instead.
        """
        if self.pack_count > MOST_PACK_ROWS:
            raise MemoryError(f"{self.pack_count:,} packs: use result.iter_packs(columns=...)")
        return _joined(self.iter_packs())

    def iter_packs(self, columns: Sequence[str] | None = None) -> Iterator[pd.DataFrame]:
        """Packs in parts (a block, or a shard on disk), as in `packs`, or only `columns`."""
        return self.store.iter("packs", columns)

    @property
    def wall_words(self) -> str:
        """Wall time, how much of it compiling took, and of which blocks where others were found finished."""
        computed = self.block_count - self.found_blocks
        part = f" for {computed:,} blocks; the others were there" if self.found_blocks else ""
        compiling = f" ({self.compiling_s:,.0f} s compiling)" if self.compiling_s >= COMPILING_TOLD_S else ""
        return f"{self.wall_s:,.1f} s{compiling}{part}"

    @property
    def every(self) -> int:
        """1, or k where only every k-th pack is in `sample`."""
        return -(-self.pack_count // SAMPLED)

    def sample(self, column: str) -> npt.NDArray[np.generic]:
        """One column of `packs`: of all, or of every k-th where there are more than 20,000."""
        parts = self.iter_packs(["pack", column])
        return np.concatenate([part[column].to_numpy()[part["pack"].to_numpy() % self.every == 0] for part in parts])

    def median(self, column: str) -> float:
        """Median of a column's `sample`."""
        import pandas as pd

        return float(pd.Series(self.sample(column)).median())

    @cached_property
    def counts(self) -> PackCounts:
        """What can be counted of all packs."""
        return PackCounts.of(self)

    @cached_property
    def seen(self) -> SeenCounts:
        """What can be counted of all sightings."""
        return SeenCounts.of(self)

    @cached_property
    def cells(self) -> pd.DataFrame:
        """One row a cell that reached the test: address, traits, test, and its place in a pack (-1 if it did not ship).

        Raises:
            MemoryError: more than 5 million rows; iterate instead.
        """
        rows = int(self.sums[:, ROW["tested"]].sum())
        if rows > MOST_CELL_ROWS:
            raise MemoryError(f"{rows:,} cells: use result.iter_cells(columns=...) or result.cells_of(pack)")
        return _joined(self.iter_cells())

    def iter_cells(self, columns: Sequence[str] | None = None) -> Iterator[pd.DataFrame]:
        """Cells of one block after another, as in `cells`, or only `columns`."""
        for number in range(self.block_count):
            yield chosen(self._cells_of_block(number), columns)

    def cells_of(self, pack: int) -> pd.DataFrame:
        """Cells of one pack in the order of their positions (group by group).

        Raises:
            IndexError: no such pack.
        """
        if not 0 <= pack < self.pack_count:
            raise IndexError(f"pack {pack} is not one of 0..{self.pack_count - 1}")
        frame = self._cells_of_block(pack // self.scenario.packs_per_block)
        return frame[frame["pack"] == pack].sort_values("position", ignore_index=True)

    def _cells_of_block(self, number: int) -> pd.DataFrame:
        return cell_table(self._built(number), number * self.scenario.packs_per_block)

    def _built(self, number: int) -> blocks.Built:
        return blocks.built(self.plans, self.seed, number, blocks.packs_in(self.plans, number, self.pack_count))

    @cached_property
    def sightings(self) -> pd.DataFrame:
        """One row for each fault found in a pack and each time its contactors opened: when, what, where, of which cell.

        Packs of the plain time loop (scenario without joints, heat, faults ...) are not searched: no rows.
        """
        return _joined(self.iter_sightings())

    def iter_sightings(self) -> Iterator[pd.DataFrame]:
        """`sightings` in parts; none where packs are not searched."""
        return iter([nothing()]) if self.plans.fleet.plain is not None else self.store.iter("sightings")

    def trace(self, pack: int) -> tuple[Fleet, PackTrace, PackEnd | None]:
        """One pack again: group voltages over every accepted step, and its cells at the end (not in the plain time loop)."""
        number = pack // self.scenario.packs_per_block
        filled, order = self._built(number)
        first = number * self.scenario.packs_per_block
        soc, own = filled.measured.true_soc, pack - first
        return trace(self.plans.fleet, filled.cells, soc, order, own, seed=self.seed, block=number, first_pack=first)

    @cached_property
    def sums(self) -> Array:
        """Sums of every independent unit [unit, SUMS]: a block, or all blocks of a lot that spans several."""
        return self.by_unit(self.totals.sums)

    def by_unit(self, rows: Array) -> Array:
        """Rows of blocks, added up over the blocks of each independent unit."""
        per_unit = self.plans.line.blocks_per_lot
        return np.array([rows[k : k + per_unit].sum(axis=0) for k in range(0, len(rows), per_unit)])

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """What the summary holds."""
        return metrics_of(bool(self.plans.inspected), [self.plans.fleet.plain is not None])

    def summary(self) -> dict[str, dict[str, float]]:
        """{metric: {"value", "low", "high", "n"}}: 95 % intervals over n independent units; nan with fewer than ten."""
        return {name: dict(found._asdict()) for name, found in self._estimates.items()}

    @cached_property
    def _estimates(self) -> dict[str, Estimate]:
        return {metric.name: estimate(metric, self.sums) for metric in self.metrics}

    def design_effect(self) -> float:
        """How many times the variance of the qualification rate exceeds that of independent cells."""
        metric = BY_NAME["qualification_rate_pct"]
        total = self.sums.sum(axis=0)
        left_out = left_out_values(metric, self.sums)[1]
        return design_effect(float(total[ROW["passed"]]), float(total[ROW["tested"]]), left_out, 100.0)

    def table(self) -> pd.DataFrame:
        """The summary as a DataFrame with units and meanings."""
        import pandas as pd

        rows = self.summary()
        return pd.DataFrame(
            [{"metric": m.name, "unit": m.unit, "meaning": m.meaning, **rows[m.name]} for m in self.metrics]
        ).set_index("metric")

    def yields(self) -> pd.DataFrame:
        """First-pass yield of every inspected step of the line and of the test; see `packsim.study.yields.step_table`."""
        from packsim.study.yields import step_table

        return step_table(self)

    def materials(self) -> pd.DataFrame:
        """Materials used, in good cells, and lost; see `packsim.study.yields.material_table`."""
        from packsim.study.yields import material_table

        return material_table(self)

    def capability(self) -> pd.DataFrame:
        """Process capability of the end-of-line readings, one row a reading, of the first cells: docs/quality.md."""
        from packsim.study.quality import capability_frame

        return capability_frame(self)

    def report(self, path: str | Path) -> Path:
        """Write the one-file HTML report; see `packsim.study.reporting`."""
        from packsim.study.reporting import write_run_report

        return write_run_report(self, Path(path))

    def __repr__(self) -> str:
        return f"<packsim.Result {self.scenario.name!r}: {self.pack_count} packs, {self.block_count} blocks>"


def _joined(parts: Iterator[pd.DataFrame]) -> pd.DataFrame:
    import pandas as pd

    return pd.concat(list(parts), ignore_index=True)


def run(
    scenario: Scenario,
    packs: int | None = None,
    seed: int | None = None,
    *,
    store: Store | str | Place | None = None,
    engine: Engine = local,
    progress: Progress | None = None,
    ground: Groundwork | None = None,
) -> Result:
    """Build and judge `packs` packs.

    Args:
        packs, seed: default to the scenario's.
        store: a folder, or its URL, to keep the run in instead of memory; what of it is there already is not computed again.
        engine: who computes blocks: this process, or `packsim.study.dask_engine.DaskEngine`.
        progress: called with (blocks done, blocks in all).
        ground: the cell and the calibration, if they have been found before.

    Raises:
        ValueError: packs or seed out of range, a cell that cannot be built, an unreachable qualification rate.
        OutOfCandidates: too few cells pass the test.
        OutputExists: the folder holds another run.
        OSError: the folder cannot be written.
    """
    packs = scenario.packs if packs is None else packs
    seed = scenario.seed if seed is None else seed
    if packs < 1:
        raise ValueError(f"packs must be at least 1, not {packs}")
    if not 0 <= seed < 2**64:
        raise ValueError(f"seed must be at least 0 and less than 2**64, not {seed}")
    begun, compiled = time.perf_counter(), compiling_s()
    plans = make_plans(scenario, seed, ground)
    if isinstance(store, str | Place):
        with contextlib.closing(
            ParquetStore(place(store, "store=") if isinstance(store, str) else store, scenario, packs, seed)
        ) as opened:
            found = _fill(opened, plans, seed, packs, engine, progress)
        store = opened
    else:
        store = MemoryStore() if store is None else store
        found = _fill(store, plans, seed, packs, engine, progress)
    wall_s, compiling = time.perf_counter() - begun, compiling_s() - compiled
    if ground is not None:
        wall_s, compiling = wall_s + ground.wall_s, compiling + ground.compiling_s
    return Result(plans, seed, packs, store, wall_s, found, compiling)


def _fill(store: Store, plans: Plans, seed: int, packs: int, engine: Engine, progress: Progress | None) -> int:
    """All blocks that the store does not have; returns how many it had."""
    started()
    found = frozenset(store.totals.numbers)
    task = functools.partial(_one_block, plans, seed, packs, store.cells)
    for number, (result, cells) in engine(task, -(-packs // plans.scenario.packs_per_block), progress, found):
        store.put(number, result, cells)
    return len(found)


def _one_block(
    plans: Plans, seed: int, packs: int, cells: CellChoice, number: int
) -> tuple[blocks.BlockResult, pd.DataFrame | None]:
    """A block, and its cells as chosen. Of the module, so that it can be sent to another process."""
    made = blocks.built(plans, seed, number, blocks.packs_in(plans, number, packs))
    first = number * plans.scenario.packs_per_block
    return blocks.run_built(plans, seed, number, made), cells.table(made, first)

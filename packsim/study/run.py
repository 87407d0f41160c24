"""`ps.run`: a scenario becomes cells, packs and a summary with honest intervals."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from packsim.inspection.test import Cause
from packsim.line.defects import DEFECTS
from packsim.pack.fleet.run import trace
from packsim.scenario.model import Scenario
from packsim.stats.intervals import design_effect
from packsim.study import block as blocks
from packsim.study.engine import Progress, local
from packsim.study.metrics import BY_NAME, ROW, Metric, estimate, left_out_values, metrics_of
from packsim.study.plans import Plans, make_plans
from packsim.study.sightings import frame
from packsim.verdict.causes import Verdict

if TYPE_CHECKING:
    import pandas as pd

    from packsim.pack.fleet.run import Fleet, PackEnd
    from packsim.pack.run import PackTrace

Array = npt.NDArray[np.float64]
MOST_CELL_ROWS = 5_000_000
NO_COLUMN = ("window",)  # of the test's arrays: not one number a cell


class Result:
    """What came out of one run. Cells are not kept: they are rebuilt, bit for bit, from their addresses."""

    def __init__(
        self, plans: Plans, seed: int, packs: int, results: Sequence[blocks.BlockResult], wall_s: float
    ) -> None:
        self.plans, self.seed, self.pack_count, self.wall_s = plans, seed, packs, wall_s
        self.blocks = tuple(results)

    @property
    def scenario(self) -> Scenario:
        """The scenario that was run."""
        return self.plans.scenario

    @cached_property
    def packs(self) -> pd.DataFrame:
        """One row a pack."""
        import pandas as pd

        names = self.blocks[0].packs
        frame = pd.DataFrame({name: np.concatenate([b.packs[name] for b in self.blocks]) for name in names})
        frame["verdict"] = [Verdict(v).name.lower() for v in frame["verdict"]]
        frame["weakest_limits"] = [("", "charge", "discharge")[k + 1] for k in frame["weakest_limits"]]
        roots = [blocks.ROOTS[k] if k >= 0 else ("", "") for k in frame["root"]]
        frame["root"] = [trait for trait, _ in roots]
        frame.insert(list(frame.columns).index("root") + 1, "root_step", [step for _, step in roots])
        frame["weakest_cell_defect"] = [defect_names(bits) for bits in frame["weakest_cell_defect"]]
        return frame

    @cached_property
    def cells(self) -> pd.DataFrame:
        """One row a cell that reached the test: address, traits, test, and its place in a pack (-1 if it did not ship).

        Raises:
            MemoryError: more than 5 million rows; iterate instead.
        """
        import pandas as pd

        rows = int(sum(b.sums[ROW["tested"]] for b in self.blocks))
        if rows > MOST_CELL_ROWS:
            raise MemoryError(f"{rows:,} cells: use result.iter_cells(columns=...) or result.cells_of(pack)")
        return pd.concat(list(self.iter_cells()), ignore_index=True)

    def iter_cells(self, columns: Sequence[str] | None = None) -> Iterator[pd.DataFrame]:
        """Cells of one block after another, as in `cells`, or only `columns`."""
        for number in range(len(self.blocks)):
            frame = self._cells_of_block(number)
            yield frame if columns is None else frame[list(columns)]

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
        packs = blocks.packs_in(self.plans, number, self.pack_count)
        filled = blocks.started(self.plans, self.seed, number, packs)
        order = blocks.placed(self.plans, self.seed, filled, packs)
        frame = filled.cells.frame()
        frame["defect"] = [defect_names(bits) for bits in frame["defect"]]
        for field in fields(filled.measured):
            if field.name not in NO_COLUMN:
                frame[field.name] = getattr(filled.measured, field.name)
        frame["cause"] = [Cause(value).name.lower() for value in filled.measured.cause]
        place = np.full((2, len(frame)), -1)
        first = number * self.scenario.packs_per_block
        place[0, order] = first + np.arange(packs)[:, None]
        place[1, order] = np.arange(order.shape[1])[None, :]
        frame["pack"], frame["position"] = place
        return frame

    @cached_property
    def sightings(self) -> pd.DataFrame:
        """One row for each fault found in a pack and each time its contactors opened: when, what, where, of which cell.

        Packs of the plain time loop (scenario without joints, heat, faults ...) are not searched: no rows.
        """
        return frame([block.sightings for block in self.blocks])

    def trace(self, pack: int) -> tuple[Fleet, PackTrace, PackEnd | None]:
        """One pack again: group voltages over every accepted step, and its cells at the end (not in the plain time loop)."""
        number = pack // self.scenario.packs_per_block
        packs = blocks.packs_in(self.plans, number, self.pack_count)
        filled = blocks.started(self.plans, self.seed, number, packs)
        order = blocks.placed(self.plans, self.seed, filled, packs)
        first = number * self.scenario.packs_per_block
        soc, own = filled.measured.true_soc, pack - first
        return trace(self.plans.fleet, filled.cells, soc, order, own, seed=self.seed, block=number, first_pack=first)

    @cached_property
    def sums(self) -> Array:
        """Sums of every independent unit [unit, SUMS]: a block, or all blocks of a lot that spans several."""
        per_unit = self.plans.line.blocks_per_lot
        rows = np.array([b.sums for b in self.blocks])
        return np.array([rows[k : k + per_unit].sum(axis=0) for k in range(0, len(rows), per_unit)])

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """What the summary holds."""
        return metrics_of(bool(self.plans.inspected), [self.plans.fleet.plain is not None])

    def summary(self) -> dict[str, dict[str, float]]:
        """{metric: {"value", "low", "high", "n"}}: 95 % intervals over n independent units; nan with fewer than ten."""
        return {metric.name: dict(estimate(metric, self.sums)._asdict()) for metric in self.metrics}

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
        return f"<packsim.Result {self.scenario.name!r}: {self.pack_count} packs, {len(self.blocks)} blocks>"


def defect_names(bits: int) -> str:
    """Names of the defects whose bits are set, joined by '+'; empty for none."""
    return "+".join(defect.name for bit, defect in enumerate(DEFECTS) if int(bits) >> bit & 1)


def run(
    scenario: Scenario, packs: int | None = None, seed: int | None = None, *, progress: Progress | None = None
) -> Result:
    """Build and judge `packs` packs.

    Args:
        packs, seed: default to the scenario's.
        progress: called with (blocks done, blocks in all).

    Raises:
        ValueError: packs or seed out of range, a cell that cannot be built, an unreachable qualification rate.
        OutOfCandidates: too few cells pass the test.
    """
    packs = scenario.packs if packs is None else packs
    seed = scenario.seed if seed is None else seed
    if packs < 1:
        raise ValueError(f"packs must be at least 1, not {packs}")
    if not 0 <= seed < 2**64:
        raise ValueError(f"seed must be at least 0 and less than 2**64, not {seed}")
    begun = time.perf_counter()
    plans = make_plans(scenario, seed)
    count = -(-packs // scenario.packs_per_block)
    results = list(local(lambda b: blocks.run_block(plans, seed, b, blocks.packs_in(plans, b, packs)), count, progress))
    return Result(plans, seed, packs, results, time.perf_counter() - begun)

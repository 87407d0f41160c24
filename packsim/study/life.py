"""`ps.run_life`: the packs of a scenario over years: who fails when, of what, and what the warranty pays."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from packsim.life.plan import LifePlan
from packsim.line.defects import defect_names
from packsim.scenario.life import LifeModel
from packsim.scenario.model import Scenario
from packsim.stats.competing import Incidence, cumulative_incidence
from packsim.stats.intervals import Estimate
from packsim.stats.survival import Curve, kaplan_meier, quantile_life
from packsim.stats.warranty import Claims, warranty_claims
from packsim.stats.weibull import Weibull, fit_weibull
from packsim.study import block as blocks
from packsim.study.engine import Progress, local
from packsim.study.life_block import LifeBlock, life_block, plan_life
from packsim.study.plans import Plans, make_plans
from packsim.study.store.arrow import Column, from_columns, to_columns
from packsim.study.store.settings import run_settings
from packsim.study.store.shards import Say, Shards
from packsim.study.store.url import Place
from packsim.verdict.field import Fate, Root

if TYPE_CHECKING:
    import pandas as pd

Array = npt.NDArray[np.float64]
FAILURES = tuple(fate for fate in Fate if fate not in (Fate.ALIVE, Fate.UNSOLVED))
TABLE, YEARLY = "lives", "yearly_"  # of the store: its table, and lists in it
TABLES = ("usable_pct", "cell_mean_pct", "cell_cv_pct")


class LifeResult:
    """What became of the packs of one scenario."""

    def __init__(
        self, plans: Plans, life: LifePlan, seed: int, packs: int, results: Sequence[LifeBlock], wall_s: float
    ) -> None:
        self.plans, self.life, self.seed, self.pack_count, self.wall_s = plans, life, seed, packs, wall_s
        self.blocks = tuple(results)

    @property
    def scenario(self) -> Scenario:
        """The scenario that was run."""
        return self.plans.scenario

    @property
    def model(self) -> LifeModel:
        """Its life."""
        return self.scenario.life or LifeModel()

    @cached_property
    def packs(self) -> pd.DataFrame:
        """One row a pack: fate, age at failure (or the years looked at), usable capacity then, and the cell to blame."""
        import pandas as pd

        names = self.blocks[0].packs
        frame = pd.DataFrame({name: np.concatenate([b.packs[name] for b in self.blocks]) for name in names})
        frame["fate"] = [Fate(v).name.lower() for v in frame["fate"]]
        frame["root"] = [Root(v).name.lower() for v in frame["root"]]
        frame["cell_defect"] = ["+".join(defect_names(int(bits))) for bits in frame["cell_defect"]]
        return frame

    @cached_property
    def ages(self) -> pd.DataFrame:
        """One row a year: packs still alive, their mean usable capacity, and mean and spread of their cells' capacity."""
        import pandas as pd

        usable, mean, cv = (np.concatenate([getattr(b, name) for b in self.blocks]) for name in TABLES)
        alive = np.isfinite(usable)
        rows = []
        for year in range(usable.shape[1]):
            own = alive[:, year]
            known = [float(table[own, year].mean()) if own.any() else np.nan for table in (usable, mean, cv)]
            spread = float(usable[own, year].std(ddof=1)) if own.sum() > 1 else np.nan
            rows.append((year, int(own.sum()), known[0], spread, known[1], known[2]))
        names = ("year", "packs", "usable_pct", "usable_sd_pct", "cell_mean_pct", "cell_cv_pct")
        return pd.DataFrame(rows, columns=names)

    @property
    def years(self) -> Array:
        """Age at failure, or the years looked at [pack]."""
        return self.packs["failed_years"].to_numpy(float)

    @property
    def causes(self) -> npt.NDArray[np.int64]:
        """0: alive or unsolved; else 1 + place in FAILURES [pack]."""
        place = {fate.name.lower(): number for number, fate in enumerate(FAILURES, start=1)}
        return np.array([place.get(name, 0) for name in self.packs["fate"]], np.int64)

    @property
    def units(self) -> npt.NDArray[np.int64]:
        """Independent unit of each pack: its block, or the supplier lot that spans several."""
        out: npt.NDArray[np.int64] = self.packs["block"].to_numpy(np.int64) // self.plans.line.blocks_per_lot
        return out

    def survival(self) -> Curve:
        """Share of packs that have not failed, with bands that respect lots."""
        return kaplan_meier(self.years, self.causes > 0, self.units)

    def incidence(self) -> Incidence:
        """Share of packs that have failed of each cause (in the order of FAILURES)."""
        return cumulative_incidence(self.years, self.causes, self.units, causes=len(FAILURES))

    def weibull(self) -> Weibull:
        """Weibull law of the lives.

        Raises:
            ValueError: fewer than two different ages at failure.
        """
        return fit_weibull(self.years, self.causes > 0, self.units)

    def claims(self) -> Claims:
        """Failures within the warranty, by years and distance."""
        per_year = np.full(self.pack_count, self.life.km_per_cycle * self.life.cycles_per_year)
        model = self.model
        return warranty_claims(
            self.years,
            self.causes,
            per_year,
            self.units,
            age_limit=min(model.warranty_years, self.life.years),
            distance_limit=model.warranty_km if self.life.km_per_cycle > 0.0 else np.inf,
            causes=len(FAILURES),
        )

    def summary(self) -> dict[str, dict[str, float]]:
        """{metric: {"value", "low", "high", "n"}} of the field: claims, lives, capacity at the end."""
        curve, share = self.survival(), self.claims().share
        last = curve.survival.size - 1
        failed = Estimate(
            100.0 * (1.0 - float(curve.survival[last])),
            100.0 * (1.0 - float(curve.high[last])),
            100.0 * (1.0 - float(curve.low[last])),
            curve.units,
        )
        out = {
            "warranty_claims_pct": Estimate(100.0 * share.value, 100.0 * share.low, 100.0 * share.high, share.n),
            "failed_pct": failed,
            "b10_years": quantile_life(curve, 0.1),
            "median_years": quantile_life(curve, 0.5),
        }
        return {name: dict(estimate._asdict()) for name, estimate in out.items()}

    def second_life(self) -> pd.DataFrame:
        """Packs that have not failed in the years looked at, with their usable capacity: the stock for a second life."""
        return self.packs.loc[self.packs["fate"] == "alive", ["pack", "usable_pct"]].reset_index(drop=True)


def run_life(
    scenario: Scenario,
    years: float | None = None,
    packs: int | None = None,
    seed: int | None = None,
    *,
    store: Shards | None = None,
    progress: Progress | None = None,
) -> LifeResult:
    """Build the scenario's packs and follow them through `years` (default: those of its `life`).

    Args:
        store: finished blocks on disk (`life_store`); those that are there are not computed again.

    Raises:
        ValueError: fewer than one pack; as `run` otherwise. NominalCellError: cells that cannot age.
    """
    begun = time.perf_counter()
    packs = scenario.packs if packs is None else packs
    seed = scenario.seed if seed is None else seed
    if packs < 1:
        raise ValueError(f"packs must be at least 1, not {packs}")
    plans = make_plans(scenario, seed)
    life = plan_life(plans, years, seed)

    def one(block: int) -> LifeBlock:
        return life_block(plans, life, seed, block, blocks.packs_in(plans, block, packs))

    found = {} if store is None else {n: _from_columns(to_columns(store.read(n, TABLE))) for n in store.finished}
    count = -(-packs // scenario.packs_per_block)
    for number, result in local(one, count, progress, frozenset(found)):
        found[number] = result
        if store is not None:
            store.put(number, {TABLE: from_columns(_to_columns(result))}, {})
    return LifeResult(plans, life, seed, packs, [found[number] for number in range(count)], time.perf_counter() - begun)


def life_store(
    folder: Place,
    scenario: Scenario,
    years: float | None,
    packs: int | None,
    seed: int | None,
    say: Say = lambda text: None,
    *,
    force: bool = False,
) -> Shards:
    """Where the finished blocks of a life are kept until all are done.

    Raises:
        OutputExists, OSError: as `Shards`.
    """
    return Shards(folder, life_settings(scenario, years, packs, seed), [TABLE], say, unit="block", force=force)


def life_settings(scenario: Scenario, years: float | None, packs: int | None, seed: int | None) -> dict[str, Any]:
    """Everything that a life's results depend on."""
    packs = scenario.packs if packs is None else packs
    seed = scenario.seed if seed is None else seed
    years = (scenario.life or LifeModel()).years if years is None else years
    return run_settings("life", scenario, packs, seed, years=years)


def _to_columns(block: LifeBlock) -> dict[str, Column | list[Column]]:
    return {**block.packs, **{YEARLY + name: list(getattr(block, name)) for name in TABLES}}


def _from_columns(columns: dict[str, Column | list[Column]]) -> LifeBlock:
    packs = {name: np.asarray(column) for name, column in columns.items() if not name.startswith(YEARLY)}
    usable, mean, cv = (np.stack([np.asarray(row, float) for row in columns[YEARLY + name]]) for name in TABLES)
    return LifeBlock(packs, usable, mean, cv)

"""One block of packs over years in the field: a pure function, as `run_block` is for the new packs."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from packsim.cell.plan import plan as cell_plan
from packsim.cell.traits import INDEX
from packsim.life.pack_life import live
from packsim.life.plan import LifePlan, life_degc
from packsim.life.plan import plan as life_plan
from packsim.line.defects import BIT
from packsim.numerics.threads import in_parallel
from packsim.pack.network.plan import joints_of
from packsim.scenario.errors import NominalCellError
from packsim.scenario.life import LifeModel
from packsim.study.block import placed, started
from packsim.study.plans import Plans
from packsim.verdict.field import judge_life

Array = npt.NDArray[np.float64]
Columns = dict[str, npt.NDArray[np.generic]]
RATE, LEAK = INDEX["ageing_rate_ratio"], INDEX["leakage_ua"]
SHORT = BIT["particle_contamination"]
SHORT_V = 3.7  # at which a leak stands for a conductance


class LifeBlock(NamedTuple):
    """What is kept of a block's packs; p packs, y ages (one a year, the first 0)."""

    packs: Columns  # [p]
    usable_pct: Array  # [p, y] nan after the pack's end
    cell_mean_pct: Array  # [p, y] mean capacity of its cells, of the nominal cell's
    cell_cv_pct: Array  # [p, y] their coefficient of variation


def plan_life(plans: Plans, years: float | None, seed: int) -> LifePlan:
    """Numbers of the scenario's life (its `life`, or the defaults).

    Raises:
        NominalCellError: cells that cannot age by these laws, in one line.
    """
    scenario = plans.scenario
    model = scenario.life or LifeModel()
    cell = plans.cell
    try:
        degc = life_degc(model, scenario.pack, cell)
        if degc != cell.temperature_degc:
            changed = scenario.cell.model_copy(update={"temperature_degc": degc})
            cell = cell_plan(changed, scenario.file)
        nominal_ah = float(plans.nominal_window_ah)
        return life_plan(model, scenario.pack, scenario.verdict, cell, plans.line.nominal, nominal_ah, seed, years)
    except ValueError as error:
        raise NominalCellError(f"life.ageing: {cell.name}: {error}") from error


def life_block(plans: Plans, life: LifePlan, seed: int, block: int, packs: int) -> LifeBlock:
    """Build block number `block` with `packs` packs and let them age."""
    filled = started(plans, seed, block, packs)
    order = placed(plans, seed, filled, packs)
    cells, soc = filled.cells, filled.measured.true_soc
    start = np.ones(len(soc)) if plans.fleet.top_balanced else soc
    ages = np.arange(int(np.floor(life.years + 1e-9)) + 1, dtype=float)
    nominal_ah = life.nominal_ah / plans.fleet.parallel
    names = ("fate", "root", "simulated_cycles", "rejected_jumps", "place", "group")
    whole = {name: np.full(packs, -1, np.int64) for name in names}
    real = {name: np.full(packs, np.nan) for name in ("failed_years", "usable_pct", "cycles")}
    tables = np.full((3, packs, ages.size), np.nan)
    sizes = np.diff(life.first_cell, append=plans.fleet.cells)
    group_of = np.repeat(np.arange(sizes.size), sizes)

    def some(first: int, last: int) -> None:
        for p in range(first, last):
            values = np.ascontiguousarray(cells.values[:, order[p]])
            joints = joints_of(life.duty.network, seed, block, p)
            short_s = np.where(cells.defect[order[p]] & SHORT, 1e-6 * values[LEAK] / SHORT_V, 0.0)
            one = live(
                life, values, start[order[p]], values[RATE], joints, seed=seed, block=block, pack=p, short_s=short_s
            )
            found = judge_life(life, one)
            whole["fate"][p], whole["root"][p], whole["place"][p] = int(found.fate), int(found.root), found.place
            whole["group"][p] = group_of[found.place] if found.place >= 0 else -1
            whole["simulated_cycles"][p], whole["rejected_jumps"][p] = one.simulated, one.rejected
            real["failed_years"][p], real["usable_pct"][p] = found.years, 100.0 * found.usable
            real["cycles"][p] = found.years * life.cycles_per_year
            years = one.cycles / life.cycles_per_year
            until = ages <= years[-1] + 1e-9
            mean = one.capacity_ah.mean(axis=1)
            cv = 100.0 * one.capacity_ah.std(axis=1) / mean
            for row, known in enumerate((100.0 * one.usable, 100.0 * mean / nominal_ah, cv)):
                tables[row, p, until] = np.interp(ages[until], years, known)

    in_parallel(some, packs)
    place = np.where(whole["place"] >= 0, whole["place"], 0)
    cell = order[np.arange(packs), place]
    blamed = whole["place"] >= 0
    columns: Columns = {
        "pack": block * plans.scenario.packs_per_block + np.arange(packs),
        "block": np.full(packs, block),
        **real,
        **whole,
        "cell_slot": np.where(blamed, cells.address[cell, 1], -1),
        "cell_candidate": np.where(blamed, cells.address[cell, 2], -1),
        "cell_lot": np.where(blamed, cells.lot[cell], -1),
        "cell_defect": np.where(blamed, cells.defect[cell], 0).astype(np.uint16),
    }
    return LifeBlock(columns, tables[0], tables[1], tables[2])

"""What a way of matching cells is worth: the same passing cells put together in several ways, packs run, differences."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from packsim.inspection.bins import grades_of
from packsim.inspection.fill import fill
from packsim.inspection.grade import grade, slots_needed, unassembled
from packsim.inspection.plan import InspectionPlan
from packsim.line import plan as line_plans
from packsim.pack.fleet.run import run as run_packs
from packsim.scenario.model import Scenario
from packsim.stats.intervals import leave_one_out, t_interval
from packsim.study.plans import Plans, make_plans
from packsim.verdict.causes import Verdict
from packsim.verdict.judge import judge

if TYPE_CHECKING:
    import pandas as pd

Array = npt.NDArray[np.float64]
MEASURES = (
    "pack_usable_capacity_pct",
    "pack_usable_energy_pct",
    "under_charge_pct",
    "bad_pack_rate_pct",
    "group_capacity_cv_pct",
    "group_conductance_cv_pct",
)
WAYS: tuple[Mapping[str, Any], ...] = tuple(
    {"matching": name}
    for name in ("in_order", "capacity_bins", "random_in_bin", "sorted", "snake", "greedy_conductance")
)


def compare_matchings(
    scenario: Scenario,
    ways: Sequence[Mapping[str, Any]] = WAYS,
    packs: int | None = None,
    seed: int | None = None,
) -> pd.DataFrame:
    """Packs from the same passing cells under each way (changes of `inspection.grading`), against the first way.

    One row for each way and measure: `value`, `difference` to the first way with its 95 % interval `low`, `high` from
    paired independent units (blocks, or lots that span several), and `beyond_noise`: whether that leaves out zero (one
    comparison at a time). `left_over_pct`: passing cells in no pack, of those needed for the packs.
    Group spreads are the coefficient of variation of true capacity and conductance (1 / DCIR) summed over each group of
    parallel cells, within a pack.

    Raises:
        ValueError: fewer than one pack; as `run` otherwise.
        TooFewInBins: a way with `whole_packs` and too small a `spare_pct`.
    """
    import pandas as pd

    packs = scenario.packs if packs is None else packs
    seed = scenario.seed if seed is None else seed
    if packs < 1:
        raise ValueError(f"packs must be at least 1, not {packs}")
    plans = make_plans(scenario, seed)
    inspections = [_changed(scenario, plans, way) for way in ways]
    plans = _with_spare(scenario, plans, inspections)
    per_block, per_unit = scenario.packs_per_block, plans.line.blocks_per_lot
    sums, left = np.zeros((len(ways), -(-packs // per_block), len(MEASURES) + 1)), np.zeros(len(ways))
    for block in range(sums.shape[1]):
        count = min(per_block, packs - block * per_block)
        for way, (measures, over) in enumerate(_block(plans, inspections, seed, block, count)):
            sums[way, block] = measures
            left[way] += over
    units = np.stack([sums[:, k : k + per_unit].sum(axis=1) for k in range(0, sums.shape[1], per_unit)], axis=1)
    rows = []
    for way, change in enumerate(ways):
        for k, name in enumerate(MEASURES):
            of = functools.partial(_mean, k)
            (base, base_out), (value, out) = leave_one_out(of, units[0]), leave_one_out(of, units[way])
            between = t_interval(value - base, out - base_out)
            row = {"way": _name(change), "measure": name, "value": value, "difference": between.value}
            row |= {"low": between.low, "high": between.high, "beyond_noise": between.low > 0.0 or between.high < 0.0}
            rows.append(row | {"left_over_pct": 100.0 * left[way] / (packs * plans.fleet.cells)})
    return pd.DataFrame(rows).set_index(["way", "measure"])


def _name(change: Mapping[str, Any]) -> str:
    """The way in words: its matching, then whatever else it changes."""
    rest = [f"{key} {value}" for key, value in change.items() if key != "matching"]
    return ", ".join([str(change.get("matching", "as the scenario")), *rest])


def _changed(scenario: Scenario, plans: Plans, way: Mapping[str, Any]) -> InspectionPlan:
    changed = scenario.updated({f"inspection.grading.{key}": value for key, value in way.items()}).inspection
    plan = plans.inspection
    grades = grades_of(changed, (plan.capacity_spec_ah, plan.dcir_spec_mohm, plan.ocv_spec_v))
    return plan._replace(grades=grades)


def _with_spare(scenario: Scenario, plans: Plans, inspections: Sequence[InspectionPlan]) -> Plans:
    """The line with as many slots in a block as the neediest way asks for, the same for all ways."""
    per_pack = plans.fleet.cells
    slots = max(slots_needed(plan, scenario.packs_per_block, per_pack) for plan in inspections)
    if slots == plans.line.slots_per_block:
        return plans
    found = plans.calibration
    factors = (found.sd_factor, found.defect_factor) if found is not None else (1.0, 1.0)
    line = line_plans.plan(scenario.line, slots, sd_factor=factors[0], defect_factor=factors[1], file=scenario.file)
    gauge = plans.inspection.gauge._replace(slots_per_block=slots)
    return plans._replace(line=line, inspection=plans.inspection._replace(gauge=gauge))


def _block(
    plans: Plans, inspections: Sequence[InspectionPlan], seed: int, block: int, packs: int
) -> list[tuple[Array, int]]:
    """Sums over the packs of a block, and cells left over, for each way."""
    scenario, per_pack = plans.scenario, plans.fleet.cells
    needed = [slots_needed(plan, packs, per_pack) for plan in inspections]
    filled = fill(plans.line, plans.inspection, seed, block, max(needed), scenario.max_candidates, plans.inspected)
    first = block * scenario.packs_per_block
    results = []
    for plan, slots in zip(inspections, needed, strict=True):
        own = filled.chosen[:slots]
        order = grade(
            plan, filled.measured.take(own), packs, per_pack, plans.fleet.cells_per_group, block=block, seed=seed
        )
        placed = np.ascontiguousarray(own[order])
        soc = filled.measured.true_soc
        fleet = run_packs(
            plans.fleet,
            filled.cells,
            soc,
            placed,
            seed=seed,
            block=block,
            first_pack=first,
            window=filled.measured.window,
        )
        verdicts, solved = judge(fleet, plans.fleet, scenario.verdict, plans.nominal), fleet.solved
        monitored, groups = plans.fleet.own, plans.fleet.first_cell
        capacity = np.add.reduceat(filled.measured.true_capacity_ah[placed], groups, axis=1)
        conductance = np.add.reduceat(1.0 / filled.measured.true_dcir_mohm[placed], groups, axis=1)
        columns = (
            verdicts.usable_pct[:, monitored],
            verdicts.energy_pct[:, monitored],
            verdicts.under_charge_pct,
            100.0 * (verdicts.verdict != int(Verdict.GOOD)),
            100.0 * capacity.std(axis=1) / capacity.mean(axis=1),
            100.0 * conductance.std(axis=1) / conductance.mean(axis=1),
        )
        sums = np.array([float(column[solved].sum()) for column in columns] + [float(solved.sum())])
        results.append((sums, int(unassembled(order, slots).size)))
    return results


def _mean(k: int, sums: Array) -> float:
    return float(sums[k] / sums[-1]) if sums[-1] else math.nan

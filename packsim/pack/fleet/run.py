"""Run the packs of a scenario, and keep of them what verdicts ask for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from packsim.cell.cells import Cells
from packsim.cell.electrodes.kernels import X_N
from packsim.pack import kernels as k
from packsim.pack.duty import kernels as d
from packsim.pack.duty import run as full
from packsim.pack.duty.ends.kernels import NO_LIMIT, NOT_CONVERGED
from packsim.pack.duty.kept.kernels import Kept
from packsim.pack.duty.run import SEEN
from packsim.pack.faults.plan import plan as fault_plan
from packsim.pack.fleet.plan import KELVIN, FleetPlan, Whole
from packsim.pack.network.places import places
from packsim.pack.network.plan import joints_of, nominal_joints
from packsim.pack.run import PackTrace, sensor_offsets
from packsim.pack.run import run as run_plain
from packsim.pack.run import trace as trace_plain
from packsim.scenario.injection import InjectedFault

Array = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]
BEGAN_NOT = -1


class Fleet(NamedTuple):
    """What p packs with g groups did; [p, m, ...]: by kind of monitoring, as in FleetPlan.kinds."""

    solved: npt.NDArray[np.bool_]  # [p]
    steps: Int64  # [p] accepted
    simulated_s: Array  # [p]
    charged: npt.NDArray[np.bool_]  # [p] whether the pack was fullest after a charge, not when it was assembled
    soc_full: Array  # [p, g] when the pack was fullest, 1 = the group's own upper cut-off at rest
    full_v: Array  # [p, g] then
    highest_v: Array  # [p] of any group, at the end of charge; in the full loop at any time
    usable_ah: Array  # [p, m] given in steps that discharge
    energy_wh: Array  # [p, m]
    first_group: Int64  # [p] first empty group; -1: the pack gave no charge
    end_v: Array  # [p, m, g] when the pack was emptiest
    time_below_s: Array  # [p, m, THRESHOLDS, g]
    charge_below_ah: Array  # [p, m, g] drawn while the group was below the lower cut-off
    hottest_k: Array  # [p] nan where cells keep one temperature
    offset_v: Array  # [p, g] of the sensors of single groups
    seen: npt.NDArray[np.void]  # alarms and faults found (packsim.pack.duty.run.SEEN); the plain loop looks for none


def run(
    plan: FleetPlan,
    cells: Cells,
    soc: Array,
    order: Int64,
    *,
    seed: int,
    block: int,
    first_pack: int,
    window: Array | None = None,
) -> Fleet:
    """Take every pack through its duty.

    Args:
        cells, soc: n cells and their state of charge (0..1) when they are assembled.
        order: cell of each position, [pack, position in the pack's order of cells].
        first_pack: number of the block's first pack in the whole run, for faults that name a pack.
        window: the cells' electrode balance [5, n], where it is known; default: found again.
    """
    offset_v = _offsets(plan, seed, block, len(order))
    if plan.plain is not None:
        return of_outcome(plan, run_plain(plan.plain, plan.design, cells, soc, order, offset_v, window), offset_v)
    assert plan.whole is not None
    start = np.ones(len(soc)) if plan.top_balanced else soc
    faults = fault_plan(_within(plan.whole.faults, first_pack, len(order)))
    many = full.run_many(
        plan.whole.duty, cells.values, start, order, plan.whole.protocol, faults, seed=seed, block=block
    )
    return _of_many(plan.whole, many, offset_v)


def nominal(plan: FleetPlan, values: Array, soc: float) -> Fleet:
    """One pack of nominal cells `values` [trait], with nominal joints, exact sensors and no faults.

    For the plain loop one cell stands for the pack: usable charge and energy are then multiplied by the cells.
    """
    if plan.plain is not None:
        duty = plan.plain
        single = duty._replace(
            series=1,
            parallel=1,
            charge_a=duty.charge_a / duty.parallel,
            cutoff_a=duty.cutoff_a / duty.parallel,
            discharge_a=duty.discharge_a / duty.parallel,
        )
        none, first = np.zeros((1, 1)), np.zeros((1, 1), np.int64)
        cells = Cells.at_the_end(
            np.zeros((1, 3), np.int64), np.zeros(1, np.int32), values[:, None], np.zeros(1, np.uint16)
        )
        one = of_outcome(plan, run_plain(single, plan.design, cells, np.array([soc]), first, none), none)
        return one._replace(
            usable_ah=one.usable_ah * duty.parallel, energy_wh=one.energy_wh * duty.parallel * duty.series
        )
    assert plan.whole is not None
    exact = plan.whole.duty.bms_model.model_copy(update={"sensor_offset_sd_mv": 0.0, "temperature_offset_sd_k": 0.0})
    quiet = plan.whole.duty.bms._replace(noise_v=0.0, temperature_noise_k=0.0)
    duty_plan = plan.whole.duty._replace(bms_model=exact, bms=quiet)
    n = plan.cells
    start = np.full(n, 1.0 if plan.top_balanced else soc)
    own = full.build(
        duty_plan,
        np.ascontiguousarray(np.repeat(values[:, None], n, axis=1)),
        start,
        nominal_joints(duty_plan.network),
        seed=plan.whole.seed,
        block=0,
        pack=0,
    )
    start_soc = full.group_soc(duty_plan, start, own.window[4])
    ran = full.run(duty_plan, own, plan.whole.protocol, full.no_faults())
    return _of_one(plan.whole, ran, start_soc, 0, np.zeros((1, plan.groups)))


class PackEnd(NamedTuple):
    """The n cells of one pack where its protocol ended: places (see pack/network/places.py) and values."""

    places: dict[str, Int64]
    current_a: Array
    soc_pct: Array
    temperature_degc: Array | None  # None: one temperature


def trace(
    plan: FleetPlan, cells: Cells, soc: Array, order: Int64, row: int, *, seed: int, block: int, first_pack: int
) -> tuple[Fleet, PackTrace, PackEnd | None]:
    """Pack `row` of a block again, with every accepted step, and its cells at the end (full loop only)."""
    offset_v, own = _offsets(plan, seed, block, len(order))[row], order[row]
    if plan.plain is not None:
        outcome, kept = trace_plain(plan.plain, plan.design, cells.take(own), soc[own], offset_v)
        return of_outcome(plan, outcome, offset_v[None]), kept, None
    assert plan.whole is not None
    whole, duty = plan.whole, plan.whole.duty
    start = np.ones(own.size) if plan.top_balanced else soc[own]
    values = np.ascontiguousarray(cells.values[:, own])
    pack = full.build(duty, values, start, joints_of(duty.network, seed, block, row), seed=seed, block=block, pack=row)
    start_soc = full.group_soc(duty, start, pack.window[4])
    faults = fault_plan(_within(whole.faults, first_pack, len(order)))
    one = full.run(duty, pack, whole.protocol, faults, block=block, pack=row, samples=20_000)
    used = int(one.trace.used[0])
    kept = PackTrace(one.trace.time_s[:used], one.trace.current_a[:used], one.trace.group_v[:, :used])
    return _of_one(whole, one, start_soc, row, offset_v[None]), kept, _end(whole, pack)


def _end(whole: Whole, own: d.Own) -> PackEnd:
    content = own.lane.state[X_N]
    soc = content if whole.duty.design.is_table else (content - own.window[0]) / (own.window[1] - own.window[0])
    hot = own.heats.temperature_k - KELVIN if whole.duty.heating.on else None
    return PackEnd(places(whole.duty.network.net), own.held.copy(), 100.0 * soc, hot)


def _offsets(plan: FleetPlan, seed: int, block: int, packs: int) -> Array:
    """Constant offsets of the sensors of single groups [pack, group]; zero where other things are watched."""
    watched = plan.plain is not None or plan.kinds[plan.own] == "every_group"
    return sensor_offsets(seed, block, packs, plan.groups, plan.sensor_offset_sd_mv if watched else 0.0)


def _within(faults: Sequence[InjectedFault], first: int, packs: int) -> list[InjectedFault]:
    """The faults of `packs` packs from number `first` on, with those numbers counted from there."""
    return [
        fault if fault.pack is None else fault.model_copy(update={"pack": fault.pack - first})
        for fault in faults
        if fault.pack is None or 0 <= fault.pack - first < packs
    ]


def of_outcome(plan: FleetPlan, outcome: k.Outcome, offset_v: Array) -> Fleet:
    """What the plain loop kept."""
    packs = len(outcome.status)
    return Fleet(
        solved=outcome.status == k.OK,
        steps=outcome.steps.astype(np.int64),
        simulated_s=outcome.simulated_s,
        charged=np.full(packs, not plan.top_balanced),
        soc_full=outcome.soc_full,
        full_v=outcome.full_v,
        highest_v=outcome.full_v.max(axis=1),
        usable_ah=outcome.usable_ah,
        energy_wh=outcome.energy_wh,
        first_group=outcome.first_group.astype(np.int64),
        end_v=outcome.end_v,
        time_below_s=outcome.time_below_s,
        charge_below_ah=outcome.charge_below_ah,
        hottest_k=np.full(packs, np.nan),
        offset_v=offset_v,
        seen=np.zeros(0, SEEN),
    )


def _of_one(whole: Whole, one: full.Run, start_soc: Array, row: int, offset_v: Array) -> Fleet:
    """A fleet of one pack, number `row` of its block."""
    kept = Kept(*(array[None] for array in one.kept))
    return _of_many(whole, full.Many(kept, start_soc[None], full.sightings(one.log, row)), offset_v)


def _of_many(whole: Whole, many: full.Many, offset_v: Array) -> Fleet:
    """Fullest and emptiest are the ends of protocol steps (or the start) with the highest and lowest mean SOC."""
    kept, packs = many.kept, np.arange(len(many.start_soc))
    begun = kept.ended_by != BEGAN_NOT
    failed = (kept.ended_by == NOT_CONVERGED) | (kept.ended_by == NO_LIMIT)
    mean = np.where(begun, kept.end_soc.mean(axis=2), np.nan)
    fullest, emptiest = np.nanargmax(mean, axis=1), np.nanargmin(mean, axis=1)
    charged = mean[packs, fullest] > many.start_soc.mean(axis=1)
    gives = (kept.charge_ah > 0.0) & begun
    usable = np.where(gives, kept.charge_ah, 0.0).sum(axis=1)
    end_v = kept.end_v[packs, emptiest]
    return Fleet(
        solved=~failed.any(axis=1),
        steps=kept.steps[:, 0],
        simulated_s=kept.time_s.sum(axis=1),
        charged=charged,
        soc_full=np.where(charged[:, None], kept.end_soc[packs, fullest], many.start_soc),
        full_v=kept.end_v[packs, fullest],
        highest_v=kept.highest_v.max(axis=1),
        usable_ah=usable[:, None],
        energy_wh=np.where(gives, kept.energy_wh, 0.0).sum(axis=1)[:, None],
        first_group=np.where(usable > 0.0, end_v.argmin(axis=1), -1),
        end_v=end_v[:, None],
        time_below_s=kept.below_s.sum(axis=1)[:, None],
        charge_below_ah=kept.below_ah.sum(axis=1)[:, None],
        hottest_k=kept.hottest_k[:, 0] if whole.duty.heating.on else np.full(len(packs), np.nan),
        offset_v=offset_v,
        seen=many.seen,
    )

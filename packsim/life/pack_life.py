"""One pack over years: reference cycles at a few ages, jumps over the cycles between them.

At each age one reference cycle is simulated with every cell of the pack as it is then; it gives what a cycle adds to each
cell's ageing and to the differences of charge between groups. A jump of N cycles adds N times that (Euler), a reference
cycle at its end gives what a cycle adds there, and the jump is done again with the mean of both (Heun). Where the two
answers differ by more than the tolerance the jump is halved. The cycle at the end serves the next jump as well.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from packsim.cell.ageing import kernels as ageing
from packsim.cell.ageing.rebuild import aged_window
from packsim.cell.beyond import kernels as beyond
from packsim.life import kernels as k
from packsim.life.plan import FIRST_JUMP, GROWTH, LifePlan
from packsim.pack.duty import run as full
from packsim.pack.duty.ends.kernels import NO_LIMIT, NOT_CONVERGED
from packsim.pack.duty.kernels import Own
from packsim.pack.faults.kernels import FOUND, OPEN_WELD, SOFT_SHORT
from packsim.pack.network.kernels import Joints

Array = npt.NDArray[np.float64]
MOST_CYCLES = 200  # reference cycles of one pack, before it counts as unsolved
SHORTEST_JUMP = 1.0
SHORT_JUMP = 0.5  # of the time in which shorts double: the mean of both ends is then 1 % above what leaks between
ENDING = (FOUND + SOFT_SHORT, FOUND + OPEN_WELD)  # what ends a life where it is seen
MARGIN, REVERSED = 1, 4  # rows of times below thresholds


class State(NamedTuple):
    """What a jump carries on: n cells."""

    sums: Array  # [N_SUMS, n] of ageing
    damage: Array  # [N_DAMAGE, n]
    soc: Array  # [n] at the start of the next cycle
    cycles: float  # since the pack was new


class Cycle(NamedTuple):
    """What one cycle, the mean of the slow and the fast one, adds; and what was seen in it."""

    sums: Array  # [N_SUMS, n]
    damage: Array  # [N_DAMAGE, n]
    room_ah: Array  # [g] change of what each group lacks to its full charge, against the mean of its string
    soc: Array  # [n] at its end
    capacity_ah: Array  # [n] between the cut-offs at equilibrium, aged
    window_ah: Array  # [n] the same as the cycle was driven: as built without feedback
    usable: float  # of the pack, at equilibrium, share of nominal
    even: float  # the same if its groups were balanced
    limiting_group: int
    over_group: int  # group driven below the margin, -1: none
    reversed_group: int
    seen: npt.NDArray[np.void]
    solved: bool


class PackLife(NamedTuple):
    """One pack at a ages [a] that were simulated; the first is new."""

    cycles: Array  # [a]
    usable: Array  # [a] share of a nominal new pack
    even: Array  # [a] the same if its groups were balanced
    limiting_group: npt.NDArray[np.int64]  # [a]
    over_group: npt.NDArray[np.int64]  # [a] driven below the margin in a cycle then, -1: none
    reversed_group: npt.NDArray[np.int64]  # [a]
    capacity_ah: Array  # [a, n]
    sums: Array  # [a, N_SUMS, n]
    room_ah: Array  # [a, g] lacking to full charge, against the group that lacks least
    seen: tuple[tuple[float, npt.NDArray[np.void]], ...]  # (cycles, sightings) where something was seen
    simulated: int  # reference cycles, rejected ones included
    rejected: int
    solved: bool


def cycle(plan: LifePlan, own: Own, state: State, short_s: Array, *, block: int, pack: int) -> Cycle:
    """Simulate the reference cycles of a pack in `state`; `short_s` [n]: conductance of growing shorts when it was new."""
    n = state.soc.size
    own.short_s[:] = short_s * (2.0 ** (state.cycles / plan.short_doubling_cycles) - 1.0)  # the first part: as built
    sums, damage, room = np.zeros_like(state.sums), np.zeros_like(state.damage), np.zeros(plan.first_cell.size)
    capacity, window, seen, solved = np.zeros(n), np.zeros(n), [], True
    over = np.zeros((2, room.size), np.bool_)
    soc_end, start_room = np.zeros(n), np.zeros(room.size)
    for number, (share, protocol) in enumerate(plan.cycles):
        k.begin_again(
            own, state.sums, state.damage, state.soc, plan.duty.design, plan.laws, plan.start_k, plan.feedback
        )
        if number == 0:
            window = own.window[4].copy()
            capacity = window if plan.feedback else aged_window(plan.duty.design, own.values, own.ageing)[4]
            start_room = lacking(plan, window, state.soc)
        one = full.run(plan.duty, own, protocol, full.no_faults(), block=block, pack=pack)
        ended = one.kept.ended_by
        solved = solved and not np.any((ended == NOT_CONVERGED) | (ended == NO_LIMIT))
        soc = np.empty(n)
        k.content(soc, own, plan.duty.design)
        sums += share * (own.ageing[: ageing.N_SUMS] - state.sums)
        change = own.damage - state.damage
        change[[beyond.PLATING_DEPTH_V, beyond.SHORT_A]] = 0.0
        damage += share * change
        room += share * (lacking(plan, own.window[4], soc) - start_room)
        if number == 0:
            soc_end = soc
        times = one.kept.below_s.sum(axis=0)
        over |= times[[MARGIN, REVERSED]] > plan.over_discharge_time_s
        seen.append(full.sightings(one.log, pack))
    usable, even, group = usable_ah(plan, capacity, state.soc)
    return Cycle(
        sums=sums,
        damage=damage,
        room_ah=room - _string_means(plan, room),
        soc=soc_end,
        capacity_ah=capacity,
        window_ah=window,
        usable=usable / plan.nominal_ah,
        even=even / plan.nominal_ah,
        limiting_group=group,
        over_group=int(np.argmax(over[0])) if over[0].any() else -1,
        reversed_group=int(np.argmax(over[1])) if over[1].any() else -1,
        seen=np.concatenate(seen),
        solved=solved and bool(np.isfinite(sums).all() and np.isfinite(capacity).all()),  # no window left: no claim
    )


def lacking(plan: LifePlan, capacity_ah: Array, soc: Array) -> Array:
    """Charge [g] that each group lacks to its own full state."""
    out: Array = np.add.reduceat((1.0 - soc) * capacity_ah, plan.first_cell)
    return out


def usable_ah(plan: LifePlan, capacity_ah: Array, soc: Array) -> tuple[float, float, int]:
    """Charge between the first full and the first empty group, at equilibrium; if balanced; the group that costs most.

    Strings in parallel add up; each is limited by its own groups.
    """
    group_ah: Array = np.add.reduceat(capacity_ah, plan.first_cell)
    room = lacking(plan, capacity_ah, soc)
    held = group_ah - room
    total, even, worst, group = 0.0, 0.0, np.inf, 0
    for string in np.unique(plan.string_of_group):
        own = np.flatnonzero(plan.string_of_group == string)
        gives = float(room[own].min() + held[own].min())
        total += gives
        even += float(group_ah[own].min())
        if gives < worst:
            small_room, small_held = own[int(np.argmin(room[own]))], own[int(np.argmin(held[own]))]
            fuller = room[own].mean() - room[small_room] > held[own].mean() - held[small_held]
            worst, group = gives, int(small_room if fuller else small_held)
    return total, even, group


def _string_means(plan: LifePlan, values: Array) -> Array:
    """Mean over the groups of each group's string [g]."""
    counts = np.bincount(plan.string_of_group)
    means = np.bincount(plan.string_of_group, weights=values) / np.maximum(counts, 1)
    out: Array = means[plan.string_of_group]
    return out


def ahead(plan: LifePlan, own: Own, state: State, first: Cycle, second: Cycle | None, cycles: float) -> State:
    """The state `cycles` later, if every cycle adds what `first` adds, or the mean of both.

    SEI grows by its square, which is linear in time where diffusion limits it.
    """
    mean = first.sums if second is None else 0.5 * (first.sums + second.sums)
    worn = first.damage if second is None else 0.5 * (first.damage + second.damage)
    drift = first.room_ah if second is None else 0.5 * (first.room_ah + second.room_ah)
    sums = state.sums + cycles * mean
    thick = plan.laws.first_m + state.sums[ageing.SEI_M]
    squared = 2.0 * thick * first.sums[ageing.SEI_M]
    if second is not None:
        thicker = plan.laws.first_m + second_thickness(state, first, cycles, plan)
        squared = 0.5 * (squared + 2.0 * thicker * second.sums[ageing.SEI_M])
    grown = np.sqrt(thick**2 + cycles * squared) - thick
    per_m = np.divide(mean[ageing.SEI_C], mean[ageing.SEI_M], out=np.zeros_like(grown), where=mean[ageing.SEI_M] > 0.0)
    sums[ageing.SEI_M] = state.sums[ageing.SEI_M] + grown
    sums[ageing.SEI_C] = state.sums[ageing.SEI_C] + grown * per_m
    damage = state.damage + cycles * worn
    damage[beyond.PLATING_DEPTH_V] = own.damage[beyond.PLATING_DEPTH_V]
    sums[ageing.SEI_C] += damage[beyond.LITHIUM_LOST_C] - state.damage[beyond.LITHIUM_LOST_C]
    window = first.window_ah
    if plan.feedback:
        rows = own.ageing.copy()
        rows[: ageing.N_SUMS] = sums
        window = aged_window(plan.duty.design, own.values, rows)[4]
    soc = _charged(plan, state, first, first if second is None else second, window, drift, cycles)
    return State(sums, damage, soc, state.cycles + cycles)


def second_thickness(state: State, first: Cycle, cycles: float, plan: LifePlan) -> Array:
    """SEI [m] grown until the end of the jump, as the first answer had it."""
    thick = plan.laws.first_m + state.sums[ageing.SEI_M]
    out: Array = np.sqrt(thick**2 + cycles * 2.0 * thick * first.sums[ageing.SEI_M]) - plan.laws.first_m
    return out


def _charged(
    plan: LifePlan, state: State, first: Cycle, last: Cycle, window_ah: Array, drift_ah: Array, cycles: float
) -> Array:
    """State of charge of each cell as a cycle begins `cycles` later: groups drift apart, balancing brings them together.

    From `state` on they drift; `first` is a cycle simulated then (from a first guess of `state`), `last` says how each cell
    stands in its group, `window_ah` [n] is what cells take by then. Where each string stands does not matter, because a
    cycle begins with a charge.
    """
    level = lacking(plan, first.window_ah, first.soc)
    later = lacking(plan, first.window_ah, state.soc) + cycles * drift_ah
    for string in np.unique(plan.string_of_group):
        own = plan.string_of_group == string
        later[own] += np.minimum(later[own].max() - later[own], cycles * plan.balance_ah)
        later[own] += level[own].mean() - later[own].mean()
    shift = lacking(plan, last.window_ah, last.soc) / np.add.reduceat(last.window_ah, plan.first_cell)
    shift -= later / np.add.reduceat(window_ah, plan.first_cell)
    sizes = np.diff(plan.first_cell, append=last.soc.size)
    out: Array = np.clip(last.soc + np.repeat(shift, sizes), 0.0, 1.0)
    return out


def live(
    plan: LifePlan,
    values: Array,
    soc: Array,
    rate: Array,
    joints: Joints,
    *,
    seed: int,
    block: int,
    pack: int,
    short_s: Array | None = None,
    to_the_end: bool = False,
) -> PackLife:
    """One pack from new until the years are over, or until it has failed.

    Args:
        values, soc, rate: traits [trait, n], state of charge [n] and speed of ageing [n] of its cells.
        short_s: conductance [n] of shorts that are part of the leakage as built and grow from there; none if left out.
        to_the_end: go on after a failure.
    """
    own = full.build(plan.duty, values, soc, joints, seed=seed, block=block, pack=pack, ageing_rate=rate)
    state = State(np.zeros((ageing.N_SUMS, soc.size)), own.damage.copy(), soc.copy(), 0.0)
    growing = np.zeros(soc.size) if short_s is None else short_s
    now = cycle(plan, own, state, growing, block=block, pack=pack)
    kept = [(now, state)]
    longest = SHORT_JUMP * plan.short_doubling_cycles if growing.any() else np.inf
    jump, simulated, rejected = FIRST_JUMP, 1, 0
    while state.cycles < plan.total_cycles and now.solved and (to_the_end or not failed(plan, now)):
        jump = min(jump, longest, plan.total_cycles - state.cycles)
        guess = ahead(plan, own, state, now, None, jump)
        then = cycle(plan, own, guess, growing, block=block, pack=pack)
        simulated += 1
        better = ahead(plan, own, state, now, then, jump)
        off = _off(plan, own, guess.sums, better.sums)
        if off > plan.tolerance and jump > SHORTEST_JUMP and simulated < MOST_CYCLES:
            jump, rejected = max(0.5 * jump, SHORTEST_JUMP), rejected + 1
            continue
        state, now = better, then
        kept.append((now, state))
        if simulated >= MOST_CYCLES:
            now = now._replace(solved=False)
        jump *= min(max(0.8 * np.sqrt(plan.tolerance / max(off, 1e-12)), 0.3), GROWTH)
    return _told(plan, kept, simulated, rejected, now.solved)


def _off(plan: LifePlan, own: Own, a: Array, b: Array) -> float:
    """Largest difference of two answers, of a cell's capacity: lithium or active material lost."""
    one, two = np.empty(a.shape[1]), np.empty(a.shape[1])
    k.lost_c(one, a)
    k.lost_c(two, b)
    lithium = np.abs(one - two) / own.ageing[ageing.CAPACITY_C]
    material = np.abs(a[[ageing.LOST_N, ageing.LOST_P]] - b[[ageing.LOST_N, ageing.LOST_P]]).max(axis=0)
    return float(np.maximum(lithium, material).max())


def failed(plan: LifePlan, now: Cycle) -> bool:
    """Whether something in this cycle ends the pack's life."""
    return now.usable < plan.end_of_life or now.over_group >= 0 or bool(now.seen["code"].size and _serious(now.seen))


def _serious(seen: npt.NDArray[np.void]) -> bool:
    return bool(np.isin(seen["code"], ENDING).any())


def _told(plan: LifePlan, kept: list[tuple[Cycle, State]], simulated: int, rejected: int, solved: bool) -> PackLife:
    cycles = [c for c, _ in kept]
    room = np.array([lacking(plan, c.window_ah, s.soc) for c, s in kept])
    return PackLife(
        cycles=np.array([s.cycles for _, s in kept]),
        usable=np.array([c.usable for c in cycles]),
        even=np.array([c.even for c in cycles]),
        limiting_group=np.array([c.limiting_group for c in cycles]),
        over_group=np.array([c.over_group for c in cycles]),
        reversed_group=np.array([c.reversed_group for c in cycles]),
        capacity_ah=np.array([c.capacity_ah for c in cycles]),
        sums=np.array([s.sums for _, s in kept]),
        room_ah=room - room.min(axis=1, keepdims=True),
        seen=tuple((s.cycles, c.seen) for c, s in kept if c.seen.size),
        simulated=simulated,
        rejected=rejected,
        solved=solved,
    )

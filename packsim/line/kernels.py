"""As-built cells from their addresses (compiled).

Shapes: n cells, t traits, v variables (the traits first), d defects. What lots, rolls and segments share is drawn for a
stretch of cells at once, the cells' own words for a chunk of it, in loops that run on vector registers. Every value is a
pure function of (plan, seed, address): stretch, chunk, thread and neighbours do not matter.
"""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from packsim.line.addresses.kernels import order_of, put_counters
from packsim.line.digits.kernels import PART, Decisions, DigitsPlan, decide, decisions_for
from packsim.line.in_line.kernels import InLinePlan, inspect
from packsim.line.mishaps.kernels import Harm, Mishaps, apply_defects, mishaps_for, occurrences
from packsim.line.variation.kernels import (
    LOGNORMAL,
    NORMAL,
    Room,
    Within,
    add_parts,
    room_for,
    shape,
    within_of,
    write_level,
)
from packsim.line.variation.levels.kernels import (
    Sharing,
    cut,
    follow,
    put_columns,
    shared,
    sharing_of,
    spread,
    spread_in_lanes,
)
from packsim.numerics.held import Held
from packsim.numerics.jit import allocating_kernel, kernel

CHUNK = 4096
STRETCH = 4 * CHUNK  # cells whose lots, rolls and segments are drawn at once


class Bench(NamedTuple):
    """Room for n cells on the way, for one chunk after another: arrays made anew for each were a tenth of the time."""

    counter: npt.NDArray[np.uint64]  # [3, n]
    z: npt.NDArray[np.float32]  # [v, n] normals; those of variables that need none are read with a factor of 0
    own: npt.NDArray[np.float64]  # [v - t, n] process variables
    knot: npt.NDArray[np.uint32]  # [n]
    edges: npt.NDArray[np.int64]  # [n + 1] of pieces
    columns: npt.NDArray[np.int64]  # [2, n] of positions across the web, for each piece
    drawn: Room
    decisions: Decisions
    mishaps: Mishaps


class Effects(NamedTuple):
    """What process variables do to traits [e]."""

    variable: npt.NDArray[np.int64]
    trait: npt.NDArray[np.int64]
    elasticity: npt.NDArray[np.float64]


class Numbers(NamedTuple):
    """The line's plan in parts: a kernel that is handed all of it has four hundred arguments and takes long to compile."""

    sharing: Sharing
    within: Within
    digits: DigitsPlan
    in_line: InLinePlan
    effects: Effects
    harm: Harm


@allocating_kernel
def bench_for(n, draws, traits):
    """Room for n cells of a line of `traits` and other variables [v], which need a normal where draws[v] > 0."""
    variables = draws.size
    z = np.empty((variables, n), np.float32)
    for v in range(variables):
        if not draws[v] > 0.0:
            z[v] = 0.0
    return Bench(
        np.empty((3, n), np.uint64),
        z,
        np.empty((variables - traits, n)),
        np.empty(n, np.uint32),
        np.empty(n + 1, np.int64),
        np.empty((2, n), np.int64),
        room_for(min(PART, n)),
        decisions_for(n),
        mishaps_for(n),
    )


@allocating_kernel
def hold(plan):
    """The line's plan as `build_cells` takes it: each part of it for the kernels that read it."""
    harm = Harm(plan.probability, plan.severity, plan.severity_log_sd, plan.defect_trait, plan.defect_mode)
    effects = Effects(plan.effect_variable, plan.effect_trait, plan.elasticity)
    return Held(Numbers(sharing_of(plan), within_of(plan), plan.digits, plan.in_line, effects, harm))


@allocating_kernel
def build_cells(x, lot, defect, scrapped, rejected, address, held, key0, key1, first, last):
    """Fill x[t, n], lot[n], defect[n], scrapped[n], rejected[n] of rows first .. last - 1 of address[n, 3].

    `held` is the line's plan (`hold`).
    """
    plan = held.value
    within, line = plan.within, plan.in_line
    bench = bench_for(min(CHUNK, last - first), within.draws, x.shape[0])
    for start in range(first, last, STRETCH):
        stop = min(start + STRETCH, last)
        in_turn = follow(address[start:stop])
        common = shared(lot[start:stop], address[start:stop], in_turn, plan.sharing, key0, key1)
        for begin in range(start, stop, CHUNK):
            end, at = min(begin + CHUNK, stop), begin - start
            counter = bench.counter if end - begin == bench.knot.size else np.empty((3, end - begin), np.uint64)
            put_counters(counter, address[begin:end], in_turn)
            order = order_of(counter, in_turn)
            vary(x, bench, begin, order, counter, common, at, within, key0, key1)
            some = decide(bench.decisions, order, counter, plan.digits, key0, key1)
            cells, digits = bench.decisions.cells[:some], bench.decisions.digits
            own = defect[begin:end]
            occurrences(own, cells, digits, bench.mishaps, order, counter, plan.harm, key0, key1)
            pass_all(scrapped[begin:end], rejected[begin:end])
            if line.alarm.size > 0:
                inspect(
                    scrapped[begin:end],
                    rejected[begin:end],
                    own,
                    bench.decisions.look[: end - begin],
                    x,
                    bench.own,
                    begin,
                    common,
                    at,
                    order,
                    counter,
                    line,
                    within,
                    key0,
                    key1,
                )
            take_effect(x, bench.own, begin, end, plan.effects)
            apply_defects(x, begin, cells, own, bench.mishaps, order, counter, plan.harm, key0, key1)


@kernel
def vary(x, bench, begin, order, counter, common, offset, within, key0, key1):
    """The variables of rows `offset` ... of a stretch: what is shared, what is the cells' own, and the shape.

    x[t, begin ...] takes the traits, bench.own[v - t, ...] the other variables.
    """
    n = counter.shape[1]
    piece, count = cut(bench.edges, common.edges, offset, offset + n)
    edges = bench.edges[: count + 1]
    if common.lane_level.shape[1] > 0:
        put_columns(bench.columns, common, within.lanes, offset, piece, edges)
    write_level(bench.z, bench.drawn, order, within.draws, counter, within.purpose, within.group_rows, key0, key1)
    put_together(x, bench, begin, n, common.level, common.lane_level, piece, edges, within)


@kernel
def put_together(x, bench, begin, n, levels, lane_levels, piece, edges, within):
    """The variables from levels [v, p], levels of lanes [v, columns] and normals bench.z[v, n]."""
    z, traits = bench.z, x.shape[0]
    for v in range(within.sd.size):
        out = x[v, begin : begin + n] if v < traits else bench.own[v - traits, :n]
        sd, form = within.sd[v], within.form[v]
        mixed = sd > 0.0 and within.mixed[v]
        final = form == NORMAL and not mixed
        level, part, least = levels[v], sd * within.factor[v, v], 0.0 if final else -math.inf
        if within.sd_lane[v] > 0.0:
            lane_level, columns = lane_levels[v], bench.columns
            spread_in_lanes(out, z[v, :n], part, least, level, lane_level, columns, within.lanes, piece, edges)
        else:
            grows = form == LOGNORMAL and not mixed
            spread(out, z[v, :n], part, least, grows, level, piece, edges)
            final |= grows
        if mixed:
            add_parts(out, z, v, n, sd, within.factor)
        if not final:
            shape(out, bench.knot, form, within.tables[within.table[v]], within.centre[v], within.scale[v])


@kernel
def pass_all(scrapped, rejected):
    """No step has rejected any of the cells [n] so far."""
    for i in range(scrapped.size):
        scrapped[i], rejected[i] = -1, 0


@kernel
def take_effect(x, own, begin, end, effects):
    """What process variables do to traits: `elasticity` percent for each percent of the variable."""
    traits = x.shape[0]
    for e in range(effects.elasticity.size):
        v, value, share = effects.variable[e], x[effects.trait[e], begin:end], effects.elasticity[e]
        cause = x[v, begin:end] if v < traits else own[v - traits, : end - begin]
        for i in range(value.size):
            value[i] *= max(1.0 + share * (cause[i] - 1.0), 0.0)

"""As-built cells from their addresses (compiled).

Shapes: n cells, t traits, v variables (the traits first), d defects; a chunk of up to CHUNK cells is built at once, so
that random words are drawn in loops that run on vector registers. Every value is a pure function of (plan, seed,
address): the chunk, the thread and the neighbours do not matter.
"""

import numpy as np

from packsim.line.in_line.kernels import inspect
from packsim.line.variation.kernels import (
    NORMAL,
    WITHIN,
    correlate,
    draw,
    edges_of,
    lane_levels,
    lane_numbers,
    roll_levels,
    rolls,
    segment_levels,
    segments,
    shape,
    spread,
)
from packsim.numerics.fastmath import exp_fast
from packsim.numerics.jit import kernel
from packsim.numerics.purposes import DEFECT_OCCURS_0, DEFECT_SEVERITY_0
from packsim.numerics.streams import _philox, _word, normal_from_word

ADD, LOSE = 0, 1  # how a defect acts on its trait
LARGEST_LOSS = 0.95
CHUNK = 2048
_TWO_32 = 4294967296.0


@kernel
def build_cells(x, lot, defect, scrapped, rejected, address, plan, key0, key1, first, last):
    """Fill x[v + 1, n], lot[n], defect[n], scrapped[n], rejected[n] of rows first .. last - 1 of address[n, 3]."""
    for begin in range(first, last, CHUNK):
        end = min(begin + CHUNK, last)
        build_chunk(
            x,
            begin,
            lot[begin:end],
            defect[begin:end],
            scrapped[begin:end],
            rejected[begin:end],
            address[begin:end],
            plan,
            key0,
            key1,
        )


@kernel
def build_chunk(x, begin, lot, defect, scrapped, rejected, address, plan, key0, key1):
    """One chunk of `build_cells`: variables, defects, in-line inspections, then what they do to traits.

    The last row of x is scratch.
    """
    n = lot.size
    end = begin + n
    counter = np.empty((3, n), np.uint64)  # slot, block, candidate
    for i in range(n):
        counter[0, i], counter[1, i], counter[2, i] = _word(address[i, 1]), _word(address[i, 0]), _word(address[i, 2])
    roll, place, of_roll, of_lot, begins = rolls(lot, address, plan)
    roll_level = roll_levels(of_roll, of_lot, plan, key0, key1)
    roll_edges = edges_of(roll, roll_level.shape[1])
    level, segment, edges = roll_level, roll, roll_edges
    if plan.any_moves:
        segment, own_roll, number = segments(roll, place, plan.segment_cells)
        level = segment_levels(roll_level, own_roll, number, of_roll, begins, plan, key0, key1)
        edges = edges_of(segment, level.shape[1])
    lane, lane_level = roll, level[:, :0]
    if plan.any_lanes:
        lane, lane_level = lane_numbers(roll, place, plan.lanes), lane_levels(of_lot, plan, key0, key1)
    draw(x, begin, plan.draws[WITHIN], counter, plan.purpose[WITHIN], plan.group_rows, key0, key1)
    if plan.correlated[WITHIN]:
        correlate(x, begin, end, plan.factor_within)
    for v in range(plan.location.size):
        of_lane = lane_level[v] if plan.sd_lane[v] > 0.0 else lane_level[v, :0]
        floor = 0.0 if plan.form[v] == NORMAL else -np.inf
        if plan.moves[v]:
            spread(x[v, begin:end], level[v], segment, edges, plan.sd_within[v], of_lane, lane, floor)
        else:  # whole rolls at once
            spread(x[v, begin:end], roll_level[v], roll, roll_edges, plan.sd_within[v], of_lane, lane, floor)
        if plan.form[v] != NORMAL:
            shape(x[v, begin:end], plan.form[v], plan.tables[plan.table[v]], plan.centre[v], plan.scale[v])
    occurrences(defect, counter, plan, key0, key1)
    inspect(scrapped, rejected, defect, x, begin, level, lane_level, segment, lane, counter, plan, key0, key1)
    take_effect(x, begin, end, plan)
    apply_defects(x, begin, defect, counter, plan, key0, key1)


@kernel
def take_effect(x, begin, end, plan):
    """What process variables do to traits: `elasticity` percent for each percent of the variable."""
    for e in range(plan.elasticity.size):
        cause, trait = x[plan.effect_variable[e], begin:end], x[plan.effect_trait[e], begin:end]
        elasticity = plan.elasticity[e]
        for i in range(trait.size):
            trait[i] *= max(1.0 + elasticity * (cause[i] - 1.0), 0.0)


@kernel
def occurrences(defect, counter, plan, key0, key1):
    """Bit k of defect[n] where the k-th word of the address is under the k-th probability."""
    defect[:] = 0
    bound = np.zeros(8, np.uint64)
    for k in range(plan.probability.size):
        bound[k] = np.uint64(plan.probability[k] * _TWO_32 + 0.5)
    slot, block, candidate = counter[0], counter[1], counter[2]
    k0, k1, one = _word(key0), _word(key1), np.uint64(1)
    for group in range(2):
        b0, b1, b2, b3 = bound[4 * group], bound[4 * group + 1], bound[4 * group + 2], bound[4 * group + 3]
        if b0 + b1 + b2 + b3 == 0:
            continue
        c3, up = _word(DEFECT_OCCURS_0 + group), np.uint64(4 * group)
        for i in range(defect.size):
            w0, w1, w2, w3 = _philox(slot[i], block[i], candidate[i], c3, k0, k1)
            mask = np.uint64(w0 < b0) | (np.uint64(w1 < b1) << one)
            mask |= (np.uint64(w2 < b2) | (np.uint64(w3 < b3) << one)) << np.uint64(2)
            defect[i] |= np.uint16(mask << up)


@kernel
def apply_defects(x, begin, defect, counter, plan, key0, key1):
    """Severities median * exp(log_sd z) of the defects of each cell, in their order, onto its traits in x[v, begin ...]."""
    probability, median, log_sd = plan.probability, plan.severity, plan.severity_log_sd
    trait, mode = plan.defect_trait, plan.defect_mode
    k0, k1 = _word(key0), _word(key1)
    for i in range(defect.size):
        if defect[i] == 0:
            continue
        for k in range(probability.size):
            if not (defect[i] >> k) & 1:
                continue
            w = _philox(counter[0, i], counter[1, i], counter[2, i], _word(DEFECT_SEVERITY_0 + k // 4), k0, k1)
            z = normal_from_word(w[0] if k % 4 == 0 else w[1] if k % 4 == 1 else w[2] if k % 4 == 2 else w[3])
            severity = median[k] * exp_fast(log_sd[k] * z)
            if mode[k] == ADD:
                x[trait[k], begin + i] += severity
            else:
                x[trait[k], begin + i] *= 1.0 - min(severity, LARGEST_LOSS)

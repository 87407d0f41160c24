"""As-built cells from their addresses (compiled).

Shapes: n cells, t traits, v variables (the traits first), d defects; a chunk of up to CHUNK cells is built at once, so
that random words are drawn in loops that run on vector registers. Every value is a pure function of (plan, seed,
address): the chunk, the thread and the neighbours do not matter.
"""

import numpy as np

from packsim.line.in_line.kernels import inspect
from packsim.line.variation.kernels import (
    WITHIN,
    correlate,
    draw,
    lane_levels,
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
CHUNK = 1024
_TWO_32 = 4294967296.0


@kernel
def build_cells(values, lot, defect, scrapped, rejected, address, plan, key0, key1, first, last):
    """Fill values[t, n], lot[n], defect[n], scrapped[n], rejected[n] of rows first .. last - 1 of address[n, 3]."""
    for begin in range(first, last, CHUNK):
        end = min(begin + CHUNK, last)
        build_chunk(
            values[:, begin:end],
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
def build_chunk(values, lot, defect, scrapped, rejected, address, plan, key0, key1):
    """One chunk of `build_cells`: variables, defects, in-line inspections, then what they do to traits."""
    n = lot.size
    counter = np.empty((3, n), np.uint64)  # slot, block, candidate
    for i in range(n):
        counter[0, i], counter[1, i], counter[2, i] = _word(address[i, 1]), _word(address[i, 0]), _word(address[i, 2])
    roll, place, of_roll, of_lot, begins = rolls(lot, address, plan)
    level, segment = roll_levels(of_roll, of_lot, plan, key0, key1), roll
    if plan.any_moves:
        segment, own_roll, number = segments(roll, place, plan.segment_cells)
        level = segment_levels(level, own_roll, number, of_roll, begins, plan, key0, key1)
    lane, lane_level = roll, level[:0]
    if plan.any_lanes:
        lane, lane_level = np.empty(n, np.int32), lane_levels(of_lot, plan, key0, key1)
        for i in range(n):
            lane[i] = roll[i] * plan.lanes + place[i] % plan.lanes
    x = np.empty((plan.location.size + 1, n))
    draw(x, plan.draws[WITHIN], counter, WITHIN, plan, key0, key1)
    if plan.correlated[WITHIN]:
        correlate(x, plan.factor_within)
    for v in range(plan.location.size):
        spread(x[v], level[v], segment, plan.sd_within[v])
        if plan.sd_lane[v] > 0.0:
            for i in range(n):
                x[v, i] += lane_level[v, lane[i]]
        shape(x[v], v, plan)
    occurrences(defect, counter, plan, key0, key1)
    inspect(scrapped, rejected, defect, x, level, lane_level, segment, lane, counter, plan, key0, key1)
    take_effect(x, plan)
    for i in range(n):
        if defect[i]:
            apply_defects(x, i, int(defect[i]), counter, plan, key0, key1)
    for t in range(values.shape[0]):
        for i in range(n):
            values[t, i] = max(x[t, i], 0.0)  # no trait is negative


@kernel
def take_effect(x, plan):
    """What process variables do to traits: `elasticity` percent for each percent of the variable."""
    for e in range(plan.elasticity.size):
        cause, trait, elasticity = x[plan.effect_variable[e]], x[plan.effect_trait[e]], plan.elasticity[e]
        for i in range(trait.size):
            trait[i] = max(trait[i], 0.0) * max(1.0 + elasticity * (cause[i] - 1.0), 0.0)


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
def apply_defects(x, i, mask, counter, plan, key0, key1):
    """Severities median * exp(log_sd z) of cell i's defects, in their order, onto its traits in x[v, n]."""
    slot, block, candidate = counter[0, i], counter[1, i], counter[2, i]
    for k in range(plan.probability.size):
        if not (mask >> k) & 1:
            continue
        w = _philox(slot, block, candidate, _word(DEFECT_SEVERITY_0 + k // 4), _word(key0), _word(key1))
        z = normal_from_word(w[0] if k % 4 == 0 else w[1] if k % 4 == 1 else w[2] if k % 4 == 2 else w[3])
        severity = plan.severity[k] * exp_fast(plan.severity_log_sd[k] * z)
        t = plan.defect_trait[k]
        sound = max(x[t, i], 0.0)
        x[t, i] = sound + severity if plan.defect_mode[k] == ADD else sound * (1.0 - min(severity, LARGEST_LOSS))

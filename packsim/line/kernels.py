"""As-built cells from their addresses (compiled).

Shapes: n cells, t traits, v variables (the traits first), d defects. What lots, rolls and segments share is drawn for a
stretch of cells at once, the cells' own words for a chunk of it, in loops that run on vector registers. Every value is a
pure function of (plan, seed, address): stretch, chunk, thread and neighbours do not matter.
"""

import math

import numpy as np

from packsim.line.addresses.kernels import addresses_of, counters_of, order_of
from packsim.line.digits.kernels import DEFECT, decide, pick
from packsim.line.in_line.kernels import inspect
from packsim.line.variation.kernels import NORMAL, WITHIN, add_parts, draw, mixes, row_of, shape, within_of
from packsim.line.variation.levels.kernels import columns_of, cut, follow, shared, spread, spread_in_lanes
from packsim.numerics.fastmath import exp_fast
from packsim.numerics.held import Held
from packsim.numerics.jit import allocating_kernel, kernel
from packsim.numerics.purposes import DECISIONS_0, DEFECT_DIGITS_0, DEFECT_SEVERITY_0
from packsim.numerics.streams import write_short_normals, write_words

ADD, LOSE = 0, 1  # how a defect acts on its trait
LARGEST_LOSS = 0.95
CHUNK = 4096
STRETCH = 4 * CHUNK  # cells whose lots, rolls and segments are drawn at once
_TWO_40 = 1099511627776.0
_32, _WORD, _DIGIT = np.uint64(32), np.uint64(0xFFFFFFFF), np.uint32(0xFF)


@allocating_kernel
def hold(plan):
    """The line's plan as `build_cells` takes it."""
    return Held(plan)


@allocating_kernel
def build_cells(x, lot, defect, scrapped, rejected, address, held, key0, key1, first, last):
    """Fill x[t, n], lot[n], defect[n], scrapped[n], rejected[n] of rows first .. last - 1 of address[n, 3].

    `held` is the line's plan (`hold`).
    """
    plan = held.value
    count, most = plan.location.size, min(CHUNK, last - first)
    z = np.empty((count, most), np.float32)
    for v in range(count):
        if not plan.draws[WITHIN, v] > 0.0:
            z[v] = 0.0  # read with a factor of 0
    own = np.empty((count - x.shape[0], most))
    within, line = within_of(plan), plan.in_line
    for start in range(first, last, STRETCH):
        stop = min(start + STRETCH, last)
        in_turn = follow(address[start:stop])
        common = shared(lot[start:stop], address[start:stop], in_turn, plan, key0, key1)
        for begin in range(start, stop, CHUNK):
            end, at = min(begin + CHUNK, stop), begin - start
            counter = counters_of(address[begin:end], in_turn)
            order = order_of(counter, in_turn)
            vary(x, own, z, begin, order, counter, common, at, within, key0, key1)
            look = decide(order, counter, plan.digits, key0, key1)
            hit = occurrences(defect[begin:end], look, counter, plan.probability, key0, key1)
            inspect(
                scrapped[begin:end],
                rejected[begin:end],
                defect[begin:end],
                look,
                x,
                own,
                begin,
                common,
                at,
                counter,
                line,
                within,
                key0,
                key1,
            )
            take_effect(x, own, begin, end, plan.effect_variable, plan.effect_trait, plan.elasticity)
            apply_defects(
                x,
                begin,
                hit,
                defect[begin:end],
                counter,
                plan.severity,
                plan.severity_log_sd,
                plan.defect_trait,
                plan.defect_mode,
                key0,
                key1,
            )


@allocating_kernel
def vary(x, own, z, begin, order, counter, common, offset, within, key0, key1):
    """The variables of rows `offset` ... of a stretch: what is shared, what is the cells' own, and the shape.

    x[t, begin ...] takes the traits, own[v - t, ...] the other variables, z[v, ...] normals.
    """
    n = counter.shape[1]
    piece, edges = cut(common.edges, offset, offset + n)
    columns = columns_of(common, within.lanes, offset, piece, edges)
    draw(z, order, within.draws, counter, within.purpose, within.group_rows, key0, key1)
    knot = np.empty(n, np.uint32)
    put_together(x, own, z, knot, begin, common.level, common.lane_level, columns, piece, edges, within)


@kernel
def put_together(x, own, z, knot, begin, levels, lane_levels, columns, piece, edges, within):
    """The variables from levels [v, p], levels of lanes [v, columns] and normals z[v, n].

    Apart from `vary`, because it counts no references: the counts took longer than the additions.
    """
    n, traits = knot.size, x.shape[0]
    for v in range(within.sd.size):
        out = x[v, begin : begin + n] if v < traits else own[v - traits, :n]
        sd, form = within.sd[v], within.form[v]
        mixed = sd > 0.0 and mixes(within.factor, v)
        final = form == NORMAL and not mixed
        level, part, least = levels[v], sd * within.factor[v, v], 0.0 if final else -math.inf
        if within.sd_lane[v] > 0.0:
            spread_in_lanes(out, z[v, :n], part, least, level, lane_levels[v], columns, within.lanes, piece, edges)
        else:
            spread(out, z[v, :n], part, least, level, piece, edges)
        if mixed:
            add_parts(out, z, v, n, sd, within.factor)
        if not final:
            shape(out, knot, form, within.tables[within.table[v]], within.centre[v], within.scale[v])


@allocating_kernel
def take_effect(x, own, begin, end, variable, trait, elasticity):
    """What process variables do to traits: `elasticity` percent for each percent of the variable."""
    for e in range(elasticity.size):
        cause, value, share = row_of(x, own, variable[e], begin, end), x[trait[e], begin:end], elasticity[e]
        for i in range(value.size):
            value[i] *= max(1.0 + share * (cause[i] - 1.0), 0.0)


@allocating_kernel
def occurrences(defect, look, counter, probability, key0, key1):
    """Bit k of defect[n] where the k-th uniform of the address is under the k-th probability; the cells that have any.

    look[n] has bit DEFECT where a first digit may be (`decide`).
    """
    cells = np.empty(defect.size, np.uint32)
    cells = cells[: pick(cells, look, DEFECT)]
    address, words = addresses_of(cells, counter), np.empty((4, cells.size), np.uint32)
    bits, undecided = np.zeros(cells.size, np.uint16), np.zeros(cells.size, np.uint16)
    write_words(words[0], words[1], words[2], words[3], address, DECISIONS_0, key0, key1)
    for k in range(probability.size):
        high, _ = limit_of(probability[k])
        note_bits(bits, undecided, words[k // 4], np.uint32(8 * (k % 4)), high, np.uint16(1 << k))
    for k in range(probability.size):
        if k % 4 == 0:
            write_words(words[0], words[1], words[2], words[3], address, DEFECT_DIGITS_0 + k // 4, key0, key1)
        _, low = limit_of(probability[k])
        settle(bits, undecided, words[k % 4], low, np.uint16(1 << k))
    put_bits(defect, cells, bits)
    return cells


@kernel
def limit_of(probability):
    """First digit, which may be 256, and the 32 bits after it, that a uniform must be under."""
    limit = np.uint64(probability * _TWO_40 + 0.5)
    return np.uint32(limit >> _32), np.uint32(limit & _WORD)


@kernel
def note_bits(bits, undecided, word, shift, high, bit):
    """Set `bit` in bits[m] where the digit of word[m] is under `high`, in undecided[m] where it is just that."""
    for m in range(bits.size):
        digit = (word[m] >> shift) & _DIGIT
        bits[m] |= bit if digit < high else np.uint16(0)
        undecided[m] |= bit if digit == high else np.uint16(0)


@kernel
def settle(bits, undecided, word, low, bit):
    """Set `bit` in bits[m] where it is undecided and the bits after the digit, word[m], are under `low`."""
    for m in range(bits.size):
        bits[m] |= undecided[m] & bit if word[m] < low else np.uint16(0)


@kernel
def put_bits(defect, cells, bits):
    """defect[n]: bits[m] of cells[m], 0 of the others."""
    for i in range(defect.size):
        defect[i] = 0
    for m in range(cells.size):
        defect[cells[m]] = bits[m]


@allocating_kernel
def apply_defects(x, begin, cells, defect, counter, median, log_sd, trait, mode, key0, key1):
    """Severities median * exp(log_sd z) of the defects of `cells`, in their order, onto their traits in x[v, begin ...]."""
    address, bits = addresses_of(cells, counter), defect[cells]
    words, z = np.empty((4, cells.size), np.uint32), np.empty((4, cells.size), np.float32)
    own, drawn, severity = np.empty(cells.size, np.uint32), np.empty(cells.size, np.float32), np.empty(cells.size)
    for k in range(median.size):
        if k % 4 == 0:
            write_words(words[0], words[1], words[2], words[3], address, DEFECT_SEVERITY_0 + k // 4, key0, key1)
            write_short_normals(z[0], z[1], words[0], words[1])
            write_short_normals(z[2], z[3], words[2], words[3])
        count = take(own, drawn, bits, k, cells, z[k % 4])
        for m in range(count):
            severity[m] = median[k] * exp_fast(log_sd[k] * drawn[m])
        value, loses = x[trait[k], begin : begin + defect.size], mode[k] == LOSE
        for m in range(count):
            i = own[m]
            value[i] = value[i] * (1.0 - min(severity[m], LARGEST_LOSS)) if loses else value[i] + severity[m]


@kernel
def take(own, drawn, bits, k, cells, z):
    """Those of `cells` that have bit k, and their normals, into the first of own[m] and drawn[m]; how many."""
    count = 0
    for m in range(bits.size):
        own[count], drawn[count] = cells[m], z[m]
        count += (bits[m] >> k) & 1
    return count

"""As-built cells from their addresses (compiled).

Shapes: n cells, t traits, v variables (the traits first), d defects. What lots, rolls and segments share is drawn for a
stretch of cells at once, the cells' own words for a chunk of it, in loops that run on vector registers. Every value is a
pure function of (plan, seed, address): stretch, chunk, thread and neighbours do not matter.
"""

import math

import numpy as np

from packsim.line.digits.kernels import addresses_of, note_digits, pick, word_of
from packsim.line.in_line.kernels import inspect
from packsim.line.variation.kernels import NORMAL, WITHIN, add_parts, draw, mixes, row_of, shape, within_of
from packsim.line.variation.levels.kernels import columns_of, cut, follow, shared, spread, spread_in_lanes
from packsim.numerics.fastmath import exp_fast
from packsim.numerics.held import Held
from packsim.numerics.jit import allocating_kernel, kernel
from packsim.numerics.purposes import DEFECT_DIGITS_0, DEFECT_OCCURS, DEFECT_SEVERITY_0
from packsim.numerics.streams import _word, of_one_block, write_short_normals, write_words

ADD, LOSE = 0, 1  # how a defect acts on its trait
LARGEST_LOSS = 0.95
CHUNK = 4096
STRETCH = 4 * CHUNK  # cells whose lots, rolls and segments are drawn at once
TOPS = np.uint64(0x8000800080008000)  # of digits of 16 bits
_TWO_48 = 281474976710656.0
_32, _DIGIT, _WORD = np.uint64(32), np.uint64(0xFFFF), np.uint64(0xFFFFFFFF)
_DIGIT_32 = np.uint32(0xFFFF)


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
            alike = in_turn or of_one_block(counter)
            vary(x, own, z, begin, alike, counter, common, at, within, key0, key1)
            hit = occurrences(defect[begin:end], alike, counter, plan.probability, key0, key1)
            inspect(
                scrapped[begin:end],
                rejected[begin:end],
                defect[begin:end],
                x,
                own,
                begin,
                common,
                at,
                alike,
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
def counters_of(address, in_turn):
    """Slot, block, candidate [3, n] of address[n, 3], which may follow one another (`follow`), as words."""
    out = np.empty((3, address.shape[0]), np.uint64)
    if in_turn:
        slot, block, candidate = out[0], out[1], out[2]
        c0, c1, c2 = address[0, 1], _word(address[0, 0]), _word(address[0, 2])
        for i in range(slot.size):
            slot[i], block[i], candidate[i] = _word(c0 + i), c1, c2
        return out
    for i in range(address.shape[0]):
        out[0, i], out[1, i], out[2, i] = _word(address[i, 1]), _word(address[i, 0]), _word(address[i, 2])
    return out


@allocating_kernel
def vary(x, own, z, begin, alike, counter, common, offset, within, key0, key1):
    """The variables of rows `offset` ... of a stretch: what is shared, what is the cells' own, and the shape.

    x[t, begin ...] takes the traits, own[v - t, ...] the other variables, z[v, ...] normals.
    """
    n = counter.shape[1]
    piece, edges = cut(common.edges, offset, offset + n)
    columns = columns_of(common, within.lanes, offset, piece, edges)
    draw(z, alike, within.draws, counter, within.purpose, within.group_rows, key0, key1)
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
def occurrences(defect, alike, counter, probability, key0, key1):
    """Bit k of defect[n] where the k-th uniform of the address is under the k-th probability; the cells that have any."""
    bound, used, limit = np.zeros(2, np.uint64), np.zeros(2, np.uint64), np.zeros(8, np.uint64)
    for k in range(probability.size):
        limit[k] = np.uint64(probability[k] * _TWO_48 + 0.5)
        if limit[k] > 0:
            shift = np.uint64(16 * (k % 4))
            bound[k // 4] |= min(limit[k] >> _32, _DIGIT) << shift
            used[k // 4] |= np.uint64(0x8000) << shift
    look, cells = np.zeros(defect.size, np.uint8), np.empty(defect.size, np.uint32)
    if used[0] | used[1] != 0:
        note_digits(look, alike, counter, DEFECT_OCCURS, bound, used, TOPS, key0, key1)
    cells = cells[: pick(cells, look)]
    address, words = addresses_of(cells, counter), np.empty((4, cells.size), np.uint32)
    write_words(words[0], words[1], words[2], words[3], address, DEFECT_OCCURS, key0, key1)
    bits, undecided = np.zeros(cells.size, np.uint16), np.zeros(cells.size, np.uint16)
    for k in range(probability.size):
        first, high = np.uint32(16 * (k % 2)), np.uint32(limit[k] >> _32)
        note_bits(bits, undecided, words[k // 2], first, high, np.uint16(1 << k))
    settle(bits, undecided, address, limit, key0, key1)
    put_bits(defect, cells, bits)
    return cells


@kernel
def note_bits(bits, undecided, word, shift, high, bit):
    """Set `bit` in bits[m] where the digit of word[m] is under `high`, in undecided[m] where it is just that."""
    for m in range(bits.size):
        digit = (word[m] >> shift) & _DIGIT_32
        bits[m] |= bit if digit < high else np.uint16(0)
        undecided[m] |= bit if digit == high else np.uint16(0)


@kernel
def settle(bits, undecided, address, limit, key0, key1):
    """The bits that first digits leave open, one cell in thousands, from those that follow."""
    for m in range(bits.size):
        if undecided[m] == 0:
            continue
        for k in range(limit.size):
            if not (undecided[m] >> k) & 1:
                continue
            purpose, word = DEFECT_DIGITS_0 + k // 4, k % 4
            if word_of(address, m, purpose, word, key0, key1) < limit[k] & _WORD:
                bits[m] |= np.uint16(1 << k)


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
    address, words = addresses_of(cells, counter), np.empty((4, cells.size), np.uint32)
    bits = defect[cells]
    own, drawn = np.empty(cells.size, np.uint32), np.empty(cells.size, np.uint32)
    z, severity = np.empty(cells.size, np.float32), np.empty(cells.size)
    for k in range(median.size):
        if k % 4 == 0:
            write_words(words[0], words[1], words[2], words[3], address, DEFECT_SEVERITY_0 + k // 4, key0, key1)
        count = take(own, drawn, bits, k, cells, words[k % 4])
        write_short_normals(z[:count], drawn[:count])
        for m in range(count):
            severity[m] = median[k] * exp_fast(log_sd[k] * z[m])
        value, loses = x[trait[k], begin : begin + defect.size], mode[k] == LOSE
        for m in range(count):
            i = own[m]
            value[i] = value[i] * (1.0 - min(severity[m], LARGEST_LOSS)) if loses else value[i] + severity[m]


@kernel
def take(own, drawn, bits, k, cells, word):
    """Those of `cells` that have bit k, and their words, into the first of own[m] and drawn[m]; how many."""
    count = 0
    for m in range(bits.size):
        own[count], drawn[count] = cells[m], word[m]
        count += (bits[m] >> k) & 1
    return count

"""Variables of a chunk of cells from what they share and their own normals (compiled).

Shapes: n cells of a chunk, t traits, v variables (traits first, then the user's), p pieces (`levels.kernels`).
Normals come in pairs from words of Philox calls that four variables share: `plan.group_rows` says which; a variable of
the user's shares its call with itself in neighbouring slots (numerics/purposes.py).
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from packsim.line.addresses.kernels import ALIKE, APART, IN_TURN
from packsim.numerics.fastmath import bits_float64, exp_within
from packsim.numerics.jit import allocating_kernel, inlined_kernel, kernel
from packsim.numerics.purposes import NAMED
from packsim.numerics.streams import (
    _philox,
    _word,
    normals_of_bits,
    write_address_words,
    write_run_pairs,
    write_run_words,
    write_short_normals,
    write_slot_words,
)

NORMAL, LOGNORMAL, TABLE = 0, 1, 2  # how a latent value becomes the variable
LOT, ROLL, WITHIN, LANE, DRIFT, REWORK = 0, 1, 2, 3, 4, 5  # rows of plan.purpose
KNOTS = 2049
PART = 1024  # cells whose words are drawn at once
SPARE = 6  # columns: calls of four neighbours hold up to three cells before, and three after
_NONE, _ONE, _TWO, _THREE, _TWO_BITS = np.uint64(0), np.uint64(1), np.uint64(2), np.uint64(3), np.uint64(2)
LARGEST_LOG = 700.0  # of a lognormal variable
REACH = 7.0  # tables hold latent values from -REACH to REACH


class Room(NamedTuple):
    """Where words and normals are on the way (`room_for`)."""

    words: npt.NDArray[np.uint32]  # [4, size]
    normals: npt.NDArray[np.float32]  # [3, size]


class Within(NamedTuple):
    """What of the line's plan the cells' own normals need: every array that a kernel is given costs it 10 ns."""

    draws: npt.NDArray[np.float64]  # [v] > 0 where a normal is needed
    purpose: npt.NDArray[np.int64]  # [g] of the normals
    again: npt.NDArray[np.int64]  # [g] of those of reworked cells
    group_rows: npt.NDArray[np.int64]  # [g, 4]
    group: npt.NDArray[np.int64]  # [v]
    word: npt.NDArray[np.int64]  # [v]
    sd: npt.NDArray[np.float64]  # [v]
    sd_lane: npt.NDArray[np.float64]  # [v]
    lanes: int
    factor: npt.NDArray[np.float64]  # [v, v]
    mixed: npt.NDArray[np.bool_]  # [v] whether the factor correlates it with a variable before it
    form: npt.NDArray[np.int64]  # [v]
    table: npt.NDArray[np.int64]  # [v]
    centre: npt.NDArray[np.float64]  # [v]
    scale: npt.NDArray[np.float64]  # [v]
    tables: npt.NDArray[np.float64]  # [rows, KNOTS]


@allocating_kernel
def within_of(plan):
    """The part of the line's plan; see there."""
    return Within(
        plan.draws[WITHIN],
        plan.purpose[WITHIN],
        plan.purpose[REWORK],
        plan.group_rows,
        plan.own_group,
        plan.own_word,
        plan.sd_within,
        plan.sd_lane,
        plan.lanes,
        plan.factor_within,
        mixed_of(plan.factor_within),
        plan.form,
        plan.table,
        plan.centre,
        plan.scale,
        plan.tables,
    )


@allocating_kernel
def row_of(x, own, v, begin, end):
    """Cells begin .. end - 1 of variable v: a trait's of x[t, N], those of another one of own[v - t, ...] of the chunk.

    Rows are cut out one by one: of a piece of all rows the compiler would not know that they are contiguous.
    """
    return x[v, begin:end] if v < x.shape[0] else own[v - x.shape[0], : end - begin]


@kernel
def normals(out, counter, purpose, key0, key1):
    """Four standard normals of each address into out[4, n]; counter[3, n] holds slot, block, candidate."""
    write_normals(out[0], out[1], out[2], out[3], counter, purpose, key0, key1)


@kernel
def write_normals(out0, out1, out2, out3, counter, purpose, key0, key1):
    """As `normals`, into four arrays [n]."""
    c3, k0, k1 = _word(purpose), _word(key0), _word(key1)
    slot, block, candidate = counter[0], counter[1], counter[2]
    for i in range(out0.size):
        w0, w1, w2, w3 = _philox(slot[i], block[i], candidate[i], c3, k0, k1)
        out0[i], out1[i], out2[i], out3[i] = bits_float64(w0), bits_float64(w1), bits_float64(w2), bits_float64(w3)
    normals_of_bits(out0, out1)
    normals_of_bits(out2, out3)


@allocating_kernel
def draw(z, order, wanted, counter, purpose, group_rows, key0, key1):
    """Normals of one level into z[v, n] where wanted[v] > 0; counter[3, n] holds slot, block, candidate in `order`."""
    room = room_for(min(PART, counter.shape[1]))
    write_level(z, room, order, wanted, counter, purpose, group_rows, key0, key1)


@allocating_kernel
def room_for(size):
    """Words [4, size] and normals [3, size] on the way; more columns for calls of four neighbours not all asked for."""
    return Room(np.empty((4, size + SPARE), np.uint32), np.empty((3, size + SPARE), np.float32))


@kernel
def write_level(z, room, order, wanted, counter, purpose, group_rows, key0, key1):
    """As `draw`, through room for a part of them (`room_for`).

    Words first, then normals of each pair: loops over float32 alone have twice the lanes of mixed ones. In parts whose
    words stay in the nearest cache.
    """
    words = room.words
    n, size = counter.shape[1], max(words.shape[1] - SPARE, 1)
    for begin in range(0, n, size):
        end = min(begin + size, n)
        slot, block, candidate = counter[0, begin:end], counter[1, begin:end], counter[2, begin:end]
        first, c1, c2 = counter[0, 0] + np.uint64(begin), counter[1, 0], counter[2, 0]  # where they are IN_TURN
        w0, w1, w2, w3 = words[0, : slot.size], words[1, : slot.size], words[2, : slot.size], words[3, : slot.size]
        for g in range(purpose.size):
            even, odd = any_wanted(wanted, group_rows, g, 0), any_wanted(wanted, group_rows, g, 2)
            if not (even or odd):
                continue
            if purpose[g] >= NAMED:
                out = z[group_rows[g, 0], begin:end]
                if order == IN_TURN:
                    write_run_neighbours(out, room, first, c1, c2, purpose[g], key0, key1)
                else:
                    write_neighbours(out, room, slot, block, candidate, purpose[g], key0, key1)
                continue
            if order == APART:
                write_address_words(w0, w1, w2, w3, slot, block, candidate, purpose[g], key0, key1)
            elif order == ALIKE:
                write_slot_words(w0, w1, w2, w3, slot, c1, c2, purpose[g], key0, key1)
            elif odd:
                write_run_words(w0, w1, w2, w3, first, c1, c2, purpose[g], key0, key1)
            else:
                write_run_pairs(w0, w1, first, c1, c2, purpose[g], key0, key1)
            write_group(z, room, begin, end, wanted, group_rows, g)


@kernel
def write_neighbours(out, room, slot, block, candidate, purpose, key0, key1):
    """Normals of addresses [n] for a purpose that gives one to each, into out[n], through room for n.

    Four neighbouring slots share one call in principle; here each makes it for itself.
    """
    c3, k0, k1 = _word(purpose), _word(key0), _word(key1)
    words, normals, n = room.words, room.normals, slot.size
    radius, angle, even, odd = words[0, :n], words[1, :n], normals[0, :n], normals[1, :n]
    for i in range(n):
        w0, w1, w2, w3 = _philox(slot[i] >> _TWO_BITS, block[i], candidate[i], c3, k0, k1)
        radius[i], angle[i] = w0 if slot[i] & _TWO == _NONE else w2, w1 if slot[i] & _TWO == _NONE else w3
    write_short_normals(even, odd, radius, angle)
    for i in range(n):
        out[i] = even[i] if slot[i] & _ONE == _NONE else odd[i]


@kernel
def write_run_neighbours(out, room, slot, block, candidate, purpose, key0, key1):
    """As `write_neighbours`, of slots slot, slot + 1, ... of one block and candidate: one call for four of them."""
    c1, c2, c3, k0, k1 = _word(block), _word(candidate), _word(purpose), _word(key0), _word(key1)
    words, normals = room.words, room.normals
    own = _word(slot)
    first, before = own >> _TWO_BITS, np.int64(own & _THREE)
    calls = (before + out.size + 3) // 4
    w0, w1, w2, w3 = words[0, :calls], words[1, :calls], words[2, :calls], words[3, :calls]
    for i in range(calls):
        w0[i], w1[i], w2[i], w3[i] = _philox(first + np.uint64(i), c1, c2, c3, k0, k1)
    z0, z1 = normals[0, :calls], normals[0, calls : 2 * calls]
    z2, z3 = normals[1, :calls], normals[1, calls : 2 * calls]
    write_short_normals(z0, z1, w0, w1)
    write_short_normals(z2, z3, w2, w3)
    in_turn = normals[2]
    for i in range(calls):
        in_turn[4 * i], in_turn[4 * i + 1], in_turn[4 * i + 2], in_turn[4 * i + 3] = z0[i], z1[i], z2[i], z3[i]
    asked = in_turn[before : before + out.size]
    for i in range(out.size):
        out[i] = asked[i]


@kernel
def any_wanted(wanted, group_rows, g, first):
    """Whether a variable of the pair of words of group g that begins with word `first` needs its normal."""
    found = False
    for k in range(first, first + 2):
        v = group_rows[g, k]
        found |= v < wanted.size and wanted[v] > 0.0
    return found


@kernel
def write_group(z, room, begin, end, wanted, group_rows, g):
    """Normals of word group g into z[v, begin .. end - 1], from room.words: a pair of words makes a pair."""
    n = end - begin
    for k in range(0, 4, 2):
        v, other = group_rows[g, k], group_rows[g, k + 1]
        has, has_other = v < wanted.size and wanted[v] > 0.0, other < wanted.size and wanted[other] > 0.0
        if has or has_other:  # the one that is not wanted goes nowhere
            write_short_normals(
                z[v, begin:end] if has else room.normals[0, :n],
                z[other, begin:end] if has_other else room.normals[1, :n],
                room.words[k, :n],
                room.words[k + 1, :n],
            )


@allocating_kernel
def mixed_of(factor):
    """Whether the lower triangle `factor` correlates each variable with one before it."""
    out = np.zeros(len(factor), np.bool_)
    for v in range(out.size):
        for other in range(v):
            if factor[v, other] != 0.0:
                out[v] = True
    return out


@kernel
def add_parts(x, z, v, n, sd, factor):
    """x[n] += sd factor[v] z[v, n] of the variables before v, where the lower triangle `factor` correlates them."""
    for other in range(v):
        if factor[v, other] != 0.0:
            part, term = sd * factor[v, other], z[other, :n]
            for i in range(n):
                x[i] += part * term[i]


@kernel
def shape(x, knot, form, table, centre, scale):
    """Latent values x[n] of a variable into the variable itself, in place, through knot[n]; nothing is negative."""
    if form == LOGNORMAL:
        exponential(x)
    elif form == TABLE:
        for i in range(x.size):  # apart from the look-up, which keeps a loop from vector registers
            at = knots(x[i])
            k = min(np.int32(at), np.int32(KNOTS - 2))
            knot[i], x[i] = k, at - k
        for i in range(x.size):
            x[i] = max(centre + scale * between(table, knot[i], x[i]), 0.0)
    else:
        for i in range(x.size):
            x[i] = max(x[i], 0.0)


@kernel
def exponential(x):
    """Latent values x[n] of a lognormal variable into the variable itself, in place."""
    for i in range(x.size):
        x[i] = exp_of_latent(x[i])


@inlined_kernel
def exp_of_latent(u):
    """exp(u), of whatever is asked for within the range of float64."""
    return exp_within(min(max(u, -LARGEST_LOG), LARGEST_LOG))


@kernel
def shaped(u, form, table, centre, scale):
    """One latent value of a variable as the variable itself."""
    if form == LOGNORMAL:
        return exp_of_latent(u)
    if form == TABLE:
        at = knots(u)
        k = min(np.int32(at), np.int32(KNOTS - 2))
        return max(centre + scale * between(table, np.uint32(k), at - k), 0.0)
    return max(u, 0.0)


@inlined_kernel
def knots(u):
    """Distance of the latent value u from the beginning of a table, in knots; the ends beyond them."""
    return (min(max(u, -REACH), REACH) + REACH) * ((KNOTS - 1) / (2.0 * REACH))


@inlined_kernel
def between(table, k, part):
    """table[KNOTS] between knot k and the next."""
    return table[k] + part * (table[k + np.uint32(1)] - table[k])

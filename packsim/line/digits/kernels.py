"""Rare decisions from the first digits of uniforms (compiled).

A decision of small probability needs few bits for almost every cell: the first digit of its uniform is above that of the
probability. One Philox call has sixteen first digits of 8 bits, compared all at once; the 32 bits after them are drawn for
the cells that are left. Shapes: n cells.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from packsim.line.addresses.kernels import ALIKE, APART
from packsim.numerics.fastmath import float64_bits
from packsim.numerics.jit import allocating_kernel, inlined_kernel, kernel
from packsim.numerics.purposes import DECISIONS_0
from packsim.numerics.streams import write_address_words, write_run_pairs, write_run_words, write_slot_words

PART = 1024  # cells whose words are drawn at once
DEFECT, STEP = 0, 1  # bits of what is decided
_32, _WORD = np.uint64(32), np.uint64(0xFFFFFFFF)
_DEFECT, _STEP, _NONE = np.uint8(1 << DEFECT), np.uint8(1 << STEP), np.uint8(0)
_TOPS, _ONE, _NO_DIGIT = np.uint32(0x80808080), np.uint8(1), np.uint32(0)

_EACH, _FIRST, _ALL_CLEAR = np.uint64(0x0101010101010101), np.uint64(1), np.uint64(0)
_EXPONENT = np.uint64(52)


class DigitsPlan(NamedTuple):
    """Calls [h] that are made for every cell."""

    purpose: npt.NDArray[np.int64]  # [h]
    bound: npt.NDArray[np.uint64]  # [h, 2] first digits up to which a decision may fall, 8 x 8 bits each
    defects: npt.NDArray[np.uint64]  # [h, 2] top bits of those that decide on defects
    steps: npt.NDArray[np.uint64]  # [h, 2] top bits of those that decide inspections of good pieces


class Decisions(NamedTuple):
    """What may be decided on n cells, and the words that decide on the way."""

    look: npt.NDArray[np.uint8]  # [n] bits of the kinds of decision, DEFECT and STEP, that may fall
    cells: npt.NDArray[np.uint32]  # [n] the first of them: numbers of the cells that may have a defect
    digits: npt.NDArray[np.uint32]  # [2, n] their first digits for eight defects
    words: npt.NDArray[np.uint32]  # [4, PART]


@allocating_kernel
def decisions_for(n):
    """Room for `decide`."""
    words = np.empty((4, PART), np.uint32)
    return Decisions(np.empty(n, np.uint8), np.empty(n, np.uint32), np.empty((2, n), np.uint32), words)


@inlined_kernel
def at_most(digits, bound):
    """Top bits of the digits that are at most those of `bound`: no borrow in bound - digit (Hacker's Delight, 2-18)."""
    apart = (bound | _TOPS) - (digits & ~_TOPS)  # no digit borrows from the next one
    return np.uint32(((bound & ~digits) | (~(bound ^ digits) & apart)) & _TOPS)


@kernel
def decide(out, order, counter, digits, key0, key1):
    """Fill out.look for cells at counter[3, n] in `order`, and who may have a defect; how many these are."""
    look, cells, words, count = out.look[: counter.shape[1]], out.cells, out.words, 0
    for i in range(look.size):
        look[i] = _NONE
    for h in range(digits.purpose.size):
        purpose, bound, defects, steps = digits.purpose[h], digits.bound[h], digits.defects[h], digits.steps[h]
        for begin in range(0, look.size, PART):
            own = look[begin : begin + PART]
            w0, w1, w2, w3 = words[0, : own.size], words[1, : own.size], words[2, : own.size], words[3, : own.size]
            slot, first = counter[0, begin : begin + PART], counter[0, 0] + np.uint64(begin)
            if order == APART:
                block, candidate = counter[1, begin : begin + PART], counter[2, begin : begin + PART]
                write_address_words(w0, w1, w2, w3, slot, block, candidate, purpose, key0, key1)
            elif order == ALIKE:
                write_slot_words(w0, w1, w2, w3, slot, counter[1, 0], counter[2, 0], purpose, key0, key1)
            elif defects[1] | steps[1] == 0:
                write_run_pairs(w0, w1, first, counter[1, 0], counter[2, 0], purpose, key0, key1)
            else:
                write_run_words(w0, w1, w2, w3, first, counter[1, 0], counter[2, 0], purpose, key0, key1)
            note_kinds(own, w0, w1, bound[0], defects[0], steps[0])
            note_kinds(own, w2, w3, bound[1], defects[1], steps[1])
            if purpose == DECISIONS_0:
                found = pick(cells[count:], own, DEFECT)
                keep(cells[count : count + found], out.digits[0, count:], out.digits[1, count:], w0, w1, begin)
                count += found
    return count


@kernel
def note_kinds(look, w0, w1, bound, defects, steps):
    """Set the bits of look[n] for the cells of which any digit that counts is at most that of `bound`.

    `bound`, `defects` and `steps` are of the eight digits of the two words. Most lines leave one pair of words alone.
    """
    if defects | steps == 0:
        return
    b0, b1 = np.uint32(bound & _WORD), np.uint32(bound >> _32)
    d0, d1, s0, s1 = (
        np.uint32(defects & _WORD),
        np.uint32(defects >> _32),
        np.uint32(steps & _WORD),
        np.uint32(steps >> _32),
    )
    for i in range(look.size):
        low, high = at_most(w0[i], b0), at_most(w1[i], b1)
        defect, step = (low & d0) | (high & d1), (low & s0) | (high & s1)
        look[i] |= (_DEFECT if defect != _NO_DIGIT else _NONE) | (_STEP if step != _NO_DIGIT else _NONE)


@kernel
def pick(cells, look, kind):
    """Numbers of the cells whose bit `kind` is set into the first of cells[n], in no order; how many.

    64 cells make one number with a bit for each, of which only the ones that are set are walked through.
    """
    count, shift, whole = 0, np.uint64(kind), look.size // 64 * 64
    eights = look[:whole].view(np.uint64)
    for begin in range(0, whole, 64):
        bits = _ALL_CLEAR
        for j in range(8):
            bits |= ((eights[begin // 8 + j] >> shift) & _EACH) << np.uint64(j)
        while bits != _ALL_CLEAR:
            lowest = bits & (~bits + _FIRST)
            place = np.int64(float64_bits(np.float64(lowest)) >> _EXPONENT) - 1023
            cells[count] = begin + 8 * (place & 7) + (place >> 3)
            bits ^= lowest
            count += 1
    for i in range(whole, look.size):
        cells[count] = i
        count += (look[i] >> np.uint8(kind)) & _ONE
    return count


@kernel
def keep(cells, first, second, w0, w1, begin):
    """The words of `cells` of a part of the chunk, which are counted on from `begin`."""
    for m in range(cells.size):
        i = cells[m]
        first[m], second[m], cells[m] = w0[i], w1[i], begin + i

"""Rare decisions from the first digits of uniforms (compiled).

A decision of small probability needs few bits for almost every cell: the first digit of its uniform is above that of the
probability. One Philox call has sixteen first digits of 8 bits, compared all at once; the 32 bits after them are drawn for
the cells that are left. Shapes: n cells.
"""

import numpy as np

from packsim.line.addresses.kernels import APART
from packsim.numerics.jit import allocating_kernel, inlined_kernel, kernel
from packsim.numerics.streams import write_slot_words, write_words

PART = 512  # cells whose words are drawn at once
DEFECT, STEP = 0, 1  # bits of what is decided
_32 = np.uint64(32)
_DEFECT, _STEP, _NONE = np.uint64(1 << DEFECT), np.uint64(1 << STEP), np.uint64(0)
_TOPS, _ONE = np.uint64(0x8080808080808080), np.uint8(1)


@inlined_kernel
def at_most(digits, bound):
    """Top bits of the digits that are at most those of `bound`: no borrow in bound - digit (Hacker's Delight, 2-18)."""
    apart = (bound | _TOPS) - (digits & ~_TOPS)  # no digit borrows from the next one
    return ((bound & ~digits) | (~(bound ^ digits) & apart)) & _TOPS


@allocating_kernel
def decide(order, counter, digits, key0, key1):
    """Bits [n] of the kinds of decision, DEFECT and STEP, that may fall for cells at counter[3, n] in `order`."""
    n = counter.shape[1]
    look, words = np.zeros(n, np.uint8), np.empty((4, n if order == APART else min(PART, n)), np.uint32)
    for h in range(digits.purpose.size):
        bound, defects, steps = digits.bound[h], digits.defects[h], digits.steps[h]
        note_digits(look, words, order, counter, digits.purpose[h], bound, defects, steps, key0, key1)
    return look


@kernel
def note_digits(look, words, order, counter, purpose, bound, defects, steps, key0, key1):
    """Set the bits of look[n] for the cells of which any digit that counts is at most that of `bound`.

    All three are [2]: digits of words 0 and 1, of 2 and 3. Through words[4, part], all at once if the addresses are APART.
    """
    size = max(words.shape[1], 1)
    for begin in range(0, look.size, size):
        out = look[begin : begin + size]
        w0, w1, w2, w3 = words[0, : out.size], words[1, : out.size], words[2, : out.size], words[3, : out.size]
        if order == APART:
            write_words(w0, w1, w2, w3, counter, purpose, key0, key1)
        else:
            slot = counter[0, begin : begin + size]
            write_slot_words(w0, w1, w2, w3, slot, counter[1, 0], counter[2, 0], purpose, key0, key1)
        note_kinds(out, w0, w1, w2, w3, bound, defects, steps)


@kernel
def note_kinds(look, w0, w1, w2, w3, bound, defects, steps):
    """As `note_digits`, for words that are there; apart from them, the loop is shorter code."""
    b0, b1, d0, d1, s0, s1 = bound[0], bound[1], defects[0], defects[1], steps[0], steps[1]
    for i in range(look.size):
        low = at_most(np.uint64(w0[i]) | (np.uint64(w1[i]) << _32), b0)
        high = at_most(np.uint64(w2[i]) | (np.uint64(w3[i]) << _32), b1)
        defect, step = (low & d0) | (high & d1), (low & s0) | (high & s1)
        look[i] |= np.uint8((_DEFECT if defect != 0 else _NONE) | (_STEP if step != 0 else _NONE))


@kernel
def pick(cells, look, kind):
    """Numbers of the cells whose bit `kind` is set into the first of cells[n]; how many."""
    count = 0
    for i in range(look.size):
        cells[count] = i
        count += (look[i] >> np.uint8(kind)) & _ONE
    return count

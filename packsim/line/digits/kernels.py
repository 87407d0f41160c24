"""Rare decisions from the first digits of uniforms (compiled).

A decision of small probability needs few bits for almost every cell: the first digit of its uniform is above that of the
probability. One Philox call has eight first digits of 16 bits or sixteen of 8 bits, compared all at once; the others are
drawn for the cells that are left. Shapes: n cells.
"""

import numpy as np

from packsim.numerics.jit import allocating_kernel, inlined_kernel, kernel
from packsim.numerics.streams import _philox, _word

_32 = np.uint64(32)


@inlined_kernel
def at_most(digits, bound, tops):
    """Top bits of the digits that are at most those of `bound`: no borrow in bound - digit (Hacker's Delight, 2-18)."""
    apart = (bound | tops) - (digits & ~tops)  # no digit borrows from the next one
    return ((bound & ~digits) | (~(bound ^ digits) & apart)) & tops


@kernel
def note_digits(look, alike, counter, purpose, bound, used, tops, key0, key1):
    """Set look[n] to 1 for the cells of which any `used` digit is at most that of `bound`.

    Both are [2]: digits of words 0 and 1, of 2 and 3. `tops` has the top bit of each digit, and so says how long they are.
    `alike`: slots alone tell the addresses apart (`of_one_block`), which is quicker.
    """
    c3, k0, k1 = _word(purpose), _word(key0), _word(key1)
    b0, b1, u0, u1 = bound[0], bound[1], used[0], used[1]
    slot, block, candidate = counter[0], counter[1], counter[2]
    if alike:
        c1, c2 = block[0], candidate[0]
        for i in range(look.size):
            words = _philox(slot[i], c1, c2, c3, k0, k1)
            look[i] |= any_at_most(words, b0, b1, u0, u1, tops)
    else:
        for i in range(look.size):
            words = _philox(slot[i], block[i], candidate[i], c3, k0, k1)
            look[i] |= any_at_most(words, b0, b1, u0, u1, tops)


@inlined_kernel
def any_at_most(words, bound0, bound1, used0, used1, tops):
    """1 where a used digit of the four words is at most that of the bounds, else 0."""
    low = at_most(words[0] | (words[1] << _32), bound0, tops) & used0
    high = at_most(words[2] | (words[3] << _32), bound1, tops) & used1
    return np.uint8((low | high) != 0)


@kernel
def pick(cells, look):
    """Numbers of the marked cells into the first of cells[n]; how many."""
    count = 0
    for i in range(look.size):
        cells[count] = i
        count += look[i]
    return count


@allocating_kernel
def addresses_of(cells, counter):
    """The columns `cells` of counter[3, n]."""
    out = np.empty((3, cells.size), np.uint64)
    for k in range(3):
        row, source = out[k], counter[k]
        for m in range(cells.size):
            row[m] = source[cells[m]]
    return out


@kernel
def word_of(counter, i, purpose, word, key0, key1):
    """One of the four words of cell i for a purpose."""
    w = _philox(counter[0, i], counter[1, i], counter[2, i], _word(purpose), _word(key0), _word(key1))
    return w[0] if word == 0 else w[1] if word == 1 else w[2] if word == 2 else w[3]

"""Addresses of cells as the words of a counter (compiled). Shapes: n cells."""

import numpy as np

from packsim.numerics.jit import allocating_kernel, inlined_kernel, kernel
from packsim.numerics.streams import _philox, _word, of_one_block, write_address_words, write_slot_words

VECTOR = 16  # numbers of 32 bits in the widest register
APART, ALIKE, IN_TURN = 0, 1, 2  # addresses; slots alone tell them apart, which is quicker; and follow one another


@kernel
def put_counters(out, address, in_turn):
    """Slot, block, candidate of address[n, 3] as words into out[3, n].

    Where they follow one another (`follow`) those of the first only, which tell the others: the rest takes as long to write
    out as a normal.
    """
    slot, block, candidate = out[0], out[1], out[2]
    for i in range(1 if in_turn else slot.size):
        slot[i], block[i], candidate[i] = _word(address[i, 1]), _word(address[i, 0]), _word(address[i, 2])


@kernel
def order_of(counter, in_turn):
    """How the addresses counter[3, n], n > 0, follow one another."""
    return IN_TURN if in_turn else ALIKE if of_one_block(counter) else APART


@allocating_kernel
def addresses_of(cells, counter, order):
    """The columns `cells` of counter[3, n], which are in `order`."""
    out = np.empty((3, cells.size), np.uint64)
    slot, block, candidate = counter[0], counter[1], counter[2]
    for m in range(cells.size):
        own, on = (0, cells[m]) if order == IN_TURN else (cells[m], np.uint32(0))
        out[0, m], out[1, m], out[2, m] = _word(slot[own] + np.uint64(on)), block[own], candidate[own]
    return out


@inlined_kernel
def whole_vectors(count, room):
    """The next multiple of a vector, if there is room: what is left over is done one by one, which takes longer."""
    return min((count + VECTOR - 1) // VECTOR * VECTOR, room)


@kernel
def write_words_of(words, address, cells, order, counter, purpose, key0, key1):
    """The four words of `cells` for a purpose into the first columns of words[4, n], through address[3, n].

    And those of the last of them again up to whole vectors.
    """
    n = whole_vectors(cells.size, words.shape[1])
    w0, w1, w2, w3 = words[0, :n], words[1, :n], words[2, :n], words[3, :n]
    slot, block, candidate = address[0, :n], address[1, :n], address[2, :n]
    slots, blocks, candidates = counter[0], counter[1], counter[2]
    if order == IN_TURN:
        for m in range(cells.size):
            slot[m] = slots[0] + np.uint64(cells[m])
    else:
        for m in range(cells.size):
            slot[m] = slots[cells[m]]
    for m in range(cells.size, n):
        slot[m] = slot[cells.size - 1]
    if order != APART:
        write_slot_words(w0, w1, w2, w3, slot, blocks[0], candidates[0], purpose, key0, key1)
        return
    for m in range(cells.size):
        block[m], candidate[m] = blocks[cells[m]], candidates[cells[m]]
    for m in range(cells.size, n):
        block[m], candidate[m] = block[cells.size - 1], candidate[cells.size - 1]
    write_address_words(w0, w1, w2, w3, slot, block, candidate, purpose, key0, key1)


@kernel
def word_of(counter, order, i, purpose, word, key0, key1):
    """One of the four words of cell i of counter[3, n] in `order` for a purpose."""
    own, on = (0, i) if order == IN_TURN else (i, np.uint32(0))
    w = _philox(
        counter[0, own] + np.uint64(on), counter[1, own], counter[2, own], _word(purpose), _word(key0), _word(key1)
    )
    return w[0] if word == 0 else w[1] if word == 1 else w[2] if word == 2 else w[3]

"""Defects of a chunk of cells (compiled): who has which, and how severe they are.

Shapes: n cells of the chunk, d defects. Few cells have any: what is drawn for them goes through room for n that the
chunks of a line use again and again (`mishaps_for`), because fresh arrays for some hundred cells took as long as the rest.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from packsim.line.addresses.kernels import whole_vectors, write_words_of
from packsim.numerics.fastmath import exp_fast
from packsim.numerics.jit import allocating_kernel, kernel
from packsim.numerics.purposes import DEFECT_DIGITS_0, DEFECT_SEVERITY_0
from packsim.numerics.streams import write_short_normals

ADD, LOSE = 0, 1  # how a defect acts on its trait
LARGEST_LOSS = 0.95
_TWO_40 = 1099511627776.0
_32, _WORD, _DIGIT, _NONE = np.uint64(32), np.uint64(0xFFFFFFFF), np.uint32(0xFF), np.uint32(0)
_ONE = np.uint32(1)


class Harm(NamedTuple):
    """What of the line's plan defects need."""

    probability: npt.NDArray[np.float64]  # [d]
    severity: npt.NDArray[np.float64]  # [d] median
    log_sd: npt.NDArray[np.float64]  # [d]
    trait: npt.NDArray[np.int64]  # [d]
    mode: npt.NDArray[np.int64]  # [d] ADD or LOSE


class Mishaps(NamedTuple):
    """Room for the few of n cells."""

    bits: npt.NDArray[np.uint32]  # [n]
    undecided: npt.NDArray[np.uint32]  # [n]
    cells: npt.NDArray[np.uint32]  # [n] their numbers in the chunk
    own: npt.NDArray[np.uint32]  # [n]
    address: npt.NDArray[np.uint64]  # [3, n]
    words: npt.NDArray[np.uint32]  # [4, n]
    z: npt.NDArray[np.float32]  # [4, n]
    drawn: npt.NDArray[np.float32]  # [n]
    severity: npt.NDArray[np.float64]  # [n]


@allocating_kernel
def mishaps_for(n):
    """Room for `occurrences` and `apply_defects`."""
    return Mishaps(
        np.empty(n, np.uint32),
        np.empty(n, np.uint32),
        np.empty(n, np.uint32),
        np.empty(n, np.uint32),
        np.empty((3, n), np.uint64),
        np.empty((4, n), np.uint32),
        np.empty((4, n), np.float32),
        np.zeros(n, np.float32),  # of more than have been drawn the exponential is taken, too
        np.empty(n),
    )


@kernel
def occurrences(defect, cells, first, room, order, counter, harm, key0, key1):
    """Bit k of defect[n] where the k-th uniform of the address is under the k-th probability.

    Only `cells` may have any; first[2, n] begins with their first digits (`decide`).
    """
    bits, undecided, words = room.bits[: cells.size], room.undecided[: cells.size], room.words
    probability = harm.probability
    for m in range(cells.size):
        bits[m], undecided[m] = _NONE, _NONE
    for k in range(probability.size):
        high, _ = limit_of(probability[k])
        note_bits(bits, undecided, first[k // 4], np.uint32(8 * (k % 4)), high, np.uint32(1 << k))
    for k in range(probability.size):
        if k % 4 == 0:
            write_words_of(words, room.address, cells, order, counter, DEFECT_DIGITS_0 + k // 4, key0, key1)
        _, low = limit_of(probability[k])
        settle(bits, undecided, words[k % 4], low, np.uint32(1 << k))
    put_bits(defect, cells, bits)


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
        bits[m] |= bit if digit < high else _NONE
        undecided[m] |= bit if digit == high else _NONE


@kernel
def settle(bits, undecided, word, low, bit):
    """Set `bit` in bits[m] where it is undecided and the bits after the digit, word[m], are under `low`."""
    for m in range(bits.size):
        bits[m] |= undecided[m] & bit if word[m] < low else _NONE


@kernel
def put_bits(defect, cells, bits):
    """defect[n]: bits[m] of cells[m], 0 of the others."""
    for i in range(defect.size):
        defect[i] = 0
    for m in range(cells.size):
        defect[cells[m]] = bits[m]


@kernel
def apply_defects(x, begin, among, defect, room, order, counter, harm, key0, key1):
    """Severities median * exp(log_sd z) of defect[n] onto their traits in x[v, begin ...]; only cells `among` have any.

    Four defects share the words of a call, which is made for the cells that have one of them.
    """
    words, z, severity = room.words, room.z, room.severity
    median, log_sd, trait, mode = harm.severity, harm.log_sd, harm.trait, harm.mode
    for first in range(0, median.size, 4):
        count = those_with(room.cells, room.bits, among, defect, np.uint32(15 << first))
        cells, bits = room.cells[:count], room.bits[:count]
        write_words_of(words, room.address, cells, order, counter, DEFECT_SEVERITY_0 + first // 4, key0, key1)
        n = whole_vectors(count, words.shape[1])
        write_short_normals(z[0, :n], z[1, :n], words[0, :n], words[1, :n])
        write_short_normals(z[2, :n], z[3, :n], words[2, :n], words[3, :n])
        for k in range(first, min(first + 4, median.size)):
            found = take(room.own, room.drawn, bits, np.uint32(k), cells, z[k % 4])
            for m in range(whole_vectors(found, severity.size)):
                severity[m] = median[k] * exp_fast(log_sd[k] * room.drawn[m])
            value = x[trait[k], begin : begin + defect.size]
            befall(value, room.own[:found], severity, mode[k] == LOSE)


@kernel
def those_with(cells, bits, among, defect, wanted):
    """Those of `among` that have any bit of `wanted`, and their bits, into the first of cells[n] and bits[n]; how many."""
    count = 0
    for m in range(among.size):
        own = np.uint32(defect[among[m]])
        cells[count], bits[count] = among[m], own
        count += own & wanted != _NONE
    return count


@kernel
def take(own, drawn, bits, k, cells, z):
    """Those of `cells` that have bit k, and their normals, into the first of own[m] and drawn[m]; how many."""
    count = 0
    for m in range(bits.size):
        own[count], drawn[count] = cells[m], z[m]
        count += (bits[m] >> k) & _ONE
    return count


@kernel
def befall(value, cells, severity, loses):
    """Severities of `cells` onto their values."""
    for m in range(cells.size):
        i = cells[m]
        value[i] = value[i] * (1.0 - min(severity[m], LARGEST_LOSS)) if loses else value[i] + severity[m]

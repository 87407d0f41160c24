"""Counter-based random numbers: each is a pure function of (seed, purpose, block, slot, candidate).

Philox4x32-10 (Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC11) turns a counter of four
32-bit words into four random words under a key of two. Here

    c0 = slot, c1 = block, c2 = candidate, c3 = purpose;    k0 = low, k1 = high half of the 64-bit seed,

so a value does not depend on array length, offset, order of work or number of threads. A purpose (see `purposes`) gives
four independent words at each address. Addresses and purposes are taken modulo 2^32.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from packsim.numerics.fastmath import bits_float32, bits_float64, float32_bits, float64_bits
from packsim.numerics.jit import inlined_kernel, kernel

# 32-bit words travel as uint64, so that products stay exact and LLVM multiplies them in vector lanes.
_WORD = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)
_MULTIPLIER_0 = np.uint64(0xD2511F53)
_MULTIPLIER_1 = np.uint64(0xCD9E8D57)
_WEYL_0 = np.uint64(0x9E3779B9)
_WEYL_1 = np.uint64(0xBB67AE85)

_TWO_52 = 4503599627370496.0
_TWO_52_LESS_HALF = 4503599627370495.5
_TWO_52_BITS = np.uint64(0x4330000000000000)
_TAIL_WORD = np.uint64(0x7FFFFFFF)
_SIGN_WORD = np.uint64(0x80000000)
_SIGN_64 = np.uint64(0x8000000000000000)
_SHIFT = np.uint64(52)
_MANTISSA = np.uint64(0x000FFFFFFFFFFFFF)
_SQRT_HALF_BITS = np.uint64(0x3FE6A09E667F3BCD)
_TO_SQRT_HALF = np.uint64(0x3FF0000000000000 - 0x3FE6A09E667F3BCD)
_PART = 256  # numbers that go from loop to loop through the nearest cache
_OCTAVES = _TWO_52 + 1023.0 + 31.0  # exponent bias, and tail words count in units of 2^-31

# The same in float32, for `short_normal_from_word`: literals in a kernel would be float64.
_TAIL_32, _SIGN_32, _SHIFT_32 = np.uint32(0x7FFFFFFF), np.uint32(0x80000000), np.uint32(23)
_MANTISSA_32, _SQRT_HALF_BITS_32 = np.uint32(0x007FFFFF), np.uint32(0x3F3504F3)
_TO_SQRT_HALF_32 = np.uint32(0x3F800000 - 0x3F3504F3)
_F_HALF, _F_ONE, _F_OCTAVES = np.float32(0.5), np.float32(1.0), np.float32(127.0 + 31.0)
_G0, _G1, _G2 = np.float32(0.21791975304867203), np.float32(-0.20872701766786383), np.float32(0.12223815178532797)
_G3, _G4, _G5 = np.float32(-0.3607048518398723), np.float32(0.287623726023612), np.float32(-0.23880757579307813)
_G6, _G7, _G8 = np.float32(1.4426948553662786), np.float32(-0.7213474011522696), np.float32(0.48092351167649317)
_TOP0, _TOP1, _TOP2 = np.float32(0.8687304077095854), np.float32(0.9952394386498578), np.float32(0.30188959785198943)
_TOP3, _TOP4, _TOP5 = (
    np.float32(0.026046377744565818),
    np.float32(0.0005178459670137427),
    np.float32(1.0488372674646202e-06),
)
_LOW1, _LOW2, _LOW3 = np.float32(1.4921782019705683), np.float32(0.6589240581157697), np.float32(0.09544415792704537)
_LOW4, _LOW5 = np.float32(0.003917129401659878), np.float32(2.9684915493083607e-05)


def seed_key(seed: int) -> tuple[np.uint32, np.uint32]:
    """The Philox key (low, high half) of a seed. Raises ValueError unless 0 <= seed < 2^64, TypeError if no integer."""
    value = operator.index(seed)
    if not 0 <= value < 2**64:
        raise ValueError(f"seed must be at least 0 and less than 2**64, not {seed}")
    return np.uint32(value & 0xFFFFFFFF), np.uint32(value >> 32)


@inlined_kernel
def _round(c0: Any, c1: Any, c2: Any, c3: Any, k0: Any, k1: Any) -> Any:
    """Bits above the low 32 of any word do not count; they are cut off where LLVM sees that its multiplication does so."""
    first = _MULTIPLIER_0 * (c0 & _WORD)
    second = _MULTIPLIER_1 * (c2 & _WORD)
    return (second >> _32) ^ c1 ^ k0, second, (first >> _32) ^ c3 ^ k1, first


@inlined_kernel
def _philox(c0: Any, c1: Any, c2: Any, c3: Any, k0: Any, k1: Any) -> Any:
    """Ten rounds on words held in uint64; the results are less than 2^32."""
    for _ in range(10):
        c0, c1, c2, c3 = _round(c0, c1, c2, c3, k0, k1)
        k0 = (k0 + _WEYL_0) & _WORD
        k1 = (k1 + _WEYL_1) & _WORD
    return c0 & _WORD, c1 & _WORD, c2 & _WORD, c3 & _WORD


@inlined_kernel
def _two_philox(c0: Any, c1: Any, c2: Any, c3: Any, other_c3: Any, k0: Any, k1: Any) -> Any:
    """As `_philox` for two purposes, round by round: one waits for its products while the other goes on."""
    d0, d1, d2, d3 = c0, c1, c2, other_c3
    for _ in range(10):
        c0, c1, c2, c3 = _round(c0, c1, c2, c3, k0, k1)
        d0, d1, d2, d3 = _round(d0, d1, d2, d3, k0, k1)
        k0 = (k0 + _WEYL_0) & _WORD
        k1 = (k1 + _WEYL_1) & _WORD
    return c0 & _WORD, c1 & _WORD, c2 & _WORD, c3 & _WORD, d0 & _WORD, d1 & _WORD, d2 & _WORD, d3 & _WORD


@inlined_kernel
def _word(value: Any) -> Any:
    return np.uint64(value) & _WORD


@kernel
def philox4x32(c0: Any, c1: Any, c2: Any, c3: Any, k0: Any, k1: Any) -> Any:
    """Four random uint32 for counter (c0, c1, c2, c3) and key (k0, k1), any integers, taken modulo 2^32."""
    w0, w1, w2, w3 = _philox(_word(c0), _word(c1), _word(c2), _word(c3), _word(k0), _word(k1))
    return np.uint32(w0), np.uint32(w1), np.uint32(w2), np.uint32(w3)


@inlined_kernel
def uniform_from_word(word: Any) -> float:
    """(word + 1/2) / 2^32 as float64: in (0, 1), never 0 or 1 (rounded to float32 it may become 1)."""
    return (bits_float64(_word(word) | _TWO_52_BITS) - _TWO_52_LESS_HALF) * 2.0**-32


@inlined_kernel
def _octaves(word: Any) -> float:
    """-log2(2p) of the tail probability p of a word below 2^32, with the word's sign."""
    tail = bits_float64((word & _TAIL_WORD) | _TWO_52_BITS) - _TWO_52_LESS_HALF  # word + 1/2, exact
    shifted = float64_bits(tail) + _TO_SQRT_HALF
    octave = _OCTAVES - bits_float64((shifted >> _SHIFT) | _TWO_52_BITS)
    f = bits_float64((shifted & _MANTISSA) + _SQRT_HALF_BITS) - 1.0
    g = 0.21791975304867203 + f * (-0.20872701766786383 + f * 0.12223815178532797)
    g = -0.3607048518398723 + f * (0.287623726023612 + f * (-0.23880757579307813 + f * g))
    u = octave - f * (1.4426948553662786 + f * (-0.7213474011522696 + f * (0.48092351167649317 + f * g)))
    return bits_float64(float64_bits(u) | ((word & _SIGN_WORD) << _32))


@inlined_kernel
def _ratio(octaves: float) -> float:
    """The normal of `_octaves`."""
    bits = float64_bits(octaves)
    u = bits_float64(bits & ~_SIGN_64)
    top = 0.026046377744565818 + u * (0.0005178459670137427 + u * 1.0488372674646202e-06)
    top = 0.8687304077095854 + u * (0.9952394386498578 + u * (0.30188959785198943 + u * top))
    low = 0.09544415792704537 + u * (0.003917129401659878 + u * 2.9684915493083607e-05)
    low = 1.0 + u * (1.4921782019705683 + u * (0.6589240581157697 + u * low))
    return bits_float64(float64_bits(u * top / low) | (bits & _SIGN_64))


@inlined_kernel
def normal_from_word(word: Any) -> float:
    """Standard normal float64 from 32 bits: the top one is the sign, the others + 1/2 the tail probability p * 2^32.

    |error| < 4e-7 over the whole range of +-6.34 sigma; exactly symmetric; never 0. z = u R(u) with u = -log2(2p), R a
    ratio of two polynomials of degree 5 and log2 a polynomial of degree 8 over each octave, both minimax fits.
    """
    return _ratio(_octaves(_word(word)))


@inlined_kernel
def _short_octaves(word: Any) -> Any:
    """As `_octaves` in float32, from a uint32."""
    tail = np.float32(np.int32(word & _TAIL_32)) + _F_HALF
    shifted = float32_bits(tail) + _TO_SQRT_HALF_32
    octave = _F_OCTAVES - np.float32(np.int32(shifted >> _SHIFT_32))
    f = bits_float32((shifted & _MANTISSA_32) + _SQRT_HALF_BITS_32) - _F_ONE
    g = _G0 + f * (_G1 + f * _G2)
    g = _G3 + f * (_G4 + f * (_G5 + f * g))
    u = octave - f * (_G6 + f * (_G7 + f * (_G8 + f * g)))
    return bits_float32(float32_bits(u) | (word & _SIGN_32))


@inlined_kernel
def _short_ratio(octaves: Any) -> Any:
    """As `_ratio` in float32."""
    bits = float32_bits(octaves)
    u = bits_float32(bits & _TAIL_32)
    top = _TOP3 + u * (_TOP4 + u * _TOP5)
    top = _TOP0 + u * (_TOP1 + u * (_TOP2 + u * top))
    low = _LOW3 + u * (_LOW4 + u * _LOW5)
    low = _F_ONE + u * (_LOW1 + u * (_LOW2 + u * low))
    return bits_float32(float32_bits(u * top / low) | (bits & _SIGN_32))


@inlined_kernel
def short_normal_from_word(word: Any) -> Any:
    """As `normal_from_word` in float32, from a uint32: half the cost, |error| < 2e-6 (relative 4e-7), may be +-0."""
    return _short_ratio(_short_octaves(word))


@kernel
def write_words(out0: Any, out1: Any, out2: Any, out3: Any, counter: Any, purpose: int, key0: Any, key1: Any) -> None:
    """The four words of each address into four arrays uint32[n] or uint64[n].

    counter uint64[3, n] holds slot, block, candidate; no array is given twice (it would keep the loop from vector
    registers).
    """
    slot, block, candidate = counter[0], counter[1], counter[2]
    if out0.size > 0 and of_one_block(counter):
        write_slot_words(out0, out1, out2, out3, slot, block[0], candidate[0], purpose, key0, key1)
        return
    c3, k0, k1 = _word(purpose), _word(key0), _word(key1)
    for i in range(out0.size):
        out0[i], out1[i], out2[i], out3[i] = _philox(slot[i], block[i], candidate[i], c3, k0, k1)


@kernel
def write_slot_words(
    out0: Any,
    out1: Any,
    out2: Any,
    out3: Any,
    slot: Any,
    block: Any,
    candidate: Any,
    purpose: int,
    key0: Any,
    key1: Any,
) -> None:
    """As `write_words` for slots [n] of one block and candidate, which share a tenth of the work."""
    c1, c2, c3, k0, k1 = _word(block), _word(candidate), _word(purpose), _word(key0), _word(key1)
    for i in range(out0.size):
        out0[i], out1[i], out2[i], out3[i] = _philox(slot[i], c1, c2, c3, k0, k1)


@kernel
def write_slot_words_of_two(
    out0: Any,
    out1: Any,
    out2: Any,
    out3: Any,
    other0: Any,
    other1: Any,
    other2: Any,
    other3: Any,
    slot: Any,
    block: Any,
    candidate: Any,
    purpose: int,
    other_purpose: int,
    key0: Any,
    key1: Any,
) -> None:
    """As `write_slot_words` for two purposes, in nine tenths of the time of two calls."""
    c1, c2, c3, d3, k0, k1 = (
        _word(block),
        _word(candidate),
        _word(purpose),
        _word(other_purpose),
        _word(key0),
        _word(key1),
    )
    for i in range(out0.size):
        out0[i], out1[i], out2[i], out3[i], other0[i], other1[i], other2[i], other3[i] = _two_philox(
            slot[i], c1, c2, c3, d3, k0, k1
        )


@kernel
def of_one_block(counter: Any) -> Any:
    """Whether slots alone tell the addresses counter[3, n], n > 0, apart."""
    block, candidate, apart = counter[1], counter[2], np.uint64(0)
    c1, c2 = block[0], candidate[0]
    for i in range(block.size):
        apart |= (block[i] ^ c1) | (candidate[i] ^ c2)
    return apart == np.uint64(0)


@kernel
def write_short_normals(out: Any, word: Any) -> None:
    """The normal of each uint32 word[n] into float32 out[n]: apart from the words, a loop has twice the lanes.

    In two loops, because a processor looks ahead at a hundred operations: of a chain half as long it works on twice as
    many numbers at once. For some hundred numbers, which stay in the nearest cache between the loops.
    """
    for i in range(out.size):
        out[i] = _short_octaves(word[i])
    for i in range(out.size):
        out[i] = _short_ratio(out[i])


@kernel
def fill_words(key0: Any, key1: Any, purpose: int, block: int, first_slot: int, candidate: int, out: Any) -> None:
    """Fill `out` uint32[4, n]: the four words of slots first_slot ... first_slot + n - 1."""
    c1, c2, c3, k0, k1 = _word(block), _word(candidate), _word(purpose), _word(key0), _word(key1)
    out0, out1, out2, out3 = out[0], out[1], out[2], out[3]
    for i in range(out.shape[1]):
        w0, w1, w2, w3 = _philox(_word(first_slot + i), c1, c2, c3, k0, k1)
        out0[i] = w0
        out1[i] = w1
        out2[i] = w2
        out3[i] = w3


@kernel
def fill_uniforms(key0: Any, key1: Any, purpose: int, block: int, first_slot: int, candidate: int, out: Any) -> None:
    """As `fill_words`, with uniforms in (0, 1) into `out` float64[4, n]."""
    c1, c2, c3, k0, k1 = _word(block), _word(candidate), _word(purpose), _word(key0), _word(key1)
    out0, out1, out2, out3 = out[0], out[1], out[2], out[3]
    for i in range(out.shape[1]):
        w0, w1, w2, w3 = _philox(_word(first_slot + i), c1, c2, c3, k0, k1)
        out0[i] = uniform_from_word(w0)
        out1[i] = uniform_from_word(w1)
        out2[i] = uniform_from_word(w2)
        out3[i] = uniform_from_word(w3)


@kernel
def fill_normals(key0: Any, key1: Any, purpose: int, block: int, first_slot: int, candidate: int, out: Any) -> None:
    """As `fill_words`, with standard normals into `out` float64[4, n].

    Words first, as bits in the place of their normals: two short loops keep more of the processor busy than one.
    """
    c1, c2, c3, k0, k1 = _word(block), _word(candidate), _word(purpose), _word(key0), _word(key1)
    for begin in range(0, out.shape[1], _PART):
        end, first = min(begin + _PART, out.shape[1]), first_slot + begin
        out0, out1, out2, out3 = out[0, begin:end], out[1, begin:end], out[2, begin:end], out[3, begin:end]
        for i in range(out0.size):
            w0, w1, w2, w3 = _philox(_word(first + i), c1, c2, c3, k0, k1)
            out0[i], out1[i], out2[i], out3[i] = bits_float64(w0), bits_float64(w1), bits_float64(w2), bits_float64(w3)
        for k in range(4):
            normals_of_bits(out[k, begin:end])


@kernel
def normals_of_bits(out: Any) -> None:
    """Words that stand in float64 out[n] as bits become their normals; in two loops, see `write_short_normals`."""
    for i in range(out.size):
        out[i] = _octaves(float64_bits(out[i]))
    for i in range(out.size):
        out[i] = _ratio(out[i])

"""Counter-based random numbers: each is a pure function of (seed, purpose, block, slot, candidate).

Philox4x32-10 (Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC11) turns a counter of four
32-bit words into four random words under a key of two. Here

    c0 = slot, c1 = block, c2 = candidate, c3 = purpose;    k0 = low, k1 = high half of the 64-bit seed,

so a value does not depend on array length, offset, order of work or number of threads. A purpose (see `purposes`) gives
four independent words at each address. Addresses and purposes are taken modulo 2^32.
"""

from __future__ import annotations

import functools
import math
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
_ONE, _NONE = np.uint64(1), np.uint64(0)
_PART = 256  # numbers that go from loop to loop through the nearest cache
_OCTAVES = _TWO_52 + 1023.0 + 31.0  # exponent bias, and radius words count in units of 2^-31
_SIGNED = _TWO_52 + 2147483648.0  # takes off what makes a word with its top bit turned a signed one
_TURN = 2.0**-31  # of a signed word: -1 to 1, from -45 to 45 degrees

# sqrt(2 log 2) sin(pi x / 4) / x and sqrt(2 log 2) cos(pi x / 4) in x^2, 0 to 1, at Chebyshev's points: to 3e-9, 6e-11.
_SIN0, _SIN1, _SIN2, _SIN3 = 0.9247356663990924, -0.09507048409768631, 0.002931758964205944, -4.233294225031159e-05
_COS0, _COS1, _COS2 = 1.1774100224595347, -0.36314284533104446, 0.018667041424112768
_COS3, _COS4 = -0.00038376335769211797, 4.15601846421249e-06

# The same in float32: literals in a kernel would be float64.
_TAIL_32, _SIGN_32, _SHIFT_32 = np.uint32(0x7FFFFFFF), np.uint32(0x80000000), np.uint32(23)
_MANTISSA_32, _SQRT_HALF_BITS_32 = np.uint32(0x007FFFFF), np.uint32(0x3F3504F3)
_TO_SQRT_HALF_32 = np.uint32(0x3F800000 - 0x3F3504F3)
_F_HALF, _F_ONE, _F_OCTAVES = np.float32(0.5), np.float32(1.0), np.float32(127.0 + 31.0)
_G0, _G1, _G2 = np.float32(0.21791975304867203), np.float32(-0.20872701766786383), np.float32(0.12223815178532797)
_G3, _G4, _G5 = np.float32(-0.3607048518398723), np.float32(0.287623726023612), np.float32(-0.23880757579307813)
_G6, _G7, _G8 = np.float32(1.4426948553662786), np.float32(-0.7213474011522696), np.float32(0.48092351167649317)
_ONE_32, _NONE_32, _F_TURN = np.uint32(1), np.uint32(0), np.float32(_TURN)
_S0, _S1, _S2, _S3 = np.float32(_SIN0), np.float32(_SIN1), np.float32(_SIN2), np.float32(_SIN3)
_C0, _C1 = np.float32(1.1774099899347663), np.float32(-0.3631418053213521)  # to 4e-8
_C2, _C3 = np.float32(0.018661843721699434), np.float32(-0.0003754495348893272)


@functools.lru_cache(typed=True)  # typed: 1.0 is no integer, though it equals 1
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
def _two_philox(c0: Any, d0: Any, c1: Any, c2: Any, c3: Any, k0: Any, k1: Any) -> Any:
    """As `_philox` for two slots c0 and d0, round by round: one waits for its products while the other goes on."""
    d1, d2, d3 = c1, c2, c3
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
    """-log2 U of the low 31 bits of a word, U = (bits + 1/2) / 2^31, with the top bit as its sign."""
    tail = bits_float64((word & _TAIL_WORD) | _TWO_52_BITS) - _TWO_52_LESS_HALF  # bits + 1/2, exact
    shifted = float64_bits(tail) + _TO_SQRT_HALF
    octave = _OCTAVES - bits_float64((shifted >> _SHIFT) | _TWO_52_BITS)
    f = bits_float64((shifted & _MANTISSA) + _SQRT_HALF_BITS) - 1.0
    g = 0.21791975304867203 + f * (-0.20872701766786383 + f * 0.12223815178532797)
    g = -0.3607048518398723 + f * (0.287623726023612 + f * (-0.23880757579307813 + f * g))
    u = octave - f * (1.4426948553662786 + f * (-0.7213474011522696 + f * (0.48092351167649317 + f * g)))
    return bits_float64(float64_bits(u) | ((word & _SIGN_WORD) << _32))


@inlined_kernel
def _turned(octaves: float, word: Any) -> Any:
    """The two normals at the radius of `_octaves`, in the direction of another word."""
    bits = float64_bits(octaves)
    radius = math.sqrt(bits_float64(bits & ~_SIGN_64))
    x = (bits_float64(((word | _ONE) ^ _SIGN_WORD) | _TWO_52_BITS) - _SIGNED) * _TURN
    q = x * x
    sine = x * (_SIN0 + q * (_SIN1 + q * (_SIN2 + q * _SIN3)))
    cosine = _COS0 + q * (_COS1 + q * (_COS2 + q * (_COS3 + q * _COS4)))
    cosine = bits_float64(float64_bits(cosine) | (bits & _SIGN_64))
    other = word & _ONE != _NONE
    return radius * (sine if other else cosine), radius * (cosine if other else sine)


@inlined_kernel
def normals_from_words(radius_word: Any, angle_word: Any) -> Any:
    """Two independent standard normals, float64, from two words (Box, Muller, Ann. Math. Stat. 29, 610, 1958).

    z = sqrt(-2 log U) times cosine and sine of an angle. U = (low 31 bits of the first word + 1/2) / 2^31: never 0, |z| <
    6.67. The angle is x 45 degrees, x = (second word with its last bit set, as a signed one) / 2^31; the first word's top
    bit is the sign of the cosine, and where the second word's last bit is set the two change places. |error| < 4e-7;
    exactly symmetric: log2 is a polynomial of degree 9 over each octave, sine and cosine are ones of degree 7 and 8.
    """
    word = _word(angle_word)
    return _turned(_octaves(_word(radius_word)), word)


@inlined_kernel
def _short_octaves(word: Any) -> Any:
    """As `_octaves` in float32, from a uint32, without a sign: U is rounded to 24 digits, so it may be 1, and this 0."""
    tail = np.float32(np.int32(word & _TAIL_32)) + _F_HALF
    shifted = float32_bits(tail) + _TO_SQRT_HALF_32
    octave = _F_OCTAVES - np.float32(np.int32(shifted >> _SHIFT_32))
    f = bits_float32((shifted & _MANTISSA_32) + _SQRT_HALF_BITS_32) - _F_ONE
    g = _G0 + f * (_G1 + f * _G2)
    g = _G3 + f * (_G4 + f * (_G5 + f * g))
    return octave - f * (_G6 + f * (_G7 + f * (_G8 + f * g)))


@inlined_kernel
def _short_turned(octaves: Any, radius_word: Any, angle_word: Any) -> Any:
    """As `_turned` in float32."""
    radius = np.sqrt(octaves)
    x = np.float32(np.int32(angle_word | _ONE_32)) * _F_TURN
    q = x * x
    sine = x * (_S0 + q * (_S1 + q * (_S2 + q * _S3)))
    cosine = _C0 + q * (_C1 + q * (_C2 + q * _C3))
    cosine = bits_float32(float32_bits(cosine) | (radius_word & _SIGN_32))
    other = angle_word & _ONE_32 != _NONE_32
    return radius * (sine if other else cosine), radius * (cosine if other else sine)


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
    write_address_words(out0, out1, out2, out3, slot, block, candidate, purpose, key0, key1)


@kernel
def write_address_words(
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
    """As `write_words` for slots, blocks and candidates [n] that have nothing in common."""
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
    """As `write_words` for slots [n] of one block and candidate, which share a tenth of the work.

    Its two halves at once (`_two_philox`) take seven tenths of the time.
    """
    c1, c2, c3, k0, k1 = _word(block), _word(candidate), _word(purpose), _word(key0), _word(key1)
    half = out0.size // 2
    v0, v1, v2, v3 = out0[:half], out1[:half], out2[:half], out3[:half]
    w0, w1, w2, w3 = out0[half:], out1[half:], out2[half:], out3[half:]
    first, second = slot[:half], slot[half:]
    for i in range(half):
        v0[i], v1[i], v2[i], v3[i], w0[i], w1[i], w2[i], w3[i] = _two_philox(first[i], second[i], c1, c2, c3, k0, k1)
    for i in range(half, w0.size):
        w0[i], w1[i], w2[i], w3[i] = _philox(second[i], c1, c2, c3, k0, k1)


@kernel
def write_run_words(
    out0: Any,
    out1: Any,
    out2: Any,
    out3: Any,
    first: Any,
    block: Any,
    candidate: Any,
    purpose: int,
    key0: Any,
    key1: Any,
) -> None:
    """As `write_slot_words` for slots first, first + 1, ...: counted, not loaded, which takes a tenth off."""
    c1, c2, c3, k0, k1 = _word(block), _word(candidate), _word(purpose), _word(key0), _word(key1)
    half = out0.size // 2
    v0, v1, v2, v3 = out0[:half], out1[:half], out2[:half], out3[:half]
    w0, w1, w2, w3 = out0[half:], out1[half:], out2[half:], out3[half:]
    begin, middle = np.uint64(first), np.uint64(first) + np.uint64(half)
    for j in range(half):
        i = np.uint64(j)
        v0[j], v1[j], v2[j], v3[j], w0[j], w1[j], w2[j], w3[j] = _two_philox(begin + i, middle + i, c1, c2, c3, k0, k1)
    for j in range(half, w0.size):
        w0[j], w1[j], w2[j], w3[j] = _philox(middle + np.uint64(j), c1, c2, c3, k0, k1)


@kernel
def write_run_pairs(
    out0: Any, out1: Any, first: Any, block: Any, candidate: Any, purpose: int, key0: Any, key1: Any
) -> None:
    """As `write_run_words`, the first two words only: a sixth of the work is on the others."""
    c1, c2, c3, k0, k1 = _word(block), _word(candidate), _word(purpose), _word(key0), _word(key1)
    half = out0.size // 2
    v0, v1, w0, w1 = out0[:half], out1[:half], out0[half:], out1[half:]
    begin, middle = np.uint64(first), np.uint64(first) + np.uint64(half)
    for j in range(half):
        i = np.uint64(j)
        v0[j], v1[j], _, _, w0[j], w1[j], _, _ = _two_philox(begin + i, middle + i, c1, c2, c3, k0, k1)
    for j in range(half, w0.size):
        w0[j], w1[j], _, _ = _philox(middle + np.uint64(j), c1, c2, c3, k0, k1)


@kernel
def of_one_block(counter: Any) -> Any:
    """Whether slots alone tell the addresses counter[3, n], n > 0, apart."""
    block, candidate, apart = counter[1], counter[2], np.uint64(0)
    c1, c2 = block[0], candidate[0]
    for i in range(block.size):
        apart |= (block[i] ^ c1) | (candidate[i] ^ c2)
    return apart == np.uint64(0)


@kernel
def write_short_normals(out0: Any, out1: Any, radius_word: Any, angle_word: Any) -> None:
    """The two normals of each pair of uint32 words [n] into two arrays float32[n], as `normals_from_words`.

    |error| < 2e-6 beside the normal whose U is rounded to 24 digits; the cosine is of degree 6. In two loops, because a
    processor looks ahead at a hundred operations: of a chain half as long it works on twice as many numbers at once. For
    some hundred numbers, which stay in the nearest cache between the loops.
    """
    for i in range(out0.size):
        out0[i] = _short_octaves(radius_word[i])
    for i in range(out0.size):
        out0[i], out1[i] = _short_turned(out0[i], radius_word[i], angle_word[i])


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
        half = out0.size // 2
        v0, v1, v2, v3 = out0[:half], out1[:half], out2[:half], out3[:half]
        u0, u1, u2, u3 = out0[half:], out1[half:], out2[half:], out3[half:]
        for i in range(half):
            a0, a1, a2, a3, b0, b1, b2, b3 = _two_philox(_word(first + i), _word(first + half + i), c1, c2, c3, k0, k1)
            v0[i], v1[i], v2[i], v3[i] = bits_float64(a0), bits_float64(a1), bits_float64(a2), bits_float64(a3)
            u0[i], u1[i], u2[i], u3[i] = bits_float64(b0), bits_float64(b1), bits_float64(b2), bits_float64(b3)
        for i in range(half, u0.size):
            w0, w1, w2, w3 = _philox(_word(first + half + i), c1, c2, c3, k0, k1)
            u0[i], u1[i], u2[i], u3[i] = bits_float64(w0), bits_float64(w1), bits_float64(w2), bits_float64(w3)
        normals_of_bits(out0, out1)
        normals_of_bits(out2, out3)


@kernel
def normals_of_bits(out0: Any, out1: Any) -> None:
    """Words that stand in float64 out0[n], out1[n] as bits become their normals; in two loops (`write_short_normals`)."""
    for i in range(out0.size):
        out0[i] = _octaves(float64_bits(out0[i]))
    for i in range(out0.size):
        out0[i], out1[i] = _turned(out0[i], float64_bits(out1[i]))

"""exp, log and asinh in float64 that LLVM can vectorise: no library call, no branch, no table.

pip's Numba has no vector maths library, so `math.log` in a loop stays scalar. These keep full double accuracy and
round alike in a vector body and in its scalar tail. Subnormal numbers count as zero in `log_fast`, and `exp_fast`
flushes below exp(-708) to zero; NaN stays NaN.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from packsim.numerics.jit import inlined_kernel


def _bit_cast(source: Any, target: Any, target_ir: Any) -> Any:
    """A Numba intrinsic f(x: source) -> target that reinterprets the bits of its argument."""

    def cast(typingctx: Any, value: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return builder.bitcast(args[0], target_ir)

        return target(source), codegen

    return intrinsic(cast)


float64_bits: Callable[[Any], Any] = _bit_cast(types.float64, types.uint64, ir.IntType(64))  # float64 -> its 64 bits
bits_float64: Callable[[Any], float] = _bit_cast(types.uint64, types.float64, ir.DoubleType())  # and back
float32_bits: Callable[[Any], Any] = _bit_cast(types.float32, types.uint32, ir.IntType(32))  # float32 -> its 32 bits
bits_float32: Callable[[Any], Any] = _bit_cast(types.uint32, types.float32, ir.FloatType())  # and back

# Typed constants: uint64 with a plain int literal would become float64 in Numba.
_SIGN = np.uint64(0x8000000000000000)
_SHIFT = np.uint64(52)
_MANTISSA = np.uint64(0x000FFFFFFFFFFFFF)
_SQRT_HALF_BITS = np.uint64(0x3FE6A09E667F3BCD)
_TO_SQRT_HALF = np.uint64(0x3FF0000000000000 - 0x3FE6A09E667F3BCD)
_TWO_52_BITS = np.uint64(0x4330000000000000)
_UNBIAS = 4503599627370496.0 + 1023.0  # 2^52 + exponent bias: small integers to float64 without a convert instruction
_INVERSE_BITS = np.uint64(2046)  # bias of 2^-e, from the biased exponent of 2^e
_ROUNDER = 6755399441055744.0  # 1.5 * 2^52: adding it rounds to an integer, which stands in the low bits

_LN2_HIGH = 6.93147180369123816490e-01  # 33 bits, so that e * _LN2_HIGH is exact
_LN2_LOW = 1.90821492927058770002e-10
_LOG2_E = 1.4426950408889634
_SMALLEST_NORMAL = 2.2250738585072014e-308

# Coefficients of log((1+s)/(1-s)) - 2s over s^3, in s^2, minimax (fdlibm e_log.c, Sun Microsystems 1993; < 1 ulp).
_LG1 = 6.666666666666735130e-01
_LG2 = 3.999999999940941908e-01
_LG3 = 2.857142874366239149e-01
_LG4 = 2.222219843214978396e-01
_LG5 = 1.818357216161805012e-01
_LG6 = 1.531383769920937332e-01
_LG7 = 1.479819860511658591e-01


@inlined_kernel
def _log_one_plus(f: float, exponent: float) -> float:
    """log(1 + f) + exponent * log 2 for 1 + f in [sqrt(1/2), sqrt 2)."""
    half_square = 0.5 * f * f
    s = f / (2.0 + f)
    z = s * s
    w = z * z
    even = w * (_LG2 + w * (_LG4 + w * _LG6))
    odd = z * (_LG1 + w * (_LG3 + w * (_LG5 + w * _LG7)))
    return exponent * _LN2_HIGH - ((half_square - (s * (half_square + even + odd) + exponent * _LN2_LOW)) - f)


@inlined_kernel
def log_fast(x: float) -> float:
    """Natural logarithm, within 1 ulp for normal x > 0; -inf for 0 and subnormals, nan for x < 0, inf for inf."""
    shifted = float64_bits(x) + _TO_SQRT_HALF
    exponent = bits_float64((shifted >> _SHIFT) | _TWO_52_BITS) - _UNBIAS
    f = bits_float64((shifted & _MANTISSA) + _SQRT_HALF_BITS) - 1.0
    value = _log_one_plus(f, exponent)
    value = -math.inf if x < _SMALLEST_NORMAL else value
    value = value if x < math.inf else x  # inf and nan
    return math.nan if x < 0.0 else value


@inlined_kernel
def exp_within(x: float) -> float:
    """exp(x) for -708 <= x <= 709.78, relative error under 1e-15: `exp_fast` without its ends, a fifth of its work."""
    rounded = x * _LOG2_E + _ROUNDER
    n = rounded - _ROUNDER
    r = (x - n * _LN2_HIGH) - n * _LN2_LOW
    # Taylor to r^13 on |r| <= ln(2)/2: remainder 4e-18. Two halves by r^2 keep the chain of dependent operations short.
    q = r * r
    even = 1 / 2 + q * (1 / 24 + q * (1 / 720 + q * (1 / 40320 + q * (1 / 3628800 + q * (1 / 479001600)))))
    odd = 1 / 6 + q * (1 / 120 + q * (1 / 5040 + q * (1 / 362880 + q * (1 / 39916800 + q * (1 / 6227020800)))))
    # Times 2^n by its exponent, n being the low bits of `rounded`: of 2^1024 exp(709.7) has less than one.
    return bits_float64(float64_bits(1.0 + (r + q * (even + r * odd))) + (float64_bits(rounded) << _SHIFT))


@inlined_kernel
def exp_fast(x: float) -> float:
    """exp(x), relative error under 1e-15 for |x| <= 708; 0 below -708, inf above 709.78, nan for nan."""
    bounded = x
    if x < -708.0:  # written so that nan passes: min and max would swallow it
        bounded = -708.0
    elif x > 710.0:
        bounded = 710.0
    value = exp_within(bounded)
    value = math.inf if x > 709.782712893384 else value
    return 0.0 if x < -708.0 else value


@inlined_kernel
def asinh_fast(x: float) -> float:
    """Inverse sinh, relative error under 1e-15 also for tiny x, odd to the bit; inf above 8e307, nan for nan.

    asinh a = log(1 + y), y = a + a^2 / (1 + sqrt(1 + a^2)); what rounding 1 + y loses is put back into its mantissa.
    """
    a = abs(x)
    bounded = min(a, 1e15)
    square = bounded * bounded
    y = bounded + square / (1.0 + math.sqrt(1.0 + square))
    y = y if a < 1e15 else 2.0 * a  # to 1e-30
    u = 1.0 + y
    lost = y - (u - 1.0)
    shifted = float64_bits(u) + _TO_SQRT_HALF
    biased = shifted >> _SHIFT
    exponent = bits_float64(biased | _TWO_52_BITS) - _UNBIAS
    inverse = bits_float64((_INVERSE_BITS - biased) << _SHIFT)
    f = (bits_float64((shifted & _MANTISSA) + _SQRT_HALF_BITS) - 1.0) + lost * inverse
    value = _log_one_plus(f, exponent)
    value = math.inf if a > 8e307 else value
    return bits_float64(float64_bits(value) | (float64_bits(x) & _SIGN))

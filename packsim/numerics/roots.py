"""Where a function of time passes zero, found from trials that only the caller can make (compiled).

The caller knows f before the zero (negative) and behind it, tries the time that `next_time` names, and notes what came
out. Inverse quadratic interpolation of the last three trials, kept inside the bracket (the idea of R. P. Brent,
Algorithms for Minimization without Derivatives, 1973, ch. 4).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from packsim.numerics.jit import kernel

PATIENCE = 8  # trials; then every other one halves the bracket
LOW, HIGH = 3, 4  # columns of a bracket; 0..2 are the last three trials, 2 the newest
TIME, VALUE = 0, 1  # rows
COLUMNS = 5
TRIALS = 60  # after that the caller takes what it has


@kernel
def open_bracket(
    bracket: npt.NDArray[np.float64], before: float, f_before: float, f_low: float, high: float, f_high: float
) -> None:
    """Begin in bracket[2, COLUMNS]: f_low at time 0, f_high behind; `before` < 0 is an older time (0: none is known)."""
    bracket[TIME, 0], bracket[VALUE, 0] = before, f_before
    bracket[TIME, 1] = bracket[TIME, LOW] = 0.0
    bracket[VALUE, 1] = bracket[VALUE, LOW] = f_low
    bracket[TIME, 2] = bracket[TIME, HIGH] = high
    bracket[VALUE, 2] = bracket[VALUE, HIGH] = f_high


@kernel
def next_time(bracket: npt.NDArray[np.float64], trials: int) -> float:
    """The time to try after `trials` trials."""
    t, f = bracket[TIME], bracket[VALUE]
    return float(interpolated(t[0], f[0], t[1], f[1], t[2], f[2], t[LOW], t[HIGH], trials))


@kernel
def note_value(bracket: npt.NDArray[np.float64], time: float, f: float) -> None:
    """Take the value found at `time`."""
    for k in range(2):
        bracket[TIME, k], bracket[VALUE, k] = bracket[TIME, k + 1], bracket[VALUE, k + 1]
    bracket[TIME, 2], bracket[VALUE, 2] = time, f
    side = LOW if f < 0.0 else HIGH
    bracket[TIME, side], bracket[VALUE, side] = time, f


@kernel
def width(bracket: npt.NDArray[np.float64]) -> float:
    """Seconds between the two sides of the zero."""
    return float(bracket[TIME, HIGH] - bracket[TIME, LOW])


@kernel
def interpolated(
    a: float, f_a: float, b: float, f_b: float, c: float, f_c: float, low: float, high: float, trials: int
) -> float:
    """Inverse quadratic interpolation of three trials; halving where that leaves the bracket or is slow."""
    if trials >= PATIENCE and trials % 2 == 0:
        return 0.5 * (low + high)
    curved = a * f_b * f_c / ((f_a - f_b) * (f_a - f_c))
    curved += b * f_a * f_c / ((f_b - f_a) * (f_b - f_c))
    curved += c * f_a * f_b / ((f_c - f_a) * (f_c - f_b))
    if low < curved < high:  # not so while two of the three are one: that is 0 / 0
        return curved
    straight = c - f_c * (c - b) / (f_c - f_b)
    if low < straight < high:
        return straight
    return 0.5 * (low + high)

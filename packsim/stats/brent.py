"""Brent's root of a function between two ends, as SciPy has it, to the bit: `scipy.optimize` takes 0.1 s to import.

A line needs a root or two for its spreads before anything else can begin, a report for its intervals.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable

MOST_ROUNDS = 100
RELATIVE = 4.0 * sys.float_info.epsilon  # the smallest that makes sense


def brentq(f: Callable[[float], float], a: float, b: float, xtol: float, rtol: float = RELATIVE) -> float:
    """Root of `f` between `a` and `b`, where its signs differ, within xtol + rtol * |root|.

    Brent 1973, Algorithms for Minimization without Derivatives, chapter 4, in the form of `scipy.optimize.brentq`.

    Raises:
        ValueError: the signs do not differ, or the function is nan.
        RuntimeError: not found in MOST_ROUNDS.
    """
    before, here, other = a, b, 0.0  # the root lies between here and other
    f_before, f_here, f_other = f(before), f(here), 0.0
    step_before = step = 0.0
    if math.isnan(f_before) or math.isnan(f_here):
        raise ValueError("f(a) and f(b) must be numbers")
    if f_before == 0.0:
        return before
    if f_here == 0.0:
        return here
    if (f_before < 0.0) == (f_here < 0.0):
        raise ValueError("f(a) and f(b) must have different signs")
    for _ in range(MOST_ROUNDS):
        if f_before != 0.0 and f_here != 0.0 and (f_before < 0.0) != (f_here < 0.0):
            other, f_other = before, f_before
            step_before = step = here - before
        if abs(f_other) < abs(f_here):
            before, here, other = here, other, here
            f_before, f_here, f_other = f_here, f_other, f_here
        delta = (xtol + rtol * abs(here)) / 2.0
        half = (other - here) / 2.0
        if f_here == 0.0 or abs(half) < delta:
            return here
        if abs(step_before) > delta and abs(f_here) < abs(f_before):
            trial = _trial(before, here, other, f_before, f_here, f_other)
            good = 2.0 * abs(trial) < min(abs(step_before), 3.0 * abs(half) - delta)  # never for nan
            step_before, step = (step, trial) if good else (half, half)
        else:
            step_before = step = half
        before, f_before = here, f_here
        here += step if abs(step) > delta else math.copysign(delta, half)
        f_here = f(here)
        if math.isnan(f_here):
            break
    if math.isnan(f_here):
        raise ValueError(f"f({here}) is not a number")
    raise RuntimeError(f"no root found in {MOST_ROUNDS} rounds")


def _trial(before: float, here: float, other: float, f_before: float, f_here: float, f_other: float) -> float:
    """Step from `here` to where the secant or the inverse parabola has its root; nan where there is none."""
    try:
        if before == other:
            return -f_here * (here - before) / (f_here - f_before)
        slope_before, slope_other = (f_before - f_here) / (before - here), (f_other - f_here) / (other - here)
        rise = f_other * slope_other - f_before * slope_before
        return -f_here * rise / (slope_other * slope_before * (f_other - f_before))
    except ZeroDivisionError:
        return math.nan

"""How long steps along smooth curves may be (compiled): by how far each step bends away from the one before it.

A step is judged by its *bend*: the distance of its end from the straight line through the step before. At constant
current the cell's kernels are nearly exact for steps of any length, so steps need not be short where a curve is steep,
only where it turns: what is read off between their ends (energy, times below a limit, where an event lies) follows a
parabola through the same three points.
"""

from __future__ import annotations

import math

from packsim.numerics.jit import kernel

SHORTEST_S = 1e-3  # s: a step that bends too much is shortened, down to this
FIRST_FRACTION = 0.125  # of the longest step: the first one after a jump
FIRST_BEND = 1.0 / 3.0  # of its change: what the first step after a jump is taken to bend
SAFETY = 0.64  # of the bend allowed: what the next step aims at
GROWTH = 3.0  # a step is at most so many times as long as the one before
SHRINKAGE = 0.2  # and a trial after a failed one at least this part of it


@kernel
def bend(before: float, per_second: float, step: float, last: float, now: float) -> float:
    """How far `now` lies from the straight line on from `before`, after a step of `last` (0: after a jump)."""
    if last == 0.0:
        return FIRST_BEND * abs(now - before)
    return abs(now - before - per_second * step)


@kernel
def next_step(step: float, last: float, bent: float, allowed: float, longest: float) -> float:
    """Length [s] of the step after one of `step` that bent by `bent`, after one of `last` (0: none)."""
    if bent * (GROWTH * (GROWTH + 1.0) * step) <= SAFETY * allowed * (step + last):
        return min(GROWTH * step, longest)
    curvature = bent / (step * (step + last))  # half the second derivative
    reach = 0.5 * step
    length = math.sqrt(reach * reach + SAFETY * allowed / curvature) - reach
    return min(max(length, SHORTEST_S), longest)


@kernel
def shorter(step: float, last: float, bent: float, allowed: float) -> float:
    """Length [s] to try instead of a step that bent too much."""
    length = 0.5 * step
    if bent > 0.0 and last > 0.0:
        curvature = bent / (step * (step + last))
        reach = 0.5 * last
        length = math.sqrt(reach * reach + SAFETY * allowed / curvature) - reach
    return max(min(max(length, SHRINKAGE * step), 0.8 * step), SHORTEST_S)


@kernel
def sag(before: float, per_second: float, step: float, last: float, now: float) -> float:
    """Half the second derivative times step^2, from the bend: the curve is straight - sag * part * (1 - part)."""
    if last == 0.0:
        return 0.0
    return (now - before - per_second * step) * step / (step + last)


@kernel
def part_below(v_from: float, v_to: float, sagging: float, threshold: float) -> float:
    """Part (0..1) of a step that a curve from v_from to v_to with its `sag` spends below the threshold."""
    if v_to >= threshold:
        return 0.0 if v_from >= threshold else crossing(v_from, v_to, sagging, threshold)
    return 1.0 if v_from < threshold else 1.0 - crossing(v_from, v_to, sagging, threshold)


@kernel
def crossing(v_from: float, v_to: float, sagging: float, threshold: float) -> float:
    """Part of the step at which the curve passes the threshold between its ends."""
    gap, slope = threshold - v_from, v_to - v_from - sagging
    inside = slope * slope + 4.0 * sagging * gap
    if inside >= 0.0:
        root = math.sqrt(inside)
        below = slope + root if slope > 0.0 else slope - root
        if below != 0.0:
            part = 2.0 * gap / below
            if 0.0 <= part <= 1.0:
                return part
    return gap / (v_to - v_from)

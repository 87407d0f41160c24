"""Where the capacity test ends, cell by cell (compiled): common steps, then a search inside the step in which it ends.

Shapes: n cells. `bench` is `packsim.inspection.kernels.Bench`.
"""

from typing import NamedTuple

import numpy as np

from packsim.numerics.jit import allocating_kernel, kernel
from packsim.numerics.roots import interpolated

VOLTAGE_TOLERANCE = 1e-7  # V: at the end of discharge 1e-4 s or better
TIME_TOLERANCE = 1e-6  # s
FIRST_INSTANT = 1e-9  # s: a step that only sets the current


class Search(NamedTuple):
    """Where each cell's capacity test ends [n]: steps so far, then a bracket and the last three trials in a step."""

    elapsed: np.ndarray  # s, to the start of the step in which it ends
    ended: np.ndarray  # bool: a common step went too far
    done: np.ndarray  # bool: the end is found
    low: np.ndarray  # s from the start of that step
    high: np.ndarray
    time: np.ndarray  # [3, n] s, the last one newest
    above: np.ndarray  # [3, n] V above the cut-off at those times


@allocating_kernel
def new_search(n):
    """A search before the first step."""
    flags = np.zeros((2, n), np.bool_)
    return Search(np.zeros(n), flags[0], flags[1], np.zeros(n), np.zeros(n), np.zeros((3, n)), np.zeros((3, n)))


@kernel
def common_step(length, window, bench, number):
    """Lengths [n] of the first instant (number 0) and of the common steps: fixed parts of each cell's own charge."""
    if number == 0:
        length[:] = FIRST_INSTANT
        return
    part = bench.shares[number - 1] - (bench.shares[number - 2] if number > 1 else 0.0)
    seconds_per_ah = part * bench.end_share * 3600.0 / bench.test_a
    for j in range(length.size):
        length[j] = window[4, j] * seconds_per_ah


@kernel
def note_step(search, v, length, cutoff_v, first):
    """Take the voltages [n] at the end of a common step."""
    for j in range(v.size):
        above = v[j] - cutoff_v
        if search.ended[j]:
            continue
        if first or above > 0.0:
            search.elapsed[j] += 0.0 if first else length[j]
            for k in range(3):
                search.above[k, j] = above
        else:
            search.high[j] = search.time[2, j] = length[j]
            search.above[2, j] = above
        search.ended[j] = above <= 0.0
        search.done[j] = first and above <= 0.0


@kernel
def next_trials(length, search, window, bench, count):
    """Times [n] to try next, from the start of the step in which each cell ends; False if all ends are found."""
    busy = False
    left = (1.0 - bench.shares[-1]) * bench.end_share * 3600.0 / bench.test_a
    for j in range(length.size):
        if count == 0 and not search.ended[j]:
            trial = window[4, j] * left
            search.high[j] = max(window[4, j] * 3600.0 / bench.test_a - search.elapsed[j], trial)
        elif search.done[j]:
            trial = search.time[2, j]
        else:
            t, f = search.time, search.above
            trial = interpolated(
                t[0, j], f[0, j], t[1, j], f[1, j], t[2, j], f[2, j], search.low[j], search.high[j], count
            )
        length[j] = max(trial, TIME_TOLERANCE)
        busy = busy or not search.done[j]
    return busy


@kernel
def note_trial(search, v, length, cutoff_v):
    """Take the voltages [n] at the trial times."""
    t, f = search.time, search.above
    for j in range(v.size):
        if search.done[j]:
            continue
        above = v[j] - cutoff_v
        t[0, j], t[1, j], t[2, j] = t[1, j], t[2, j], length[j]
        f[0, j], f[1, j], f[2, j] = f[1, j], f[2, j], above
        if above > 0.0:
            search.low[j] = length[j]
        else:
            search.high[j] = length[j]
        search.done[j] = abs(above) < VOLTAGE_TOLERANCE or search.high[j] - search.low[j] < TIME_TOLERANCE

"""Plain, slow twins: Nelson's tests point by point from their wording, run lengths one signal at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np


def nelson(z: Sequence[float], rule: int) -> list[int]:
    """Points that complete the pattern, by looking back from every point."""
    return [i for i in range(len(z)) if _PATTERNS[rule](list(z[: i + 1]))]


def _last(z: list[float], n: int) -> list[float] | None:
    return z[-n:] if len(z) >= n else None


def _one_side(z: list[float]) -> bool:
    last = _last(z, 9)
    return last is not None and (all(x > 0 for x in last) or all(x < 0 for x in last))


def _trend(z: list[float]) -> bool:
    last = _last(z, 6)
    if last is None:
        return False
    pairs = list(pairwise(last))
    return all(a < b for a, b in pairs) or all(a > b for a, b in pairs)


def _alternating(z: list[float]) -> bool:
    last = _last(z, 14)
    if last is None:
        return False
    ups = [b > a for a, b in pairwise(last)]
    ties = any(a == b for a, b in pairwise(last))
    return not ties and all(a != b for a, b in pairwise(ups))


def _k_of_n(k: int, n: int, sigmas: float) -> Callable[[list[float]], bool]:
    def pattern(z: list[float]) -> bool:
        last = z[-n:]
        return any(s * z[-1] > sigmas and sum(s * x > sigmas for x in last) >= k for s in (1, -1))

    return pattern


def _near(z: list[float]) -> bool:
    last = _last(z, 15)
    return last is not None and all(abs(x) <= 1 for x in last)


def _far(z: list[float]) -> bool:
    last = _last(z, 8)
    return last is not None and all(abs(x) > 1 for x in last)


_PATTERNS: dict[int, Callable[[list[float]], bool]] = {
    1: lambda z: abs(z[-1]) > 3,
    2: _one_side,
    3: _trend,
    4: _alternating,
    5: _k_of_n(2, 3, 2.0),
    6: _k_of_n(4, 5, 1.0),
    7: _near,
    8: _far,
}


def run_lengths(z: np.ndarray, signals: Callable[[np.ndarray], np.ndarray], window: int = 2000) -> np.ndarray:
    """Points from one signal to the next, the chart being started anew after each; the unfinished last run is left out."""
    lengths, start = [], 0
    while start < len(z):
        size, found = window, signals(z[start : start + window])
        while not found.size and start + size < len(z):  # nothing yet: the same start, further ahead
            size *= 2
            found = signals(z[start : start + size])
        if not found.size:
            break
        lengths.append(int(found[0]) + 1)
        start += lengths[-1]
    return np.array(lengths)


def arl_of_run(length: int, beyond: float) -> float:
    """Mean run length until `length` in a row on one side or a point beyond 3 sigma (probability `beyond`), exactly.

    A Markov chain over how many points in a row lie on the current side; by symmetry the side does not matter.
    """
    inside = 1.0 - beyond
    step = np.zeros((length, length))
    step[0, 1] = inside
    for k in range(1, length):
        step[k, 1] += 0.5 * inside
        if k + 1 < length:
            step[k, k + 1] += 0.5 * inside
    return float(np.linalg.solve(np.eye(length) - step, np.ones(length))[0])

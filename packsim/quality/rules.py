"""Nelson's eight tests for special causes, numbered as in Nelson 1984, J. Quality Technology 16:237-239.

All take points z [m] in standard deviations from the centre line and return the indices of the points that complete the
pattern. Zone C is within one sigma, zone A beyond two; a point exactly on the centre line lies on no side, one exactly on
a zone's edge is within.

| test | pattern |
|---|---|
| 1 | a point beyond 3 sigma |
| 2 | nine points in a row on one side |
| 3 | six points in a row steadily rising or falling |
| 4 | fourteen points in a row alternating up and down |
| 5 | two of three points in a row beyond 2 sigma on one side |
| 6 | four of five points in a row beyond 1 sigma on one side |
| 7 | fifteen points in a row within 1 sigma, on either side |
| 8 | eight points in a row beyond 1 sigma, on either side |

The tests of the Western Electric handbook (1956) are `beyond`, `k_of_n(z, 2, 3, 2.0)`, `k_of_n(z, 4, 5, 1.0)` and
`one_side(z, 8)`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

MEANING = {
    1: "a point beyond 3 sigma",
    2: "nine in a row on one side",
    3: "six in a row rising or falling",
    4: "fourteen in a row alternating",
    5: "two of three beyond 2 sigma on one side",
    6: "four of five beyond 1 sigma on one side",
    7: "fifteen in a row within 1 sigma",
    8: "eight in a row beyond 1 sigma",
}
ALL = tuple(MEANING)


def nelson(z: npt.ArrayLike, rules: Sequence[int] = ALL) -> dict[int, Index]:
    """Indices that complete each of the tests asked for, by number.

    Raises:
        ValueError: a rule other than 1..8, or z that is not one row of finite numbers.
    """
    points = np.asarray(z, float)
    if points.ndim != 1 or not np.isfinite(points).all():
        raise ValueError("z must be one row of finite numbers")
    unknown = [rule for rule in rules if rule not in MEANING]
    if unknown:
        raise ValueError(f"rules {unknown}: Nelson's tests are numbered 1 to 8")
    return {rule: _TESTS[rule](points) for rule in rules}


def beyond(z: Array, sigmas: float = 3.0) -> Index:
    """Test 1: points further than `sigmas` from the centre."""
    return np.flatnonzero(np.abs(z) > sigmas)


def one_side(z: Array, length: int = 9) -> Index:
    """Test 2: the last `length` points lie on one side of the centre."""
    return np.flatnonzero(np.maximum(_run(z > 0.0), _run(z < 0.0)) >= length)


def trend(z: Array, length: int = 6) -> Index:
    """Test 3: the last `length` points rise or fall steadily (length - 1 steps in one direction)."""
    step = np.diff(z)
    return 1 + np.flatnonzero(np.maximum(_run(step > 0.0), _run(step < 0.0)) >= length - 1)


def alternating(z: Array, length: int = 14) -> Index:
    """Test 4: the last `length` points go up and down in turn (length - 1 steps)."""
    step = np.sign(np.diff(z))
    if step.size == 0:
        return np.empty(0, np.int64)
    turns = np.concatenate([[False], step[1:] * step[:-1] < 0.0])
    steps = np.where(step != 0.0, _run(turns) + 1, 0)
    return 1 + np.flatnonzero(steps >= length - 1)


def k_of_n(z: Array, k: int, n: int, sigmas: float) -> Index:
    """Tests 5 and 6: this point and at least k - 1 of the n - 1 before it are beyond `sigmas` on its side."""
    found = np.zeros(z.size, bool)
    for out in (z > sigmas, z < -sigmas):
        total = np.concatenate([[0], np.cumsum(out)])
        first = np.maximum(np.arange(1, z.size + 1) - n, 0)
        found |= out & (total[1:] - total[first] >= k)
    return np.flatnonzero(found)


def near(z: Array, length: int = 15, sigmas: float = 1.0) -> Index:
    """Test 7: the last `length` points are within `sigmas`."""
    return np.flatnonzero(_run(np.abs(z) <= sigmas) >= length)


def far(z: Array, length: int = 8, sigmas: float = 1.0) -> Index:
    """Test 8: the last `length` points are beyond `sigmas`, on whichever side."""
    return np.flatnonzero(_run(np.abs(z) > sigmas) >= length)


_TESTS: dict[int, Callable[[Array], Index]] = {
    1: beyond,
    2: one_side,
    3: trend,
    4: alternating,
    5: lambda z: k_of_n(z, 2, 3, 2.0),
    6: lambda z: k_of_n(z, 4, 5, 1.0),
    7: near,
    8: far,
}


def _run(flags: Flags) -> Index:
    """How many flags in a row end at each place."""
    place = np.arange(1, flags.size + 1)
    last_false = np.maximum.accumulate(np.where(flags, 0, place))
    return place - last_false if flags.size else np.empty(0, np.int64)

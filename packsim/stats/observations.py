"""Lives as they are seen: a time, what ended it (or nothing yet), and the independent unit that a pack belongs to.

A pack that is still alive when the observation ends is right-censored: its life is longer than its time. Nothing else may
end an observation for a reason that has to do with the failure (independent censoring, Kalbfleisch & Prentice 2002,
"The Statistical Analysis of Failure Time Data", 2nd ed., section 1.3).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

ALIVE = 0  # cause of a pack that had not failed when its observation ended
_CHUNK = 1 << 21  # numbers held at once while units are left out


class Lives(NamedTuple):
    """Checked observations of n packs."""

    time: Array  # [n] any unit, not negative
    cause: Counts  # [n] ALIVE, or 1..causes
    unit: Counts  # [n] 0..units - 1
    causes: int
    units: int


class Steps(NamedTuple):
    """Counts at the distinct times seen, of which 0 is always the first; a tie of failure and censoring: failed first."""

    time: Array  # [m] ascending
    place: Counts  # [n] step of each pack
    at_risk: Array  # [m] packs seen alive just before
    failed: Array  # [causes, m]


def lives(
    time: npt.ArrayLike, cause: npt.ArrayLike, unit: npt.ArrayLike | None = None, *, causes: int | None = None
) -> Lives:
    """Observations [n] as arrays.

    Args:
        time: of failure, or of the end of observation; any unit.
        cause: 0 or False for packs that had not failed, else 1, 2 ... (True is 1).
        unit: label of the independent unit (block or lot) of each pack; None: every pack is one.
        causes: how many there are; None: up to the highest seen.

    Raises:
        ValueError: no packs, lengths differ, times that are negative or no numbers, causes that are no whole numbers.
    """
    times = np.asarray(time, float)
    marks = np.asarray(cause)
    if times.ndim != 1 or times.size == 0:
        raise ValueError(f"time: at least one number in one row, not shape {list(times.shape)}")
    if marks.shape != times.shape:
        raise ValueError(f"{times.size} times, but causes of shape {list(marks.shape)}")
    bad = int((~(np.isfinite(times) & (times >= 0.0))).sum())
    if bad:
        raise ValueError(f"time: {bad} of {times.size} are negative or no finite numbers")
    if marks.dtype.kind not in "biuf" or not (np.isfinite(marks) & (marks >= 0) & (marks == np.floor(marks))).all():
        raise ValueError("cause: 0 for alive, then 1, 2 ... for what a pack failed by")
    marks = marks.astype(np.int64)
    highest = max(int(marks.max()), 1)
    if causes is not None and highest > causes:
        raise ValueError(f"cause {highest} of {causes} causes")
    if unit is None:
        return Lives(times, marks, np.arange(times.size), causes or highest, times.size)
    labels = np.asarray(unit)
    if labels.shape != times.shape:
        raise ValueError(f"{times.size} times, but units of shape {list(labels.shape)}")
    if labels.dtype.kind == "f" and not np.isfinite(labels).all():
        raise ValueError("unit: some labels are no finite numbers")
    names, place = np.unique(labels, return_inverse=True)
    return Lives(times, marks, place.astype(np.int64), causes or highest, names.size)


def steps(seen: Lives) -> Steps:
    """Who is at risk and who fails, time by time."""
    time, place = np.unique(np.append(0.0, seen.time), return_inverse=True)
    place = place[1:].astype(np.int64)
    left = np.bincount(place, minlength=time.size)
    at_risk = np.cumsum(left[::-1])[::-1].astype(float)
    failed = np.bincount(seen.cause * time.size + place, minlength=(seen.causes + 1) * time.size)
    return Steps(time, place, at_risk, failed.reshape(seen.causes + 1, -1)[1:].astype(float))


def without_each(seen: Lives, table: Steps) -> Iterator[tuple[Array, Array]]:
    """At risk [u, m] and failed [u, causes, m] with each unit left out, a few units at a time, in their order."""
    m, kinds = table.time.size, seen.causes + 1
    order = np.argsort(seen.unit, kind="stable")
    unit, place, cause = seen.unit[order], table.place[order], seen.cause[order]
    step = max(1, _CHUNK // (m * kinds))
    for start in range(0, seen.units, step):
        stop = min(start + step, seen.units)
        a, b = np.searchsorted(unit, [start, stop])
        index = ((unit[a:b] - start) * kinds + cause[a:b]) * m + place[a:b]
        own = np.bincount(index, minlength=(stop - start) * kinds * m).reshape(-1, kinds, m)
        own_at_risk = np.cumsum(own.sum(axis=1)[:, ::-1], axis=1)[:, ::-1]
        yield table.at_risk - own_at_risk, table.failed - own[:, 1:]


def product_limit(at_risk: Array, failed: Array) -> Array:
    """Share alive just after each step [..., m], from who was at risk and how many failed [..., m].

    Kaplan & Meier 1958, doi 10.1080/01621459.1958.10501452. nan where nobody is left to be watched although some lived.
    """
    empty = at_risk <= 0.0
    alive = np.cumprod(np.where(empty, 1.0, at_risk - failed) / np.where(empty, 1.0, at_risk), axis=-1)
    return np.where(empty & (alive > 0.0), np.nan, alive)

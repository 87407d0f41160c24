"""A parallel group of different cells under a measured or given current."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from packsim.cell import kernels as cell_kernels
from packsim.cell.cell import empty_lane
from packsim.pack.mixed.kernels import follow_group

if TYPE_CHECKING:
    from collections.abc import Sequence

    from packsim.cell.cell import Cell

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class GroupRecord:
    """A parallel group in time: common voltage [k] and the cells' currents [cell, k], discharge positive."""

    time_s: Array
    voltage_v: Array
    current_a: Array


def follow(cells: Sequence[Cell], time_s: Array, current_a: Array, initial_soc: Sequence[float]) -> GroupRecord:
    """Drive cells in parallel, at rest at first, by the group's sampled current.

    current_a[k] is held from time_s[k - 1] to time_s[k] (the first for as long as the second); one step an interval, so
    the result's voltage and currents are those at time_s.

    Raises:
        ValueError: lengths differ, times that do not rise, fewer than two cells, no solution.
    """
    time, total = np.asarray(time_s, float), np.asarray(current_a, float)
    if len(cells) < 2 or len(initial_soc) != len(cells):
        raise ValueError("a group needs two cells or more, and an initial SOC for each")
    if time.ndim != 1 or time.size < 2 or total.shape != time.shape:
        raise ValueError("time_s and current_a must be one-dimensional, of equal length, with at least two points")
    if not (np.all(np.diff(time) > 0.0) and np.all(np.isfinite(time)) and np.all(np.isfinite(total))):
        raise ValueError("time_s must rise, time_s and current_a must be finite")
    group = _together([cell.lane(soc) for cell, soc in zip(cells, initial_soc, strict=True)])
    group.current[:] = total[0] / len(cells)
    voltage, current = np.empty(time.size), np.empty((len(cells), time.size))
    steps = np.diff(time, prepend=2.0 * time[0] - time[1])
    done = follow_group(tuple(cell.design for cell in cells), group, np.empty(1), total, steps, voltage, current)
    if done < time.size:
        raise ValueError(f"no currents of the parallel cells could be found at {time[done]:g} s")
    return GroupRecord(time, voltage, current)


def _together(lanes: list[cell_kernels.Lane]) -> cell_kernels.Lane:
    group = empty_lane(len(lanes))
    for j, lane in enumerate(lanes):
        for whole, part in zip(group, lane, strict=True):
            whole[..., j] = part[..., 0]
    return group

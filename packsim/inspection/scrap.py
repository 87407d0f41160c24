"""Cells that the line scraps never reach the test; what that means for the limits of the cells that follow them."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from packsim.cell.cells import Cells
from packsim.inspection.plan import InspectionPlan

Array = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]


def at_end(cells: Cells) -> tuple[Cells, Numbers]:
    """The cells that reach the end-of-line test, and their places among `cells`."""
    reached = np.flatnonzero(cells.scrapped < 0)
    return cells if reached.size == len(cells) else cells.take(reached), reached


def limits_of_slots(plan: InspectionPlan, first: Cells, reached: Numbers, limit: Array) -> Array:
    """K-value limit of every slot [n] from those of the `reached` ones of its first candidates `first`.

    An absolute limit is everybody's. A relative one is that of the slot's lot in its block, and the median of all where the
    whole lot was scrapped.
    """
    if math.isfinite(plan.k_mv_per_day):
        return np.full(len(first), plan.k_mv_per_day)
    _, lot = np.unique((first.address[:, 0] << 32) | first.lot, return_inverse=True)
    of_lot = np.full(int(lot.max(initial=0)) + 1, float(np.median(limit)) if limit.size else math.inf)
    of_lot[lot[reached]] = limit
    everywhere: Array = of_lot[lot]
    return everywhere

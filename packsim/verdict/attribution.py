"""From the weakest group back to the cell, the trait and the step that made it weak.

The first group at the lower cut-off is the weakest. What it could give differs from the average group's by

    sum over traits of (dC/dtrait) (group mean of the trait - mean over the pack)    capacity, to first order
    + C (SOC at the end of charge - mean SOC over the pack)                          charge that is missing

The largest negative part is the root; its weakest cell is the one with the least capacity. First order only: a defect far
from nominal is named by its bit, not by a slope.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from packsim.cell.cells import Cells
from packsim.cell.traits import TRAIT_NAMES

Array = npt.NDArray[np.float64]
PARTS = (*TRAIT_NAMES, "state_of_charge")  # what a shortfall can come from


class Attribution(NamedTuple):
    """One row a pack."""

    weakest_group: npt.NDArray[np.int64]  # [p], -1 where none
    weakest_cell: npt.NDArray[np.int64]  # [p] index into the cells, -1 where none
    parts_pct: Array  # [p, PARTS] the weakest group's difference from the pack's mean group, in percent of capacity
    root: npt.NDArray[np.int64]  # [p] index into PARTS, -1 where none


def attribute(
    cells: Cells,
    capacity_ah: Array,
    order: npt.NDArray[np.int64],
    parallel: int,
    first_group: npt.NDArray[np.int32],
    soc_full: Array,
    slopes_ah: Array,
    nominal_ah: float,
) -> Attribution:
    """Trace every pack's weakest group.

    Args:
        capacity_ah: of every cell [n]; order: cell of each position [p, group-major].
        soc_full: SOC of each group at the end of charge [p, g].
        slopes_ah: change of capacity per unit of each trait [trait]; nominal_ah: capacity of the nominal cell.
    """
    packs, series = soc_full.shape
    group, cell = np.full(packs, -1, np.int64), np.full(packs, -1, np.int64)
    parts, root = np.zeros((packs, len(PARTS))), np.full(packs, -1, np.int64)
    for p in range(packs):
        weakest = int(first_group[p])
        if weakest < 0:
            continue
        own = order[p].reshape(series, parallel)
        values = cells.values[:, order[p]].reshape(len(TRAIT_NAMES), series, parallel).mean(axis=2)
        part = slopes_ah * (values[:, weakest] - values.mean(axis=1)) / nominal_ah
        parts[p] = 100.0 * np.append(part, soc_full[p, weakest] - soc_full[p].mean())
        group[p], root[p] = weakest, int(np.argmin(parts[p]))
        cell[p] = own[weakest, int(np.argmin(capacity_ah[own[weakest]]))]
    return Attribution(group, cell, parts, root)

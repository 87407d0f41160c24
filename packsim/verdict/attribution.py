"""From a pack's lost capacity back to the cell, the trait and the step that cost it.

When a pack is assembled, group g holds the charge q_g and has room r_g = C_g - q_g for more. Charging ends when the first
group f is full, discharging when the first group e is empty, so the pack gives r_f + q_e where an even one would give the
mean of r + q. To first order the loss has the parts

    sum over traits of (dC/dtrait) (trait of f - mean trait)      f is small
    (q_e - mean q) - (q_f - mean q)                               e started emptier, or f fuller, than the others

Cells that were all given the same charge from empty are balanced at the bottom: a small cell then limits the *charge*, and
its shortage shows as under-charge of all others. A top-balanced pack is full everywhere: f's part vanishes and q = C, so the
traits of e count. If only the pack's voltage ends the charge, no group f limits it. The largest negative part is the root.
First order only: a defect far from nominal is named by its bit, not by a slope. Strings in parallel share the current about
evenly, so the weakest group of any of them costs the pack what it would cost a single string.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from packsim.cell.cells import Cells
from packsim.cell.traits import TRAIT_NAMES
from packsim.pack.fleet.plan import FleetPlan
from packsim.pack.fleet.run import Fleet

Array = npt.NDArray[np.float64]
PARTS = (*TRAIT_NAMES, "state_of_charge")  # what a shortfall can come from
CHARGE, DISCHARGE = 0, 1  # which end of the window the weakest group limits


class Attribution(NamedTuple):
    """One row a pack; -1 where there is no such group."""

    weakest_group: npt.NDArray[np.int64]  # [p] the group that costs more: first full or first empty
    limits: npt.NDArray[np.int64]  # [p] CHARGE or DISCHARGE
    weakest_cell: npt.NDArray[np.int64]  # [p] index into the cells: least room (or charge) in that group
    parts_pct: Array  # [p, PARTS] of the pack's loss, in percent of nominal capacity; negative costs capacity
    root: npt.NDArray[np.int64]  # [p] index into PARTS


def attribute(
    cells: Cells,
    capacity_ah: Array,
    soc: Array,
    order: npt.NDArray[np.int64],
    plan: FleetPlan,
    fleet: Fleet,
    slopes_ah: Array,
    nominal_ah: float,
) -> Attribution:
    """Trace every pack's loss.

    Args:
        capacity_ah, soc: window capacity and state of charge at assembly of every cell [n].
        order: cell of each position [p, position in the pack's order of cells].
        slopes_ah: change of capacity per unit of each trait [trait]; nominal_ah: capacity of the nominal cell.
    """
    charge = capacity_ah if plan.top_balanced else capacity_ah * soc
    room = capacity_ah - charge
    last_cell = np.append(plan.first_cell[1:], order.shape[1])

    def means(values: Array) -> Array:
        """Of the cells of each group, the last axis."""
        if plan.first_cell.size == order.shape[1]:
            return values  # every cell is a group
        summed: Array = np.add.reduceat(values, plan.first_cell, axis=-1)
        return summed / (last_cell - plan.first_cell)

    values, held, free = means(cells.values[:, order]), means(charge[order]), means(room[order])
    mean_held = held.mean(axis=-1)
    found, each = fleet.first_group >= 0, np.arange(len(order))
    empty = np.where(found, fleet.first_group, 0)
    full = np.argmax(fleet.full_v + fleet.offset_v, axis=-1)
    by_group = fleet.charged & (plan.kinds[plan.own] != "pack_only")  # what ends the charge
    small = empty if plan.top_balanced else full
    traits = slopes_ah[:, None] * (values[:, each, small] - values.mean(axis=-1))
    if not plan.top_balanced:
        traits[:, ~by_group] = 0.0
    loss_full = np.where(by_group, free[each, full] - free.mean(axis=-1), 0.0)
    loss_empty = held[each, empty] - mean_held
    uneven = np.zeros(len(order)) if plan.top_balanced else loss_empty
    uneven = np.where(by_group, uneven - (held[each, full] - mean_held), uneven)
    parts = 100.0 * np.vstack([traits, uneven]).T / nominal_ah
    parts[~found] = 0.0
    root = np.where(parts.min(axis=-1) < 0.0, np.argmin(parts, axis=-1), -1)
    limits = np.where(by_group & (loss_full < loss_empty), CHARGE, DISCHARGE)
    group = np.where(limits == CHARGE, full, empty)
    cell = np.full(len(order), -1, np.int64)
    for p in np.flatnonzero(found):
        inside = order[p, plan.first_cell[group[p]] : last_cell[group[p]]]
        left = room if limits[p] == CHARGE else charge
        cell[p] = inside[int(np.argmin(left[inside]))]
    group, limits, root = (np.where(found, of, -1) for of in (group, limits, root))
    return Attribution(group, limits, cell, parts, root)

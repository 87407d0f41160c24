"""Grading: which of a block's passing cells goes into which place of which pack."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from packsim.inspection.plan import InspectionPlan


def grade(
    plan: InspectionPlan, measured_capacity_ah: npt.NDArray[np.float64], packs: int, cells_per_pack: int
) -> npt.NDArray[np.int64]:
    """Slots of a block in pack order, int64[pack, position]: a permutation; equal cells keep their order.

    `in_order` keeps slots; `sorted` orders by measured capacity; `capacity_bins` by bins of equal width between the
    capacity limits, in order within a bin (packs at the edge of two bins get cells of both).

    Raises:
        ValueError: not one capacity for each place.
    """
    if measured_capacity_ah.shape != (packs * cells_per_pack,):
        places = packs * cells_per_pack
        raise ValueError(f"{packs} packs of {cells_per_pack} need {places} cells, got {measured_capacity_ah.shape}")
    if plan.matching == "in_order":
        order = np.arange(measured_capacity_ah.size)
    elif plan.matching == "sorted":
        order = np.argsort(measured_capacity_ah, kind="stable")
    else:
        low, high = plan.capacity_ah
        share = (measured_capacity_ah - low) / (high - low)
        order = np.argsort(np.clip((share * plan.bins).astype(np.int64), 0, plan.bins - 1), kind="stable")
    return order.reshape(packs, cells_per_pack).astype(np.int64)

"""As-built cells of any addresses."""

from __future__ import annotations

from collections import deque

import numpy as np
import numpy.typing as npt

from packsim.cell.cells import Cells
from packsim.cell.traits import TRAIT_NAMES
from packsim.line.kernels import CHUNK, build_cells, hold
from packsim.line.plan import LinePlan
from packsim.numerics.held import Held
from packsim.numerics.streams import seed_key
from packsim.numerics.threads import in_parallel

Addresses = npt.NDArray[np.int64]
_latest: deque[tuple[LinePlan, Held]] = deque(maxlen=4)  # the last plans built from


def build(plan: LinePlan, seed: int, addresses: Addresses) -> Cells:
    """The cells at `addresses` int64[n, 3] (block, slot, candidate), each a pure function of (plan, seed, address).

    Fastest where consecutive rows are consecutive slots of one block and candidate (see `slot_addresses`).

    Raises:
        ValueError: addresses that are no int64[n, 3], or a slot that the line's blocks do not have.
    """
    if addresses.ndim != 2 or addresses.shape[1] != 3 or addresses.dtype != np.int64:
        raise ValueError(f"addresses must be int64[n, 3], not {addresses.dtype}{list(addresses.shape)}")
    addresses = np.ascontiguousarray(addresses)
    n = len(addresses)
    x = np.empty((len(TRAIT_NAMES), n))
    lot, defect = np.empty(n, np.int32), np.empty(n, np.uint16)
    scrapped, rejected = np.empty(n, np.int8), np.empty(n, np.uint32)
    key, held = seed_key(seed), _held(plan)

    def rows(first: int, last: int) -> None:
        build_cells(x, lot, defect, scrapped, rejected, addresses, held, *key, first, last)

    in_parallel(rows, n, CHUNK)
    return Cells(addresses, lot, x, defect, scrapped, rejected)


def _held(plan: LinePlan) -> Held:
    """The plan as the kernels have it, made once for all blocks of a line."""
    for known, held in tuple(_latest):
        if known is plan:
            return held
    made: Held = hold(plan)
    _latest.append((plan, made))
    return made


def slot_addresses(block: int, slots: npt.NDArray[np.int64] | range, candidate: int = 0) -> Addresses:
    """Addresses int64[n, 3] of one candidate of several slots of a block."""
    addresses = np.empty((len(slots), 3), np.int64)
    addresses[:, 0], addresses[:, 1], addresses[:, 2] = block, slots, candidate
    return addresses


def lot_addresses(plan: LinePlan, lots: npt.NDArray[np.int64], place: npt.NDArray[np.int64] | int = 0) -> Addresses:
    """Addresses int64[n, 3], first candidates, of cell number `place` of each lot (running numbers)."""
    in_span = -(-plan.blocks_per_lot * plan.slots_per_block // plan.lot_cells)
    position = lots % in_span * plan.lot_cells + place
    out = np.zeros((lots.size, 3), np.int64)
    out[:, 0] = lots // in_span * plan.blocks_per_lot + position // plan.slots_per_block
    out[:, 1] = position % plan.slots_per_block
    return out

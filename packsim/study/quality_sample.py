"""The sample that quality control of a run rests on: the first cells tested, in order of production, rebuilt and tested."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from packsim.study import block as blocks
from packsim.study.metrics import ROW

if TYPE_CHECKING:
    from packsim.study.run import Result

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]

MOST_CELLS = 20_000  # of the sample; a second of computing at most
FEWEST_IN_BATCH = 50  # cells of a point of the p chart


class Reading(NamedTuple):
    """One quantity of the end-of-line test in the sample; `values` [n] of the cells that have one, in order.

    `clean` [n]: whether the cell was made without a defect, which only a simulation knows.
    """

    name: str
    unit: str
    values: Array
    clean: npt.NDArray[np.bool_]
    lower: float | None
    upper: float | None
    limit_varies: bool  # relative to the lot: `upper` is the median of the lots' limits


@dataclass(frozen=True)
class Sample:
    """Tested cells, in order of production: block, slot, candidate. `batch` numbers the points of the p chart from 0."""

    tested: int  # cells of the whole run
    blocks: int
    address: Index  # [n, 3]
    lot: Index  # [n]
    batch: Index  # [n]
    batch_words: str
    rejected: npt.NDArray[np.bool_]  # [n]
    readings: tuple[Reading, ...]

    @property
    def lots(self) -> int:
        """Supplier lots that the sample contains."""
        return int(np.unique(self.lot).size)


def sample(result: Result, most_cells: int = MOST_CELLS) -> Sample:
    """The first cells of a run, at most `most_cells`, rebuilt and tested again bit for bit."""
    plans, parts, total = result.plans, [], 0
    for number in range(result.block_count):
        filled = blocks.started(plans, result.seed, number, blocks.packs_in(plans, number, result.pack_count))
        parts.append(filled)
        total += len(filled.cells)
        if total >= most_cells:
            break
    address = np.concatenate([part.cells.address for part in parts])
    order = np.lexsort((address[:, 2], address[:, 1], address[:, 0]))[:most_cells]

    def joined(name: str) -> Array:
        return np.asarray(np.concatenate([getattr(part.measured, name) for part in parts])[order])

    address = address[order]
    lot = np.concatenate([part.cells.lot for part in parts])[order].astype(np.int64)
    batch, words = _batches(result, address, lot)
    clean = np.concatenate([part.cells.defect for part in parts])[order] == 0
    inspection = plans.inspection
    limits = joined("k_limit_mv_per_day")
    finite = limits[np.isfinite(limits)]
    ah, mohm, volts = inspection.nominal_capacity_ah, inspection.nominal_dcir_mohm, inspection.nominal_ocv_v
    k_limit = float(np.median(finite)) if finite.size else math.inf
    shown = (  # name, unit, readings, limits
        ("capacity", "%", 100.0 / ah * joined("capacity_ah"), [100.0 / ah * x for x in inspection.capacity_ah]),
        ("DCIR", "%", 100.0 / mohm * joined("dcir_mohm"), [100.0 / mohm * x for x in inspection.dcir_mohm]),
        ("OCV", "mV", 1e3 * (joined("ocv_v") - volts), [1e3 * (x - volts) for x in inspection.ocv_v]),
        ("K-value", "mV/d", joined("k_value_mv_per_day"), [-math.inf, k_limit]),
    )
    varies = math.isfinite(inspection.k_robust_sigmas)
    readings = tuple(
        _reading(name, unit, values, clean, both, varies and name == "K-value") for name, unit, values, both in shown
    )
    return Sample(
        tested=int(result.sums[:, ROW["tested"]].sum()),
        blocks=len(parts),
        address=address,
        lot=lot,
        batch=batch,
        batch_words=words,
        rejected=~joined("accepted").astype(bool),
        readings=readings,
    )


def _reading(
    name: str, unit: str, values: Array, clean: npt.NDArray[np.bool_], limits: list[float], varies: bool
) -> Reading:
    lower, upper = (x if math.isfinite(x) else None for x in limits)
    there = np.isfinite(values)
    return Reading(name, unit, values[there], clean[there], lower, upper, varies)


def _batches(result: Result, address: Index, lot: Index) -> tuple[Index, str]:
    """Number of each cell's batch, and what a batch is: a roll, else a lot, else cells in a row; at least 50 cells."""
    line = result.plans.line
    if line.roll_cells >= FEWEST_IN_BATCH:
        place = address[:, 0] % line.blocks_per_lot * line.slots_per_block + address[:, 1]
        key = address[:, 0] // line.blocks_per_lot * 2**32 + place // line.roll_cells
        return _numbered(key), f"roll of {line.roll_cells:,} places"
    if line.lot_cells >= FEWEST_IN_BATCH:
        return _numbered(lot), f"supplier lot of {line.lot_cells:,} places"
    return np.arange(len(lot)) // (4 * FEWEST_IN_BATCH), f"{4 * FEWEST_IN_BATCH} cells in a row"


def _numbered(key: Index) -> Index:
    return np.asarray(np.unique(key, return_inverse=True)[1], np.int64)

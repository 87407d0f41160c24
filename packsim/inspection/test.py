"""The end-of-line test of as-built cells: true values by running them, then readings and the decision."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from packsim.cell.cells import Cells
from packsim.cell.traits import INDEX
from packsim.inspection import kernels as k
from packsim.inspection.k_value import k_limits, k_parts, robust_limit
from packsim.inspection.measured import Cause, Measured, TrueValues
from packsim.inspection.plan import PROBES, InspectionPlan
from packsim.inspection.read import read
from packsim.numerics.streams import seed_key
from packsim.numerics.threads import in_parallel

__all__ = ["Cause", "Measured", "TrueValues", "k_limits", "k_parts", "read", "robust_limit", "test", "true_values"]

Array = npt.NDArray[np.float64]
FINER = 8  # steps of dry cells in each common step


def test(
    plan: InspectionPlan,
    cells: Cells,
    seed: int,
    k_limit_mv_per_day: Array | float | None = None,  # noqa: PT028
) -> Measured:
    """Test every cell: run it, read it, decide. A pure function of the cell, its address, the seed and its K-value limit.

    Args:
        k_limit_mv_per_day: as in `read`.
    """
    return read(plan, cells, true_values(plan, cells, seed), seed, k_limit_mv_per_day)


def _again(true: Array, window: Array, plan: InspectionPlan, cells: Cells, key: tuple[np.uint32, np.uint32]) -> None:
    """Test cells again that are drier than any on which the bench's steps were tried, with finer ones.

    Electrolyte that runs dry ends a fast test early, at a knee that common steps miss by up to a per cent (2C, fill 0.75).
    """
    if plan.design.is_table:
        return
    fill = INDEX["electrolyte_fill_ratio"]
    driest = min(probe[2] for probe in PROBES) * plan.bench.nominal[fill, 0]
    dry = np.flatnonzero(cells.values[fill] < driest)
    if not dry.size:
        return
    ends = np.concatenate([[0.0], plan.bench.shares])
    parts = np.arange(1, FINER + 1) / FINER
    finer = plan.bench._replace(shares=(ends[:-1, None] + np.diff(ends)[:, None] * parts).ravel())
    values, address = np.ascontiguousarray(cells.values[:, dry]), np.ascontiguousarray(cells.address[dry])
    own, own_window = np.empty((k.N_TRUE, dry.size)), np.empty((5, dry.size))

    def rows(first: int, last: int) -> None:
        k.test_cells(own, own_window, values, address, plan.design, finer, *key, first, last)

    in_parallel(rows, dry.size, k.CHUNK)
    true[:, dry], window[:, dry] = own, own_window


def true_values(plan: InspectionPlan, cells: Cells, seed: int, finer: bool = True) -> TrueValues:
    """Run every cell through the tests; the charge put in for storage has the error of its channel.

    Args:
        finer: test cells that run dry in finer steps; without it their capacity is up to a per cent off.
    """
    true, window = np.empty((k.N_TRUE, len(cells))), np.empty((5, len(cells)))
    key = seed_key(seed)

    def rows(first: int, last: int) -> None:
        k.test_cells(true, window, cells.values, cells.address, plan.design, plan.bench, *key, first, last)

    in_parallel(rows, len(cells), k.CHUNK)
    if finer:
        _again(true, window, plan, cells, key)
    return TrueValues(true[k.CAPACITY], 1e3 * true[k.DCIR], true[k.OCV_FIRST], true[k.OCV_SECOND], true[k.SOC], window)

"""The end-of-line test of as-built cells: true values, readings, decision and its cause."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from packsim.cell.cells import Cells
from packsim.inspection import kernels as k
from packsim.inspection.plan import InspectionPlan
from packsim.numerics.purposes import GAUGE
from packsim.numerics.streams import seed_key
from packsim.numerics.threads import in_parallel
from packsim.scenario.sentences import SentenceEnum

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
ROBUST = 1.4826  # standard deviation of a normal over its median absolute deviation


class Cause(SentenceEnum):
    """Why a cell was rejected: the first limit that its readings missed, in this order."""

    NONE = 0, "passed every test"
    CAPACITY_LOW = 1, "capacity below its lower limit"
    CAPACITY_HIGH = 2, "capacity above its upper limit"
    DCIR_LOW = 3, "resistance (DCIR) below its lower limit"
    DCIR_HIGH = 4, "resistance (DCIR) above its upper limit"
    OCV_LOW = 5, "open-circuit voltage below its lower limit"
    OCV_HIGH = 6, "open-circuit voltage above its upper limit"
    K_VALUE = 7, "self-discharge (K-value) above its limit"
    NO_WINDOW = 8, "no usable voltage window: the cell cannot be cycled between its cut-offs"


@dataclass(frozen=True)
class Measured:
    """n tested cells; `true_*` are the values themselves, the others what the gauge read.

    A K-value reading is `true_k_value_mv_per_day` (the leak's part) plus the meter's part. `true_soc` is the state of
    charge (0..1 of the cell's own window) when packs are assembled. `window` [5, n] is x0, x100, y0, y100, capacity_ah.
    `truly_good`: no defect and every true value within limits; so rejected and truly good is a false reject, accepted
    and not truly good an escape. Values are nan where the cell has no window.
    """

    true_capacity_ah: Array
    capacity_ah: Array
    true_dcir_mohm: Array
    dcir_mohm: Array
    true_ocv_v: Array
    ocv_v: Array
    true_k_value_mv_per_day: Array
    k_value_mv_per_day: Array
    k_limit_mv_per_day: Array
    true_soc: Array
    window: Array
    accepted: Flags
    cause: npt.NDArray[np.uint8]
    truly_good: Flags

    def __len__(self) -> int:
        return int(self.cause.size)

    def take(self, index: npt.NDArray[np.int64]) -> Measured:
        """The cells at `index`, in that order."""
        return Measured(*(getattr(self, field.name)[..., index] for field in fields(self)))


@dataclass(frozen=True)
class TrueValues:
    """What n cells really are: results of running them, nan where a cell has no window.

    `ocv_first_v` and `ocv_second_v` before and after the rest, `soc` 0..1 after it; `window` [5, n] as in `Measured`.
    """

    capacity_ah: Array
    dcir_mohm: Array
    ocv_first_v: Array
    ocv_second_v: Array
    soc: Array
    window: Array


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


def true_values(plan: InspectionPlan, cells: Cells, seed: int) -> TrueValues:
    """Run every cell through the tests; the charge put in for storage has the error of its channel."""
    true, window = np.empty((k.N_TRUE, len(cells))), np.empty((5, len(cells)))
    key = seed_key(seed)

    def rows(first: int, last: int) -> None:
        k.test_cells(true, window, cells.values, cells.address, plan.design, plan.bench, *key, first, last)

    in_parallel(rows, len(cells), k.CHUNK)
    return TrueValues(true[k.CAPACITY], 1e3 * true[k.DCIR], true[k.OCV_FIRST], true[k.OCV_SECOND], true[k.SOC], window)


def read(
    plan: InspectionPlan,
    cells: Cells,
    true: TrueValues,
    seed: int,
    k_limit_mv_per_day: Array | float | None = None,
) -> Measured:
    """What the gauges read on cells whose true values are known, and the decision.

    Args:
        k_limit_mv_per_day: limit of each cell; default: the absolute one, or for a limit relative to the lot the one
            from the candidate-0 cells of the same lot and block among `cells` (so `cells` must hold them all).
    """
    gauge = gauge_errors(cells.address, seed)
    capacity, dcir, second = true.capacity_ah, true.dcir_mohm, true.ocv_second_v
    leak = 1e3 / plan.rest_days * (true.ocv_first_v - second)
    measured_capacity = capacity + plan.capacity_sd_ah * gauge[0]
    measured_dcir = dcir + plan.dcir_sd_mohm * gauge[1]
    measured_ocv = second + plan.meter_sd_v * gauge[3]
    measured_k = leak + 1e3 / plan.rest_days * plan.meter_sd_v * (gauge[2] - gauge[3])
    if k_limit_mv_per_day is None:
        k_limit_mv_per_day = k_limits(plan, cells, measured_k)
    limit = np.broadcast_to(np.asarray(k_limit_mv_per_day, np.float64), capacity.shape)
    cause = _cause(plan, measured_capacity, measured_dcir, measured_ocv, measured_k, limit)
    inside = _cause(plan, capacity, dcir, second, leak, limit) == Cause.NONE
    return Measured(
        true_capacity_ah=capacity,
        capacity_ah=measured_capacity,
        true_dcir_mohm=dcir,
        dcir_mohm=measured_dcir,
        true_ocv_v=second,
        ocv_v=measured_ocv,
        true_k_value_mv_per_day=leak,
        k_value_mv_per_day=measured_k,
        k_limit_mv_per_day=limit,
        true_soc=true.soc,
        window=true.window,
        accepted=cause == Cause.NONE,
        cause=cause,
        truly_good=inside & (cells.defect == 0),
    )


def gauge_errors(address: npt.NDArray[np.int64], seed: int) -> Array:
    """Standard normals [4, n] of each address: capacity, DCIR, first and second OCV reading."""
    errors, key = np.empty((4, len(address))), seed_key(seed)

    def rows(first: int, last: int) -> None:
        k.draw_normals(errors, address, GAUGE, *key, first, last)

    in_parallel(rows, len(address), k.CHUNK)
    return errors


def k_limits(plan: InspectionPlan, cells: Cells, k_value_mv_per_day: Array) -> Array:
    """Limit of each cell [n]: absolute, or median + k robust sigmas of its lot's first candidates in its block."""
    limit = np.full(len(cells), plan.k_mv_per_day)
    if not math.isfinite(plan.k_robust_sigmas) or not len(cells):
        return limit
    _, place = np.unique((cells.address[:, 0] << 32) | cells.lot, return_inverse=True)
    order = np.argsort(place, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(place[order])) + 1):
        values = k_value_mv_per_day[rows[cells.address[rows, 2] == 0]]
        values = values[np.isfinite(values)]
        limit[rows] = robust_limit(values, plan.k_robust_sigmas) if values.size else math.inf
    return limit


def robust_limit(values: Array, sigmas: float) -> float:
    """Median plus `sigmas` robust standard deviations (1.4826 x median absolute deviation)."""
    middle = float(np.median(values))
    return middle + sigmas * ROBUST * float(np.median(np.abs(values - middle)))


def _cause(
    plan: InspectionPlan, capacity: Array, dcir: Array, ocv: Array, k_value: Array, k_limit: Array
) -> npt.NDArray[np.uint8]:
    """The first limit that is missed, by order of the tests."""
    cause = np.zeros(capacity.size, np.uint8)
    cause[k_value > k_limit] = Cause.K_VALUE
    for values, (low, high), below, above in (
        (ocv, plan.ocv_v, Cause.OCV_LOW, Cause.OCV_HIGH),
        (dcir, plan.dcir_mohm, Cause.DCIR_LOW, Cause.DCIR_HIGH),
        (capacity, plan.capacity_ah, Cause.CAPACITY_LOW, Cause.CAPACITY_HIGH),
    ):
        cause[values > high] = above
        cause[values < low] = below
    cause[np.isnan(capacity)] = Cause.NO_WINDOW
    return cause

"""What the gauges read on cells whose true values are known, retests, and the decision."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from packsim.cell.cells import Cells
from packsim.inspection.bins import Limits
from packsim.inspection.gauge import CAPACITY, DCIR, SECOND, Errors, errors, repeat_normals
from packsim.inspection.k_value import k_limits, leak_limit, parts_of
from packsim.inspection.measured import Cause, Counts, Flags, Measured, TrueValues
from packsim.inspection.overhang import overhang_v
from packsim.inspection.plan import InspectionPlan, Repeats

Array = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]
Again = Callable[[int, Rows], Array]  # repetition, rows -> readings


def read(
    plan: InspectionPlan,
    cells: Cells,
    true: TrueValues,
    seed: int,
    k_limit_mv_per_day: Array | float | None = None,
) -> Measured:
    """What the gauges read on cells whose true values are known, and the decision.

    A reading that misses a limit is repeated as the plan says. A repetition follows at once on the same channel, so only
    repeatability is new; of the K-value only the second reading is repeated, its first one is days old.

    Args:
        k_limit_mv_per_day: limit of each cell's reading; default: the absolute one, or for a limit relative to the lot
            the one from the candidate-0 cells of the same lot and block among `cells` (so `cells` must hold them all).
    """
    error, gauge, address = errors(plan.gauge, cells.address, seed), plan.gauge, cells.address
    parts = parts_of(plan, cells, true, error, seed)
    k_value = parts.leak + parts.meter
    if plan.disturbed:
        k_value = k_value + parts.relaxation + parts.temperature
    if k_limit_mv_per_day is None:
        k_limit_mv_per_day = k_limits(plan, cells, k_value)
    limit = np.broadcast_to(np.asarray(k_limit_mv_per_day, np.float64), true.capacity_ah.shape)

    def again(row: int, before: Array, sd: float) -> Again:
        """Readings that differ from the one `before` in their repeatability alone; `row`: normal of the repetition."""
        return lambda repetition, rows: before[rows] + sd * repeat_normals(address[rows], seed, repetition)[row]

    still = {row: _held(error, row, value) for row, value in _values(plan, cells, true, seed).items()}
    sd = gauge.repeat
    capacity, capacity_tests = _repeated(
        _first(still[CAPACITY], sd[0], error.normals[CAPACITY]),
        plan.capacity_ah,
        plan.capacity_repeats,
        again(0, still[CAPACITY], sd[0]),
    )
    dcir, dcir_tests = _repeated(
        _first(still[DCIR], sd[1], error.normals[DCIR]), plan.dcir_mohm, plan.dcir_repeats, again(1, still[DCIR], sd[1])
    )
    ocv, ocv_tests = _repeated(
        _first(still[SECOND], sd[2], error.normals[SECOND]),
        plan.ocv_v,
        plan.ocv_repeats,
        again(3, still[SECOND], sd[2]),
    )
    per_day = 1e3 / plan.rest_days
    k_still = k_value + per_day * sd[2] * error.normals[SECOND]  # with the first reading's error, without the second's
    k_value, k_tests = _repeated(k_value, (-np.inf, limit), plan.k_repeats, again(2, k_still, -per_day * sd[2]))
    cause = causes((plan.capacity_ah, plan.dcir_mohm, plan.ocv_v), capacity, dcir, ocv, k_value, limit)
    leak = leak_limit(plan, limit)
    spec = (plan.capacity_spec_ah, plan.dcir_spec_mohm, plan.ocv_spec_v)
    inside = causes(spec, true.capacity_ah, true.dcir_mohm, true.ocv_second_v, parts.leak, leak) == Cause.NONE
    return Measured(
        true_capacity_ah=true.capacity_ah,
        capacity_ah=capacity,
        true_dcir_mohm=true.dcir_mohm,
        dcir_mohm=dcir,
        true_ocv_v=true.ocv_second_v,
        ocv_v=ocv,
        true_k_value_mv_per_day=parts.leak,
        k_value_mv_per_day=k_value,
        k_limit_mv_per_day=limit,
        true_soc=true.soc,
        window=true.window,
        accepted=cause == Cause.NONE,
        cause=cause,
        truly_good=inside & (cells.defect == 0),
        capacity_tests=capacity_tests,
        dcir_tests=dcir_tests,
        ocv_tests=ocv_tests,
        k_tests=k_tests,
    )


def _values(plan: InspectionPlan, cells: Cells, true: TrueValues, seed: int) -> dict[int, Array]:
    """What there is to read, by row of the errors; the OCV deviates by the overhang's deviation from its mean."""
    ocv = true.ocv_second_v
    if plan.relaxation.sd_v > 0.0:
        fall = overhang_v(plan.relaxation, cells.address, seed)
        assert fall is not None
        ocv = ocv - plan.relaxation.second_share * (fall - plan.relaxation.mean_v)
    return {CAPACITY: true.capacity_ah, DCIR: true.dcir_mohm, SECOND: ocv}


def _held(error: Errors, row: int, value: Array) -> Array:
    """The value with everything that a repetition at once has in common with the first reading."""
    for part in (error.bias, error.temperature):
        if part is not None:
            value = value + part[row]
    return value


def _first(held: Array, sd: float, normals: Array) -> Array:
    reading: Array = held + sd * normals
    return reading


def _repeated(
    first: Array, limits: Limits | tuple[float, Array], repeats: Repeats, again: Again
) -> tuple[Array, Counts]:
    """The reading that decides and the number of readings [n], where readings outside the limits are repeated."""
    tests = np.ones(first.size, np.int8)
    if not repeats.times:
        return first, tests
    low, high = (np.broadcast_to(np.asarray(limit, np.float64), first.shape) for limit in limits)

    def misses(values: Array, rows: Rows) -> Flags:
        return (values < low[rows]) | (values > high[rows])

    reading, total = first.copy(), first.copy()
    rows = np.flatnonzero(misses(first, np.arange(first.size)))
    for repetition in range(repeats.times):
        new = again(repetition, rows)
        tests[rows] += 1
        total[rows] += new
        reading[rows] = total[rows] / tests[rows] if repeats.decide == "mean" else new
        if repeats.decide == "any":
            rows = rows[misses(new, rows)]
    return reading, tests


def causes(
    limits: tuple[Limits, Limits, Limits], capacity: Array, dcir: Array, ocv: Array, k_value: Array, k_limit: Array
) -> npt.NDArray[np.uint8]:
    """The first limit that is missed, by order of the tests; `limits` of capacity (Ah), DCIR (mohm) and OCV (V)."""
    cause = np.zeros(capacity.size, np.uint8)
    cause[k_value > k_limit] = Cause.K_VALUE
    for values, (low, high), below, above in (
        (ocv, limits[2], Cause.OCV_LOW, Cause.OCV_HIGH),
        (dcir, limits[1], Cause.DCIR_LOW, Cause.DCIR_HIGH),
        (capacity, limits[0], Cause.CAPACITY_LOW, Cause.CAPACITY_HIGH),
    ):
        cause[values > high] = above
        cause[values < low] = below
    cause[np.isnan(capacity)] = Cause.NO_WINDOW
    return cause

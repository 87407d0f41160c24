"""The K-value test: its limit, what a reading is made of, and what a limit lets pass."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from packsim.cell.cells import Cells
from packsim.inspection import kernels as k
from packsim.inspection.gauge import FIRST, SECOND, Errors, errors
from packsim.inspection.measured import TrueValues
from packsim.inspection.overhang import overhang_v
from packsim.inspection.plan import InspectionPlan, exact_values

Array = npt.NDArray[np.float64]
ROBUST = 1.4826  # standard deviation of a normal over its median absolute deviation
SLOPE_STEP = 0.005  # of the nominal cell's capacity, to both sides
DAYS_PER_YEAR = 365.25


class KParts(NamedTuple):
    """What n first K-value readings are made of (mV/day); their sum is the reading."""

    leak: Array
    relaxation: Array
    temperature: Array
    meter: Array

    @property
    def reading(self) -> Array:
        """The reading itself."""
        total: Array = self.leak + self.relaxation + self.temperature + self.meter
        return total


class Drift(NamedTuple):
    """What a leak at a K-value limit does in a year at storage SOC, and what balancing must draw to hold it."""

    soc_pct_per_year: float
    balancing_ma: float


def k_parts(plan: InspectionPlan, cells: Cells, true: TrueValues, seed: int) -> KParts:
    """The parts of each cell's first K-value reading [n], before any retest."""
    return parts_of(plan, cells, true, errors(plan.gauge, cells.address, seed), seed)


def parts_of(plan: InspectionPlan, cells: Cells, true: TrueValues, error: Errors, seed: int) -> KParts:
    """As `k_parts`, with errors that are drawn already."""
    per_day = 1e3 / plan.rest_days
    leak = per_day * (true.ocv_first_v - true.ocv_second_v)
    meter = per_day * plan.gauge.repeat[2] * (error.normals[FIRST] - error.normals[SECOND])
    if error.bias is not None:
        meter = meter + per_day * (error.bias[FIRST] - error.bias[SECOND])
    nothing = np.zeros(len(cells))
    temperature = nothing
    if error.temperature is not None:
        temperature = per_day * (error.temperature[FIRST] - error.temperature[SECOND])
    fall = overhang_v(plan.relaxation, cells.address, seed)
    gained = plan.relaxation.second_share - plan.relaxation.first_share
    return KParts(leak, nothing if fall is None else per_day * gained * fall, temperature, meter)


def k_limits(plan: InspectionPlan, cells: Cells, k_value_mv_per_day: Array) -> Array:
    """Limit of each cell [n]: absolute, or median + k robust sigmas of its lot's first candidates in its block.

    A lot with fewer than `plan.k_pool_cells` of them takes the limit of all first candidates of its block: the MAD of a
    few cells is often far too small, so good cells would be rejected (docs/inspection.md).
    """
    limit = np.full(len(cells), plan.k_mv_per_day)
    if not math.isfinite(plan.k_robust_sigmas) or not len(cells):
        return limit
    first = (cells.address[:, 2] == 0) & np.isfinite(k_value_mv_per_day)
    _, place = np.unique((cells.address[:, 0] << 32) | cells.lot, return_inverse=True)
    order = np.argsort(place, kind="stable")
    pooled: dict[int, float] = {}
    for rows in np.split(order, np.flatnonzero(np.diff(place[order])) + 1):
        values = k_value_mv_per_day[rows[first[rows]]]
        if values.size >= plan.k_pool_cells:
            limit[rows] = robust_limit(values, plan.k_robust_sigmas)
            continue
        block = int(cells.address[rows[0], 0])
        if block not in pooled:
            values = k_value_mv_per_day[first & (cells.address[:, 0] == block)]
            pooled[block] = robust_limit(values, plan.k_robust_sigmas) if values.size else math.inf
        limit[rows] = pooled[block]
    return limit


def robust_limit(values: Array, sigmas: float) -> float:
    """Median plus `sigmas` robust standard deviations (1.4826 x median absolute deviation)."""
    middle = float(np.median(values))
    return middle + sigmas * ROBUST * float(np.median(np.abs(values - middle)))


def leak_limit(plan: InspectionPlan, k_limit_mv_per_day: Array) -> Array:
    """What the leak's part of K may be where readings are held to `k_limit_mv_per_day`: guard and relaxation aside."""
    limit: Array = k_limit_mv_per_day + plan.k_guard_mv_per_day - plan.k_shift_mv_per_day
    return limit


def ocv_slope_mv_per_pct(plan: InspectionPlan) -> float:
    """dOCV/dSOC of the nominal cell at storage SOC, mV per percent of its usable capacity."""
    bench, step = plan.bench, SLOPE_STEP * plan.nominal_capacity_ah
    values = [
        exact_values(plan.design, bench._replace(storage_ah=bench.storage_ah + sign * step), bench.nominal)[
            k.OCV_FIRST, 0
        ]
        for sign in (1.0, -1.0)
    ]
    return 1e3 * float(values[0] - values[1]) / (200.0 * step / float(bench.window[4]))


def soc_drift(plan: InspectionPlan, k_limit_mv_per_day: float) -> Drift:
    """Drift that a leak right at a limit causes, for the nominal cell at storage SOC; nan where its OCV is flat.

    The balancing current is the leak itself: what the group's neighbours must be bled by so that all stay level.
    """
    slope = ocv_slope_mv_per_pct(plan)
    if slope <= 0.0:
        return Drift(math.nan, math.nan)
    pct_per_day = k_limit_mv_per_day / slope
    return Drift(DAYS_PER_YEAR * pct_per_day, 1e3 * float(plan.bench.window[4]) * pct_per_day / 100.0 / 24.0)

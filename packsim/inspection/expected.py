"""Expected reject rates of a line with lots integrated out: what calibration aims at.

A run's own rate scatters with its few lots. Here every cell comes from a lot of its own, cells without and with defects
are sampled apart and weighted by their exact probabilities, and the share of clean rejects is corrected by what a
linear model of the readings, whose rate is known in closed form, got wrong on the same cells (control variates).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from packsim.cell.cells import Cells
from packsim.cell.traits import TRAITS
from packsim.inspection.plan import InspectionPlan
from packsim.inspection.test import Measured, k_limits, test
from packsim.line.build import build
from packsim.line.defects import DEFECTS
from packsim.line.plan import LinePlan

Array = npt.NDArray[np.float64]
BATCH = 1 << 16
STEP = 0.01  # of the slopes' finite differences, in units of the nominal value
CLEAR_OF_ZERO = 6.0  # sigma: a normal trait nearer to zero is cut there, so no longer normal


class Rate(NamedTuple):
    """A share and its standard error."""

    value: float
    error: float


class LotLimits(NamedTuple):
    """K-value limits of `lots` (relative to the lot), and the share of clean cells that only this limit rejects."""

    lots: npt.NDArray[np.int64]
    limit_mv_per_day: Array
    alone: Rate


def lot_addresses(plan: LinePlan, lots: npt.NDArray[np.int64], place: int = 0) -> npt.NDArray[np.int64]:
    """Address int64[n, 3] of cell number `place` of each lot (running numbers)."""
    in_span = -(-plan.blocks_per_lot * plan.slots_per_block // plan.lot_cells)
    position = lots % in_span * plan.lot_cells + place
    out = np.zeros((lots.size, 3), np.int64)
    out[:, 0] = lots // in_span * plan.blocks_per_lot + position // plan.slots_per_block
    out[:, 1] = position % plan.slots_per_block
    return out


def with_defects(plan: LinePlan, defects: tuple[int, ...]) -> LinePlan:
    """The same line, whose every cell has exactly these defects (numbers in DEFECTS)."""
    probability = np.zeros(len(DEFECTS))
    probability[list(defects)] = 1.0
    return plan._replace(probability=probability)


def masks(plan: LinePlan) -> Iterator[tuple[tuple[int, ...], float]]:
    """Every combination of defects that can happen, with its probability; () is the clean cell."""
    kinds = [k for k in range(len(DEFECTS)) if plan.probability[k] > 0.0]
    for count in range(len(kinds) + 1):
        for chosen in itertools.combinations(kinds, count):
            yield (
                chosen,
                float(math.prod(plan.probability[k] if k in chosen else 1.0 - plan.probability[k] for k in kinds)),
            )


def clean_rejects(line: LinePlan, inspection: InspectionPlan, slopes: Array, seed: int, cells: int) -> Rate:
    """Share of cells without a defect that miss an absolute limit, from `cells` lots of one cell each.

    `slopes` [capacity, DCIR, OCV; trait] of `reading_slopes` make the control variates.
    """
    clean = with_defects(line, ())
    rejected, far = [], []
    for lots in _batches(cells):
        built = build(clean, seed, lot_addresses(line, lots))
        measured = test(inspection, built, seed, inspection.k_mv_per_day)
        rejected.append(~measured.accepted)
        far.append(_linear_readings(line, inspection, slopes, built, measured))
    return _controlled(
        np.concatenate(rejected), np.concatenate(far, axis=1), _limits(inspection), _sigmas(line, inspection, slopes)
    )


def defect_rejects(
    line: LinePlan, inspection: InspectionPlan, defects: tuple[int, ...], seed: int, cells: int, lots: LotLimits | None
) -> Rate:
    """Share rejected of cells with exactly these defects; lots of one cell each, or of `lots` with their limits."""
    forced = with_defects(line, defects)
    rejected = []
    for batch in _batches(cells):
        if lots is None:
            address, limit = lot_addresses(line, batch), np.float64(inspection.k_mv_per_day)
        else:
            row = batch % lots.lots.size
            turn = batch // lots.lots.size
            address = np.concatenate([lot_addresses(line, lots.lots[row[turn == t]], int(t)) for t in np.unique(turn)])
            limit = lots.limit_mv_per_day[np.concatenate([row[turn == t] for t in np.unique(turn)])]
        rejected.append(~test(inspection, build(forced, seed, address), seed, limit).accepted)
    share = float(np.concatenate(rejected).mean())
    return Rate(share, math.sqrt(max(share * (1.0 - share), 1.0 / cells) / cells))


def lot_limits(line: LinePlan, inspection: InspectionPlan, seed: int, cells: int, per_lot: int) -> LotLimits:
    """K-value limits relative to the lot, from `per_lot` cells (or the lot's cells in a block) of each of many lots."""
    in_block = min(line.lot_cells, line.slots_per_block)
    count = min(per_lot, in_block)
    lots = np.arange(max(cells // count, 8), dtype=np.int64)
    places = np.arange(count) * in_block // count
    limits, alone = np.empty(lots.size), np.empty(lots.size)
    per_batch = max(BATCH // count, 1)
    for first in range(0, lots.size, per_batch):
        some = lots[first : first + per_batch]
        address = np.concatenate([lot_addresses(line, some, int(place)) for place in places])
        built = build(line, seed, address)
        measured = test(inspection, built, seed, math.inf)
        limit = k_limits(inspection, built, measured.k_value_mv_per_day)
        only = measured.accepted & (measured.k_value_mv_per_day > limit) & (built.defect == 0)
        clean = (built.defect == 0).reshape(count, -1).sum(axis=0)
        alone[first : first + some.size] = only.reshape(count, -1).sum(axis=0) / np.maximum(clean, 1)
        limits[first : first + some.size] = limit[: some.size]
    error = float(alone.std(ddof=1)) / math.sqrt(lots.size)
    return LotLimits(lots, limits, Rate(float(alone.mean()), error))


def reading_slopes(line: LinePlan, inspection: InspectionPlan) -> Array:
    """Change of capacity (Ah), DCIR (mohm) and OCV (V) per unit of each trait, [3, trait], at the line's mean cell."""
    step = np.array(
        [STEP if trait.unit == "1" else STEP * max(mean, 1.0) for trait, mean in zip(TRAITS, line.mean, strict=True)]
    )
    values = np.concatenate([line.mean[:, None] + np.diag(step), line.mean[:, None] - np.diag(step)], axis=1)
    n = values.shape[1]
    probes = Cells(np.zeros((n, 3), np.int64), np.zeros(n, np.int32), values, np.zeros(n, np.uint16))
    exact = inspection._replace(bench=inspection.bench._replace(charge_sd_ah=0.0))
    measured = test(exact, probes, 0, math.inf)
    out = np.stack([measured.true_capacity_ah, measured.true_dcir_mohm, measured.true_ocv_v])
    slopes: Array = np.nan_to_num((out[:, : len(TRAITS)] - out[:, len(TRAITS) :]) / (2.0 * step))
    return slopes


def _batches(cells: int) -> Iterator[npt.NDArray[np.int64]]:
    for first in range(0, cells, BATCH):
        yield np.arange(first, min(first + BATCH, cells), dtype=np.int64)


def _normal_sd(line: LinePlan) -> Array:
    """Overall sd of each trait that is exactly normal, 0 for the others."""
    sd = np.sqrt(line.sd_lot**2 + line.sd_roll**2 + line.sd_within**2)
    return np.where(line.lognormal | (line.mean < CLEAR_OF_ZERO * sd), 0.0, sd)


def _linear_readings(
    line: LinePlan, inspection: InspectionPlan, slopes: Array, built: Cells, measured: Measured
) -> Array:
    """Readings [3, n] of a linear model with the same gauge errors, off its own mean."""
    moved = np.where(_normal_sd(line)[:, None] > 0.0, built.values - line.mean[:, None], 0.0)
    gauge = np.stack(
        [
            measured.capacity_ah - measured.true_capacity_ah,
            measured.dcir_mohm - measured.true_dcir_mohm,
            measured.ocv_v - measured.true_ocv_v,
        ]
    )
    out: Array = np.einsum("rt,tn->rn", slopes, moved) + np.nan_to_num(gauge)
    return out


def _sigmas(line: LinePlan, inspection: InspectionPlan, slopes: Array) -> Array:
    gauge = np.array([inspection.capacity_sd_ah, inspection.dcir_sd_mohm, inspection.meter_sd_v])
    sigmas: Array = np.sqrt(((slopes * _normal_sd(line)) ** 2).sum(axis=1) + gauge**2)
    return sigmas


def _limits(inspection: InspectionPlan) -> Array:
    """Limits [3, 2] of capacity, DCIR and OCV off the nominal cell."""
    nominal = np.array([inspection.nominal_capacity_ah, inspection.nominal_dcir_mohm, inspection.nominal_ocv_v])
    limits: Array = np.array([inspection.capacity_ah, inspection.dcir_mohm, inspection.ocv_v]) - nominal[:, None]
    return limits


def _controlled(rejected: npt.NDArray[np.bool_], linear: Array, limits: Array, sigmas: Array) -> Rate:
    """Mean of `rejected` with each finite limit of the linear readings as a control variate."""
    hits, known = [], []
    for row in range(3):
        for limit, sign in ((limits[row, 0], -1.0), (limits[row, 1], 1.0)):
            if math.isfinite(limit) and sigmas[row] > 0.0:
                hits.append(sign * (linear[row] - limit) > 0.0)
                known.append(0.5 * math.erfc(sign * limit / sigmas[row] / math.sqrt(2.0)))
    y = rejected.astype(float)
    n = y.size
    if not hits:
        return Rate(float(y.mean()), math.sqrt(max(float(y.var()), 1.0 / n) / n))
    c = np.stack(hits).astype(float) - np.array(known)[:, None]
    centred = c - c.mean(axis=1, keepdims=True)
    weights = np.linalg.lstsq(centred @ centred.T, centred @ (y - y.mean()), rcond=None)[0]
    left = y - weights @ c
    return Rate(float(left.mean()), math.sqrt(max(float(left.var()), 1.0 / n) / n))

"""Expected reject rates of a line with lots integrated out: what calibration aims at.

A run's own rate scatters with its few lots. Here every cell comes from a lot of its own, and cells without and with
defects are sampled apart and weighted by their exact probabilities. A slot is tried until a cell passes, so a bad roll
starts more cells: each sampled cell counts as often as its roll would start one. A linear model of the readings gives
those weights; its own reject rate is an integral over rolls, so only the difference from the real test is sampled.
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
from packsim.line.variation.kernels import NORMAL

Array = npt.NDArray[np.float64]
Addresses = npt.NDArray[np.int64]
BATCH = 1 << 16
STEP = 0.01  # of the slopes' finite differences, in units of the nominal value
CENTRE_CELLS = 4096
GRID_REACH, GRID_POINTS = 6.5, 41  # of rolls' readings, sigma
CLEAR_OF_ZERO = 6.0  # sigma: a normal trait nearer to zero is cut there, so no longer normal
MOST_REJECTED = 0.98  # of a roll's starts, in the weights


class Rate(NamedTuple):
    """A share and its standard error."""

    value: float
    error: float


class Linear(NamedTuple):
    """The limited readings (r of capacity Ah, DCIR mohm, OCV V) as linear functions of the normal traits."""

    rows: tuple[int, ...]  # which readings
    slopes: Array  # [r, trait]
    intercept: Array  # [r]
    limits: Array  # [r, 2]
    within: Array  # [r] sd within a roll, gauge included
    of_rolls: Array  # [node, r] readings of rolls on a grid that covers their distribution
    weights: Array  # [node] probabilities


class LotLimits(NamedTuple):
    """K-value limits of `lots` (relative to the lot), and the share of clean cells that only this limit rejects."""

    lots: Addresses
    limit_mv_per_day: Array
    alone: Rate


def lot_addresses(plan: LinePlan, lots: Addresses, place: Addresses | int = 0) -> Addresses:
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
    """Every combination of defects that can happen, with its probability; () is the clean cell and comes first."""
    share = {k: float(p) for k, p in enumerate(plan.probability) if p > 0.0}
    for count in range(len(share) + 1):
        for chosen in itertools.combinations(share, count):
            yield chosen, math.prod(p if k in chosen else 1.0 - p for k, p in share.items())


def clean_rejects(line: LinePlan, inspection: InspectionPlan, linear: Linear, seed: int, cells: int) -> Rate:
    """Share of starts without a defect that miss an absolute limit, from `cells` lots of one cell each."""
    clean = with_defects(line, ())
    misses = _misses(linear, linear.of_rolls.T)
    starts_there = _starts(linear, linear.of_rolls.T)
    mean_starts = float(starts_there @ linear.weights)
    parts = []
    for lots in _batches(cells):
        built = build(clean, seed, lot_addresses(line, lots))
        measured = test(inspection, built, seed, inspection.k_mv_per_day)
        relative = starts_of_rolls(line, linear, built.address, seed) / mean_starts
        parts.append(relative * (~measured.accepted - _hits(linear, built, measured)))
    left = np.concatenate(parts)
    value = float((starts_there * misses) @ linear.weights) / mean_starts + float(left.mean())
    return Rate(value, math.sqrt(max(float(left.var()), 1.0 / cells) / cells))


def defect_rejects(
    line: LinePlan,
    inspection: InspectionPlan,
    linear: Linear,
    defects: tuple[int, ...],
    seed: int,
    cells: int,
    lots: LotLimits | None,
) -> Rate:
    """Share rejected of starts with exactly these defects; lots of one cell each, or of `lots` with their limits."""
    forced = with_defects(line, defects)
    rejected, weight = [], []
    for batch in _batches(cells):
        if lots is None:
            address, limit = lot_addresses(line, batch), np.full(batch.size, inspection.k_mv_per_day)
        else:
            row = batch % lots.lots.size
            address = lot_addresses(line, lots.lots[row], batch // lots.lots.size)
            limit = lots.limit_mv_per_day[row]
        rejected.append(~test(inspection, build(forced, seed, address), seed, limit).accepted)
        weight.append(starts_of_rolls(line, linear, address, seed))
    y, w = np.concatenate(rejected), np.concatenate(weight)
    share = float((w * y).sum() / w.sum())
    spread = max(float(((w * (y - share)) ** 2).sum()) / w.sum() ** 2, 1.0 / cells**2)
    return Rate(share, math.sqrt(spread))


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
        built = build(line, seed, lot_addresses(line, np.repeat(some, count), np.tile(places, some.size)))
        measured = test(inspection, built, seed, math.inf)
        limit = k_limits(inspection, built, measured.k_value_mv_per_day)
        clean = built.defect == 0
        only = measured.accepted & (measured.k_value_mv_per_day > limit) & clean
        per = only.reshape(-1, count).sum(axis=1) / np.maximum(clean.reshape(-1, count).sum(axis=1), 1)
        alone[first : first + some.size], limits[first : first + some.size] = per, limit[::count]
    error = float(alone.std(ddof=1)) / math.sqrt(lots.size)
    return LotLimits(lots, limits, Rate(float(alone.mean()), error))


def reading_slopes(line: LinePlan, inspection: InspectionPlan) -> Array:
    """Change of capacity (Ah), DCIR (mohm) and OCV (V) per unit of each trait, [3, trait], at the line's mean cell."""
    step = np.array([STEP * (1.0 if t.unit == "1" else max(m, 1.0)) for t, m in zip(TRAITS, line.mean, strict=True)])
    values = np.concatenate([line.mean[:, None] + np.diag(step), line.mean[:, None] - np.diag(step)], axis=1)
    n = values.shape[1]
    probes = Cells.at_the_end(np.zeros((n, 3), np.int64), np.zeros(n, np.int32), values, np.zeros(n, np.uint16))
    exact = inspection._replace(bench=inspection.bench._replace(charge_sd_ah=0.0))
    out = _true_readings(test(exact, probes, 0, math.inf))
    slopes: Array = np.nan_to_num((out[:, : len(TRAITS)] - out[:, len(TRAITS) :]) / (2.0 * step))
    return slopes


def linear_model(line: LinePlan, inspection: InspectionPlan, slopes: Array, seed: int) -> Linear:
    """The linear model of a line: slopes at its mean cell, centred on the mean of some cells."""
    line_sd = [s[: len(TRAITS)] for s in (line.sd_lot, line.sd_roll, line.sd_within)]
    sd = np.sqrt(line_sd[0] ** 2 + line_sd[1] ** 2 + line_sd[2] ** 2)
    normal = (line.form[: len(TRAITS)] == NORMAL) & (line.mean >= CLEAR_OF_ZERO * sd)
    limits = np.array([inspection.capacity_ah, inspection.dcir_mohm, inspection.ocv_v])
    gauge = np.array([inspection.capacity_sd_ah, inspection.dcir_sd_mohm, inspection.meter_sd_v])
    own = np.where(normal, slopes, 0.0)
    within = np.sqrt(((own * line_sd[2]) ** 2).sum(axis=1) + gauge**2)
    rows = np.flatnonzero(np.isfinite(limits).any(axis=1) & (within > 0.0))
    own, within = own[rows], within[rows]
    built = build(with_defects(line, ()), seed, lot_addresses(line, np.arange(CENTRE_CELLS)))
    true = _true_readings(test(inspection, built, seed, math.inf))[rows]
    intercept = np.nanmean(true - _product(own, built.values), axis=1)
    between = np.einsum("rt,st->rs", own * (line_sd[0] ** 2 + line_sd[1] ** 2), own)
    nodes, weights = _grid(between)
    at = intercept + _product(own, line.mean[:, None])[:, 0] + nodes
    return Linear(tuple(rows.tolist()), own, intercept, limits[rows], within, at, weights)


def starts_of_rolls(line: LinePlan, linear: Linear, address: Addresses, seed: int) -> Array:
    """Cells without defects that each address' roll starts on average until one passes [n], by the linear model."""
    middle = build(with_defects(line._replace(sd_within=np.zeros_like(line.location)), ()), seed, address)
    return _starts(linear, linear.intercept[:, None] + _product(linear.slopes, middle.values))


def _starts(linear: Linear, rolls: Array) -> Array:
    """Relative number of starts a slot: one over the chance to pass; defects lower that alike in every roll."""
    mean: Array = 1.0 / (1.0 - np.minimum(_misses(linear, rolls), MOST_REJECTED))
    return mean


def _misses(linear: Linear, rolls: Array) -> Array:
    """Limits that a cell of each roll misses on average [n], from the rolls' mean readings [r, n]."""
    from scipy.special import erfc

    out = np.zeros(rolls.shape[1])
    for row, (low, high) in enumerate(linear.limits):
        scale = 1.0 / (math.sqrt(2.0) * linear.within[row])
        if math.isfinite(low):
            out += 0.5 * erfc((rolls[row] - low) * scale)
        if math.isfinite(high):
            out += 0.5 * erfc((high - rolls[row]) * scale)
    return out


def _hits(linear: Linear, built: Cells, measured: Measured) -> Array:
    """Limits that each cell's linear reading, with the same gauge error, misses [n]."""
    rows = list(linear.rows)
    gauge = np.stack([measured.capacity_ah, measured.dcir_mohm, measured.ocv_v])[rows] - _true_readings(measured)[rows]
    reading = linear.intercept[:, None] + _product(linear.slopes, built.values) + np.nan_to_num(gauge)
    misses = (reading < linear.limits[:, :1]) | (reading > linear.limits[:, 1:])
    count: Array = misses.sum(axis=0).astype(float)
    return count


def _grid(covariance: Array) -> tuple[Array, Array]:
    """Nodes [node, r] and probabilities of a centred normal with this covariance, on an even grid of its axes."""
    variance, axes = np.linalg.eigh(covariance)
    z = np.linspace(-GRID_REACH, GRID_REACH, GRID_POINTS)
    density = np.exp(-0.5 * z * z)
    mesh = np.meshgrid(*([z] * len(variance)), indexing="ij")
    nodes = np.stack([axis.ravel() for axis in mesh], axis=1) if len(variance) else np.zeros((1, 0))
    weights = np.ones(1)
    for _ in variance:
        weights = np.multiply.outer(weights, density / density.sum()).ravel()
    spread: Array = np.einsum("nk,rk->nr", nodes * np.sqrt(np.maximum(variance, 0.0)), axes)
    return spread, weights


def _product(slopes: Array, values: Array) -> Array:
    """slopes [r, trait] times values [trait, n]; not by BLAS, whose bits depend on its threads."""
    product: Array = np.einsum("rt,tn->rn", slopes, values)
    return product


def _batches(cells: int) -> Iterator[Addresses]:
    for first in range(0, cells, BATCH):
        yield np.arange(first, min(first + BATCH, cells), dtype=np.int64)


def _true_readings(m: Measured) -> Array:
    return np.stack([m.true_capacity_ah, m.true_dcir_mohm, m.true_ocv_v])

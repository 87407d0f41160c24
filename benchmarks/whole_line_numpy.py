"""The incumbent of `packsim bench --only sampling`: the whole line with NumPy and SciPy, whole arrays at a time.

Written as one would without packsim, from the same numbers (`LinePlan`): rows of normals from PCG64, lots and rolls by
np.repeat, drift and control by a loop over the segments of all rolls at once, the copula by matrix products, tables by
direct look-up, inspections by masks. For lots and rolls that divide the number of cells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from packsim.cell.traits import TRAITS
from packsim.line.mishaps.kernels import ADD, LARGEST_LOSS
from packsim.line.variation.kernels import KNOTS, LOGNORMAL, NORMAL, REACH, TABLE

if TYPE_CHECKING:
    from packsim.line.plan import LinePlan


def with_numpy(
    plan: LinePlan, cells: int, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Traits [trait, cells], defects [cells], scrapping step [cells] and rejecting steps [cells]."""
    moved = level(plan, cells, generator)
    values = correlated(generator.standard_normal((plan.location.size, cells)), plan.factor_within)
    values *= plan.sd_within[:, None]
    values += moved
    for v in range(len(values)):
        values[v] = shaped(values[v], plan, v)
    defect = np.zeros(cells, np.uint16)
    for k, probability in enumerate(plan.probability):
        defect |= (generator.random(cells) < probability).astype(np.uint16) << np.uint16(k)
    scrapped, rejected = inspected(values, defect, moved, plan, generator)
    for cause, trait, elasticity in zip(plan.effect_variable, plan.effect_trait, plan.elasticity, strict=True):
        values[trait] *= np.maximum(1.0 + elasticity * (values[cause] - 1.0), 0.0)
    for k in range(plan.probability.size):
        hit = np.flatnonzero(defect & (1 << k))
        severity = plan.severity[k] * np.exp(plan.severity_log_sd[k] * generator.standard_normal(hit.size))
        if plan.defect_mode[k] == ADD:
            values[plan.defect_trait[k], hit] += severity
        else:
            values[plan.defect_trait[k], hit] *= 1.0 - np.minimum(severity, LARGEST_LOSS)
    return values[: len(TRAITS)], defect, scrapped, rejected


def correlated(z: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """Rows of z times the factor, only those rows that it mixes."""
    mixed = np.flatnonzero((factor != np.eye(len(factor))).any(axis=0) | (factor != np.eye(len(factor))).any(axis=1))
    if mixed.size:
        z[mixed] = factor[np.ix_(mixed, mixed)] @ z[mixed]
    return z


def level(plan: LinePlan, cells: int, generator: np.random.Generator) -> np.ndarray:
    """Latent values [v, cells] of location, lot, lane, roll, drift, wear and control."""
    lot, roll = plan.lot_cells, plan.roll_cells
    count, lots, rolls = plan.location.size, cells // lot, cells // roll
    of_roll = plan.location[:, None] + np.repeat(
        plan.sd_lot[:, None] * correlated(generator.standard_normal((count, lots)), plan.factor_lot),
        lot // roll,
        axis=1,
    )
    of_roll += plan.sd_roll[:, None] * correlated(generator.standard_normal((count, rolls)), plan.factor_roll)
    out = np.repeat(of_roll, roll, axis=1)
    moving = plan.moves
    length = np.diff(np.append(np.arange(0, roll, plan.segment_cells), roll))
    own = np.empty((moving.size, rolls, length.size))
    p, gain, life = plan.persistence[moving, None], plan.gain[moving, None], plan.tool_life[moving, None]
    sd, wear, target = plan.sd_drift[moving, None], plan.wear[moving, None], plan.target[moving, None]
    begins = np.arange(rolls) * roll
    drift, correction = np.zeros((moving.size, rolls)), np.zeros((moving.size, rolls))
    for s in range(length.size):
        z = sd * generator.standard_normal(drift.shape)
        drift = z if s == 0 else p * drift + np.sqrt(1.0 - p * p) * z
        worn = wear * ((begins + s * plan.segment_cells) % life) / life
        own[:, :, s] = of_roll[moving] + drift + worn + correction
        correction -= gain * (own[:, :, s] - target)
    out[moving] = np.repeat(own, length, axis=2).reshape(moving.size, cells)
    for v in np.flatnonzero(plan.sd_lane > 0.0):
        lane = plan.sd_lane[v] * generator.standard_normal((lots, 1, plan.lanes))
        out[v] += np.tile(lane, (1, lot // plan.lanes, 1)).ravel()
    return out


def shaped(u: np.ndarray, plan: LinePlan, v: int) -> np.ndarray:
    """A variable from its latent values."""
    if plan.form[v] == NORMAL:
        return np.maximum(u, 0.0)
    if plan.form[v] == LOGNORMAL:
        return np.exp(u)
    assert plan.form[v] == TABLE
    table = plan.tables[plan.table[v]]
    at = (np.clip(u, -REACH, REACH) + REACH) * ((KNOTS - 1) / (2.0 * REACH))
    k = np.minimum(at.astype(np.intp), KNOTS - 2)
    return np.maximum(plan.centre[v] + plan.scale[v] * (table[k] + (at - k) * np.diff(table)[k]), 0.0)


def inspected(
    values: np.ndarray, defect: np.ndarray, moved: np.ndarray, plan: LinePlan, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Scrapping step (-1 for none) and rejecting steps of each cell; reworked cells change."""
    line, cells = plan.in_line, defect.size
    scrapped, rejected = np.full(cells, -1, np.int8), np.zeros(cells, np.uint32)
    for j in range(line.alarm.size):
        passed = np.full(cells, 1.0 - line.alarm[j])
        for v in np.flatnonzero(line.limited_at == j):
            passed[(values[v] < line.lower[v]) | (values[v] > line.upper[v])] *= 1.0 - line.found[j]
        for d in np.flatnonzero(line.found_defect[j]):
            passed[(defect & (1 << d)) != 0] *= 1.0 - line.found_defect[j, d]
        found = np.flatnonzero((generator.random(cells) >= passed) & (scrapped < 0))
        rejected[found] |= np.uint32(1 << j)
        good = found[: 0 if not line.rework[j] else None]
        good = good[generator.random(good.size) < line.rework_yield[j]]
        scrapped[np.setdiff1d(found, good, assume_unique=True)] = j
        for v in np.flatnonzero(line.set_at == j):
            u = moved[v, good] + plan.sd_within[v] * generator.standard_normal(good.size)
            values[v, good] = shaped(u, plan, v)
        defect[good] &= ~line.made_here[j]
    return scrapped, rejected

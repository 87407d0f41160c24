"""Whether two samplers make the same line: statistics of lots, compared in standard errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from packsim.cell.traits import TRAITS
from packsim.line.build import build, slot_addresses
from packsim.line.defects import DEFECTS
from packsim.line.plan import LinePlan

Array = npt.NDArray[np.float64]
Sampled = tuple[Array, npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]
Sampler = Callable[[LinePlan, int, np.random.Generator], Sampled]  # traits, defects, scrapping step, rejecting steps
NOTHING = 1e-12  # of a mean: differences below it are rounding


def disagreement(plan: LinePlan, cells: int, other: Sampler) -> float:
    """Largest disagreement of `line.build` and another sampler in standard errors, from the differences between lots.

    Compared are means, variances between and within lots, correlations, and rates of defects, scrap and rejects.
    """
    ours = build(plan, 1, slot_addresses(0, range(cells)))
    means, all_ours = statistics(plan, (ours.values, ours.defect, ours.scrapped, ours.rejected))
    their_means, all_theirs = statistics(plan, other(plan, cells, np.random.default_rng(1)))
    lots = all_ours.shape[1]
    error = np.sqrt((all_ours.var(axis=1, ddof=1) + all_theirs.var(axis=1, ddof=1)) / lots)
    off = np.abs(all_ours.mean(axis=1) - all_theirs.mean(axis=1))
    off /= np.maximum(error, NOTHING * np.maximum(np.abs(all_ours.mean(axis=1)), 1e-3))
    varies = means.std(axis=1) > NOTHING * np.abs(means.mean(axis=1))
    ratio = np.log(means[varies].var(axis=1, ddof=1) / their_means[varies].var(axis=1, ddof=1))
    return float(max(off.max(), np.abs(ratio).max(initial=0.0) / np.sqrt(4.0 / (lots - 1))))


def statistics(plan: LinePlan, sampled: Sampled) -> tuple[Array, Array]:
    """Means of every lot [trait, lot], whose variance counts as well, and all statistics [statistic, lot]."""
    values, defect, scrapped, rejected = sampled
    size, steps, count = plan.lot_cells, plan.in_line.alarm.size, len(TRAITS)
    lots = defect.size // size
    good = ((defect == 0) & (scrapped < 0)).reshape(lots, size)
    of_lots = np.where(good, values.reshape(count, lots, size), np.nan)
    means = np.nanmean(of_lots, axis=2)
    apart = np.nan_to_num(of_lots - means[:, :, None])
    products = np.einsum("alk,blk->abl", apart, apart) / good.sum(axis=1)
    within = np.einsum("aal->al", products)
    pairs = [products[a, b] / np.sqrt(within[a] * within[b]) for a, b in correlated(plan)]
    rates = [(defect >> k) & 1 for k in range(len(DEFECTS))]
    rates += [scrapped == j for j in range(steps)] + [(rejected >> j) & 1 for j in range(steps)]
    shares = np.array([each.reshape(lots, size).mean(axis=1) for each in rates])
    return means, np.concatenate([means, within, np.array(pairs).reshape(len(pairs), lots), shares])


def correlated(plan: LinePlan) -> list[tuple[int, int]]:
    """Pairs of traits that the plan correlates within lots."""
    below = np.tril(plan.factor_within[: len(TRAITS), : len(TRAITS)], -1)
    return [(int(b), int(a)) for a, b in zip(*np.nonzero(below), strict=True)]

"""Grading and matching: which of a block's passing cells goes into which place of which pack."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from packsim.inspection.bins import QUANTITIES, Grades, bin_of
from packsim.inspection.gauge import normals
from packsim.inspection.measured import Measured
from packsim.inspection.plan import InspectionPlan
from packsim.numerics.purposes import GRADE_SHUFFLE

Array = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]


class TooFewInBins(ValueError):
    """The bins hold too few whole packs; more spare cells are needed."""


def slots_needed(plan: InspectionPlan, packs: int, cells_per_pack: int) -> int:
    """Passing cells that a block needs: its places, and the spare cells if every pack must be from one bin."""
    return packs * cells_per_pack + plan.grades.spare_cells(packs, cells_per_pack)


def unassembled(order: Rows, cells: int) -> Rows:
    """Cells of 0 .. cells - 1 that are in no pack of order[pack, position]: left over in their bins, not scrap."""
    left = np.ones(cells, np.bool_)
    left[order.ravel()] = False
    return np.flatnonzero(left)


def grade(
    plan: InspectionPlan,
    measured: Measured | Array,
    packs: int,
    cells_per_pack: int,
    parallel: int | None = None,
    *,
    block: int = 0,
    seed: int = 0,
) -> Rows:
    """Slots of a block in pack order, int64[pack, position], groups of `parallel` cells one after another.

    Each slot is used at most once, and all of them unless `whole_packs` (see `slots_needed`). Equal cells keep their
    order. `in_order` keeps slots; `sorted` orders by measured capacity; `capacity_bins` by bin, in order within a bin;
    `random_in_bin` by bin, shuffled within it (packs at the edge of two bins get cells of both); `snake` and
    `greedy_conductance` make the sums of all groups alike (see there).

    Args:
        measured: the passing cells in the order of their slots; their capacities alone if nothing else is asked for.
        parallel: cells in a group; only `snake` and `greedy_conductance` ask for it.
        block, seed: whose luck shuffles.

    Raises:
        ValueError: too few or too many cells, groups that do not divide a pack, or a reading that is missing.
        TooFewInBins: not enough whole packs in the bins.
    """
    grades, places = plan.grades, packs * cells_per_pack
    readings = _readings(measured)
    capacity = readings[0]
    enough = capacity.size >= places if grades.whole_packs else capacity.shape == (places,)
    if not enough:
        raise ValueError(f"{packs} packs of {cells_per_pack} need {places} cells, got {capacity.shape}")
    if grades.matching in ("snake", "greedy_conductance") and parallel is None:
        raise ValueError(f"{grades.matching} needs the number of cells in a group")
    in_group = 1 if parallel is None else parallel
    if cells_per_pack % in_group:
        raise ValueError(f"groups of {parallel} do not divide a pack of {cells_per_pack} cells")
    bins = bin_of(grades, readings) if grades.binned else np.zeros(capacity.size, np.int64)
    shuffled = _shuffle(capacity.size, block, seed) if grades.matching == "random_in_bin" else None

    def assembled(rows: Rows) -> Rows:
        return _assembled(grades.matching, rows, readings, bins, shuffled, in_group).reshape(-1, cells_per_pack)

    if not grades.whole_packs:
        return assembled(np.arange(capacity.size))
    whole = _packs_of_bins(bins, grades, packs, cells_per_pack)
    chosen = [np.flatnonzero(bins == number)[: count * cells_per_pack] for number, count in enumerate(whole) if count]
    return np.concatenate([assembled(rows) for rows in chosen])


def _readings(measured: Measured | Array) -> tuple[Array, Array | None, Array | None, Array | None]:
    if isinstance(measured, Measured):
        capacity, dcir, ocv, k_value = (getattr(measured, name) for name in QUANTITIES)
        return capacity, dcir, ocv, k_value
    return measured, None, None, None


def _shuffle(cells: int, block: int, seed: int) -> Array:
    """A random number of each slot of a block."""
    address = np.zeros((cells, 3), np.int64)
    address[:, 0], address[:, 1] = block, np.arange(cells)
    drawn: Array = normals(address, seed, GRADE_SHUFFLE)[0]
    return drawn


def _packs_of_bins(bins: Rows, grades: Grades, packs: int, cells_per_pack: int) -> list[int]:
    """Number of packs to make from each bin: always the next one from the bin with most cells left."""
    left = np.bincount(bins, minlength=grades.bin_count)
    count = [0] * left.size
    for done in range(packs):
        fullest = int(np.argmax(left))
        if left[fullest] < cells_per_pack:
            raise TooFewInBins(
                f"{bins.size} cells in {grades.bin_count} bins make {done} whole packs of {cells_per_pack}, not {packs}; "
                "allowed: a larger inspection.grading.spare_pct, or leave it out"
            )
        left[fullest] -= cells_per_pack
        count[fullest] += 1
    return count


def _assembled(
    matching: str, rows: Rows, readings: Sequence[Array | None], bins: Rows, shuffled: Array | None, parallel: int
) -> Rows:
    """`rows` in the order of the places that they fill."""
    capacity, dcir = readings[0], readings[1]
    assert capacity is not None
    if matching == "sorted":
        return rows[np.argsort(capacity[rows], kind="stable")]
    if matching == "capacity_bins":
        return rows[np.argsort(bins[rows], kind="stable")]
    if matching == "random_in_bin":
        assert shuffled is not None
        return rows[np.lexsort((shuffled[rows], bins[rows]))]
    if matching == "snake":
        return rows[snake(capacity[rows], parallel).ravel()]
    if matching == "greedy_conductance":
        if dcir is None:
            raise ValueError("greedy_conductance needs the readings of DCIR: pass `Measured`, not capacities alone")
        return rows[greedy(1.0 / dcir[rows], parallel).ravel()]
    return rows


def snake(values: Array, parallel: int) -> Rows:
    """Groups [group, parallel] of even sums: sorted values are dealt out to and fro (boustrophedon).

    With an even number of cells in a group, evenly spaced values give equal sums; with an odd one the last row remains.
    """
    groups = values.size // parallel
    dealt = np.argsort(values, kind="stable").reshape(parallel, groups)
    dealt[1::2] = dealt[1::2, ::-1].copy()
    return np.ascontiguousarray(dealt.T)


def greedy(values: Array, parallel: int) -> Rows:
    """Groups [group, parallel] of even sums: in every round the largest values left go to the smallest sums so far.

    Longest-processing-time rule for multiway partition (Graham 1969, doi 10.1137/0117039), one cell a group and round.
    """
    groups = values.size // parallel
    rounds = np.argsort(-values, kind="stable").reshape(parallel, groups)
    out, total = np.empty((groups, parallel), np.int64), np.zeros(groups)
    for column, given in enumerate(rounds):
        poorest = np.argsort(total, kind="stable")
        out[poorest, column] = given
        total[poorest] += values[given]
    return out

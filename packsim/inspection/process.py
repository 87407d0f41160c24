"""Many independent slots of a line, each tried until a cell passes: their addresses, and how often each is tested.

Only `build`, a source of true values and `read` are used, so whatever the line and the test do is part of it: any
shape and correlation of traits, drift, in-line scrap, biases by slot, retests.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from packsim.cell.cells import Cells
from packsim.inspection.plan import InspectionPlan
from packsim.inspection.scrap import at_end, limits_of_slots
from packsim.inspection.test import TrueValues, read
from packsim.line.build import build
from packsim.line.defects import DEFECTS
from packsim.line.plan import LinePlan, at_rates

Array = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]
Truth = Callable[[Cells, int], TrueValues]  # of cells and the seed
MOST_CANDIDATES = 128
TOGETHER = 2048  # cells to try at once, several of each slot where few slots are left: calls cost more than cells
GOLDEN = 0.6180339887498949  # its multiples modulo 1 spread evenly, however many are taken


class Groups(NamedTuple):
    """Slots whose first candidates a K-value limit relative to the lot is taken from: neighbours within one block."""

    address: Numbers  # [n, 3]
    group: Numbers  # [n] ascending
    groups: int


class Outcomes(NamedTuple):
    """What became of n slots."""

    counts: Numbers  # [3, n] tests, rejects without and with a defect
    surplus: Array  # [kind, n] defects of the slot's started cells, less what their rates say: 0 on average
    started: int


def spread_slots(line: LinePlan, slots: int, per_roll: int = 1) -> Numbers:
    """Addresses int64[slots, 3] at places spread evenly over lots and blocks, `per_roll` neighbours each in own lots.

    Neighbours lie evenly apart in one roll; `slots` is rounded up to a multiple of `per_roll`.
    """
    number = np.arange(-(-slots // per_roll))
    place = _places(line, number)
    first = place // line.roll_cells * line.roll_cells
    length = np.minimum(line.roll_cells, line.blocks_per_lot * line.slots_per_block - first)
    apart = np.arange(per_roll) * length[:, None] // per_roll
    places = np.sort(first[:, None] + ((place - first)[:, None] + apart) % length[:, None], axis=1)
    return _addresses(line, np.repeat(number, per_roll), places.ravel())


def spread_groups(line: LinePlan, cells: int, per_group: int) -> Groups:
    """About `cells` slots in groups spread evenly, each in lots of its own.

    A group is `per_group` slots of one lot in one block, evenly apart, or all of them; or several whole small lots of a
    block, at least `per_group` slots if it has as many.
    """
    lot, block = line.lot_cells, line.slots_per_block
    whole = block if lot >= block else min(-(-min(per_group, block) // lot) * lot, block)
    number = np.arange(max(cells // min(per_group, whole), 8))
    place = _places(line, number)
    first = place // block * block + place % block // whole * whole
    length = np.minimum(whole, block - first % block)
    size = length if lot < per_group else np.minimum(length, per_group)
    group = np.repeat(number, size)
    step = np.arange(group.size) - np.repeat(np.cumsum(size) - size, size)
    phase = (place - first) * size % length  # so that no place within the lot is left out
    return Groups(
        _addresses(line, group, first[group] + (step * length[group] + phase[group]) // size[group]),
        group,
        number.size,
    )


def _places(line: LinePlan, number: Numbers) -> Numbers:
    """A place in each of the spans of blocks that no lot crosses, spread evenly over them."""
    place: Numbers = np.floor((number + 0.5) * GOLDEN % 1.0 * line.blocks_per_lot * line.slots_per_block)
    return place.astype(np.int64)


def _addresses(line: LinePlan, span: Numbers, place: Numbers) -> Numbers:
    address = np.zeros((span.size, 3), np.int64)
    address[:, 0] = span * line.blocks_per_lot + place // line.slots_per_block
    address[:, 1] = place % line.slots_per_block
    return address


def outcomes(
    line: LinePlan, inspection: InspectionPlan, truth: Truth, seed: int, address: Numbers, limit: Array | None
) -> Outcomes:
    """Every slot tried until it has a cell that passes (or MOST_CANDIDATES have not).

    Args:
        limit: K-value limit of each slot [n]; None: as in a run, where it may be relative to the lots among `address`.
    """
    out, surplus = np.zeros((3, len(address)), np.int64), np.zeros((line.probability.size, len(address)))
    open_slots, tries = np.arange(len(address)), np.full(len(address), float(MOST_CANDIDATES))
    kinds, candidate = np.flatnonzero(line.probability), 0
    while open_slots.size and candidate < MOST_CANDIDATES:
        ahead = 1 if limit is None else min(max(TOGETHER // open_slots.size, 1), MOST_CANDIDATES - candidate)
        of_slot = np.repeat(open_slots, ahead)
        at = address.take(of_slot, axis=0)  # an eighth of the time of address[of_slot]
        at[:, 2] = candidate + np.arange(of_slot.size) % ahead
        built = build(line, seed, at)
        tested, reached = at_end(built)
        true = truth(tested, seed)
        measured = read(inspection, tested, true, seed, None if limit is None else limit[of_slot[reached]])
        if limit is None:
            limit = limits_of_slots(inspection, built, reached, measured.k_limit_mv_per_day)
        passed = np.zeros((open_slots.size, ahead), np.bool_)
        passed.reshape(-1)[reached] = measured.accepted
        started = np.ones((open_slots.size, ahead), np.bool_)
        np.logical_not(np.logical_or.accumulate(passed[:, :-1], axis=1), out=started[:, 1:])
        counts = started.reshape(-1)
        some = np.flatnonzero((built.defect != 0) & counts)
        defect = built.defect[some]
        for k in kinds:
            np.add.at(surplus[k], of_slot[some[(defect >> k) & 1 != 0]], 1.0)
        counts = counts[reached]
        rejected = np.flatnonzero(counts & ~measured.accepted)
        defective = tested.defect[rejected] != 0
        for row, which in enumerate((np.flatnonzero(counts), rejected[~defective], rejected[defective])):
            np.add.at(out[row], of_slot[reached[which]], 1)
        closed = passed.any(axis=1)
        tries[open_slots[closed]] = candidate + 1 + np.argmax(passed[closed], axis=1)
        open_slots, candidate = open_slots[~closed], candidate + ahead
    surplus -= line.probability[:, None] * tries
    return Outcomes(out, surplus, int(tries.sum()))


def with_defects(line: LinePlan, defects: tuple[int, ...]) -> LinePlan:
    """The same line, whose every cell has exactly these defects (numbers in DEFECTS)."""
    probability = np.zeros(len(DEFECTS))
    probability[list(defects)] = 1.0
    return at_rates(line, probability)

"""Fill the places of a block: cells are started and tested until every slot has one that passes."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from packsim.cell.cells import Cells, concatenate
from packsim.cell.traits import TRAIT_NAMES, TRAITS
from packsim.inspection.expected import reading_slopes
from packsim.inspection.plan import InspectionPlan
from packsim.inspection.test import Cause, Measured, test
from packsim.line.build import build, slot_addresses
from packsim.line.defects import DEFECTS
from packsim.line.plan import LinePlan

READING = {  # row of `reading_slopes`
    Cause.CAPACITY_LOW: 0,
    Cause.CAPACITY_HIGH: 0,
    Cause.DCIR_LOW: 1,
    Cause.DCIR_HIGH: 1,
    Cause.OCV_LOW: 2,
    Cause.OCV_HIGH: 2,
}


class OutOfCandidates(RuntimeError):
    """A slot found no passing cell among the candidates allowed."""


@dataclass(frozen=True)
class Filled:
    """All n cells that a block started, by candidate and then slot, and the passing one of each slot."""

    cells: Cells
    measured: Measured
    chosen: npt.NDArray[np.int64]  # [slot] index of the first accepted cell


def fill(
    line_plan: LinePlan, inspection_plan: InspectionPlan, seed: int, block: int, slots: int, max_candidates: int
) -> Filled:
    """Start cells of `block` until each of its slots 0 .. slots - 1 holds an accepted one.

    Raises:
        OutOfCandidates: a slot needs more than `max_candidates`; names the main cause and the step behind it.
    """
    cells: list[Cells] = []
    measured: list[Measured] = []
    chosen = np.full(slots, -1, np.int64)
    limit = np.empty(slots)
    open_slots = np.arange(slots)
    started = 0
    for candidate in range(max_candidates):
        built = build(line_plan, seed, slot_addresses(block, open_slots, candidate))
        tested = test(inspection_plan, built, seed, None if candidate == 0 else limit[open_slots])
        if candidate == 0:
            limit = tested.k_limit_mv_per_day
        cells.append(built)
        measured.append(tested)
        chosen[open_slots[tested.accepted]] = started + np.flatnonzero(tested.accepted)
        started += len(built)
        open_slots = open_slots[~tested.accepted]
        if not open_slots.size:
            return Filled(concatenate(cells), _joined(measured), chosen)
    everything = concatenate(cells), _joined(measured)
    raise OutOfCandidates(_diagnosis(line_plan, inspection_plan, everything, int(open_slots[0]), max_candidates))


def _joined(parts: list[Measured]) -> Measured:
    return Measured(*(np.concatenate([getattr(p, field.name) for p in parts], axis=-1) for field in fields(Measured)))


def _diagnosis(
    line_plan: LinePlan, plan: InspectionPlan, started: tuple[Cells, Measured], slot: int, candidates: int
) -> str:
    cells, measured = started
    causes = np.bincount(measured.cause[~measured.accepted], minlength=len(Cause))
    cause = Cause(int(np.argmax(causes)))
    return (
        f"block {cells.address[0, 0]}, slot {slot}: none of {candidates} candidates passed the end-of-line test "
        f"({len(cells)} cells started); main cause: {cause.sentence} ({causes[cause]} cells), "
        f"most from {_origin(line_plan, plan, cells, cause, measured.cause == cause)}"
    )


def _origin(
    line_plan: LinePlan, plan: InspectionPlan, cells: Cells, cause: Cause, rejected: npt.NDArray[np.bool_]
) -> str:
    """The defect that most of the rejected cells have, else the trait that moved the reading most, with its step."""
    defects = [int(((cells.defect[rejected] >> bit) & 1).sum()) for bit in range(len(DEFECTS))]
    if 2 * max(defects) > int(rejected.sum()):
        defect = DEFECTS[int(np.argmax(defects))]
        return f"defect {defect.name} (step {defect.step})"
    clean = rejected & (cells.defect == 0)
    moved = cells.values[:, clean if clean.any() else rejected].mean(axis=1) - line_plan.nominal
    if cause in READING:
        moved = moved * reading_slopes(line_plan, plan)[READING[cause]]
    elif cause == Cause.K_VALUE:
        moved = np.where(np.array(TRAIT_NAMES) == "leakage_ua", 1.0, 0.0)
    trait = TRAITS[int(np.argmax(np.abs(moved)))]
    return f"{trait.name} (step {trait.step})"

"""Fill the places of a block: cells are started and tested until every slot has one that passes."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from packsim.cell.cells import Cells, concatenate
from packsim.cell.traits import TRAITS
from packsim.inspection.plan import InspectionPlan
from packsim.inspection.test import Cause, Measured, test
from packsim.line.build import build, slot_addresses
from packsim.line.defects import DEFECTS
from packsim.line.plan import LinePlan

Flags = npt.NDArray[np.bool_]


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
    raise OutOfCandidates(
        _diagnosis(line_plan, concatenate(cells), _joined(measured), block, open_slots, max_candidates)
    )


def _joined(parts: list[Measured]) -> Measured:
    return Measured(*(np.concatenate([getattr(p, field.name) for p in parts], axis=-1) for field in fields(Measured)))


def _diagnosis(
    plan: LinePlan, cells: Cells, measured: Measured, block: int, open_slots: npt.NDArray[np.int64], candidates: int
) -> str:
    causes = np.bincount(measured.cause[~measured.accepted], minlength=len(Cause))
    cause = Cause(int(np.argmax(causes)))
    slot = int(open_slots[0])
    return (
        f"block {block}, slot {slot}: none of {candidates} candidates passed the end-of-line test "
        f"({len(cells)} cells started, {open_slots.size} slots empty); main cause: {cause.sentence} "
        f"({causes[cause]} cells), most from {_origin(plan, cells, measured.cause == cause, measured.accepted)}"
    )


def _origin(plan: LinePlan, cells: Cells, rejected: Flags, accepted: Flags) -> str:
    """The defect that most of the rejected cells have, else the trait that lies furthest off, with its step."""
    defects = [int(((cells.defect[rejected] >> bit) & 1).sum()) for bit in range(len(DEFECTS))]
    if 2 * max(defects) > int(rejected.sum()):
        defect = DEFECTS[int(np.argmax(defects))]
        return f"defect {defect.name} (step {defect.step})"
    mean = cells.values[:, rejected].mean(axis=1)
    if accepted.any():  # what sets them apart from cells that pass
        spread = cells.values.std(axis=1)
        off = np.abs(mean - cells.values[:, accepted].mean(axis=1))
        off = np.divide(off, spread, out=np.zeros_like(off), where=spread > 0.0)
    else:
        off = np.abs(mean - plan.nominal) / np.where(plan.nominal > 0.0, plan.nominal, 1.0)
    trait = TRAITS[int(np.argmax(off))]
    return f"{trait.name} (step {trait.step})"

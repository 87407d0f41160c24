"""Fill the places of a block: cells are started, and tested if the line does not scrap them, until every slot has one that passes."""  # noqa: E501

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from packsim.cell.cells import Cells, concatenate
from packsim.cell.traits import TRAIT_NAMES, TRAITS
from packsim.inspection.plan import InspectionPlan
from packsim.inspection.response import reading_slopes
from packsim.inspection.scrap import at_end, limits_of_slots
from packsim.inspection.test import Cause, Measured, test
from packsim.line.build import build, slot_addresses
from packsim.line.defects import DEFECTS
from packsim.line.plan import LinePlan

Array = npt.NDArray[np.float64]
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
    """The n cells of a block that reached the test, by candidate and then slot, and the passing one of each slot.

    `scrapped` are the cells that the line started and an in-line inspection ended.
    """

    cells: Cells
    measured: Measured
    chosen: npt.NDArray[np.int64]  # [slot] index of the first accepted cell
    scrapped: Cells


def fill(
    line_plan: LinePlan,
    inspection_plan: InspectionPlan,
    seed: int,
    block: int,
    slots: int,
    max_candidates: int,
    inspected: Sequence[str] = (),
) -> Filled:
    """Start cells of `block` until each of its slots 0 .. slots - 1 holds an accepted one.

    Args:
        inspected: names of the line's inspected steps, for the error below.

    Raises:
        OutOfCandidates: a slot needs more than `max_candidates`; names the main cause and the step behind it.
    """
    cells: list[Cells] = []
    scrapped: list[Cells] = []
    measured: list[Measured] = []
    chosen = np.full(slots, -1, np.int64)
    limit = np.full(slots, math.inf)  # of the K-value, by slot
    open_slots = np.arange(slots)
    reached = 0
    for candidate in range(max_candidates):
        built = build(line_plan, seed, slot_addresses(block, open_slots, candidate))
        scrapped.append(built.take(np.flatnonzero(built.scrapped >= 0)))
        alive, places = at_end(built)
        slots_there = open_slots[places]
        tested = test(inspection_plan, alive, seed, None if candidate == 0 else limit[slots_there])
        if candidate == 0:
            limit = limits_of_slots(inspection_plan, built, places, tested.k_limit_mv_per_day)
        cells.append(alive)
        measured.append(tested)
        done = np.flatnonzero(tested.accepted)
        chosen[slots_there[done]] = reached + done
        reached += len(alive)
        open_slots = open_slots[chosen[open_slots] < 0]
        if not open_slots.size:
            return Filled(concatenate(cells), _joined(measured), chosen, concatenate(scrapped))
    everything = concatenate(cells), _joined(measured)
    lost = concatenate(scrapped)
    if len(lost) > np.count_nonzero(~everything[1].accepted):
        raise OutOfCandidates(_scrap_diagnosis(lost, int(open_slots[0]), max_candidates, inspected))
    raise OutOfCandidates(_diagnosis(line_plan, inspection_plan, everything, int(open_slots[0]), max_candidates))


def _scrap_diagnosis(scrapped: Cells, slot: int, candidates: int, inspected: Sequence[str]) -> str:
    counts = np.bincount(scrapped.scrapped)
    step = int(np.argmax(counts))
    name = inspected[step] if step < len(inspected) else f"number {step + 1}"
    return (
        f"block {scrapped.address[0, 0]}, slot {slot}: none of {candidates} candidates passed; main cause: scrapped by the "
        f"in-line inspection of step {name} ({counts[step]} cells)"
    )


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

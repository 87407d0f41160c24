"""What became of a pack in the field: when it failed, why, and which cell, trait and step were at the root."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from packsim.life.pack_life import ENDING, PackLife
from packsim.life.plan import LifePlan
from packsim.scenario.sentences import SentenceEnum

Array = npt.NDArray[np.float64]


class Fate(SentenceEnum):
    """Why a pack's life ended; ALIVE: it did not, within the years that were looked at."""

    ALIVE = 0, "still gives more than the end-of-life share of a nominal new pack"
    WORN_OUT = 1, "its cells have lost so much capacity that even a balanced pack would be below the end of life"
    IMBALANCE = (
        2,
        "charge differs between groups, beyond what the BMS balances, so that the pack is below the end of life",
    )
    OVER_DISCHARGED = 3, "a group was driven below the lower cut-off by more than the margin"
    REVERSED = 4, "a group was driven below 0 V (postulated regime)"
    INTERNAL_SHORT = 5, "a cell is short-circuited inside"
    OPEN_JOINT = 6, "a cell's joint is open"
    UNSOLVED = 7, "the simulation of this pack did not converge; nothing is claimed about it"


class Root(SentenceEnum):
    """What made the group that limits the pack worse than the others."""

    NONE = 0, "nothing sets it apart"
    AS_BUILT_CAPACITY = 1, "it was small when it was new"
    AGEING = 2, "it has lost more than the others"
    SELF_DISCHARGE = 3, "its charge has drifted away from the others'"


class FieldVerdict(NamedTuple):
    """One pack."""

    fate: Fate
    years: float  # age at failure, or the years looked at
    place: int  # cell of the pack that is to blame, in its own order; -1: none
    root: Root
    usable: float  # then, share of a nominal new pack


OF_CODE = dict(zip(ENDING, (Fate.INTERNAL_SHORT, Fate.OPEN_JOINT), strict=True))


def judge_life(plan: LifePlan, life: PackLife) -> FieldVerdict:
    """The first of the failures of a pack's life, located between the simulated ages where it can be."""
    years = life.cycles / plan.cycles_per_year
    if not life.solved:
        return FieldVerdict(Fate.UNSOLVED, float(years[-1]), -1, Root.NONE, float(life.usable[-1]))
    seen = [(at, row) for at, rows in life.seen for row in rows if int(row["code"]) in OF_CODE]
    for k in range(life.cycles.size):
        for at, row in seen:
            if at == life.cycles[k]:
                fate = OF_CODE[int(row["code"])]
                return FieldVerdict(fate, float(years[k]), int(row["place"]), Root.NONE, float(life.usable[k]))
        if life.over_group[k] >= 0:
            fate = Fate.REVERSED if life.reversed_group[k] >= 0 else Fate.OVER_DISCHARGED
            place, root = _blame(plan, life, k, int(life.over_group[k]))
            return FieldVerdict(fate, float(years[k]), place, root, float(life.usable[k]))
        if life.usable[k] < plan.end_of_life:
            at = _crossing(years, life.usable, k, plan.end_of_life)
            fate = Fate.WORN_OUT if life.even[k] < plan.end_of_life else Fate.IMBALANCE
            place, root = _blame(plan, life, k, int(life.limiting_group[k]))
            return FieldVerdict(fate, at, place, root, plan.end_of_life)
    return FieldVerdict(Fate.ALIVE, float(years[-1]), -1, Root.NONE, float(life.usable[-1]))


def _crossing(years: Array, usable: Array, k: int, level: float) -> float:
    """Age at which `usable` falls through `level` before age k, on a straight line."""
    if k == 0:
        return 0.0
    high, low = usable[k - 1], usable[k]
    return float(years[k - 1] + (years[k] - years[k - 1]) * (high - level) / (high - low))


def _blame(plan: LifePlan, life: PackLife, k: int, group: int) -> tuple[int, Root]:
    """The smallest cell of the group, and what sets the group apart: each part against the mean of all groups."""
    new, now = (np.add.reduceat(life.capacity_ah[row], plan.first_cell) for row in (0, k))
    room = life.room_ah[k]
    drift = -abs(float(room[group] - room.mean()))
    parts = (
        (float(new[group] - new.mean()), Root.AS_BUILT_CAPACITY),
        (float((now - new)[group] - (now - new).mean()), Root.AGEING),
        (drift, Root.SELF_DISCHARGE),
    )
    worst, root = min(parts, key=lambda part: part[0])
    first = int(plan.first_cell[group])
    last = int(plan.first_cell[group + 1]) if group + 1 < plan.first_cell.size else life.capacity_ah.shape[1]
    place = first + int(np.argmin(life.capacity_ah[k, first:last]))
    return place, root if worst < 0.0 else Root.NONE

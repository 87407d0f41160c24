"""Which random words variables share, and how they are correlated, in numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from packsim.cell.traits import TRAITS
from packsim.numerics import purposes
from packsim.scenario.errors import ScenarioError
from packsim.scenario.line import LineModel

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
LEVELS = (purposes.TRAIT_LOT_0, purposes.TRAIT_ROLL_0, purposes.TRAIT_WITHIN_0, purposes.LANE_0, purposes.DRIFT_0)
LEVEL_NAMES = ("lot", "roll", "within", "lane", "drift", "rework")


def correlations(model: LineModel, names: list[str]) -> tuple[Flags, list[Any]]:
    """Which of lot, roll, within are correlated, and the lower triangle of each."""
    factors: list[Any] = []
    flags = []
    for level in ("lot", "roll", "within"):
        matrix = np.eye(len(names))
        for each in model.correlations:
            if each.level in (level, "all"):
                a, b = names.index(each.a), names.index(each.b)
                matrix[a, b] = matrix[b, a] = each.value
        try:
            factors.append(np.linalg.cholesky(matrix))
        except np.linalg.LinAlgError:
            raise ScenarioError(
                [
                    f"line.correlations: given values that no {level} can have together; allowed: a positive definite matrix"
                ]
            ) from None
        flags.append(bool(np.any(matrix != np.eye(len(names)))))
    return np.array(flags), factors


def words(names: list[str]) -> tuple[Integers, Integers]:
    """Rows [g, 4] that share a Philox call, and its purpose [level, g] at every level.

    Traits keep the words of their place in TRAITS; a variable of the user's has purposes from its name, so that adding
    another one does not change its luck.
    """
    traits, count = len(TRAITS), len(names)
    rows = [[k if k < traits else count for k in range(first, first + 4)] for first in range(0, traits, 4)]
    first_purpose = (*LEVELS, purposes.REWORK_0)
    purpose = [[first + g for g in range(len(rows))] for first in first_purpose]
    for place in range(traits, count):
        rows.append([place, count, count, count])
        for level, name in zip(purpose, LEVEL_NAMES, strict=True):
            level.append(purposes.named(f"variable {names[place]} {name}"))
    return np.array(rows, np.int64), np.array(purpose, np.int64)


def places(group_rows: Integers, count: int) -> tuple[Integers, Integers]:
    """Group and word of each of `count` variables."""
    group, word = np.zeros(count, np.int64), np.zeros(count, np.int64)
    for g, k in np.ndindex(group_rows.shape):
        if group_rows[g, k] < count:
            group[group_rows[g, k]], word[group_rows[g, k]] = g, k
    return group, word

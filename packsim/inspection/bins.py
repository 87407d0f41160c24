"""Bins of the grading machine: a combination of equal widths of capacity, DCIR, OCV and K-value."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from packsim.scenario.inspection import InspectionModel

Array = npt.NDArray[np.float64]
Limits = tuple[float, float]
QUANTITIES = ("capacity_ah", "dcir_mohm", "ocv_v", "k_value_mv_per_day")  # of `Measured`, in the order of the bins


class Grades(NamedTuple):
    """How packs are put together; `spans` and `numbers` are of the bins of each of QUANTITIES."""

    matching: str
    spans: tuple[Limits, ...]  # the bins share this range equally; what lies outside is in the first or last
    numbers: tuple[int, ...]  # 1: not binned
    whole_packs: bool
    spare_cells: Callable[[int, int], int]  # packs, cells per pack -> passing cells needed beyond the places

    @property
    def binned(self) -> bool:
        """Whether bins matter at all."""
        return self.whole_packs or self.matching in ("capacity_bins", "random_in_bin")

    @property
    def bin_count(self) -> int:
        """Number of bins."""
        return math.prod(self.numbers)


def grades_of(model: InspectionModel, limits: tuple[Limits, Limits, Limits]) -> Grades:
    """Numbers of a scenario; bins lie between the limits of capacity (Ah), DCIR (mohm) and OCV (V), K from 0 to its own."""
    grading = model.grading
    return Grades(
        grading.matching,
        (*limits, (0.0, model.k_value.upper_mv_per_day or math.inf)),
        (grading.capacity_bins, grading.dcir_bins, grading.ocv_bins, grading.k_bins),
        grading.whole_packs,
        grading.spare_cells,
    )


def bin_of(grades: Grades, readings: Sequence[Array | None]) -> npt.NDArray[np.int64]:
    """Number of each cell's bin [n] from its readings, in the order of QUANTITIES; only binned ones are needed.

    Raises:
        ValueError: a binned quantity without readings.
    """
    out: npt.NDArray[np.int64] | None = None
    for name, values, (low, high), number in zip(QUANTITIES, readings, grades.spans, grades.numbers, strict=True):
        if number == 1:
            continue
        if values is None:
            raise ValueError(f"bins of {name} need its readings")
        own = np.clip(((values - low) / (high - low) * number).astype(np.int64), 0, number - 1)
        out = own if out is None else out * number + own
    if out is None:
        return np.zeros(next(values.size for values in readings if values is not None), np.int64)
    return out

"""What of a run adds up over its blocks; all that a summary needs, and the only part that a store keeps in memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from packsim.study.block import HISTOGRAM_PCT

Array = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


class Totals:
    """Sums of each block, and counts of all; 0.3 KB a block, in any order of blocks."""

    def __init__(self) -> None:
        self._sums: dict[int, Array] = {}
        self._in_line: dict[int, Counts] = {}
        self._simulated_s: dict[int, float] = {}
        self.steps = 0  # accepted pack steps x cells
        self.causes: Counts = np.zeros(16, np.int64)  # as in `study.block.BlockResult`, all blocks
        self.defects: Counts = np.zeros((2, 16), np.int64)
        self.histograms: Counts = np.zeros((2, HISTOGRAM_PCT.size + 1), np.int64)

    def add(self, number: int, block: Mapping[str, Any]) -> None:
        """Add a block by its small arrays (`study.store.tables.small`)."""
        assert number not in self._sums
        self._sums[number] = np.asarray(block["sums"], float)
        self._in_line[number] = block["steps_in_line"]
        self._simulated_s[number] = float(block["simulated_s"])
        self.steps += int(block["steps"])
        self.causes = self.causes + block["causes"]
        self.defects = self.defects + block["defects"]
        self.histograms = self.histograms + block["histograms"]

    def __len__(self) -> int:
        return len(self._sums)

    @property
    def numbers(self) -> frozenset[int]:
        """Blocks that were added."""
        return frozenset(self._sums)

    @property
    def sums(self) -> Array:
        """[block, SUMS]."""
        return np.array([self._sums[number] for number in sorted(self._sums)])

    @property
    def steps_in_line(self) -> Array:
        """[block, (entered, did not pass at first, scrapped), inspected step]."""
        return np.array([self._in_line[number] for number in sorted(self._in_line)], float)

    @property
    def simulated_s(self) -> float:
        """Simulated pack seconds x cells, added up in the order of blocks."""
        return sum(self._simulated_s[number] for number in sorted(self._simulated_s))

"""What reading a file gives: readings in one table, and how they were understood."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Options:
    """How to read a file, where names do not tell.

    `columns`: role or quantity -> COLUMN[:unit]. `repeat` may name the serial column: repeated serials are then repeats.
    """

    columns: dict[str, str]
    lot: str | None = None
    lot_size: int | None = None
    lot_gap_hours: float | None = None
    repeat: str | None = None
    delimiter: str | None = None
    decimal: str | None = None


@dataclass(frozen=True)
class EolData:
    """End-of-line readings, one row a reading.

    `frame`: line, serial, lot, roll (only where a column gives it), cell (running number), and the quantities in their own
    units, nan where missing. `facts`: how the file was read, for the report. `notes`: what the reader should know.
    """

    name: str
    frame: pd.DataFrame
    quantities: tuple[str, ...]
    facts: dict[str, str]
    notes: tuple[str, ...]

    @property
    def cells(self) -> int:
        """Number of cells."""
        return int(self.frame["cell"].nunique())

    @property
    def lots(self) -> int:
        """Number of lots."""
        return int(self.frame["lot"].nunique())

    @property
    def has_repeats(self) -> bool:
        """Whether any cell was measured more than once."""
        return len(self.frame) > self.cells

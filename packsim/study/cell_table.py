"""Cells as a table: address, traits, test, and place in a pack; all of them, those that ship, or only some columns."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from packsim.cell.cells import ADDRESS
from packsim.cell.traits import TRAIT_NAMES
from packsim.inspection.measured import Cause, Measured
from packsim.scenario.suggest import hint
from packsim.study.block import Built
from packsim.study.store.tables import joined_defects

if TYPE_CHECKING:
    import pandas as pd

TESTED = tuple(field.name for field in fields(Measured) if field.name != "window")  # which is not one number a cell
COLUMNS = (*ADDRESS, "lot", "defect", *TRAIT_NAMES, *TESTED, "pack", "position")
WHICH = ("none", "shipped", "all")


class CellChoice(NamedTuple):
    """Which cells of a run to write, and which columns of them."""

    which: str = "none"
    columns: tuple[str, ...] = COLUMNS

    @classmethod
    def of(cls, which: str, columns: tuple[str, ...] | None = None) -> CellChoice:
        """A choice that can be met.

        Raises:
            ValueError: another word for `which`, or a column that does not exist.
        """
        if which not in WHICH:
            raise ValueError(f"cells: given {which}; allowed: {', '.join(WHICH)}")
        for name in columns or ():
            if name not in COLUMNS:
                raise ValueError(f"cell columns: given {name}; allowed: columns of cells{hint(name, COLUMNS)}")
        if columns is not None and which == "none":
            raise ValueError("cell columns: given without cells; allowed: with cells shipped or all")
        return cls(which, COLUMNS if columns is None else columns)

    def table(self, made: Built, first_pack: int) -> pd.DataFrame | None:
        """The chosen cells of a block; None where none are wanted."""
        if self.which == "none":
            return None
        return self.of_table(cell_table(made, first_pack))

    def of_table(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The chosen ones of all cells."""
        if self.which == "shipped":
            frame = frame[frame["pack"] >= 0].reset_index(drop=True)
        return frame[list(self.columns)]


def cell_table(made: Built, first_pack: int) -> pd.DataFrame:
    """One row a cell of a block that reached the test, all columns; pack and position are -1 if it did not ship."""
    filled, order = made
    frame = filled.cells.frame()
    frame["defect"] = [joined_defects(bits) for bits in frame["defect"]]
    for name in TESTED:
        frame[name] = getattr(filled.measured, name)
    frame["cause"] = [Cause(value).name.lower() for value in filled.measured.cause]
    place = np.full((2, len(frame)), -1)
    place[0, order] = first_pack + np.arange(order.shape[0])[:, None]
    place[1, order] = np.arange(order.shape[1])[None, :]
    frame["pack"], frame["position"] = place
    return frame

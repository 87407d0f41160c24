"""Which readings are of one cell: repeats are told from duplicates."""

from __future__ import annotations

import numpy as np
import pandas as pd

from packsim.quality.eol_file.columns import Column
from packsim.quality.eol_file.errors import at, shown
from packsim.quality.eol_file.quantities import QUANTITIES


def with_cells(
    name: str, frame: pd.DataFrame, found: dict[str, Column], *, repeat: bool, notes: list[str]
) -> pd.DataFrame:
    """The readings with the running number of their cell (`cell`), without exact duplicates.

    A serial number that comes again is a repeat if a column says so, if every serial comes equally often, or if the user
    says so (`repeat`); equal readings are duplicates; others are a contradiction.

    Raises:
        EolFileError: different readings under one serial number (and repeat) that nothing calls repeats.
    """
    keys = ["lot", "serial", *(["repeat"] if "repeat" in frame and _is_column(found) else [])]
    values = [q.name for q in QUANTITIES if q.name in frame]
    again = frame.duplicated(keys, keep=False)
    if again.any() and not (repeat and len(keys) == 2):
        times = frame.groupby(keys, sort=False).size()
        if len(keys) == 2 and times.nunique() == 1:
            notes.append(f"Every serial number comes {int(times.iloc[0])} times: taken as repeated measurements.")
        else:
            frame = _without_duplicates(name, frame, keys, values, found, notes)
    out = frame.copy()
    out["cell"] = pd.factorize(pd.MultiIndex.from_frame(out[["lot", "serial"]]))[0]
    if "roll" in out:
        split = out.groupby("cell")["roll"].nunique()
        if (split > 1).any():
            row = out[out["cell"] == split.index[np.flatnonzero(split > 1)[0]]].iloc[-1]
            raise at(
                name,
                int(row["line"]),
                found["roll"].name,
                f"a second roll for cell {shown(str(row['serial']))}",
                "one roll",
            )
    return out


def _is_column(found: dict[str, Column]) -> bool:
    """Whether repeats have a column of their own; naming the serial column means that repeated serials are repeats."""
    return "serial" not in found or found["repeat"].place != found["serial"].place


def _without_duplicates(
    name: str, frame: pd.DataFrame, keys: list[str], values: list[str], found: dict[str, Column], notes: list[str]
) -> pd.DataFrame:
    plain = frame.drop_duplicates([*keys, *values])
    clash = plain[plain.duplicated(keys)]
    if len(clash):
        row = clash.iloc[0]
        first = plain[(plain[keys] == row[keys]).all(axis=1)].iloc[0]
        what = f"{shown(str(row['serial']))} again with other readings (first on line {int(first['line'])})"
        column = found["serial"].name if "serial" in found else found["repeat"].name
        allowed = "every cell once, or --repeat COLUMN for repeated measurements (it may be the serial column)"
        raise at(name, int(row["line"]), column, what, allowed)
    notes.append(f"{len(frame) - len(plain)} records that repeat another one in full were left out.")
    return plain

"""End-of-line files as plants export them, for tests of `packsim fit`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

Array = npt.NDArray[np.float64]
GERMAN = {
    "serial": ("Seriennummer", ""),
    "lot": ("Charge", ""),
    "roll": ("Rolle", ""),
    "repeat": ("Wiederholung", ""),
    "capacity_ah": ("Kapazität", "[mAh]"),
    "dcir_mohm": ("Innenwiderstand", "[mΩ]"),
    "ocv_v": ("Ruhespannung", "V"),
    "k_value_mv_per_day": ("K-Wert", "mV/d"),
}
FACTOR = {"capacity_ah": 1e3}


def write_german(frame: pd.DataFrame, path: Path) -> Path:
    """Semicolons, decimal commas, a byte-order mark, a title above the header and a row of units below it."""
    columns = [name for name in GERMAN if name in frame]
    out = frame[columns].copy()
    for name, factor in FACTOR.items():
        if name in out:
            out[name] *= factor
    head = ["Pruefprotokoll" + ";" * (len(columns) - 1)]
    head += [";".join(GERMAN[name][row] for name in columns) for row in (0, 1)]
    body = out.to_csv(sep=";", decimal=",", index=False, header=False, float_format="%.7g")
    path.write_bytes(("\ufeff" + "\n".join(head) + "\n" + body).encode("utf-8"))
    return path


def correlated(rng: np.random.Generator, n: int, matrix: Any) -> Array:
    """Standard normals [n, k] with this correlation."""
    out: Array = rng.normal(size=(n, len(matrix))) @ np.linalg.cholesky(np.asarray(matrix)).T
    return out


def between(values: Array, lot: npt.NDArray[np.int64]) -> Array:
    """Realised sd [k] of effects [cell, k] that are the same for all cells of a lot: each lot counts once."""
    first = np.unique(lot, return_index=True)[1]
    sd: Array = values[first].std(axis=0, ddof=1)
    return sd

"""Readings far from their lot: robust z on median and median absolute deviation."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

Array = npt.NDArray[np.float64]
ROBUST = 1.4826  # standard deviation of a normal over its median absolute deviation
Z_LIMIT = 5.0  # 0.01 of 20,000 normal readings lie beyond


def outliers(frame: pd.DataFrame, quantities: tuple[str, ...]) -> pd.DataFrame:
    """Cells whose reading lies more than 5 robust sds from the median of their lot, farthest first.

    Columns line, serial, lot, quantity, value, lot_median, robust_z. The sd is common to all lots.
    """
    rows = []
    for name in quantities:
        values = frame[name]
        middle = values.groupby(frame["lot"]).transform("median")
        away = (values - middle).to_numpy(float)
        sd = ROBUST * float(np.nanmedian(np.abs(away)))
        if not sd > 0.0:
            continue
        z = away / sd
        far = np.flatnonzero(np.abs(z) > Z_LIMIT)
        part = frame.iloc[far][["line", "serial", "lot"]].copy()
        part["quantity"] = name
        part["value"], part["lot_median"], part["robust_z"] = values.to_numpy()[far], middle.to_numpy()[far], z[far]
        rows.append(part)
    columns = ["line", "serial", "lot", "quantity", "value", "lot_median", "robust_z"]
    if not rows:
        return pd.DataFrame(columns=columns)
    out = pd.concat(rows, ignore_index=True)
    return out.iloc[np.argsort(-np.abs(out["robust_z"].to_numpy(float)), kind="stable")].reset_index(drop=True)

"""What figures are drawn from: plain tables and dataclasses that any study, app or notebook can fill."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from packsim.stats.intervals import leave_one_out, rate_interval

Array = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

MONITORING = {
    "every_group": "every group is watched",
    "every_module": "every module is watched",
    "pack_only": "only the pack's voltage is watched",
}


@dataclass(frozen=True)
class Capacities:
    """Measured capacity of one scenario's cells: counts [m + 1] between `edges_pct` [m], the ends lie beyond."""

    name: str
    edges_pct: Array
    started: Counts
    shipped: Counts
    lower_pct: float | None = None  # limits of the capacity test
    upper_pct: float | None = None


@dataclass(frozen=True)
class PackVoltages:
    """One pack in time: group voltages over charge, rest and discharge, and when each kind of monitoring would stop."""

    name: str
    time_s: Array  # [m]
    current_a: Array  # [m] discharge is positive
    group_v: Array  # [group, m]
    weakest: int  # group that is empty first, -1 where none
    lower_v: float
    upper_v: float
    stops_s: dict[str, float]  # kind of monitoring -> time


def over_discharge(below: dict[str, Counts], packs: Counts, thresholds: dict[str, str], scenario: str) -> pd.DataFrame:
    """Share of packs with a group below each threshold, with 95 % intervals.

    Args:
        below: over_discharged_{threshold}_{monitoring} -> packs [independent unit], for one or more kinds of monitoring.
        packs: all packs [independent unit].
        thresholds: key -> words, in the order of the chart.
    """
    rows = []
    known = [kind for kind in MONITORING if f"over_discharged_{next(iter(thresholds))}_{kind}" in below]
    for monitoring in known:
        for key, words in thresholds.items():
            bad = below[f"over_discharged_{key}_{monitoring}"]
            share, low, high = _share(np.stack([bad, packs], axis=1).astype(float))
            rows.append((scenario, monitoring, key, words, int(bad.sum()), int(packs.sum()), share, low, high))
    names = ["scenario", "monitoring", "threshold", "words", "events", "packs", "share_pct", "low_pct", "high_pct"]
    return pd.DataFrame(rows, columns=names)


def _share(counted: Array) -> tuple[float, float, float]:
    """Share in percent with its interval; counted[unit, (events, trials)]."""
    if len(counted) == 1:
        return 100.0 * float(counted[0, 0] / counted[0, 1]), float("nan"), float("nan")
    total = counted.sum(axis=0)
    left_out = leave_one_out(lambda s: 100.0 * float(s[0] / s[1]), counted)[1]
    estimate = rate_interval(float(total[0]), float(total[1]), left_out, 100.0)
    return estimate.value, estimate.low, estimate.high


def roots(found: pd.DataFrame, packs: int, scenario: str) -> pd.DataFrame:
    """What made the weakest group weak: rows of `found` (root, root_step, packs) with their share of all `packs`."""
    frame = found.copy()
    frame.insert(0, "scenario", scenario)
    frame["share_pct"] = 100.0 * frame["packs"] / packs
    return frame

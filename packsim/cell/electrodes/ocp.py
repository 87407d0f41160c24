"""Open-circuit potential tables: PyBaMM's curve inside the window, a bounded and documented extension outside.

PyBaMM's fits are unusable just outside 0..1 (NCA_Kim2011: -2.7e37 V), so each curve is limited by the reaction that
would take over, blended where the two potentials cross (two reactions in parallel, width `BLEND_V`):

    anode emptied      copper dissolves from the collector     COPPER_V     [R] 3.4-3.6 V vs Li, assumed 3.5
    anode overfilled   lithium plates                          PLATING_V    0 V vs Li by definition
    cathode overfilled lithium plates on the cathode           PLATING_V
    cathode emptied    electrolyte oxidises                    OXIDATION_V  assumed

Down to 0 V of the cell this agrees with PyBaMM's SPMe (tested); beyond, it is postulated.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from packsim.cell.electrodes.kernels import OCP_EDGES, OCP_INTERVALS

Array = npt.NDArray[np.float64]

COPPER_V = 3.5
PLATING_V = 0.0
OXIDATION_V = 5.0
BLEND_V = 0.005


def grid() -> Array:
    """Nodes of the OCP tables [1281]: fine ends (PyBaMM's asymptotes rise within 1.5e-4), even middle."""
    pieces = zip(OCP_EDGES[:-1], OCP_EDGES[1:], OCP_INTERVALS, strict=True)
    parts = [np.linspace(a, b, n + 1)[:-1] for a, b, n in pieces]
    return np.append(np.concatenate(parts), OCP_EDGES[-1])


def bounded(potential: Array, slope: Array, low_v: float, high_v: float) -> tuple[Array, Array]:
    """Potential held smoothly inside low_v..high_v, with the slope that belongs to it."""
    over_low = (potential - low_v) / BLEND_V
    value = low_v + BLEND_V * np.logaddexp(0.0, over_low)
    under_high = (high_v - value) / BLEND_V
    # the derivative of log(1 + e^z) is the logistic weight, written so that nothing overflows
    weight = np.exp(-np.logaddexp(0.0, -over_low) - np.logaddexp(0.0, -under_high))
    return high_v - BLEND_V * np.logaddexp(0.0, under_high), slope * weight


def cubic_rows(sto: Array, potential: Array, slope: Array) -> Array:
    """Hermite coefficients [interval, 4] in the local coordinate 0..1 of each interval of `sto`."""
    h = np.diff(sto)
    rise, left, right = np.diff(potential), slope[:-1] * h, slope[1:] * h
    rows = np.stack([potential[:-1], left, 3 * rise - 2 * left - right, left + right - 2 * rise], axis=1)
    return np.ascontiguousarray(rows)


def ocp_table(sto: Array, potential: Array, slope: Array, side: str) -> Array:
    """Kernel table [1280, 4] of one electrode ("negative" or "positive"), bounded as the module says."""
    low, high = (PLATING_V, COPPER_V) if side == "negative" else (PLATING_V, OXIDATION_V)
    value, value_slope = bounded(np.clip(potential, -1e3, 1e3), np.clip(slope, -1e7, 1e7), low, high)
    return cubic_rows(sto, value, value_slope)

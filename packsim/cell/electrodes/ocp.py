"""Open-circuit potential tables: PyBaMM's curve inside the window, a bounded and documented extension outside.

PyBaMM's fits are unusable just outside 0..1 (NCA_Kim2011: -2.7e37 V), so each curve is limited by the reaction that
would take over, blended where the two potentials cross (two reactions in parallel, width `BLEND_V`):

    anode emptied      copper dissolves from the collector     COPPER_V     [R] 3.4-3.6 V vs Li, assumed 3.5
    anode overfilled   lithium plates                          PLATING_V    0 V vs Li by definition
    cathode overfilled lithium plates on the cathode           PLATING_V
    cathode emptied    electrolyte oxidises                    OXIDATION_V  assumed

A blend also says which reaction carries the current: two stores of charge in parallel at potential U share it as
1 - s : s with s = exp((U - COPPER_V) / BLEND_V), and likewise at the other ends (`packsim/cell/beyond` counts copper by it).

Down to 0 V of the cell this agrees with PyBaMM's SPMe and DFN; beyond, it is postulated: docs/beyond.md.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from packsim.cell.electrodes.kernels import OCP_EDGES, OCP_INTERVALS, Design

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
    # the derivative of log(1 + e^z) is the logistic weight, written so that nothing overflows
    return held_below(value, slope * np.exp(-np.logaddexp(0.0, -over_low)), high_v)


def held_below(potential: Array, slope: Array, high_v: float) -> tuple[Array, Array]:
    """Potential held smoothly below high_v, with the slope that belongs to it."""
    under_high = (high_v - potential) / BLEND_V
    return high_v - BLEND_V * np.logaddexp(0.0, under_high), slope * np.exp(-np.logaddexp(0.0, -under_high))


def monotone(sto: Array, potential: Array, slope: Array) -> Array:
    """Slopes of the end pieces held where the cubic between two nodes cannot overshoot (Fritsch and Carlson 1980).

    A blend turns within 5 mV, the asymptotes before it rise by up to 0.6 V from node to node: without this the
    potential overshoots a bound by up to 0.07 V (Prada2013's cathode).
    """
    secant = np.diff(potential) / np.diff(sto)
    left, right = np.append(secant[0], secant), np.append(secant, secant[-1])
    steepest = np.where(left * right > 0.0, 3.0 * np.minimum(np.abs(left), np.abs(right)), 0.0)
    held = np.clip(slope, np.minimum(np.sign(left) * steepest, 0.0), np.maximum(np.sign(left) * steepest, 0.0))
    ends = (sto <= OCP_EDGES[1]) | (sto >= OCP_EDGES[2])
    return np.where(ends, held, slope)


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
    return cubic_rows(sto, value, monotone(sto, value, value_slope))


def with_copper_potential(design: Design, copper_v: float) -> Design:
    """The design with copper dissolving at another potential vs Li; inside the window nothing changes.

    The anode's own potential is taken back out of the blend; where copper had replaced it, it is beyond any bound.

    Raises:
        ValueError: a potential outside 2.5..5.5 V, where the anode's own curve would be cut or lost.
    """
    if not 2.5 <= copper_v <= 5.5:
        raise ValueError(f"copper_potential_v must be within 2.5..5.5 V vs Li, got {copper_v!r}")
    if design.is_table or copper_v == design.ocp_n[0, 0]:
        return design
    sto, rows = grid(), design.ocp_n
    h = np.diff(sto)
    value = np.append(rows[:, 0], rows[-1].sum())
    slope = np.append(rows[:, 1] / h, (rows[-1, 1] + 2.0 * rows[-1, 2] + 3.0 * rows[-1, 3]) / h[-1])
    gap = (rows[0, 0] - value) / BLEND_V
    free = gap > 1e-9
    gap = np.where(free, gap, 1.0)
    share = -np.expm1(-gap)  # of the current that lithium carried in the old blend
    own = np.where(free, value - BLEND_V * np.log(share), 1e3)
    moved, moved_slope = held_below(own, np.where(free, slope / share, 0.0), copper_v)
    return design._replace(ocp_n=cubic_rows(sto, moved, monotone(sto, moved, moved_slope)))

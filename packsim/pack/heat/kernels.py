"""One step of the cells' temperatures: conduction, coolant with its direction, ambient (compiled; docs/heat.md).

Implicit Euler. Cells and coolant along the coolant's path are eliminated together, place by place, so nothing lags and
energy is conserved to rounding. Conduction across rows enters by a correction of Douglas' kind: a steady state does not
depend on the step length.
"""

from typing import NamedTuple

import numpy as np

from packsim.numerics.fastmath import exp_fast
from packsim.numerics.jit import kernel


class Thermal(NamedTuple):
    """Thermal network of a pack of n cells (SI). A place is a position along the coolant's path."""

    order: np.ndarray  # int64[n] the cell at each place
    stream: np.ndarray  # int64[n] the coolant stream that passes this place; counts up along the path
    along: np.ndarray  # [n] W/K from a place to the next one; the last has none
    across: float  # W/K between cells j and j + cells_per_row
    cells_per_row: int
    ambient_w_per_k: np.ndarray  # [n] W/K of each cell to ambient
    contact_w_per_k: float  # cell to coolant; 0: no coolant
    flow_w_per_k: float  # mass flow times specific heat of each stream
    streams: int
    inlet_s: np.ndarray  # [m] increasing
    inlet_k: np.ndarray  # [m] coolant inlet temperature, straight between the times, held beyond
    ambient_k: float
    start_k: float  # temperature of cells at the start
    capacity_j_per_k: float  # of a nominal cell if the scenario gives one; nan: the cell's own


N_SCRATCH = 6  # rows: p, r of T = p + r T_next; f, s of the coolant's temperature; step start; conduction across rows


@kernel
def inlet_at(thermal, time_s):
    """Coolant inlet temperature [K] at a time."""
    last = thermal.inlet_s.shape[0] - 1
    if time_s <= thermal.inlet_s[0]:
        return thermal.inlet_k[0]
    for k in range(last):
        if time_s < thermal.inlet_s[k + 1]:
            share = (time_s - thermal.inlet_s[k]) / (thermal.inlet_s[k + 1] - thermal.inlet_s[k])
            return thermal.inlet_k[k] + share * (thermal.inlet_k[k + 1] - thermal.inlet_k[k])
    return thermal.inlet_k[last]


@kernel
def advance_temperature(temperature, coolant, heat_w, capacity, inlet_k, ambient_k, flow_factor, dt, thermal, scratch):
    """Temperatures [cell] after dt (in place), with heat_w[cell] held over the step; returns what was carried off.

    Args:
        temperature, heat_w, capacity: [n] K, W, J/K, by cell.
        coolant: [n] K out, the coolant's temperature as it leaves each cell.
        inlet_k, ambient_k: K, held over the step.
        flow_factor: [streams] of the nominal flow; 0: the coolant of that stream stands and carries nothing.
        scratch: [N_SCRATCH, n].

    Returns:
        (J taken by the coolant, J taken by ambient); sum(heat_w) dt = sum(capacity * rise) + both, to rounding.
    """
    n, w = temperature.shape[0], thermal.cells_per_row
    start, exchange = scratch[4], scratch[5]
    for j in range(n):
        start[j] = temperature[j]
        exchange[j] = 0.0
    crossed = thermal.across > 0.0 and w < n
    if crossed:
        for j in range(n - w):
            flow = thermal.across * (temperature[j] - temperature[j + w])
            exchange[j] -= flow
            exchange[j + w] += flow
    along_path(temperature, coolant, heat_w, capacity, inlet_k, ambient_k, flow_factor, dt, thermal, scratch)
    coolant_j, ambient_j = carried(temperature, coolant, inlet_k, ambient_k, flow_factor, dt, thermal)
    if crossed:
        across_rows(temperature, capacity, dt, thermal, scratch)
    return coolant_j, ambient_j


@kernel
def effect(thermal, factor):
    """Coolant of one stream: W/K that its flow carries, and the share of a cell's temperature difference it takes up."""
    carries = thermal.flow_w_per_k * factor
    if carries <= 0.0 or thermal.contact_w_per_k <= 0.0:
        return 0.0, 0.0
    return carries, 1.0 - exp_fast(-thermal.contact_w_per_k / carries)


@kernel
def along_path(temperature, coolant, heat_w, capacity, inlet_k, ambient_k, flow_factor, dt, thermal, scratch):
    """Implicit step along the coolant's path: elimination forward, substitution backward, two unknowns a place."""
    n = temperature.shape[0]
    p, r, f, s, exchange = scratch[0], scratch[1], scratch[2], scratch[3], scratch[5]
    carries, share = 0.0, 0.0
    for k in range(n):
        cell = thermal.order[k]
        new = k == 0 or thermal.stream[k] != thermal.stream[k - 1]
        if new:
            carries, share = effect(thermal, flow_factor[thermal.stream[k]])
        # the coolant arrives at a + b T of this cell, whose share of the place before is already eliminated
        a, b = (inlet_k, 0.0) if new else (f[k - 1], s[k - 1])
        behind = 0.0 if k == 0 else thermal.along[k - 1]
        p_behind, r_behind = (0.0, 0.0) if k == 0 else (p[k - 1], r[k - 1])
        ahead = thermal.along[k] if k < n - 1 else 0.0
        per_k, open_air, taken = capacity[cell] / dt, thermal.ambient_w_per_k[cell], carries * share
        diagonal = per_k + ahead + behind * (1.0 - r_behind) + open_air + taken * (1.0 - b)
        right = per_k * temperature[cell] + heat_w[cell] + exchange[cell]
        right += behind * p_behind + open_air * ambient_k + taken * a
        p[k], r[k] = right / diagonal, ahead / diagonal
        a, b = (1.0 - share) * a, (1.0 - share) * b + share  # as it leaves
        f[k], s[k] = a + b * p[k], b * r[k]
    following = 0.0
    for k in range(n - 1, -1, -1):
        following = p[k] + r[k] * following
        temperature[thermal.order[k]] = following
    arrives = inlet_k
    for k in range(n):
        if k == 0 or thermal.stream[k] != thermal.stream[k - 1]:
            arrives = inlet_k
            carries, share = effect(thermal, flow_factor[thermal.stream[k]])
        arrives += share * (temperature[thermal.order[k]] - arrives)
        coolant[thermal.order[k]] = arrives


@kernel
def carried(temperature, coolant, inlet_k, ambient_k, flow_factor, dt, thermal):
    """Heat [J] that coolant and ambient took in a step that ended at these temperatures."""
    n = temperature.shape[0]
    coolant_w, ambient_w, carries, arrives = 0.0, 0.0, 0.0, inlet_k
    for k in range(n):
        cell = thermal.order[k]
        if k == 0 or thermal.stream[k] != thermal.stream[k - 1]:
            arrives = inlet_k
            carries, _ = effect(thermal, flow_factor[thermal.stream[k]])
        coolant_w += carries * (coolant[cell] - arrives)
        ambient_w += thermal.ambient_w_per_k[cell] * (temperature[cell] - ambient_k)
        arrives = coolant[cell]
    return coolant_w * dt, ambient_w * dt


@kernel
def across_rows(temperature, capacity, dt, thermal, scratch):
    """Implicit correction for conduction across rows: (capacity/dt - A) d = capacity/dt (path's result - start)."""
    n, w, conducts = temperature.shape[0], thermal.cells_per_row, thermal.across
    p, r, start = scratch[0], scratch[1], scratch[4]
    for j in range(n):  # forward down every column
        behind = conducts if j >= w else 0.0
        ahead = conducts if j + w < n else 0.0
        p_behind, r_behind = (p[j - w], r[j - w]) if j >= w else (0.0, 0.0)
        per_k = capacity[j] / dt
        diagonal = per_k + ahead + behind * (1.0 - r_behind)
        p[j] = (per_k * (temperature[j] - start[j]) + behind * p_behind) / diagonal
        r[j] = ahead / diagonal
    for j in range(n - 1, -1, -1):
        if j + w < n:
            p[j] += r[j] * p[j + w]
        temperature[j] = start[j] + p[j]


@kernel
def spread_k(temperature):
    """Hottest minus coldest cell [K]."""
    low, high = temperature[0], temperature[0]
    for j in range(temperature.shape[0]):
        low, high = min(low, temperature[j]), max(high, temperature[j])
    return high - low

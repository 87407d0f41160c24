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


N_SCRATCH = 4  # rows: p and r of T = p + r T_next; heat and conduction across rows; temperatures at the step's start


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

    A step of 0 only finds the coolant's temperatures.

    Args:
        temperature, heat_w, capacity: [n] K, W, J/K, by cell.
        coolant: [n] K out, the coolant's temperature as it leaves each cell.
        inlet_k, ambient_k: K, held over the step.
        flow_factor: [streams] of the nominal flow; 0: the coolant of that stream stands and carries nothing.
        scratch: [N_SCRATCH, n].

    Returns:
        (J taken by the coolant, J taken by ambient); sum(heat_w) dt = sum(capacity * rise) + both, to rounding.
    """
    if dt <= 0.0:
        carried(temperature, coolant, inlet_k, ambient_k, flow_factor, thermal)
        return 0.0, 0.0
    n, w = temperature.shape[0], thermal.cells_per_row
    given, start = scratch[2], scratch[3]
    for j in range(n):
        given[j] = heat_w[j]
    crossed = thermal.across > 0.0 and w < n
    if crossed:
        for j in range(n):
            start[j] = temperature[j]
        for j in range(n - w):
            flow = thermal.across * (temperature[j] - temperature[j + w])
            given[j] -= flow
            given[j + w] += flow
    along_path(temperature, inlet_k, ambient_k, capacity, flow_factor, dt, thermal, scratch)
    coolant_w, ambient_w = carried(temperature, coolant, inlet_k, ambient_k, flow_factor, thermal)
    if crossed:
        across_rows(temperature, capacity, dt, thermal, scratch)
    return coolant_w * dt, ambient_w * dt


@kernel
def effect(thermal, factor):
    """Coolant of one stream: W/K that its flow carries, and the share of a cell's temperature difference it takes up."""
    carries = thermal.flow_w_per_k * factor
    if carries <= 0.0 or thermal.contact_w_per_k <= 0.0:
        return 0.0, 0.0
    return carries, 1.0 - exp_fast(-thermal.contact_w_per_k / carries)


@kernel
def along_path(temperature, inlet_k, ambient_k, capacity, flow_factor, dt, thermal, scratch):
    """Implicit step along the coolant's path: elimination forward, substitution backward, two unknowns a place."""
    n, per_dt = temperature.shape[0], 1.0 / dt
    p, r, given = scratch[0], scratch[1], scratch[2]
    carries, share = 0.0, 0.0
    a, b = inlet_k, 0.0  # coolant as it leaves the place before, a + b T of that place's successor
    behind, p_behind, r_behind = 0.0, 0.0, 0.0
    for k in range(n):
        cell = thermal.order[k]
        if k == 0 or thermal.stream[k] != thermal.stream[k - 1]:
            carries, share = effect(thermal, flow_factor[thermal.stream[k]])
            a, b = inlet_k, 0.0
        ahead = thermal.along[k]
        per_k, open_air, taken = capacity[cell] * per_dt, thermal.ambient_w_per_k[cell], carries * share
        inverse = 1.0 / (per_k + ahead + behind * (1.0 - r_behind) + open_air + taken * (1.0 - b))
        right = per_k * temperature[cell] + given[cell] + behind * p_behind + open_air * ambient_k + taken * a
        p_behind, r_behind, behind = right * inverse, ahead * inverse, ahead
        a, b = (1.0 - share) * a, (1.0 - share) * b + share  # as it leaves, in T of this cell ...
        a, b = a + b * p_behind, b * r_behind  # ... and in T of the next one
        p[k], r[k] = p_behind, r_behind
    following = 0.0
    for k in range(n - 1, -1, -1):
        following = p[k] + r[k] * following
        temperature[thermal.order[k]] = following


@kernel
def carried(temperature, coolant, inlet_k, ambient_k, flow_factor, thermal):
    """Coolant temperatures [cell] at these cell temperatures, and the power [W] that coolant and ambient take."""
    coolant_w, ambient_w = 0.0, 0.0
    carries, share, arrives = 0.0, 0.0, inlet_k
    for k in range(temperature.shape[0]):
        cell = thermal.order[k]
        if k == 0 or thermal.stream[k] != thermal.stream[k - 1]:
            carries, share = effect(thermal, flow_factor[thermal.stream[k]])
            arrives = inlet_k
        rise = share * (temperature[cell] - arrives)
        arrives += rise
        coolant[cell] = arrives
        coolant_w += carries * rise
        ambient_w += thermal.ambient_w_per_k[cell] * (temperature[cell] - ambient_k)
    return coolant_w, ambient_w


@kernel
def across_rows(temperature, capacity, dt, thermal, scratch):
    """Implicit correction for conduction across rows: (capacity/dt - A) d = capacity/dt (path's result - start)."""
    n, w, conducts, per_dt = temperature.shape[0], thermal.cells_per_row, thermal.across, 1.0 / dt
    p, r, start = scratch[0], scratch[1], scratch[3]
    for j in range(n):  # forward down every column
        behind = conducts if j >= w else 0.0
        ahead = conducts if j + w < n else 0.0
        p_behind, r_behind = (p[j - w], r[j - w]) if j >= w else (0.0, 0.0)
        per_k = capacity[j] * per_dt
        inverse = 1.0 / (per_k + ahead + behind * (1.0 - r_behind))
        p[j] = (per_k * (temperature[j] - start[j]) + behind * p_behind) * inverse
        r[j] = ahead * inverse
    for j in range(n - 1, -1, -1):
        if j + w < n:
            p[j] += r[j] * p[j + w]
        temperature[j] = start[j] + p[j]

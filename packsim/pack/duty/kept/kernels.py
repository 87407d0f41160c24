"""What is kept of a running pack: a row a protocol step, extremes, and accepted steps (compiled)."""

from typing import NamedTuple

import numpy as np

from packsim.cell import kernels as cell
from packsim.cell.electrodes.kernels import X_N
from packsim.cell.heat import kernels as cell_heat
from packsim.numerics import pace
from packsim.numerics.jit import kernel


class Kept(NamedTuple):
    """What is kept of one pack: a row a protocol step, and extremes."""

    ended_by: np.ndarray  # int8[q]
    time_s: np.ndarray  # [q]
    charge_ah: np.ndarray  # [q] discharged
    energy_wh: np.ndarray  # [q]
    end_v: np.ndarray  # [q, g]
    end_soc: np.ndarray  # [q, g] state of charge of each group, 1 = its own upper cut-off at rest
    below_s: np.ndarray  # [q, k, g] time below the thresholds
    below_ah: np.ndarray  # [q, g] drawn from each group while it is below the first of them
    highest_v: np.ndarray  # [g] over the whole run
    lowest_v: np.ndarray  # [g]
    hottest_k: np.ndarray  # [1] over the whole run
    steps: np.ndarray  # int64[2] accepted, tried


class Trace(NamedTuple):
    """Every accepted step while there is room; arrays of zero columns keep nothing."""

    time_s: np.ndarray  # [m]
    step: np.ndarray  # int32[m] protocol step
    current_a: np.ndarray  # [m]
    voltage_v: np.ndarray  # [m]
    group_v: np.ndarray  # [g, m]
    reading_v: np.ndarray  # [s, m]
    hottest_k: np.ndarray  # [m]
    cell_a: np.ndarray  # [n, m] or [0, m]
    cell_v: np.ndarray  # likewise
    cell_k: np.ndarray  # likewise
    cell_soc: np.ndarray  # likewise
    soc: np.ndarray  # [m] the BMS's estimate
    ambient_k: np.ndarray  # [m]
    given_ah: np.ndarray  # [m] discharged since the protocol began
    used: np.ndarray  # int64[1]


@kernel
def keep_step(
    highest, lowest, below, below_ah, q, group_v, first, current, thresholds, highest_v, before, per_second, step, last
):
    """Extremes of an accepted step, times below thresholds, and the charge that groups below the first one gave.

    No threshold is above highest_v.
    """
    for g in range(before.shape[0]):
        v = group_v[g]
        highest[g], lowest[g] = max(highest[g], v), min(lowest[g], v)
        under = min(v, before[g])
        if step == 0.0 or under >= highest_v:
            continue
        sagging = pace.sag(before[g], per_second[g], step, last, v)
        if under < thresholds[0]:
            through = 0.0
            for j in range(first[g], first[g + 1]):  # groups are the first nodes, their cells the first children
                through += current[j]
            below_s = step * pace.part_below(before[g], v, sagging, thresholds[0])
            below_ah[q, g] += max(through, 0.0) * below_s / 3600.0
        for k in range(thresholds.shape[0]):
            if under < thresholds[k]:
                below[q, k, g] += step * pace.part_below(before[g], v, sagging, thresholds[k])


@kernel
def keep_end(kept, q, group_v, groups, first, state, window, is_table):
    """Voltage and state of charge of each group at the end of protocol step q."""
    for g in range(groups):
        charge, capacity = 0.0, 0.0
        for j in range(first[g], first[g + 1]):
            soc = state[X_N, j]
            if not is_table:
                soc = (soc - window[0, j]) / (window[1, j] - window[0, j])
            charge += soc * window[4, j]
            capacity += window[4, j]
        kept.end_v[q, g], kept.end_soc[q, g] = group_v[g], charge / capacity


@kernel
def note_sample(trace, t, k, total, own, design, heating, readings, soc, hottest_k, around_k, given_ah):
    """Write an accepted step into the trace."""
    at = trace.used[0]
    if at >= trace.time_s.shape[0]:
        return
    nodes = own.work
    trace.time_s[at], trace.step[at], trace.current_a[at] = t, k, total
    trace.voltage_v[at] = nodes.node_v[nodes.node_v.shape[0] - 1]
    trace.soc[at], trace.ambient_k[at], trace.given_ah[at] = soc, around_k, given_ah
    for g in range(trace.group_v.shape[0]):
        trace.group_v[g, at] = nodes.node_v[g]
    for s in range(trace.reading_v.shape[0]):
        trace.reading_v[s, at] = readings[s]
    trace.hottest_k[at] = hottest_k
    if trace.cell_a.shape[0] > 0:  # voltages of the cells themselves at their currents, not of their linearisation
        lane, n = own.lane, own.leak_a.shape[0]
        cell.respond(lane.emf, lane.slope, lane.current, lane.work, lane.coef, design, 0, n)
        if heating.on and heating.has_entropy:
            cell_heat.entropic(lane.emf, lane.current, lane.work, design, own.heats.temperature_k, 0, n)
    for j in range(trace.cell_a.shape[0]):
        trace.cell_a[j, at] = own.lane.current[j]
        trace.cell_v[j, at] = own.lane.emf[j] - own.lane.slope[j] * own.lane.current[j]
        trace.cell_k[j, at] = own.heats.temperature_k[j]
        soc_j = own.lane.state[X_N, j]
        if not design.is_table:
            soc_j = (soc_j - own.window[0, j]) / (own.window[1, j] - own.window[0, j])
        trace.cell_soc[j, at] = soc_j
    trace.used[0] = at + 1

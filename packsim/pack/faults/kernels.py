"""Injected faults take effect; faults of any origin are found by what can be seen of them (compiled).

`find` never looks at the list of injected faults: it compares currents, resistances, leakage, readings and coolant of the
running pack with what a sound pack can show, so that what the line built wrong is found as well.
"""

import math
from typing import NamedTuple

import numpy as np

from packsim.cell.electrodes.kernels import LEAK
from packsim.numerics.jit import kernel

OPEN_WELD, HIGH_JOINT, SOFT_SHORT, STUCK_SENSOR, DEAD_SENSOR, COOLANT_LOSS = range(6)
KINDS = 6


class Faults(NamedTuple):
    """Injected faults in the order of their times; `pack` -1 means every pack."""

    time_s: np.ndarray  # [f]
    kind: np.ndarray  # int8[f]
    pack: np.ndarray  # int64[f]
    place: np.ndarray  # int32[f] cell, or sensor; unused for the coolant
    value: np.ndarray  # [f] ohm in series (joint) or across the cell (short)


class Limits(NamedTuple):
    """From where on something counts as a fault."""

    joint_ohm: np.ndarray  # [n] weld and joint of each cell together
    short_a: float  # leakage inside a cell
    sensor_v: float  # error of a reading
    coolant_k: float  # hottest cell above the inlet while the coolant takes no heat


class Log(NamedTuple):
    """Alarms of the BMS, in order."""

    time_s: np.ndarray  # [cap]
    code: np.ndarray  # int16[cap]
    place: np.ndarray  # int32[cap]
    value: np.ndarray  # [cap]
    lines: np.ndarray  # int64[1]


FOUND = 10  # + kind of fault: codes of the log; below: limits of the BMS


@kernel
def note_alarm(log, t, code, place, value):
    """Add a line to the log; when it is full, only count."""
    at = log.lines[0]
    if at < log.time_s.shape[0]:
        log.time_s[at], log.code[at], log.place[at], log.value[at] = t, code, place, value
    log.lines[0] = at + 1


@kernel
def once(found, log, t, kind, place, value):
    """Log a fault the first time it is seen."""
    if not found[kind, place]:
        found[kind, place] = True
        note_alarm(log, t, FOUND + kind, place, value)


@kernel
def inject(faults, first, t, pack, child_ohm, short_s, stuck_v, dead, reading, flow):
    """Let faults number `first`.. whose time has come take effect; returns (next fault, whether one did)."""
    changed = False
    while first < faults.time_s.shape[0] and faults.time_s[first] <= t:
        kind, place, value = faults.kind[first], faults.place[first], faults.value[first]
        if faults.pack[first] < 0 or faults.pack[first] == pack:
            if kind == OPEN_WELD:
                child_ohm[place] = math.inf
            elif kind == HIGH_JOINT:
                child_ohm[place] += value
            elif kind == SOFT_SHORT:
                short_s[place] += 1.0 / value
            elif kind == STUCK_SENSOR:
                stuck_v[place] = reading[place]
            elif kind == DEAD_SENSOR:
                dead[place] = True
            else:
                for stream in range(flow.shape[0]):
                    flow[stream] = 0.0
            changed = True
        first += 1
    return first, changed


@kernel
def suspicious(lane, child_ohm, weld_ohm, limits, reading, node_v, node, per_cell):
    """Whether anything is beyond a limit; cheap, so that `find` is called only where there is something to find."""
    leak, joint_limit = lane.coef[LEAK], limits.joint_ohm
    bad = False
    for j in range(weld_ohm.shape[0]):
        bad = bad or child_ohm[j] + weld_ohm[j] > joint_limit[j] or leak[j] > limits.short_a
    for s in range(reading.shape[0]):
        bad = bad or not abs(reading[s] - node_v[node[s]] * per_cell[s]) <= limits.sensor_v  # nan: a dead sensor
    return bad


@kernel
def uncooled(heats, limits, cooled, inlet_k):
    """Whether cells are hot while the coolant takes no heat."""
    if not cooled:
        return False
    coolant, temperature = heats.coolant_k, heats.temperature_k
    taken, hottest = 0.0, temperature[0]
    for j in range(temperature.shape[0]):
        taken = max(taken, abs(coolant[j] - inlet_k))
        hottest = max(hottest, temperature[j])
    return taken == 0.0 and hottest > inlet_k + limits.coolant_k


@kernel
def find(found, log, t, own, net, bms, limits, cooled, inlet_k, total, zero_a):
    """Faults of any origin, by what they do now; each is logged once, where and when it is first seen."""
    current, leak = own.lane.current, own.lane.coef[LEAK]
    for j in range(current.shape[0]):
        joint = own.joints.child_ohm[j]
        if joint == math.inf:
            if current[j] == 0.0 and abs(total) > zero_a:
                once(found, log, t, OPEN_WELD, j, 0.0)
        elif joint + own.weld_ohm[j] > limits.joint_ohm[j] and abs(current[j]) > zero_a:
            once(found, log, t, HIGH_JOINT, j, joint + own.weld_ohm[j])
        if leak[j] > limits.short_a:
            once(found, log, t, SOFT_SHORT, j, leak[j])
    memory = own.memory
    for s in range(memory.reading.shape[0]):
        if math.isnan(memory.reading[s]):
            once(found, log, t, DEAD_SENSOR, s, 0.0)
            continue
        wrong = memory.reading[s] - own.work.node_v[bms.node[s]] * bms.per_cell[s]
        if abs(wrong) > limits.sensor_v:
            once(found, log, t, STUCK_SENSOR, s, wrong)
    if cooled and uncooled(own.heats, limits, True, inlet_k):
        hottest_k = 0.0
        for j in range(own.heats.temperature_k.shape[0]):
            hottest_k = max(hottest_k, own.heats.temperature_k[j])
        once(found, log, t, COOLANT_LOSS, 0, hottest_k - inlet_k)


@kernel
def find_open(found, log, t, own, net):
    """The joints that leave a pack without a way for its current."""
    for j in range(own.weld_ohm.shape[0]):
        if own.joints.child_ohm[j] == math.inf:
            once(found, log, t, OPEN_WELD, j, 0.0)

"""Sensors, limits, derating, state-of-charge estimate and passive balancing of one pack (compiled).

A sensor sits on a node of the network and reads that node's voltage per cell in series. Discharge current is positive.
"""

import math
from typing import NamedTuple

import numpy as np

from packsim.numerics.jit import inlined_kernel, kernel
from packsim.numerics.streams import normals_from_words, philox4x32

UNDER_VOLTAGE, OVER_VOLTAGE, OVER_TEMPERATURE, OVER_CURRENT = range(4)  # limits
LIMITS = 4
CHARGING, RESTING, DISCHARGING = 1, 2, 4  # bits of Bms.bleed_when
GUARD_SIGMAS = 6.0  # noise further out than this is not waited for: 1e-9 a reading
CURRENT_ZERO = 1e-6  # of the rated pack's current: less is rest
BLEED_STEP_S = 1.0  # shortest step for the sake of balancing
FIRST_BLEED_S = 30.0  # first step after a resistor was switched on
LONGEST_BLEED_S = 300.0  # ... and any other while one is on: groups are compared at the ends of steps
DERATE_TAU_S = 10.0  # lag of derating, so that it does not chase its own voltage (assumed)

# entries of Memory.scalars; LOW, HIGH: outermost readings (nan: every sensor dead), then which sensors show them
SOC, REST_S, CHARGE_FACTOR, DISCHARGE_FACTOR, LOW, HIGH, LOW_AT, HIGH_AT = range(8)
N_SCALARS = 8


class Limits(NamedTuple):
    """When the BMS acts. Voltages per cell; inf: not watched."""

    always: bool  # watches all the time, without noise; else at samples
    lower_v: float
    upper_v: float
    over_temperature_k: float
    charge_limit_a: float  # both positive
    discharge_limit_a: float


class Bms(NamedTuple):
    """What is the same for all packs of a run (SI). A delay needs a sampling period."""

    limits: Limits

    node: np.ndarray  # uint32[s] node of the network under each sensor
    per_cell: np.ndarray  # [s] 1 / cells in series between its terminals
    every_part: bool  # False: one sensor on the whole pack
    delay_s: np.ndarray  # [LIMITS]
    sampling_s: float  # 0: watches all the time, without noise
    noise_v: float  # sd of each sample of a voltage
    resolution_v: float  # 0: exact
    temperature_noise_k: float
    current_offset_a: float  # of the current sensor
    capacity_ah: float  # rated, of the pack: what the estimate counts against
    rest_for_ocv_s: float  # rest after which the estimate is read off the voltage; inf: never
    ocv: np.ndarray  # [m] open-circuit voltage of the nominal cell at even SOC 0..1
    bleed_a: float  # 0: no balancing
    bleed_start_v: float  # above the lowest reading
    bleed_stop_v: float
    bleed_above_v: float
    bleed_when: int
    derate_v: float  # current falls over this distance from a voltage limit; 0: no derating
    derate_k: float
    derate_floor: float
    key0: int
    key1: int
    purpose: int  # of the noise; address (block, sample, pack * (s + 1) + sensor)


class Memory(NamedTuple):
    """What the BMS of one pack remembers."""

    reading: np.ndarray  # [s] readings without noise, V a cell
    before_v: np.ndarray  # [s] those of the last accepted step
    offset_v: np.ndarray  # [s]
    stuck_v: np.ndarray  # [s] nan: the sensor follows
    dead: np.ndarray  # bool[s]
    offset_k: np.ndarray  # [1] of the hottest reading
    over_s: np.ndarray  # [LIMITS] how long each limit has been passed
    trial_s: np.ndarray  # [LIMITS]
    bleeding: np.ndarray  # bool[g]
    excess_v: np.ndarray  # [g] reading above where bleeding ends
    scalars: np.ndarray  # [N_SCALARS]


@kernel
def read(memory, bms, node_v, node_r, drain_a):
    """Readings without noise: true voltage per cell, offset, stuck value; a dead sensor reads nan.

    Voltages are taken with the bleed resistors switched off, as balancing chips do.
    """
    reading, offset, stuck, dead = memory.reading, memory.offset_v, memory.stuck_v, memory.dead
    node, per_cell = bms.node, bms.per_cell
    for s in range(node.shape[0]):
        k = node[s]
        v = node_v[k]
        if drain_a[k] != 0.0 and node_r[k] < math.inf:
            v += node_r[k] * drain_a[k]
        value = v * per_cell[s] + offset[s] if math.isnan(stuck[s]) else stuck[s]
        reading[s] = math.nan if dead[s] else value
    outermost(memory)


@kernel
def outermost(memory):
    """Lowest and highest reading and their sensors, into the scalars."""
    reading, scalars = memory.reading, memory.scalars
    low, high, low_at, high_at = math.inf, -math.inf, -1, -1
    for s in range(reading.shape[0]):
        if reading[s] < low:
            low, low_at = reading[s], s
        if reading[s] > high:
            high, high_at = reading[s], s
    scalars[LOW], scalars[HIGH] = (low, high) if low_at >= 0 else (math.nan, math.nan)
    scalars[LOW_AT], scalars[HIGH_AT] = low_at, high_at


@kernel
def sample(memory, bms, block, pack, number, share):
    """Lowest and highest reading of sample `number`, taken at `share` of the way from the last accepted readings to the new.

    Between accepted steps voltages run straight: steps change them by less than 30 mV. Noise and resolution are added.
    """
    before, after, sensors = memory.before_v, memory.reading, bms.node.shape[0]
    low, high = math.inf, -math.inf
    for s in range(sensors):
        value = before[s] + share * (after[s] - before[s])
        if math.isnan(value):
            continue
        if math.isnan(memory.stuck_v[s]):
            if bms.noise_v > 0.0:
                words = philox4x32(number, block, pack * (sensors + 1) + s, bms.purpose, bms.key0, bms.key1)
                value += bms.noise_v * normals_from_words(words[0], words[1])[0]
            if bms.resolution_v > 0.0:
                value = bms.resolution_v * math.floor(value / bms.resolution_v + 0.5)
        low, high = min(low, value), max(high, value)
    return low, high


@kernel
def scan(memory, bms, block, pack, t, step, total, hottest_k):
    """Look at every sample within a trial step from t on: (time from t, limit) of the first that trips, or (inf, -1).

    Without a trip the times over the limits are kept; with one the step is to be taken again up to that sample.
    """
    over, trial = memory.over_s, memory.trial_s
    for limit in range(LIMITS):
        trial[limit] = over[limit]
    number = math.floor(t / bms.sampling_s + 1e-6) + 1
    while number * bms.sampling_s - t <= step * (1.0 + 1e-9):
        since = number * bms.sampling_s - t
        low, high = sample(memory, bms, block, pack, number, min(since / step, 1.0))
        seen_k = hottest_k + temperature_noise(bms, block, pack, number)
        for limit in range(LIMITS):
            if not beyond_limit(limit, low, high, bms.limits, total, seen_k) >= 0.0:
                trial[limit] = 0.0
                continue
            # the first sample beyond starts the clock, which then must not be taken for one that stands
            trial[limit] = trial[limit] + bms.sampling_s if trial[limit] > 0.0 else 1e-12
            if trial[limit] + 1e-9 >= bms.delay_s[limit]:
                return since, limit
        number += 1
    for limit in range(LIMITS):
        over[limit] = trial[limit]
    return math.inf, -1


@kernel
def temperature_noise(bms, block, pack, sample):
    """Noise of the hottest temperature reading of this sample."""
    if bms.temperature_noise_k == 0.0:
        return 0.0
    sensors = bms.node.shape[0]
    words = philox4x32(sample, block, pack * (sensors + 1) + sensors, bms.purpose, bms.key0, bms.key1)
    return bms.temperature_noise_k * normals_from_words(words[0], words[1])[0]


@inlined_kernel
def beyond_limit(limit, low, high, limits, total, hottest_k):
    """How far a limit is passed (>= 0) or ahead (< 0): volts, kelvin or amperes. -inf where it does not apply."""
    if limit == UNDER_VOLTAGE:
        return limits.lower_v - low if total > 0.0 and not math.isnan(low) else -math.inf
    if limit == OVER_VOLTAGE:
        return high - limits.upper_v if total < 0.0 and not math.isnan(high) else -math.inf
    if limit == OVER_TEMPERATURE:
        return hottest_k - limits.over_temperature_k
    return total - limits.discharge_limit_a if total >= 0.0 else -total - limits.charge_limit_a


@inlined_kernel
def guard(limit, bms):
    """Distance from a limit within which a sample could show it passed although the truth has not."""
    if limit <= OVER_VOLTAGE:
        return GUARD_SIGMAS * bms.noise_v + bms.resolution_v
    return GUARD_SIGMAS * bms.temperature_noise_k if limit == OVER_TEMPERATURE else 0.0


@kernel
def hot(memory, bms, total, hottest_k):
    """Whether some limit is so near, or being timed, that every sample has to be looked at."""
    over, low, high = memory.over_s, memory.scalars[LOW], memory.scalars[HIGH]
    for limit in range(LIMITS):
        if over[limit] > 0.0 or beyond_limit(limit, low, high, bms.limits, total, hottest_k) >= -guard(limit, bms):
            return True
    return False


@kernel
def estimate(memory, bms, total, dt, zero_a):
    """Coulomb counting with the current sensor's offset, and a reset by the open-circuit voltage after a long rest."""
    scalars = memory.scalars
    scalars[SOC] -= (total + bms.current_offset_a) * dt / (3600.0 * bms.capacity_ah)
    scalars[REST_S] = scalars[REST_S] + dt if abs(total) <= zero_a else 0.0
    if scalars[REST_S] < bms.rest_for_ocv_s:
        return
    count, mean, reading = 0, 0.0, memory.reading
    for s in range(reading.shape[0]):
        if not math.isnan(reading[s]):
            mean += reading[s]
            count += 1
    if count:
        scalars[SOC] = soc_at(bms.ocv, mean / count)
        scalars[REST_S] = 0.0


@kernel
def soc_at(ocv, voltage):
    """SOC at which the rising table `ocv` (even in SOC 0..1) has `voltage`; held at the ends."""
    low, high = 0, ocv.shape[0] - 1
    if voltage <= ocv[low]:
        return 0.0
    if voltage >= ocv[high]:
        return 1.0
    while high - low > 1:
        middle = (low + high) // 2
        if ocv[middle] <= voltage:
            low = middle
        else:
            high = middle
    return (low + (voltage - ocv[low]) / (ocv[high] - ocv[low])) / (ocv.shape[0] - 1)


@kernel
def derate(memory, bms, hottest_k, dt):
    """Move the factors on charge and discharge current towards what the readings allow; returns the smaller."""
    if bms.derate_v == 0.0 and bms.derate_k == 0.0:
        return 1.0
    scalars = memory.scalars
    charge, discharge = 1.0, 1.0
    if bms.derate_v > 0.0 and not math.isnan(scalars[LOW]):
        discharge = min(1.0, (scalars[LOW] - bms.limits.lower_v) / bms.derate_v)
        charge = min(1.0, (bms.limits.upper_v - scalars[HIGH]) / bms.derate_v)
    if bms.derate_k > 0.0:
        warm = (bms.limits.over_temperature_k - hottest_k) / bms.derate_k
        discharge, charge = min(discharge, warm), min(charge, warm)
    share = 1.0 - math.exp(-dt / DERATE_TAU_S)
    scalars[DISCHARGE_FACTOR] += share * (max(discharge, bms.derate_floor) - scalars[DISCHARGE_FACTOR])
    scalars[CHARGE_FACTOR] += share * (max(charge, bms.derate_floor) - scalars[CHARGE_FACTOR])
    return min(scalars[DISCHARGE_FACTOR], scalars[CHARGE_FACTOR])


@kernel
def balance(memory, bms, drain_a, group, by_group, total, zero_a, dt):
    """Switch the bleed resistors: groups that read above the lowest by the threshold, where and when allowed.

    Returns how long it may take until one of them has to be switched off, by the pace of the last `dt`: a longer step
    would bleed it below the others, which then would follow it down.
    """
    if bms.bleed_a == 0.0:
        return math.inf
    now = RESTING if abs(total) <= zero_a else (DISCHARGING if total > 0.0 else CHARGING)
    reading, bleeding, excess, low = memory.reading, memory.bleeding, memory.excess_v, memory.scalars[LOW]
    allowed, cap = by_group and (bms.bleed_when & now) != 0, math.inf
    for g in range(group.shape[0]):
        left = reading[g] - low - bms.bleed_stop_v
        # nan compares as False: a dead sensor's group never bleeds
        enough = left > 0.0 if bleeding[g] else reading[g] > low + bms.bleed_start_v
        on = allowed and enough and reading[g] > bms.bleed_above_v
        if on and bleeding[g] and dt > 0.0 and left < excess[g]:
            cap = min(cap, LONGEST_BLEED_S, max(BLEED_STEP_S, left / (excess[g] - left) * dt))
        elif on and not bleeding[g]:
            cap = min(cap, FIRST_BLEED_S)
        elif on:
            cap = min(cap, LONGEST_BLEED_S)
        bleeding[g], excess[g] = on, left
        drain_a[group[g]] = bms.bleed_a if on else 0.0
    return cap

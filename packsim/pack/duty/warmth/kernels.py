"""Heat of a running pack (compiled): charge and energy are gathered step by step, become heat, and move temperatures.

`own` is a pack as the time loop has it (`packsim.pack.duty.kernels.Own`).
"""

import math
from typing import NamedTuple

import numpy as np

from packsim.cell.electrodes.kernels import LEAK
from packsim.cell.heat import kernels as cell_heat
from packsim.numerics.jit import kernel
from packsim.pack.duty.control.kernels import ambient_mean
from packsim.pack.heat import kernels as pack_heat


class Heats(NamedTuple):
    """Temperatures of one pack and where its heat went since it was built."""

    temperature_k: np.ndarray  # [n]
    at_k: np.ndarray  # [n] temperature at which each cell's coefficients were taken
    base: np.ndarray  # [N_COEF, n] coefficients at the design's temperature
    capacity_j_per_k: np.ndarray  # [n]
    coolant_k: np.ndarray  # [n] coolant as it leaves each cell
    enthalpy_v: np.ndarray  # [n] U - T dU/dT when the temperatures were last moved, and since then
    charge_c: np.ndarray  # [n] moved inside each cell,
    given_j: np.ndarray  # [n] energy given, less what its own tab makes of it,
    since: np.ndarray  # [3] time, heat of tabs and of all joints; see SINCE_*
    volts: np.ndarray  # [n] of the last accepted step
    mean_w: np.ndarray  # [n] heat between two moves
    scratch: np.ndarray  # [N_SCRATCH, n]
    flow: np.ndarray  # [streams] share of the coolant that flows
    joules: np.ndarray  # [5] see below


# entries of Heats.joules: made in cells, in tabs (which warm cells), in other joints (which do not); given away
CELLS, TABS, JOINTS, COOLANT, AMBIENT = range(5)
SINCE_S, SINCE_TABS, SINCE_JOINTS = range(3)
REFRESH_K = 0.2  # coefficients are taken anew when some cell has moved this far (docs/pack.md)
HEAT_STEPS = 2.0  # temperatures move every so many longest steps


class Heating(NamedTuple):
    """How cells are cooled. `on` False: all stay at the design's temperature."""

    on: bool
    has_entropy: bool
    cooled: bool
    pack: pack_heat.Thermal


@kernel
def hottest_of(temperature_k):
    """Highest temperature."""
    out = temperature_k[0]
    for j in range(1, temperature_k.shape[0]):
        out = max(out, temperature_k[j])
    return out


@kernel
def ambient_k(protocol, k, heating, since_s, step):
    """Temperature around the pack in a step `since_s` after the protocol began: the step's, the profile's, the pack's."""
    if not math.isnan(protocol.ambient_k[k]):
        return protocol.ambient_k[k]
    if protocol.ambient_t.shape[0] == 0:
        return heating.pack.ambient_k
    return 273.15 + ambient_mean(protocol, since_s, since_s + step)


@kernel
def gather_heat(own, step, profiled):
    """Add an accepted step to the charge and energy from which heat follows; a step of 0 only notes the voltages."""
    lane, heats, work = own.lane, own.heats, own.work
    emf, slope, current, leak, joint_ohm = lane.emf, lane.slope, lane.current, lane.coef[LEAK], own.joints.child_ohm
    volts, charge, given = heats.volts, heats.charge_c, heats.given_j
    cells_w, tabs_w = 0.0, 0.0
    for j in range(volts.shape[0]):
        i, ohm = current[j], joint_ohm[j]
        v = emf[j] - slope[j] * i
        # under a profile the current jumps into every step
        mean_v = v if profiled else 0.5 * (volts[j] + v)
        tab_w = ohm * i * i if ohm < math.inf else 0.0  # tabs warm their cell, other joints and bleed resistors nobody
        volts[j] = v
        charge[j] += (i + leak[j]) * step
        given[j] += (mean_v * i - tab_w) * step
        cells_w += v * i
        tabs_w += tab_w
    root = work.node_v.shape[0] - 1
    lost_w = cells_w - work.node_v[root] * work.node_i[root]  # what cells give and the terminals do not
    since = heats.since
    since[SINCE_S] += step
    since[SINCE_TABS] += tabs_w * step
    since[SINCE_JOINTS] += lost_w * step


@kernel
def move_temperatures(own, design, heating, around_k, t):
    """Turn what was gathered up to time t into heat and move the temperatures; returns the hottest cell."""
    heats, n = own.heats, own.leak_a.shape[0]
    before, mean, joules, since = heats.enthalpy_v, heats.mean_w, heats.joules, heats.since
    charge, given, per = heats.charge_c, heats.given_j, 1.0 / since[SINCE_S]
    cell_heat.enthalpy_v(mean, own.lane.state, design, 0, n)
    made_j = 0.0
    for j in range(n):
        h = mean[j]
        warmth = 0.5 * (before[j] + h) * charge[j] - given[j]  # the tab's heat is in it: less was given
        before[j], charge[j], given[j] = h, 0.0, 0.0
        made_j += warmth
        mean[j] = warmth * per
    inlet_k = pack_heat.inlet_at(heating.pack, t)
    coolant_j, ambient_j = pack_heat.advance_temperature(
        heats.temperature_k, heats.coolant_k, mean, heats.capacity_j_per_k, inlet_k, around_k, heats.flow,
        since[SINCE_S], heating.pack, heats.scratch,
    )  # fmt: skip
    joules[CELLS] += made_j - since[SINCE_TABS]
    joules[TABS] += since[SINCE_TABS]
    joules[JOINTS] += since[SINCE_JOINTS] - since[SINCE_TABS]
    joules[COOLANT] += coolant_j
    joules[AMBIENT] += ambient_j
    since[:] = 0.0
    return hottest_of(heats.temperature_k)


@kernel
def retaken(own, design, everywhere):
    """Coefficients at the cells' temperatures, if one has moved by REFRESH_K; returns whether they were taken anew."""
    heats, far = own.heats, everywhere
    temperature, at = heats.temperature_k, heats.at_k
    for j in range(at.shape[0]):
        far = far or abs(temperature[j] - at[j]) > REFRESH_K
    if not far:
        return False
    for j in range(at.shape[0]):
        at[j] = temperature[j]
    cell_heat.set_temperature(own.lane.coef, heats.base, design, temperature, 0, at.shape[0])
    return True

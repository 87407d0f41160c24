"""One pack through a protocol (compiled): the time loop that joins cells, network, battery management and faults.

Every accepted step ends with currents that satisfy Kirchhoff's laws at its *end* (implicit, Newton on linearised
cells, `pack/network`). A trial is accepted, shortened, or starts the search for the event that it stepped over, as in
`pack/kernels.py`, the loop of scenarios with ideal busbars and the plain duty. It makes no arrays,
because a kernel that makes some counts references at every call.
"""

import math
from typing import NamedTuple

import numpy as np

from packsim.cell import kernels as cell
from packsim.cell.beyond import kernels as cell_beyond
from packsim.cell.heat import kernels as cell_heat
from packsim.cell.ramp import kernels as ramp
from packsim.numerics import pace
from packsim.numerics.jit import kernel
from packsim.numerics.roots import TRIALS, next_time, note_value, open_bracket, width
from packsim.pack.bms import kernels as bms_kernels
from packsim.pack.duty.control.kernels import CURRENT, POWER, PROFILE, REST, VOLTAGE, next_point, profile_mean
from packsim.pack.duty.currents.kernels import first_trial, solve
from packsim.pack.duty.ends.kernels import (
    BMS_FIRST,
    CONDITIONS,
    DURATION,
    NO_LIMIT,
    OPEN_PACK,
    RUNNING,
    SMALL_CURRENT,
    alarm_place,
    alarm_value,
    asked_ends,
    conditions,
    ends_at,
    met,
)
from packsim.pack.duty.kept.kernels import keep_end, keep_step, note_sample
from packsim.pack.duty.warmth import kernels as warmth
from packsim.pack.duty.wear.kernels import age, hurt, leak, under_way
from packsim.pack.faults import kernels as fault_kernels
from packsim.pack.faults.kernels import note_alarm
from packsim.pack.heat import kernels as pack_heat
from packsim.pack.kernels import (
    CV_CHANGE,
    CV_CHANGE_HELD,
    CV_FACTOR,
    REST_FACTOR,
    REST_FACTOR_EXACT,
    calm_length,
    commit,
    current_bend,
    first_length,
)
from packsim.pack.network import kernels as network

STEP_LIMIT = 2_000_000


class Settings(NamedTuple):
    """Numbers of the run."""

    dt_max: float
    rated_a: float  # 1C of the pack
    series: int  # cells in series through the pack
    monitor_holds: bool  # constant-voltage charge watches the highest reading, not the terminals
    thresholds_v: np.ndarray  # [k] group voltages whose time below is kept


class Damaging(NamedTuple):
    """Damage of cells beyond their limits; `on` False: none."""

    on: bool
    laws: cell_beyond.Beyond


class Own(NamedTuple):
    """One pack: built, and as it is now; a saved copy of this is where a later run goes on."""

    values: np.ndarray  # [trait, n]
    window: np.ndarray  # [5, n] electrode balance, as built
    lane: cell.Lane
    joints: network.Joints
    work: network.Solve
    drain_a: np.ndarray  # [m] bleed resistors at the nodes
    memory: bms_kernels.Memory
    leak_a: np.ndarray  # [n] as built
    short_s: np.ndarray  # [n] conductance across each cell, by injected faults
    weld_ohm: np.ndarray  # [n] of the cells' own welds, as built
    held: np.ndarray  # [n] accepted currents
    scratch: np.ndarray  # [n]
    heats: warmth.Heats
    damage: np.ndarray  # [N_DAMAGE, n] see packsim/cell/beyond
    ageing: np.ndarray  # [N_AGEING, n] see packsim/cell/ageing; [N_AGEING, 0]: none
    clock: np.ndarray  # [1] s since the pack was built
    found: np.ndarray  # bool[fault kinds, places] faults already seen


class Room(NamedTuple):
    """Where the time loop writes what it needs from one step to the next."""

    ends: np.ndarray  # [BMS_FIRST] limits of the protocol's step
    before_v: np.ndarray  # [g] voltages of the last accepted step
    per_second: np.ndarray  # [g] their slopes over it
    trend: np.ndarray  # [n] and those of the cells' currents
    f_old: np.ndarray  # [CONDITIONS] how far each end was passed one step earlier,
    f_now: np.ndarray  # [CONDITIONS] at the last accepted step,
    f_new: np.ndarray  # [CONDITIONS] in this trial
    bracket: np.ndarray  # [2, COLUMNS] of an end that is sought
    full_v: np.ndarray  # [s] readings at the largest charge current


@kernel
def survey(group_v, before, per_second, step, last):
    """Of the groups' voltages at the end of a trial: lowest, highest, largest change, largest bend."""
    low, high, change, bent = math.inf, -math.inf, 0.0, 0.0
    for g in range(before.shape[0]):
        v = group_v[g]
        low, high = min(low, v), max(high, v)
        change = max(change, abs(v - before[g]))
        bent = max(bent, pace.bend(before[g], per_second[g], step, last, v))
    return low, high, change, bent


@kernel
def drive(
    design, net, protocol, heating, damaging, ageing, bms, faults, limits, settings, own, room, kept, log, trace, block,
    pack,
):  # fmt: skip
    """Run one pack through the protocol; `own` ends where the last accepted step ended."""
    # what every step touches by name: handing on whole tuples of arrays costs more than the arithmetic of small packs
    lane, work, memory, joints, scratch = own.lane, own.work, own.memory, own.joints, own.scratch
    node_v, drain, scalars, held, steps = work.node_v, own.drain_a, memory.scalars, own.held, kept.steps
    ends, before, per_second, trend = room.ends, room.before_v, room.per_second, room.trend
    f_old, f_now, f_new, bracket = room.f_old, room.f_now, room.f_new, room.bracket
    entropic = heating.on and heating.has_entropy
    n, groups, rows = own.leak_a.shape[0], net.group.shape[0], protocol.kind.shape[0]
    highest_v = -math.inf  # of the thresholds
    for k in range(settings.thresholds_v.shape[0]):
        highest_v = max(highest_v, settings.thresholds_v[k])
    before[:], per_second[:] = 0.0, 0.0
    # heat and damage take the current at the end of a step for the whole of it, so cells hold it there
    can_lean = ramp.can_lean(design) and not (heating.on or damaging.on)
    cv_change = CV_CHANGE if can_lean else CV_CHANGE_HELD
    # what is first order in time, and samples that are looked for on a straight line
    short_steps = heating.on or damaging.on or bms.sampling_s > 0.0
    short_steps = short_steps or (n > settings.series and not can_lean)
    zero_a = bms_kernels.CURRENT_ZERO * settings.rated_a
    by_group = bms.every_part and bms.node.shape[0] == groups
    t, prepared = own.clock[0], -1.0
    hottest = warmth.hottest_of(own.heats.temperature_k)
    kept.hottest_k[0] = hottest
    if heating.on:
        warmth.retaken(own, design, True)
        cell_heat.enthalpy_v(own.heats.enthalpy_v, lane.state, design, 0, n)
        leak(lane, own.leak_a, own.short_s, own.damage)
    fault, given_ah = 0, 0.0
    while fault < faults.time_s.shape[0] and faults.time_s[fault] < t:
        fault += 1  # took effect before this run
    # what cells leak and whether something looks faulty is found anew only where that can change
    restless = heating.on or damaging.on or ageing.on or bms.bleed_a > 0.0 or under_way(own)
    look, suspect = True, False
    began, around_k, warming = t, heating.pack.ambient_k, 0.0  # K/s of the hottest cell in the last step
    for q in range(rows):
        kind, duration = protocol.kind[q], protocol.duration_s[q]
        profiled = kind == PROFILE
        if profiled:
            kind = protocol.profile_kind[q]
        asked_ends(ends, protocol, q)
        total, decline, v_before = first_trial(own, protocol, q, settings), 0.0, 0.0
        trend[:] = 0.0
        step_t, charge_ah, through_ah, energy, bleed_in = 0.0, 0.0, 0.0, 0.0, math.inf
        hot, trip_in, tripped, sampled = True, math.inf, -1, bms.sampling_s > 0.0
        spreads = can_lean and n > settings.series and (kind in (CURRENT, POWER)) and not profiled
        dt, last, v_per_second = first_length(settings.dt_max, spreads), 0.0, 0.0
        starts, seeking, trials, end, calm = True, -1, 0, RUNNING, False
        f_now[:] = -1.0
        while end == RUNNING:
            if starts:
                step = 0.0
            elif seeking >= 0:
                step = next_time(bracket, trials)
            else:
                step = min(dt, duration - step_t)
                if profiled:
                    step = min(step, next_point(protocol, q, step_t) - step_t)
                if fault < faults.time_s.shape[0]:
                    step = min(step, faults.time_s[fault] - t)
                step = min(step, bleed_in, trip_in)
            leans = can_lean and not (starts or profiled or kind == REST) and (kind != CURRENT or n > settings.series)
            decay = math.exp(decline * step)
            target = protocol.value[q]
            if profiled:
                target = profile_mean(protocol, q, step_t, step_t + step)
            if kind != VOLTAGE:
                at = bms_kernels.DISCHARGE_FACTOR if target > 0.0 else bms_kernels.CHARGE_FACTOR
                target *= scalars[at]
            new, status = solve(
                lane, held, trend, decay, step, step != prepared, leans, work, drain, joints, memory, scratch, room.full_v,
                own.heats.temperature_k, entropic, net, design, bms, settings, kind, target, decay * total,
            )  # fmt: skip
            prepared = step
            steps[1] += 1
            if status != RUNNING:
                if starts or step <= pace.SHORTEST_S:
                    end = status
                    break
                dt, seeking, decline = 0.5 * step, -1, 0.0  # start again from even currents
                trend[:] = 0.0
                continue
            through_a = 0.5 * (total + new) if leans else new  # mean over the step
            charge_new = charge_ah + through_a * step / 3600.0
            through_new = through_ah + abs(through_a) * step / 3600.0
            soc = scalars[bms_kernels.SOC] - through_a * step / (3600.0 * bms.capacity_ah)
            seen_k = hottest + warming * (own.heats.since[warmth.SINCE_S] + step) + memory.offset_k[0]
            bms_kernels.read(memory, bms, node_v, work.node_r, drain)
            holds = kind == VOLTAGE and new < 0.0  # the charger keeps the voltage at its limit
            low, high, change, bent = survey(node_v, before, per_second, step, last)
            mean = node_v[node_v.shape[0] - 1] / settings.series
            conditions(f_new, ends, mean, low, high, scalars, bms.limits, new, through_new, soc, seen_k, holds)
            if not starts:
                if spreads:
                    mean_a = max(abs(new), 1e-3 * settings.rated_a) * settings.series / n
                    bent = max(bent, current_bend(held, trend, lane.current, step, last, mean_a))
                bends = bent > cell.BEND_V
                big = bends or (short_steps and change > cell.VOLTAGE_STEP)
                if kind == VOLTAGE:
                    moved = abs(new - total)
                    big, bends, calm = moved > cv_change * abs(total), False, moved < 0.5 * cv_change * abs(total)
                if seeking < 0 and big and not (profiled or kind == REST) and step > pace.SHORTEST_S:
                    dt = pace.shorter(step, last, bent, cell.BEND_V) if bends else 0.5 * step
                    continue
                if seeking >= 0:
                    f = f_new[seeking]
                    note_value(bracket, step, f)
                    trials += 1
                    close = abs(f) < (
                        1e-4 * protocol.until_current_a[q] if seeking == SMALL_CURRENT else cell.EVENT_TOLERANCE_V
                    )
                    if not (close or width(bracket) < cell.EVENT_TOLERANCE_S or trials >= TRIALS):
                        continue
                late = ends_at(f_new, f_now, seeking)
                # what a step changed in the cells (ageing) may have carried two ends past at once: there is no earlier one
                if late >= 0 and (seeking < 0 or step > cell.EVENT_TOLERANCE_S):
                    # one that did not apply before this step ends where it begins to apply
                    f_low, f_before = (f_now[late], f_old[late]) if f_now[late] > -math.inf else (-1.0, -1.0)
                    open_bracket(bracket, -last, f_before, f_low, step, f_new[late])
                    seeking, trials = late, 0
                    continue
                watch_a = 0.0 if holds else new
                if sampled and step < trip_in and (hot or bms_kernels.hot(memory, bms, watch_a, seen_k)):
                    trip_in, tripped = bms_kernels.scan(memory, bms, block, pack, t, step, watch_a, seen_k)
                    if trip_in < step * (1.0 - 1e-9):
                        seeking = -1
                        continue
                commit(lane, design, held, step, leans)
                steps[0] += 1
                if damaging.on:
                    hurt(own, design, damaging.laws, step)
                if ageing.on:
                    age(own, design, ageing, step)
            # accepted
            v_pack = node_v[node_v.shape[0] - 1]
            t, step_t, charge_ah, through_ah = t + step, step_t + step, charge_new, through_new
            # under a profile the current jumps into every step: its voltage is that at the end, not on the way from the last
            v_mean = 0.5 * (v_before + v_pack) - pace.sag(v_before, v_per_second, step, last, v_pack) / 6.0
            energy += (v_pack if profiled else v_mean) * through_a * step
            keep_step(
                kept.highest_v, kept.lowest_v, kept.below_s, kept.below_ah, q, node_v, net.first, lane.current,
                settings.thresholds_v, highest_v, before, per_second, step, last,
            )  # fmt: skip
            per_step = 0.0 if starts else 1.0 / step
            decline = 0.0
            if kind == VOLTAGE and not starts and new * total > 0.0:
                decline = math.log(new / total) * per_step
            decay = math.exp(decline * step)
            for j in range(n):
                trend[j] = 0.0 if profiled else (lane.current[j] - decay * held[j]) * per_step
                held[j] = lane.current[j]
            v_per_second = (v_pack - v_before) * per_step
            total, v_before = new, v_pack
            for g in range(groups):
                per_second[g] = (node_v[g] - before[g]) * per_step
                before[g] = node_v[g]
            end = met(f_new, seeking)
            if end == RUNNING and duration - step_t <= 1e-9:
                end = DURATION
            if heating.on:
                warmth.gather_heat(own, step, profiled)
                waited = own.heats.since[warmth.SINCE_S]
                if waited >= warmth.HEAT_STEPS * settings.dt_max or (end != RUNNING and waited > 0.0):
                    around_k = warmth.ambient_k(protocol, q, heating, t - began - waited, waited)
                    warmer = warmth.move_temperatures(own, design, heating, around_k, t)
                    warming, hottest = (warmer - hottest) / waited, warmer
                    kept.hottest_k[0] = max(kept.hottest_k[0], warmer)
                    if warmth.retaken(own, design, False):
                        prepared = -1.0
            for c in range(CONDITIONS):
                f_old[c], f_now[c] = f_now[c], f_new[c]
            if seeking < 0 and not starts:
                if kind == REST:
                    allowed = cell.BEND_V / (REST_FACTOR if short_steps else REST_FACTOR_EXACT)
                    longest = REST_FACTOR * settings.dt_max
                    dt = max(pace.next_step(step, last, bent, allowed, longest), dt if step < dt else 0.0)
                elif kind == VOLTAGE:
                    dt = min(2.0 * dt, CV_FACTOR * settings.dt_max) if calm else dt
                elif profiled:
                    dt = min(2.0 * dt, settings.dt_max)
                else:
                    allowed, longest = cell.BEND_V, settings.dt_max
                    dt = max(pace.next_step(step, last, bent, allowed, longest), dt if step < dt else 0.0)
                    if spreads:
                        dt = min(dt, max(calm_length(lane.work, lane.coef, design, held), pace.SHORTEST_S))
            last = 0.0 if profiled else step  # under a profile the current jumps at every step
            # the BMS
            bms_kernels.estimate(memory, bms, through_a, step, zero_a)
            if sampled:
                hot = bms_kernels.hot(memory, bms, 0.0 if holds else total, seen_k)
                for s in range(memory.reading.shape[0]):
                    memory.before_v[s] = memory.reading[s]
                if tripped >= 0 and step >= trip_in * (1.0 - 1e-9):
                    end = BMS_FIRST + tripped
                trip_in, tripped = math.inf, -1
            if bms_kernels.derate(memory, bms, hottest + memory.offset_k[0], step) < 1.0 - 1e-9:
                dt = min(dt, 0.5 * bms_kernels.DERATE_TAU_S)
            if bms.bleed_a > 0.0:  # else it stays infinite
                bleed_in = bms_kernels.balance(memory, bms, drain, net.group, by_group, total, zero_a, step)
            if end >= BMS_FIRST and end < CONDITIONS:
                limit = end - BMS_FIRST
                note_alarm(log, t, limit, alarm_place(memory, limit), alarm_value(memory, limit, seen_k, total))
            # faults
            if look:
                suspect = fault_kernels.suspicious(
                    lane, joints.child_ohm, own.weld_ohm, limits, memory.reading, node_v, bms.node, bms.per_cell
                )
            if suspect or (
                heating.on
                and fault_kernels.uncooled(own.heats, limits, heating.cooled, pack_heat.inlet_at(heating.pack, t))
            ):
                fault_kernels.find(
                    own.found, log, t, own, net, bms, limits, heating.on and heating.cooled,
                    pack_heat.inlet_at(heating.pack, t), total, zero_a,
                )  # fmt: skip
            changed = fault < faults.time_s.shape[0] and faults.time_s[fault] <= t + 1e-9
            if changed:
                fault, changed = fault_kernels.inject(
                    faults, fault, t + 1e-9, pack, own.joints.child_ohm, own.short_s, memory.stuck_v, memory.dead,
                    memory.reading, own.heats.flow,
                )  # fmt: skip
                restless = restless or changed
            if look or changed:
                leak(lane, own.leak_a, own.short_s, own.damage)
            look = restless
            if trace.time_s.shape[0] > 0:
                note_sample(
                    trace, t, q, total, own, design, heating, memory.reading, scalars[bms_kernels.SOC], hottest,
                    around_k, given_ah + charge_ah,
                )  # fmt: skip
            starts, seeking = changed, -1
            if starts:
                dt = first_length(settings.dt_max, spreads)
                f_now[:] = -1.0
            if steps[0] > STEP_LIMIT:
                end = NO_LIMIT
        given_ah += charge_ah
        kept.ended_by[q], kept.time_s[q], kept.charge_ah[q], kept.energy_wh[q] = end, step_t, charge_ah, energy / 3600.0
        keep_end(kept, q, node_v, groups, net.first, lane.state, own.window, design.is_table)
        if end == OPEN_PACK:
            fault_kernels.find_open(own.found, log, t, own, net)
        if (
            end >= OPEN_PACK
            or end == BMS_FIRST + bms_kernels.OVER_TEMPERATURE
            or end == BMS_FIRST + bms_kernels.OVER_CURRENT
        ):
            own.clock[0] = t
            return q + 1
    own.clock[0] = t
    return rows

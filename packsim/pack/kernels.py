"""The coupled pack (compiled): currents of parallel cells, charge, rest and discharge to both cut-offs.

Shapes: n cells of one pack, group-major (cell = group * parallel + branch); g groups. Discharge current is positive.
Busbars are ideal, so the cells of a group share its terminal voltage; each cell keeps its own weld. Every step ends with
currents that satisfy Kirchhoff's laws at the *end* of the step (implicit, Newton on linearised voltages).

One loop (`run_pack`) takes every trial step of every phase, because each place that calls the cell's kernels costs seconds
of compiling. A trial is rejected, accepted, or starts the search for the event that it stepped over.
"""

import math
from typing import NamedTuple

import numpy as np

from packsim.cell import kernels as cell
from packsim.cell.electrodes.kernels import N_COEF, N_DECAY, N_STATE, N_WORK, Q_N, X_N, XS_N
from packsim.cell.ramp import kernels as ramp
from packsim.numerics import pace
from packsim.numerics.jit import allocating_kernel, inlined_kernel, kernel
from packsim.numerics.roots import COLUMNS, TRIALS, next_time, note_value, open_bracket, width

EVERY_GROUP, PACK_ONLY = 0, 1  # kinds of monitoring, and the first index of what is kept for each
CHARGE_CC, CHARGE_CV, REST, DISCHARGE, DONE = range(5)  # phases
THRESHOLDS = 5  # rows of time below: lower cut-off, and below it by the margin and by 0.5 V; 1 V, 0 V
OK, NOT_CONVERGED, NO_LIMIT = 0, 1, 2  # status of a pack
# of the groups' voltages at the end of a trial: largest change and bend, outermost sensor readings, mean
CHANGE, BENT, LOWEST, HIGHEST, MEAN = range(5)
SURVEY = 5

SPLIT_TOLERANCE = 5e-4  # of the mean current: parallel voltages then agree to a few uV, just after a jump as well
NEWTON_LIMIT = 30
SLOPE_FLOOR = 1e-7  # ohm
STEP_LIMIT = 200_000
CV_CHANGE = 0.3  # largest relative change of current in a constant-voltage step
CV_CHANGE_HELD = 0.15  # ... of cells that hold the end's current, which is first order (docs/pack.md)
CV_FACTOR = 0.5  # of the longest step
CV_TOLERANCE = 1e-4  # of the current at which charging ends
TOGETHER_V = 1e-6  # limits reached within this are reached together
CURRENT_BEND = 0.05  # of the mean current: how far the currents of cells in parallel may bend in a step (docs/pack.md)
FIRST_PARALLEL_S = 1.0  # s: the first step after a jump is at most this long where cells are parallel
REST_FACTOR = 10.0  # steps at rest may be this much longer, and bend the voltage this much less
REST_FACTOR_EXACT = 4.0  # ... where nothing flows between cells, so that only the curve itself asks for it


class Duty(NamedTuple):
    """What a pack goes through, in SI units of the whole pack."""

    series: int
    parallel: int
    charge_a: float
    cutoff_a: float
    rest_s: float
    discharge_a: float
    lower_v: float  # per cell
    upper_v: float
    monitoring: int  # EVERY_GROUP or PACK_ONLY
    top_balanced: bool
    dt_max: float
    thresholds_v: np.ndarray  # [THRESHOLDS]


class Outcome(NamedTuple):
    """What is kept of p packs with g groups; [.., 2, ..] is by kind of monitoring during discharge."""

    status: np.ndarray  # int8[p]
    steps: np.ndarray  # int32[p] accepted steps
    simulated_s: np.ndarray  # [p] charge, rest and discharge together
    soc_full: np.ndarray  # [p, g] SOC at the end of charge, 1 = the group's own upper cut-off at rest
    full_v: np.ndarray  # [p, g] voltage at the end of charge
    usable_ah: np.ndarray  # [p, 2]
    energy_wh: np.ndarray  # [p, 2]
    first_group: np.ndarray  # int32[p] first group at the lower cut-off (true voltage)
    end_v: np.ndarray  # [p, 2, g] voltage where discharge ends
    time_below_s: np.ndarray  # [p, 2, THRESHOLDS, g]
    charge_below_ah: np.ndarray  # [p, 2, g] drawn while the group is below the lower cut-off


@inlined_kernel
def propose(lane, design, held, trend, decay, step, other_length, leans):
    """Prepare a trial step of `step` seconds, and put the currents from which those at its end are sought.

    `decay`: what the accepted currents `held` keep of themselves until then; `trend`: what they gain in a second.
    Part of either loop's `solve`: each call from a loop hands on every array of the design, from a frame so large
    that it has left the fastest cache meanwhile, so that all of a trial is one call.
    """
    n = held.shape[0]
    if other_length:
        cell.set_dt(lane.decay, lane.coef, design, step, 0, n)
    cell.prepare(lane.work, lane.state, lane.coef, lane.decay, design, step, 0, n)
    if leans:
        ramp.lean(lane.work, lane.coef, lane.decay, design, held, step, 0, n)
    for j in range(n):
        lane.current[j] = decay * held[j] + trend[j] * step


@kernel
def commit(lane, design, held, step, leans):
    """Take the proposed step at the currents that were found for its end."""
    n = held.shape[0]
    cell.advance(lane.state, lane.work, lane.coef, lane.decay, design, lane.current, step, 0, n)
    if leans:
        ramp.settle(lane.state, lane.coef, lane.decay, design, held, lane.current, step, 0, n)


@inlined_kernel
def solve(lane, held, trend, decay, step, other_length, leans, group_v, offset_v, design, duty, hold, total):
    """Currents of a trial step (`propose`) that give every group one voltage: returns (pack current, converged).

    The pack carries `total`, or (`hold`) the charge current at which the watched voltage stands at the upper cut-off.
    Newton; leaves the currents in `lane.current` and the voltages in group_v[g]. Inlined: a call hands on so much that packs
    of single cells took a fifth longer.
    """
    n = duty.series * duty.parallel
    propose(lane, design, held, trend, decay, step, other_length, leans)
    if duty.parallel == 1 and not hold:
        lane.current[:n] = total
    small = max(duty.cutoff_a, 1e-3 * duty.discharge_a)
    for _ in range(NEWTON_LIMIT):
        cell.respond(lane.emf, lane.slope, lane.current, lane.work, lane.coef, design, 0, n)
        new = held_current(lane, offset_v, duty) if hold else total
        if not math.isfinite(new):
            return total, False
        largest = share_out(lane, group_v, duty.series, duty.parallel, new)
        tolerance = SPLIT_TOLERANCE * max(abs(new), small)
        moved, total = abs(new - total), new
        if largest * duty.parallel <= tolerance and moved <= tolerance:
            return total, True
    return total, False


@kernel
def share_out(lane, group_v, series, parallel, total):
    """One Newton step of every group's currents; returns the largest change of a current (inf if not finite)."""
    largest = 0.0
    emf, slope, current = lane.emf, lane.slope, lane.current
    for g in range(series):
        first = g * parallel
        if parallel == 1:
            group_v[g] = emf[g] - slope[g] * total
            largest = max(largest, abs(total - current[g]))
            current[g] = total
            continue
        conductance, drive = 0.0, 0.0
        for j in range(first, first + parallel):
            per = 1.0 / max(slope[j], SLOPE_FLOOR)
            conductance += per
            drive += emf[j] * per
        v = (drive - total) / conductance
        group_v[g] = v
        for j in range(first, first + parallel):
            i = (emf[j] - v) / max(slope[j], SLOPE_FLOOR)
            largest = max(largest, abs(i - current[j]))
            current[j] = i
    for g in range(series):
        if not math.isfinite(group_v[g]):
            return math.inf
    return largest


@kernel
def held_current(lane, offset_v, duty):
    """Pack current (<= 0) that puts the watched voltage at the upper cut-off, by the linearised cells."""
    limit, sum_e, sum_s = -math.inf, 0.0, 0.0
    for g in range(duty.series):
        conductance, drive = 0.0, 0.0
        for j in range(g * duty.parallel, (g + 1) * duty.parallel):
            per = 1.0 / max(lane.slope[j], SLOPE_FLOOR)
            conductance += per
            drive += lane.emf[j] * per
        e, s = drive / conductance, 1.0 / conductance
        sum_e += e
        sum_s += s
        limit = max(limit, (e + offset_v[g] - duty.upper_v) / s)
    if duty.monitoring == PACK_ONLY:
        limit = (sum_e - duty.series * duty.upper_v) / sum_s
    return min(limit, 0.0)


@kernel
def survey(seen, group_v, before, per_second, offset_v, step, last):
    """What a trial step did to the groups' voltages, into seen[SURVEY]."""
    change, bent, low, high, total = 0.0, 0.0, math.inf, -math.inf, 0.0
    for g in range(group_v.shape[0]):
        v = group_v[g]
        reading = v + offset_v[g]
        low, high = min(low, reading), max(high, reading)
        total += v
        change = max(change, abs(v - before[g]))
        bent = max(bent, pace.bend(before[g], per_second[g], step, last, v))
    seen[CHANGE], seen[BENT], seen[LOWEST], seen[HIGHEST] = change, bent, low, high
    seen[MEAN] = total / group_v.shape[0]


@kernel
def current_bend(held, trend, current, step, last, mean_a):
    """How far the cells' currents bend (root mean square), as the bend of voltage that shortens a step as much."""
    squares = 0.0
    for j in range(current.shape[0]):
        bent = pace.bend(held[j], trend[j], step, last, current[j])
        squares += bent * bent
    return cell.BEND_V * math.sqrt(squares / current.shape[0]) / (CURRENT_BEND * mean_a)


@kernel
def calm_length(work, coef, design, current):
    """Longest step [s] on which no cell's open-circuit potentials ripple at the currents that end this one."""
    shortest = math.inf
    for side in range(0 if design.is_table else 2):
        calm = design.calm_p if side else design.calm_n
        intervals, surface = calm.shape[0], XS_N + 2 * side
        q = coef[Q_N + side]
        for j in range(current.shape[0]):
            at = (work[surface, j] + work[surface + 1, j] * current[j]) * intervals
            at = at if at > 0.0 else 0.0  # nan, too
            stretch, speed = calm[int(min(at, intervals - 1.0))], q[j] * abs(current[j])
            if shortest * speed > stretch:
                shortest = stretch / speed
    return shortest


@kernel
def first_length(dt_max, spreads):
    """Length [s] of the first step after a jump; `spreads`: the current of the jump then spreads over parallel cells.

    That goes as the root of time while lithium has only begun to move in the particles.
    """
    first = pace.FIRST_FRACTION * dt_max
    return min(first, FIRST_PARALLEL_S) if spreads else first


@kernel
def passed(phase, kind, total, seen, duty):
    """How far the phase's end is behind (>= 0) or ahead (< 0): volts, or amperes in the constant-voltage phase.

    Monitoring compares the pack's mean voltage, or the outermost sensor reading, with the limit.
    """
    if phase == CHARGE_CC:
        return seen[MEAN if duty.monitoring == PACK_ONLY else HIGHEST] - duty.upper_v
    if phase == CHARGE_CV:
        return duty.cutoff_a + total
    if phase == DISCHARGE:
        return duty.lower_v - seen[MEAN if kind == PACK_ONLY else LOWEST]
    return -1.0


@kernel
def too_big(phase, total, new, change, bent, step, short_steps, cv_change):
    """Whether a step changed too much to be accepted."""
    if step <= pace.SHORTEST_S or phase == REST:
        return False
    if phase == CHARGE_CV:
        return abs(new - total) > cv_change * abs(total)
    return bent > cell.BEND_V or (short_steps and change > cell.VOLTAGE_STEP)


@kernel
def longer(phase, dt, step, last, total, new, bent, short_steps, cv_change, dt_max):
    """Length of the next trial step."""
    if phase == REST:
        allowed = cell.BEND_V / (REST_FACTOR if short_steps else REST_FACTOR_EXACT)
        return pace.next_step(step, last, bent, allowed, REST_FACTOR * dt_max)
    if phase == CHARGE_CV:
        return min(2.0 * dt, CV_FACTOR * dt_max) if abs(new - total) < 0.5 * cv_change * abs(total) else dt
    return max(pace.next_step(step, last, bent, cell.BEND_V, dt_max), dt if step < dt else 0.0)


@kernel
def lowest_below(group_v, limit):
    """The first of the groups with the lowest voltage if that is at most `limit`, else -1."""
    lowest = 0
    for g in range(1, group_v.shape[0]):
        if group_v[g] < group_v[lowest]:
            lowest = g
    return lowest if group_v[lowest] <= limit else -1


@kernel
def integrate(below, before, per_second, group_v, step, last, total, highest_v, duty):
    """Add a step to the times below the thresholds [THRESHOLDS, g], none of them above highest_v; returns its energy [J]."""
    mean = 0.0
    for g in range(duty.series):
        sagging = pace.sag(before[g], per_second[g], step, last, group_v[g])
        mean += 0.5 * (before[g] + group_v[g]) - sagging / 6.0
        if min(before[g], group_v[g]) < highest_v:
            for k in range(THRESHOLDS):
                below[k, g] += step * pace.part_below(before[g], group_v[g], sagging, duty.thresholds_v[k])
    return mean * total * step


@kernel
def keep_end(outcome, p, kind, elapsed_s, total, energy, group_v, below):
    """What one kind of monitoring would have seen if it stopped the discharge now."""
    outcome.usable_ah[p, kind] = elapsed_s * total / 3600.0
    outcome.energy_wh[p, kind] = energy / 3600.0
    for g in range(group_v.shape[0]):
        outcome.end_v[p, kind, g] = group_v[g]
        outcome.charge_below_ah[p, kind, g] = below[0, g] * total / 3600.0
        for k in range(THRESHOLDS):
            outcome.time_below_s[p, kind, k, g] = below[k, g]


@kernel
def keep_full(outcome, p, state, window, group_v, design, duty):
    """Voltage and SOC of each group at the end of charge (SOC 1: the group's own upper cut-off at rest)."""
    for g in range(duty.series):
        charge, capacity = 0.0, 0.0
        for j in range(g * duty.parallel, (g + 1) * duty.parallel):
            soc = state[X_N, j]
            if not design.is_table:
                soc = (soc - window[0, j]) / (window[1, j] - window[0, j])
            charge += soc * window[4, j]
            capacity += window[4, j]
        outcome.soc_full[p, g] = charge / capacity
        outcome.full_v[p, g] = group_v[g]


@kernel
def note(trace, count, t, total, group_v):
    """Write (time, current, group voltages) as column `count` of trace[2 + g, m] while there is room; returns the count."""
    if count >= trace.shape[1]:
        return count
    trace[0, count], trace[1, count] = t, total
    for g in range(group_v.shape[0]):
        trace[2 + g, count] = group_v[g]
    return count + 1


@kernel
def phase_current(phase, duty):
    """Pack current with which a phase starts."""
    if phase <= CHARGE_CV:
        return -duty.charge_a
    return duty.discharge_a if phase == DISCHARGE else 0.0


@allocating_kernel
def new_lane(n):
    """Arrays of n cells."""
    return cell.Lane(
        np.zeros((N_STATE, n)),
        np.zeros((N_COEF, n)),
        np.zeros((N_WORK, n)),
        np.zeros((N_DECAY, n)),
        np.zeros(n),
        np.zeros(n),
        np.zeros(n),
    )


@allocating_kernel
def run_packs(values, window, soc, order, offset_v, design, duty, trace, outcome, first, last):
    """Packs first .. last - 1, of cells order[p] of values [t, n], window [5, n] and soc[n]; returns columns of `trace`.

    Many at once, because a call from Python takes as long as a cell's whole discharge.
    """
    cells, count = order.shape[1], 0
    own, own_window, start = np.empty((values.shape[0], cells)), np.empty((5, cells)), np.ones(cells)
    for p in range(first, last):
        for j in range(cells):
            which = order[p, j]
            if not duty.top_balanced:
                start[j] = soc[which]
            for row in range(values.shape[0]):
                own[row, j] = values[row, which]
            for row in range(5):
                own_window[row, j] = window[row, which]
        count = run_pack(own, own_window, start, offset_v[p], design, duty, trace, outcome, p)
    return count


@allocating_kernel
def run_pack(values, window, soc, offset_v, design, duty, trace, outcome, p):
    """One pack from shipping SOC through charge, rest and discharge into row p of `outcome`; returns columns of `trace`.

    `window` [5, n] is the cells' electrode balance: a twentieth of a pack's time, and the end-of-line test has found it.
    """
    n = duty.series * duty.parallel
    lane = new_lane(n)
    cell.coefficients(lane.coef, values, design, 0, n)
    cell.rest_state(lane.state, design, soc, window, 0, n)
    group_v, before, below = np.zeros(duty.series), np.zeros(duty.series), np.zeros((THRESHOLDS, duty.series))
    per_second, last = np.zeros(duty.series), 0.0  # slopes of the voltages over the last step, and its length
    f_old, f_now, f_new = np.full(2, -1.0), np.full(2, -1.0), np.empty(2)
    stopped, bracket, seen = np.zeros(2, dtype=np.bool_), np.empty((2, COLUMNS)), np.empty(SURVEY)
    can_lean = ramp.can_lean(design)
    # the currents of parallel cells that hold them over a step are first order in time
    short_steps = duty.parallel > 1 and not can_lean
    cv_change = CV_CHANGE if can_lean else CV_CHANGE_HELD
    highest_v = -math.inf
    for k in range(THRESHOLDS):
        highest_v = max(highest_v, duty.thresholds_v[k])
    phase = DISCHARGE if duty.top_balanced else CHARGE_CC
    if duty.top_balanced:
        before[:] = duty.upper_v
        keep_full(outcome, p, lane.state, window, before, design, duty)
    total = phase_current(phase, duty)
    # accepted currents, what they change in a second, and the part of the pack's current that a second takes away
    held, trend, decline = np.full(n, total / duty.parallel), np.zeros(n), 0.0
    t, phase_t, energy, count, steps, prepared = 0.0, 0.0, 0.0, 0, 0, -1.0
    spreads = can_lean and duty.parallel > 1  # currents of parallel cells that run straight ask for steps of their own
    small = max(duty.cutoff_a, 1e-3 * duty.discharge_a)
    dt = first_length(duty.dt_max, spreads)
    starts, seeking, trials = True, -1, 0
    while phase != DONE:
        kinds = 2 if phase == DISCHARGE else 1
        if starts:
            step = 0.0
        elif seeking >= 0:
            step = next_time(bracket, trials)
        else:
            step = min(dt, duty.rest_s - phase_t) if phase == REST else dt
        leans = can_lean and not starts and (phase == CHARGE_CV or (duty.parallel > 1 and phase != REST))
        decay = math.exp(decline * step)  # held at a voltage, all currents fall alike and by the same part in a second
        new, converged = solve(
            lane, held, trend, decay, step, step != prepared, leans, group_v, offset_v, design, duty,
            phase == CHARGE_CV, decay * total,
        )  # fmt: skip
        prepared = step
        survey(seen, group_v, before, per_second, offset_v, step, last)
        for kind in range(kinds):
            f_new[kind] = passed(phase, kind, new, seen, duty)
        if not starts:
            change, bent = seen[CHANGE], seen[BENT]
            if spreads and phase != REST and phase != CHARGE_CV:
                mean_a = max(abs(new), small) / duty.parallel
                bent = max(bent, current_bend(held, trend, lane.current, step, last, mean_a))
            if not converged or (
                seeking < 0 and too_big(phase, total, new, change, bent, step, short_steps, cv_change)
            ):
                if step <= pace.SHORTEST_S:
                    outcome.status[p] = NOT_CONVERGED
                    break
                dt = 0.5 * step
                if not converged:  # start again from even currents
                    held[:], trend[:], decline = total / duty.parallel, 0.0, 0.0
                elif phase != CHARGE_CV and bent > cell.BEND_V:
                    dt = pace.shorter(step, last, bent, cell.BEND_V)
                seeking = -1
                continue
            if seeking >= 0:
                f = f_new[seeking]
                note_value(bracket, step, f)
                trials += 1
                close = abs(f) < (CV_TOLERANCE * duty.cutoff_a if phase == CHARGE_CV else cell.EVENT_TOLERANCE_V)
                if not (close or width(bracket) < cell.EVENT_TOLERANCE_S or trials >= TRIALS):
                    continue
            late = -1  # an event that this step went past: the end of the phase, or the other kind's while seeking one
            for kind in range(kinds):
                behind = f_new[kind] >= 0.0 if seeking < 0 else f_new[kind] > TOGETHER_V
                if behind and f_now[kind] < 0.0 and not stopped[kind] and kind != seeking:
                    late = kind
                    break
            if late >= 0:
                seeking, trials = late, 0
                open_bracket(bracket, -last, f_old[late], f_now[late], step, f_new[late])
                continue
            commit(lane, design, held, step, leans)
            if phase == DISCHARGE:
                energy += integrate(below, before, per_second, group_v, step, last, new, highest_v, duty)
            steps += 1
            if seeking < 0:
                dt = longer(phase, dt, step, last, total, new, bent, short_steps, cv_change, duty.dt_max)
                if spreads and phase != REST and phase != CHARGE_CV:
                    dt = min(dt, max(calm_length(lane.work, lane.coef, design, lane.current), pace.SHORTEST_S))
        elif not converged:
            outcome.status[p] = NOT_CONVERGED
            break
        t += step
        phase_t += step
        per_step = 0.0 if starts else 1.0 / step
        decline = 0.0
        if phase == CHARGE_CV and not starts and new < 0.0 and total < 0.0:
            decline = math.log(new / total) * per_step
        decay = math.exp(decline * step)
        for j in range(n):
            trend[j] = (lane.current[j] - decay * held[j]) * per_step
            held[j] = lane.current[j]
        total = new
        last = step
        for g in range(duty.series):
            per_second[g] = (group_v[g] - before[g]) * per_step
            before[g] = group_v[g]
        count = note(trace, count, t, total, group_v)
        for kind in range(kinds):
            ends = f_new[kind] >= 0.0 or kind == seeking or (seeking >= 0 and f_new[kind] >= -TOGETHER_V)
            if phase == REST:
                ends = duty.rest_s - phase_t <= 1e-9
            if ends and phase == DISCHARGE and not stopped[kind]:
                keep_end(outcome, p, kind, phase_t, total, energy, group_v, below)
            stopped[kind] = stopped[kind] or ends
            f_old[kind], f_now[kind] = f_now[kind], f_new[kind]
        if phase == DISCHARGE and outcome.first_group[p] < 0:
            outcome.first_group[p] = lowest_below(group_v, duty.lower_v + TOGETHER_V)
        starts, seeking = False, -1
        if stopped[0] and (stopped[1] or kinds == 1):
            if phase == CHARGE_CV:
                keep_full(outcome, p, lane.state, window, group_v, design, duty)
            phase += 2 if phase == CHARGE_CV and duty.rest_s == 0.0 else 1
            total = phase_current(phase, duty)
            if phase != CHARGE_CV:
                held[:] = total / duty.parallel
            trend[:], decline = 0.0, 0.0
            starts, phase_t = True, 0.0
            dt = first_length(duty.dt_max, spreads and phase != REST and phase != CHARGE_CV)
            stopped[:] = False
            f_now[:] = -1.0
        if steps > STEP_LIMIT:
            outcome.status[p] = NO_LIMIT
            break
    outcome.steps[p] = steps
    outcome.simulated_s[p] = t
    return count

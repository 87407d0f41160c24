"""The only code that advances a cell (compiled). Discharge current is positive; SI units throughout.

A step of `dt` has three parts, for cells `begin..end` of structure-of-arrays storage `[row, cell]`:

    set_dt    decays that depend on the step length only        (again only when dt changes)
    prepare   everything at the end of the step that does not depend on the current
    respond   terminal voltage at the end of the step and its slope, at a trial current (as often as needed)
    advance   commits the step at the current that was found

`respond` is a pure function of `work`, so currents of parallel cells and event times are found without stepping back.
"""

import math
from typing import NamedTuple

import numpy as np

from packsim.cell.electrodes import kernels as electrodes
from packsim.cell.electrodes.kernels import CE_N, CIF_P, LEFT, N_STATE, PARTICLE_N, PARTICLE_P, POLES, TAU_N, X_N, X_P
from packsim.cell.spme import kernels as spme
from packsim.cell.spme.kernels import POLE_RATE
from packsim.cell.table import kernels as table
from packsim.numerics import pace
from packsim.numerics.fastmath import exp_fast
from packsim.numerics.jit import allocating_kernel, kernel
from packsim.numerics.roots import COLUMNS, TRIALS, next_time, note_value, open_bracket, width


class Lane(NamedTuple):
    """Arrays of one cell (or of many): everything a step touches."""

    state: np.ndarray  # [N_STATE, n]
    coef: np.ndarray  # [N_COEF, n]
    work: np.ndarray  # [N_WORK, n]
    decay: np.ndarray  # [N_DECAY, n]
    current: np.ndarray  # [n]
    emf: np.ndarray  # [n]
    slope: np.ndarray  # [n]


@kernel
def coefficients(coef, values, design, begin, end):
    """Kernel coefficients [row, cell] from as-built traits [trait, cell]."""
    if design.is_table:
        table.coefficients_table(coef, values, design, begin, end)
    else:
        electrodes.electrode_coefficients(coef, values, design, begin, end)


@kernel
def balance(out, values, design, begin, end):
    """Window [x0, x100, y0, y100, capacity_ah] into out[5, cell] from traits [trait, cell]."""
    if design.is_table:
        table.balance_table(out, values, design, begin, end)
    else:
        electrodes.electrode_balance(out, values, design, begin, end)


@kernel
def rest_state(state, design, soc, window, begin, end):
    """Equilibrium at `soc[cell]` (0..1, beyond is allowed) between window[x0, x100, y0, y100; cell]."""
    for j in range(begin, end):
        for row in range(N_STATE):
            state[row, j] = 0.0
        if design.is_table:
            state[table.SOC, j] = soc[j]
            continue
        state[X_N, j] = window[0, j] + soc[j] * (window[1, j] - window[0, j])
        state[X_P, j] = window[2, j] + soc[j] * (window[3, j] - window[2, j])
        for k in range(design.shells_n):
            state[PARTICLE_N + k, j] = state[X_N, j]
        for k in range(design.shells_p):
            state[PARTICLE_P + k, j] = state[X_P, j]
        for row in range(CE_N, CIF_P + 1):
            state[row, j] = design.c_e_init


@kernel
def set_dt(decay, coef, design, dt, begin, end):
    """Decays of the particle poles (or RC pairs) over a step of dt."""
    if design.is_table:
        for k in range(2):
            decay[k, begin:end] = exp_fast(-dt / design.tables.rc_s[k, 0, 0])  # unused where they depend on SOC
        return
    if not design.shells_n:
        pole_decays(decay, coef, 0, dt, begin, end)
    if not design.shells_p:
        pole_decays(decay, coef, 1, dt, begin, end)


@kernel
def pole_decays(decay, coef, side, dt, begin, end):
    """exp(-rate dt D / R^2) of every pole of one electrode's particles; long steps leave nothing of the fast ones (0)."""
    tau, x, least, left = coef[TAU_N + side, begin:end], decay[POLES * (side + 1) - 1, begin:end], math.inf, 0
    for j in range(end - begin):
        x[j] = -dt / tau[j]  # in the row of the last pole, whose turn comes last
        least = min(least, -x[j])
    for k in range(POLES):
        e, rate = decay[POLES * side + k, begin:end], POLE_RATE[k]
        if rate * least > GONE:
            for j in range(end - begin):
                e[j] = 0.0
        else:
            left += 1
            for j in range(end - begin):
                exponent = rate * x[j]
                e[j] = exp_fast(exponent) if exponent >= -GONE else 0.0  # whatever the cells beside it are
    if begin < end:
        decay[LEFT + side, begin] = left


@kernel
def prepare(work, state, coef, decay, design, dt, begin, end):
    """The current-independent part of the end of a step, and its slope with current."""
    if design.is_table:
        table.prepare_table(work, state, coef, decay, design, dt, begin, end)
    else:
        spme.prepare_spme(work, state, coef, decay, design, dt, begin, end)


@kernel
def respond(emf, slope, current, work, coef, design, begin, end):
    """Terminal voltage at the end of the prepared step near `current`: emf - slope * current, per cell."""
    if design.is_table:
        table.respond_table(emf, slope, current, work, coef, design, begin, end)
    else:
        spme.respond_spme(emf, slope, current, work, coef, design, begin, end)


@kernel
def advance(state, work, coef, decay, design, current, dt, begin, end):
    """Commit the prepared step at `current[cell]`."""
    if design.is_table:
        table.advance_table(state, work, coef, decay, design, current, dt, begin, end)
    else:
        spme.advance_spme(state, work, coef, decay, design, current, dt, begin, end)


GONE = 40.0  # a pole that has decayed by exp(-40) has left nothing
BEND_V = 0.02  # V: a step of constant current that bends the voltage more is shortened
VOLTAGE_STEP = 0.03  # V: ... or that changes it more, where what is kept is first order in time
EVENT_TOLERANCE_S = 1e-7
EVENT_TOLERANCE_V = 1e-9


@kernel
def voltage_after(cell, design, current, dt):
    """Terminal voltage of a single cell `dt` later; leaves `cell` prepared for `advance` (dt = 0: right now)."""
    n = cell.emf.size  # not a literal 1: that would be another signature to compile
    set_dt(cell.decay, cell.coef, design, dt, 0, n)
    prepare(cell.work, cell.state, cell.coef, cell.decay, design, dt, 0, n)
    cell.current[0] = current
    respond(cell.emf, cell.slope, cell.current, cell.work, cell.coef, design, 0, n)
    return cell.emf[0] - cell.slope[0] * current


@kernel
def event_dt(cell, design, current, bracket, target):
    """Step length at which the voltage reaches `target`, inside an open bracket of how far it is passed."""
    for trials in range(TRIALS):
        trial = next_time(bracket, trials)
        v = voltage_after(cell, design, current, trial)
        f = target - v if current > 0.0 else v - target
        note_value(bracket, trial, f)
        if width(bracket) < EVENT_TOLERANCE_S or abs(f) < EVENT_TOLERANCE_V:
            break
    return trial


@allocating_kernel
def record(trace, count, t, v, i):
    """Append (t, v, i) to trace[3, capacity], which doubles when full."""
    if count == trace.shape[1]:
        bigger = np.empty((3, 2 * count))
        for row in range(3):  # a slice assignment compiles for three seconds
            for k in range(count):
                bigger[row, k] = trace[row, k]
        trace = bigger
    trace[0, count] = t
    trace[1, count] = v
    trace[2, count] = i
    return trace


@allocating_kernel
def profile(cell, design, currents, durations, dt_max, v_low, v_high):
    """Currents held for durations, one after another; ends early where the voltage reaches a limit.

    Returns trace[3, n] (time, voltage, current; the first instant after each jump included) and whether it ended early.
    """
    trace, bracket = np.empty((3, 512)), np.empty((2, COLUMNS))
    count, t = 0, 0.0
    for segment in range(currents.shape[0]):
        i, t_end = currents[segment], t + durations[segment]
        v = voltage_after(cell, design, i, 0.0)
        trace = record(trace, count, t, v, i)
        count += 1
        if (i > 0.0 and v <= v_low) or (i < 0.0 and v >= v_high):
            return trace[:, :count], True
        dt, per_second, last = pace.FIRST_FRACTION * dt_max, 0.0, 0.0
        target, f_old = v_low if i > 0.0 else v_high, -1.0
        while t_end - t > 1e-9:
            step = min(dt, t_end - t)
            v_new = voltage_after(cell, design, i, step)
            bent = pace.bend(v, per_second, step, last, v_new)
            if step > pace.SHORTEST_S and bent > BEND_V:
                dt = pace.shorter(step, last, bent, BEND_V)
                continue
            f_now = target - v if i > 0.0 else v - target
            reached = (i > 0.0 and v_new <= v_low) or (i < 0.0 and v_new >= v_high)
            if reached:
                open_bracket(bracket, -last, f_old, f_now, step, target - v_new if i > 0.0 else v_new - target)
                step = event_dt(cell, design, i, bracket, target)
                v_new = voltage_after(cell, design, i, step)
            advance(cell.state, cell.work, cell.coef, cell.decay, design, cell.current, step, 0, cell.emf.size)
            t = t_end if t_end - t - step <= 1e-9 and not reached else t + step
            dt = pace.next_step(step, last, bent, BEND_V, dt_max)
            per_second, last, f_old = (v_new - v) * (1.0 / step), step, f_now
            v = v_new
            trace = record(trace, count, t, v, i)
            count += 1
            if reached:
                return trace[:, :count], True
    return trace[:, :count], False

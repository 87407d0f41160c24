"""The end-of-line test of many cells (compiled). Time steps, their errors and the search for the end: docs/inspection.md.

Shapes: n cells, t traits; CHUNK cells are tested together so that loops over them run on vector registers. Each cell's
steps follow from the plan and its own capacity only: neighbours, chunk and thread do not change a bit of its result.
"""

from typing import NamedTuple

import numba
import numpy as np

from packsim.cell import kernels as cell
from packsim.cell.electrodes.kernels import (
    AL_N,
    AL_P,
    AL_S,
    ELECTRODE,
    N_COEF,
    N_DECAY,
    N_STATE,
    N_WORK,
    POROSITY,
    Q_N,
    Q_P,
    SOURCE,
    T_AREA,
    T_FILL,
    T_LEAK,
    T_LOAD_N,
    T_LOAD_P,
    T_OVERLAP,
    T_SEP_E,
    T_THICK_N,
    T_THICK_P,
    T_WELD,
    TAU_N,
    TAU_P,
    inventory,
    ocp,
    open_circuit,
    stoichiometry_at,
)
from packsim.line.kernels import normals
from packsim.numerics.fastmath import exp_fast
from packsim.numerics.jit import kernel, parallel_kernel
from packsim.numerics.purposes import GAUGE, STORAGE
from packsim.numerics.streams import _word

CHUNK = 512
VOLTAGE_TOLERANCE = 1e-7  # V: at the end of discharge 1e-4 s or better
TIME_TOLERANCE = 1e-6  # s
SEARCH_LIMIT = 80
SEARCH_PATIENCE = 8  # then every other trial halves the bracket
NEWTON_LIMIT = 12
STOICHIOMETRY_TOLERANCE = 1e-13
CAPACITY, DCIR, OCV_FIRST, OCV_SECOND, SOC = range(5)  # rows of `true`
N_TRUE = 5


class Bench(NamedTuple):
    """The test bench, SI units but for Ah."""

    nominal: np.ndarray  # [t, 1] traits of the nominal cell
    window: np.ndarray  # [5] of the nominal cell
    test_a: float
    end_share: float  # where the nominal cell's capacity test ends, of its own charge
    shares: np.ndarray  # [steps] ends of the common steps, of end_share
    pulse_a: float
    pulse_s: float
    pulse_soc: float
    pulse_steps: int  # the pulse runs with this many and with twice as many steps, then extrapolates
    storage_ah: float
    charge_sd_ah: float
    rest_s: float


@parallel_kernel
def test_cells(true, window, gauge, values, address, design, bench, key0, key1):
    """Fill true[N_TRUE, n] (Ah, ohm, V, V, 1), window[5, n] and the normals gauge[4, n]; nan for a cell that is none."""
    n = address.shape[0]
    for chunk in numba.prange((n + CHUNK - 1) // CHUNK):
        a, b = chunk * CHUNK, min((chunk + 1) * CHUNK, n)
        out = true[:, a:b], window[:, a:b], gauge[:, a:b]
        test_chunk(out, values[:, a:b], address[a:b], design, bench, key0, key1)


@kernel
def test_chunk(out, values, address, design, bench, key0, key1):
    """One chunk of `test_cells`; out: its columns of true, window and gauge."""
    true, window, gauge = out
    n = address.shape[0]
    counter, drawn = np.empty((3, n), np.uint64), np.empty((4, n))
    for i in range(n):
        counter[0, i], counter[1, i], counter[2, i] = _word(address[i, 1]), _word(address[i, 0]), _word(address[i, 2])
    normals(drawn, counter, GAUGE, key0, key1)
    gauge[:, :] = drawn
    normals(drawn, counter, STORAGE, key0, key1)
    traits, own = np.empty((values.shape[0], n)), np.empty((5, n))
    usable = usable_traits(traits, own, values, design, bench)
    lane = cell.Lane(
        np.zeros((N_STATE, n)),
        np.empty((N_COEF, n)),
        np.zeros((N_WORK, n)),
        np.zeros((N_DECAY, n)),
        np.empty(n),
        np.empty(n),
        np.empty(n),
    )
    cell.coefficients(lane.coef, traits, design, 0, n)
    result = np.empty((N_TRUE, n))
    result[DCIR] = pulse_resistance(lane, own, design, bench)
    result[CAPACITY] = discharge_capacity(lane, own, design, bench)
    store(result, own, traits, drawn[0], design, bench)
    for i in range(n):
        for row in range(N_TRUE):
            true[row, i] = result[row, i] if usable[i] else np.nan
        for row in range(5):
            window[row, i] = own[row, i] if usable[i] else np.nan


@kernel
def usable_traits(traits, window, values, design, bench):
    """Copy values[t, n] into `traits`, windows into window[5, n]; a cell without pores or window becomes nominal.

    Returns usable[n]. Look-ups in the cell's kernels have no guard against nan, so it must not get that far.
    """
    n = values.shape[1]
    usable = np.empty(n, np.bool_)
    traits[:, :] = values
    for i in range(n):
        fine = values[T_AREA, i] > 0.0 and values[T_OVERLAP, i] > 0.0
        if fine and not design.is_table:
            for t in range(T_WELD):
                fine = fine and 0.0 < values[t, i] < np.inf
            solid_n = (1.0 - design.nominal[POROSITY]) * values[T_LOAD_N, i] / values[T_THICK_N, i]
            solid_p = (1.0 - design.nominal[ELECTRODE + POROSITY]) * values[T_LOAD_P, i] / values[T_THICK_P, i]
            fill = values[T_FILL, i]
            fine = fine and solid_n < 1.0 and solid_p < 1.0 and values[T_SEP_E, i] * fill > 0.0
        usable[i] = fine
        if not fine:
            traits[:, i] = bench.nominal[:, 0]
    if design.is_table:
        cell.balance(window, traits, design, 0, n)
        return usable
    for i in range(n):
        q_n, q_p, q_li = inventory(design.nominal, traits, i)
        x0 = window_end(design, q_n, q_p, q_li, design.lower_cutoff_v, bench.window[0])
        x100 = window_end(design, q_n, q_p, q_li, design.upper_cutoff_v, bench.window[1])
        window[0, i], window[1, i] = x0, x100
        window[2, i], window[3, i] = (q_li - x0 * q_n) / q_p, (q_li - x100 * q_n) / q_p
        window[4, i] = (x100 - x0) * q_n / 3600.0
        if not window[4, i] > 0.0:
            usable[i] = False
            traits[:, i] = bench.nominal[:, 0]
            window[:, i] = bench.window
    return usable


@kernel
def window_end(design, q_n, q_p, q_li, voltage, guess):
    """As `stoichiometry_at`, by Newton from the nominal cell's value: an as-built cell is near it."""
    x = guess
    for _ in range(NEWTON_LIMIT):
        v, slope = open_circuit(design, q_n, q_p, q_li, x)
        if not slope > 0.0:
            break
        step = (voltage - v) / slope
        x += step
        if abs(step) < STOICHIOMETRY_TOLERANCE:
            return x
        if not 0.0 < x < 1.0:
            break
    return stoichiometry_at(design, q_n, q_p, q_li, voltage)


@kernel
def voltage(lane, design, dt):
    """Terminal voltage [n] at the end of a step of dt; leaves the lane prepared for `cell.advance`."""
    n = lane.current.size
    cell.set_dt(lane.decay, lane.coef, design, dt, 0, n)
    cell.prepare(lane.work, lane.state, lane.coef, lane.decay, design, dt, 0, n)
    cell.respond(lane.emf, lane.slope, lane.current, lane.work, lane.coef, design, 0, n)
    return lane.emf - lane.slope * lane.current


@kernel
def pulse_resistance(lane, window, design, bench):
    """Voltage drop of the pulse from rest over its current [n], ohm.

    The electrolyte is first order in time; the runs with m and 2m steps are extrapolated to second order.
    """
    n = lane.current.size
    soc = np.full(n, bench.pulse_soc)
    drop = np.zeros(n)
    for run in range(3):
        steps = bench.pulse_steps * run
        cell.rest_state(lane.state, design, soc, window, 0, n)
        lane.current[:] = bench.pulse_a if run else 0.0
        dt = bench.pulse_s / steps if run else 0.0
        v = voltage(lane, design, dt)
        for _ in range(steps - 1):
            cell.advance(lane.state, lane.work, lane.coef, lane.decay, design, lane.current, dt, 0, n)
            v = voltage(lane, design, dt)
        weight = 1.0 if run != 2 else -2.0
        drop += weight * v
    return drop / bench.pulse_a


@kernel
def own_steps(lane, base, length, design):
    """Voltage [n] after a step of length[n] seconds, one for each cell: their clocks are scaled, then dt = 1.

    In the cell's equations every rate stands beside dt, so a clock that runs s times faster is s times those rates.
    """
    for row in range(N_COEF):
        lane.coef[row] = base[row]
    if design.is_table:
        lane.coef[Q_N] = base[Q_N] * length
    else:
        for row in (Q_N, Q_P, AL_N, AL_S, AL_P, SOURCE):
            lane.coef[row] = base[row] * length
        for row in (TAU_N, TAU_P):
            lane.coef[row] = base[row] / length
    n = lane.current.size
    cell.set_dt(lane.decay, lane.coef, design, 1.0, 0, n)
    if design.is_table:
        for k in range(2):
            for j in range(n):
                lane.decay[k, j] = exp_fast(-length[j] / design.rc_s[k])
    cell.prepare(lane.work, lane.state, lane.coef, lane.decay, design, 1.0, 0, n)
    cell.respond(lane.emf, lane.slope, lane.current, lane.work, lane.coef, design, 0, n)
    return lane.emf - lane.slope * lane.current


@kernel
def discharge_capacity(lane, window, design, bench):
    """Charge [n], Ah, from 100 % SOC to the lower cut-off at constant current; 0 if the voltage is below it at once."""
    n, current = lane.current.size, bench.test_a
    cell.rest_state(lane.state, design, np.ones(n), window, 0, n)
    lane.current[:] = current
    above = voltage(lane, design, 0.0) - design.lower_cutoff_v  # at the start of the step that is being taken
    base, kept = lane.coef.copy(), np.empty_like(lane.state)
    whole = window[4] * (3600.0 / current)
    elapsed = np.zeros(n)
    ended = above <= 0.0
    high, below = np.zeros(n), above.copy()  # length and voltage of the first step that went too far
    last = 0.0
    for share in bench.shares:
        length = whole * ((share - last) * bench.end_share)
        last = share
        v = own_steps(lane, base, length, design) - design.lower_cutoff_v
        kept[:, :] = lane.state
        cell.advance(lane.state, lane.work, lane.coef, lane.decay, design, lane.current, 1.0, 0, n)
        for j in range(n):
            if not ended[j] and v[j] > 0.0:
                elapsed[j] += length[j]
                above[j] = v[j]
                continue
            if not ended[j]:
                ended[j], high[j], below[j] = True, length[j], v[j]
            lane.state[:, j] = kept[:, j]
    guess = high.copy()
    for j in range(n):
        if not ended[j]:
            guess[j] = (1.0 - last) * bench.end_share * whole[j]
            high[j] = max(whole[j] - elapsed[j], guess[j])
    return (elapsed + find_end(lane, base, above, guess, high, below, ended, design)) * (current / 3600.0)


@kernel
def find_end(lane, base, above, guess, high, below, known, design):
    """Seconds [n] from the lane's state until the voltage reaches the cut-off.

    The first trial is `guess`, at which the voltage is known to be `below` the cut-off where `known`. Inverse quadratic
    interpolation through the last three trials; halving where that leaves the bracket 0..high or is slow.
    """
    n = guess.size
    low = np.zeros(n)
    a, f_a, b, f_b = np.zeros(n), above.copy(), np.zeros(n), above.copy()
    c, f_c, trial = guess.copy(), below.copy(), guess.copy()
    done = guess <= 0.0  # below the cut-off at once
    if not np.all(known):
        v = own_steps(lane, base, np.maximum(guess, TIME_TOLERANCE), design)
        for j in range(n):
            if not known[j]:
                f_c[j] = v[j] - design.lower_cutoff_v
                if f_c[j] > 0.0:
                    low[j] = guess[j]
                else:
                    high[j] = guess[j]
    for count in range(SEARCH_LIMIT):
        busy = False
        for j in range(n):
            if not done[j]:
                trial[j] = next_trial(a[j], f_a[j], b[j], f_b[j], c[j], f_c[j], low[j], high[j], count)
                busy = True
        if not busy:
            break
        v = own_steps(lane, base, np.maximum(trial, TIME_TOLERANCE), design)
        for j in range(n):
            if done[j]:
                continue
            f = v[j] - design.lower_cutoff_v
            a[j], f_a[j], b[j], f_b[j], c[j], f_c[j] = b[j], f_b[j], c[j], f_c[j], trial[j], f
            if f > 0.0:
                low[j] = trial[j]
            else:
                high[j] = trial[j]
            done[j] = abs(f) < VOLTAGE_TOLERANCE or high[j] - low[j] < TIME_TOLERANCE
    return trial


@kernel
def next_trial(a, f_a, b, f_b, c, f_c, low, high, count):
    """The next time to try from the last three (a, b, c) and the bracket."""
    if count >= SEARCH_PATIENCE and count % 2 == 0:
        return 0.5 * (low + high)
    trial = c - f_c * (c - b) / (f_c - f_b)
    if count > 0:
        curved = a * f_b * f_c / ((f_a - f_b) * (f_a - f_c))
        curved += b * f_a * f_c / ((f_b - f_a) * (f_b - f_c))
        curved += c * f_a * f_b / ((f_c - f_a) * (f_c - f_b))
        if low < curved < high:
            return curved
    if low < trial < high:
        return trial
    return 0.5 * (low + high)


@kernel
def store(result, window, traits, charge_error, design, bench):
    """Charge for storage after the capacity test, rest, and both open-circuit voltages and the final SOC."""
    for j in range(result.shape[1]):
        whole = window[4, j]
        leak = 1e-6 * traits[T_LEAK, j]
        drawn = result[CAPACITY, j] * (1.0 + leak / bench.test_a)
        soc = 1.0 + (bench.storage_ah + bench.charge_sd_ah * charge_error[j] - drawn) / whole
        soc = min(max(soc, 0.0), 1.0)  # the charger stops at the upper cut-off
        result[OCV_FIRST, j] = rest_voltage(design, window, soc, j)
        soc -= leak * bench.rest_s / 3600.0 / whole
        result[OCV_SECOND, j] = rest_voltage(design, window, soc, j)
        result[SOC, j] = soc


@kernel
def rest_voltage(design, window, soc, j):
    """Open-circuit voltage of cell j at `soc` of its window (0..1)."""
    if design.is_table:
        return ocp(design.ocp_p, soc)[0]
    x = window[0, j] + soc * (window[1, j] - window[0, j])
    y = window[2, j] + soc * (window[3, j] - window[2, j])
    return ocp(design.ocp_p, y)[0] - ocp(design.ocp_n, x)[0]

"""The end-of-line test of many cells (compiled). Time steps, their errors and the end point: docs/inspection.md.

Shapes: n cells, t traits; CHUNK cells are tested together so that loops over them run on vector registers. Each cell's
steps follow from the plan and its own capacity only: neighbours, chunk and thread do not change a bit of its result.
One loop (`run_tests`) takes every step of every run, because each place that calls the cell's kernels costs seconds of
compiling.
"""

from typing import NamedTuple

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
    ocp,
)
from packsim.inspection.search.kernels import (
    FIRST_INSTANT,
    common_step,
    new_search,
    next_trials,
    note_step,
    note_trial,
)
from packsim.line.variation.kernels import normals
from packsim.numerics.fastmath import exp_fast
from packsim.numerics.jit import allocating_kernel, kernel
from packsim.numerics.purposes import STORAGE
from packsim.numerics.streams import _word

CHUNK = 512
SEARCH_LIMIT = 80
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


@allocating_kernel
def test_cells(true, window, values, address, design, bench, key0, key1, first, last):
    """Fill true[N_TRUE, n] (Ah, ohm, V, V, 1) and window[5, n] of cells first .. last - 1; nan if dead."""
    for begin in range(first, last, CHUNK):
        end = min(begin + CHUNK, last)
        own_window, charge = np.empty((5, end - begin)), draw(address, STORAGE, begin, end - begin, key0, key1)
        usable, result = run_tests(own_window, values, design, bench, begin)
        store(result, own_window, values, charge, design, bench, begin)
        put(true, begin, result, usable)
        put(window, begin, own_window, usable)


@allocating_kernel
def draw_normals(out, address, purpose, key0, key1, first, last):
    """Four standard normals of each address into out[4, n], for rows first .. last - 1."""
    for begin in range(first, last, CHUNK):
        end = min(begin + CHUNK, last)
        drawn = draw(address, purpose, begin, end - begin, key0, key1)
        for row in range(4):
            for i in range(end - begin):
                out[row, begin + i] = drawn[row, i]


@allocating_kernel
def draw(address, purpose, begin, n, key0, key1):
    """Four standard normals [4, n] of the addresses from `begin`."""
    counter, out = np.empty((3, n), np.uint64), np.empty((4, n))
    for i in range(n):
        row = begin + i
        counter[0, i], counter[1, i], counter[2, i] = (
            _word(address[row, 1]),
            _word(address[row, 0]),
            _word(address[row, 2]),
        )
    normals(out, counter, purpose, key0, key1)
    return out


@kernel
def put(out, begin, rows, usable):
    """Copy rows[r, n] into out[r, begin : begin + n], nan where not usable."""
    for row in range(rows.shape[0]):
        for i in range(usable.size):
            out[row, begin + i] = rows[row, i] if usable[i] else np.nan


@kernel
def copy_rows(out, rows):
    """out[r, n] = rows[r, n]; a slice assignment would do, and compile for a second at each place."""
    for row in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[row, j] = rows[row, j]


@kernel
def put_column(out, to, rows, of):
    """out[:, to] = rows[:, of]."""
    for row in range(out.shape[0]):
        out[row, to] = rows[row, of]


@allocating_kernel
def usable_traits(traits, window, values, design, bench, begin):
    """Fill traits[t, n] and window[5, n] with the cells from `begin`; one without pores or window becomes nominal.

    Returns usable[n]. Look-ups in the cell's kernels have no guard against nan, so it must not get that far.
    """
    n = traits.shape[1]
    usable = np.empty(n, np.bool_)
    for t in range(values.shape[0]):
        for i in range(n):
            traits[t, i] = values[t, begin + i]
    for i in range(n):
        fine = traits[T_AREA, i] > 0.0 and traits[T_OVERLAP, i] > 0.0
        if fine and not design.is_table:
            for t in range(T_WELD):
                fine = fine and 0.0 < traits[t, i] < np.inf
            solid_n = (1.0 - design.nominal[POROSITY]) * traits[T_LOAD_N, i] / traits[T_THICK_N, i]
            solid_p = (1.0 - design.nominal[ELECTRODE + POROSITY]) * traits[T_LOAD_P, i] / traits[T_THICK_P, i]
            fill = traits[T_FILL, i]
            fine = fine and solid_n < 1.0 and solid_p < 1.0 and traits[T_SEP_E, i] * fill > 0.0
        usable[i] = fine
        if not fine:
            put_column(traits, i, bench.nominal, 0)
    cell.balance(window, traits, design, 0, n)
    if design.is_table:
        return usable
    for i in range(n):
        if not window[4, i] > 0.0:
            usable[i] = False
            put_column(traits, i, bench.nominal, 0)
            for row in range(5):
                window[row, i] = bench.window[row]
    return usable


@kernel
def own_clocks(coef, base, length, is_table):
    """Coefficients of cells whose clocks run length[n] times as fast: a step of dt = 1 then takes length[n] seconds.

    In the cell's equations every rate stands beside dt, so its clock is scaled by scaling its rates.
    """
    for j in range(length.size):
        coef[Q_N, j] = base[Q_N, j] * length[j]
    if is_table:
        return
    for j in range(length.size):
        coef[Q_P, j] = base[Q_P, j] * length[j]
        coef[AL_N, j] = base[AL_N, j] * length[j]
        coef[AL_S, j] = base[AL_S, j] * length[j]
        coef[AL_P, j] = base[AL_P, j] * length[j]
        coef[SOURCE, j] = base[SOURCE, j] * length[j]
        coef[TAU_N, j] = base[TAU_N, j] / length[j]
        coef[TAU_P, j] = base[TAU_P, j] / length[j]


@kernel
def own_decays(decay, length, rc_s):
    """Decays of a table cell's RC pairs over length[n] seconds; time constants over SOC follow the scaled clock."""
    for k in range(2):
        for j in range(length.size):
            decay[k, j] = exp_fast(-length[j] / rc_s[k, 0, 0])


@allocating_kernel
def run_tests(window, values, design, bench, begin):
    """Fill window[5, n] of the n cells from `begin`; returns usable[n] and result[N_TRUE, n] with CAPACITY and DCIR.

    Pulse: open circuit, then m steps, then again with 2m; the electrolyte is first order in time, so the two runs are
    extrapolated. Capacity: from 100 % SOC through the common steps; a cell that falls below the lower cut-off stays at
    the start of that step. Then each cell's end is searched from there.
    """
    n = window.shape[1]
    traits, result, lane = np.empty((values.shape[0], n)), np.empty((N_TRUE, n)), new_lane(n)
    usable = usable_traits(traits, window, values, design, bench, begin)
    cell.coefficients(lane.coef, traits, design, 0, n)
    base, kept, still = np.empty((N_COEF, n)), np.empty((N_STATE, n)), np.empty((N_STATE, n))
    copy_rows(base, lane.coef)
    search = new_search(n)
    v, length, soc = np.empty(n), np.empty(n), np.empty(n)
    m, drop = bench.pulse_steps, result[DCIR]
    test = 3 * m + 1  # number of the first step of the capacity test
    after = test + 1 + bench.shares.size
    for step in range(after + SEARCH_LIMIT):
        if step == 0 or step == test:
            soc[:] = bench.pulse_soc if step == 0 else 1.0
            cell.rest_state(lane.state, design, soc, window, 0, n)
            copy_rows(still, lane.state)
        if step == m + 1:
            copy_rows(lane.state, still)
        if step == 1 or step == test:
            lane.current[:] = bench.pulse_a if step == 1 else bench.test_a
        if step < test:
            length[:] = FIRST_INSTANT if step == 0 else bench.pulse_s / m if step <= m else 0.5 * bench.pulse_s / m
        elif step < after:
            common_step(length, window, bench, step - test)
        elif not next_trials(length, search, window, bench, step - after):
            break
        own_clocks(lane.coef, base, length, design.is_table)
        cell.set_dt(lane.decay, lane.coef, design, 1.0, 0, n)
        if design.is_table:
            own_decays(lane.decay, length, design.tables.rc_s)
        cell.prepare(lane.work, lane.state, lane.coef, lane.decay, design, 1.0, 0, n)
        cell.respond(lane.emf, lane.slope, lane.current, lane.work, lane.coef, design, 0, n)
        for j in range(n):
            v[j] = lane.emf[j] - lane.slope[j] * lane.current[j]
        if step < test:
            weight = 1.0 if step == 0 or step == m else -2.0 if step == 3 * m else 0.0
            for j in range(n):
                drop[j] = weight * v[j] + (drop[j] if step else 0.0)
        elif step < after:
            note_step(search, v, length, design.lower_cutoff_v, step == test)
        else:
            note_trial(search, v, length, design.lower_cutoff_v)
        if step != 0 and step != test and step < after:
            copy_rows(kept, lane.state)
            cell.advance(lane.state, lane.work, lane.coef, lane.decay, design, lane.current, 1.0, 0, n)
            for j in range(n):
                if search.ended[j]:
                    put_column(lane.state, j, kept, j)
    for j in range(n):
        result[DCIR, j] = drop[j] / bench.pulse_a
        result[CAPACITY, j] = (search.elapsed[j] + search.time[2, j]) * bench.test_a / 3600.0
    return usable, result


@allocating_kernel
def new_lane(n):
    """Kernel arrays of n cells."""
    state, coef, work, decay = (
        np.zeros((N_STATE, n)),
        np.zeros((N_COEF, n)),
        np.zeros((N_WORK, n)),
        np.zeros((N_DECAY, n)),
    )
    return cell.Lane(state, coef, work, decay, np.zeros(n), np.zeros(n), np.zeros(n))


@kernel
def store(result, window, values, charge_error, design, bench, begin):
    """Charge for storage after the capacity test, rest, and both open-circuit voltages and the final SOC."""
    is_table, ocp_n, ocp_p, rest_h = design.is_table, design.ocp_n, design.ocp_p, bench.rest_s / 3600.0
    for j in range(result.shape[1]):
        whole = window[4, j]
        leak = 1e-6 * values[T_LEAK, begin + j]
        drawn = result[CAPACITY, j] * (1.0 + leak / bench.test_a)
        soc = 1.0 + (bench.storage_ah + bench.charge_sd_ah * charge_error[0, j] - drawn) / whole
        soc = min(max(soc, 0.0), 1.0)  # the charger stops at the upper cut-off
        result[OCV_FIRST, j] = rest_voltage(is_table, ocp_n, ocp_p, window, soc, j)
        soc -= leak * rest_h / whole
        result[OCV_SECOND, j] = rest_voltage(is_table, ocp_n, ocp_p, window, soc, j)
        result[SOC, j] = soc


@kernel
def rest_voltage(is_table, ocp_n, ocp_p, window, soc, j):
    """Open-circuit voltage of cell j at `soc` of its window (0..1); a whole design would be copied at each call."""
    if is_table:
        return ocp(ocp_p, soc)[0]
    x = window[0, j] + soc * (window[1, j] - window[0, j])
    y = window[2, j] + soc * (window[3, j] - window[2, j])
    return ocp(ocp_p, y)[0] - ocp(ocp_n, x)[0]

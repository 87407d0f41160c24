"""Damage of cells beyond their limits (compiled); the laws, what of them is assumed, and the numbers: docs/beyond.md.

Damage is an array [row, cell] of its own beside the cell's state. After each committed step of `packsim.cell.kernels`:

    advance_damage   what the step did, from the anode's surface potential at its end
    apply_damage     the short's current into coef row LEAK, for the next step

Exactly zero for a cell whose anode stays between 0 V and the SEI's limit and that is never above its upper cut-off.
"""

import math
from typing import NamedTuple

import numpy as np

from packsim.cell import kernels as cell_kernels
from packsim.cell.electrodes.kernels import (
    C1,
    CM_N,
    K_N,
    KINETIC_GUARD,
    LEAK,
    PARTICLE_N,
    Q_N,
    R_OHM,
    SCRATCH,
    SHAPE_N,
    TAU_N,
    TWO_V,
    X_N,
)
from packsim.cell.electrolyte.kernels import log_mean_parts
from packsim.cell.spme.kernels import surface_potential
from packsim.numerics import pace
from packsim.numerics.fastmath import asinh_fast, exp_fast
from packsim.numerics.jit import allocating_kernel, kernel
from packsim.numerics.roots import COLUMNS, open_bracket

# rows of `damage`
DISSOLVED_C = 0  # copper ever dissolved from the anode's collector
AWAY_C = 1  # copper that is not back on the anode
SHORT_S = 2  # conductance of the soft short between the electrodes
SEI_BROKEN_C = 3  # lithium that broken SEI will take when it forms again
LITHIUM_LOST_C = 4  # lithium that it has taken
PLATING_S = 5  # time charged with the anode's surface below 0 V vs Li
PLATING_C = 6  # charge passed meanwhile
PLATING_DEPTH_V = 7  # deepest below 0 V
OVER_CHARGE_C = 8  # charge put in above the upper cut-off
SHORT_A = 9  # current through the short
N_DAMAGE = 10

SHARE_WIDTHS = 30.0  # blend widths below copper's potential from which on its share of the current is zero (1e-13)
OVER_CHARGE_TOLERANCE_V = 1e-3  # constant-voltage charge stands at the cut-off, give or take rounding [assumed]
FUSE_S_PER_C = 1.0 / 3600.0  # 1 S per A.h of the anode, 4C at 4 V: bridges that carried more would melt [assumed]
NOTHING = 1e-12  # of the anode's capacity
SPHERE = math.pi * math.pi  # slowest mode of diffusion out of a sphere whose surface is held: rate pi^2 D / R^2


class Beyond(NamedTuple):
    """Numbers of the laws (SI); potentials of the anode's surface vs Li."""

    copper_v: float  # must be that of the design's anode table
    width_v: float  # of the blend in that table
    short_s_per_c: float  # conductance per charge of copper deposited
    cathode_share: float  # of dissolved copper that deposits elsewhere at once
    sei_v: float  # SEI breaks above
    sei_per_s: float  # at this rate
    sei_share: float  # of the anode's capacity: lithium held in SEI
    reform_v: float  # SEI forms below
    reform_share: float  # of the charging current


@kernel
def anode_potential(out, work, coef, design, current, begin, end):
    """Potential vs Li of the anode's surface at the end of the prepared step at `current[cell]`, into out[cell].

    U_n at the surface plus the reaction overpotential, averaged through the electrode: less than the potential at the
    separator's side by the electrolyte's ohmic drop. `work` is only read, but for its scratch rows.
    """
    surface_potential(work, coef, design.ocp_n, design.shells_n, design.d_n, 0, current, begin, end)
    i, leak, rate, thermal = current[begin:end], coef[LEAK, begin:end], coef[K_N, begin:end], coef[TWO_V, begin:end]
    mean, mean_rise = work[CM_N, begin:end], work[CM_N + 1, begin:end]
    edge, edge_rise, shape = work[C1, begin:end], work[C1 + 1, begin:end], work[SHAPE_N, begin:end]
    sto, u, potential = work[SCRATCH, begin:end], work[SCRATCH + 1, begin:end], out[begin:end]
    for j in range(end - begin):
        g, _ = log_mean_parts(mean[j], mean_rise[j], edge[j], edge_rise[j], i[j])
        exchange = math.sqrt(math.sqrt(g * shape[j]) * max(sto[j] * (1.0 - sto[j]), KINETIC_GUARD))
        potential[j] = u[j] + thermal[j] * asinh_fast(rate[j] * (i[j] + leak[j]) / exchange)


@kernel
def advance_damage(damage, state, work, coef, design, beyond, current, terminal_v, dt, begin, end):
    """Damage of a step of `dt`, after `advance` committed it at current[cell], ending at terminal_v[cell].

    Lithium that new SEI takes leaves the anode's particles in `state`. Table cells have no anode: only over-charge counts.
    """
    above = design.upper_cutoff_v + OVER_CHARGE_TOLERANCE_V
    for j in range(begin, end):
        if current[j] < 0.0 and terminal_v[j] > above:
            damage[OVER_CHARGE_C, j] -= current[j] * dt
    if design.is_table:
        return
    potential = work[SCRATCH + 2]
    anode_potential(potential, work, coef, design, current, begin, end)
    # with shells the diffusivity is a table, and TAU_N is the square of the radius alone
    per_tau = SPHERE * (design.d_n[0] if design.shells_n else 1.0)
    dissolves_v = beyond.copper_v - SHARE_WIDTHS * beyond.width_v
    for j in range(begin, end):
        u, at = work[SCRATCH + 1, j], potential[j]
        away, broken = damage[AWAY_C, j] > 0.0 or state[X_N, j] < 0.0, damage[SEI_BROKEN_C, j]
        if 0.0 <= at <= beyond.sei_v and u <= dissolves_v and broken == 0.0 and not away:
            continue  # nearly always
        inner = current[j] + coef[LEAK, j]
        if at < 0.0 and inner < 0.0:
            damage[PLATING_S, j] += dt
            damage[PLATING_C, j] -= inner * dt
            damage[PLATING_DEPTH_V, j] = max(damage[PLATING_DEPTH_V, j], -at)
        if u > dissolves_v or away:
            share = exp_fast(min((u - beyond.copper_v) / beyond.width_v, 0.0)) if u > dissolves_v else 0.0
            deficit = max(-state[X_N, j], 0.0) / coef[Q_N, j]
            settled = 1.0 - exp_fast(-dt * per_tau / coef[TAU_N, j])
            copper(damage, beyond, j, share * inner * dt, deficit, settled, 1.0 / coef[Q_N, j])
        taken = break_sei(damage, beyond, j, at, inner, dt, 1.0 / coef[Q_N, j]) * coef[Q_N, j]
        state[X_N, j] -= taken
        for shell in range(design.shells_n):  # without shells the surface follows the mean
            state[PARTICLE_N + shell, j] -= taken


@kernel
def copper(damage, beyond, j, passed, deficit, settled, capacity):
    """Copper of one cell [C]: what the current dissolves or deposits, and what it trades with lithium in the particles.

    The particle model lets lithium carry all current, so its content goes below zero where copper carried it: that
    deficit is the copper that must be away once diffusion in the particles has `settled` (share of the way, 0..1).
    """
    before = damage[AWAY_C, j]
    away = before + passed
    away = max(away + (deficit - away) * settled, 0.0)
    if deficit == 0.0 and away < NOTHING * capacity:
        away = 0.0  # so that nothing is left to trade
    damage[DISSOLVED_C, j] += max(away - before, 0.0)
    damage[AWAY_C, j] = away
    deposited = damage[DISSOLVED_C, j] - (1.0 - beyond.cathode_share) * away
    damage[SHORT_S, j] = min(beyond.short_s_per_c * deposited, FUSE_S_PER_C * capacity)


@kernel
def break_sei(damage, beyond, j, potential, inner, dt, capacity):
    """SEI of one cell: broken at high anode potential, formed again by part of the charge; returns the lithium taken [C]."""
    broken, taken = damage[SEI_BROKEN_C, j], 0.0
    if potential > beyond.sei_v:
        left = max(beyond.sei_share * capacity - broken, 0.0)
        damage[SEI_BROKEN_C, j] = broken + left * (1.0 - exp_fast(-dt * beyond.sei_per_s))
    elif broken > 0.0 and inner < 0.0 and potential < beyond.reform_v:
        taken = min(broken, -beyond.reform_share * inner * dt)
        damage[SEI_BROKEN_C, j] = broken - taken
        damage[LITHIUM_LOST_C, j] += taken
    return taken


@kernel
def apply_damage(coef, damage, leak_a, terminal_v, slope, begin, end):
    """Leakage of the next step into coef row LEAK: leak_a[cell] without damage, and the short's at terminal_v[cell].

    `slope` is that of `respond`; it makes the short implicit, since its current moves the voltage that drives it: a
    stiff short would swing otherwise. Below 0 V it carries a part of the discharge current past the electrodes. `leak_a`
    may be coef[LEAK] itself where that was just set anew.
    """
    for j in range(begin, end):
        conductance, flows = damage[SHORT_S, j], damage[SHORT_A, j]
        inner_ohm = max(slope[j] - coef[R_OHM, j], 0.0)  # the short is inside the cell's ohmic resistance
        flows = conductance * (terminal_v[j] + inner_ohm * flows) / (1.0 + conductance * inner_ohm)
        damage[SHORT_A, j] = flows
        coef[LEAK, j] = leak_a[j] + flows


@allocating_kernel
def damaged_profile(cell, design, beyond, damage, leak_a, currents, durations, dt_max, v_low, v_high):
    """`packsim.cell.kernels.profile` of one cell that takes damage; goes on from `cell` and `damage` as they are.

    Returns trace[5, n] (time, voltage, current, anode potential, copper dissolved) and whether it ended early. The first
    instant after each jump of current is in it.
    """
    n, anode = cell.emf.size, np.empty(cell.emf.size)
    volt, rows, bracket, count, t = np.empty(n), np.empty((5, 512)), np.empty((2, COLUMNS)), 0, 0.0
    for segment in range(currents.shape[0]):
        i, t_end, dt = currents[segment], t + durations[segment], pace.FIRST_FRACTION * dt_max
        target, v, starts, reached = v_low if i > 0.0 else v_high, 0.0, True, False
        per_second, last, f_old = 0.0, 0.0, -1.0
        while starts or (t_end - t > 1e-9 and not reached):
            step = 0.0 if starts else min(dt, t_end - t)
            v_new = cell_kernels.voltage_after(cell, design, i, step)
            bent = pace.bend(v, per_second, step, last, v_new)
            if not starts and step > pace.SHORTEST_S and bent > cell_kernels.BEND_V:
                dt = pace.shorter(step, last, bent, cell_kernels.BEND_V)
                continue
            f_now = target - v if i > 0.0 else v - target
            reached = (i > 0.0 and v_new <= target) or (i < 0.0 and v_new >= target)
            if reached and not starts:
                open_bracket(bracket, -last, f_old, f_now, step, target - v_new if i > 0.0 else v_new - target)
                step = cell_kernels.event_dt(cell, design, i, bracket, target)
                v_new = cell_kernels.voltage_after(cell, design, i, step)
            volt[0] = v_new
            anode_potential(anode, cell.work, cell.coef, design, cell.current, 0, n)
            if not starts:
                cell_kernels.advance(cell.state, cell.work, cell.coef, cell.decay, design, cell.current, step, 0, n)
                advance_damage(damage, cell.state, cell.work, cell.coef, design, beyond, cell.current, volt, step, 0, n)
                apply_damage(cell.coef, damage, leak_a, volt, cell.slope, 0, n)
                dt = pace.next_step(step, last, bent, cell_kernels.BEND_V, dt_max)
                per_second, last, f_old = (v_new - v) * (1.0 / step), step, f_now
            t, v, starts = t + step, v_new, False
            if count == rows.shape[1]:
                rows = doubled(rows)
            rows[0, count], rows[1, count], rows[2, count] = t, v, i
            rows[3, count], rows[4, count] = anode[0], damage[DISSOLVED_C, 0]
            count += 1
        if reached:
            return rows[:, :count], True
    return rows[:, :count], False


@allocating_kernel
def doubled(rows):
    """A copy of `rows` with twice the columns."""
    bigger = np.empty((rows.shape[0], 2 * rows.shape[1]))
    for row in range(rows.shape[0]):
        for k in range(rows.shape[1]):
            bigger[row, k] = rows[row, k]
    return bigger

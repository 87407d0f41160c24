"""Steps over which a cell's current runs straight from its value at the start to that at the end (compiled).

`packsim.cell.kernels` holds the end's current over the whole step, which is exact where the current stands still and first
order in time where it does not. Between `prepare` and `respond`, `lean` moves the part that the start's current has in
the end of the step from the slopes to the current-independent parts of `work`; `settle` does the same to the state after
`advance`. For a pole of rate r under a current that runs from i0 to i1 (exact; e = exp(-r dt), f = (1 - e) / (r dt)):

    m <- m e + w [ (f - e) i0 + (1 - f) i1 ]

The mean stoichiometries take the mean current, and so does the electrolyte, whose step is of second order at best.
"""

from packsim.cell.electrodes.kernels import (
    C1,
    C2,
    CM_N,
    CM_P,
    D_FAST,
    D_START,
    ENDS,
    FAST_POLES,
    FLUX_SLOPE,
    LEAK,
    LEANS,
    LEFT,
    MOST_SHELLS,
    PARTICLE_N,
    POLES,
    Q_N,
    SHELL_N,
    SHELL_P,
    SHELLS,
    SLOPES,
    TAU_N,
    X_N,
    XS_N,
)
from packsim.cell.spme.kernels import POLE_RATE, POLE_WEIGHT
from packsim.numerics.fastmath import log_fast
from packsim.numerics.jit import inlined_kernel, kernel

NO_DECAY = 1e-9  # 1 - e below which a pole only adds up


@kernel
def can_lean(design):
    """Whether all of a cell's own steps can: not with hysteresis, which follows the end's current."""
    return not design.is_table or design.tables.hysteresis_v.size == 0


@inlined_kernel
def part_of_start(e, per_rate_dt):
    """Part f - e that the start's current has in a pole at the end of the step, from e and 1 / (r dt)."""
    gone = 1.0 - e
    return 0.5 * gone if gone < NO_DECAY else gone * per_rate_dt - e


@kernel
def lean(work, coef, decay, design, begun, dt, begin, end):
    """After `prepare`: the current runs straight from begun[cell] to the one at the end, dt > 0 seconds later."""
    if design.is_table:
        lean_table(work, coef, begun, dt, begin, end)
        return
    i = begun[begin:end]
    for side in range(2):
        shells = design.shells_p if side else design.shells_n
        if shells:
            lean_shells(work, coef, shells, design.shell_surface[side], side, begun, dt, begin, end)
            continue
        sign, row = 1.0 if side else -1.0, XS_N + 2 * side
        q, tau = coef[Q_N + side, begin:end], coef[TAU_N + side, begin:end]
        base, slope = work[row, begin:end], work[row + 1, begin:end]
        for j in range(end - begin):
            part = 0.5 * dt * sign * q[j]
            base[j] += part * i[j]
            slope[j] -= part
        left = int(decay[LEFT + side, begin])
        for k in range(left):
            e, per, share = decay[POLES * side + k, begin:end], 1.0 / (POLE_RATE[k] * dt), sign * POLE_WEIGHT[k] / 3.0
            for j in range(end - begin):
                part = share * q[j] * tau[j] * part_of_start(e[j], per * tau[j])
                base[j] += part * i[j]
                slope[j] -= part
        for k in range(left, POLES):  # the same for e = 0, to the bit: no cell depends on those beside it
            per, share = 1.0 / (POLE_RATE[k] * dt), sign * POLE_WEIGHT[k] / 3.0
            for j in range(end - begin):
                part = share * q[j] * tau[j] * (per * tau[j])
                base[j] += part * i[j]
                slope[j] -= part
    for row in (CM_N, CM_P, C1, C2):
        base, slope = work[row, begin:end], work[row + 1, begin:end]
        for j in range(end - begin):
            slope[j] *= 0.5
            base[j] += slope[j] * i[j]


@kernel
def lean_shells(work, coef, n, fitted, side, begun, dt, begin, end):
    """As `lean`: shells by their first stage (see `prepare_shells`), fast poles as poles, at the gradients of the ends."""
    sign, surface, row = 1.0 if side else -1.0, XS_N + 2 * side, SHELL_P if side else SHELL_N
    i, base, slope = begun[begin:end], work[surface, begin:end], work[surface + 1, begin:end]
    for k in range(n):
        new, rise = work[row + ENDS + k, begin:end], work[row + SLOPES + k, begin:end]
        part = work[row + LEANS + k, begin:end]
        seen = 1.0 + fitted[0] if k == n - 1 else -fitted[0] if k == n - 2 else 0.0  # at the surface
        for j in range(end - begin):
            new[j] += part[j] * i[j]
            rise[j] -= part[j]
            base[j] += seen * part[j] * i[j]
            slope[j] -= seen * part[j]
    q, tau, leak = coef[Q_N + side, begin:end], coef[TAU_N + side, begin:end], coef[LEAK, begin:end]
    rises, d_fast = work[row + FLUX_SLOPE, begin:end], work[row + D_FAST, begin:end]
    d_start = work[row + D_START, begin:end]
    for k in range(FAST_POLES):
        new, rise = work[row + ENDS + MOST_SHELLS + k, begin:end], work[row + SLOPES + MOST_SHELLS + k, begin:end]
        per, share = 1.0 / (fitted[1 + k] * dt), fitted[1 + FAST_POLES + k]
        for j in range(end - begin):
            part = share * part_of_start(1.0 - rise[j] / share, per * tau[j] / d_fast[j])
            held = part * sign * q[j] * tau[j] / 3.0 * (i[j] + leak[j]) / d_start[j]
            new[j] += held
            base[j] += held
            rise[j] -= part
            rises[j] -= part


@kernel
def lean_table(work, coef, begun, dt, begin, end):
    """As `lean`; the rows of a table cell are its charge and the currents of its two pairs."""
    for j in range(begin, end):
        part = -0.5 * coef[Q_N, j] * dt
        work[XS_N, j] += part * begun[j]
        work[XS_N + 1, j] -= part
    for row in (CM_N, CM_P):
        for j in range(begin, end):
            e = 1.0 - work[row + 1, j]
            part = part_of_start(e, -1.0 / log_fast(e))
            work[row, j] += part * begun[j]
            work[row + 1, j] -= part


@kernel
def settle(state, coef, decay, design, begun, current, dt, begin, end):
    """After `advance`, where the step leaned."""
    if design.is_table:
        return  # its state is that of `work`
    i_0, i_1 = begun[begin:end], current[begin:end]
    for side in range(2):
        sign = 1.0 if side else -1.0
        q, tau = coef[Q_N + side, begin:end], coef[TAU_N + side, begin:end]
        mean = state[X_N + side, begin:end]
        for j in range(end - begin):
            mean[j] += 0.5 * dt * sign * q[j] * (i_0[j] - i_1[j])
        if design.shells_p if side else design.shells_n:
            continue  # theirs is that of `work`, too
        left = int(decay[LEFT + side, begin])
        for k in range(left, POLES):  # as below for e = 0, to the bit
            mode = state[PARTICLE_N + SHELLS * side + k, begin:end]
            per, share = 1.0 / (POLE_RATE[k] * dt), sign * POLE_WEIGHT[k] / 3.0
            for j in range(end - begin):
                mode[j] += share * q[j] * tau[j] * (per * tau[j]) * (i_0[j] - i_1[j])
        for k in range(left):
            mode, e = state[PARTICLE_N + SHELLS * side + k, begin:end], decay[POLES * side + k, begin:end]
            per, share = 1.0 / (POLE_RATE[k] * dt), sign * POLE_WEIGHT[k] / 3.0
            for j in range(end - begin):
                mode[j] += share * q[j] * tau[j] * part_of_start(e[j], per * tau[j]) * (i_0[j] - i_1[j])

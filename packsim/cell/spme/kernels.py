"""One step of SPMe cells: surface stoichiometries, electrolyte, terminal voltage and its slope (compiled).

Equations, fitted constants and their errors: docs/spme.md. `NAME` and `NAME + 1` in `work` are the part of an
end-of-step quantity that does not depend on the current, and its slope with current.
"""

import math

from packsim.cell.electrodes.kernels import (
    C1,
    C2,
    CE_N,
    CHI_V,
    CM_N,
    CM_P,
    K_N,
    K_P,
    KINETIC_GUARD,
    LEAK,
    LEFT,
    PARTICLE_N,
    POLES,
    Q_N,
    R_OHM,
    SCRATCH,
    SHAPE_N,
    SHAPE_P,
    SHELL_N,
    SHELL_P,
    SHELLS,
    SLOW_POLES,
    TAU_N,
    TWO_V,
    X_N,
    XS_N,
    linear,
    ocp,
)
from packsim.cell.electrolyte.kernels import log_mean_parts, prepare_electrolyte
from packsim.numerics.fastmath import log_fast
from packsim.numerics.jit import kernel

# fitted particle poles (docs/spme.md, benchmarks/poles.py): rates in D/R^2, sum of weights 1/5
POLE_RATE = (20.497739, 77.270595, 306.06466, 1441.2811, 8432.7008, 68851.247, 1195876.1)
POLE_WEIGHT = (0.10272786, 0.04633367, 0.02648598, 0.01378870, 0.00660441, 0.00283557, 0.00122381)


@kernel
def prepare_spme(work, state, coef, decay, design, dt, begin, end):
    """The current-independent part of the end of a step, and its slope with current."""
    if design.shells_n:
        prepare_shells(work, state, coef, design, 0, dt, begin, end)
    else:
        prepare_poles(work, state, coef, decay, 0, dt, begin, end)
    if design.shells_p:
        prepare_shells(work, state, coef, design, 1, dt, begin, end)
    else:
        prepare_poles(work, state, coef, decay, 1, dt, begin, end)
    prepare_electrolyte(work, state, coef, design, dt, begin, end)


@kernel
def prepare_poles(work, state, coef, decay, side, dt, begin, end):
    """Surface stoichiometry from the mean and the fitted poles (constant diffusivity)."""
    sign = 1.0 if side else -1.0
    q, tau, surface = Q_N + side, TAU_N + side, XS_N + 2 * side
    mode, pole = PARTICLE_N + SHELLS * side, POLES * side
    if decay[LEFT + side, begin] <= SLOW_POLES:  # as below, to the bit
        for j in range(begin, end):
            past, relaxed = 0.0, 0.0
            for k in range(SLOW_POLES):
                e = decay[pole + k, j]
                relaxed += POLE_WEIGHT[k] * (1.0 - e)
                past += state[mode + k, j] * e
            for k in range(SLOW_POLES, POLES):
                relaxed += POLE_WEIGHT[k]
            slope = sign * coef[q, j] * (dt + relaxed * coef[tau, j] / 3.0)
            work[surface + 1, j] = slope
            work[surface, j] = state[X_N + side, j] + past + slope * coef[LEAK, j]
        return
    for j in range(begin, end):
        past, relaxed = 0.0, 0.0
        for k in range(POLES):
            e = decay[pole + k, j]
            relaxed += POLE_WEIGHT[k] * (1.0 - e)
            past += state[mode + k, j] * e
        slope = sign * coef[q, j] * (dt + relaxed * coef[tau, j] / 3.0)
        work[surface + 1, j] = slope
        work[surface, j] = state[X_N + side, j] + past + slope * coef[LEAK, j]


@kernel
def prepare_shells(work, state, coef, design, side, dt, begin, end):
    """Equal-volume shells: forward elimination, centre to surface.

    A face takes the mean diffusivity between its shells (Simpson), at the middle of the step: until then the shells
    drift as fast as the last inner face supplies them.
    """
    sign = 1.0 if side else -1.0
    n = design.shells_p if side else design.shells_n
    table = design.d_p if side else design.d_n
    shell, row, surface = PARTICLE_N + SHELLS * side, SHELL_P if side else SHELL_N, XS_N + 2 * side
    per_sto = table.shape[0] - 1.0
    e0 = design.shell_surface[side, 0]
    for j in range(begin, end):
        last, before = state[shell + n - 1, j], state[shell + n - 2, j]
        d_face = 0.5 * (linear(table, last * per_sto) + linear(table, before * per_sto))
        per_dt = dt / coef[TAU_N + side, j]
        drift = 0.5 * per_dt * d_face * design.shell_geometry[side, n - 2, 0] * (last - before) / (n - 1.0)
        inner_g, inner_factor, inner_value = 0.0, 0.0, 0.0
        d_here = linear(table, (state[shell, j] + drift) * per_sto)
        diagonal = 1.0
        for k in range(n):
            outer_g = 0.0
            d_next = d_here
            if k < n - 1:
                d_next = linear(table, (state[shell + k + 1, j] + drift) * per_sto)
                d_face = linear(table, (0.5 * (state[shell + k, j] + state[shell + k + 1, j]) + drift) * per_sto)
                outer_g = per_dt * (d_here + 4.0 * d_face + d_next) / 6.0 * design.shell_geometry[side, k, 0]
            diagonal = 1.0 + inner_g + outer_g - inner_g * inner_factor
            inner_value = (state[shell + k, j] + inner_g * inner_value) / diagonal
            inner_factor = outer_g / diagonal
            work[row + k, j] = inner_value
            work[row + SHELLS + k, j] = inner_factor
            inner_g, d_here = outer_g, d_next
        slope = n * sign * coef[Q_N + side, j] * dt / diagonal
        work[row + 2 * SHELLS, j] = slope
        factor = work[row + SHELLS + n - 2, j]
        reach = e0 / design.shell_geometry[side, n - 2, 1]
        last, before = work[row + n - 1, j] + slope * coef[LEAK, j], work[row + n - 2, j]
        work[surface, j] = last + reach * (last - before - factor * last)
        work[surface + 1, j] = slope * (1.0 + reach * (1.0 - factor))


@kernel
def shell_surface(work, coef, design, side, j, current):
    """Surface stoichiometry above shells: outer gradient with the diffusivity at the surface itself, twice."""
    sign = 1.0 if side else -1.0
    table = design.d_p if side else design.d_n
    surface = XS_N + 2 * side
    flat = work[surface, j] + work[surface + 1, j] * current
    flux = design.shell_surface[side, 1] * sign * coef[Q_N + side, j] * coef[TAU_N + side, j] / 3.0
    per_sto = table.shape[0] - 1.0
    d = linear(table, flat * per_sto)
    d = linear(table, (flat + flux * (current + coef[LEAK, j]) / d) * per_sto)
    return flat + flux * (current + coef[LEAK, j]) / d, work[surface + 1, j] + flux / d


@kernel
def respond_spme(emf, slope, current, work, coef, design, begin, end):
    """Terminal voltage at the end of the prepared step near `current`: emf - slope * current, per cell."""
    surface_potential(work, coef, design, 0, current, begin, end)
    surface_potential(work, coef, design, 1, current, begin, end)
    voltage_and_slope(emf, slope, current, work, coef, begin, end)


@kernel
def surface_potential(work, coef, design, side, current, begin, end):
    """Surface stoichiometry, its potential, and the slope of that potential with current, into the scratch rows."""
    sto, potential = work[SCRATCH + 3 * side, begin:end], work[SCRATCH + 3 * side + 1, begin:end]
    fall = work[SCRATCH + 3 * side + 2, begin:end]
    flat, rise = work[XS_N + 2 * side, begin:end], work[XS_N + 2 * side + 1, begin:end]
    table = design.ocp_p if side else design.ocp_n
    if design.shells_p if side else design.shells_n:
        for j in range(begin, end):
            sto[j - begin], x_rise = shell_surface(work, coef, design, side, j, current[j])
            potential[j - begin], u_slope = ocp(table, sto[j - begin])
            fall[j - begin] = u_slope * x_rise
    else:
        i = current[begin:end]
        for j in range(end - begin):
            x = flat[j] + rise[j] * i[j]
            sto[j] = x
            potential[j], u_slope = ocp(table, x)
            fall[j] = u_slope * rise[j]


@kernel
def voltage_and_slope(emf, slope, current, work, coef, begin, end):
    """Overpotentials on top of the surface potentials; straight arithmetic that runs on vector registers."""
    sto_n, u_n, fall_n = work[SCRATCH, begin:end], work[SCRATCH + 1, begin:end], work[SCRATCH + 2, begin:end]
    sto_p, u_p, fall_p = work[SCRATCH + 3, begin:end], work[SCRATCH + 4, begin:end], work[SCRATCH + 5, begin:end]
    mean_n, mean_n_rise = work[CM_N, begin:end], work[CM_N + 1, begin:end]
    mean_p, mean_p_rise = work[CM_P, begin:end], work[CM_P + 1, begin:end]
    edge_n, edge_n_rise = work[C1, begin:end], work[C1 + 1, begin:end]
    edge_p, edge_p_rise = work[C2, begin:end], work[C2 + 1, begin:end]
    rate_n, rate_p = coef[K_N, begin:end], coef[K_P, begin:end]
    r_ohm, leak, chi_v = coef[R_OHM, begin:end], coef[LEAK, begin:end], coef[CHI_V, begin:end]
    thermal = coef[TWO_V, begin:end]
    shape_n, shape_p = work[SHAPE_N, begin:end], work[SHAPE_P, begin:end]
    i_all, emf_out, slope_out = current[begin:end], emf[begin:end], slope[begin:end]
    for j in range(end - begin):
        i, two_v, half_chi = i_all[j], thermal[j], 0.5 * chi_v[j]
        x, y = sto_n[j], sto_p[j]
        c_n, c_n_rise = log_mean_parts(mean_n[j], mean_n_rise[j], edge_n[j], edge_n_rise[j], i)
        c_p, c_p_rise = log_mean_parts(mean_p[j], mean_p_rise[j], edge_p[j], edge_p_rise[j], i)
        g_n, g_p = c_n * shape_n[j], c_p * shape_p[j]
        # exp<ln c> = sqrt(g), so sqrt(c_e) in the exchange current is g**(1/4)
        root_n = math.sqrt(math.sqrt(g_n) * max(x * (1.0 - x), KINETIC_GUARD))
        root_p = math.sqrt(math.sqrt(g_p) * max(y * (1.0 - y), KINETIC_GUARD))
        per_root = 1.0 / (root_n * root_p)  # few divisions: they and the roots are what this loop costs
        k_n, k_p = rate_n[j] * root_p * per_root, rate_p[j] * root_n * per_root
        inner = i + leak[j]
        z_n, z_p = abs(k_n * inner), abs(k_p * inner)
        cosh_n, cosh_p = math.sqrt(1.0 + z_n * z_n), math.sqrt(1.0 + z_p * z_p)
        # both currents have one sign, so asinh z_n + asinh z_p is one logarithm
        kinetic_v = math.copysign(log_fast((z_n + cosh_n) * (z_p + cosh_p)), inner)
        per_g = 1.0 / (g_n * g_p)
        v = u_p[j] - u_n[j] - two_v * kinetic_v + half_chi * log_fast(g_p * g_p * per_g) - r_ohm[j] * i
        kinetic = (k_n * cosh_p + k_p * cosh_n) / (cosh_n * cosh_p)
        fall = r_ohm[j] + two_v * kinetic + fall_n[j] - fall_p[j]
        fall -= half_chi * (c_p_rise * shape_p[j] * g_n - c_n_rise * shape_n[j] * g_p) * per_g
        slope_out[j] = fall
        emf_out[j] = v + fall * i


@kernel
def advance_spme(state, work, coef, decay, design, current, dt, begin, end):
    """Commit the prepared step at `current[cell]`."""
    i = current[begin:end]
    leak = coef[LEAK, begin:end]
    for side in range(2):
        sign = 1.0 if side else -1.0
        shells = design.shells_p if side else design.shells_n
        q, mean = coef[Q_N + side, begin:end], state[X_N + side, begin:end]
        for j in range(end - begin):
            mean[j] += sign * q[j] * (i[j] + leak[j]) * dt
        if shells:
            advance_shells(state, work, coef, shells, side, current, begin, end)
            continue
        advance_poles(state, coef, decay, side, current, begin, end)
    for row in range(4):
        now, base = state[CE_N + row, begin:end], work[CM_N + 2 * row, begin:end]
        rise = work[CM_N + 2 * row + 1, begin:end]
        for j in range(end - begin):
            now[j] = base[j] + rise[j] * i[j]


@kernel
def advance_poles(state, coef, decay, side, current, begin, end):
    """Every mode relaxes towards its share of what the current would hold the surface ahead of the mean."""
    third = (1.0 if side else -1.0) / 3.0
    q, tau, mode, pole = Q_N + side, TAU_N + side, PARTICLE_N + SHELLS * side, POLES * side
    for j in range(begin, end):
        ahead = third * coef[q, j] * coef[tau, j] * (current[j] + coef[LEAK, j])
        for k in range(POLES):
            share = POLE_WEIGHT[k] * ahead
            state[mode + k, j] = share + (state[mode + k, j] - share) * decay[pole + k, j]


@kernel
def advance_shells(state, work, coef, shells, side, current, begin, end):
    """Back substitution of the shells, surface to centre."""
    shell, row = PARTICLE_N + SHELLS * side, SHELL_P if side else SHELL_N
    for j in range(begin, end):
        value = work[row + shells - 1, j] + work[row + 2 * SHELLS, j] * (current[j] + coef[LEAK, j])
        state[shell + shells - 1, j] = value
        for k in range(shells - 2, -1, -1):
            value = work[row + k, j] + work[row + SHELLS + k, j] * value
            state[shell + k, j] = value

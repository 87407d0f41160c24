"""One step of SPMe cells: surface stoichiometries, electrolyte, terminal voltage and its slope (compiled).

Equations, fitted constants and their errors: docs/spme.md. `NAME` and `NAME + 1` in `work` are the part of an
end-of-step quantity that does not depend on the current, and its slope with current.
"""

import math

from packsim.cell.electrodes.kernels import (
    AL_N,
    AL_P,
    AL_S,
    C1,
    C2,
    CE_N,
    CE_P,
    CHI_V,
    CIF_N,
    CIF_P,
    CM_N,
    CM_P,
    CONCENTRATION_FLOOR,
    K_N,
    K_P,
    KINETIC_GUARD,
    LEAK,
    PARTICLE_N,
    POLES,
    Q_N,
    R_OHM,
    SALT,
    SCRATCH,
    SHELL_N,
    SHELL_P,
    SHELLS,
    SOURCE,
    TAU_N,
    VOL_N,
    VOL_P,
    VOL_S,
    X_N,
    XS_N,
    linear,
    ocp,
)
from packsim.numerics.fastmath import asinh_fast, log_fast
from packsim.numerics.jit import kernel

# fitted particle poles (see docs/spme.md), sum(w) = 1/5
POLE_RATE = (20.564216, 80.667115, 349.749002, 2303.561612)
POLE_WEIGHT = (0.10346434, 0.04773489, 0.02678349, 0.02201728)



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
    """Surface stoichiometry from the mean and four fitted poles (constant diffusivity)."""
    sign = 1.0 if side else -1.0
    q, tau, surface = Q_N + side, TAU_N + side, XS_N + 2 * side
    mode, pole = PARTICLE_N + SHELLS * side, POLES * side
    for j in range(begin, end):
        e0, e1, e2, e3 = decay[pole, j], decay[pole + 1, j], decay[pole + 2, j], decay[pole + 3, j]
        relaxed = POLE_WEIGHT[0] * (1.0 - e0) + POLE_WEIGHT[1] * (1.0 - e1)
        relaxed += POLE_WEIGHT[2] * (1.0 - e2) + POLE_WEIGHT[3] * (1.0 - e3)
        slope = sign * coef[q, j] * (dt + relaxed * coef[tau, j] / 3.0)
        past = state[mode, j] * e0 + state[mode + 1, j] * e1 + state[mode + 2, j] * e2 + state[mode + 3, j] * e3
        work[surface + 1, j] = slope
        work[surface, j] = state[X_N + side, j] + past + slope * coef[LEAK, j]


@kernel
def prepare_shells(work, state, coef, design, side, dt, begin, end):
    """Equal-volume shells with face diffusivities from the step's start: forward elimination, centre to surface."""
    sign = 1.0 if side else -1.0
    n = design.shells_p if side else design.shells_n
    table = design.d_p if side else design.d_n
    shell, row, surface = PARTICLE_N + SHELLS * side, SHELL_P if side else SHELL_N, XS_N + 2 * side
    per_sto = table.shape[0] - 1.0
    e0 = design.shell_surface[side, 0]
    for j in range(begin, end):
        inner_g, inner_factor, inner_value = 0.0, 0.0, 0.0
        d_here = linear(table, state[shell, j] * per_sto)
        diagonal = 1.0
        for k in range(n):
            outer_g = 0.0
            d_next = d_here
            if k < n - 1:
                d_next = linear(table, state[shell + k + 1, j] * per_sto)
                outer_g = dt / coef[TAU_N + side, j] * 0.5 * (d_here + d_next) * design.shell_geometry[side, k, 0]
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
def prepare_electrolyte(work, state, coef, design, dt, begin, end):
    """Two region means, backward Euler with diffusivities from the step's start; interface values follow.

    Three short passes: look-ups apart from arithmetic, so that the arithmetic runs on vector registers.
    """
    d_n, d_s, d_p = work[SCRATCH, begin:end], work[SCRATCH + 1, begin:end], work[SCRATCH + 2, begin:end]
    mean_diffusivity(d_n, state[CE_N, begin:end], state[CIF_N, begin:end], design)
    mean_diffusivity(d_p, state[CE_P, begin:end], state[CIF_P, begin:end], design)
    v_n, v_s, v_p = coef[VOL_N, begin:end], coef[VOL_S, begin:end], coef[VOL_P, begin:end]
    salt, c_n, c_p = coef[SALT, begin:end], state[CE_N, begin:end], state[CE_P, begin:end]
    for j in range(end - begin):
        c_s = (salt[j] - v_n[j] * c_n[j] - v_p[j] * c_p[j]) / v_s[j]
        d_s[j] = linear(design.d_e, c_s * design.per_c_e)
    al_n, al_s, al_p = coef[AL_N, begin:end], coef[AL_S, begin:end], coef[AL_P, begin:end]
    source = coef[SOURCE, begin:end]
    mean_n, mean_n_rise = work[CM_N, begin:end], work[CM_N + 1, begin:end]
    mean_p, mean_p_rise = work[CM_P, begin:end], work[CM_P + 1, begin:end]
    edge_n, edge_n_rise = work[C1, begin:end], work[C1 + 1, begin:end]
    edge_p, edge_p_rise = work[C2, begin:end], work[C2 + 1, begin:end]
    for j in range(end - begin):
        a_n, s, a_p = al_n[j] * d_n[j], al_s[j] * d_s[j], al_p[j] * d_p[j]
        per_det = 1.0 / ((a_n + 4.0 * s) * (a_p + 4.0 * s) - 4.0 * s * s)
        t_1 = 6.0 * s * (a_p + 2.0 * s) * per_det / v_s[j]  # share of the separator's mean in each interface
        t_2 = 6.0 * s * (a_n + 2.0 * s) * per_det / v_s[j]
        n_1 = a_n * (a_p + 4.0 * s) * per_det - t_1 * v_n[j]
        p_1 = -2.0 * s * a_p * per_det - t_1 * v_p[j]
        n_2 = -2.0 * s * a_n * per_det - t_2 * v_n[j]
        p_2 = (a_n + 4.0 * s) * a_p * per_det - t_2 * v_p[j]
        m_11 = v_n[j] + dt * a_n * (1.0 - n_1)
        m_12 = -dt * a_n * p_1
        m_21 = -dt * a_p * n_2
        m_22 = v_p[j] + dt * a_p * (1.0 - p_2)
        scale = 1.0 / (m_11 * m_22 - m_12 * m_21)
        b_1 = v_n[j] * c_n[j] + dt * a_n * t_1 * salt[j]
        b_2 = v_p[j] * c_p[j] + dt * a_p * t_2 * salt[j]
        at_n, at_p = scale * (m_22 * b_1 - m_12 * b_2), scale * (m_11 * b_2 - m_21 * b_1)
        rise = dt * source[j] * scale
        rise_n, rise_p = rise * (m_22 + m_12), -rise * (m_11 + m_21)
        mean_n[j], mean_n_rise[j], mean_p[j], mean_p_rise[j] = at_n, rise_n, at_p, rise_p
        edge_n[j], edge_n_rise[j] = n_1 * at_n + p_1 * at_p + t_1 * salt[j], n_1 * rise_n + p_1 * rise_p
        edge_p[j], edge_p_rise[j] = n_2 * at_n + p_2 * at_p + t_2 * salt[j], n_2 * rise_n + p_2 * rise_p


@kernel
def mean_diffusivity(out, mean, interface, design):
    """Electrode-average electrolyte diffusivity of quadratic profiles (fitted two-point rule) into out[cell]."""
    for j in range(out.shape[0]):
        gap = 0.5 * (interface[j] - mean[j])
        inner = linear(design.d_e, (mean[j] + gap * (3.0 * 0.45584816 * 0.45584816 - 1.0)) * design.per_c_e)
        outer = linear(design.d_e, (mean[j] + gap * (3.0 * 0.87748518 * 0.87748518 - 1.0)) * design.per_c_e)
        out[j] = 0.30235765 * inner + 0.69764235 * outer


GAUSS_A = (3.0 * 0.21132486540518712**2 - 1.0) * 0.5
GAUSS_B = (3.0 * 0.7886751345948129**2 - 1.0) * 0.5


@kernel
def log_mean_parts(mean, mean_rise, edge, edge_rise, current):
    """c_a c_b at the two Gauss points of a quadratic profile, and the slope of ln(c_a c_b) with current."""
    rise_a = mean_rise + GAUSS_A * (edge_rise - mean_rise)
    rise_b = mean_rise + GAUSS_B * (edge_rise - mean_rise)
    c_a = max(mean + GAUSS_A * (edge - mean) + rise_a * current, CONCENTRATION_FLOOR)
    c_b = max(mean + GAUSS_B * (edge - mean) + rise_b * current, CONCENTRATION_FLOOR)
    product = c_a * c_b
    return product, (rise_a * c_b + rise_b * c_a) / product


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
    voltage_and_slope(emf, slope, current, work, coef, design, begin, end)


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
def voltage_and_slope(emf, slope, current, work, coef, design, begin, end):
    """Overpotentials on top of the surface potentials; straight arithmetic that runs on vector registers."""
    two_v = 2.0 * design.thermal_v
    sto_n, u_n, fall_n = work[SCRATCH, begin:end], work[SCRATCH + 1, begin:end], work[SCRATCH + 2, begin:end]
    sto_p, u_p, fall_p = work[SCRATCH + 3, begin:end], work[SCRATCH + 4, begin:end], work[SCRATCH + 5, begin:end]
    mean_n, mean_n_rise = work[CM_N, begin:end], work[CM_N + 1, begin:end]
    mean_p, mean_p_rise = work[CM_P, begin:end], work[CM_P + 1, begin:end]
    edge_n, edge_n_rise = work[C1, begin:end], work[C1 + 1, begin:end]
    edge_p, edge_p_rise = work[C2, begin:end], work[C2 + 1, begin:end]
    rate_n, rate_p = coef[K_N, begin:end], coef[K_P, begin:end]
    r_ohm, leak, chi_v = coef[R_OHM, begin:end], coef[LEAK, begin:end], coef[CHI_V, begin:end]
    i_all, emf_out, slope_out = current[begin:end], emf[begin:end], slope[begin:end]
    for j in range(end - begin):
        i = i_all[j]
        x, y = sto_n[j], sto_p[j]
        g_n, log_rise_n = log_mean_parts(mean_n[j], mean_n_rise[j], edge_n[j], edge_n_rise[j], i)
        g_p, log_rise_p = log_mean_parts(mean_p[j], mean_p_rise[j], edge_p[j], edge_p_rise[j], i)
        # exp<ln c> = sqrt(g), so sqrt(c_e) in the exchange current is g**(1/4)
        k_n = rate_n[j] / math.sqrt(math.sqrt(g_n) * max(x * (1.0 - x), KINETIC_GUARD))
        k_p = rate_p[j] / math.sqrt(math.sqrt(g_p) * max(y * (1.0 - y), KINETIC_GUARD))
        inner = i + leak[j]
        z_n, z_p = k_n * inner, k_p * inner
        over = two_v * (asinh_fast(z_n) + asinh_fast(z_p)) - 0.5 * chi_v[j] * log_fast(g_p / g_n)
        v = u_p[j] - u_n[j] - over - r_ohm[j] * i
        kinetic = k_n / math.sqrt(1.0 + z_n * z_n) + k_p / math.sqrt(1.0 + z_p * z_p)
        fall = r_ohm[j] + two_v * kinetic + fall_n[j] - fall_p[j]
        fall -= 0.5 * chi_v[j] * (log_rise_p - log_rise_n)
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
        q, tau = coef[Q_N + side, begin:end], coef[TAU_N + side, begin:end]
        mean = state[X_N + side, begin:end]
        for j in range(end - begin):
            mean[j] += sign * q[j] * (i[j] + leak[j]) * dt
        if shells:
            advance_shells(state, work, coef, shells, side, current, begin, end)
            continue
        for k in range(POLES):
            mode, e = state[PARTICLE_N + SHELLS * side + k, begin:end], decay[POLES * side + k, begin:end]
            share = sign * POLE_WEIGHT[k] / 3.0
            for j in range(end - begin):
                mode[j] = mode[j] * e[j] + share * q[j] * tau[j] * (i[j] + leak[j]) * (1.0 - e[j])
    for row in range(4):
        now, base = state[CE_N + row, begin:end], work[CM_N + 2 * row, begin:end]
        rise = work[CM_N + 2 * row + 1, begin:end]
        for j in range(end - begin):
            now[j] = base[j] + rise[j] * i[j]


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

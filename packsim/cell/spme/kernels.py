"""One step of SPMe cells: surface stoichiometries, electrolyte, terminal voltage and its slope (compiled).

Equations, fitted constants and their errors: docs/spme.md. `NAME` and `NAME + 1` in `work` are the part of an
end-of-step quantity that does not depend on the current, and its slope with current.
"""

import math
from typing import NamedTuple

import numpy as np

from packsim.cell.electrodes.kernels import (
    C1,
    C2,
    CE_N,
    CHI_V,
    CM_N,
    CM_P,
    D_FAST,
    D_START,
    ENDS,
    FAST_POLES,
    FLUX_SLOPE,
    K_N,
    K_P,
    KINETIC_GUARD,
    LEAK,
    LEANS,
    LEFT,
    MOST_SHELLS,
    N_SCRATCH,
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
    SLOPES,
    SLOW_POLES,
    TAU_N,
    TWO_V,
    X_N,
    XS_N,
    linear,
    ocp,
)
from packsim.cell.electrolyte.kernels import log_mean_parts, prepare_electrolyte
from packsim.numerics.fastmath import exp_fast, log_fast
from packsim.numerics.jit import inlined_kernel, kernel

# part of a step that a stage of shells takes: 1 - sqrt(1/2) = 0.293 is of second order, but shells that relax within a
# long step swing by a fifth then; here by a twelfth, and what is first order is a fifth of an implicit Euler step's
STAGE = 0.36

# fitted particle poles (docs/spme.md, benchmarks/poles.py): rates in D/R^2, sum of weights 1/5
POLE_RATE = (20.497739, 77.270595, 306.06466, 1441.2811, 8432.7008, 68851.247, 1195876.1)
POLE_WEIGHT = (0.10272786, 0.04633367, 0.02648598, 0.01378870, 0.00660441, 0.00283557, 0.00122381)


class Shells(NamedTuple):
    """The shells of one electrode, of a `Design`: of all its arrays these alone are handed on, call by call.

    A design is two hundred numbers and pointers, and to hand it on takes longer to compile than many a kernel. LLVM inlines
    what so many are handed to; what takes fewer and must not become a call on its own is an `inlined_kernel`.
    """

    number: int
    diffusivity: np.ndarray  # [k] m2/s over stoichiometry 0..1
    geometry: np.ndarray  # [MOST_SHELLS, 2] outer face's conductance and volume of each
    surface: np.ndarray  # [1 + 2 FAST_POLES] reach over distance, rates and weights of the fast poles


@kernel
def prepare_spme(work, state, coef, decay, design, dt, begin, end):
    """The current-independent part of the end of a step, and its slope with current."""
    if design.shells_n:
        shells = Shells(design.shells_n, design.d_n, design.shell_geometry[0], design.shell_surface[0])
        prepare_shells(work, state, coef, shells, 0, dt, begin, end)
    else:
        prepare_poles(work, state, coef, decay, 0, dt, begin, end)
    if design.shells_p:
        shells = Shells(design.shells_p, design.d_p, design.shell_geometry[1], design.shell_surface[1])
        prepare_shells(work, state, coef, shells, 1, dt, begin, end)
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
def prepare_shells(work, state, coef, shells, side, dt, begin, end):
    """Shells and the fast poles beneath the surface (diffusivity that depends on stoichiometry).

    With the diffusivities held a step is linear, x' = A x + b i, and is taken in two stages of one matrix:

        (1 - g dt A) y = x + g dt b i',   (1 - g dt A) x_new = x + (1 - g) / g (y - x) + g dt b i,   g = STAGE

    where i' is the current of the first stage: the same as i, or, where it runs straight (`packsim.cell.ramp`), so much
    nearer the start's that the shells take its mean. Diffusivities are those of the middle of the step, see `conduct`.
    """
    sign = 1.0 if side else -1.0
    n = shells.number
    shell, row = PARTICLE_N + SHELLS * side, SHELL_P if side else SHELL_N
    ends, slopes, leans = row + ENDS, row + SLOPES, row + LEANS
    q, leak = coef[Q_N + side, begin:end], coef[LEAK, begin:end]
    conduct(work, state, coef, shells, side, dt, begin, end)
    for k in range(n):
        now, new = state[shell + k, begin:end], work[ends + k, begin:end]
        for j in range(end - begin):
            new[j] = now[j]
    eliminate(work, shells, ends, begin, end)
    for k in range(n):
        now, new = state[shell + k, begin:end], work[ends + k, begin:end]
        for j in range(end - begin):
            new[j] = now[j] + (1.0 / STAGE - 1.0) * (new[j] - now[j])
    eliminate(work, shells, ends, begin, end)
    # what a unit of current does to the first stage, and what comes of that
    inverse = work[SCRATCH + MOST_SHELLS + n - 1, begin:end]
    for k in range(n):
        first = work[leans + k, begin:end]
        for j in range(end - begin):
            first[j] = sign * q[j] * dt * inverse[j] if k == n - 1 else 0.0
    substitute(work, shells, leans, begin, end)
    for k in range(n):
        first, rise = work[leans + k, begin:end], work[slopes + k, begin:end]
        for j in range(end - begin):
            rise[j] = first[j]
    eliminate(work, shells, leans, begin, end)
    for k in range(n):
        first, rise, new = work[leans + k, begin:end], work[slopes + k, begin:end], work[ends + k, begin:end]
        for j in range(end - begin):
            rise[j] = STAGE * rise[j] + (1.0 - STAGE) * first[j]
            first[j] *= 0.5
            new[j] += rise[j] * leak[j]
    prepare_surface(work, state, coef, shells, side, dt, begin, end)


@kernel
def conduct(work, state, coef, shells, side, dt, begin, end):
    """What faces conduct in a stage, and the eliminated diagonals' inverses, into the scratch rows.

    A face takes the mean diffusivity between its shells (Simpson), at the middle of the step: until then the shells
    drift as fast as the last inner face supplies them.
    """
    n, shell, table, geometry = shells.number, PARTICLE_N + SHELLS * side, shells.diffusivity, shells.geometry
    per_sto, still = table.shape[0] - 1.0, 1.0 - geometry[n - 1, 1]
    drift, d_inner = work[SCRATCH + n - 1, begin:end], work[SCRATCH + 2 * MOST_SHELLS - 1, begin:end]
    last, before, tau = state[shell + n - 1, begin:end], state[shell + n - 2, begin:end], coef[TAU_N + side, begin:end]
    for j in range(end - begin):
        d_face = 0.5 * (linear(table, last[j] * per_sto) + linear(table, before[j] * per_sto))
        drift[j] = 0.5 * dt * d_face * geometry[n - 2, 0] * (last[j] - before[j]) / (tau[j] * still)
        d_inner[j] = linear(table, (state[shell, begin + j] + drift[j]) * per_sto)
    for k in range(n - 1):
        here, next_, g = state[shell + k, begin:end], state[shell + k + 1, begin:end], work[SCRATCH + k, begin:end]
        per = STAGE / 6.0 * dt * geometry[k, 0]
        for j in range(end - begin):
            d_outer = linear(table, (next_[j] + drift[j]) * per_sto)
            d_face = linear(table, (0.5 * (here[j] + next_[j]) + drift[j]) * per_sto)
            g[j] = per * (d_inner[j] + 4.0 * d_face + d_outer) / tau[j]
            d_inner[j] = d_outer
    for j in range(end - begin):
        drift[j] = 0.0  # the row of the last shell's outer face
    inverse, g = work[SCRATCH + MOST_SHELLS, begin:end], work[SCRATCH, begin:end]
    for j in range(end - begin):
        inverse[j] = 1.0 / (geometry[0, 1] + g[j])
    for k in range(1, n):
        inner, below = work[SCRATCH + k - 1, begin:end], work[SCRATCH + MOST_SHELLS + k - 1, begin:end]
        inverse, g = work[SCRATCH + MOST_SHELLS + k, begin:end], work[SCRATCH + k, begin:end]
        for j in range(end - begin):
            inverse[j] = 1.0 / (geometry[k, 1] + g[j] + inner[j] - inner[j] * inner[j] * below[j])


@inlined_kernel
def eliminate(work, shells, row, begin, end):
    """Solve a stage in place, in the rows from `row` on: centre to surface and back."""
    x, inverse, volume = work[row, begin:end], work[SCRATCH + MOST_SHELLS, begin:end], shells.geometry[:, 1]
    for j in range(end - begin):
        x[j] *= volume[0] * inverse[j]
    for k in range(1, shells.number):
        below, g, size = work[row + k - 1, begin:end], work[SCRATCH + k - 1, begin:end], volume[k]
        x, inverse = work[row + k, begin:end], work[SCRATCH + MOST_SHELLS + k, begin:end]
        for j in range(end - begin):
            x[j] = (size * x[j] + g[j] * below[j]) * inverse[j]
    substitute(work, shells, row, begin, end)


@inlined_kernel
def substitute(work, shells, row, begin, end):
    """The way back of `eliminate`: each shell from the one outside it."""
    for k in range(shells.number - 2, -1, -1):
        x, above = work[row + k, begin:end], work[row + k + 1, begin:end]
        g, inverse = work[SCRATCH + k, begin:end], work[SCRATCH + MOST_SHELLS + k, begin:end]
        for j in range(end - begin):
            x[j] += g[j] * inverse[j] * above[j]


@kernel
def prepare_surface(work, state, coef, shells, side, dt, begin, end):
    """Surface stoichiometry above shells but for what the gradient there adds, and the fast poles."""
    n, shell, surface = shells.number, PARTICLE_N + SHELLS * side, XS_N + 2 * side
    table, row, fitted = shells.diffusivity, SHELL_P if side else SHELL_N, shells.surface
    per_sto, reach, tau = table.shape[0] - 1.0, fitted[0], coef[TAU_N + side, begin:end]
    for part in range(2):
        out, first = work[surface + part, begin:end], row + (SLOPES if part else ENDS) + n - 2
        before, last = work[first, begin:end], work[first + 1, begin:end]
        for j in range(end - begin):
            out[j] = last[j] + reach * (last[j] - before[j])
    before, last = state[shell + n - 2, begin:end], state[shell + n - 1, begin:end]
    d_fast, d_start = work[row + D_FAST, begin:end], work[row + D_START, begin:end]
    base, rises = work[surface, begin:end], work[row + FLUX_SLOPE, begin:end]
    for j in range(end - begin):
        d_start[j] = last[j] + reach * (last[j] - before[j])  # the surface itself until it is known
        d_fast[j] = linear(table, last[j] * per_sto)
        rises[j] = 0.0
    for k in range(MOST_SHELLS, SHELLS):
        rate, share = fitted[1 + k - MOST_SHELLS], fitted[1 + FAST_POLES + k - MOST_SHELLS]
        mode, past = state[shell + k, begin:end], work[row + ENDS + k, begin:end]
        rise = work[row + SLOPES + k, begin:end]
        for j in range(end - begin):
            e = exp_fast(-rate * dt * d_fast[j] / tau[j])
            past[j] = mode[j] * e
            rise[j] = share * (1.0 - e)
            d_start[j] += mode[j]
            base[j] += past[j]
            rises[j] += rise[j]
    for j in range(end - begin):
        d_start[j] = linear(table, d_start[j] * per_sto)


@kernel
def shell_surface(work, coef, table, side, j, current):
    """Surface stoichiometry above shells, its slope with current, and the gradient there (diffusivity looked up twice)."""
    sign = 1.0 if side else -1.0
    surface = XS_N + 2 * side
    rises = work[(SHELL_P if side else SHELL_N) + FLUX_SLOPE, j]
    flat = work[surface, j] + work[surface + 1, j] * current
    per_current = sign * coef[Q_N + side, j] * coef[TAU_N + side, j] / 3.0
    flux = per_current * (current + coef[LEAK, j])
    per_sto = table.shape[0] - 1.0
    d = linear(table, flat * per_sto)
    d = linear(table, (flat + rises * flux / d) * per_sto)
    return flat + rises * flux / d, work[surface + 1, j] + rises * per_current / d, flux / d


@kernel
def respond_spme(emf, slope, current, work, coef, design, begin, end):
    """Terminal voltage at the end of the prepared step near `current`: emf - slope * current, per cell."""
    surface_potential(work, coef, design.ocp_n, design.shells_n, design.d_n, 0, current, begin, end)
    surface_potential(work, coef, design.ocp_p, design.shells_p, design.d_p, 1, current, begin, end)
    voltage_and_slope(emf, slope, current, work, coef, begin, end)


@kernel
def surface_potential(work, coef, table, shells, diffusivity, side, current, begin, end):
    """Surface stoichiometry, its potential, and the slope of that potential with current, into the scratch rows.

    Of one electrode: its OCP's table, how many shells it has (0: poles), and their diffusivity.
    """
    sto, potential = work[SCRATCH + 3 * side, begin:end], work[SCRATCH + 3 * side + 1, begin:end]
    fall = work[SCRATCH + 3 * side + 2, begin:end]
    flat, rise = work[XS_N + 2 * side, begin:end], work[XS_N + 2 * side + 1, begin:end]
    if shells:
        for j in range(begin, end):
            sto[j - begin], x_rise, _ = shell_surface(work, coef, diffusivity, side, j, current[j])
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
            diffusivity = design.d_p if side else design.d_n
            advance_shells(state, work, coef, shells, diffusivity, side, current, begin, end)
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


@inlined_kernel
def advance_shells(state, work, coef, n, diffusivity, side, current, begin, end):
    """Shells and fast poles at the end of the step."""
    shell, row = PARTICLE_N + SHELLS * side, SHELL_P if side else SHELL_N
    i, gradient = current[begin:end], work[SCRATCH + N_SCRATCH - 1, begin:end]  # `respond` left in others what is read
    for j in range(begin, end):
        _, _, gradient[j - begin] = shell_surface(work, coef, diffusivity, side, j, current[j])
    for k in range(SHELLS):
        now, new, rise = state[shell + k, begin:end], work[row + ENDS + k, begin:end], work[row + SLOPES + k, begin:end]
        if k < n:
            for j in range(end - begin):
                now[j] = new[j] + rise[j] * i[j]
        elif k >= MOST_SHELLS:
            for j in range(end - begin):
                now[j] = new[j] + rise[j] * gradient[j]

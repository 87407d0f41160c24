"""Electrolyte of SPMe cells over one step, and its log-means (compiled). Equations: docs/spme.md, table: closure.py."""

from packsim.cell.electrodes.kernels import (
    AL_N,
    AL_P,
    AL_S,
    C1,
    C2,
    CE_N,
    CE_P,
    CIF_N,
    CIF_P,
    CM_N,
    CM_P,
    CONCENTRATION_FLOOR,
    GAP_EDGES,
    SCRATCH,
    SHAPE_N,
    SHAPE_P,
    SOURCE,
    VOL_N,
    VOL_P,
    VOL_S,
    linear,
)
from packsim.numerics.jit import inlined_kernel, kernel

GAUSS_A = (3.0 * 0.21132486540518712**2 - 1.0) * 0.5
GAUSS_B = (3.0 * 0.7886751345948129**2 - 1.0) * 0.5
GAUSS_FLOOR = 0.1  # of the mean; what the profile does below it is in the tabulated shape
GAUSS_ARM = 0.28867513459481287  # of the distance between the ends, from the middle


@kernel
def prepare_electrolyte(work, state, coef, design, dt, begin, end):
    """Two region means, implicit with the profiles' closure at the step's start; interface values follow.

    Three short passes: look-ups apart from arithmetic, so that the arithmetic runs on vector registers.
    """
    d_n, d_s, d_p = work[SCRATCH, begin:end], work[SCRATCH + 1, begin:end], work[SCRATCH + 2, begin:end]
    v_n, v_s, v_p = coef[VOL_N, begin:end], coef[VOL_S, begin:end], coef[VOL_P, begin:end]
    c_n, c_p, c_init = state[CE_N, begin:end], state[CE_P, begin:end], design.c_e_init
    c_1, c_2 = state[CIF_N, begin:end], state[CIF_P, begin:end]
    per_mean = design.per_c_e * (design.closure.shape[0] - 1.0) / (design.d_e.shape[0] - 1.0)
    profile_closure(d_n, work[SHAPE_N, begin:end], c_n, c_1, design.closure, per_mean)
    profile_closure(d_p, work[SHAPE_P, begin:end], c_p, c_2, design.closure, per_mean)
    for j in range(end - begin):
        middle, arm = 0.5 * (c_1[j] + c_2[j]), GAUSS_ARM * (c_1[j] - c_2[j])
        d_1 = linear(design.d_e, (middle + arm) * design.per_c_e)
        d_s[j] = 0.5 * (d_1 + linear(design.d_e, (middle - arm) * design.per_c_e))
    al_n, al_s, al_p = coef[AL_N, begin:end], coef[AL_S, begin:end], coef[AL_P, begin:end]
    source = coef[SOURCE, begin:end]
    mean_n, mean_n_rise = work[CM_N, begin:end], work[CM_N + 1, begin:end]
    mean_p, mean_p_rise = work[CM_P, begin:end], work[CM_P + 1, begin:end]
    edge_n, edge_n_rise = work[C1, begin:end], work[C1 + 1, begin:end]
    edge_p, edge_p_rise = work[C2, begin:end], work[C2 + 1, begin:end]
    inertia = design.inertia
    for j in range(end - begin):
        a_n, s, a_p = al_n[j] * d_n[j], al_s[j] * d_s[j], al_p[j] * d_p[j]
        salt = c_init * (v_n[j] + v_s[j] + v_p[j])
        # few divisions: they are what this loop costs
        per_both = 1.0 / (((a_n + 4.0 * s) * (a_p + 4.0 * s) - 4.0 * s * s) * v_s[j])
        per_det = per_both * v_s[j]
        t_1 = 6.0 * s * (a_p + 2.0 * s) * per_both  # share of the separator's mean in each interface
        t_2 = 6.0 * s * (a_n + 2.0 * s) * per_both
        n_1 = a_n * (a_p + 4.0 * s) * per_det - t_1 * v_n[j]
        p_1 = -2.0 * s * a_p * per_det - t_1 * v_p[j]
        n_2 = -2.0 * s * a_n * per_det - t_2 * v_n[j]
        p_2 = (a_n + 4.0 * s) * a_p * per_det - t_2 * v_p[j]
        # outflow of the electrodes: f_11 c_n + f_12 c_p - ..., f_21 c_n + f_22 c_p - ...
        f_11, f_12, f_21, f_22 = a_n * (1.0 - n_1), -a_n * p_1, -a_p * n_2, a_p * (1.0 - p_2)
        # explicit share of the step, 1 / (2 + x/3 + x^2/20): exponentially fitted to the slow mode of rate x / dt,
        # 1/2 for short steps, 0 for long ones
        w_n, w_p = inertia * v_n[j], inertia * v_p[j]
        fast, both = dt * (f_11 * f_22 - f_12 * f_21), f_11 * w_p + f_22 * w_n
        explicit = dt * both * both / (2.0 * both * both + fast * (both * (1.0 / 3.0) + 0.05 * fast))
        implicit = dt - explicit
        m_11, m_12 = w_n + implicit * f_11, implicit * f_12
        m_21, m_22 = implicit * f_21, w_p + implicit * f_22
        scale = 1.0 / (m_11 * m_22 - m_12 * m_21)
        b_1 = w_n * c_n[j] + dt * a_n * t_1 * salt - explicit * (f_11 * c_n[j] + f_12 * c_p[j])
        b_2 = w_p * c_p[j] + dt * a_p * t_2 * salt - explicit * (f_21 * c_n[j] + f_22 * c_p[j])
        at_n, at_p = scale * (m_22 * b_1 - m_12 * b_2), scale * (m_11 * b_2 - m_21 * b_1)
        rise = dt * source[j] * scale
        rise_n, rise_p = rise * (m_22 + m_12), -rise * (m_11 + m_21)
        mean_n[j], mean_n_rise[j], mean_p[j], mean_p_rise[j] = at_n, rise_n, at_p, rise_p
        edge_n[j], edge_n_rise[j] = n_1 * at_n + p_1 * at_p + t_1 * salt, n_1 * rise_n + p_1 * rise_p
        edge_p[j], edge_p_rise[j] = n_2 * at_n + p_2 * at_p + t_2 * salt, n_2 * rise_n + p_2 * rise_p


@inlined_kernel
def profile_closure(diffusivity, shape, mean, edge, table, per_mean):
    """Effective diffusivity and log-mean shape of the profile in an electrode, per cell (bilinear; see closure.py)."""
    rows, columns = table.shape[0] - 1.0, table.shape[1] - 1.0
    per_gap = columns / (GAP_EDGES[1] - GAP_EDGES[0])
    for j in range(mean.shape[0]):  # where in the table; apart from the look-ups, so that it runs on vector registers
        c = max(mean[j], CONCENTRATION_FLOOR)
        diffusivity[j] = min(c * per_mean, rows)
        shape[j] = min(max(((edge[j] - c) / c - GAP_EDGES[0]) * per_gap, 0.0), columns)
    for j in range(mean.shape[0]):
        t, s = diffusivity[j], shape[j]
        row, column = min(int(t), table.shape[0] - 2), min(int(s), table.shape[1] - 2)
        t -= row
        s -= column
        low, high = table[row, column], table[row + 1, column]
        low_on, high_on = table[row, column + 1], table[row + 1, column + 1]
        a, b, c, d = (1.0 - t) * (1.0 - s), (1.0 - t) * s, t * (1.0 - s), t * s
        diffusivity[j] = a * low[0] + b * low_on[0] + c * high[0] + d * high_on[0]
        shape[j] = a * low[1] + b * low_on[1] + c * high[1] + d * high_on[1]


@kernel
def log_mean_parts(mean, mean_rise, edge, edge_rise, current):
    """c_a c_b at the two Gauss points of a quadratic profile held above GAUSS_FLOOR, and its slope with current."""
    rise_a = mean_rise + GAUSS_A * (edge_rise - mean_rise)
    rise_b = mean_rise + GAUSS_B * (edge_rise - mean_rise)
    c = max(mean + mean_rise * current, CONCENTRATION_FLOOR)
    c_a = max(mean + GAUSS_A * (edge - mean) + rise_a * current, GAUSS_FLOOR * c)
    c_b = max(mean + GAUSS_B * (edge - mean) + rise_b * current, GAUSS_FLOOR * c)
    return c_a * c_b, rise_a * c_b + rise_b * c_a

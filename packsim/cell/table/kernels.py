"""One step of table cells: OCV, R0, two RC pairs and hysteresis over SOC and temperature (compiled).

    V = OCV(z) + M(z) h - R1(z) i1 - R2(z) i2 - R0(z) I          z, i1, i2, h at the end of the step
    d i_k/dt = (I - i_k) / tau_k(z)                              z at the start of the step
    d h/dt = -|gamma I / Q| (h + sgn I)                          h = -1 after a long discharge, +1 after a long charge

The states are the currents through the pairs' resistors, so that an overvoltage follows R(SOC) at once. Source: the
enhanced self-correcting model of Plett (J. Power Sources 134, 2004, 262-276; Battery Management Systems 1, 2015, ch. 2),
whose M may depend on SOC and whose instantaneous hysteresis is left out. All are exact for a current held over the step.
"""

import math

from packsim.cell.electrodes.kernels import (
    AREA,
    C1,
    CM_N,
    CM_P,
    K_N,
    LEAK,
    OCP_EDGES,
    OCP_TAIL,
    Q_N,
    R_OHM,
    SCRATCH,
    T_AREA,
    T_LEAK,
    T_OVERLAP,
    T_WELD,
    XS_N,
    linear,
    ocp,
)
from packsim.numerics.fastmath import exp_fast
from packsim.numerics.jit import inlined_kernel, kernel

SOC, RC_1, RC_2, HYSTERESIS = 0, 2, 3, 4  # rows of `state`
# rows of `coef` that only table cells use: the temperature below, and weights of the one above for each quantity
BELOW, W_R0, W_R1, W_TAU1, W_R2, W_TAU2 = 8, 9, 10, 11, 12, 13
WEIGHTS = 5


@kernel
def coefficients_table(coef, values, design, begin, end):
    """Table cell: charge and conductance scale with area; welds and leakage as in the SPMe cell; at the reference."""
    for j in range(begin, end):
        area = values[T_AREA, j] * values[T_OVERLAP, j]
        coef[Q_N, j] = 1.0 / (design.nominal[AREA] * area)
        coef[K_N, j] = 1.0 / area
        coef[R_OHM, j] = 1e-3 * values[T_WELD, j]
        coef[LEAK, j] = 1e-6 * values[T_LEAK, j]
        weights_at(coef, j, design.tables.temperature_k, design.tables.activation_k, design.tables.reference_k)


@kernel
def set_temperature_table(coef, design, temperature_k, begin, end):
    """Circuit of each cell at temperature_k[cell], held at the table's lowest and highest temperature."""
    known, activation_k = design.tables.temperature_k, design.tables.activation_k
    for j in range(begin, end):
        weights_at(coef, j, known, activation_k, temperature_k[j])


@inlined_kernel
def weights_at(coef, j, known, activation_k, temperature_k):
    """Rows BELOW..W_TAU2 of cell j: between two temperatures every quantity moves as exp(E/T) with its own mean E.

    One weight serves all SOCs: exact at the tables' temperatures, and between them where E does not depend on SOC.
    """
    below, last = 0, known.size - 2
    for row in range(WEIGHTS):
        coef[W_R0 + row, j] = 0.0
    if last >= 0:
        held = min(max(temperature_k, known[0]), known[last + 1])
        while below < last and held >= known[below + 1]:
            below += 1
        inverse = 1.0 / known[below]
        span = 1.0 / known[below + 1] - inverse
        part = (1.0 / held - inverse) / span
        for row in range(WEIGHTS):
            x = activation_k[row, below] * span
            coef[W_R0 + row, j] = expm1_ratio(x, part)
    coef[BELOW, j] = below


@inlined_kernel
def expm1_ratio(x, part):
    """(exp(x part) - 1) / (exp(x) - 1), part where x is nothing."""
    if abs(x) < 1e-6:
        return part
    return math.expm1(x * part) / math.expm1(x)


@kernel
def balance_table(out, values, design, begin, end):
    """SOC runs from 0 to 1 by definition; the charge scales with area."""
    for j in range(begin, end):
        out[0, j], out[1, j], out[2, j], out[3, j] = 0.0, 1.0, 0.0, 0.0
        out[4, j] = design.nominal[AREA] * values[T_AREA, j] * values[T_OVERLAP, j] / 3600.0


@inlined_kernel
def between(table, kind, below, weight, k, part):
    """table[kind, temperature, SOC] at a temperature given by weights_at, `part` of the way from SOC k to the next."""
    value = table[kind, below, k] + part * (table[kind, below, k + 1] - table[kind, below, k])
    if weight != 0.0:
        low, high = table[kind, below + 1, k], table[kind, below + 1, k + 1]
        value += weight * (low + part * (high - low) - value)
    return value


@kernel
def prepare_table(work, state, coef, decay, design, dt, begin, end):
    """Table cell: row XS_N holds SOC, rows CM_N and CM_P the currents of the RC pairs, C1 the hysteresis."""
    for j in range(begin, end):
        work[XS_N + 1, j] = -coef[Q_N, j] * dt
        work[XS_N, j] = state[SOC, j] + work[XS_N + 1, j] * coef[LEAK, j]
        work[C1, j] = state[HYSTERESIS, j]
        for k in range(2):
            work[CM_N + 2 * k, j] = state[RC_1 + k, j] * decay[k, j]
            work[CM_N + 2 * k + 1, j] = 1.0 - decay[k, j]
    if design.tables.rc_s.shape[2] > 1:
        prepare_pairs(work, state, coef, design.tables.rc_s, design.nominal[AREA], dt, begin, end)


@kernel
def prepare_pairs(work, state, coef, rc_s, charge, dt, begin, end):
    """Rows CM_N and CM_P where time constants depend on SOC or temperature."""
    last = rc_s.shape[2] - 1
    for j in range(begin, end):
        own_dt = dt * (coef[Q_N, j] * charge / coef[K_N, j])  # the end-of-line test runs each cell on its own clock
        t = min(max(state[SOC, j] * last, 0.0), float(last))
        k = min(int(t), last - 1)
        below = int(coef[BELOW, j])
        for pair in range(2):
            tau = between(rc_s, pair, below, coef[W_TAU1 + 2 * pair, j], k, t - k)
            e = exp_fast(-own_dt / tau)
            work[CM_N + 2 * pair, j] = state[RC_1 + pair, j] * e
            work[CM_N + 2 * pair + 1, j] = 1.0 - e


@kernel
def ocv(table, soc):
    """Open-circuit voltage and slope; beyond the table straight on with the end's slope, so that reversal is seen."""
    clipped = min(max(soc, OCP_EDGES[0]), OCP_EDGES[3])
    u, slope = ocp(table, clipped)
    if soc != clipped:
        slope = max(slope, OCP_TAIL)
    return u + slope * (soc - clipped), slope


@inlined_kernel
def hysteresis(before, reach, current):
    """State h after a step in which |current| moved it by `reach` per ampere, and its slope with the current (<= 0)."""
    if current >= 0.0:
        e = exp_fast(-reach * current)
        return (before + 1.0) * e - 1.0, -reach * (before + 1.0) * e
    e = exp_fast(reach * current)
    return (before - 1.0) * e + 1.0, reach * (before - 1.0) * e


@kernel
def respond_table(emf, slope, current, work, coef, design, begin, end):
    """Table cell's voltage near `current`; coef[K_N] scales resistances, coef[R_OHM] adds; SOC is left in SCRATCH."""
    if design.tables.rc_ohm.shape[2] > 2:
        respond_full(emf, slope, current, work, coef, design, begin, end)
        return
    # arrays are taken out of their tuples before the loop: inside, each would be counted in and out
    ocp_p, r0_soc, ohm = design.ocp_p, design.tables.r0[0, 0], design.tables.rc_ohm[:, 0, 0]
    ohm_1, ohm_2 = ohm[0], ohm[1]
    for j in range(begin, end):
        soc = work[XS_N, j] + work[XS_N + 1, j] * current[j]
        work[SCRATCH, j] = soc
        u, u_slope = ocv(ocp_p, soc)
        r0 = linear(r0_soc, soc * (r0_soc.size - 1.0)) * coef[K_N, j] + coef[R_OHM, j]
        r1, r2 = ohm_1 * coef[K_N, j], ohm_2 * coef[K_N, j]
        r = r0 + r1 * work[CM_N + 1, j] + r2 * work[CM_P + 1, j]
        v = u - r1 * work[CM_N, j] - r2 * work[CM_P, j] - r * current[j]
        slope[j] = r - u_slope * work[XS_N + 1, j]
        emf[j] = v + slope[j] * current[j]


@kernel
def respond_full(emf, slope, current, work, coef, design, begin, end):
    """As `respond_table`, with pairs over SOC, temperature, direction and hysteresis."""
    ocp_p, r0_table, rc_ohm, half_gap = design.ocp_p, design.tables.r0, design.tables.rc_ohm, design.tables.hysteresis_v
    rate, directions, last = design.tables.hysteresis_rate, r0_table.shape[0], r0_table.shape[2] - 1
    for j in range(begin, end):
        soc = work[XS_N, j] + work[XS_N + 1, j] * current[j]
        work[SCRATCH, j] = soc
        u, u_slope = ocv(ocp_p, soc)
        t = min(max(soc * last, 0.0), float(last))
        k = min(int(t), last - 1)
        below, scale = int(coef[BELOW, j]), coef[K_N, j]
        charging = 1 if current[j] < 0.0 and directions == 2 else 0
        r0 = between(r0_table, charging, below, coef[W_R0, j], k, t - k) * scale + coef[R_OHM, j]
        r1 = between(rc_ohm, 0, below, coef[W_R1, j], k, t - k) * scale
        r2 = between(rc_ohm, 1, below, coef[W_R2, j], k, t - k) * scale
        r = r0 + r1 * work[CM_N + 1, j] + r2 * work[CM_P + 1, j]
        v = u - r1 * work[CM_N, j] - r2 * work[CM_P, j] - r * current[j]
        slope[j] = r - u_slope * work[XS_N + 1, j]
        if half_gap.size:
            m = half_gap[k] + (t - k) * (half_gap[k + 1] - half_gap[k])
            h, h_slope = hysteresis(work[C1, j], -rate * work[XS_N + 1, j], current[j] + coef[LEAK, j])
            v += m * h
            slope[j] -= m * h_slope
        emf[j] = v + slope[j] * current[j]


@kernel
def entropic_table(emf, work, design, temperature_k, begin, end):
    """After `respond`: the shift of the OCV from the reference to temperature_k[cell], where the table has one."""
    shift = design.tables.ocv_per_k
    if shift.size == 0:
        return
    for j in range(begin, end):
        emf[j] += (temperature_k[j] - design.tables.reference_k) * linear(shift, work[SCRATCH, j] * (shift.size - 1.0))


@kernel
def advance_table(state, work, coef, decay, design, current, dt, begin, end):
    """Commit a table cell's step."""
    for j in range(begin, end):
        state[SOC, j] = work[XS_N, j] + work[XS_N + 1, j] * current[j]
        state[RC_1, j] = work[CM_N, j] + work[CM_N + 1, j] * current[j]
        state[RC_2, j] = work[CM_P, j] + work[CM_P + 1, j] * current[j]
    if design.tables.hysteresis_v.size:
        rate = design.tables.hysteresis_rate
        for j in range(begin, end):
            moved = hysteresis(work[C1, j], -rate * work[XS_N + 1, j], current[j] + coef[LEAK, j])
            state[HYSTERESIS, j] = moved[0]

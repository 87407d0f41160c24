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
from packsim.numerics.jit import kernel

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
        weights_at(coef, j, design.tables, design.tables.reference_k)


@kernel
def set_temperature_table(coef, design, temperature_k, begin, end):
    """Circuit of each cell at temperature_k[cell], held at the table's lowest and highest temperature."""
    for j in range(begin, end):
        weights_at(coef, j, design.tables, temperature_k[j])


@kernel
def weights_at(coef, j, tables, temperature_k):
    """Rows BELOW..W_TAU2 of cell j: between two temperatures every quantity moves as exp(E/T) with its own mean E.

    One weight serves all SOCs: exact at the tables' temperatures, and between them where E does not depend on SOC.
    """
    below, last = 0, tables.temperature_k.size - 2
    for row in range(WEIGHTS):
        coef[W_R0 + row, j] = 0.0
    if last >= 0:
        held = min(max(temperature_k, tables.temperature_k[0]), tables.temperature_k[last + 1])
        while below < last and held >= tables.temperature_k[below + 1]:
            below += 1
        inverse = 1.0 / tables.temperature_k[below]
        span = 1.0 / tables.temperature_k[below + 1] - inverse
        part = (1.0 / held - inverse) / span
        for row in range(WEIGHTS):
            x = tables.activation_k[row, below] * span
            coef[W_R0 + row, j] = math.expm1(x * part) / math.expm1(x) if abs(x) > 1e-6 else part
    coef[BELOW, j] = below


@kernel
def balance_table(out, values, design, begin, end):
    """SOC runs from 0 to 1 by definition; the charge scales with area."""
    for j in range(begin, end):
        out[0, j], out[1, j], out[2, j], out[3, j] = 0.0, 1.0, 0.0, 0.0
        out[4, j] = design.nominal[AREA] * values[T_AREA, j] * values[T_OVERLAP, j] / 3600.0


@kernel
def between(table, kind, below, weight, soc):
    """table[kind, temperature, SOC] at a temperature given by weights_at; SOC is held at the ends."""
    m = table.shape[2]
    if m == 1:
        return table[kind, 0, 0]
    t = min(max(soc * (m - 1.0), 0.0), m - 1.0)
    k = min(int(t), m - 2)
    value = table[kind, below, k] + (t - k) * (table[kind, below, k + 1] - table[kind, below, k])
    if weight != 0.0:
        low, high = table[kind, below + 1, k], table[kind, below + 1, k + 1]
        value += weight * (low + (t - k) * (high - low) - value)
    return value


@kernel
def prepare_table(work, state, coef, decay, design, dt, begin, end):
    """Table cell: row XS_N holds SOC, rows CM_N and CM_P the currents of the RC pairs, C1 the hysteresis."""
    varies = design.tables.rc_s.shape[2] > 1
    for j in range(begin, end):
        work[XS_N + 1, j] = -coef[Q_N, j] * dt
        work[XS_N, j] = state[SOC, j] + work[XS_N + 1, j] * coef[LEAK, j]
        work[C1, j] = state[HYSTERESIS, j]
        own_dt = dt * (coef[Q_N, j] * design.nominal[AREA] / coef[K_N, j])  # a test may run each cell on its own clock
        for k in range(2):
            e = decay[k, j]
            if varies:
                weight = coef[W_TAU1 + 2 * k, j]
                tau = between(design.tables.rc_s, k, int(coef[BELOW, j]), weight, state[SOC, j])
                e = exp_fast(-own_dt / tau)
            work[CM_N + 2 * k, j] = state[RC_1 + k, j] * e
            work[CM_N + 2 * k + 1, j] = 1.0 - e


@kernel
def ocv(table, soc):
    """Open-circuit voltage and slope; beyond the table straight on with the end's slope, so that reversal is seen."""
    clipped = min(max(soc, OCP_EDGES[0]), OCP_EDGES[3])
    u, slope = ocp(table, clipped)
    if soc != clipped:
        slope = max(slope, OCP_TAIL)
    return u + slope * (soc - clipped), slope


@kernel
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
    tables = design.tables
    for j in range(begin, end):
        soc = work[XS_N, j] + work[XS_N + 1, j] * current[j]
        work[SCRATCH, j] = soc
        u, u_slope = ocv(design.ocp_p, soc)
        below, scale = int(coef[BELOW, j]), coef[K_N, j]
        charging = 1 if current[j] < 0.0 and tables.r0.shape[0] == 2 else 0
        r0 = between(tables.r0, charging, below, coef[W_R0, j], soc) * scale + coef[R_OHM, j]
        r1 = between(tables.rc_ohm, 0, below, coef[W_R1, j], soc) * scale
        r2 = between(tables.rc_ohm, 1, below, coef[W_R2, j], soc) * scale
        r = r0 + r1 * work[CM_N + 1, j] + r2 * work[CM_P + 1, j]
        v = u - r1 * work[CM_N, j] - r2 * work[CM_P, j] - r * current[j]
        slope[j] = r - u_slope * work[XS_N + 1, j]
        if tables.hysteresis_v.size:
            half_gap = linear(tables.hysteresis_v, soc * (tables.hysteresis_v.size - 1.0))
            reach = -tables.hysteresis_rate * work[XS_N + 1, j]
            h, h_slope = hysteresis(work[C1, j], reach, current[j] + coef[LEAK, j])
            v += half_gap * h
            slope[j] -= half_gap * h_slope
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
            reach = -design.tables.hysteresis_rate * work[XS_N + 1, j]
            state[HYSTERESIS, j], _ = hysteresis(work[C1, j], reach, current[j] + coef[LEAK, j])

"""One step of table cells: OCV(SOC), R0(SOC), two RC pairs (compiled)."""

from packsim.cell.electrodes.kernels import (
    AREA,
    CM_N,
    CM_P,
    K_N,
    LEAK,
    OCP_EDGES,
    OCP_TAIL,
    Q_N,
    R_OHM,
    T_AREA,
    T_LEAK,
    T_OVERLAP,
    T_WELD,
    XS_N,
    linear,
    ocp,
)
from packsim.numerics.jit import kernel

SOC, RC_1, RC_2 = 0, 2, 3  # rows of `state`


@kernel
def coefficients_table(coef, values, design, begin, end):
    """Table cell: charge and conductance scale with area; welds and leakage as in the SPMe cell."""
    for j in range(begin, end):
        area = values[T_AREA, j] * values[T_OVERLAP, j]
        coef[Q_N, j] = 1.0 / (design.nominal[AREA] * area)
        coef[K_N, j] = 1.0 / area
        coef[R_OHM, j] = 1e-3 * values[T_WELD, j]
        coef[LEAK, j] = 1e-6 * values[T_LEAK, j]


@kernel
def balance_table(out, values, design, begin, end):
    """SOC runs from 0 to 1 by definition; the charge scales with area."""
    for j in range(begin, end):
        out[0, j], out[1, j], out[2, j], out[3, j] = 0.0, 1.0, 0.0, 0.0
        out[4, j] = design.nominal[AREA] * values[T_AREA, j] * values[T_OVERLAP, j] / 3600.0


@kernel
def prepare_table(work, state, coef, decay, design, dt, begin, end):
    """Table cell: SOC and RC voltages; row XS_N holds SOC, rows CM_N and CM_P the RC overvoltages."""
    for j in range(begin, end):
        work[XS_N + 1, j] = -coef[Q_N, j] * dt
        work[XS_N, j] = state[SOC, j] + work[XS_N + 1, j] * coef[LEAK, j]
        for k in range(2):
            work[CM_N + 2 * k, j] = state[RC_1 + k, j] * decay[k, j]
            work[CM_N + 2 * k + 1, j] = design.rc_ohm[k] * coef[K_N, j] * (1.0 - decay[k, j])


@kernel
def ocv(table, soc):
    """Open-circuit voltage and slope; beyond the table straight on with the end's slope, so that reversal is seen."""
    clipped = min(max(soc, OCP_EDGES[0]), OCP_EDGES[3])
    u, slope = ocp(table, clipped)
    if soc != clipped:
        slope = max(slope, OCP_TAIL)
    return u + slope * (soc - clipped), slope


@kernel
def respond_table(emf, slope, current, work, coef, design, begin, end):
    """Table cell: OCV(SOC) - R0(SOC) I - RC overvoltages; coef[K_N] scales, coef[R_OHM] adds resistance."""
    for j in range(begin, end):
        soc = work[XS_N, j] + work[XS_N + 1, j] * current[j]
        u, u_slope = ocv(design.ocp_p, soc)
        r0 = linear(design.r0, soc * (design.r0.shape[0] - 1.0)) * coef[K_N, j] + coef[R_OHM, j]
        r = r0 + work[CM_N + 1, j] + work[CM_P + 1, j]
        v = u - work[CM_N, j] - work[CM_P, j] - r * current[j]
        slope[j] = r - u_slope * work[XS_N + 1, j]
        emf[j] = v + slope[j] * current[j]


@kernel
def advance_table(state, work, coef, decay, design, current, dt, begin, end):
    """Commit a table cell's step."""
    for j in range(begin, end):
        state[SOC, j] = work[XS_N, j] + work[XS_N + 1, j] * current[j]
        state[RC_1, j] = work[CM_N, j] + work[CM_N + 1, j] * current[j]
        state[RC_2, j] = work[CM_P, j] + work[CM_P + 1, j] * current[j]

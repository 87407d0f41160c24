"""A cell at its own temperature, and the heat it gives off (compiled). Equations and sources: docs/heat.md."""

from packsim.cell.electrodes.kernels import (
    AL_N,
    AL_P,
    AL_S,
    AREA,
    CHI_V,
    K_N,
    K_P,
    LAW_D_E,
    LAW_D_N,
    LAW_D_P,
    LAW_KAPPA,
    LAW_M_N,
    LAW_M_P,
    LEAK,
    OCP_EDGES,
    OCP_INTERVALS,
    OCP_TAIL,
    Q_N,
    Q_P,
    R_E,
    R_OHM,
    SCRATCH,
    T_AREA,
    TAU_N,
    TAU_P,
    TWO_V,
    X_N,
    X_P,
    XS_N,
    linear,
    ocp,
)
from packsim.cell.table.kernels import SOC, entropic_table, ocv, set_temperature_table
from packsim.numerics.fastmath import exp_fast
from packsim.numerics.jit import kernel

HELD_BELOW_K, HELD_ABOVE_K = 45.0, 75.0  # from the reference: beyond, laws keep their last value [assumed]
PIECE = (
    (OCP_EDGES[1] - OCP_EDGES[0]) / OCP_INTERVALS[0],
    (OCP_EDGES[2] - OCP_EDGES[1]) / OCP_INTERVALS[1],
    (OCP_EDGES[3] - OCP_EDGES[2]) / OCP_INTERVALS[2],
)  # widths of the intervals of the OCP tables


@kernel
def set_temperature(coef, base, design, temperature_k, begin, end):
    """Coefficients of cells at temperature_k[cell], from `base`, theirs at the design's reference.

    Equal to `base` to the bit at the reference. Rows that temperature leaves alone are not touched: `coef` starts as a
    copy of `base`. `set_dt` must follow, since the decays of the particle poles move. Table cells follow their own tables.
    """
    if design.is_table:
        set_temperature_table(coef, design, temperature_k, begin, end)
        return
    heat = design.heat
    follow(coef[TAU_N], base[TAU_N], temperature_k, heat, LAW_D_N, -1.0, begin, end)
    follow(coef[TAU_P], base[TAU_P], temperature_k, heat, LAW_D_P, -1.0, begin, end)
    follow(coef[K_N], base[K_N], temperature_k, heat, LAW_M_N, -1.0, begin, end)
    follow(coef[K_P], base[K_P], temperature_k, heat, LAW_M_P, -1.0, begin, end)
    follow(coef[AL_S], base[AL_S], temperature_k, heat, LAW_D_E, 1.0, begin, end)
    follow(coef[R_E], base[R_E], temperature_k, heat, LAW_KAPPA, -1.0, begin, end)
    per_reference = 1.0 / heat.reference_k
    salt, two_v, chi_v, r_ohm = (
        coef[AL_S, begin:end],
        coef[TWO_V, begin:end],
        coef[CHI_V, begin:end],
        coef[R_OHM, begin:end],
    )
    al_n, al_p, r_e, kelvin = (
        coef[AL_N, begin:end],
        coef[AL_P, begin:end],
        coef[R_E, begin:end],
        temperature_k[begin:end],
    )
    salt_0, two_v_0, chi_v_0, r_ohm_0 = (
        base[AL_S, begin:end],
        base[TWO_V, begin:end],
        base[CHI_V, begin:end],
        base[R_OHM, begin:end],
    )
    al_n_0, al_p_0, r_e_0 = base[AL_N, begin:end], base[AL_P, begin:end], base[R_E, begin:end]
    for j in range(end - begin):
        warmer = kelvin[j] - heat.reference_k
        ratio = 1.0 + warmer * per_reference
        two_v[j] = two_v_0[j] * ratio
        chi_v[j] = chi_v_0[j] * (ratio * (1.0 + heat.chi_slope * warmer))
        faster = salt[j] / salt_0[j]
        al_n[j] = al_n_0[j] * faster
        al_p[j] = al_p_0[j] * faster
        r_ohm[j] = r_ohm_0[j] + (r_e[j] - r_e_0[j])


@kernel
def follow(out, base, temperature_k, heat, law, sign, begin, end):
    """out = base * (property / property at the reference) ** sign, per cell."""
    a, b, c = heat.law[law, 0], heat.law[law, 1], heat.law[law, 2]
    low, high = heat.reference_k - HELD_BELOW_K, heat.reference_k + HELD_ABOVE_K
    per_reference = 1.0 / heat.reference_k
    now, then, kelvin = out[begin:end], base[begin:end], temperature_k[begin:end]
    for j in range(end - begin):
        t = min(max(kelvin[j], low), high)
        u = (t - heat.reference_k) * per_reference / t  # 1/reference - 1/t, zero to the bit at the reference
        now[j] = then[j] * exp_fast(sign * (u * (a + u * (b + u * c))))


@kernel
def entropy(nodes, x):
    """dU/dT [V/K] at stoichiometry x: straight between the nodes of the OCP tables, held beyond them."""
    clipped = min(max(x, OCP_EDGES[0]), OCP_EDGES[3])
    low, width, base, count = OCP_EDGES[1], PIECE[1], OCP_INTERVALS[0], OCP_INTERVALS[1]
    if clipped < OCP_EDGES[1]:
        low, width, base, count = OCP_EDGES[0], PIECE[0], 0, OCP_INTERVALS[0]
    elif clipped >= OCP_EDGES[2]:
        low, width, base, count = OCP_EDGES[2], PIECE[2], OCP_INTERVALS[0] + OCP_INTERVALS[1], OCP_INTERVALS[2]
    t = (clipped - low) / width
    k = min(int(t), count - 1)
    return nodes[base + k] + (t - k) * (nodes[base + k + 1] - nodes[base + k])


@kernel
def entropic(emf, current, work, design, temperature_k, begin, end):
    """After `respond` at `current`: add (T - reference) times the entropic change at the surfaces to emf[cell]."""
    heat = design.heat
    if design.is_table:
        entropic_table(emf, work, design, temperature_k, begin, end)
    if not heat.reversible:
        return
    for j in range(begin, end):
        warmer = temperature_k[j] - heat.reference_k
        if design.is_table:
            change = entropy(heat.entropy_p, work[XS_N, j] + work[XS_N + 1, j] * current[j])
        else:
            change = entropy(heat.entropy_p, work[SCRATCH + 3, j]) - entropy(heat.entropy_n, work[SCRATCH, j])
        emf[j] += warmer * change


@kernel
def heat_w(out, current, voltage, state, coef, design, begin, end):
    """Heat [W] that each cell gives off at this instant, from its mean stoichiometries (or SOC): Bernardi's balance.

    (I + leak) (U - T dU/dT) - I V: all polarisation, the weld in series, the leak inside; the heat of mixing counts at
    once. With U(T) = U + (T - reference) dU/dT the temperature cancels: U - T dU/dT is the same at any temperature.
    """
    heat = design.heat
    for j in range(begin, end):
        if design.is_table:
            u = ocv(design.ocp_p, state[SOC, j])[0]
        else:
            u = ocp(design.ocp_p, state[X_P, j])[0] - ocp(design.ocp_n, state[X_N, j])[0]
        out[j] = (current[j] + coef[LEAK, j]) * u - current[j] * voltage[j]
    if heat.reversible or design.is_table:
        reversible_w(out, current, state, coef, design, heat.reference_k, begin, end)


@kernel
def shift(design, soc):
    """dOCV/dT [V/K] of a table cell's own tables at several temperatures; 0 where it has none."""
    per_k = design.tables.ocv_per_k
    return linear(per_k, soc * (per_k.size - 1.0)) if per_k.size else 0.0


@kernel
def enthalpy_v(out, state, design, begin, end):
    """U - T dU/dT [V] of each cell at its mean stoichiometries (or SOC): what a coulomb gives as work and heat together."""
    heat = design.heat
    for j in range(begin, end):
        if design.is_table:
            u, change = (
                ocv(design.ocp_p, state[SOC, j])[0],
                entropy(heat.entropy_p, state[SOC, j]) + shift(design, state[SOC, j]),
            )
        else:
            x, y = state[X_N, j], state[X_P, j]
            u, change = ocp(design.ocp_p, y)[0] - ocp(design.ocp_n, x)[0], 0.0
            if heat.reversible:
                change = entropy(heat.entropy_p, y) - entropy(heat.entropy_n, x)
        out[j] = u - heat.reference_k * change


@kernel
def reversible_w(out, current, state, coef, design, temperature_k, begin, end):
    """Add the reversible heat -(I + leak) T dU/dT [W] at one temperature to out[cell]."""
    heat = design.heat
    for j in range(begin, end):
        if design.is_table:
            change = entropy(heat.entropy_p, state[SOC, j]) + shift(design, state[SOC, j])
        else:
            change = entropy(heat.entropy_p, state[X_P, j]) - entropy(heat.entropy_n, state[X_N, j])
        out[j] -= (current[j] + coef[LEAK, j]) * temperature_k * change


@kernel
def heat_capacity(out, values, design, begin, end):
    """J/K of each cell from traits [trait, cell]: scales with coated area as capacity does."""
    for j in range(begin, end):
        out[j] = design.heat.capacity_per_area * design.nominal[AREA] * values[T_AREA, j]


@kernel
def enthalpy(table, nodes, reference_k, tail, x):
    """Integral of U - reference dU/dT over stoichiometry from the table's first node to x [V].

    Exact for the cubic pieces of U and the straight ones of dU/dT; beyond the table U runs on with slope `tail`.
    """
    clipped = min(max(x, OCP_EDGES[0]), OCP_EDGES[3])
    total, row, left = 0.0, 0, OCP_EDGES[0]
    for piece in range(3):
        width = PIECE[piece]
        for k in range(OCP_INTERVALS[piece]):
            left = OCP_EDGES[piece] + k * width
            if clipped <= left:
                break
            u = min((clipped - left) / width, 1.0)
            potential = table[row, 0] + u * (table[row, 1] / 2.0 + u * (table[row, 2] / 3.0 + u * table[row, 3] / 4.0))
            change = nodes[row] + 0.5 * u * (nodes[row + 1] - nodes[row])
            total += width * u * (potential - reference_k * change)
            row += 1
    beyond = x - clipped
    if beyond != 0.0:
        end = ocp(table, clipped)[0] - reference_k * entropy(nodes, clipped)
        total += beyond * (end + 0.5 * tail * beyond)
    return total


@kernel
def stored_j(out, state, coef, design, begin, end):
    """Chemical energy [J] of each cell by its mean stoichiometries, from an arbitrary zero: what is drawn is a difference.

    With dU/dT it is the enthalpy (open-circuit energy plus what the surroundings lend reversibly), else the
    open-circuit energy itself. About 3 us a cell: for balances, not for every step.
    """
    heat = design.heat
    for j in range(begin, end):
        if design.is_table:
            soc = state[SOC, j]
            clipped = min(max(soc, OCP_EDGES[0]), OCP_EDGES[3])
            tail = max(ocv(design.ocp_p, clipped)[1], OCP_TAIL)
            out[j] = enthalpy(design.ocp_p, heat.entropy_p, heat.reference_k, tail, soc) / coef[Q_N, j]
        else:
            h_p = enthalpy(design.ocp_p, heat.entropy_p, heat.reference_k, -OCP_TAIL, state[X_P, j])
            h_n = enthalpy(design.ocp_n, heat.entropy_n, heat.reference_k, -OCP_TAIL, state[X_N, j])
            out[j] = -h_p / coef[Q_P, j] - h_n / coef[Q_N, j]

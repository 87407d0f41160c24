"""Array layout of a cell, its OCP, coefficients from as-built traits, and electrode balance (compiled)."""

from typing import NamedTuple

import numpy as np

from packsim.numerics.fastmath import exp_fast, log_fast
from packsim.numerics.jit import inlined_kernel, kernel

FARADAY = 96485.33212
POLES = 7
SLOW_POLES = 4  # what long steps leave of them
MOST_SHELLS, FAST_POLES = 5, 3
SHELLS = MOST_SHELLS + FAST_POLES  # rows kept for one electrode's particle: 7 modes, or shells and then fast poles

# rows of `state`
X_N, X_P, PARTICLE_N, PARTICLE_P = 0, 1, 2, 2 + SHELLS
CE_N, CE_P, CIF_N, CIF_P = range(PARTICLE_P + SHELLS, PARTICLE_P + SHELLS + 4)
N_STATE = CIF_P + 1

# rows of `coef`
Q_N, Q_P, TAU_N, TAU_P, K_N, K_P, R_OHM, LEAK = 0, 1, 2, 3, 4, 5, 6, 7
AL_N, AL_S, AL_P, VOL_N, VOL_S, VOL_P, SOURCE = 8, 9, 10, 11, 12, 13, 14
CHI_V = 15  # chi R T / F at the concentration where PyBaMM takes it
TWO_V = 16  # 2 R T / F
R_E = 17  # the electrolyte's part of R_OHM
N_COEF = 18

# rows of `work`: `NAME` the part without current, `NAME + 1` its slope with current; then what shells come to
XS_N, XS_P, CM_N, CM_P, C1, C2 = 0, 2, 4, 6, 8, 10
# of shells and fast poles the part without current, the slope, and what of a shell's slope the start's current may take
ENDS, SLOPES, LEANS = 0, SHELLS, 2 * SHELLS
FLUX_SLOPE = LEANS + MOST_SHELLS  # the fast poles' slopes together, with the gradient at the surface
D_FAST = FLUX_SLOPE + 1  # diffusivity of the fast poles
D_START = FLUX_SLOPE + 2  # ... and at the surface as a step starts
SHELL_N = 12
SHELL_P = SHELL_N + D_START + 1
SCRATCH = SHELL_P + D_START + 1  # rows that hold no state between calls
N_SCRATCH = 2 * MOST_SHELLS
SHAPE_N, SHAPE_P = SCRATCH + N_SCRATCH, SCRATCH + N_SCRATCH + 1  # see closure.py; lagged
N_WORK = SHAPE_P + 1
N_DECAY = 2 * POLES + 2
# rows of `decay` after the poles: how many poles of an electrode's particles a step leaves, at `begin`
LEFT = 2 * POLES

OCP_EDGES = (-0.003, 0.005, 0.995, 1.003)
OCP_INTERVALS = (128, 1024, 128)
OCP_TAIL = 0.05  # V per unit stoichiometry beyond the table: keeps the map invertible [assumed]
CALM_POINTS = 256  # intervals of stoichiometry 0..1 in Design.calm_n, calm_p
KINETIC_GUARD = 1e-4  # floor of x (1 - x) in the exchange current, so that it stays finite past the ends [assumed]
CONCENTRATION_FLOOR = 1.0  # mol/m3
GAP_EDGES = (-1.0, 5.0)  # (edge - mean) / mean of the electrolyte in an electrode, as tabulated in closure.py

# rows of Heat.law: properties that follow temperature
(LAW_D_N, LAW_D_P, LAW_M_N, LAW_M_P, LAW_D_E, LAW_KAPPA) = range(6)
N_LAW = 6
OCP_NODES = sum(OCP_INTERVALS) + 1


class Heat(NamedTuple):
    """How a nominal cell follows temperature, and what it takes to heat it (SI); see cell/heat/."""

    reference_k: float  # temperature at which every other number of the design was read
    law: (
        np.ndarray
    )  # [N_LAW, 3] ln(property / property at reference_k) = polynomial in 1/reference_k - 1/T without constant
    chi_slope: float  # relative change of chi per kelvin
    reversible: bool  # whether entropy_n or entropy_p is anywhere different from zero
    entropy_n: np.ndarray  # [OCP_NODES] dU/dT in V/K at the nodes of the OCP tables; table cell: zeros
    entropy_p: np.ndarray  # [OCP_NODES]; table cell: dOCV/dT over SOC
    capacity_per_area: float  # J/K per m2 of electrode; table cell: J/K per coulomb
    assumed: int  # bit k: law row k is assumed; bit N_LAW: heat capacity; bit N_LAW + 1: no entropic change known


TABLE_CAPACITY = 14.0 / 3600.0  # J/K per coulomb of a table cell, 14 J/K per A.h [assumed, docs/heat.md]
NO_HEAT = Heat(
    298.15,
    np.zeros((N_LAW, 3)),
    0.0,
    False,
    np.zeros(OCP_NODES),
    np.zeros(OCP_NODES),
    TABLE_CAPACITY,
    3 << N_LAW,
)
NO_LIMIT = np.full(CALM_POINTS, np.inf)


class Tables(NamedTuple):
    """A table cell's circuit over an even SOC grid 0..1 (m points) at rising temperatures (t); see cell/table/kernels.py."""

    r0: np.ndarray  # [1, t, m] ohm, or [2, t, m]: discharge, charge
    rc_ohm: np.ndarray  # [2, t, m]; [2, 1, 2]: the same everywhere, and nothing else but R0 over SOC
    rc_s: np.ndarray  # [2, t, m]; [2, 1, 1]: the same everywhere
    hysteresis_v: np.ndarray  # [m] half the gap between charge and discharge; [0]: none
    hysteresis_rate: float
    ocv_per_k: np.ndarray  # [m] V/K; [0]: none
    temperature_k: np.ndarray  # [t]
    activation_k: np.ndarray  # [5, t] of R0, R1, tau1, R2, tau2 between a temperature and the next
    reference_k: float  # where the OCV was read


class Design(NamedTuple):
    """A nominal cell as the kernels see it (SI). Electrode arrays are ordered (negative, positive)."""

    is_table: bool
    ocp_n: np.ndarray  # [1280, 4] cubic coefficients on OCP_EDGES; table cell: OCV(SOC) on the same grid
    ocp_p: np.ndarray
    thermal_v: float  # R T / F
    chi: np.ndarray  # [m] 2 (1 - t+) (thermodynamic factor) on the grid of d_e
    c_e_init: float
    d_e: np.ndarray  # [m] m2/s on an even grid 0..c_e_max
    kappa: np.ndarray  # [m] S/m on the same grid
    per_c_e: float  # grid points per mol/m3
    closure: np.ndarray  # [mean, gap, 2] electrolyte profile in an electrode, see electrolyte/closure.py
    inertia: float  # of the electrodes' mean concentrations, see electrolyte/inertia.py
    shells_n: int  # 0: fitted poles (constant diffusivity), else number of shells
    shells_p: int
    d_n: np.ndarray  # [k] m2/s over stoichiometry 0..1
    d_p: np.ndarray
    shell_geometry: np.ndarray  # [2, MOST_SHELLS, 2] outer face's conductance and volume of each shell; see shells.py
    shell_surface: np.ndarray  # [2, 1 + 2 FAST_POLES] reach over distance, rates and weights of the fast poles
    tables: Tables  # table cell only
    nominal: np.ndarray  # [N_NOMINAL] the parameter set, see below
    lower_cutoff_v: float
    upper_cutoff_v: float
    heat: Heat = NO_HEAT
    calm_n: np.ndarray = NO_LIMIT  # [CALM_POINTS] see ripple.py
    calm_p: np.ndarray = NO_LIMIT


# entries of Design.nominal; electrode entries are offset by 0 (negative) or 7 (positive)
(THICKNESS, ACTIVE, POROSITY, RADIUS, C_MAX, EXCHANGE, CONDUCT) = range(7)
ELECTRODE = 7
(AREA, R_CONTACT, SEP_THICKNESS, SEP_POROSITY, TRANSFERENCE, B_N, B_S, B_P, BS_N, BS_P, Y_MADE, LOSS) = range(14, 26)
X0_START, X100_START = 26, 27  # the nominal cell's window, where Newton starts for every cell's own
N_NOMINAL = 28

NEWTON_ROUNDS = 6
STOICHIOMETRY_TOLERANCE = 1e-13

# rows of the trait array, in the order of scenario/traits.py (a test holds them together)
(T_LOAD_P, T_LOAD_N, T_THICK_P, T_THICK_N, T_AREA, T_OVERLAP, T_RAD_P, T_RAD_N) = range(8)
(T_SEP_L, T_SEP_E, T_FILL, T_FORM, T_WELD, T_LEAK, T_AGEING) = range(8, 15)


@kernel
def ocp(table, x):
    """Potential and slope at stoichiometry x: three even cubic pieces, straight tails outside."""
    clipped = min(max(x, OCP_EDGES[0]), OCP_EDGES[3])
    low, per, base, count = (
        OCP_EDGES[1],
        OCP_INTERVALS[1] / (OCP_EDGES[2] - OCP_EDGES[1]),
        OCP_INTERVALS[0],
        OCP_INTERVALS[1],
    )
    if clipped < OCP_EDGES[1]:
        low, per, base, count = OCP_EDGES[0], OCP_INTERVALS[0] / (OCP_EDGES[1] - OCP_EDGES[0]), 0, OCP_INTERVALS[0]
    elif clipped >= OCP_EDGES[2]:
        low, per = OCP_EDGES[2], OCP_INTERVALS[2] / (OCP_EDGES[3] - OCP_EDGES[2])
        base, count = OCP_INTERVALS[0] + OCP_INTERVALS[1], OCP_INTERVALS[2]
    t = (clipped - low) * per
    k = min(int(t), count - 1)
    u = t - k
    row = base + k
    c1, c2, c3 = table[row, 1], table[row, 2], table[row, 3]
    value = table[row, 0] + u * (c1 + u * (c2 + u * c3)) - OCP_TAIL * (x - clipped)
    slope = per * (c1 + u * (2.0 * c2 + u * 3.0 * c3))
    if x != clipped:
        slope = -OCP_TAIL
    return value, slope


@kernel
def linear(table, t):
    """Linear interpolation at grid coordinate t, held at the ends."""
    t = min(max(t, 0.0), table.shape[0] - 1.0)
    k = min(int(t), table.shape[0] - 2)
    return table[k] + (t - k) * (table[k + 1] - table[k])


@kernel
def inventory(nominal, values, j):
    """Q_n, Q_p, Q_Li [C] of cell j: capacities scale with loading and area; lithium comes from the cathode."""
    area = nominal[AREA] * values[T_AREA, j] * values[T_OVERLAP, j]
    per_area_n = nominal[THICKNESS] * nominal[ACTIVE] * nominal[C_MAX]
    p = ELECTRODE
    per_area_p = nominal[p + THICKNESS] * nominal[p + ACTIVE] * nominal[p + C_MAX]
    q_n = FARADAY * area * per_area_n * values[T_LOAD_N, j]
    q_p = FARADAY * area * per_area_p * values[T_LOAD_P, j]
    anode_surface = values[T_LOAD_N, j] * values[T_AREA, j] * values[T_OVERLAP, j] / values[T_RAD_N, j]
    return q_n, q_p, nominal[Y_MADE] * q_p - nominal[LOSS] * values[T_FORM, j] * anode_surface


@kernel
def electrode_coefficients(coef, values, design, begin, end):
    """Kernel coefficients [row, cell] from as-built traits [trait, cell]."""
    nominal = design.nominal
    p = ELECTRODE
    for j in range(begin, end):
        q_n, q_p, _ = inventory(nominal, values, j)
        area = nominal[AREA] * values[T_AREA, j] * values[T_OVERLAP, j]
        fill = values[T_FILL, j]
        l_n = nominal[THICKNESS] * values[T_THICK_N, j]
        l_p = nominal[p + THICKNESS] * values[T_THICK_P, j]
        l_s = nominal[SEP_THICKNESS] * values[T_SEP_L, j]
        packing_n = values[T_LOAD_N, j] / values[T_THICK_N, j]
        packing_p = values[T_LOAD_P, j] / values[T_THICK_P, j]
        bulk_n, bulk_p = (1.0 - nominal[POROSITY]) * packing_n, (1.0 - nominal[p + POROSITY]) * packing_p  # all solids
        eps_n, eps_p = (1.0 - bulk_n) * fill, (1.0 - bulk_p) * fill
        eps_s = nominal[SEP_POROSITY] * values[T_SEP_E, j] * fill
        tor_n = exp_fast(nominal[B_N] * log_fast(eps_n))
        tor_s = exp_fast(nominal[B_S] * log_fast(eps_s))
        tor_p = exp_fast(nominal[B_P] * log_fast(eps_p))
        solid_n = nominal[CONDUCT] * exp_fast(nominal[BS_N] * log_fast(bulk_n))
        solid_p = nominal[p + CONDUCT] * exp_fast(nominal[BS_P] * log_fast(bulk_p))
        length = l_n + l_s + l_p
        # PyBaMM's "X-averaged electrolyte concentration", at which it takes kappa, is this constant
        c_ref = design.c_e_init * (eps_n * l_n + eps_s * l_s + eps_p * l_p)
        c_ref *= (l_n / eps_n + l_s / eps_s + l_p / eps_p) / (length * length)
        r_e = (l_n / (3.0 * tor_n) + l_s / tor_s + l_p / (3.0 * tor_p)) / linear(design.kappa, c_ref * design.per_c_e)
        coef[CHI_V, j] = design.thermal_v * linear(design.chi, c_ref * design.per_c_e)
        coef[TWO_V, j] = 2.0 * design.thermal_v
        coef[R_E, j] = r_e / area
        r_s = (l_n / solid_n + l_p / solid_p) / 3.0
        radius_n = nominal[RADIUS] * values[T_RAD_N, j]
        radius_p = nominal[p + RADIUS] * values[T_RAD_P, j]
        coef[Q_N, j] = 1.0 / q_n
        coef[Q_P, j] = 1.0 / q_p
        coef[TAU_N, j] = radius_n * radius_n / (1.0 if design.shells_n else design.d_n[0])
        coef[TAU_P, j] = radius_p * radius_p / (1.0 if design.shells_p else design.d_p[0])
        surface_n = 3.0 * nominal[ACTIVE] * packing_n / radius_n * l_n * area
        surface_p = 3.0 * nominal[p + ACTIVE] * packing_p / radius_p * l_p * area
        coef[K_N, j] = 0.5 / (surface_n * nominal[EXCHANGE])
        coef[K_P, j] = 0.5 / (surface_p * nominal[p + EXCHANGE])
        coef[R_OHM, j] = (r_e + r_s) / area + nominal[R_CONTACT] + 1e-3 * values[T_WELD, j]
        coef[LEAK, j] = 1e-6 * values[T_LEAK, j]
        coef[AL_N, j] = 3.0 * tor_n / l_n
        coef[AL_S, j] = tor_s / l_s
        coef[AL_P, j] = 3.0 * tor_p / l_p
        coef[VOL_N, j] = eps_n * l_n
        coef[VOL_S, j] = eps_s * l_s
        coef[VOL_P, j] = eps_p * l_p
        coef[SOURCE, j] = (1.0 - nominal[TRANSFERENCE]) / (FARADAY * area)


@inlined_kernel
def open_circuit(ocp_n, ocp_p, q_n, q_p, q_li, x):
    """Open-circuit voltage and its slope with x when the anode is at x and lithium is conserved."""
    u_p, slope_p = ocp(ocp_p, (q_li - x * q_n) / q_p)
    u_n, slope_n = ocp(ocp_n, x)
    return u_p - u_n, -slope_p * q_n / q_p - slope_n


@kernel
def stoichiometry_at(ocp_n, ocp_p, q_n, q_p, q_li, voltage):
    """Anode stoichiometry where the open-circuit voltage is `voltage` (Newton kept inside a bracket); nan if none."""
    low = max(OCP_EDGES[0], (q_li - OCP_EDGES[3] * q_p) / q_n)
    high = min(OCP_EDGES[3], (q_li - OCP_EDGES[0] * q_p) / q_n)
    if (
        open_circuit(ocp_n, ocp_p, q_n, q_p, q_li, low)[0] > voltage
        or open_circuit(ocp_n, ocp_p, q_n, q_p, q_li, high)[0] < voltage
    ):
        return np.nan
    x = 0.5 * (low + high)
    for _ in range(100):
        v, slope = open_circuit(ocp_n, ocp_p, q_n, q_p, q_li, x)
        if v > voltage:
            high = x
        else:
            low = x
        step = (voltage - v) / slope if slope > 0.0 else np.inf
        new = x + step
        if not low < new < high:
            new = 0.5 * (low + high)
        if abs(new - x) < STOICHIOMETRY_TOLERANCE:
            return new
        x = new
    return x


@kernel
def stoichiometry_near(start, ocp_n, ocp_p, q_n, q_p, q_li, voltage):
    """As `stoichiometry_at`, many times as fast for a cell like the one whose value is `start` (nan: none is known)."""
    x = start
    for _ in range(NEWTON_ROUNDS if 0.0 <= start <= 1.0 else 0):  # nan must not reach the look-ups
        v, slope = open_circuit(ocp_n, ocp_p, q_n, q_p, q_li, x)
        step = (voltage - v) / slope
        if not abs(step) < 1.0:  # nor from here
            break
        x = min(max(x + step, 0.0), 1.0)
        if abs(step) < STOICHIOMETRY_TOLERANCE:
            return x
    return stoichiometry_at(ocp_n, ocp_p, q_n, q_p, q_li, voltage)


@kernel
def electrode_balance(out, values, design, begin, end):
    """Electrode balance [x0, x100, y0, y100, capacity_ah] into out[5, cell] from traits [trait, cell]."""
    for j in range(begin, end):
        q_n, q_p, q_li = inventory(design.nominal, values, j)
        balance_one(out, j, design, q_n, q_p, q_li)


@kernel
def balance_one(out, j, design, q_n, q_p, q_li):
    """Electrode balance of one cell from its capacities and lithium [C]; nan where the window cannot be reached."""
    ocp_n, ocp_p, nominal = design.ocp_n, design.ocp_p, design.nominal
    x0 = stoichiometry_near(nominal[X0_START], ocp_n, ocp_p, q_n, q_p, q_li, design.lower_cutoff_v)
    x100 = stoichiometry_near(nominal[X100_START], ocp_n, ocp_p, q_n, q_p, q_li, design.upper_cutoff_v)
    out[0, j] = x0
    out[1, j] = x100
    out[2, j] = (q_li - x0 * q_n) / q_p
    out[3, j] = (q_li - x100 * q_n) / q_p
    out[4, j] = (x100 - x0) * q_n / 3600.0

"""Parameters at each cell's own temperature, and heat (compiled). SI units; discharge current is positive."""

import math
from typing import NamedTuple

import numpy as np

from packsim.cell.electrodes.kernels import (
    AL_N,
    AL_P,
    CHI_V,
    K_N,
    K_P,
    LEAK,
    Q_N,
    R_E,
    R_OHM,
    SCRATCH,
    TAU_N,
    TAU_P,
    THERMAL_V,
    X_N,
    X_P,
    linear,
    ocp,
)
from packsim.cell.table.kernels import ocv
from packsim.numerics.jit import inlined_kernel, kernel

# rows of ThermalDesign.log_factor: parameter(T) / parameter(T_ref)
F_DN, F_DP, F_MN, F_MP, F_DE, F_KAPPA, F_CHI = range(7)
N_FACTORS = 7
REFRESH_K = 0.05  # a cell's parameters are taken anew when its temperature has moved this far (docs/heat.md)


class ThermalDesign(NamedTuple):
    """A nominal cell's temperature dependence, relative to the temperature at which its Design was read."""

    reference_k: float
    grid_first_k: float
    grid_step_k: float
    log_factor: np.ndarray  # [N_FACTORS, m] over an even grid of temperatures; linear in between
    dudt_n: np.ndarray  # [k] V/K over stoichiometry 0..1
    dudt_p: np.ndarray
    has_entropy: bool
    heat_capacity_j_per_k: float  # of the nominal cell


@inlined_kernel
def factor(log_factor, row, at, share):
    """One parameter's ratio to its value at the reference temperature."""
    low = log_factor[row, at]
    return math.exp(low + share * (log_factor[row, at + 1] - low))


@kernel
def set_temperature(coef, base, at_k, temperature_k, thermal, everywhere):
    """Coefficients [row, n] from those at the reference temperature (`base`), for cells that moved since `at_k` [n].

    Returns whether any cell was renewed. At the reference temperature itself the base comes back to the bit.
    """
    renewed = False
    log_factor, first, per = thermal.log_factor, thermal.grid_first_k, 1.0 / thermal.grid_step_k
    last = log_factor.shape[1] - 1.0
    for j in range(at_k.shape[0]):
        t_k = temperature_k[j]
        if not everywhere and abs(t_k - at_k[j]) <= REFRESH_K:
            continue
        renewed, at_k[j] = True, t_k
        place = min(max((t_k - first) * per, 0.0), last)
        at = min(int(place), log_factor.shape[1] - 2)
        share, ratio = place - at, t_k / thermal.reference_k
        if t_k == thermal.reference_k:
            for row in range(coef.shape[0]):
                coef[row, j] = base[row, j]
            continue
        coef[TAU_N, j] = base[TAU_N, j] / factor(log_factor, F_DN, at, share)
        coef[TAU_P, j] = base[TAU_P, j] / factor(log_factor, F_DP, at, share)
        coef[K_N, j] = base[K_N, j] / factor(log_factor, F_MN, at, share)
        coef[K_P, j] = base[K_P, j] / factor(log_factor, F_MP, at, share)
        d_e = factor(log_factor, F_DE, at, share)
        for row in range(AL_N, AL_P + 1):
            coef[row, j] = base[row, j] * d_e
        coef[R_OHM, j] = base[R_OHM, j] + base[R_E, j] * (1.0 / factor(log_factor, F_KAPPA, at, share) - 1.0)
        coef[CHI_V, j] = base[CHI_V, j] * ratio * factor(log_factor, F_CHI, at, share)
        coef[THERMAL_V, j] = base[THERMAL_V, j] * ratio
    return renewed


@kernel
def entropic(emf, work, temperature_k, thermal):
    """Shift `emf` of SPMe cells by (T - T_ref) dU/dT at the surface stoichiometries that `respond` left in `work`."""
    dudt_n, dudt_p = thermal.dudt_n, thermal.dudt_p
    sto_n, sto_p = work[SCRATCH], work[SCRATCH + 3]
    last_n, last_p = dudt_n.shape[0] - 1.0, dudt_p.shape[0] - 1.0
    for j in range(emf.shape[0]):
        rise = linear(dudt_p, sto_p[j] * last_p) - linear(dudt_n, sto_n[j] * last_n)
        emf[j] += (temperature_k[j] - thermal.reference_k) * rise


@kernel
def heat_w(out, state, coef, design, thermal, temperature_k, current, emf, slope):
    """Heat of each cell at the end of the prepared step, before it is advanced by nothing more: W into out[n].

    What the electrodes give up beyond the terminals: (I + leak) h(mean stoichiometries) - I V, with h = U - T dU/dT, which
    does not depend on temperature while dU/dT does not. (Bernardi 1985 with the average composition: the heat of mixing
    counts when the gradient is made, not when it relaxes.)
    """
    n_sto, p_sto = thermal.dudt_n.shape[0] - 1.0, thermal.dudt_p.shape[0] - 1.0
    for j in range(out.shape[0]):
        inner = current[j] + coef[LEAK, j]
        if design.is_table:
            enthalpy = ocv(design.ocp_p, state[0, j])[0]
        else:
            x, y = state[X_N, j], state[X_P, j]
            u = ocp(design.ocp_p, y)[0] - ocp(design.ocp_n, x)[0]
            dudt = linear(thermal.dudt_p, y * p_sto) - linear(thermal.dudt_n, x * n_sto)
            enthalpy = u - thermal.reference_k * dudt
        out[j] = inner * enthalpy - current[j] * (emf[j] - slope[j] * current[j])

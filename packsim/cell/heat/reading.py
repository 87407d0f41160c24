"""What a parameter set says about temperature: factors of six properties, entropic changes, heat capacity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from packsim.cell.electrodes.ocp import grid

if TYPE_CHECKING:
    from types import ModuleType

Array = npt.NDArray[np.float64]

# Where a law is fitted (each T minus the reference) and, between these, where its error is measured.
FIT_OFFSETS_K = np.array([-25.0, -12.5, 0.0, 12.5, 20.0, 35.0])
CHECK_OFFSETS_K = np.array([-25.0, -20.0, -15.0, -10.0, -5.0, 5.0, 10.0, 15.0, 20.0])
ENTROPY_ARM_K = 10.0  # PyBaMM's potentials are straight in T: any arm gives the same slope
STO_CHECK = (0.1, 0.3, 0.5, 0.7, 0.9)


class Reader(Protocol):
    """The part of from_pybamm's reader that is needed here."""

    pybamm: ModuleType
    params: Any

    def numbers(self, expression: Any) -> Array:
        """Values of a PyBaMM expression."""

    def over(self, points: Array, function: Any) -> Array:
        """`function(points)`, constants broadcast."""


@dataclass(frozen=True)
class HeatParameters:
    """A set's temperature dependence around the temperature at which it was read.

    Attributes:
        offsets_k: temperatures minus the reference [m]: FIT_OFFSETS_K, then CHECK_OFFSETS_K.
        factors: property over its value at the reference [6, m], rows as `Heat.law`; D_e at
            `c_e_init`, conductivity at `c_ref`.
        chi_factors: the same for chi (thermodynamic factor and transference) [m].
        spread: largest relative difference of `factors` between stoichiometries (rows D) or salt concentrations of
            half and one and a half times `c_e_init` (rows D_e, kappa) [6].
        entropy_n, entropy_p: dU/dT [V/K] on the OCP grid.
        heat_capacity_j_per_k: as PyBaMM's lumped model has it (mean of the layers x cell volume); None: not in the set.
    """

    offsets_k: Array
    factors: Array
    chi_factors: Array
    spread: Array
    entropy_n: Array
    entropy_p: Array
    heat_capacity_j_per_k: float | None


def read_heat(read: Reader, temperature_k: float, c_e_init: float, c_ref: float) -> HeatParameters:
    """Temperature dependence of a set around `temperature_k`, through `pybamm.LithiumIonParameters`.

    Args:
        c_e_init: salt concentration [mol/m3] at which D_e is followed.
        c_ref: that at which conductivity and chi are (a constant of the cell in PyBaMM's SPMe).
    """
    p, scalar = read.params, read.pybamm.Scalar
    offsets = np.concatenate([FIT_OFFSETS_K, CHECK_OFFSETS_K])
    kelvin = temperature_k + offsets

    def factor(function: Any) -> Array:
        return _relative(read.over(kelvin, function))

    sides = (p.n.prim, p.p.prim)
    c_max = [scalar(float(read.numbers(side.c_max)[0])) for side in sides]

    def diffusion(side: int, sto: float) -> Array:
        return factor(lambda t: sides[side].D(sto * c_max[side], t))

    def exchange(side: int) -> Array:
        return factor(lambda t: sides[side].j0(scalar(c_e_init), 0.5 * c_max[side], t))

    def salt(function: Any, concentration: float) -> Array:
        return factor(lambda t: function(scalar(concentration), t))

    rows = [
        diffusion(0, 0.5),
        diffusion(1, 0.5),
        exchange(0),
        exchange(1),
        salt(p.D_e, c_e_init),
        salt(p.kappa_e, c_ref),
    ]
    spread = np.zeros(len(rows))
    for side in (0, 1):
        spread[side] = max(float(np.max(np.abs(diffusion(side, x) / rows[side] - 1.0))) for x in STO_CHECK)
    for row, function in ((4, p.D_e), (5, p.kappa_e)):
        found = [salt(function, share * c_e_init) / rows[row] for share in (0.5, 1.5)]
        spread[row] = float(np.max(np.abs(np.array(found) - 1.0)))
    return HeatParameters(
        offsets_k=offsets,
        factors=np.array(rows),
        chi_factors=salt(p.chi, c_ref),
        spread=spread,
        entropy_n=_entropy(read, sides[0], temperature_k),
        entropy_p=_entropy(read, sides[1], temperature_k),
        heat_capacity_j_per_k=_heat_capacity(read, temperature_k),
    )


def _relative(values: Array) -> Array:
    """Over the value at the reference, which is where FIT_OFFSETS_K is zero."""
    return np.asarray(values / values[int(np.flatnonzero(FIT_OFFSETS_K == 0.0)[0])])


def _entropy(read: Reader, phase: Any, temperature_k: float) -> Array:
    warm, cold = (
        read.over(grid(), lambda x, t=temperature_k + arm: phase.U(x, read.pybamm.Scalar(t)))
        for arm in (ENTROPY_ARM_K, -ENTROPY_ARM_K)
    )
    return np.asarray((warm - cold) / (2.0 * ENTROPY_ARM_K))


def _heat_capacity(read: Reader, temperature_k: float) -> float | None:
    try:
        density = float(read.numbers(read.params.rho_c_p_eff(read.pybamm.Scalar(temperature_k)))[0])
        volume = float(read.numbers(read.params.V_cell)[0])
    except KeyError:  # e.g. Prada2013 has no thermal numbers at all
        return None
    return density * volume if density * volume > 0.0 else None

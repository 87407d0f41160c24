"""What a parameter set says about ageing, as plain numbers; what it does not say stays None."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from types import ModuleType

Array = npt.NDArray[np.float64]
Number = float | None

SEI_KEYS = {  # field of AgeingParameters -> PyBaMM's name
    "reaction_current": "SEI reaction exchange current density [A.m-2]",
    "sei_v": "SEI open-circuit potential [V]",
    "resistivity_ohm_m": "SEI resistivity [Ohm.m]",
    "solvent_diffusivity": "SEI solvent diffusivity [m2.s-1]",
    "solvent_concentration": "Bulk solvent concentration [mol.m-3]",
    "interstitial_diffusivity": "SEI lithium interstitial diffusivity [m2.s-1]",
    "interstitial_concentration": "Lithium interstitial reference concentration [mol.m-3]",
    "ec_rate": "SEI kinetic rate constant [m.s-1]",
    "ec_diffusivity": "EC diffusivity [m2.s-1]",
    "ec_concentration": "EC initial concentration in electrolyte [mol.m-3]",
    "first_m": "Initial SEI thickness [m]",
    "lithium_per_sei": "Ratio of lithium moles to SEI moles",
    "sei_molar_volume": "SEI partial molar volume [m3.mol-1]",
    "activation_j_per_mol": "SEI growth activation energy [J.mol-1]",
}
PLATING_CONCENTRATIONS = np.array([500.0, 1000.0, 1500.0])


@dataclass(frozen=True)
class Mechanics:
    """One electrode's stress-driven loss as PyBaMM has it: rate (stress / critical stress) ** exponent."""

    rate_per_s: float  # share of the active material; PyBaMM's rate is one of volume fraction
    exponent: float
    stress_per_sto: float  # surface's hydrostatic stress over the critical one, per (mean - surface) stoichiometry


@dataclass(frozen=True)
class AgeingParameters:
    """Numbers of a set (SI), None where it has none. `plating_*`: exchange current = fixed + per_c_e * c_e."""

    name: str
    reference_k: Number
    sei: dict[str, float]  # by the names of SEI_KEYS; absent: not given
    lithium_molar_volume: Number
    plating_fixed: Number
    plating_per_c_e: Number
    plating_alpha: Number
    loss_by_sei_n: Number  # anode capacity lost per lithium in SEI, both as charge
    loss_by_sei_p: Number  # cathode capacity lost per lithium in an SEI of its own: none in packsim
    mechanics_n: Mechanics | None
    mechanics_p: Mechanics | None


class Reader(Protocol):
    """The part of from_pybamm's reader that is needed here."""

    pybamm: ModuleType
    params: Any
    values: Any
    temperature: Any

    def scalar(self, key: str) -> float:
        """A parameter that is one number."""

    def over(self, points: Array, function: Any) -> Array:
        """`function(points)`, constants broadcast."""


def read_ageing(read: Reader, name: str, c_max: tuple[float, float], active: tuple[float, float]) -> AgeingParameters:
    """A set's ageing numbers; never refuses a set for lacking some.

    Args:
        c_max, active: largest lithium concentration and volume fraction of the particles (negative, positive).
    """
    found = {field: _number(read, key) for field, key in SEI_KEYS.items()}
    fixed, per_c_e = _plating(read)
    factors = [_number(read, f"{side} electrode reaction-driven LAM factor [m3.mol-1]") for side in SIDES]
    mechanics = [_mechanics(read, side, c, eps) for side, c, eps in zip(SIDES, c_max, active, strict=True)]
    return AgeingParameters(
        name=name,
        reference_k=_number(read, "Reference temperature [K]"),
        sei={field: value for field, value in found.items() if value is not None},
        lithium_molar_volume=_number(read, "Lithium metal partial molar volume [m3.mol-1]"),
        plating_fixed=fixed,
        plating_per_c_e=per_c_e,
        plating_alpha=_number(read, "Lithium plating transfer coefficient"),
        loss_by_sei_n=None if factors[0] is None else factors[0] * c_max[0],
        loss_by_sei_p=None if factors[1] is None else factors[1] * c_max[1],
        mechanics_n=mechanics[0],
        mechanics_p=mechanics[1],
    )


SIDES = ("Negative", "Positive")


def _number(read: Reader, key: str) -> Number:
    """One parameter; None if the set has none or it is no plain number."""
    if key not in read.values:
        return None
    try:
        value = read.scalar(key)
    except (KeyError, TypeError, ValueError):
        return None
    return value if np.isfinite(value) else None


def _plating(read: Reader) -> tuple[Number, Number]:
    """Exchange current of plating as fixed + slope * c_e; None where the set has none or another form."""
    if "Exchange-current density for plating [A.m-2]" not in read.values:
        return None, None
    phase, lithium = read.params.n.prim, read.pybamm.Scalar(1000.0)
    try:
        j0 = read.over(PLATING_CONCENTRATIONS, lambda c: phase.j0_plating(c, lithium, read.temperature))
    except (KeyError, TypeError, ValueError):
        return None, None
    slope = float((j0[2] - j0[0]) / (PLATING_CONCENTRATIONS[2] - PLATING_CONCENTRATIONS[0]))
    fixed = float(j0[1] - slope * PLATING_CONCENTRATIONS[1])
    straight = fixed + slope * PLATING_CONCENTRATIONS
    if not np.allclose(straight, j0, rtol=1e-3):
        return None, None
    fixed = 0.0 if abs(fixed) < 1e-3 * abs(float(j0[1])) else fixed
    return fixed, slope


def _mechanics(read: Reader, side: str, c_max: float, active: float) -> Mechanics | None:
    keys = (
        f"{side} electrode LAM constant proportional term [s-1]",
        f"{side} electrode LAM constant exponential term",
        f"{side} electrode critical stress [Pa]",
        f"{side} electrode partial molar volume [m3.mol-1]",
        f"{side} electrode Young's modulus [Pa]",
        f"{side} electrode Poisson's ratio",
    )
    rate, exponent, critical, swelling, stiffness, poisson = (_number(read, key) for key in keys)
    if rate is None or exponent is None or critical is None:
        return None
    if swelling is None or stiffness is None or poisson is None:
        return None
    tangential = swelling * stiffness * c_max / (3.0 * (1.0 - poisson))
    return Mechanics(rate / active, exponent, 2.0 / 3.0 * tangential / critical)

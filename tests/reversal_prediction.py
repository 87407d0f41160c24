"""Where a cell reverses, by electrode balance on PyBaMM's own curves and an estimate of overpotentials; no packsim code.

Quasi-steady: particles carry their parabolic profile, salt its steady one with properties at the initial concentration.
What packsim postulates (copper's potential, the floor of the exchange current) comes in as arguments.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pybamm
from pybamm_traits import charges_ah, number, with_traits
from scipy.optimize import brentq

if TYPE_CHECKING:
    from collections.abc import Mapping

F = 96485.33212
GAS = 8.31446261815324
PLATING_V = 0.0  # an over-filled cathode falls no further [assumed, docs/beyond.md]
FLOOR = 1e-4  # of x (1 - x) in the exchange current [assumed, docs/beyond.md]


@dataclass(frozen=True)
class Reversal:
    """SOC [%] where the cell's voltage and the anode's copper limit are passed, and the voltage some SOC later."""

    onset_soc_pct: float
    copper_soc_pct: float
    plateau_v: float


class Predicted:
    """One cell at its set's ambient temperature."""

    def __init__(self, source: pybamm.ParameterValues, traits: Mapping[str, float] | None = None) -> None:
        self.values = with_traits(source, traits or {})
        self.params = pybamm.LithiumIonParameters()
        self.kelvin = number(self.values, "Ambient temperature [K]")
        self.q_n, self.q_p, self.q_li = charges_ah(self.values)
        window = [number(self.values, f"{side} voltage cut-off [V]") for side in ("Lower", "Upper")]
        low, high = max(0.0, (self.q_li - self.q_p) / self.q_n) + 1e-5, min(1.0, self.q_li / self.q_n) - 1e-5
        self.x0, self.x100 = (brentq(lambda x, v=v: self.rest(x) - v, low, high, xtol=1e-14) for v in window)
        self.capacity_ah = (self.x100 - self.x0) * self.q_n

    def at(self, expression: Any) -> float:
        """A PyBaMM expression as a number."""
        return float(np.ravel(self.values.process_symbol(expression).evaluate())[0])

    def u(self, side: str, sto: float) -> float:
        """Open-circuit potential of side "n" or "p"."""
        phase = getattr(self.params, side).prim
        return self.at(phase.U(pybamm.Scalar(sto), pybamm.Scalar(self.kelvin)))

    def y(self, x: float) -> float:
        """Cathode's stoichiometry when the anode is at x."""
        return (self.q_li - x * self.q_n) / self.q_p

    def rest(self, x: float) -> float:
        """Open-circuit voltage."""
        return self.u("p", self.y(x)) - self.u("n", x)

    @property
    def reserve_pct(self) -> float:
        """Lithium left in the anode at 0 % SOC, of the capacity."""
        return 100.0 * self.x0 * self.q_n / self.capacity_ah

    @property
    def room_pct(self) -> float:
        """Lithium that the cathode could still take at 0 % SOC, of the capacity."""
        return 100.0 * (1.0 - self.y(self.x0)) * self.q_p / self.capacity_ah

    def soc_pct(self, x: float) -> float:
        """State of charge when the anode's mean is x."""
        return 100.0 * (x - self.x0) / (self.x100 - self.x0)

    def electrode(self, side: str) -> tuple[float, float, float, float]:
        """Thickness, active fraction, radius and electrolyte tortuosity factor of side "n" or "p"."""
        name = {"n": "Negative", "p": "Positive"}[side]
        keys = ("electrode thickness [m]", "electrode active material volume fraction", "particle radius [m]")
        thickness, active, radius = (number(self.values, f"{name} {key}") for key in keys)
        exponent = number(self.values, f"{name} electrode Bruggeman coefficient (electrolyte)")
        return thickness, active, radius, number(self.values, f"{name} electrode porosity") ** exponent

    @property
    def area(self) -> float:
        """Of the electrodes [m2]."""
        keys = ("Electrode width [m]", "Electrode height [m]")
        area = math.prod(number(self.values, key) for key in keys)
        return area * number(self.values, "Number of electrodes connected in parallel to make a cell")

    def lag(self, side: str, current: float, sto: float) -> float:
        """How far the surface is behind the mean (parabola in the particle): I R^2 / (15 D Q)."""
        phase = getattr(self.params, side).prim
        _, _, radius, _ = self.electrode(side)
        c_max = self.at(phase.c_max)
        diffusivity = self.at(phase.D(pybamm.Scalar(sto * c_max), pybamm.Scalar(self.kelvin)))
        charge = 3600.0 * (self.q_n if side == "n" else self.q_p)
        return current * radius**2 / (15.0 * diffusivity * charge)

    def reaction(self, side: str, current: float, sto: float) -> float:
        """Overpotential of the reaction [V], with the steady salt in the electrode."""
        phase = getattr(self.params, side).prim
        thickness, active, radius, _ = self.electrode(side)
        surface = 3.0 * active / radius * thickness * self.area
        c_e, c_max = pybamm.Scalar(self.salt_in(side, current)), self.at(phase.c_max)
        middle = self.at(phase.j0(c_e, pybamm.Scalar(0.5 * c_max), pybamm.Scalar(self.kelvin)))
        j0 = 2.0 * middle * math.sqrt(max(sto * (1.0 - sto), FLOOR))
        return 2.0 * GAS * self.kelvin / F * math.asinh(current / (2.0 * surface * j0))

    def path(self) -> float:
        """Length over tortuosity factor from the middle of one electrode's reaction to the other's [m]."""
        (l_n, _, _, t_n), (l_p, _, _, t_p) = self.electrode("n"), self.electrode("p")
        exponent = number(self.values, "Separator Bruggeman coefficient (electrolyte)")
        t_s = number(self.values, "Separator porosity") ** exponent
        return l_n / (3.0 * t_n) + number(self.values, "Separator thickness [m]") / t_s + l_p / (3.0 * t_p)

    def salt_fall(self, current: float) -> float:
        """Steady difference of the electrodes' mean salt concentrations [mol/m3]."""
        c, t = pybamm.Scalar(self.salt), pybamm.Scalar(self.kelvin)
        flux = (1.0 - self.at(self.params.t_plus(c, t))) * current / (self.area * F)
        return flux * self.path() / self.at(self.params.D_e(c, t))

    def salt_in(self, side: str, current: float) -> float:
        """Mean salt concentration in an electrode [mol/m3]; the separator is half-way between the electrodes."""
        pores = {
            name: number(self.values, f"{name} porosity") * number(self.values, f"{name} thickness [m]")
            for name in ("Negative electrode", "Separator", "Positive electrode")
        }
        other = pores["Positive electrode" if side == "n" else "Negative electrode"] + 0.5 * pores["Separator"]
        share = other / sum(pores.values())
        return self.salt + (1.0 if side == "n" else -1.0) * share * self.salt_fall(current)

    @property
    def salt(self) -> float:
        """Initial concentration in the electrolyte [mol/m3]."""
        return number(self.values, "Initial concentration in electrolyte [mol.m-3]")

    def transport(self, current: float) -> float:
        """Ohmic and concentration loss through the electrolyte, ohmic loss of the electrodes [V]."""
        c, t = pybamm.Scalar(self.salt), pybamm.Scalar(self.kelvin)
        ratio = self.salt_in("n", current) / self.salt_in("p", current)
        concentration = self.at(self.params.chi(c, t)) * GAS * self.kelvin / F * math.log(ratio)
        solid = 0.0
        for side, name in (("n", "Negative"), ("p", "Positive")):
            exponent = number(self.values, f"{name} electrode Bruggeman coefficient (electrode)")
            share = (1.0 - number(self.values, f"{name} electrode porosity")) ** exponent
            sigma = self.at(getattr(self.params, side).sigma(None, t))
            solid += self.electrode(side)[0] / (3.0 * sigma * share)
        ohm = (self.path() / self.at(self.params.kappa_e(c, t)) + solid) / self.area
        return (ohm + number(self.values, "Contact resistance [Ohm]")) * current + concentration

    def reversal(self, current: float, copper_v: float, after_pct: float) -> Reversal:
        """Onsets at a constant discharge current, and the plateau `after_pct` of SOC beyond copper's."""
        through = self.transport(current)

        def cathode(x: float) -> float:
            y = self.y(x) + self.lag("p", current, self.y(x))
            return max(self.u("p", y), PLATING_V) - self.reaction("p", current, y) - through

        def anode(x: float) -> float:
            x -= self.lag("n", current, max(x, 1e-3))
            return min(self.u("n", x), copper_v) + self.reaction("n", current, x)

        low, high = self.x0 - 0.5, min(0.5, self.x100)
        x_onset = brentq(lambda x: cathode(x) - anode(x), low, high, xtol=1e-10)
        x_copper = self.lag("n", current, 1e-3)  # there the surface is empty
        x_plateau = x_copper - 0.01 * after_pct * (self.x100 - self.x0)
        floor = copper_v + self.reaction("n", current, 0.0)
        return Reversal(self.soc_pct(x_onset), self.soc_pct(x_copper), cathode(x_plateau) - floor)

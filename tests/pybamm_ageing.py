"""PyBaMM's SPMe with its own SEI sub-models as the reference of ageing tests: cycling and storage, isothermal.

Options are PyBaMM's defaults: the film's resistance counts from the first nanometre, side reactions are resolved through
the electrode, pores do not change.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pybamm
import pybamm_spme as reference

if TYPE_CHECKING:
    from collections.abc import Mapping

MESH = {"x_n": 20, "x_s": 20, "x_p": 20, "r_n": 40, "r_p": 40}
DAY_S = 86400.0


@dataclass(frozen=True)
class Case:
    """One ageing run: a parameter set, some of its numbers changed, and PyBaMM's options."""

    name: str
    source: str
    options: Mapping[str, Any]
    changes: Mapping[str, float] = field(default_factory=dict)

    def values(self) -> pybamm.ParameterValues:
        """The set with the case's numbers."""
        values = reference.parameters(self.source)
        values.update(dict(self.changes))
        return values


SOLVENT = Case("solvent", "Chen2020", {"SEI": "solvent-diffusion limited"})
REACTION = Case("reaction", "OKane2022", {"SEI": "reaction limited"})
# PyBaMM's numbers would end the cell in weeks; these put both limits at work over two years
SERIES = Case(
    "series",
    "Chen2020",
    {"SEI": "ec reaction limited"},
    {"SEI kinetic rate constant [m.s-1]": 2e-16, "EC diffusivity [m2.s-1]": 2e-21},
)
INTERSTITIAL = Case("interstitial", "Chen2020", {"SEI": "interstitial-diffusion limited"})
CASES = (SOLVENT, REACTION, SERIES, INTERSTITIAL)


def cycle_steps(case: Case) -> tuple[str, str, str]:
    """1C discharge, C/3 charge, taper to C/20, between the set's own cut-offs."""
    values = case.values()
    low, high = (float(values[f"{side} voltage cut-off [V]"]) for side in ("Lower", "Upper"))
    return f"Discharge at 1C until {low:g} V", f"Charge at C/3 until {high:g} V", f"Hold at {high:g} V until C/20"


def check_steps(case: Case) -> tuple[str, str, str]:
    """A check-up from any state: C/3 charge with taper to C/50, then the C/3 discharge that is read."""
    values = case.values()
    low, high = (float(values[f"{side} voltage cut-off [V]"]) for side in ("Lower", "Upper"))
    return f"Charge at C/3 until {high:g} V", f"Hold at {high:g} V until C/50", f"Discharge at C/3 until {low:g} V"


def solve(case: Case, cycles: list[tuple[Any, ...]], soc: float, save: list[int] | None = None) -> pybamm.Solution:
    """Run an experiment from `soc`.

    A cycle grows the SEI by 1e-5 of itself: with the usual tolerance of 1e-6 PyBaMM's own growth is 5 % off.
    """
    solver = pybamm.IDAKLUSolver(rtol=1e-8, atol=1e-8)
    simulation = pybamm.Simulation(
        pybamm.lithium_ion.SPMe(dict(case.options)),
        parameter_values=case.values(),
        experiment=pybamm.Experiment(cycles),
        var_pts=MESH,
        solver=solver,
    )
    return simulation.solve(initial_soc=soc, calc_esoh=False, save_at_cycles=save)


def discharged_ah(step: pybamm.Solution) -> float:
    """Charge that one step gave."""
    charge = step["Discharge capacity [A.h]"].entries
    return float(charge[-1] - charge[0])


def state_of(part: pybamm.Solution) -> dict[str, float]:
    """What ageing has left at the end of a part."""
    moles = float(part["Total lithium lost to side reactions [mol]"].entries[-1])
    return {
        "time_s": float(part.t[-1]),
        "sei_nm": 1e9 * float(part["X-averaged negative SEI thickness [m]"].entries[-1]),
        "lithium_lost_ah": moles * pybamm.constants.F.value / 3600.0,
    }


def cycled(case: Case, cycles: int, keep: list[int]) -> list[dict[str, float]]:
    """Capacity and state at the cycles kept (1 is the first)."""
    solution = solve(case, [cycle_steps(case)] * cycles, 1.0, keep)
    rows = []
    for number in keep:
        part = solution.cycles[number - 1]
        rows.append({"cycle": float(number), "capacity_ah": discharged_ah(part.steps[0]), **state_of(part)})
    return rows


def stored(case: Case, days: float, soc: float) -> dict[str, float]:
    """Capacity of the check-up before and after a rest, and the state at the end of the rest."""
    fresh = solve(case, [check_steps(case)], soc)
    rest = pybamm.step.rest(duration=days * DAY_S, period=days * DAY_S / 100.0)
    aged = solve(case, [(rest, *check_steps(case))], soc)
    steps = aged.cycles[0].steps
    return {
        "fresh_ah": discharged_ah(fresh.cycles[0].steps[-1]),
        "capacity_ah": discharged_ah(steps[-1]),
        **state_of(steps[0]),
    }

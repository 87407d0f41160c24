"""PyBaMM's own SPMe as the reference of cell tests: fine particle mesh, tight tolerances, start by electrode balance."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

os.environ.setdefault("PYBAMM_DISABLE_TELEMETRY", "true")

import pybamm

Array = npt.NDArray[np.float64]

SETS = ("Chen2020", "OKane2022", "Prada2013", "Ecker2015", "Ai2020", "NCA_Kim2011", "Marquis2019", "Mohtat2020")
MESH = {"x_n": 20, "x_s": 20, "x_p": 20, "r_n": 100, "r_p": 100}
KELVIN = 273.15


@dataclass(frozen=True)
class Reference:
    """Time [s], terminal voltage [V] and discharged charge [A.h] of one PyBaMM run, its end event included."""

    time_s: Array
    voltage_v: Array
    discharged_ah: Array


def parameters(source: str | pybamm.ParameterValues, temperature_degc: float | None = None) -> pybamm.ParameterValues:
    """A copy of the set, held at one temperature if given."""
    values = pybamm.ParameterValues(source) if isinstance(source, str) else source.copy()
    if temperature_degc is not None:
        values.update({f"{name} temperature [K]": temperature_degc + KELVIN for name in ("Ambient", "Initial")})
    return values


def ambient_degc(source: str | pybamm.ParameterValues) -> float:
    """The temperature at which PyBaMM runs the set unless told otherwise (Prada2013: 298 K, not 298.15 K)."""
    return float(parameters(source)["Ambient temperature [K]"]) - KELVIN


def run(
    values: pybamm.ParameterValues,
    current_a: float,
    duration_s: float,
    *,
    initial_soc: float = 1.0,
    until_v: float | None = None,
    every_s: float = 10.0,
) -> Reference:
    """Constant current from `initial_soc`, counted between the set's own cut-offs, to `until_v` or the end of time."""
    values = values.copy()
    values["Current function [A]"] = current_a
    values.set_initial_state(initial_soc)
    if until_v is not None:  # only the event moves: the window that defines SOC is already in the initial state
        values["Lower voltage cut-off [V]"] = until_v
    contact = float(values["Contact resistance [Ohm]"]) > 0.0
    model = pybamm.lithium_ion.SPMe({"contact resistance": "true"} if contact else None)
    solver = pybamm.IDAKLUSolver(rtol=1e-7, atol=1e-8)
    simulation = pybamm.Simulation(model, parameter_values=values, var_pts=MESH, solver=solver)
    times = np.append(np.arange(0.0, duration_s, every_s), duration_s)
    solution = simulation.solve([0.0, duration_s], t_interp=times)
    return Reference(
        np.asarray(solution.t),
        np.asarray(solution["Voltage [V]"].entries),
        np.asarray(solution["Discharge capacity [A.h]"].entries),
    )

"""PyBaMM's own SPMe as the reference of cell tests: fine particle mesh, tight tolerances, full by electrode balance."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

os.environ.setdefault("PYBAMM_DISABLE_TELEMETRY", "true")

import pybamm

pybamm.set_logging_level("ERROR")

if TYPE_CHECKING:
    from collections.abc import Sequence

Array = npt.NDArray[np.float64]

SETS = ("Chen2020", "OKane2022", "Prada2013", "Ecker2015", "Ai2020", "NCA_Kim2011", "Marquis2019", "Mohtat2020")
MESH = {"x_n": 20, "x_s": 20, "x_p": 20, "r_n": 100, "r_p": 100}
KELVIN = 273.15
CURRENT = "Current function [A]"


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


def simulation(values: pybamm.ParameterValues, model: type = pybamm.lithium_ion.SPMe) -> pybamm.Simulation:
    """The model on the fine mesh; a contact resistance counts if the set has one."""
    contact = "Contact resistance [Ohm]" in values and float(values["Contact resistance [Ohm]"]) != 0.0
    chosen = model({"contact resistance": "true"} if contact else None)
    solver = pybamm.IDAKLUSolver(rtol=1e-7, atol=1e-8)
    return pybamm.Simulation(chosen, parameter_values=values, var_pts=MESH, solver=solver)


def run(
    values: pybamm.ParameterValues,
    current_a: float,
    duration_s: float,
    *,
    initial_soc: float = 1.0,
    until_v: float | None = None,
    every_s: float = 10.0,
    model: type = pybamm.lithium_ion.SPMe,
) -> Reference:
    """Constant current from `initial_soc`, counted between the set's own cut-offs, to `until_v` or the end of time."""
    values = values.copy()
    values[CURRENT] = current_a
    values.set_initial_state(initial_soc)
    if until_v is not None:  # only the event moves: the window that defines SOC is already in the initial state
        values["Lower voltage cut-off [V]"] = until_v
    times = np.append(np.arange(0.0, duration_s, every_s), duration_s)
    solution = simulation(values, model).solve([0.0, duration_s], t_interp=times)
    return Reference(
        np.asarray(solution.t),
        np.asarray(solution["Voltage [V]"].entries),
        np.asarray(solution["Discharge capacity [A.h]"].entries),
    )


def run_segments(values: pybamm.ParameterValues, segments: Sequence[tuple[float, float]]) -> list[Reference]:
    """Currents held one after another from full: one reference a segment, timed from its start, at 1 s, then 10 s."""
    values = values.copy()
    values[CURRENT] = "[input]"
    values.set_initial_state(1.0)
    sim = simulation(values)
    out = []
    for current, duration in segments:
        times = np.concatenate([np.arange(0.0, 30.0), np.arange(30.0, duration, 10.0), [duration]])
        sim.step(duration, t_interp=times, inputs={CURRENT: current})
        part = sim.solution.sub_solutions[-1]
        time, voltage = np.asarray(part.t), np.asarray(part["Voltage [V]"].entries)
        if abs(time[-1] - time[0] - duration) > 1e-6:
            raise AssertionError(f"PyBaMM stopped at {time[-1]:g} s: {sim.solution.termination}")
        out.append(Reference(time - time[0], voltage, np.asarray(part["Discharge capacity [A.h]"].entries)))
    return out

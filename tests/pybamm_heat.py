"""PyBaMM's SPMe with one lumped temperature as the reference of heat tests, with or without its heat of mixing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pybamm
import pybamm_spme as reference

Array = npt.NDArray[np.float64]
CURRENT = "Current function [A]"


@dataclass(frozen=True)
class Heated:
    """Samples of one run; `anode`, `cathode` are the mean stoichiometries at its start and end."""

    time_s: Array
    voltage_v: Array
    current_a: Array
    temperature_k: Array
    heat_w: Array
    anode: tuple[float, float]
    cathode: tuple[float, float]

    def integral(self, values: Array) -> float:
        """Trapezium rule over time [values x s]."""
        return float(np.sum(0.5 * (values[1:] + values[:-1]) * np.diff(self.time_s)))


def cooling_w_per_k(name: str, h: float) -> float:
    """Conductance of the set's cooling surface at h W/(m2 K)."""
    return h * float(reference.parameters(name)["Cell cooling surface area [m2]"])


def run(name: str, current_a: float, duration_s: float, h: float, *, mixing: bool, rest_s: float = 0.0) -> Heated:
    """Constant current from full at 25 degC, then rest; the cell is cooled to 25 degC by h W/(m2 K)."""
    values = reference.parameters(name, 25.0)
    values[CURRENT] = "[input]"
    values["Total heat transfer coefficient [W.m-2.K-1]"] = h
    values.set_initial_state(1.0)
    model = pybamm.lithium_ion.SPMe({"thermal": "lumped", "heat of mixing": "true" if mixing else "false"})
    solver = pybamm.IDAKLUSolver(rtol=1e-7, atol=1e-8)
    sim = pybamm.Simulation(model, parameter_values=values, var_pts=reference.MESH, solver=solver)
    for current, duration in ((current_a, duration_s), (0.0, rest_s)):
        if duration:
            times = np.append(np.arange(0.0, duration, 5.0), duration)
            sim.step(duration, t_interp=times, inputs={CURRENT: current})
    parts = sim.solution.sub_solutions[-2:] if rest_s else sim.solution.sub_solutions[-1:]

    def of(name: str) -> Array:
        return np.concatenate([np.asarray(part[name].entries) for part in parts])

    def ends(name: str) -> tuple[float, float]:
        found = of(name)
        return float(found[0]), float(found[-1])

    return Heated(
        np.concatenate([np.asarray(part.t) for part in parts]),
        of("Voltage [V]"),
        of("Current [A]"),
        of("Volume-averaged cell temperature [K]"),
        of("Total heating [W]"),
        ends("Negative electrode stoichiometry"),
        ends("Positive electrode stoichiometry"),
    )

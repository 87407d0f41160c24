"""The incumbents of `packsim bench` from PyBaMM: its electrode balance, and its SPMe for a list of cells."""

from __future__ import annotations

import os
import time
import warnings

import numpy as np

os.environ.setdefault("PYBAMM_DISABLE_TELEMETRY", "true")

import pybamm

DURATION_S, STEP_S = 3300.0, 10.0
ACTIVE = ("Negative electrode active material volume fraction", "Positive electrode active material volume fraction")


def electrode_balance(name: str, charges_ah: np.ndarray) -> tuple[np.ndarray, float]:
    """x0, x100, y0, y100 and capacity [A.h] into [5, cell] for Q_n, Q_p, Q_Li [cell, 3]; seconds without the first cell."""
    solver = pybamm.lithium_ion.ElectrodeSOHSolver(pybamm.ParameterValues(name))
    out = np.empty((5, len(charges_ah)))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="While solving ElectrodeSOH model extrapolation")
        for k, charges in enumerate(charges_ah):
            if k == 1:
                begun = time.perf_counter()  # the first one builds the model
            found = solver.solve(dict(zip(("Q_n", "Q_p", "Q_Li"), map(float, charges), strict=True)))
            out[:, k] = [float(found[key]) for key in ("x_0", "x_100", "y_0", "y_100", "Q")]
    return out, (time.perf_counter() - begun) * len(charges_ah) / (len(charges_ah) - 1)


def list_of_inputs(name: str, cells: int, threads: int, repeat: int) -> float:
    """Cell-steps/s (points every 10 s) of a 1C discharge, IDAKLU at its default tolerances; the fastest of `repeat`."""
    values = pybamm.ParameterValues(name)
    values["Current function [A]"] = values["Nominal cell capacity [A.h]"]
    stock = [values[key] for key in ACTIVE]
    values.update(dict.fromkeys(ACTIVE, "[input]"))
    solver = pybamm.IDAKLUSolver(options={"num_threads": threads})
    simulation = pybamm.Simulation(pybamm.lithium_ion.SPMe(), parameter_values=values, solver=solver)
    luck = 1.0 + 0.01 * np.random.default_rng(1).standard_normal((cells, 2))
    inputs = [dict(zip(ACTIVE, map(float, stock * row), strict=True)) for row in luck]
    ends, times = [0.0, DURATION_S], np.arange(0.0, DURATION_S + STEP_S, STEP_S)
    seconds = []
    for _ in range(repeat):  # interpolated at the times: to stop at every one of them would be thirty times slower
        begun = time.perf_counter()
        simulation.solve(ends, inputs=inputs, t_interp=times)
        seconds.append(time.perf_counter() - begun)
    return cells * (times.size - 1) / min(seconds)

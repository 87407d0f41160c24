"""Two PyBaMM cells in parallel by waveform relaxation: an oracle that shares no code with the pack's kernels.

Each cell is solved over the whole time with its own current as a function of time; the split is corrected until both
terminal voltages agree everywhere. The correction is the answer of two resistors and two capacitances to the mismatch,
which only decides how fast this converges, not to what.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pybamm

Array = npt.NDArray[np.float64]
MESH = {"x_n": 15, "x_s": 10, "x_p": 15, "r_n": 60, "r_p": 60}  # finer ones move the split by less than 0.01 %


def pair(
    values: tuple[pybamm.ParameterValues, pybamm.ParameterValues],
    total: Array,
    time: Array,
    soc: tuple[float, float],
    *,
    resistance: float,
    stiffness: float,
    rounds: int = 12,
) -> tuple[Array, Array, Array, float]:
    """Currents of the first cell, both voltages at `time`, and the largest voltage mismatch left [V].

    Args:
        total: pack current at `time`, straight lines in between (a jump: two times close together).
        resistance: of both cells together [ohm]; stiffness: voltage mismatch per charge moved [V/C].
    """
    share, change = 0.5 * total, np.zeros_like(total)
    step = np.diff(time, prepend=time[0])
    for _ in range(rounds):
        volts = [
            voltage(own, time, current, start)
            for own, current, start in zip(values, (share, total - share), soc, strict=True)
        ]
        mismatch = volts[0] - volts[1]
        if np.max(np.abs(mismatch)) < 2e-4:
            break
        # resistance * d + stiffness * integral of d = mismatch, by implicit Euler
        charge, change = 0.0, np.empty_like(share)
        for k in range(time.size):
            change[k] = (mismatch[k] - stiffness * charge) / (resistance + stiffness * step[k])
            charge += change[k] * step[k]
        share = share + change
    return share, volts[0], volts[1], float(np.max(np.abs(mismatch)))


def voltage(values: pybamm.ParameterValues, time: Array, current: Array, soc: float) -> Array:
    """Terminal voltage of one cell that carries `current` over `time`, straight lines in between."""
    chosen = values.copy()
    chosen["Current function [A]"] = pybamm.Interpolant(time, current, pybamm.t)
    solver = pybamm.IDAKLUSolver(rtol=1e-7, atol=1e-8)
    simulation = pybamm.Simulation(pybamm.lithium_ion.SPMe(), parameter_values=chosen, var_pts=MESH, solver=solver)
    return np.asarray(simulation.solve(time, initial_soc=soc)["Terminal voltage [V]"](time), float)

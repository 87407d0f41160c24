"""Two PyBaMM cells in parallel: PyBaMM's own discretised SPMe twice, and one split that makes their voltages equal.

SUNDIALS' IDAS advances both cells and the split as one differential-algebraic system, so that Kirchhoff's laws hold all
the time and not only at the end of steps. Nothing here is shared with the pack's kernels.
"""

from __future__ import annotations

from typing import NamedTuple

import casadi
import numpy as np
import numpy.typing as npt
import pybamm

Array = npt.NDArray[np.float64]
CURRENT = "Current function [A]"


class Carried(NamedTuple):
    """What both cells did: samples of the first one's current and charge, of both voltages, and of the common state."""

    current_a: Array  # [m]
    charge_ah: Array  # [m] discharged from the first cell since the start
    voltage_v: Array  # [2, m]
    state: Array  # [n, m]


class Pair:
    """Both cells at the start; `soc` as PyBaMM counts it, `mesh` its points in x and r.

    With a `stretch` the points in r lie exp(stretch) times as close at the surface as in the middle.
    """

    def __init__(
        self,
        values: tuple[pybamm.ParameterValues, pybamm.ParameterValues],
        soc: tuple[float, float],
        mesh: dict[str, int],
        stretch: float = 0.0,
    ) -> None:
        (first, start_a), (second, start_b) = (cell(*one, mesh, stretch) for one in zip(values, soc, strict=True))
        self.start = np.concatenate([start_a, start_b])
        state, share, total = (casadi.MX.sym(name, size) for name, size in (("y", self.start.size), ("i", 1), ("I", 1)))
        rate_a, v_a = first(state[: start_a.size], share)
        rate_b, v_b = second(state[start_a.size :], total - share)
        self.system = {"x": state, "z": share, "p": total, "ode": casadi.vertcat(rate_a, rate_b), "alg": v_a - v_b}
        self.rate = casadi.Function("rate", [state, share, total], [self.system["ode"]])
        self.voltages = casadi.Function("v", [state, share, total], [casadi.vertcat(v_a, v_b)])
        split = {"x": share, "p": casadi.vertcat(state, total), "g": v_a - v_b}
        self.split = casadi.rootfinder("split", "newton", split)

    def carry(self, total_a: float, time_s: Array, state: Array | None = None, tolerance: float = 1e-8) -> Carried:
        """Hold the current of both together over `time_s`, from `state` or the start; no voltage ends it."""
        state = self.start if state is None else state
        share = self.split(x0=0.5 * total_a, p=np.append(state, total_a))["x"]  # just after the jump
        rate = np.asarray(self.rate(state, share, total_a)).ravel()  # IDAS's own search for it fails on fine meshes
        options = {"reltol": tolerance, "abstol": tolerance, "max_num_steps": 100_000}
        options |= {"calc_ic": False, "init_xdot": rate.tolist()}
        solve = casadi.integrator("pair", "idas", self.system, float(time_s[0]), time_s.tolist(), options)
        found = solve(x0=state, z0=share, p=total_a)
        states, shares = np.asarray(found["xf"]), np.asarray(found["zf"])
        volts = np.asarray(self.voltages(states, shares, np.full_like(shares, total_a)))
        return Carried(shares[0], states[0], volts, states)


def cell(
    values: pybamm.ParameterValues, soc: float, mesh: dict[str, int], stretch: float = 0.0
) -> tuple[casadi.Function, Array]:
    """PyBaMM's (state, current) -> (its rate, terminal voltage), and the state at the start; its first row is charge."""
    chosen = values.copy()
    chosen[CURRENT] = "[input]"
    spme = pybamm.lithium_ion.SPMe()
    kinds = dict(spme.default_submesh_types)
    if stretch > 0.0:
        graded = pybamm.MeshGenerator(pybamm.Exponential1DSubMesh, {"side": "right", "stretch": stretch})
        kinds |= {"negative particle": graded, "positive particle": graded}
    simulation = pybamm.Simulation(spme, parameter_values=chosen, var_pts=mesh, submesh_types=kinds)
    simulation.build(initial_soc=soc, inputs={CURRENT: 0.0})
    model = simulation.built_model
    start = np.asarray(model.concatenated_initial_conditions.evaluate(inputs={CURRENT: 0.0}), float).ravel()
    if (
        model.len_alg
        or next(iter(model.rhs)).name != "Discharge capacity [A.h]"
        or not np.array_equal(model.mass_matrix.entries.toarray(), np.eye(start.size))
    ):
        raise AssertionError("the SPMe should be explicit ordinary differential equations")
    time, state, current = (casadi.MX.sym(name, size) for name, size in (("t", 1), ("y", start.size), ("i", 1)))
    rate, volts = (
        symbol.to_casadi(time, state, inputs={CURRENT: current})
        for symbol in (model.concatenated_rhs, model.get_processed_variable("Terminal voltage [V]"))
    )
    return casadi.Function("cell", [state, current], [rate, volts]), start

"""The pack's thermal network: closed forms, a dense solution of the same equations in time, energy to rounding."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import naive_heat as naive
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from packsim.pack.heat.kernels import N_SCRATCH, advance_temperature, inlet_at
from packsim.pack.heat.plan import plan
from packsim.scenario.heat import Coolant, HeatModel, InletPoint

if TYPE_CHECKING:
    from collections.abc import Callable

    from packsim.pack.heat.kernels import Thermal

AMBIENT = 301.0
MODELS = {
    "chain": HeatModel(end_ambient_w_per_k=0.3),
    "serpentine": HeatModel(cells_per_row=4, across_w_per_k=0.3, coolant=Coolant(flow_w_per_k=2.0)),
    "serpentine from the last": HeatModel(
        cells_per_row=5, across_w_per_k=2.0, coolant=Coolant(flow_w_per_k=1.0, inlet="last")
    ),
    "parallel rows": HeatModel(cells_per_row=4, coolant=Coolant(flow_w_per_k=0.7, path="parallel")),
    "parallel rows from the last": HeatModel(
        cells_per_row=5, across_w_per_k=0.5, coolant=Coolant(flow_w_per_k=3.0, path="parallel", inlet="last")
    ),
}
CELLS = 23  # the last row is shorter


class Network:
    """A network of cells that all differ, stepped by the kernel."""

    def __init__(self, thermal: Thermal, seed: int = 7, flow: float | None = None) -> None:
        rng = np.random.default_rng(seed)
        n = len(thermal.order)
        self.thermal, self.inlet_k = thermal, 288.0
        self.capacity, self.heat = rng.uniform(20.0, 60.0, n), rng.uniform(0.0, 3.0, n)
        self.temperature, self.coolant = rng.uniform(290.0, 315.0, n), np.zeros(n)
        self.flow = rng.uniform(0.4, 1.0, thermal.streams) if flow is None else np.full(thermal.streams, flow)
        self.scratch = np.zeros((N_SCRATCH, n))

    def step(self, dt: float) -> tuple[float, float]:
        return advance_temperature(  # type: ignore[no-any-return]
            self.temperature, self.coolant, self.heat, self.capacity, self.inlet_k, AMBIENT, self.flow, dt,
            self.thermal, self.scratch,
        )  # fmt: skip

    def dense(self) -> tuple[np.ndarray, np.ndarray]:
        return naive.network(self.thermal, self.inlet_k, AMBIENT, self.flow)


@pytest.mark.parametrize("name", MODELS)
def test_one_step_is_the_dense_implicit_one(name: str, report: Callable[..., None]) -> None:
    """Without conduction across rows one step is implicit Euler exactly."""
    model = MODELS[name].model_copy(update={"across_w_per_k": 0.0})
    network, dt = Network(plan(model, CELLS)), 30.0
    a, b = network.dense()
    rate = np.diag(network.capacity / dt)
    expected = np.linalg.solve(rate - a, rate @ network.temperature + b + network.heat)
    network.step(dt)
    report(f"{name}: one step against a dense solve", float(np.max(np.abs(network.temperature - expected))), 1e-9, "K")


@pytest.mark.parametrize("name", MODELS)
def test_course_and_steady_state_are_those_of_the_equations(name: str, report: Callable[..., None]) -> None:
    """Against scipy on the dense matrices: first order in the step on the way, exact in the end at any step."""
    errors = []
    for dt in (8.0, 4.0):
        network = Network(plan(MODELS[name], CELLS))
        a, b = network.dense()
        span = 400.0
        exact = solve_ivp(
            lambda _, t, a=a, b=b, n=network: (a @ t + b + n.heat) / n.capacity,
            (0.0, span), network.temperature, method="LSODA", rtol=1e-10, atol=1e-10,
        ).y[:, -1]  # fmt: skip
        start = network.temperature.copy()
        for _ in range(int(span / dt)):
            network.step(dt)
        errors.append(float(np.max(np.abs(network.temperature - exact)) / np.max(np.abs(exact - start))))
    report(f"{name}: after 400 s with 4 s steps, largest error of the change", 100.0 * errors[1], 1.0, "%")
    report(f"{name}: error with steps twice as long, ratio", errors[0] / errors[1], 1.7, "", ">=")
    steady = np.linalg.solve(-a, b + network.heat)
    for _ in range(4000):
        network.step(1000.0)
    report(f"{name}: steady state with 1000 s steps", float(np.max(np.abs(network.temperature - steady))), 1e-8, "K")


def test_gradient_along_the_coolant_is_the_closed_form(report: Callable[..., None]) -> None:
    """Even heat q and no other path: the coolant leaves cell k at inlet + (k + 1) q / W, T = arrival + q / (W share)."""
    model = HeatModel(
        ambient_w_per_k=0.0, neighbour_w_per_k=0.0, coolant=Coolant(contact_w_per_k=0.8, flow_w_per_k=5.0)
    )
    network = Network(plan(model, 96), flow=1.0)
    network.heat[:] = 1.3
    for _ in range(200):
        network.step(500.0)
    leaves = 288.0 + np.arange(1, 97) * 1.3 / 5.0
    cells = leaves - 1.3 / 5.0 + 1.3 / (5.0 * (1.0 - np.exp(-0.8 / 5.0)))
    report(
        "coolant along 96 cells: temperature against closed form",
        float(np.max(np.abs(network.coolant - leaves))),
        1e-9,
        "K",
    )
    report(
        "cells along it: temperature against closed form", float(np.max(np.abs(network.temperature - cells))), 1e-9, "K"
    )
    turned = Network(
        plan(model.model_copy(update={"coolant": Coolant(contact_w_per_k=0.8, flow_w_per_k=5.0, inlet="last")}), 96),
        flow=1.0,
    )
    turned.heat[:] = 1.3
    for _ in range(200):
        turned.step(500.0)
    report(
        "coolant from the other end: mirror image", float(np.max(np.abs(turned.temperature[::-1] - cells))), 1e-9, "K"
    )


@pytest.mark.parametrize("name", MODELS)
def test_energy_is_conserved_to_rounding(name: str, report: Callable[..., None]) -> None:
    network = Network(plan(MODELS[name], CELLS))
    start, taken, dt_sum = network.temperature.copy(), 0.0, 0.0
    rng = np.random.default_rng(1)
    for _ in range(500):
        dt = float(10.0 ** rng.uniform(-2, 4))
        network.flow[:] = rng.uniform(0.0, 1.0)
        taken += sum(network.step(dt))
        dt_sum += dt
    given = float(np.sum(network.heat)) * dt_sum
    warmth = float(np.sum(network.capacity * (network.temperature - start)))
    report(f"{name}: heat against warmth, coolant and ambient", abs(given - warmth - taken) / given, 1e-11)
    assert np.all(np.isfinite(network.temperature))


def test_standing_coolant_takes_nothing(report: Callable[..., None]) -> None:
    model = HeatModel(ambient_w_per_k=0.0, cells_per_row=4, coolant=Coolant(path="parallel", flow_w_per_k=5.0))
    thermal = plan(model, 12)
    network = Network(thermal, flow=1.0)
    network.flow[1] = 0.0  # the middle row has lost its coolant
    start = network.temperature.copy()
    network.step(50.0)
    middle = np.arange(4, 8)
    warmth = network.capacity[middle] @ (network.temperature - start)[middle]
    report(
        "row without flow: its warmth against its heat", abs(warmth / (50.0 * network.heat[middle].sum()) - 1.0), 1e-12
    )
    network.flow[:] = 0.0
    before = network.temperature.copy()
    report(
        "step of no length: change and heat",
        max(*np.abs(network.step(0.0)), np.max(np.abs(network.temperature - before))),
        0.0,
    )
    report("no flow at all: heat taken by the coolant", abs(network.step(50.0)[0]), 0.0, "J")


def test_inlet_profile(report: Callable[..., None]) -> None:
    points = [InletPoint(time_s=t, degc=d) for t, d in ((10.0, 20.0), (30.0, 40.0), (50.0, 35.0))]
    thermal = plan(HeatModel(coolant=Coolant(inlet_profile=points)), 4)
    times = np.array([0.0, 10.0, 15.0, 30.0, 44.0, 50.0, 99.0])
    expected = np.interp(times, [10.0, 30.0, 50.0], [20.0, 40.0, 35.0]) + 273.15
    found = np.array([inlet_at(thermal, t) for t in times])
    report("inlet temperature over time", float(np.max(np.abs(found - expected))), 1e-12, "K")


def test_cost_of_a_step_is_linear(report: Callable[..., None]) -> None:
    """Twelve times the cells in at most twice twelve times the time (a dense solve: 1,728 times)."""
    took = {}
    for n in (96, 1152):
        network = Network(plan(MODELS["serpentine"].model_copy(update={"cells_per_row": 12}), n))
        best = np.inf
        for _ in range(7):
            start = time.perf_counter()
            for _ in range(200):
                network.step(5.0)
            best = min(best, time.perf_counter() - start)
        took[n] = best
    report("thermal step, 1152 cells over 96 cells", took[1152] / took[96], 24.0, "times")

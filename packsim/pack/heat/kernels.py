"""Temperatures of the cells of one pack after a step (compiled): implicit Euler, O(cells), energy kept to round-off."""

from typing import NamedTuple

import numpy as np

from packsim.numerics.jit import kernel

SWEEPS = 3  # of cells and coolant in turn; the coolant's temperature is then good to 1e-4 K (docs/heat.md)


class Thermal(NamedTuple):
    """Thermal network of one pack: a chain of cells beside a channel. `on` False: every cell stays as it is."""

    on: bool
    capacity_j_per_k: np.ndarray  # [n]
    to_next_w_per_k: np.ndarray  # [n] between cell j and j + 1; the last is 0, and where a module ends
    to_coolant_w_per_k: np.ndarray  # [n]
    to_ambient_w_per_k: np.ndarray  # [n]
    flow_w_per_k: float  # heat capacity flow of the coolant
    inlet_k: float
    ambient_k: float
    forward: bool  # the coolant passes cell 0 first


class Heats(NamedTuple):
    """Temperatures of one pack and where its heat went since it was built."""

    temperature_k: np.ndarray  # [n]
    at_k: np.ndarray  # [n] temperature at which each cell's coefficients were taken
    base: np.ndarray  # [N_COEF, n] coefficients at the reference temperature
    coolant_k: np.ndarray  # [n] coolant as it reaches each cell
    made_w: np.ndarray  # [n] at the end of the last step
    mean_w: np.ndarray  # [n] over a step
    scratch: np.ndarray  # [3, n]
    joules: np.ndarray  # [5] see below


# entries of Heats.joules: made in cells, in tabs (which warm cells), in other joints (which do not); given away
CELLS, TABS, JOINTS, COOLANT, AMBIENT = range(5)


@kernel
def advance_temperature(heats, thermal, flow_share, ambient_k, dt):
    """Move the temperatures over `dt` with heats.mean_w; returns the hottest cell."""
    temperature, coolant, heat = heats.temperature_k, heats.coolant_k, heats.mean_w
    old, upper, right = heats.scratch[0], heats.scratch[1], heats.scratch[2]
    capacity, link, ambient = thermal.capacity_j_per_k, thermal.to_next_w_per_k, thermal.to_ambient_w_per_k
    to_coolant, flow = thermal.to_coolant_w_per_k, thermal.flow_w_per_k * flow_share
    n = temperature.shape[0]
    for j in range(n):
        old[j] = temperature[j]
    for _ in range(SWEEPS):
        for j in range(n):  # Thomas elimination
            taken = exchange(to_coolant[j], flow)
            before = link[j - 1] if j > 0 else 0.0
            diagonal = capacity[j] / dt + ambient[j] + taken + link[j] + before
            rhs = capacity[j] / dt * old[j] + heat[j] + ambient[j] * ambient_k + taken * coolant[j]
            if j > 0:
                diagonal -= before * upper[j - 1]
                rhs += before * right[j - 1]
            upper[j], right[j] = link[j] / diagonal, rhs / diagonal
        temperature[n - 1] = right[n - 1]
        for j in range(n - 2, -1, -1):
            temperature[j] = right[j] + upper[j] * temperature[j + 1]
        march(coolant, temperature, to_coolant, flow, thermal.inlet_k, thermal.forward)
    # the last sweep's coolant was the one before this march: heat is counted with what the cells have really given
    coolant_j, ambient_j, hottest = 0.0, 0.0, temperature[0]
    for j in range(n):
        to_air = ambient[j] * (temperature[j] - ambient_k)
        ambient_j += to_air
        coolant_j += heat[j] - to_air - capacity[j] / dt * (temperature[j] - old[j])
        hottest = max(hottest, temperature[j])
    heats.joules[AMBIENT] += ambient_j * dt
    heats.joules[COOLANT] += coolant_j * dt  # conduction between cells cancels in the sum
    return hottest


@kernel
def exchange(conductance, flow):
    """Heat a cell gives per kelvin above the coolant that reaches it, W/K: flow (1 - exp(-conductance / flow))."""
    if flow <= 0.0 or conductance <= 0.0:
        return 0.0
    return -flow * np.expm1(-conductance / flow)


@kernel
def march(coolant, temperature, to_coolant, flow, inlet_k, forward):
    """Temperature of the coolant as it reaches each cell, along its way."""
    n = temperature.shape[0]
    t = inlet_k
    for step in range(n):
        j = step if forward else n - 1 - step
        coolant[j] = t
        if flow > 0.0:
            t += exchange(to_coolant[j], flow) * (temperature[j] - t) / flow

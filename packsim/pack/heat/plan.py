"""From the scenario's cooling to the thermal network of a pack."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from packsim.cell.electrodes.kernels import T_AREA
from packsim.pack.heat import kernels as k
from packsim.pack.network.kernels import Network
from packsim.scenario.heat import Heat

Array = npt.NDArray[np.float64]
KELVIN = 273.15


def plan(model: Heat | None, net: Network, values: Array, capacity_j_per_k: float) -> k.Thermal:
    """Thermal network of a pack of cells `values` [trait, n]; heat capacities scale with coated area."""
    n = values.shape[1]
    own = model or Heat()
    if own.cell_heat_capacity_j_per_k is not None:
        capacity_j_per_k = own.cell_heat_capacity_j_per_k
    links = np.full(n, own.cell_to_next_w_per_k)
    ends = module_ends(net)
    links[ends] = 0.0
    return k.Thermal(
        on=model is not None,
        capacity_j_per_k=capacity_j_per_k * values[T_AREA],
        to_next_w_per_k=links,
        to_coolant_w_per_k=np.full(n, own.cell_to_coolant_w_per_k),
        to_ambient_w_per_k=np.full(n, own.cell_to_ambient_w_per_k),
        flow_w_per_k=own.coolant_flow_w_per_k,
        inlet_k=own.coolant_inlet_degc + KELVIN,
        ambient_k=own.ambient_degc + KELVIN,
        forward=own.coolant_enters == "first_cell",
    )


def module_ends(net: Network) -> npt.NDArray[np.int64]:
    """The last cell of every module."""
    cells = np.zeros(net.kind.size, np.int64)
    for node in range(net.kind.size):
        for child in net.child[net.first[node] : net.first[node + 1]]:
            cells[node] += 1 if child < 0 else cells[child]
    return np.cumsum(cells[net.module]) - 1


def heats(model: Heat | None, coef: Array, reference_k: float, n: int) -> k.Heats:
    """Temperatures of a new pack, and its coefficients at the reference temperature."""
    own = model or Heat()
    start = reference_k if model is None else (own.ambient_degc if own.start_degc is None else own.start_degc) + KELVIN
    return k.Heats(
        temperature_k=np.full(n, start),
        at_k=np.full(n, reference_k),
        base=coef.copy(),
        coolant_k=np.full(n, own.coolant_inlet_degc + KELVIN),
        made_w=np.zeros(n),
        mean_w=np.zeros(n),
        scratch=np.zeros((3, n)),
        joules=np.zeros(5),
    )

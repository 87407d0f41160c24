"""The temperature dependence of a nominal cell, with documented defaults where its set has none."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from packsim.cell.cell import KELVIN, Cell
from packsim.cell.electrodes import kernels as e
from packsim.cell.from_pybamm import read_thermal
from packsim.cell.heat import kernels as k

Array = npt.NDArray[np.float64]

GAS_CONSTANT = 8.31446261815324
GRID_DEGC = np.array([-20.0, -5.0, 10.0, 25.0, 40.0, 55.0, 70.0])
NAMES = (
    "anode_diffusivity",
    "cathode_diffusivity",
    "anode_exchange",
    "cathode_exchange",
    "electrolyte_diffusivity",
    "electrolyte_conductivity",
)
# J/mol, where a set has none: O'Kane et al. 2022 as PyBaMM ships it (graphite after Ecker et al. 2015), assumed for others
DEFAULT_J_PER_MOL = (30.3e3, 25.0e3, 35.0e3, 17.8e3, 17.0e3, 17.0e3)
# J/(m3 K) of the electrode stack where a set has none: 1000 J/(kg K) and 2100 kg/m3, assumed
DEFAULT_VOLUMETRIC = 2.1e6


class CellHeat(NamedTuple):
    """What the kernels need, and what had to be assumed for it."""

    thermal: k.ThermalDesign
    cooling_w_per_k: float  # of PyBaMM's lumped model; nan where the set has none
    activation_j_per_mol: Array  # [6] in the order of NAMES, over the whole grid
    assumed: tuple[str, ...]


def cell_heat(cell: Cell) -> CellHeat:
    """Temperature dependence of `cell`, scaled to its size.

    Raises:
        ValueError: a table cell, whose temperature dependence is in its own table.
    """
    if cell.design.is_table:
        raise ValueError("a TableCell has no temperature dependence of a parameter set")
    reference = cell.temperature_degc + KELVIN
    grid = GRID_DEGC + KELVIN
    read = read_thermal(cell.source, np.append(grid, reference))
    tables = np.vstack([read.diffusivity, read.exchange, read.electrolyte_diffusivity, read.electrolyte_conductivity])
    log = np.log(tables / tables[:, -1:])[:, :-1]
    assumed = []
    for row, (name, energy) in enumerate(zip(NAMES, DEFAULT_J_PER_MOL, strict=True)):
        if np.max(np.abs(log[row])) < 1e-9:
            log[row] = energy / GAS_CONSTANT * (1.0 / reference - 1.0 / grid)
            assumed.append(f"{name} {energy / 1e3:g} kJ/mol")
    chi = np.log(read.chi / read.chi[-1])[:-1]
    energies = -GAS_CONSTANT * (log[:, -1] - log[:, 0]) / (1.0 / grid[-1] - 1.0 / grid[0])
    fine = np.arange(grid[0], grid[-1] + 0.5, 1.0)
    factors = np.array([np.interp(1.0 / fine[::-1], 1.0 / grid[::-1], row[::-1])[::-1] for row in (*log, chi)])
    nominal = cell.design.nominal
    scale = nominal[e.AREA] / cell.set_area_m2
    capacity = read.heat_capacity_j_per_k * scale
    if not np.isfinite(capacity):
        stack = nominal[e.THICKNESS] + nominal[e.ELECTRODE + e.THICKNESS] + nominal[e.SEP_THICKNESS]
        capacity = DEFAULT_VOLUMETRIC * stack * nominal[e.AREA]
        assumed.append(f"heat capacity {capacity:.3g} J/K")
    if np.max(np.abs(read.dudt)) < 1e-12:
        assumed.append("no entropic heat")
    thermal = k.ThermalDesign(
        reference_k=reference,
        grid_first_k=float(fine[0]),
        grid_step_k=1.0,
        log_factor=np.ascontiguousarray(factors),
        dudt_n=np.ascontiguousarray(read.dudt[0]),
        dudt_p=np.ascontiguousarray(read.dudt[1]),
        has_entropy=bool(np.max(np.abs(read.dudt)) > 1e-12),
        heat_capacity_j_per_k=float(capacity),
    )
    return CellHeat(thermal, read.cooling_w_per_k * scale, energies, tuple(assumed))

"""From plain parameters to the kernel's `Design`: tables, lithium inventory, shell geometry, area scaling."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from packsim.cell.electrodes import kernels as k
from packsim.cell.electrodes.ocp import ocp_table
from packsim.cell.electrodes.ripple import calm_stretches
from packsim.cell.electrodes.shells import SHELL_COUNT, shell_tables
from packsim.cell.electrolyte.closure import closure_table
from packsim.cell.electrolyte.inertia import inertia
from packsim.cell.from_pybamm import CONCENTRATION_GRID, CellParameters, ElectrodeParameters
from packsim.cell.heat.laws import GAS_CONSTANT, build_heat
from packsim.cell.table.tables import no_tables
from packsim.cell.traits import trait_values

Array = npt.NDArray[np.float64]


def lithium_inventory(p: CellParameters) -> tuple[float, float, float]:
    """Q_p, Q_n, Q_Li [C] of the nominal cell from the set's own initial concentrations."""

    def charge(e: ElectrodeParameters, concentration: float) -> float:
        return k.FARADAY * p.area_m2 * e.thickness_m * e.active_fraction * concentration

    lithium = charge(p.positive, p.positive.c_init) + charge(p.negative, p.negative.c_init)
    return charge(p.positive, p.positive.c_max), charge(p.negative, p.negative.c_max), lithium


def _inertia(p: CellParameters) -> float:
    n, q, porosity, length = p.negative, p.positive, p.separator_porosity, p.separator_thickness_m
    return inertia(
        (n.porosity * n.thickness_m, porosity * length, q.porosity * q.thickness_m),
        (
            3.0 * n.porosity**n.bruggeman_electrolyte / n.thickness_m,
            porosity**p.separator_bruggeman / length,
            3.0 * q.porosity**q.bruggeman_electrolyte / q.thickness_m,
        ),
    )


def _nominal(p: CellParameters, lithium_made_ratio: float | None) -> Array:
    out = np.zeros(k.N_NOMINAL)
    for offset, e in ((0, p.negative), (k.ELECTRODE, p.positive)):
        out[offset + k.THICKNESS] = e.thickness_m
        out[offset + k.ACTIVE] = e.active_fraction
        out[offset + k.POROSITY] = e.porosity
        out[offset + k.RADIUS] = e.particle_radius_m
        out[offset + k.C_MAX] = e.c_max
        out[offset + k.EXCHANGE] = e.exchange_m
        out[offset + k.CONDUCT] = e.conductivity
    q_p, _, q_li = lithium_inventory(p)
    # lithium comes from the cathode; a set with more lithium than its cathode holds keeps the excess as an offset
    made = max(1.0, q_li / q_p) if lithium_made_ratio is None else lithium_made_ratio
    if made * q_p < q_li * (1 - 1e-12):
        raise ValueError(
            f"lithium_made_ratio {made:g} gives less lithium than {p.name} holds ({q_li / q_p:.4f} of Q_p)"
        )
    out[k.AREA] = p.area_m2
    out[k.R_CONTACT] = p.contact_resistance_ohm
    out[k.SEP_THICKNESS], out[k.SEP_POROSITY] = p.separator_thickness_m, p.separator_porosity
    out[k.TRANSFERENCE] = p.transference
    out[k.B_N], out[k.B_P] = p.negative.bruggeman_electrolyte, p.positive.bruggeman_electrolyte
    out[k.B_S] = p.separator_bruggeman
    out[k.BS_N], out[k.BS_P] = p.negative.bruggeman_electrode, p.positive.bruggeman_electrode
    out[k.Y_MADE], out[k.LOSS] = made, made * q_p - q_li
    out[k.X0_START] = out[k.X100_START] = np.nan  # until the nominal cell's window is known
    return out


def build_design(
    p: CellParameters,
    *,
    lithium_made_ratio: float | None = None,
    lower_cutoff_v: float | None = None,
    upper_cutoff_v: float | None = None,
) -> k.Design:
    """Kernel design of a parameter set; cut-offs default to the set's own.

    Raises:
        ValueError: the cut-offs are not in order, or `lithium_made_ratio` is below what the set holds.
    """
    low = p.lower_cutoff_v if lower_cutoff_v is None else lower_cutoff_v
    high = p.upper_cutoff_v if upper_cutoff_v is None else upper_cutoff_v
    if not low < high:
        raise ValueError(f"lower_cutoff_v {low:g} must be below upper_cutoff_v {high:g}")
    tables: list[Any] = [
        (e.diffusivity[:1], 0) if np.ptp(e.diffusivity) <= 1e-6 * e.diffusivity[0] else (e.diffusivity, n)
        for e, n in zip((p.negative, p.positive), SHELL_COUNT, strict=True)
    ]
    geometry, surface = np.zeros((2, k.MOST_SHELLS, 2)), np.zeros((2, 1 + 2 * k.FAST_POLES))
    for side, (_, shells) in enumerate(tables):
        if shells:
            geometry[side], surface[side] = shell_tables(shells)
    design = k.Design(
        is_table=False,
        ocp_n=ocp_table(p.negative.ocp_sto, p.negative.ocp_v, p.negative.ocp_slope, "negative"),
        ocp_p=ocp_table(p.positive.ocp_sto, p.positive.ocp_v, p.positive.ocp_slope, "positive"),
        thermal_v=GAS_CONSTANT * p.temperature_k / k.FARADAY,
        chi=p.chi,
        c_e_init=p.c_e_init,
        d_e=p.electrolyte_diffusivity,
        kappa=p.electrolyte_conductivity,
        per_c_e=1.0 / (CONCENTRATION_GRID[1] - CONCENTRATION_GRID[0]),
        closure=closure_table(p.electrolyte_diffusivity, CONCENTRATION_GRID[-1]),
        inertia=_inertia(p),
        shells_n=tables[0][1],
        shells_p=tables[1][1],
        d_n=np.ascontiguousarray(tables[0][0]),
        d_p=np.ascontiguousarray(tables[1][0]),
        shell_geometry=geometry,
        shell_surface=surface,
        tables=no_tables(),
        nominal=_nominal(p, lithium_made_ratio),
        lower_cutoff_v=float(low),
        upper_cutoff_v=float(high),
    )
    design = design._replace(calm_n=calm_stretches(design.ocp_n), calm_p=calm_stretches(design.ocp_p))
    window = np.full((5, 1), np.nan)
    k.electrode_balance(window, trait_values(), design, 0, 1)
    design.nominal[[k.X0_START, k.X100_START]] = window[:2, 0]
    heat = build_heat(
        p.heat, design, p.name, reference_k=p.temperature_k, nominal_ah=p.nominal_capacity_ah, window=window[:4, 0]
    )
    return design._replace(heat=heat)


def scaled_area(design: k.Design, factor: float) -> k.Design:
    """The same electrodes on `factor` times the area (capacity, lithium and contact conductance scale with it)."""
    nominal = design.nominal.copy()
    nominal[k.AREA] *= factor
    nominal[k.LOSS] *= factor
    nominal[k.R_CONTACT] /= factor
    return design._replace(nominal=nominal)

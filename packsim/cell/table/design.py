"""From a `TableCell` to the kernel's `Design`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from packsim.cell.electrodes import kernels as k
from packsim.cell.electrodes.ocp import cubic_rows, grid
from packsim.cell.table.table_cell import TableCell
from packsim.cell.table.tables import build_tables

if TYPE_CHECKING:
    from scipy.interpolate import PchipInterpolator

Array = npt.NDArray[np.float64]


def table_design(
    cell: TableCell,
    *,
    lower_cutoff_v: float | None = None,
    upper_cutoff_v: float | None = None,
    temperature_degc: float = 25.0,
) -> k.Design:
    """Kernel design of a table cell; the OCV becomes a shape-preserving cubic, straight beyond the table.

    Cut-offs default to the OCV at SOC 0 and 1. Others move 0 and 100 % SOC, as in the SPMe cell: to the table's SOC at
    which the OCV equals them; the capacity is then the charge in between. All of it at `temperature_degc`, which is
    where the cell stands until `set_temperature_table` moves it; a table without temperatures is the same everywhere.

    Raises:
        ValueError: cut-offs not in order or outside the table's OCV, temperature outside the table's.
    """
    from scipy.interpolate import PchipInterpolator

    known = np.asarray(cell.temperature_degc, float)
    if known.size > 1 and not known[0] <= temperature_degc <= known[-1]:
        raise ValueError(
            f"temperature_degc {temperature_degc:g} is outside the table's {known[0]:g}..{known[-1]:g} degC"
        )
    soc, ocv = np.asarray(cell.soc, float), cell.at(cell.ocv_v, temperature_degc)
    curve = PchipInterpolator(soc, ocv, extrapolate=False)
    ends = np.array([0.0, 1.0])
    for end, cutoff, name in ((0, lower_cutoff_v, "lower_cutoff_v"), (1, upper_cutoff_v, "upper_cutoff_v")):
        if cutoff is None:
            continue
        if not ocv[0] <= cutoff <= ocv[-1]:
            raise ValueError(f"{name} {cutoff:g} is outside the table's open-circuit voltage {ocv[0]:g}..{ocv[-1]:g} V")
        ends[end] = soc_at(curve, soc, cutoff)
    if not ends[0] < ends[1]:
        raise ValueError(f"lower_cutoff_v {lower_cutoff_v} must be below upper_cutoff_v {upper_cutoff_v}")
    span = ends[1] - ends[0]
    nodes = grid()
    at = ends[0] + span * nodes
    inside = np.clip(at, soc[0], soc[-1])
    slope = np.asarray(curve.derivative()(inside))
    value = np.asarray(curve(inside)) + slope * (at - inside)
    nominal = np.zeros(k.N_NOMINAL)
    nominal[k.AREA] = cell.capacity_ah * span * 3600.0  # a table cell's area is its charge
    none, no_closure = np.zeros(2), np.zeros((2, 2, 2))
    no_closure.setflags(write=False)  # as an SPMe cell's: one type, so that both share the compiled kernels
    return k.Design(
        is_table=True,
        ocp_n=np.zeros((2, 4)),
        ocp_p=cubic_rows(nodes, value, span * slope),
        thermal_v=0.0,
        chi=none,
        c_e_init=0.0,
        d_e=none,
        kappa=none,
        per_c_e=0.0,
        closure=no_closure,
        inertia=0.0,
        shells_n=0,
        shells_p=0,
        d_n=none,
        d_p=none,
        shell_geometry=np.zeros((2, k.MOST_SHELLS, 2)),
        shell_surface=np.zeros((2, 1 + 2 * k.FAST_POLES)),
        tables=build_tables(cell, float(ends[0]), float(ends[1]), temperature_degc),
        nominal=nominal,
        lower_cutoff_v=float(np.interp(0.0, nodes, value)) if lower_cutoff_v is None else float(lower_cutoff_v),
        upper_cutoff_v=float(np.interp(1.0, nodes, value)) if upper_cutoff_v is None else float(upper_cutoff_v),
    )


def soc_at(curve: PchipInterpolator, soc: Array, voltage: float) -> float:
    """The SOC within the table at which its OCV is `voltage` (bisection: the curve never falls)."""
    low, high = float(soc[0]), float(soc[-1])
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if curve(middle) < voltage else (low, middle)
    return high

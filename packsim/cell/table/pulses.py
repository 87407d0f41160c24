"""A table cell from simulated pulse tests of an SPMe cell, which equals PyBaMM's (docs/accuracy.md)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from packsim.cell.table.fit import fit_record
from packsim.cell.table.table_cell import TableCell

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pybamm

    from packsim.cell.cell import Cell

Array = npt.NDArray[np.float64]

OCV_POINTS = 201


def from_pulses(
    source: str | Path | pybamm.ParameterValues,
    soc: Sequence[float],
    *,
    temperature_degc: Sequence[float] = (25.0,),
    c_rate: float = 1.0,
    pulse_s: float = 180.0,
    rest_s: float = 900.0,
    **cell: Any,
) -> TableCell:
    """R0 and two RC pairs at each SOC and temperature from a discharge pulse and the rest after it.

    Args:
        source, cell: as `ps.Cell` takes them (cut-offs, capacity_ah).
        soc: increasing, within 0..1; what a pulse needs is drawn from there, so the lowest must leave room for it.
        temperature_degc: increasing; SOC is between the cut-offs at each.
        c_rate, pulse_s, rest_s: the test; the pairs describe times up to a few pulses.

    Returns:
        A table of 201 SOCs: OCV exactly, resistances and time constants straight between the pulses and held outside.

    Raises:
        ValueError: as `ps.Cell`; `soc` not increasing within 0..1, or without room for a pulse.
    """
    from packsim.cell.cell import Cell

    points, grid = np.asarray(soc, float), np.linspace(0.0, 1.0, OCV_POINTS)
    if points.ndim != 1 or not points.size or np.any(np.diff(points) <= 0.0) or points[-1] > 1.0:
        raise ValueError("soc must be increasing within 0..1")
    if points[0] < c_rate * pulse_s / 3600.0:
        raise ValueError(f"the pulse draws {c_rate * pulse_s / 3600.0:.3g} of SOC; the lowest soc is {points[0]:g}")
    made = [Cell(source, temperature_degc=t, **cell) for t in temperature_degc]
    ocv = np.array([[one.open_circuit_v(z) for z in grid] for one in made])
    found = np.empty((5, len(made), points.size))
    for t, one in enumerate(made):
        bare = TableCell(float(one.balance.capacity_ah), grid, ocv[t], 1.0)
        for k, z in enumerate(points):
            found[:, t, k] = _pulse(one, bare, float(z), c_rate, pulse_s, rest_s)
    r0, r1, tau1, r2, tau2 = (np.array([np.interp(grid, points, row) for row in table]) for table in found)
    capacity = float(made[len(made) // 2].balance.capacity_ah)
    return TableCell(capacity, grid, ocv, r0, (r1, r2), (tau1, tau2), temperature_degc=tuple(temperature_degc))


def _pulse(cell: Cell, bare: TableCell, soc: float, c_rate: float, pulse_s: float, rest_s: float) -> Array:
    """R0, R1, tau1, R2, tau2 [mOhm, s] of one pulse; R0 is the drop at its first instant."""
    current = c_rate * cell.nominal_capacity_ah
    curve = cell.profile(
        [(0.0, 0.0), (current, pulse_s), (0.0, rest_s)], dt_s=min(pulse_s, rest_s) / 60.0, initial_soc=soc
    )
    r0 = 1e3 * float(curve.voltage_v[0] - curve.voltage_v[1]) / current
    known = replace(bare, resistance_mohm=r0)
    fit = fit_record(known, curve.time_s, curve.current_a, curve.voltage_v, initial_soc=soc, fit_resistance=False)
    return np.array([r0, 1e3 * fit.size[0], fit.time_s[0], 1e3 * fit.size[1], fit.time_s[1]])

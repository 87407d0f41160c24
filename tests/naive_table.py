"""A plain twin of the table cell: one cell, one number at a time, written from docs/table-cell.md."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.interpolate import PchipInterpolator

if TYPE_CHECKING:
    from packsim.cell.table.table_cell import TableCell


class NaiveTable:
    """A table cell at one temperature that the table has, from rest."""

    def __init__(self, cell: TableCell, temperature: int, soc: float) -> None:
        self.cell, self.row, self.z = cell, temperature, soc
        self.i = [0.0] * len(cell.rc_s)
        self.h = 0.0
        self.curve = PchipInterpolator(cell.soc, cell.over(cell.ocv_v)[temperature])

    def value(self, table: object, z: float) -> float:
        return float(np.interp(z, self.cell.soc, self.cell.over(table)[self.row]))

    def ocv(self, z: float) -> float:
        inside = min(max(z, self.cell.soc[0]), self.cell.soc[-1])
        return float(self.curve(inside) + self.curve.derivative()(inside) * (z - inside))

    def step(self, current: float, dt: float) -> float:
        """Advance and return the voltage at the end."""
        for k, tau in enumerate(self.cell.rc_s):
            e = math.exp(-dt / self.value(tau, self.z))
            self.i[k] = self.i[k] * e + current * (1.0 - e)
        moved = current * dt / (3600.0 * self.cell.capacity_ah)
        self.z -= moved
        e = math.exp(-self.cell.hysteresis_rate * abs(moved))
        sign = (current > 0.0) - (current < 0.0)
        self.h = self.h * e - sign * (1.0 - e)
        r0 = self.cell.resistance_mohm
        if current < 0.0 and self.cell.resistance_charge_mohm is not None:
            r0 = self.cell.resistance_charge_mohm
        v = self.ocv(self.z) + 1e-3 * self.value(self.cell.hysteresis_mv, self.z) * self.h
        v -= 1e-3 * self.value(r0, self.z) * current
        for k, resistance in enumerate(self.cell.rc_mohm):
            v -= 1e-3 * self.value(resistance, self.z) * self.i[k]
        return v

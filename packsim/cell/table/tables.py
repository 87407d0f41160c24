"""The circuit of a table cell as the kernels read it: even SOC grids, temperatures, activation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from packsim.cell.electrodes.kernels import Tables

if TYPE_CHECKING:
    from packsim.cell.table.table_cell import TableCell

Array = npt.NDArray[np.float64]

POINTS = 257  # of the SOC grids
KELVIN = 273.15


def no_tables() -> Tables:
    """What a cell that is no table cell carries."""
    return Tables(
        r0=np.zeros((1, 1, 2)),
        rc_ohm=np.zeros((2, 1, 2)),
        rc_s=np.ones((2, 1, 1)),
        hysteresis_v=np.zeros(0),
        hysteresis_rate=0.0,
        ocv_per_k=np.zeros(0),
        temperature_k=np.zeros(1),
        activation_k=np.zeros((5, 1)),
        reference_k=0.0,
    )


def build_tables(cell: TableCell, low: float, high: float, temperature_degc: float) -> Tables:
    """Kernel tables of the window `low`..`high` of the table's SOC, whose OCV is read at `temperature_degc`."""
    at = np.linspace(low, high, POINTS)
    soc = np.asarray(cell.soc, float)

    def even(rows: Array) -> Array:
        return np.array([np.interp(at, soc, row) for row in rows])

    discharge = cell.over(cell.resistance_mohm)
    charge = discharge if cell.resistance_charge_mohm is None else cell.over(cell.resistance_charge_mohm)
    r0 = 1e-3 * np.stack([even(discharge), even(charge)])
    rc_ohm, rc_s = np.zeros((2, *r0.shape[1:])), np.ones((2, *r0.shape[1:]))
    for pair, (resistance, time) in enumerate(zip(cell.rc_mohm, cell.rc_s, strict=True)):
        rc_ohm[pair], rc_s[pair] = 1e-3 * even(cell.over(resistance)), even(cell.over(time))
    kelvin = np.asarray(cell.temperature_degc, float) + KELVIN
    temperature_k = kelvin if kelvin.size else np.full(1, temperature_degc + KELVIN)
    hysteresis = 1e-3 * even(cell.at(cell.hysteresis_mv, temperature_degc)[None])[0]
    ocv = cell.over(cell.ocv_v)
    full = temperature_k.size > 1 or cell.resistance_charge_mohm is not None or bool(np.any(hysteresis > 0.0))
    return Tables(
        r0=r0[:1] if cell.resistance_charge_mohm is None else r0,
        rc_ohm=rc_ohm if full or not _flat(rc_ohm) else np.ascontiguousarray(rc_ohm[:, :1, :2]),
        rc_s=np.ascontiguousarray(rc_s[:, :1, :1]) if _flat(rc_s) else rc_s,
        hysteresis_v=hysteresis if np.any(hysteresis > 0.0) else np.zeros(0),
        hysteresis_rate=float(cell.hysteresis_rate),
        ocv_per_k=np.polyfit(temperature_k, even(ocv), 1)[0] if np.any(np.ptp(ocv, axis=0)) else np.zeros(0),
        temperature_k=temperature_k,
        activation_k=np.array(
            [_activation(rows, temperature_k) for rows in (r0, rc_ohm[:1], rc_s[:1], rc_ohm[1:], rc_s[1:])]
        ),
        reference_k=temperature_degc + KELVIN,
    )


def _flat(table: Array) -> bool:
    return bool(np.all(table == table[:, :1, :1]))


def _activation(table: Array, temperature_k: Array) -> Array:
    """E [t] with which a quantity [.., t, m] moves as exp(E/T) to the next temperature: the mean over SOC; 0 if none."""
    out = np.zeros(temperature_k.size)
    for t in range(temperature_k.size - 1):
        here, there = table[:, t], table[:, t + 1]
        both = (here > 0.0) & (there > 0.0)
        if np.any(both):
            out[t] = np.mean(np.log(there[both] / here[both])) / (1 / temperature_k[t + 1] - 1 / temperature_k[t])
    return out

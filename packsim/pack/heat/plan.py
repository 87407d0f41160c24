"""From the scenario's heat to the thermal network that the kernels see."""

from __future__ import annotations

import numpy as np

from packsim.pack.heat.kernels import N_SCRATCH, Thermal
from packsim.scenario.heat import HeatModel

KELVIN = 273.15

__all__ = ["N_SCRATCH", "Thermal", "plan"]


def plan(model: HeatModel, cells: int) -> Thermal:
    """Thermal network of a pack of `cells` cells in their order (group by group, parallel cells beside each other).

    Rows hold `cells_per_row` cells; the last may be shorter. Coolant passes row after row (`serpentine`: every second
    row backwards, one stream) or each row with a stream of its own (`parallel`); `inlet: last` turns all of it round.
    """
    width = min(model.cells_per_row or cells, cells)
    coolant = model.coolant
    serpentine = coolant is not None and coolant.path == "serpentine"
    rows = [np.arange(first, min(first + width, cells)) for first in range(0, cells, width)]
    order = np.concatenate([row[::-1] if serpentine and number % 2 else row for number, row in enumerate(rows)])
    row_of_place = np.repeat(np.arange(len(rows)), [row.size for row in rows])
    if coolant is not None and coolant.inlet == "last":
        order, row_of_place = order[::-1], row_of_place[::-1]
    stream = np.zeros(cells, dtype=np.int64)
    if coolant is not None and coolant.path == "parallel":
        stream[1:] = np.cumsum(row_of_place[1:] != row_of_place[:-1])
    along = np.zeros(cells)
    along[:-1] = np.where(row_of_place[1:] == row_of_place[:-1], model.neighbour_w_per_k, 0.0)
    ambient = np.full(cells, model.ambient_w_per_k)
    ambient[[0, -1]] += model.end_ambient_w_per_k if cells > 1 else 2.0 * model.end_ambient_w_per_k
    points = coolant.inlet_profile if coolant is not None else []
    inlet_degc = coolant.inlet_degc if coolant is not None else model.ambient_degc
    return Thermal(
        order=np.ascontiguousarray(order, dtype=np.int64),
        stream=stream,
        along=along,
        across=float(model.across_w_per_k),
        cells_per_row=int(width),
        ambient_w_per_k=ambient,
        contact_w_per_k=float(coolant.contact_w_per_k) if coolant is not None else 0.0,
        flow_w_per_k=float(coolant.flow_w_per_k) if coolant is not None else 0.0,
        streams=int(stream[-1]) + 1,
        inlet_s=np.array([point.time_s for point in points] or [0.0]),
        inlet_k=np.array([point.degc for point in points] or [inlet_degc]) + KELVIN,
        ambient_k=model.ambient_degc + KELVIN,
        start_k=model.start_degc + KELVIN,
        capacity_j_per_k=np.nan if model.heat_capacity_j_per_k is None else float(model.heat_capacity_j_per_k),
    )

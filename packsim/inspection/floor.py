"""The test floor: channels, meters and places for resting cells that a flow of cells needs (Little's law).

In a steady flow the cells that are somewhere number throughput x time spent there (Little 1961, doi
10.1287/opre.9.3.383), whatever the scatter of arrivals and times. A channel that may be busy only part of its time serves
accordingly fewer.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from packsim.inspection.measured import Measured
from packsim.inspection.plan import InspectionPlan
from packsim.scenario.inspection import Floor

HOURS_PER_DAY = 24.0


class FloorNeeds(NamedTuple):
    """What a flow of cells occupies."""

    channel_h: float  # hours of a charge-discharge channel for each cell, retests included
    channels: int
    readings: float  # of an open-circuit voltage for each cell, retests included
    voltmeters: int
    waiting_days: float  # from the end of charging to the second reading
    resting_cells: float  # work in progress between charge and second reading: places on racks, money in stock


def cells_in_progress(cells_per_day: float, days: float) -> float:
    """Little's law: cells that are on average in a step which each spends `days` in."""
    return cells_per_day * days


def servers_needed(cells_per_day: float, hours_per_cell: float, utilisation_pct: float) -> int:
    """Channels (or meters) for a flow of cells, each kept `hours_per_cell`, busy at most `utilisation_pct` of the time."""
    busy = cells_in_progress(cells_per_day, hours_per_cell / HOURS_PER_DAY)
    return math.ceil(busy / (utilisation_pct / 100.0) - 1e-9)


def floor_needs(
    plan: InspectionPlan, floor: Floor, first_reading_h: float = 0.0, measured: Measured | None = None
) -> FloorNeeds:
    """Channels and stock for a scenario's flow; retests count as in `measured`, or not at all without it.

    A repeated capacity test is preceded by a charge; a repeated pulse or reading of the voltmeter takes its own time.
    """
    capacity, dcir, ocv, k_value = 1.0, 1.0, 1.0, 1.0
    if measured is not None:
        tests = (measured.capacity_tests, measured.dcir_tests, measured.ocv_tests, measured.k_tests)
        capacity, dcir, ocv, k_value = (float(np.mean(count)) for count in tests)
    discharge_h = plan.nominal_capacity_ah / plan.bench.test_a
    channel_h = floor.handling_h + capacity * (floor.charge_h + discharge_h) + dcir * plan.bench.pulse_s / 3600.0
    readings = 2.0 + (ocv - 1.0) + (k_value - 1.0)  # the second reading serves both OCV and K-value
    reading_h = readings * floor.reading_s / 3600.0
    waiting = plan.rest_days + first_reading_h / HOURS_PER_DAY
    return FloorNeeds(
        channel_h=channel_h,
        channels=servers_needed(floor.cells_per_day, channel_h, floor.utilisation_pct),
        readings=readings,
        voltmeters=servers_needed(floor.cells_per_day, reading_h, floor.utilisation_pct),
        waiting_days=waiting,
        resting_cells=cells_in_progress(floor.cells_per_day, waiting),
    )

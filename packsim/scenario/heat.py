"""Heat of a pack: where its cells touch each other, coolant and ambient."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, model_validator

from packsim.scenario.base import Count, Model, NotNegative, Positive, require

DegC = Annotated[float, Field(ge=-60.0, le=150.0)]


class InletPoint(Model):
    """One point of the coolant's inlet temperature over time."""

    time_s: NotNegative
    """Time since the start."""
    degc: DegC
    """Inlet temperature then; straight between points, held after the last."""


class Coolant(Model):
    """A coolant that passes the cells one after another and warms up on its way."""

    contact_w_per_k: NotNegative = 0.5
    """Thermal conductance from each cell to the coolant [assumed]."""
    flow_w_per_k: Positive = 50.0
    """Mass flow times specific heat of each stream: 50 W/K is 0.9 l/min of water-glycol at 3.3 kJ/(kg K) [assumed]."""
    inlet_degc: DegC = 25.0
    """Inlet temperature."""
    inlet_profile: list[InletPoint] = Field(default_factory=list)
    """Inlet temperature over time, instead of `inlet_degc`."""
    inlet: Literal["first", "last"] = "first"
    """The cell at which the coolant enters: the first or the last of the pack."""
    path: Literal["serpentine", "parallel"] = "serpentine"
    """serpentine: one stream, row after row, every second row backwards; parallel: a stream of its own for each row."""

    @model_validator(mode="after")
    def _increases(self) -> Coolant:
        times = [point.time_s for point in self.inlet_profile]
        rising = all(a < b for a, b in pairwise(times))
        require(self, (rising, "inlet_profile", "points whose time_s increases"))
        return self


class HeatModel(Model):
    """One temperature a cell; conduction to neighbours, ambient and a coolant."""

    start_degc: DegC = 25.0
    """Temperature of every cell at the start."""
    ambient_degc: DegC = 25.0
    """Temperature of the surroundings."""
    ambient_w_per_k: NotNegative = 0.05
    """Thermal conductance from each cell to the surroundings: 5 W/(m2 K) on 100 cm2 [assumed]."""
    end_ambient_w_per_k: NotNegative = 0.0
    """Additional conductance of the first and of the last cell."""
    neighbour_w_per_k: NotNegative = 0.1
    """Thermal conductance between neighbouring cells of a row [assumed: cylindrical cells in potting]."""
    across_w_per_k: NotNegative = 0.0
    """Thermal conductance between cells that stand beside each other in neighbouring rows."""
    cells_per_row: Count | None = None
    """Cells in a row, in the pack's order (parallel cells beside each other); default: all in one row."""
    heat_capacity_j_per_k: Positive | None = None
    """Heat capacity of a nominal cell; default: the parameter set's, else 16.5 J/K per A.h [assumed]."""
    coolant: Coolant | None = None
    """Without: no coolant."""

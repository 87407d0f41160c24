"""Heat in the pack of a scenario: how cells are cooled."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from packsim.scenario.base import Model, NotNegative, Positive

Degc = Annotated[float, Field(ge=-40.0, le=90.0)]


class Heat(Model):
    """Every cell is one temperature, tied to its neighbours, to a coolant that passes all cells, and to the ambient."""

    ambient_degc: Degc = 25.0
    """Temperature around the pack."""
    start_degc: Degc | None = None
    """Temperature of the cells at the start. Default: the ambient's."""
    cell_to_ambient_w_per_k: NotNegative = 0.0
    """From each cell to the ambient."""
    cell_to_next_w_per_k: NotNegative = 0.0
    """Between neighbouring cells of a module."""
    cell_to_coolant_w_per_k: NotNegative = 0.0
    """From each cell to the coolant beside it."""
    coolant_flow_w_per_k: NotNegative = 0.0
    """Heat that the coolant carries away for each kelvin it warms: mass flow times specific heat."""
    coolant_inlet_degc: Degc = 25.0
    """Temperature of the coolant where it enters."""
    coolant_enters: Literal["first_cell", "last_cell"] = "first_cell"
    """Which end of the pack the coolant reaches first."""
    cell_heat_capacity_j_per_k: Positive | None = None
    """Of the nominal cell. Default: the parameter set's, or 2.1 MJ/(m3 K) of its layers (assumed)."""

"""Faults put into packs on purpose, and from where on the verdict calls something a fault."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from packsim.scenario.base import Model, NotNegative, Positive, require

WITH_RESISTANCE = ("high_joint", "soft_short")


class InjectedFault(Model):
    """One fault at a time and place."""

    kind: Literal["open_weld", "high_joint", "soft_short", "stuck_sensor", "dead_sensor", "coolant_loss"]
    """open_weld, high_joint, soft_short: at a cell; stuck_sensor, dead_sensor: at a sensor; coolant_loss: of the pack."""
    time_s: NotNegative = 0.0
    """Since the pack was first used."""
    place: Annotated[int, Field(ge=0)] = 0
    """Number of the cell, or of the sensor, from 0 in the order of the pack's description."""
    pack: Annotated[int, Field(ge=0)] | None = None
    """Number of the pack; default: every pack."""
    resistance_mohm: NotNegative = 0.0
    """high_joint: added in series; soft_short: across the cell."""

    @model_validator(mode="after")
    def _resistance(self) -> InjectedFault:
        wanted = self.kind in WITH_RESISTANCE
        allowed = f"above 0 for {self.kind}" if wanted else f"0 for {self.kind}"
        require(self, ((self.resistance_mohm > 0.0) == wanted, "resistance_mohm", allowed))
        return self


class FaultLimits(Model):
    """From where on the verdict speaks of a fault; all assumed."""

    joint_excess_mohm: Positive = 1.0
    """Resistance of a cell's weld and joint above nominal."""
    short_c_rate: Positive = 0.002
    """Leakage inside a cell, in parts of its rated current (0.002: empty after three weeks)."""
    sensor_error_mv: Positive = 50.0
    """Error of a voltage reading."""
    coolant_rise_k: Positive = 2.0
    """Hottest cell above the coolant's inlet while the coolant takes no heat."""

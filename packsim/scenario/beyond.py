"""Beyond the limits: what over-discharge and over-charge do to a cell. All of it is postulated; see docs/beyond.md."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from packsim.scenario.base import Model, NotNegative, Percent, Positive, Share, require


class BeyondModel(Model):
    """Damage by over-discharge. Potentials are those of the anode's surface against lithium."""

    copper_potential_v: Annotated[float, Field(ge=2.5, le=5.5)] = 3.5
    """Copper dissolves here (3.4-3.6 V recalled, not verified; 4.8 V until it starts in Fear 2018)."""
    short_conductance_msiemens_per_ah: NotNegative = 36.0
    """Soft short per ampere-hour of copper deposited; assumed (0.5 A.h: 56 Ohm)."""
    cathode_deposit_share: Share = 0.1
    """Part of the dissolving copper that deposits away from the anode at once, during the reversal; assumed."""
    sei_breakdown_v: Annotated[float, Field(ge=1.5, le=5.5)] = 3.0
    """SEI breaks above this potential; assumed."""
    sei_breakdown_h: Positive = 1.0
    """Time in which 63 % of the SEI breaks; assumed."""
    sei_lithium_pct: Percent = 8.0
    """Lithium held in the SEI, of the anode's capacity: what all of it costs when it forms again; assumed."""
    sei_forming_v: Annotated[float, Field(gt=0.0, le=1.5)] = 1.0
    """On the following charge SEI forms again below this potential; assumed."""
    sei_forming_share: Share = 0.1
    """Part of the charging current that goes into it; assumed (first-cycle efficiency of graphite, about 90 %)."""

    @model_validator(mode="after")
    def _in_order(self) -> BeyondModel:
        copper = self.copper_potential_v
        require(
            self, (self.sei_breakdown_v <= copper, "sei_breakdown_v", f"not above copper_potential_v, {copper:g} V")
        )
        return self

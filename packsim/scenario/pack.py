"""The pack of a scenario, its battery management system and its duty."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from packsim.scenario.base import Model, NotNegative, Percent, require
from packsim.scenario.bms import Monitoring


class Charge(Model):
    """Constant-current, then constant-voltage charge of the whole pack."""

    c_rate: Annotated[float, Field(gt=0.0, le=5.0)] = 0.5
    """Charge current, of the rated pack."""
    cutoff_c_rate: Annotated[float, Field(gt=0.0, le=5.0)] = 0.05
    """Current at which the constant-voltage phase ends."""
    rest_s: Annotated[float, Field(ge=0.0, le=86_400.0)] = 1800.0
    """Rest between charge and discharge."""

    @model_validator(mode="after")
    def _falls(self) -> Charge:
        require(
            self, (self.cutoff_c_rate < self.c_rate, "cutoff_c_rate", f"a number > 0 and below c_rate {self.c_rate}")
        )
        return self


class Discharge(Model):
    """Constant-current discharge of the whole pack."""

    c_rate: Annotated[float, Field(gt=0.0, le=5.0)] = 1.0
    """Discharge current, of the rated pack."""


class PackModel(Model):
    """`series` parallel groups of `parallel` cells; busbars are ideal, every cell keeps its own weld."""

    series: Annotated[int, Field(ge=1, le=1000)]
    """Parallel groups in series."""
    parallel: Annotated[int, Field(ge=1, le=500)]
    """Cells in parallel in each group."""
    bms: Monitoring = Field(default_factory=Monitoring)
    charge: Charge = Field(default_factory=Charge)
    discharge: Discharge = Field(default_factory=Discharge)
    top_balanced: bool = False
    """Start with every cell full instead of charging the pack from shipping SOC."""
    longest_step_s: Annotated[float, Field(gt=0.0, le=600.0)] = 30.0
    """Longest time step; steps are shorter where the voltage changes fast."""


class VerdictModel(Model):
    """When a pack is called bad."""

    usable_capacity_min_pct: Percent = 95.0
    """A pack that gives less is short at delivery, in percent of a pack of nominal cells."""
    under_charge_max_pct: Percent = 5.0
    """Largest shortfall of charge of a group, against the fullest group, before the pack counts as under-charged."""
    over_charge_margin_v: NotNegative = 0.02
    """A group charged this far above the upper cut-off is over-charged."""
    over_discharge_margin_v: NotNegative = 0.2
    """A group this far below the lower cut-off for over `over_discharge_time_s` is over-discharged."""
    over_discharge_time_s: NotNegative = 1.0
    """Shortest time below the margin that counts."""

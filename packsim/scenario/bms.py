"""The battery management system of a scenario: what it measures, when it acts, how it balances."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from packsim.scenario.base import Model, NotNegative, Positive, require

When = Literal["charge", "rest", "discharge"]


def _as_tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


class Balancing(Model):
    """Passive balancing: a resistor across each group that stands too high."""

    bleed_ma: Positive
    """Current of a group's bleed resistor."""
    start_mv: NotNegative = 8.0
    """A group that reads this far above the lowest one begins to bleed."""
    stop_mv: NotNegative = 3.0
    """It bleeds until it reads this far above the lowest one."""
    above_v: NotNegative = 0.0
    """Only groups that read above this bleed (top balancing: just below the upper cut-off)."""
    during: Annotated[tuple[When, ...], BeforeValidator(_as_tuple, json_schema_input_type=list[When])] = (
        "charge",
        "rest",
    )
    """When bleeding is allowed."""

    @model_validator(mode="after")
    def _stops(self) -> Balancing:
        require(self, (self.stop_mv <= self.start_mv, "stop_mv", f"a number from 0 to start_mv {self.start_mv}"))
        return self


class Derating(Model):
    """The current allowed falls on the way to a limit, instead of stopping there at once."""

    voltage_mv: NotNegative = 0.0
    """Distance from a voltage limit over which it falls; 0: not by voltage."""
    temperature_k: NotNegative = 0.0
    """Distance from the highest temperature over which it falls; 0: not by temperature."""
    floor_pct: Annotated[float, Field(ge=0.0, le=100.0)] = 5.0
    """It falls no further."""


class Bms(Model):
    """What the battery management system of a pack sees, and what it does about it."""

    monitoring: Literal["every_group", "every_module", "pack_only"] = "every_group"
    """every_group: charge and discharge stop at the first parallel group that reaches its limit; every_module, pack_only: at the mean of a module or of the pack."""  # noqa: E501
    sensor_offset_sd_mv: NotNegative = 0.0
    """Standard deviation of the constant offset of each voltage sensor."""
    sensor_noise_mv: NotNegative = 0.0
    """Standard deviation of the noise of each reading; needs a sampling period."""
    sensor_resolution_mv: NotNegative = 0.0
    """Step of the converter; needs a sampling period."""
    sampling_s: NotNegative = 0.0
    """Time between readings; 0: watches all the time."""
    temperature_offset_sd_k: NotNegative = 0.0
    """Standard deviation of the constant offset of the temperature reading."""
    temperature_noise_k: NotNegative = 0.0
    """Standard deviation of the noise of a temperature reading; needs a sampling period."""
    voltage_delay_s: NotNegative = 0.0
    """How long a voltage limit must be passed before it counts; needs a sampling period."""
    over_temperature_degc: Annotated[float, Field(ge=-30.0, le=200.0)] | None = None
    """The hottest cell may reach this; then the contactors open. Default: not watched."""
    over_temperature_delay_s: NotNegative = 0.0
    """How long the temperature must be passed."""
    charge_limit_c_rate: Positive | None = None
    """Charge above this opens the contactors. Default: not watched."""
    discharge_limit_c_rate: Positive | None = None
    """Discharge above this opens the contactors. Default: not watched."""
    over_current_delay_s: NotNegative = 0.0
    """How long the current must be passed."""
    current_offset_a: float = 0.0
    """Offset of the current sensor: what the state-of-charge estimate counts too much."""
    rest_for_ocv_h: Positive | None = None
    """Rest after which the estimate is read off the open-circuit voltage. Default: never."""
    balancing: Balancing | None = None
    derating: Derating | None = None

    @property
    def plain(self) -> bool:
        """Whether it only watches every group, or the pack, all the time."""
        others = self.model_copy(update={"monitoring": "every_group", "sensor_offset_sd_mv": 0.0})
        return self.monitoring != "every_module" and others == Bms()

    @model_validator(mode="after")
    def _sampled(self) -> Bms:
        needs = "0, or a sampling_s above 0"
        sampled = self.sampling_s > 0.0
        names = (
            "sensor_noise_mv",
            "sensor_resolution_mv",
            "temperature_noise_k",
            "voltage_delay_s",
            "over_temperature_delay_s",
            "over_current_delay_s",
        )
        require(self, *[(sampled or getattr(self, name) == 0.0, name, needs) for name in names])
        return self

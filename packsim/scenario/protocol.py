"""What a pack is put through: a list of steps, each as text, as keys, or as a drive cycle from a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from packsim.scenario import protocol_text as text
from packsim.scenario.base import Model, broken, refuse, require

CONTROLS = (
    "current_a",
    "current_per_cell_a",
    "c_rate",
    "power_w",
    "power_per_cell_w",
    "voltage_v",
    "pack_voltage_v",
    "rest",
    "profile",
)
OF_PROFILE = ("kind", "column", "unit", "of", "scale", "interpolation")
UNITS = ("A", "mA", "C", "W", "kW")
"""Units of the values of a drive cycle."""


def _ends(value: object) -> object:
    return [value] if isinstance(value, str) else list(value) if isinstance(value, tuple) else value


def listed(value: object) -> object:
    """A tuple as a list."""
    return list(value) if isinstance(value, tuple) else value


class SimpleStep(Model):
    """One step of a protocol: one thing that is held, and when it ends. Discharge is positive."""

    current_a: float | None = None
    """Current of the pack."""
    current_per_cell_a: float | None = None
    """Current of the pack, divided by the cells in parallel."""
    c_rate: Annotated[float, Field(ge=-100.0, le=100.0)] | None = None
    """Current of the pack, of the rated pack: rated capacity of a cell x cells in parallel, in one hour."""
    power_w: float | None = None
    """Power of the pack at its terminals."""
    power_per_cell_w: float | None = None
    """Power of the pack, divided by its number of cells."""
    voltage_v: float | None = None
    """Voltage to hold: pack voltage divided by the groups in series."""
    pack_voltage_v: float | None = None
    """Voltage to hold, of the pack."""
    rest: Literal[True] | None = None
    """No current."""
    profile: Annotated[str, Field(min_length=1)] | None = None
    """CSV file of a drive cycle: column time_s, and one of current or power."""
    kind: Literal["current", "power"] | None = None
    """Which column of the drive cycle is followed, if it has both."""
    column: Annotated[str, Field(min_length=1)] | None = None
    """Column of the drive cycle, if there are several or its name does not say the unit."""
    unit: Literal["A", "mA", "C", "W", "kW"] | None = None
    """Unit of that column; else its name ends in it (power_kw). C: of the rated pack."""
    of: Literal["pack", "cell"] | None = None
    """Whether the drive cycle's values are those of the pack (default) or of each cell."""
    scale: float | None = None
    """Factor on the drive cycle's values (default 1); negative where the file counts charge as positive."""
    interpolation: Literal["linear", "hold"] | None = None
    """Between the points of a drive cycle: straight lines (default), or each value until the next point."""
    repeat: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    """How often the drive cycle (or cycle of steps) runs."""
    for_s: Annotated[float, Field(gt=0.0, le=1e10)] | None = None
    """Longest duration of the step."""
    until: Annotated[list[str], BeforeValidator(_ends, json_schema_input_type=list[str] | str)] = Field(
        default_factory=list
    )
    """Ends, the first of which counts: `3.0 V`, `350 V pack`, `any group 4.2 V`, `C/50`, `2 Ah`, `80 % SOC`, `45 degC`."""

    @property
    def controls(self) -> list[str]:
        """Names of the given keys that say what is held."""
        return [name for name in CONTROLS if getattr(self, name) is not None]

    @property
    def direction(self) -> int:
        """Whether the step charges or discharges, where that is known before it runs."""
        held = [getattr(self, key) for key in CONTROLS[:5] if getattr(self, key) is not None]
        value = held[0] if held else 0.0
        return text.DISCHARGING if value > 0.0 else text.CHARGING if value < 0.0 else text.EITHER

    @property
    def ends(self) -> list[text.End]:
        """The ends in numbers."""
        return [text.end(words, self.direction) for words in self.until]

    @model_validator(mode="after")
    def _whole(self) -> SimpleStep:
        self._check_control()
        self._check_ends()
        return self

    def _check_control(self) -> None:
        found = self.controls
        if len(found) != 1:
            allowed = f"exactly one of {', '.join(CONTROLS)}"
            refuse("step", [broken((), found, allowed, f"{' and '.join(found) or 'none'} in one step")])
        require(
            self,
            *((found == ["profile"] or getattr(self, key) is None, key, "only beside profile") for key in OF_PROFILE),
            (found == ["profile"] or self.repeat == 1, "repeat", "only beside profile or cycle"),
            (self.scale is None or self.scale != 0.0, "scale", "a number other than 0"),
            *((getattr(self, key) is None or getattr(self, key) > 0.0, key, "a number > 0") for key in CONTROLS[5:7]),
        )

    def _check_ends(self) -> None:
        faults = []
        for place, words in enumerate(self.until):
            try:
                text.end(words, self.direction)
            except text.TextError as error:
                faults.append(broken(("until", str(place)), words, error.allowed))
        refuse("until", faults)
        ends = self.for_s is not None or self.until or self.profile is not None
        require(self, (bool(ends), "", "a step with for_s or until, else it would never end"))


class StepModel(SimpleStep):
    """A step, or a cycle of steps that repeats."""

    cycle: Annotated[list[Simple], BeforeValidator(listed)] | None = Field(default=None, min_length=1)
    """Steps that run one after another, `repeat` times; takes the place of all other keys."""

    @model_validator(mode="after")
    def _whole(self) -> StepModel:
        if self.cycle is None:
            self._check_control()
            self._check_ends()
        else:
            others = sorted(self.model_fields_set - {"cycle", "repeat"})
            require(self, *((getattr(self, key) in (None, []), key, "not beside cycle") for key in others))
        return self

    @property
    def steps(self) -> list[SimpleStep]:
        """The steps of one run of this entry."""
        return [self] if self.cycle is None else list(self.cycle)


def _from_text(value: object) -> object:
    if isinstance(value, str):
        try:
            return text.step(value)
        except text.TextError as error:
            refuse("step", [broken((), value, error.allowed, repr(error.given))])
    return value


def _from_text_or_cycle(value: object) -> object:
    return {"cycle": list(value)} if isinstance(value, (tuple, list)) else _from_text(value)


Simple = Annotated[SimpleStep, BeforeValidator(_from_text, json_schema_input_type=SimpleStep | str)]
Step = Annotated[StepModel, BeforeValidator(_from_text_or_cycle, json_schema_input_type=StepModel | str | list[Simple])]
StepModel.model_rebuild()


class AmbientModel(Model):
    """Temperature around the pack: one number, or a profile over the time since the protocol began."""

    temperature_degc: Annotated[float, Field(ge=-80.0, le=200.0)] | None = None
    """Constant temperature."""
    profile: Annotated[str, Field(min_length=1)] | None = None
    """CSV file with columns time_s and temperature_degc; after its end its last value stays."""
    column: Annotated[str, Field(min_length=1)] = "temperature_degc"
    """Column of the profile that is read."""
    interpolation: Literal["linear", "hold"] = "linear"
    """Between the points of the profile."""

    @model_validator(mode="after")
    def _one(self) -> AmbientModel:
        one = (self.temperature_degc is None) != (self.profile is None)
        require(self, (one, "", "either temperature_degc or profile"))
        return self


class ProtocolModel(Model):
    """Steps that a pack runs one after another, `cycles` times."""

    steps: Annotated[list[Step], BeforeValidator(listed)] = Field(min_length=1)
    """Steps as text, as blocks of keys, or lists of these (a cycle)."""
    cycles: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    """How often the whole list runs."""
    ambient: AmbientModel | None = None
    """Temperature around the pack; left out: the scenario's own."""

    def files(self) -> dict[str, str]:
        """Files that the protocol names: dotted key -> name."""
        found = {}
        for place, entry in enumerate(self.steps):
            for inner, one in enumerate(entry.steps):
                if one.profile is not None:
                    path = f"steps.{place}" if entry.cycle is None else f"steps.{place}.cycle.{inner}"
                    found[f"{path}.profile"] = one.profile
        if self.ambient is not None and self.ambient.profile is not None:
            found["ambient.profile"] = self.ambient.profile
        return found


def protocol(steps: Any, cycles: int = 1, ambient: Mapping[str, Any] | None = None) -> ProtocolModel:
    """A protocol from steps as text, mappings, or tuples of these; one step may stand alone.

    Raises:
        ScenarioError: one line for each fault.
    """
    from pydantic import ValidationError

    from packsim.scenario.errors import ScenarioError
    from packsim.scenario.faults import faults, in_values

    given = [steps] if isinstance(steps, (str, Mapping)) else list(steps)
    data: dict[str, Any] = {"steps": given, "cycles": cycles}
    if ambient is not None:
        data["ambient"] = ambient
    try:
        return ProtocolModel.model_validate(data)
    except ValidationError as error:
        raise ScenarioError(
            [f"protocol: {fault}" for fault in faults(error, ProtocolModel, in_values(data))]
        ) from error

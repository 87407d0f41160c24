"""How packs are used in the field, how they age there, and when they have failed."""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

from pydantic import BeforeValidator, Field, model_validator

from packsim.scenario.ageing import AgeingModel
from packsim.scenario.base import Model, NotNegative, Percent, Positive, require
from packsim.scenario.protocol import Simple, listed

CRate = Annotated[float, Field(gt=0.0, le=5.0)]


class Use(NamedTuple):
    """A pattern of use, all of it given."""

    cycles_per_week: float
    depth_pct: float
    charge_c_rate: float
    fast_share_pct: float
    fast_c_rate: float
    discharge_c_rate: float
    km_per_cycle: float


PRESETS = {  # all assumed
    "bus": Use(7.0, 70.0, 0.33, 20.0, 1.0, 0.33, 160.0),
    "passenger_car": Use(3.0, 50.0, 0.2, 10.0, 1.0, 0.33, 110.0),
    "stationary": Use(7.0, 80.0, 0.25, 0.0, 0.5, 0.25, 0.0),
}


class LifeModel(Model):
    """Years in the field: one cycle after another, rests between them, a climate. What is left out comes from `use`."""

    use: Literal["bus", "passenger_car", "stationary"] = "passenger_car"
    """Pattern of use whose numbers (assumed) stand in for those left out below."""
    years: Annotated[float, Field(gt=0.0, le=50.0)] = 8.0
    """Time that is looked at."""
    cycles_per_week: Annotated[float, Field(gt=0.0, le=168.0)] | None = None
    """Charges, each followed by a discharge."""
    depth_pct: Annotated[float, Field(gt=0.0, le=100.0)] | None = None
    """Charge that each discharge takes, of the rated pack."""
    charge_c_rate: CRate | None = None
    """Slow charge, of the rated pack."""
    fast_share_pct: Percent | None = None
    """Charges that are fast."""
    fast_c_rate: CRate | None = None
    """Fast charge, of the rated pack."""
    discharge_c_rate: CRate | None = None
    """Discharge, of the rated pack."""
    cycle: Annotated[list[Simple], BeforeValidator(listed)] | None = Field(default=None, min_length=1)
    """Steps of one cycle, as in a protocol, in place of charge, depth and discharge above: a laboratory's cycling. What is
    left of its share of the week the pack waits as it is; balancing has no part in it."""
    km_per_cycle: NotNegative | None = None
    """Distance driven with each discharge; 0: the warranty counts years alone."""
    longest_step_s: Annotated[float, Field(gt=0.0, le=3600.0)] = 240.0
    """Longest time step of a reference cycle (docs/life.md: what it costs in accuracy)."""
    parked_full_pct: Percent = 50.0
    """Part of the idle time that the pack waits full, before its discharge, and not after it; assumed."""
    monthly_degc: list[Annotated[float, Field(ge=-40.0, le=60.0)]] | None = None
    """Mean temperature of each of twelve months; left out: the cell's, or that of `pack.heat`."""
    ageing: AgeingModel = Field(default_factory=AgeingModel)
    short_doubling_years: Positive | None = None
    """Time in which the leak of a cell with particle contamination doubles; left out: shorts stay as they were built."""
    feedback: bool = True
    """Whether what has aged changes how it is used: a weak cell is driven deeper. false: only to see what that does."""
    end_of_life_pct: Percent = 80.0
    """A pack is worn out below this usable capacity, of a nominal new pack."""
    warranty_years: Positive = 8.0
    """Age up to which a failure is a warranty claim."""
    warranty_km: Positive = 160_000.0
    """Distance likewise."""
    tolerance_pct: Annotated[float, Field(gt=0.0, le=5.0)] = 0.1
    """Error allowed in one jump over many cycles, of a cell's capacity (docs/life.md)."""

    @property
    def pattern(self) -> Use:
        """The pattern of use with what was given in it."""
        given = {name: getattr(self, name) for name in Use._fields if getattr(self, name) is not None}
        return PRESETS[self.use]._replace(**given)

    @model_validator(mode="after")
    def _fits(self) -> LifeModel:
        pattern = self.pattern
        hours = 168.0 / pattern.cycles_per_week
        busy = 0.01 * pattern.depth_pct * (1.0 / pattern.charge_c_rate + 1.0 / pattern.discharge_c_rate)
        most = 168.0 / busy
        profiles = any(step.profile is not None for step in self.cycle or ())
        months = self.monthly_degc is None or len(self.monthly_degc) == 12
        require(
            self,
            (
                busy <= hours or self.cycle is not None,
                "cycles_per_week",
                f"a number > 0 and <= {most:.3g}, so that charge and discharge find time",
            ),
            (not profiles, "cycle", "steps without a drive cycle"),
            (months, "monthly_degc", "twelve temperatures"),
        )
        return self

"""The end-of-line test of a scenario: what is measured, how well, against which limits; then grading."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from packsim.scenario.base import Count, Model, NotNegative, Percent, Positive, require


class CapacityTest(Model):
    """Full discharge at constant current; limits are percentages of what the nominal cell gives in the same test."""

    c_rate: Annotated[float, Field(gt=0.0, le=5.0)] = 0.5
    """Discharge current of the test."""
    lower_pct: Positive | None = None
    """Lower limit (LSL)."""
    upper_pct: Positive | None = None
    """Upper limit (USL)."""
    gauge_sd_pct: NotNegative = 0.0
    """Standard deviation of the measurement error, of the nominal value."""

    @model_validator(mode="after")
    def _ordered(self) -> CapacityTest:
        _in_order(self, "pct")
        return self


class DcirTest(Model):
    """Direct-current internal resistance from a discharge pulse; limits are percentages of the nominal cell's."""

    c_rate: Annotated[float, Field(gt=0.0, le=10.0)] = 1.0
    """Current of the pulse."""
    pulse_s: Annotated[float, Field(gt=0.0, le=120.0)] = 10.0
    """Length of the pulse."""
    soc_pct: Annotated[float, Field(gt=0.0, lt=100.0)] = 50.0
    """State of charge at which the pulse starts."""
    lower_pct: Positive | None = None
    """Lower limit (LSL)."""
    upper_pct: Positive | None = None
    """Upper limit (USL)."""
    gauge_sd_pct: NotNegative = 0.0
    """Standard deviation of the measurement error, of the nominal value."""

    @model_validator(mode="after")
    def _ordered(self) -> DcirTest:
        _in_order(self, "pct")
        return self


class OcvTest(Model):
    """Open-circuit voltage after the rest, at storage SOC; limits are deviations from the nominal cell's."""

    lower_mv: Annotated[float, Field(le=0.0)] | None = None
    """Lower limit (LSL), negative."""
    upper_mv: NotNegative | None = None
    """Upper limit (USL)."""
    meter_sd_mv: NotNegative = 0.0
    """Standard deviation of one reading of the voltmeter; also the meter of the K-value test."""

    @model_validator(mode="after")
    def _ordered(self) -> OcvTest:
        _in_order(self, "mv")
        return self


class KValueTest(Model):
    """Self-discharge test: fall of the open-circuit voltage over the rest, divided by its days."""

    rest_days: Annotated[float, Field(gt=0.0, le=365.0)] = 7.0
    """Days between the two readings."""
    upper_mv_per_day: Positive | None = None
    """Absolute limit; or give `upper_robust_sigmas`, not both."""
    upper_robust_sigmas: Positive | None = None
    """Limit relative to the lot: its median plus this many robust standard deviations (1.4826 x MAD)."""

    @model_validator(mode="after")
    def _one_limit(self) -> KValueTest:
        both = self.upper_mv_per_day is not None and self.upper_robust_sigmas is not None
        require(self, (not both, "", "upper_mv_per_day or upper_robust_sigmas, not both"))
        return self


class Storage(Model):
    """State in which cells are charged for rest and shipping."""

    soc_pct: Annotated[float, Field(gt=0.0, lt=100.0)] = 30.0
    """Charge put into every cell after the capacity test, in percent of the nominal cell's capacity."""
    charge_sd_pct: NotNegative = 0.0
    """Standard deviation of that charge between channels, in percent of the nominal capacity."""


class Grading(Model):
    """How passing cells are put into packs, within a block."""

    matching: Literal["in_order", "capacity_bins", "sorted"] = "in_order"
    """in_order: as they come; capacity_bins: by bin of measured capacity; sorted: by measured capacity."""
    capacity_bins: Count = 5
    """Number of bins of equal width between the limits of the capacity test."""


class InspectionModel(Model):
    """End-of-line test and grading; a test without limits measures but rejects nothing."""

    capacity: CapacityTest = Field(default_factory=CapacityTest)
    dcir: DcirTest = Field(default_factory=DcirTest)
    ocv: OcvTest = Field(default_factory=OcvTest)
    k_value: KValueTest = Field(default_factory=KValueTest)
    storage: Storage = Field(default_factory=Storage)
    grading: Grading = Field(default_factory=Grading)

    @model_validator(mode="after")
    def _bins_need_limits(self) -> InspectionModel:
        limited = self.capacity.lower_pct is not None and self.capacity.upper_pct is not None
        require(
            self,
            (
                limited or self.grading.matching != "capacity_bins",
                "grading.matching",
                "capacity_bins only with both capacity.lower_pct and capacity.upper_pct; else in_order or sorted",
            ),
        )
        return self


def _in_order(test: CapacityTest | DcirTest | OcvTest, unit: str) -> None:
    lower, upper = getattr(test, f"lower_{unit}"), getattr(test, f"upper_{unit}")
    holds = lower is None or upper is None or lower < upper
    require(test, (holds, f"lower_{unit}", f"a lower limit (LSL) below upper_{unit} (USL) {upper}"))


__all__ = ["Grading", "InspectionModel", "Percent"]

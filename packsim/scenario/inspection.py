"""The end-of-line test of a scenario: what is measured, how well, against which limits; then grading."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import Field, model_validator

from packsim.scenario.base import Count, Model, NotNegative, Percent, Positive, require

Times = Annotated[int, Field(ge=0, le=5)]
Sigmas = Annotated[float, Field(ge=-10.0, le=10.0)]


class Retest(Model):
    """What happens to a cell whose reading misses a limit: it is read again at once, on the same channel."""

    times: Times = 0
    """Most repetitions of the reading."""
    decide: Literal["last", "mean", "any"] = "last"
    """last: all repetitions are made, the last counts; mean: the mean of all readings; any: the first that passes."""


class CapacityTest(Model):
    """Full discharge at constant current; limits are percentages of what the nominal cell gives in the same test."""

    c_rate: Annotated[float, Field(gt=0.0, le=5.0)] = 0.5
    """Discharge current of the test."""
    lower_pct: Positive | None = None
    """Lower limit (LSL)."""
    upper_pct: Positive | None = None
    """Upper limit (USL)."""
    gauge_sd_pct: NotNegative = 0.0
    """Repeatability: standard deviation of the error of one reading, of the nominal value."""
    channel_sd_pct: NotNegative = 0.0
    """Reproducibility: standard deviation of the bias of a test channel, of the nominal value."""
    session_sd_pct: NotNegative = 0.0
    """Standard deviation of the bias of a session (one calibration, one shift), of the nominal value."""
    guard_band_sigmas: Sigmas = 0.0
    """Limits for the readings lie this many sds of the whole gauge inside the limits; negative: outside."""
    retest: Retest = Field(default_factory=Retest)

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
    """Repeatability: standard deviation of the error of one reading, of the nominal value."""
    channel_sd_pct: NotNegative = 0.0
    """Reproducibility: standard deviation of the bias of a test channel, of the nominal value."""
    session_sd_pct: NotNegative = 0.0
    """Standard deviation of the bias of a session (one calibration, one shift), of the nominal value."""
    guard_band_sigmas: Sigmas = 0.0
    """Limits for the readings lie this many sds of the whole gauge inside the limits; negative: outside."""
    retest: Retest = Field(default_factory=Retest)

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
    """Repeatability: standard deviation of one reading of the voltmeter; also the meter of the K-value test."""
    channel_sd_mv: NotNegative = 0.0
    """Standard deviation of the bias of a channel's voltmeter; the same in both readings, so it cancels in K."""
    session_sd_mv: NotNegative = 0.0
    """Standard deviation of the voltmeter's bias in a session; the two readings of K are two sessions."""
    guard_band_sigmas: Sigmas = 0.0
    """Limits for the readings lie this many sds of the whole gauge inside the limits; negative: outside."""
    retest: Retest = Field(default_factory=Retest)

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
    relative_limit_min_cells: Count = 30
    """A lot with fewer cells in its block takes the limit of the whole block: a MAD of few cells says little."""
    first_reading_h: NotNegative = 0.0
    """Hours from the end of charging to the first reading."""
    overhang_mv: float = 0.0
    """Mean fall of the open-circuit voltage when the anode's overhang has equalised; negative: a rise."""
    overhang_sd_mv: NotNegative = 0.0
    """Standard deviation of that fall between cells."""
    overhang_days: Positive = 50.0
    """Time constant of that equalisation: of the slowest mode of diffusion into a strip."""
    guard_band_sigmas: Sigmas = 0.0
    """The absolute limit for the reading lies this many sds of all but the leak below the limit; negative: above."""
    retest: Retest = Field(default_factory=Retest)
    """Repeats the second reading only."""

    @model_validator(mode="after")
    def _one_limit(self) -> KValueTest:
        both = self.upper_mv_per_day is not None and self.upper_robust_sigmas is not None
        guarded = self.guard_band_sigmas == 0.0 or self.upper_robust_sigmas is None
        require(
            self,
            (not both, "", "upper_mv_per_day or upper_robust_sigmas, not both"),
            (
                guarded,
                "guard_band_sigmas",
                "0 with upper_robust_sigmas: a limit relative to the lot holds the noise already",
            ),
        )
        return self


class Stations(Model):
    """Who shares an error: cells of one channel, and cells that are tested in one session."""

    channels: Count = 256
    """Test channels: a cell is on channel slot modulo this."""
    session_cells: Count = 1024
    """Consecutive cells (slots, running on over blocks) that are tested in one session."""


class Chamber(Model):
    """Temperature of the cells while they are tested, as a deviation from the nominal one."""

    temperature_sd_k: NotNegative = 0.0
    """Standard deviation of the chamber's temperature between sessions; each test of a cell is a session of its own."""
    channel_temperature_sd_k: NotNegative = 0.0
    """Standard deviation between the places of the channels; the same in every test, so it cancels in K."""
    temperature_corrected: bool = False
    """Readings are corrected by the measured temperature; what is left is the thermometer's error."""
    temperature_meter_sd_k: NotNegative = 0.0
    """Standard deviation of one reading of the thermometer."""
    capacity_pct_per_k: float = 0.1
    """Change of the capacity per kelvin; PyBaMM's sets give 0.01 to 0.16 (packsim.inspection.temperature)."""
    dcir_pct_per_k: float = -2.0
    """Change of the DCIR per kelvin; PyBaMM's sets give -1.4 to -4.8."""
    ocv_mv_per_k: float = 0.0
    """Change of the open-circuit voltage at storage SOC per kelvin (entropic coefficient dU/dT)."""


class Floor(Model):
    """Flow of cells through the test, for channels and stock (Little's law); changes no result of a run."""

    cells_per_day: Positive = 10_000.0
    """Cells that start the test."""
    utilisation_pct: Annotated[float, Field(gt=0.0, le=100.0)] = 85.0
    """Share of its time that a channel tests."""
    charge_h: NotNegative = 3.0
    """Charging before the capacity test and to storage SOC after it."""
    handling_h: NotNegative = 0.5
    """Loading, contacting and unloading a channel."""
    reading_s: Positive = 5.0
    """One reading of an open-circuit voltage, handling included."""


class Storage(Model):
    """State in which cells are charged for rest and shipping."""

    soc_pct: Annotated[float, Field(gt=0.0, lt=100.0)] = 30.0
    """Charge put into every cell after the capacity test, in percent of the nominal cell's capacity."""
    charge_sd_pct: NotNegative = 0.0
    """Standard deviation of that charge between channels, in percent of the nominal capacity."""


class Grading(Model):
    """How passing cells are put into packs, within a block. docs/inspection.md says what each way does."""

    matching: Literal["in_order", "capacity_bins", "sorted", "random_in_bin", "snake", "greedy_conductance"] = (
        "in_order"
    )
    """in_order; capacity_bins: by bin; sorted: by capacity; random_in_bin; snake and greedy_conductance: equal groups."""
    capacity_bins: Count = 5
    """Number of bins of equal width between the limits of the capacity test."""
    dcir_bins: Count = 1
    """The same for DCIR; a cell's bin is the combination."""
    ocv_bins: Count = 1
    """The same for OCV."""
    k_bins: Count = 1
    """The same for the K-value, between 0 and its absolute limit."""
    whole_packs: bool = False
    """Every pack is from one bin; cells left over in a bin stay unassembled."""
    spare_pct: Annotated[float, Field(ge=0.0, le=1000.0)] | None = None
    """Cells beyond the packs' places for whole_packs; left out: as many as always suffice."""

    def spare_cells(self, packs: int, cells_per_pack: int) -> int:
        """Passing cells that a block of `packs` needs beyond their places; 0 unless every pack must be from one bin.

        What always suffices: in b bins at most b - 1 can each hold all but one cell of a pack while a pack is still
        missing, so (b - 1) (cells_per_pack - 1).
        """
        if not self.whole_packs:
            return 0
        bins = self.capacity_bins * self.dcir_bins * self.ocv_bins * self.k_bins
        if self.spare_pct is None:
            return (bins - 1) * (cells_per_pack - 1)
        return math.ceil(packs * cells_per_pack * self.spare_pct / 100.0 - 1e-9)


class InspectionModel(Model):
    """End-of-line test and grading; a test without limits measures but rejects nothing."""

    capacity: CapacityTest = Field(default_factory=CapacityTest)
    dcir: DcirTest = Field(default_factory=DcirTest)
    ocv: OcvTest = Field(default_factory=OcvTest)
    k_value: KValueTest = Field(default_factory=KValueTest)
    storage: Storage = Field(default_factory=Storage)
    stations: Stations = Field(default_factory=Stations)
    chamber: Chamber = Field(default_factory=Chamber)
    floor: Floor = Field(default_factory=Floor)
    grading: Grading = Field(default_factory=Grading)

    @model_validator(mode="after")
    def _bins_need_limits(self) -> InspectionModel:
        limited = self.capacity.lower_pct is not None and self.capacity.upper_pct is not None
        grading = self.grading
        binned = grading.whole_packs or grading.matching in ("capacity_bins", "random_in_bin")
        rules = [
            (
                limited or grading.matching != "capacity_bins",
                "grading.matching",
                "capacity_bins only with both capacity.lower_pct and capacity.upper_pct; else in_order or sorted",
            ),
            (
                limited or not binned or grading.matching == "capacity_bins" or grading.capacity_bins == 1,
                "grading.capacity_bins",
                "1, or both capacity.lower_pct and capacity.upper_pct",
            ),
        ]
        for key, holds, needed in (
            (
                "dcir_bins",
                None not in (self.dcir.lower_pct, self.dcir.upper_pct),
                "both dcir.lower_pct and dcir.upper_pct",
            ),
            ("ocv_bins", None not in (self.ocv.lower_mv, self.ocv.upper_mv), "both ocv.lower_mv and ocv.upper_mv"),
            ("k_bins", self.k_value.upper_mv_per_day is not None, "k_value.upper_mv_per_day"),
        ):
            rules.append((holds or getattr(grading, key) == 1, f"grading.{key}", f"1, or {needed}"))
        require(self, *rules)
        return self


def _in_order(test: CapacityTest | DcirTest | OcvTest, unit: str) -> None:
    lower, upper = getattr(test, f"lower_{unit}"), getattr(test, f"upper_{unit}")
    holds = lower is None or upper is None or lower < upper
    require(test, (holds, f"lower_{unit}", f"a lower limit (LSL) below upper_{unit} (USL) {upper}"))


__all__ = ["Grading", "InspectionModel", "Percent", "Retest"]

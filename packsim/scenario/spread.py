"""How one trait, or one process variable, spreads: its size, its shape, and where in the factory it comes from."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from packsim.scenario.base import Count, Model, NotNegative, Positive, Share, require, require_names
from packsim.scenario.traits import TRAIT_NAMES, Trait

SHARES = ("between_lot_share", "between_roll_share", "between_lane_share", "drift_share")
SIZES = ("sd_pct", "cpk", "first_pass_yield_pct")
LARGEST_INVERSE_WEIBULL_CV = 0.67
"""Sd over mean of an inverse Weibull, shape 3.02. At shape 2 the variance is infinite, and near it too little of it lies
within the 7 sigma of a table (here all but 0.03 %)."""
Deviation = Annotated[float, Field(gt=-100.0, lt=100.0)]


class Spread(Model):
    """How one trait spreads: exactly one of `sd_pct`, `cpk`, `first_pass_yield_pct`; the last two need limits.

    Percentages are of the trait's nominal value. Limits (LSL, USL) define `cpk` and `first_pass_yield_pct`, and are what
    an in-line inspection of the step looks for; without one, no piece is scrapped for missing them.
    """

    sd_pct: Annotated[float, Field(ge=0.0, le=100.0)] | None = None
    """Overall standard deviation."""
    cpk: Positive | None = None
    """Process capability: distance from the mean to the nearer tolerance limit over three standard deviations."""
    first_pass_yield_pct: Annotated[float, Field(gt=0.0, lt=100.0)] | None = None
    """Share of pieces within the limits."""
    tolerance_pct: Positive | None = None
    """Half-width of the two-sided tolerance around nominal; or give lower_pct and upper_pct."""
    lower_pct: NotNegative | None = None
    """Lower limit (LSL)."""
    upper_pct: Positive | None = None
    """Upper limit (USL)."""
    nominal: NotNegative | None = None
    """Nominal value in the trait's unit; only for traits that are no ratio (weld_resistance_mohm, leakage_ua)."""
    offset_pct: Annotated[float, Field(gt=-50.0, lt=50.0)] = 0.0
    """Mean of the process off nominal."""
    between_lot_share: Share = 0.0
    """Part of the variance that lies between supplier lots."""
    between_roll_share: Share = 0.0
    """Part of the variance that lies between electrode rolls of a lot."""
    between_lane_share: Share = 0.0
    """Part of the variance that lies between positions across the web (`web_lanes`), set anew for every supplier lot."""
    drift_share: Share = 0.0
    """Part of the variance that drifts along a roll, as a first-order autoregressive process."""
    drift_cells: Positive = 500.0
    """Cells over which the drift's correlation falls to 1/e."""
    wear_pct: Deviation = 0.0
    """Shift that tool wear has caused when the tool is changed; it grows in proportion to the cells made since."""
    tool_life_cells: Count | None = None
    """Cells between two tool changes."""
    distribution: Literal["normal", "lognormal", "weibull", "inverse_weibull", "truncated", "mixture", "empirical"] = (
        "normal"
    )
    """Shape of the distribution: normal; lognormal, weibull (three parameters) or inverse_weibull (1/x is Weibull, as lives are of which x is the speed of ageing) with the same mean and standard deviation; truncated (a normal cut at its limits, pieces outside having been replaced); mixture (a rare second normal); empirical (`file`)."""  # noqa: E501
    weibull_shape: Annotated[float, Field(ge=0.5, le=50.0)] | None = None
    """Shape parameter of weibull: below 3.6 skewed to high values, above to low ones."""
    tail_share_pct: Annotated[float, Field(gt=0.0, lt=50.0)] | None = None
    """Share of pieces in the second normal of a mixture; sd_pct is that of the first."""
    tail_offset_pct: Deviation | None = None
    """Mean of the second normal of a mixture, off the mean of the first."""
    tail_sd_pct: Positive | None = None
    """Standard deviation of the second normal of a mixture."""
    file: str | None = None
    """Text file of an empirical distribution, one value a line in percent of nominal, relative to the scenario file."""

    @property
    def limits_pct(self) -> tuple[float | None, float | None]:
        """LSL and USL in percent of nominal, from whichever way they were given."""
        if self.tolerance_pct is not None:
            return 100.0 - self.tolerance_pct, 100.0 + self.tolerance_pct
        return self.lower_pct, self.upper_pct

    @model_validator(mode="after")
    def _sized(self) -> Spread:
        given = [key for key in SIZES if getattr(self, key) is not None]
        empirical = self.distribution == "empirical"
        derived = len(given) == 1 and given[0] != "sd_pct"
        lower, upper = self.limits_pct
        mean = 100.0 + self.offset_pct
        inside = (lower is None or lower < mean) and (upper is None or mean < upper)
        blame = "tolerance_pct" if self.tolerance_pct is not None else "lower_pct"
        one = "nothing: the file has the spread" if empirical else "exactly one of sd_pct, cpk, first_pass_yield_pct"
        require(
            self,
            (len(given) == (0 if empirical else 1), "", one),
            (
                self.tolerance_pct is None or (self.lower_pct is None and self.upper_pct is None),
                "tolerance_pct",
                "nothing beside lower_pct or upper_pct",
            ),
            (
                lower is None or upper is None or lower < upper,
                blame,
                f"a lower limit (LSL) below the upper one {upper}",
            ),
            (
                not derived or (lower, upper) != (None, None),
                "tolerance_pct",
                f"limits beside {' '.join(given)}: tolerance_pct > 0, or lower_pct, upper_pct",
            ),
            (not derived or inside, "offset_pct", f"a mean within the limits, {lower} to {upper} % of nominal"),
        )
        return self

    @model_validator(mode="after")
    def _shaped(self) -> Spread:
        kind = self.distribution
        tail = (self.tail_share_pct, self.tail_offset_pct, self.tail_sd_pct)
        lower, upper = self.limits_pct
        widest = LARGEST_INVERSE_WEIBULL_CV * (100.0 + self.offset_pct)
        require(
            self,
            (
                kind != "inverse_weibull" or (self.sd_pct or 0.0) <= widest,
                "sd_pct",
                f"at most {widest:g} with distribution inverse_weibull: the tail of a wider one is beyond any table",
            ),
            ((self.weibull_shape is not None) == (kind == "weibull"), "weibull_shape", _only("weibull", "a number")),
            (
                all(each is not None for each in tail)
                if kind == "mixture"
                else not any(each is not None for each in tail),
                "tail_share_pct",
                _only("mixture", "numbers, with tail_offset_pct and tail_sd_pct,"),
            ),
            ((self.file is not None) == (kind == "empirical"), "file", _only("empirical", "a file")),
            (
                kind != "truncated" or (lower, upper) != (None, None),
                "distribution",
                "truncated only with limits: tolerance_pct, or lower_pct, upper_pct",
            ),
        )
        return self

    @model_validator(mode="after")
    def _split(self) -> Spread:
        given = {key: getattr(self, key) for key in SHARES if getattr(self, key) > 0.0}
        last = next(reversed(given), SHARES[0])
        others = ", ".join(f"{key} {value:g}" for key, value in given.items() if key != last)
        worn = self.wear_pct != 0.0
        require(
            self,
            (sum(given.values()) <= 1.0 + 1e-12, last, f"at most 1 together with {others}"),
            ((self.tool_life_cells is not None) == worn, "tool_life_cells", "a whole number >= 1 beside wear_pct"),
        )
        return self


def _only(kind: str, what: str) -> str:
    return f"{what} with distribution {kind}, else nothing"


def _known_traits(effects: dict[str, float]) -> dict[str, float]:
    require_names("trait", effects, TRAIT_NAMES)
    return effects


class Variable(Spread):
    """A process variable of your own, a ratio to its nominal value 1, and the traits it moves."""

    effects: Annotated[dict[str, Annotated[float, Field(ge=-100.0, le=100.0)]], AfterValidator(_known_traits)] = Field(
        default_factory=dict
    )
    """Percent change of a trait for each percent change of the variable."""

    @model_validator(mode="after")
    def _is_a_ratio(self) -> Variable:
        require(self, (self.nominal is None, "nominal", "nothing: the nominal value of a process variable is 1"))
        return self


def spread_of(trait: Trait) -> Any:
    """Type of the key of one trait: a Spread with a nominal value where the trait is no ratio, or nothing."""

    def nominal_where_needed(spread: Spread) -> Spread:
        given = spread.nominal is not None
        if trait.unit == "1":
            require(spread, (not given, "nominal", "nothing: the nominal value of a ratio is 1"))
        else:
            require(spread, (given, "nominal", f"the nominal value, a number >= 0 [{trait.unit}]"))
        return spread

    return Annotated[Spread, AfterValidator(nominal_where_needed)] | None

"""The factory of a scenario: spreads of every trait by step, lots and rolls, discrete defects."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, create_model, model_validator

from packsim.scenario.base import Count, Model, NotNegative, Percent, Positive, Share, require
from packsim.scenario.traits import STEPS, TRAITS, Trait


class Spread(Model):
    """How one trait spreads: exactly one of `sd_pct`, `cpk`, `first_pass_yield_pct`; the last two need `tolerance_pct`.

    Percentages are of the trait's nominal value. The tolerance only defines the spread: the line scraps no cell.
    """

    sd_pct: Annotated[float, Field(ge=0.0, le=100.0)] | None = None
    """Overall standard deviation."""
    cpk: Positive | None = None
    """Process capability: distance from the mean to the nearer tolerance limit over three standard deviations."""
    first_pass_yield_pct: Annotated[float, Field(gt=0.0, lt=100.0)] | None = None
    """Share of pieces within the tolerance."""
    tolerance_pct: Positive | None = None
    """Half-width of the two-sided tolerance around nominal."""
    nominal: NotNegative | None = None
    """Nominal value in the trait's unit; only for traits that are no ratio (weld_resistance_mohm, leakage_ua)."""
    offset_pct: Annotated[float, Field(gt=-50.0, lt=50.0)] = 0.0
    """Mean of the process off nominal."""
    between_lot_share: Share = 0.0
    """Part of the variance that lies between supplier lots."""
    between_roll_share: Share = 0.0
    """Part of the variance that lies between electrode rolls of a lot."""
    distribution: Literal["normal", "lognormal"] = "normal"
    """Shape of the distribution; lognormal keeps the same mean and standard deviation and is never negative."""

    @model_validator(mode="after")
    def _consistent(self) -> Spread:
        given = [key for key in ("sd_pct", "cpk", "first_pass_yield_pct") if getattr(self, key) is not None]
        derived = len(given) == 1 and given[0] != "sd_pct"
        tolerance, lot_share = self.tolerance_pct, self.between_lot_share
        require(
            self,
            (len(given) == 1, "", "exactly one of sd_pct, cpk, first_pass_yield_pct"),
            (not derived or tolerance is not None, "tolerance_pct", f"a number > 0 beside {' '.join(given)}"),
            (
                not derived or tolerance is None or abs(self.offset_pct) < tolerance,
                "offset_pct",
                f"a mean within the tolerance, +/- {tolerance} %",
            ),
            (
                lot_share + self.between_roll_share <= 1.0,
                "between_roll_share",
                f"at most 1 together with between_lot_share {lot_share}",
            ),
        )
        return self


def _spread_of(trait: Trait) -> Any:
    def nominal_where_needed(spread: Spread) -> Spread:
        given = spread.nominal is not None
        if trait.unit == "1":
            require(spread, (not given, "nominal", "nothing: the nominal value of a ratio is 1"))
        else:
            require(spread, (given, "nominal", f"the nominal value, a number >= 0 [{trait.unit}]"))
        return spread

    return Annotated[Spread, AfterValidator(nominal_where_needed)] | None


class _Defect(Model):
    rate_ppm: Annotated[float, Field(ge=0.0, le=1e6)]
    """Cells that get this defect, in parts per million."""
    spread_factor: Annotated[float, Field(ge=1.0, le=100.0)] = 1.0
    """Geometric standard deviation of the severity: 68 % of defects lie within median / factor .. median * factor."""


class ParticleContamination(_Defect):
    """A metal particle between the electrodes: a soft short that discharges the cell."""

    leakage_ua: Positive
    """Median leakage current that the particle adds."""


class WeldVoid(_Defect):
    """A void in a tab weld: series resistance."""

    resistance_mohm: Positive
    """Median resistance that the void adds."""


class Misalignment(_Defect):
    """Electrodes wound or stacked askew: part of the coated area faces nothing."""

    overlap_loss_pct: Annotated[float, Field(gt=0.0, le=90.0)]
    """Median share of the facing area that is lost."""


class CoatingDefect(_Defect):
    """Pinholes, agglomerates or bare foil: missing coated area."""

    area_loss_pct: Annotated[float, Field(gt=0.0, le=90.0)]
    """Median share of the coated area that is missing."""


class WettingFault(_Defect):
    """Pores that electrolyte did not reach."""

    fill_loss_pct: Annotated[float, Field(gt=0.0, le=90.0)]
    """Median share of the pore volume left dry."""


class Moisture(_Defect):
    """Water in the cell: extra lithium lost in formation."""

    extra_formation_loss_pct: Positive
    """Median extra loss, in percent of the nominal formation loss."""


class Defects(Model):
    """Discrete defects; one that is left out does not happen."""

    particle_contamination: ParticleContamination | None = None
    weld_void: WeldVoid | None = None
    misalignment: Misalignment | None = None
    coating_defect: CoatingDefect | None = None
    wetting_fault: WettingFault | None = None
    moisture: Moisture | None = None


def _step(name: str) -> type[Model]:
    fields: dict[str, Any] = {
        trait.name: (
            _spread_of(trait),
            Field(default=None, description=f"Spread of the {trait.meaning} [{trait.unit}]."),
        )
        for trait in TRAITS
        if trait.step == name
    }
    title = "".join(part.title() for part in name.split("_"))
    return create_model(
        title, __base__=Model, __doc__=f"Traits set at {name}; one that is left out does not spread.", **fields
    )


_STEP_FIELDS: dict[str, Any] = {
    name: (model, Field(default_factory=model)) for name, model in ((name, _step(name)) for name in STEPS)
}
Steps: Any = create_model(
    "Steps",
    __base__=Model,
    __doc__="The steps of the line in the order in which a cell passes them.",
    **_STEP_FIELDS,
)


class LineModel(Model):
    """The process line. Lots and rolls are consecutive ranges of the places that cells fill in packs."""

    supplier_lot_cells: Count
    """Cells made from one supplier lot. A smaller lot than a block restarts in every block (the last may be cut short); a
    larger one is rounded down to whole blocks."""
    roll_cells: Count
    """Cells cut from one electrode roll."""
    steps: Steps = Field(default_factory=Steps)
    """Spread of every trait, by step."""
    defects: Defects = Field(default_factory=Defects)
    """Discrete defects with rates and severities."""

    @model_validator(mode="after")
    def _nested(self) -> LineModel:
        lot = self.supplier_lot_cells
        require(
            self,
            (
                lot % self.roll_cells == 0,
                "roll_cells",
                f"a divisor of supplier_lot_cells {lot}: a roll lies within one lot",
            ),
        )
        return self


__all__ = ["Defects", "LineModel", "Percent", "Spread", "Steps"]

"""The factory of a scenario: spreads of every trait by step, lots and rolls, discrete defects."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, create_model, model_validator

from packsim.scenario.base import Count, Model, NotNegative, Percent, Positive, Share
from packsim.scenario.traits import STEPS, TRAITS


class Spread(Model):
    """How one trait spreads: exactly one of `sd_pct`, `cpk`, `first_pass_yield_pct`; the last two need `tolerance_pct`.

    Percentages are of the trait's nominal value. The tolerance only defines the spread: no cell is scrapped in the line.
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
        if len(given) != 1:
            raise ValueError(f"give exactly one of sd_pct, cpk, first_pass_yield_pct (given: {', '.join(given) or 'none'})")
        if given[0] != "sd_pct" and self.tolerance_pct is None:
            raise ValueError(f"{given[0]} needs tolerance_pct")
        if given[0] != "sd_pct" and self.tolerance_pct is not None and abs(self.offset_pct) >= self.tolerance_pct:
            raise ValueError(f"offset_pct {self.offset_pct:g} must lie within tolerance_pct {self.tolerance_pct:g}")
        if self.between_lot_share + self.between_roll_share > 1.0:
            raise ValueError("between_lot_share + between_roll_share must not exceed 1")
        return self


class _Defect(Model):
    rate_ppm: Annotated[float, Field(ge=0.0, le=1e6)]
    """Cells that get this defect, in parts per million."""
    spread_factor: Annotated[float, Field(ge=1.0, le=100.0)] = 1.0
    """Geometric standard deviation of the severity: 68 % of the defects lie within median / factor .. median * factor."""


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
        trait.name: (Spread | None, Field(default=None, description=f"Spread of the {trait.meaning} [{trait.unit}]."))
        for trait in TRAITS
        if trait.step == name
    }
    title = "".join(part.title() for part in name.split("_"))
    return create_model(title, __base__=Model, __doc__=f"Traits set at {name}; one that is left out does not spread.", **fields)


Steps: Any = create_model(
    "Steps",
    __base__=Model,
    __doc__="The steps of the line in the order in which a cell passes them.",
    **{name: (model, Field(default_factory=model)) for name, model in ((name, _step(name)) for name in STEPS)},
)


class LineModel(Model):
    """The process line. Lots and rolls are consecutive ranges of the places that cells fill in packs."""

    supplier_lot_cells: Count
    """Cells made from one supplier lot."""
    roll_cells: Count
    """Cells cut from one electrode roll."""
    steps: Steps = Field(default_factory=Steps)
    """Spread of every trait, by step."""
    defects: Defects = Field(default_factory=Defects)
    """Discrete defects with rates and severities."""

    @model_validator(mode="after")
    def _nested(self) -> LineModel:
        if self.supplier_lot_cells % self.roll_cells:
            raise ValueError(
                f"supplier_lot_cells {self.supplier_lot_cells} must be a multiple of roll_cells {self.roll_cells}: "
                "a roll lies within one lot"
            )
        return self

    @model_validator(mode="after")
    def _nominals(self) -> LineModel:
        for trait in TRAITS:
            spread = getattr(getattr(self.steps, trait.step), trait.name)
            if spread is None:
                continue
            where = f"steps.{trait.step}.{trait.name}.nominal"
            if trait.unit == "1" and spread.nominal is not None:
                raise ValueError(f"{where}: a ratio has nominal 1, leave it out")
            if trait.unit != "1" and spread.nominal is None:
                raise ValueError(f"{where}: needed [{trait.unit}]")
        return self


__all__ = ["Defects", "LineModel", "Percent", "Spread", "Steps"]

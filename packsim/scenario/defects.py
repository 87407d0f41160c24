"""The discrete defects of a scenario: how often they are made, and how bad they are."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from packsim.scenario.base import Model, Positive


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

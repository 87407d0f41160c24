"""The one declaration of the discrete defects: what happens to a cell, where it comes from, how it is marked."""

from __future__ import annotations

from typing import NamedTuple

from packsim.line.mishaps.kernels import ADD, LOSE
from packsim.scenario.traits import DEFECT_STEPS


class Defect(NamedTuple):
    """One kind of defect. Its bit in `Cells.defect` is `1 << its place in DEFECTS`."""

    name: str
    severity: str  # key of the median severity in the scenario
    per_unit: float  # severity of the kernels per unit of that key
    trait: str
    mode: int  # ADD: severity is added to the trait; LOSE: the trait is multiplied by 1 - severity
    meaning: str

    @property
    def step(self) -> str:
        """Where it is made."""
        return DEFECT_STEPS[self.name]


DEFECTS: tuple[Defect, ...] = (
    Defect("particle_contamination", "leakage_ua", 1.0, "leakage_ua", ADD, "metal particle, a soft short"),
    Defect("weld_void", "resistance_mohm", 1.0, "weld_resistance_mohm", ADD, "void in a tab weld"),
    Defect("misalignment", "overlap_loss_pct", 0.01, "overlap_ratio", LOSE, "electrodes askew, lost overlap"),
    Defect("coating_defect", "area_loss_pct", 0.01, "coated_area_ratio", LOSE, "bare or missing coating"),
    Defect("wetting_fault", "fill_loss_pct", 0.01, "electrolyte_fill_ratio", LOSE, "pores left dry"),
    Defect("moisture", "extra_formation_loss_pct", 0.01, "formation_loss_ratio", ADD, "water, extra lithium loss"),
)
BIT = {defect.name: 1 << place for place, defect in enumerate(DEFECTS)}


def defect_names(mask: int) -> tuple[str, ...]:
    """Names of the defects in one value of `Cells.defect`."""
    return tuple(name for name, bit in BIT.items() if mask & bit)

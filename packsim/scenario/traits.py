"""The one declaration of every as-built trait and of every step: what the factory varies, in which unit, set where.

Config keys, columns and axis labels come from `TRAITS`, in kernel order. Ratios are relative to the parameter set's
nominal value; docs/traits.md maps each trait to the PyBaMM parameters it changes, or to its closed-form test.
"""

from __future__ import annotations

from typing import NamedTuple


class Trait(NamedTuple):
    """One as-built property of a cell."""

    name: str
    unit: str
    nominal: float
    meaning: str
    step: str


TRAITS: tuple[Trait, ...] = (
    Trait("cathode_loading_ratio", "1", 1.0, "cathode mass loading over nominal (scales Q_p)", "coating_cathode"),
    Trait("anode_loading_ratio", "1", 1.0, "anode mass loading over nominal (scales Q_n)", "coating_anode"),
    Trait("cathode_thickness_ratio", "1", 1.0, "cathode coating thickness after calendering", "calendering_cathode"),
    Trait("anode_thickness_ratio", "1", 1.0, "anode coating thickness after calendering", "calendering_anode"),
    Trait("coated_area_ratio", "1", 1.0, "coated (cut) electrode area over nominal", "cutting"),
    Trait("overlap_ratio", "1", 1.0, "share of the area in which both electrodes face each other", "winding"),
    Trait("cathode_particle_radius_ratio", "1", 1.0, "cathode particle radius over nominal", "incoming"),
    Trait("anode_particle_radius_ratio", "1", 1.0, "anode particle radius over nominal", "incoming"),
    Trait("separator_thickness_ratio", "1", 1.0, "separator thickness over nominal", "incoming"),
    Trait("separator_porosity_ratio", "1", 1.0, "separator porosity over nominal", "incoming"),
    Trait("electrolyte_fill_ratio", "1", 1.0, "share of the pore volume that electrolyte fills", "filling"),
    Trait("formation_loss_ratio", "1", 1.0, "lithium lost in formation per anode area, over nominal", "formation"),
    Trait("weld_resistance_mohm", "mOhm", 0.0, "tab and weld resistance in series with the cell", "welding"),
    Trait("leakage_ua", "uA", 0.0, "internal self-discharge current", "formation"),
    Trait("ageing_rate_ratio", "1", 1.0, "speed of ageing over that of the laws (fields only)", "formation"),
)
TRAIT_NAMES = tuple(trait.name for trait in TRAITS)


class StepInfo(NamedTuple):
    """One step of every line."""

    meaning: str
    branch: str  # what a piece scrapped here was: a cathode, an anode, or a whole cell
    material: str  # what is added here, "" for nothing


STEPS: dict[str, StepInfo] = {  # in the order in which a cell passes them
    "incoming": StepInfo("Incoming materials, by supplier lot", "cell", ""),
    "mixing_cathode": StepInfo("Mixing of the cathode slurry", "cathode", "cathode"),
    "mixing_anode": StepInfo("Mixing of the anode slurry", "anode", "anode"),
    "coating_cathode": StepInfo("Coating of the cathode", "cathode", ""),
    "coating_anode": StepInfo("Coating of the anode", "anode", ""),
    "drying_cathode": StepInfo("Drying of the coated cathode", "cathode", ""),
    "drying_anode": StepInfo("Drying of the coated anode", "anode", ""),
    "calendering_cathode": StepInfo("Calendering of the cathode", "cathode", ""),
    "calendering_anode": StepInfo("Calendering of the anode", "anode", ""),
    "cutting": StepInfo("Slitting and notching of the electrodes", "cell", ""),
    "winding": StepInfo("Winding or stacking", "cell", "separator"),
    "welding": StepInfo("Tab welding, ultrasonic where it is automated", "cell", "housing"),
    "vacuum_drying": StepInfo("Drying of the assembled cell", "cell", ""),
    "filling": StepInfo("Electrolyte filling", "cell", "electrolyte"),
    "wetting": StepInfo("Wetting", "cell", ""),
    "formation": StepInfo("Formation", "cell", ""),
    "degassing": StepInfo("Degassing and final sealing", "cell", ""),
    "ageing": StepInfo("Rest and ageing", "cell", ""),
}
DEFECT_STEPS = {  # where each defect is made
    "particle_contamination": "winding",
    "weld_void": "welding",
    "misalignment": "winding",
    "coating_defect": "coating_cathode",
    "wetting_fault": "filling",
    "moisture": "filling",
}

"""The one declaration of every as-built trait: what the factory varies, in which unit, set at which step.

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
)
TRAIT_NAMES = tuple(trait.name for trait in TRAITS)
STEPS = (  # in the order in which a cell passes them
    "incoming",
    "coating_cathode",
    "coating_anode",
    "calendering_cathode",
    "calendering_anode",
    "cutting",
    "winding",
    "welding",
    "filling",
    "formation",
)

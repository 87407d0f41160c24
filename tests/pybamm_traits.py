"""As-built traits written a second time, on PyBaMM's parameters: the other side of docs/traits.md.

Shares no code with the kernels: capacities come from PyBaMM's own expressions, and lithium is booked here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pybamm

if TYPE_CHECKING:
    from collections.abc import Mapping

RATIOS = (  # traits that are ratios: tested at +-3 %
    "cathode_loading_ratio",
    "anode_loading_ratio",
    "cathode_thickness_ratio",
    "anode_thickness_ratio",
    "coated_area_ratio",
    "overlap_ratio",
    "cathode_particle_radius_ratio",
    "anode_particle_radius_ratio",
    "separator_thickness_ratio",
    "separator_porosity_ratio",
    "electrolyte_fill_ratio",
    "formation_loss_ratio",
)


def number(values: pybamm.ParameterValues, key: str) -> float:
    """A parameter as one number."""
    return float(values.evaluate(pybamm.Parameter(key)))


def charges_ah(values: pybamm.ParameterValues) -> tuple[float, float, float]:
    """Q_n, Q_p, Q_Li [A.h] as PyBaMM counts them."""
    p = pybamm.LithiumIonParameters()
    q_n, q_p, q_li = (float(values.evaluate(q)) for q in (p.n.Q_init, p.p.Q_init, p.Q_Li_particles_init))
    return q_n, q_p, q_li


def times(factor: float, value: Any) -> Any:
    """`factor` times a parameter that is a number or a function."""
    if callable(value):
        return lambda *arguments: factor * value(*arguments)
    return factor * value


def with_traits(source: pybamm.ParameterValues, traits: Mapping[str, float]) -> pybamm.ParameterValues:
    """The set with its cell built otherwise than designed.

    Mass at another thickness changes the active fraction and what is left for pores; lithium comes from the cathode,
    less what formation takes in proportion to the anode's particle surface.
    """
    unknown = set(traits) - {*RATIOS, "weld_resistance_mohm"}
    if unknown:
        raise KeyError(f"no PyBaMM parameter stands for {sorted(unknown)}")
    r = {name: traits.get(name, 1.0) for name in RATIOS}
    values = source.copy()
    for side, name in (("Negative", "anode"), ("Positive", "cathode")):
        packing = r[f"{name}_loading_ratio"] / r[f"{name}_thickness_ratio"]
        solid = packing * (1.0 - number(source, f"{side} electrode porosity"))
        filled = (1.0 - solid) * r["electrolyte_fill_ratio"]
        bruggeman = number(source, f"{side} electrode Bruggeman coefficient (electrode)")
        conductivity = f"{side} electrode conductivity [S.m-1]"
        active = f"{side} electrode active material volume fraction"
        values.update(
            {
                f"{side} electrode thickness [m]": number(source, f"{side} electrode thickness [m]")
                * r[f"{name}_thickness_ratio"],
                active: number(source, active) * packing,
                f"{side} electrode porosity": filled,
                # PyBaMM lets 1 - porosity conduct electrons; gas in unfilled pores does not
                conductivity: times((solid / (1.0 - filled)) ** bruggeman, source[conductivity]),
                f"{side} particle radius [m]": number(source, f"{side} particle radius [m]")
                * r[f"{name}_particle_radius_ratio"],
            }
        )
    area = r["coated_area_ratio"] * r["overlap_ratio"]
    values["Electrode width [m]"] = number(source, "Electrode width [m]") * area
    values["Separator thickness [m]"] = number(source, "Separator thickness [m]") * r["separator_thickness_ratio"]
    values["Separator porosity"] = (
        number(source, "Separator porosity") * r["separator_porosity_ratio"] * r["electrolyte_fill_ratio"]
    )
    values["Contact resistance [Ohm]"] = number(source, "Contact resistance [Ohm]") + 1e-3 * traits.get(
        "weld_resistance_mohm", 0.0
    )
    set_lithium(source, values, area * r["anode_loading_ratio"] / r["anode_particle_radius_ratio"], r)
    return values


def set_lithium(
    source: pybamm.ParameterValues, values: pybamm.ParameterValues, anode_surface: float, r: Mapping[str, float]
) -> None:
    """Lithium left after formation, booked on the positive electrode's initial concentration."""
    _, q_p, q_li = charges_ah(source)
    made = max(1.0, q_li / q_p)
    loss = (made * q_p - q_li) * r["formation_loss_ratio"] * anode_surface
    _, q_p, q_now = charges_ah(values)
    missing = made * q_p - loss - q_now
    key = "Initial concentration in positive electrode [mol.m-3]"
    c_max = number(values, "Maximum concentration in positive electrode [mol.m-3]")
    values[key] = number(values, key) + missing / q_p * c_max

"""From the scenario's model of ageing and a set's numbers to the kernels'."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from packsim.cell.ageing import assumed
from packsim.cell.ageing import kernels as k
from packsim.cell.ageing.reading import AgeingParameters, Mechanics
from packsim.cell.electrodes.kernels import FARADAY
from packsim.cell.heat.laws import GAS_CONSTANT
from packsim.scenario.ageing import AgeingModel

Array = npt.NDArray[np.float64]

NOT_AGEING = k.Ageing(
    on=False,
    s_per_m=0.0,
    s_per_m2=0.0,
    sei_v=0.0,
    alpha=0.5,
    beta=0.0,
    sei_ratio=0.0,
    sei_activation_k=0.0,
    reference_k=298.15,
    first_m=0.0,
    film_from_m=0.0,
    film_ohm_m=0.0,
    sei_c_per_m3=1.0,
    plating=k.NO_PLATING,
    plating_fixed=0.0,
    plating_per_c_e=0.0,
    plating_alpha=0.5,
    dead_share=0.0,
    lithium_m3_per_c=0.0,
    loss_by_sei=0.0,
    stress_per_s=(0.0, 0.0),
    stress_per_sto=(0.0, 0.0),
    stress_exponent=(1.0, 1.0),
    half_cycle=(0.0, 0.0),
    depth_exponent=1.0,
    crack_area=0.0,
    crack_growth=0.0,
    crack_exponent=0.0,
    pores=False,
    leak_activation_k=0.0,
)
PLATING = {"none": k.NO_PLATING, "irreversible": k.IRREVERSIBLE, "below_zero": k.BELOW_ZERO}


def plan(model: AgeingModel | None, parameters: AgeingParameters | None) -> k.Ageing:
    """Numbers for the kernels; without a model nothing ages.

    Raises:
        ValueError: a table cell, or stress-driven loss of a set that has no mechanical numbers.
    """
    if model is None:
        return NOT_AGEING
    if parameters is None:
        raise ValueError("a table cell has no electrodes: it does not age by these laws")
    sei = assumed.SEI | parameters.sei
    per_mole = sei["sei_molar_volume"] / sei["lithium_per_sei"]  # m3 of SEI per mole of lithium
    reaction, transport, beta = _sei(model.sei, sei)
    plating_fixed, plating_per_c_e, plating_alpha = _plating(parameters)
    by_sei = model.anode_loss_per_sei_ratio
    if by_sei is None:
        by_sei = parameters.loss_by_sei_n or 0.0
    stress = (
        _stress("anode_stress_loss_ratio", model.anode_stress_loss_ratio, parameters.mechanics_n, parameters.name),
        _stress("cathode_stress_loss_ratio", model.cathode_stress_loss_ratio, parameters.mechanics_p, parameters.name),
    )
    return NOT_AGEING._replace(
        on=True,
        s_per_m=0.0 if reaction == 0.0 else 1.0 / (reaction * per_mole),
        s_per_m2=0.0 if transport == 0.0 else 1.0 / (transport * per_mole),
        sei_v=sei["sei_v"],
        beta=beta,
        sei_ratio=model.sei_rate_ratio,
        sei_activation_k=_activation_j_per_mol(model, parameters) / GAS_CONSTANT,
        reference_k=parameters.reference_k or assumed.REFERENCE_K,
        first_m=sei["first_m"],
        film_from_m=0.0 if model.sei_film == "all" else sei["first_m"],
        film_ohm_m=0.0 if model.sei_film == "none" else model.sei_resistivity_ratio * sei["resistivity_ohm_m"],
        sei_c_per_m3=FARADAY / per_mole,
        plating=PLATING[model.plating],
        plating_fixed=plating_fixed * model.plating_rate_ratio,
        plating_per_c_e=plating_per_c_e * model.plating_rate_ratio,
        plating_alpha=plating_alpha,
        dead_share=model.plating_dead_share,
        lithium_m3_per_c=(parameters.lithium_molar_volume or assumed.LITHIUM_MOLAR_VOLUME) / FARADAY,
        loss_by_sei=by_sei,
        stress_per_s=(stress[0].rate_per_s, stress[1].rate_per_s),
        stress_per_sto=(stress[0].stress_per_sto, stress[1].stress_per_sto),
        stress_exponent=(stress[0].exponent, stress[1].exponent),
        half_cycle=(0.005 * model.anode_loss_pct_per_cycle, 0.005 * model.cathode_loss_pct_per_cycle),
        depth_exponent=model.depth_exponent,
        crack_area=model.crack_area_ratio,
        crack_growth=0.005 * model.crack_growth_pct_per_cycle,
        crack_exponent=model.crack_exponent,
        pores=model.pores,
        leak_activation_k=1e3 * model.leakage_activation_kj_per_mol / GAS_CONSTANT,
    )


def _sei(law: str, sei: dict[str, float]) -> tuple[float, float, float]:
    """Mole flux [mol/(m2 s)] that the reaction allows, flux times thickness that transport allows, and beta."""
    if law == "solvent_diffusion_limited":
        return 0.0, sei["solvent_diffusivity"] * sei["solvent_concentration"], 0.0
    if law == "interstitial_diffusion_limited":
        return 0.0, sei["interstitial_diffusivity"] * sei["interstitial_concentration"], 1.0
    if law == "reaction_limited":
        return sei["reaction_current"] / FARADAY, 0.0, 0.0
    if law == "ec_reaction_limited":
        return sei["ec_rate"] * sei["ec_concentration"], sei["ec_diffusivity"] * sei["ec_concentration"], 0.0
    return 0.0, 0.0, 0.0


def _activation_j_per_mol(model: AgeingModel, parameters: AgeingParameters) -> float:
    if model.sei_activation_kj_per_mol is not None:
        return 1e3 * model.sei_activation_kj_per_mol
    return parameters.sei.get("activation_j_per_mol", 0.0) or assumed.SEI_ACTIVATION_J_PER_MOL


def _plating(parameters: AgeingParameters) -> tuple[float, float, float]:
    """Fixed part and slope with salt of the exchange current, and the transfer coefficient."""
    fixed, slope, alpha = parameters.plating_fixed, parameters.plating_per_c_e, parameters.plating_alpha
    if fixed is None or slope is None or alpha is None:
        return 0.0, assumed.PLATING_PER_C_E, assumed.PLATING_ALPHA
    return fixed, slope, alpha


def _stress(key: str, ratio: float, own: Mechanics | None, name: str) -> Mechanics:
    if ratio == 0.0:
        return Mechanics(0.0, 1.0, 0.0)
    if own is None:
        raise ValueError(f"{key}: {name} has no mechanical numbers; allowed: 0")
    return Mechanics(ratio * own.rate_per_s, own.exponent, own.stress_per_sto)


def assumed_ageing(parameters: AgeingParameters, model: AgeingModel | None = None) -> tuple[str, ...]:
    """What of a set's ageing numbers is assumed because the set does not say, and what a `model` adds; for reports."""
    out = []
    if model is not None and model.crack_area_ratio > 0.0:
        out.append("cracks in the anode's particles")
    if set(assumed.SEI) - set(parameters.sei):
        out.append("SEI numbers")
    if not parameters.sei.get("activation_j_per_mol", 0.0):
        out.append("SEI activation energy")
    if parameters.plating_per_c_e is None or parameters.plating_alpha is None:
        out.append("plating kinetics")
    if parameters.lithium_molar_volume is None:
        out.append("volume of plated lithium")
    return (*out, "loss of active material per cycle", "activation energy of leakage")


def per_cell(value: float | Array, cells: int) -> Array:
    """An ageing rate, one number or one a cell.

    Raises:
        ValueError: another length, or a number that is negative or not finite.
    """
    out = np.asarray(value, np.float64)
    if out.shape not in ((), (cells,)) or not np.all(np.isfinite(out)) or np.any(out < 0.0):
        raise ValueError(f"ageing_rate must be one number >= 0, or {cells} of them, one a cell")
    return np.broadcast_to(out, (cells,)).copy()

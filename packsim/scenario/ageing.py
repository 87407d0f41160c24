"""Slow ageing of cells; laws, sources and what is assumed: docs/ageing.md."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from packsim.scenario.base import Model, NotNegative, Percent, Share

SeiLaw = Literal[
    "none",
    "solvent_diffusion_limited",
    "reaction_limited",
    "ec_reaction_limited",
    "interstitial_diffusion_limited",
]


class AgeingModel(Model):
    """What ages a cell within its limits. Numbers that are not given here come from the parameter set or are assumed."""

    sei: SeiLaw = "solvent_diffusion_limited"
    """What limits the growth of the SEI, by PyBaMM's names; `ec_reaction_limited`: reaction and diffusion in series."""
    sei_rate_ratio: NotNegative = 1.0
    """Multiplies the growth of the SEI."""
    sei_activation_kj_per_mol: NotNegative | None = None
    """Of every SEI law; default: the set's, or 38 (OKane2022's) where the set has 0 or none."""
    sei_film: Literal["none", "grown", "all"] = "grown"
    """Which SEI adds resistance: what has grown since the cell was built (the set's kinetics hold the first), or, as
    in PyBaMM, all of it."""
    sei_resistivity_ratio: NotNegative = 1.0
    """Multiplies the set's resistivity of the SEI."""
    crack_area_ratio: NotNegative = 0.0
    """Faces of cracks in the new anode's particles over their smooth surface; SEI grows there as well. 0: no cracks."""
    crack_growth_pct_per_cycle: Percent = 0.0
    """By how much of that area cracks grow in the first full cycle."""
    crack_exponent: Annotated[float, Field(ge=0.0, le=10.0)] = 2.2
    """Of Paris' law: cracks grow as (swing x root of their area) to this power; default OKane2022's in PyBaMM."""
    anode_loss_per_sei_ratio: NotNegative | None = None
    """Anode capacity that is cut off per charge of lithium in new SEI; default: the set's (0 in all of PyBaMM's)."""
    anode_stress_loss_ratio: NotNegative = 0.0
    """Multiplies the anode's stress-driven loss of active material, of a set that has it (OKane2022, Ai2020)."""
    cathode_stress_loss_ratio: NotNegative = 0.0
    """The cathode's likewise. OKane2022's own numbers cut off a tenth of it in one cycle at 1C."""
    anode_loss_pct_per_cycle: Percent = 0.002
    """Anode capacity lost by a full cycle; assumed."""
    cathode_loss_pct_per_cycle: Percent = 0.002
    """Cathode capacity lost by a full cycle; assumed."""
    depth_exponent: Annotated[float, Field(ge=0.5, le=5.0)] = 1.5
    """A half cycle of depth d costs d to this power of what a full one costs; assumed."""
    plating: Literal["none", "irreversible", "below_zero"] = "below_zero"
    """Lithium plating: `irreversible` as PyBaMM's, at any potential; `below_zero` only where the anode is below 0 V vs
    Li, net of stripping."""
    plating_rate_ratio: NotNegative = 1.0
    """Multiplies the exchange current of plating."""
    plating_dead_share: Share = 0.2
    """Part of the plated lithium that never comes back; assumed."""
    pores: bool = True
    """New SEI and plated lithium take their volume from the anode's pores (Yang 2017): what bends the knee."""
    leakage_activation_kj_per_mol: NotNegative = 53.0
    """Self-discharge over temperature: twice as fast every 10 K; assumed."""

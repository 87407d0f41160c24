"""Temperature dependence for sets that have none of their own: numbers with their sources, always declared.

A property that a set holds constant over temperature is taken as *not given* (Chen2020 and Prada2013: both particle
diffusivities, salt diffusivity, conductivity); `design.heat.assumed` says what was filled in. `as_given(design)`
takes the fillings out again. Entropic changes that a set has at zero stay zero: no curve is invented.
"""

from __future__ import annotations

import numpy as np

from packsim.cell.electrodes.kernels import N_LAW, Design

# Activation energies [J/mol] in the order of Heat.law: D_n, D_p, m_n, m_p, D_e, kappa.
# LG M50: PyBaMM's OKane2022 [C], the same cell as Chen2020; its graphite and electrolyte are Ecker 2015's
# (doi 10.1149/2.0551509jes), its cathode is Cabanero 2018's. Kinetics: Chen2020's own in PyBaMM [C].
GENERAL_J_PER_MOL = (30_300.0, 25_000.0, 35_000.0, 17_800.0, 17_000.0, 17_000.0)
# LFP/graphite 18650 of About:Energy (BPX example file of the Faraday Institution, 2022) [C], estimates by its own word.
LFP_J_PER_MOL = (30_000.0, 80_000.0, 55_000.0, 35_000.0, 17_100.0, 17_100.0)
LFP_SETS = ("Prada2013",)
# J/K per A.h: 18650 LFP cell of the same file, 999 J/kg/K x 1,940 kg/m3 x 17 cm3 / 2 A.h = 16.5 [C], rounded [assumed].
HEAT_CAPACITY_J_PER_K_AH = 16.5

CAPACITY_BIT, ENTROPY_BIT = 1 << N_LAW, 1 << (N_LAW + 1)
NAMES = (
    "anode diffusion",
    "cathode diffusion",
    "anode kinetics",
    "cathode kinetics",
    "electrolyte diffusion",
    "electrolyte conductivity",
    "heat capacity",
    "no entropic change",
)


def activation_energies(name: str) -> tuple[float, ...]:
    """Assumed activation energies [J/mol] for a set of this name."""
    return LFP_J_PER_MOL if name in LFP_SETS else GENERAL_J_PER_MOL


def assumed_heat(design: Design) -> tuple[str, ...]:
    """What of a design's temperature dependence is assumed because its set does not say; for reports."""
    return tuple(name for bit, name in enumerate(NAMES) if design.heat.assumed >> bit & 1)


def as_given(design: Design) -> Design:
    """The design with nothing filled in but its heat capacity: as PyBaMM would run the set at other temperatures."""
    law = design.heat.law.copy()
    for row in range(N_LAW):
        if design.heat.assumed >> row & 1:
            law[row] = 0.0
    kept = design.heat.assumed & ~((1 << N_LAW) - 1)
    return design._replace(heat=design.heat._replace(law=np.ascontiguousarray(law), assumed=kept))

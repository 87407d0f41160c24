"""Numbers of ageing for sets that have none of their own, with their sources; a plan says which it took.

PyBaMM's sets share one block of SEI numbers, which its authors call examples that were fitted to SEI models in the
literature, not measurements of the cell [C].
"""

from __future__ import annotations

SEI = {  # PyBaMM's example block, as in its Chen2020 [C]
    "reaction_current": 1.5e-7,
    "sei_v": 0.4,
    "resistivity_ohm_m": 2e5,
    "solvent_diffusivity": 2.5e-22,
    "solvent_concentration": 2636.0,
    "interstitial_diffusivity": 1e-20,
    "interstitial_concentration": 15.0,
    "ec_rate": 1e-12,
    "ec_diffusivity": 2e-18,
    "ec_concentration": 4541.0,
    "first_m": 5e-9,
    "lithium_per_sei": 2.0,
    "sei_molar_volume": 9.585e-5,
}
SEI_ACTIVATION_J_PER_MOL = 38_000.0  # PyBaMM's OKane2022 [C]; a set with 0 does not say (as in cell/heat/assumed.py)
LITHIUM_MOLAR_VOLUME = 1.3e-5  # m3/mol, every set that has one [C]; 6.94 g/mol over 0.534 g/cm3
PLATING_PER_C_E = 96485.33212 * 1e-10  # A.m/mol: F k, k = 1e-10 m/s of PyBaMM's Ecker2015 [C]
PLATING_ALPHA = 0.5  # likewise
REFERENCE_K = 298.15

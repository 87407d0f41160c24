"""From the scenario's numbers of damage to the kernels'."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from packsim.cell.beyond.kernels import N_DAMAGE, Beyond
from packsim.cell.electrodes.ocp import BLEND_V, with_copper_potential
from packsim.scenario.beyond import BeyondModel

__all__ = ["no_damage", "plan", "with_copper_potential"]


def plan(model: BeyondModel) -> Beyond:
    """Numbers for the kernels; the cell's design must go through `with_copper_potential(design, beyond.copper_v)`."""
    return Beyond(
        copper_v=model.copper_potential_v,
        width_v=BLEND_V,
        short_s_per_c=1e-3 * model.short_conductance_msiemens_per_ah / 3600.0,
        cathode_share=model.cathode_deposit_share,
        sei_v=model.sei_breakdown_v,
        sei_per_s=1.0 / (3600.0 * model.sei_breakdown_h),
        sei_share=0.01 * model.sei_lithium_pct,
        reform_v=model.sei_forming_v,
        reform_share=model.sei_forming_share,
    )


def no_damage(cells: int) -> npt.NDArray[np.float64]:
    """Damage [N_DAMAGE, cells] of cells that were never beyond a limit."""
    return np.zeros((N_DAMAGE, cells))

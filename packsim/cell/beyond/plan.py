"""From the scenario's numbers of damage to the kernels'."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from packsim.cell.beyond.kernels import AWAY_C, DISSOLVED_C, FUSE_S_PER_C, N_DAMAGE, SHORT_S, Beyond
from packsim.cell.electrodes.kernels import Q_N, X_N, Design
from packsim.cell.electrodes.ocp import BLEND_V, with_copper_potential
from packsim.scenario.beyond import BeyondModel

__all__ = ["initial_damage", "plan", "with_copper_potential"]

Array = npt.NDArray[np.float64]


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


def initial_damage(state: Array, coef: Array, design: Design, beyond: Beyond) -> Array:
    """Damage [N_DAMAGE, cells] of cells at rest in `state`: none, but for the copper of those that start reversed."""
    damage = np.zeros((N_DAMAGE, state.shape[1]))
    if not design.is_table:
        damage[DISSOLVED_C] = damage[AWAY_C] = np.maximum(-state[X_N], 0.0) / coef[Q_N]
        damage[SHORT_S] = np.minimum(
            beyond.short_s_per_c * beyond.cathode_share * damage[AWAY_C], FUSE_S_PER_C / coef[Q_N]
        )
    return damage

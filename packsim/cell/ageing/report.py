"""Ageing as a table, in the units that users read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from packsim.cell import kernels as cell_kernels
from packsim.cell.ageing import kernels as k
from packsim.cell.ageing.rebuild import aged_window
from packsim.cell.cell import empty_lane, window_of
from packsim.cell.electrodes.kernels import R_OHM, Design, inventory

if TYPE_CHECKING:
    import pandas as pd

Array = npt.NDArray[np.float64]


def ageing_table(design: Design, laws: k.Ageing, values: Array, ageing: Array) -> pd.DataFrame:
    """One row a cell. `resistance_added_mohm`: ohmic, of film and narrower pores, at the design's temperature;
    `capacity_ah`: between the cut-offs at equilibrium, by electrode balance; percentages of the cell as built."""
    import pandas as pd

    n = values.shape[1]
    built, aged = empty_lane(n), empty_lane(n)
    for lane in (built, aged):
        cell_kernels.coefficients(lane.coef, values, design, 0, n)
    k.age_coefficients(aged.coef, ageing.copy(), design, laws, 0, n)
    lithium_c = np.array([inventory(design.nominal, values, j)[2] for j in range(n)])
    lost_c = ageing[k.SEI_C] + ageing[k.PLATED_C] + ageing[k.LOST_N_C] + ageing[k.LOST_P_C]
    fresh_ah, now_ah = window_of(design, values)[4], aged_window(design, values, ageing)[4]
    return pd.DataFrame(
        {
            "age_days": ageing[k.AGE_S] / 86400.0,
            "throughput_ah": ageing[k.THROUGHPUT_C] / 3600.0,
            "sei_thickness_nm": 1e9 * (laws.first_m + ageing[k.SEI_M]),
            "sei_lithium_ah": ageing[k.SEI_C] / 3600.0,
            "plated_lithium_ah": ageing[k.PLATED_C] / 3600.0,
            "lithium_lost_ah": lost_c / 3600.0,
            "lithium_lost_pct": 100.0 * lost_c / lithium_c,
            "anode_lost_pct": 100.0 * ageing[k.LOST_N],
            "cathode_lost_pct": 100.0 * ageing[k.LOST_P],
            "pores_left_pct": 100.0 * ageing[k.PORES],
            "resistance_added_mohm": 1e3 * (aged.coef[R_OHM] - built.coef[R_OHM]),
            "capacity_ah": now_ah,
            "capacity_pct": 100.0 * now_ah / fresh_ah,
        }
    )

"""Electrode balance: which part of each electrode's range a cell uses between its cut-offs."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from packsim.cell.electrodes import kernels as k

Array = npt.NDArray[np.float64]


class Balance(NamedTuple):
    """Stoichiometries at 0 % and 100 % SOC (x anode, y cathode) and capacity; floats or arrays [cell]."""

    x0: Array | float
    x100: Array | float
    y0: Array | float
    y100: Array | float
    capacity_ah: Array | float


def solve_balance(design: k.Design, q_n_ah: Array, q_p_ah: Array, q_li_ah: Array) -> Balance:
    """Balance of cells given by electrode capacities and lithium inventory [Ah].

    Source: Mohtat et al. 2019, doi 10.1016/j.jpowsour.2019.03.104 (as PyBaMM's ElectrodeSOHSolver). Entries are nan
    where the cut-offs cannot be reached.
    """
    charges = [np.atleast_1d(np.asarray(q, dtype=np.float64)) * 3600.0 for q in (q_n_ah, q_p_ah, q_li_ah)]
    out = np.empty((5, charges[0].size))
    for j, (q_n, q_p, q_li) in enumerate(zip(*charges, strict=True)):
        k.balance_one(out, j, design, q_n, q_p, q_li)
    return Balance(*out)

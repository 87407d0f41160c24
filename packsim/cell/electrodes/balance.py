"""Electrode balance: which part of each electrode's range a cell uses between its cut-offs."""

from __future__ import annotations

from typing import NamedTuple


class Balance(NamedTuple):
    """Stoichiometries at 0 % and 100 % SOC (x anode, y cathode) and capacity; nan where the cut-offs cannot be reached.

    Source: Mohtat et al. 2019, doi 10.1016/j.jpowsour.2019.03.104 (as PyBaMM's ElectrodeSOHSolver).
    """

    x0: float
    x100: float
    y0: float
    y100: float
    capacity_ah: float

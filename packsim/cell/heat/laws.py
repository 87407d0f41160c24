"""From what a set says about temperature to the kernel's `Heat`: fitted laws, their errors, entropy held outside."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from packsim.cell.electrodes.kernels import AREA, N_LAW, Design, Heat
from packsim.cell.electrodes.ocp import grid
from packsim.cell.heat.assumed import (
    CAPACITY_BIT,
    ENTROPY_BIT,
    HEAT_CAPACITY_J_PER_K_AH,
    activation_energies,
)
from packsim.cell.heat.reading import FIT_OFFSETS_K, HeatParameters

Array = npt.NDArray[np.float64]

GAS_CONSTANT = 8.31446261815324
STRAIGHT = 1e-6  # a law this near to Arrhenius is Arrhenius: higher terms would be rounding
ENTROPY_EXCESS = 1e-3  # V/K by which dU/dT outside the window may leave the range it has inside [assumed]


class Law(NamedTuple):
    """One property over temperature.

    `activation_j_per_mol` is the best Arrhenius line through FIT_OFFSETS_K, `arrhenius_error` its largest relative
    error at CHECK_OFFSETS_K (0..45 degC for a set read at 25 degC), `error` that of the polynomial which is used.
    """

    terms: Array
    activation_j_per_mol: float
    arrhenius_error: float
    error: float


def law(factors: Array, offsets_k: Array, reference_k: float) -> Law:
    """Fit ln(factor) by a polynomial in u = 1/reference - 1/T; only a straight one where that is enough.

    Args:
        factors, offsets_k: [m], FIT_OFFSETS_K first. Factors that are no positive numbers are left out: a set may end there.

    Raises:
        ValueError: fewer than three temperatures to fit, or none to check.
    """
    u = 1.0 / reference_k - 1.0 / (reference_k + offsets_k)
    usable = np.isfinite(factors) & (factors > 0.0)
    fit = np.flatnonzero(usable[: FIT_OFFSETS_K.size])
    check = FIT_OFFSETS_K.size + np.flatnonzero(usable[FIT_OFFSETS_K.size :])
    if fit.size < 4 or not check.size:  # the reference itself is among the fitted ones and says nothing
        raise ValueError(f"a property of the set is no positive number around {reference_k:g} K")
    logs = np.log(np.where(usable, factors, 1.0))
    slope = float(u[fit] @ logs[fit] / (u[fit] @ u[fit]))

    def worst(predicted: Array) -> float:
        return float(np.max(np.abs(np.exp(predicted[check] - logs[check]) - 1.0)))

    straight = worst(slope * u)
    if straight < STRAIGHT:
        return Law(np.array([slope, 0.0, 0.0]), slope * GAS_CONSTANT, straight, straight)
    scale = float(np.max(np.abs(u)))
    powers = np.stack([(u / scale) ** k for k in (1, 2, 3)], axis=1)
    terms = np.linalg.lstsq(powers[fit], logs[fit], rcond=None)[0]
    return Law(terms / scale ** np.arange(1, 4), slope * GAS_CONSTANT, straight, worst(powers @ terms))


def laws(p: HeatParameters, reference_k: float) -> list[Law]:
    """The six laws of a set in the order of `Heat.law`, as the set has them (nothing filled in)."""
    return [law(row, p.offsets_k, reference_k) for row in p.factors]


def build_heat(
    p: HeatParameters, design: Design, name: str, *, reference_k: float, nominal_ah: float, window: Array
) -> Heat:
    """Kernel numbers; gaps of the set are filled as `assumed.py` says.

    Args:
        nominal_ah: of the set, for the default heat capacity.
        window: x0, x100, y0, y100 of the nominal cell [4]; nan where there is none.
    """
    found = laws(p, reference_k)
    terms, assumed = np.zeros((N_LAW, 3)), 0
    for row, (one, energy) in enumerate(zip(found, activation_energies(name), strict=True)):
        if np.max(np.abs(p.factors[row] - 1.0)) < 1e-9:
            terms[row, 0] = energy / GAS_CONSTANT
            assumed |= 1 << row
        else:
            terms[row] = one.terms
    entropy_n = _held(p.entropy_n, window[0], window[1])
    entropy_p = _held(p.entropy_p, window[3], window[2])
    reversible = bool(np.any(entropy_n) or np.any(entropy_p))
    capacity = p.heat_capacity_j_per_k
    if capacity is None:
        capacity = HEAT_CAPACITY_J_PER_K_AH * nominal_ah
        assumed |= CAPACITY_BIT
    if not reversible:
        assumed |= ENTROPY_BIT
    area = float(design.nominal[AREA])
    return Heat(
        reference_k=float(reference_k),
        law=terms,
        chi_slope=_slope(p),
        reversible=reversible,
        entropy_n=entropy_n,
        entropy_p=entropy_p,
        capacity_per_area=float(capacity) / area,
        assumed=assumed,
    )


def with_entropy(design: Design, sto: Array, change_v_per_k: Array, side: str = "positive") -> Design:
    """The design with a given entropic change of one electrode ("negative", "positive") or, for a table cell, of its OCV.

    Args:
        sto, change_v_per_k: stoichiometry (table cell: SOC), increasing, and dU/dT there [n]; held beyond the ends.

    Raises:
        ValueError: lengths differ, `sto` does not increase, a value is not finite, or another side is named.
    """
    x, change = np.asarray(sto, dtype=np.float64), np.asarray(change_v_per_k, dtype=np.float64)
    if x.ndim != 1 or x.shape != change.shape or not x.size or np.any(np.diff(x) <= 0.0):
        raise ValueError("sto must increase and have as many entries as change_v_per_k")
    if not (np.all(np.isfinite(x)) and np.all(np.isfinite(change))):
        raise ValueError("sto and change_v_per_k must be finite")
    if side not in ("negative", "positive") or (design.is_table and side == "negative"):
        raise ValueError(f"side must be negative or positive (a table cell has only positive), got {side!r}")
    nodes = np.interp(grid(), x, change)
    tables = {"entropy_n" if side == "negative" else "entropy_p": nodes}
    assumed = design.heat.assumed & ~ENTROPY_BIT
    heat = design.heat._replace(**tables, assumed=assumed)  # type: ignore[arg-type]
    reversible = bool(np.any(heat.entropy_n) or np.any(heat.entropy_p))
    return design._replace(heat=heat._replace(reversible=reversible))


def _held(entropy: Array, low: float, high: float) -> Array:
    """dU/dT limited outside the window, where a fit is no measurement (Ai2020's cathode: 0.1 V/K); inside as it is."""
    if not np.isfinite(low) or not np.isfinite(high):
        return np.ascontiguousarray(entropy)
    inside = entropy[(grid() >= low) & (grid() <= high)]
    return np.clip(entropy, inside.min() - ENTROPY_EXCESS, inside.max() + ENTROPY_EXCESS)


def _slope(p: HeatParameters) -> float:
    """Relative slope of chi with temperature (straight in Ai2020, zero in the other built-in sets)."""
    rise, kelvin = p.chi_factors - 1.0, p.offsets_k
    slope = float(kelvin @ rise / (kelvin @ kelvin))
    return slope if abs(slope) > 1e-12 else 0.0

"""From the scenario's line to what the kernels need."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from packsim.cell.traits import INDEX, TRAITS
from packsim.line.defects import DEFECTS
from packsim.scenario.line import LineModel, Spread

Array = npt.NDArray[np.float64]
Z_LIMIT = 40.0  # a tolerance this many sigma wide is never missed


class LinePlan(NamedTuple):
    """The line in numbers, in the traits' units. t traits, d defects.

    A value is `location + sd_lot z1 + sd_roll z2 + sd_within z3`; where `lognormal`, all four are of its logarithm.
    """

    nominal: Array  # [t]
    mean: Array  # [t] of the value itself, before defects
    location: Array  # [t]
    sd_lot: Array  # [t]
    sd_roll: Array  # [t]
    sd_within: Array  # [t]
    lognormal: npt.NDArray[np.bool_]  # [t]
    slots_per_block: int
    lot_cells: int
    roll_cells: int
    blocks_per_lot: int  # 1 where lots lie within a block
    probability: Array  # [d]
    severity: Array  # [d] median, unit of the trait, or share lost
    severity_log_sd: Array  # [d]
    defect_trait: npt.NDArray[np.int64]  # [d] row of the trait it acts on
    defect_mode: npt.NDArray[np.int64]  # [d] ADD or LOSE


def plan(model: LineModel, slots_per_block: int, *, sd_factor: float = 1.0, defect_factor: float = 1.0) -> LinePlan:
    """Numbers of a scenario's line; every sd times `sd_factor`, every defect rate times `defect_factor`.

    Raises:
        ValueError: a negative factor, or a rate above 1 (see `largest_defect_factor`).
    """
    largest = largest_defect_factor(model)
    if not (0.0 <= sd_factor < math.inf and 0.0 <= defect_factor <= largest):
        raise ValueError(
            f"sd_factor {sd_factor:g} must be >= 0 and defect_factor {defect_factor:g} within 0..{largest:g}"
        )
    rows = [_trait_row(_spread_of(model, t), trait.nominal, sd_factor) for t, trait in enumerate(TRAITS)]
    columns = list(zip(*rows, strict=True))
    nominal, mean, location, sd_lot, sd_roll, sd_within = (np.array(column, float) for column in columns[:6])
    given = [getattr(model.defects, defect.name) for defect in DEFECTS]
    return LinePlan(
        nominal=nominal,
        mean=mean,
        location=location,
        sd_lot=sd_lot,
        sd_roll=sd_roll,
        sd_within=sd_within,
        lognormal=np.array(columns[6], bool),
        slots_per_block=slots_per_block,
        lot_cells=model.supplier_lot_cells,
        roll_cells=model.roll_cells,
        blocks_per_lot=max(model.supplier_lot_cells // slots_per_block, 1),
        probability=np.array([min(1e-6 * d.rate_ppm * defect_factor, 1.0) if d else 0.0 for d in given]),
        severity=np.array(
            [k.per_unit * getattr(d, k.severity) if d else 0.0 for k, d in zip(DEFECTS, given, strict=True)]
        ),
        severity_log_sd=np.array([math.log(d.spread_factor) if d else 0.0 for d in given]),
        defect_trait=np.array([INDEX[defect.trait] for defect in DEFECTS]),
        defect_mode=np.array([defect.mode for defect in DEFECTS]),
    )


def largest_defect_factor(model: LineModel) -> float:
    """The factor on all defect rates at which the first rate reaches 1; inf without defects."""
    given = [getattr(model.defects, defect.name) for defect in DEFECTS]
    rate = max((d.rate_ppm for d in given if d), default=0.0)
    return 1e6 / rate if rate > 0.0 else math.inf


def sd_pct(spread: Spread) -> float:
    """Overall standard deviation of a spread, in percent of nominal, from whichever way it was given."""
    if spread.sd_pct is not None:
        return spread.sd_pct
    tolerance = spread.tolerance_pct
    if tolerance is None:  # refused by the scenario already
        raise ValueError("cpk and first_pass_yield_pct need tolerance_pct")
    if spread.cpk is not None:
        return (tolerance - abs(spread.offset_pct)) / (3.0 * spread.cpk)
    return _sd_of_yield(float(spread.first_pass_yield_pct or 0.0) / 100.0, tolerance, spread.offset_pct)


def _sd_of_yield(first_pass_yield: float, tolerance: float, offset: float) -> float:
    """The sd at which a normal with this offset lies within +-tolerance with this probability."""
    from scipy.optimize import brentq

    upper, lower = (tolerance - offset) / math.sqrt(2.0), (tolerance + offset) / math.sqrt(2.0)

    def excess(log_sd: float) -> float:
        per_sd = math.exp(-log_sd)
        missed = 0.5 * (math.erfc(upper * per_sd) + math.erfc(lower * per_sd))  # small side: yields near 1 stay exact
        return missed - (1.0 - first_pass_yield)

    low = math.log((tolerance - abs(offset)) / Z_LIMIT)
    high = math.log(2.0 * tolerance / first_pass_yield)  # there the density, at most 0.4 / sd, holds too little
    return math.exp(float(brentq(excess, low, high, xtol=1e-14, rtol=1e-14)))


def _spread_of(model: LineModel, t: int) -> Spread | None:
    spread: Spread | None = getattr(getattr(model.steps, TRAITS[t].step), TRAITS[t].name)
    return spread


def _trait_row(spread: Spread | None, nominal: float, sd_factor: float) -> tuple[float, ...]:
    """(nominal, mean, location, sd_lot, sd_roll, sd_within, lognormal) of one trait."""
    if spread is None:
        return nominal, nominal, nominal, 0.0, 0.0, 0.0, False
    if spread.nominal is not None:
        nominal = spread.nominal
    mean = nominal * (1.0 + spread.offset_pct / 100.0)
    sd = nominal * sd_pct(spread) / 100.0 * sd_factor
    location, lognormal = mean, spread.distribution == "lognormal" and sd > 0.0
    if lognormal:
        variance = math.log1p((sd / mean) ** 2)
        location, sd = math.log(mean) - 0.5 * variance, math.sqrt(variance)
    lot, roll = spread.between_lot_share, spread.between_roll_share
    within = max(1.0 - lot - roll, 0.0)
    return nominal, mean, location, sd * math.sqrt(lot), sd * math.sqrt(roll), sd * math.sqrt(within), lognormal

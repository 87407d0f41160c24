"""What a shorter rest before the second reading of the K-value costs and saves, on the same cells for every rest time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from packsim.cell import plan as cell_plans
from packsim.cell.cells import Cells
from packsim.inspection import plan as inspection_plans
from packsim.inspection.floor import floor_needs
from packsim.inspection.k_value import k_parts, soc_drift
from packsim.inspection.measured import Measured
from packsim.inspection.plan import InspectionPlan
from packsim.inspection.rates import PARTICLES, k_roc, misses, truly_misses
from packsim.inspection.read import read
from packsim.inspection.test import true_values
from packsim.line import plan as line_plans
from packsim.line.build import build, slot_addresses
from packsim.line.plan import LinePlan
from packsim.scenario.model import Scenario
from packsim.stats.intervals import leave_one_out, rate_interval, t_interval
from packsim.study.calibrations import calibration

if TYPE_CHECKING:
    import pandas as pd

Array = npt.NDArray[np.float64]
STARTS, PASSED, FALSE_REJECTS, ESCAPES, LATENT, PARTICLE, CAUGHT = range(7)  # columns of the sums of a unit
RATES = {  # name -> events, trials, scale
    "false_reject_ppm": (FALSE_REJECTS, STARTS, 1e6),
    "escape_ppm": (ESCAPES, PASSED, 1e6),
    "latent_escape_ppm": (LATENT, PASSED, 1e6),
    "particles_caught_pct": (CAUGHT, PARTICLE, 100.0),
}


def rest_tradeoff(
    scenario: Scenario,
    days: Sequence[float] = (10.0, 9.0, 8.0, 7.0, 6.0),
    cells: int = 200_000,
    seed: int | None = None,
    roc_cells: int = 50_000,
) -> pd.DataFrame:
    """One row for each rest time (days between the two readings), from the same as-built cells and gauge errors.

    The line is calibrated once, with the scenario's own rest. `cells` are first candidates, rounded up to whole
    independent units (blocks, or lots that span several); those that the line itself scraps do not come to the test.

    Columns: `k_*_sd_mv_per_day` of the K-value's parts over cells without defects, and the mean of the relaxation's;
    `k_limit_mv_per_day` (median over cells); `false_reject_ppm` of starts, `escape_ppm` and `latent_escape_ppm` (defects
    whose true values are within all limits) of passed cells, `particles_caught_pct` (by the K-value, of particle
    contamination), each with `_low`, `_high` (95 %, nan with fewer than ten units) and `escape_change_ppm` against the
    first row (paired); `auc` (nan without that defect); `soc_drift_pct_per_year` and `balancing_ma` of a leak right at the
    limit; `channels`, `waiting_days` and `resting_cells` of `inspection.floor`.

    Raises:
        ValueError: no rest times, or fewer than one cell; a rest that no scenario may have (ScenarioError).
        NominalCellError, CalibrationError, UnsupportedParameterSet: as in `run`.
    """
    import pandas as pd

    if not len(days) or cells < 1:
        raise ValueError("rest_tradeoff needs at least one rest time and one cell")
    seed = scenario.seed if seed is None else seed
    cell = cell_plans.plan(scenario.cell, scenario.file)
    factors = (1.0, 1.0)
    if scenario.qualification is not None:
        found = calibration(scenario, cell)
        factors = (found.sd_factor, found.defect_factor)
    line = line_plans.plan(
        scenario.line, scenario.slots_per_block, sd_factor=factors[0], defect_factor=factors[1], file=scenario.file
    )
    built = build(line, seed, _addresses(line, cells))
    built = built.take(np.flatnonzero(built.scrapped < 0))  # the line scraps before the test
    rows, first = [], None
    for rest in days:
        changed = scenario.updated({"inspection.k_value.rest_days": float(rest)})
        inspection = inspection_plans.plan(changed.inspection, cell, line)
        row, sums = _row(changed, line, inspection, built, seed, roc_cells)
        first = sums if first is None else first
        change = [_rate(s, "escape_ppm") for s in (first, sums)]
        between = t_interval(change[1][0] - change[0][0], change[1][1] - change[0][1])
        row |= {
            "escape_change_ppm": between.value,
            "escape_change_low": between.low,
            "escape_change_high": between.high,
        }
        rows.append({"rest_days": float(rest)} | row)
    return pd.DataFrame(rows).set_index("rest_days")


def _row(
    scenario: Scenario, line: LinePlan, inspection: InspectionPlan, built: Cells, seed: int, roc_cells: int
) -> tuple[dict[str, Any], Array]:
    true = true_values(inspection, built, seed)
    measured, parts = read(inspection, built, true, seed), k_parts(inspection, built, true, seed)
    sums, clean = _sums(line, inspection, built, measured), built.defect == 0
    row: dict[str, Any] = {
        f"k_{name}_sd_mv_per_day": float(np.nanstd(part[clean])) for name, part in parts._asdict().items()
    }
    limit = float(np.median(measured.k_limit_mv_per_day))
    row |= {"k_relaxation_mean_mv_per_day": float(parts.relaxation.mean()), "k_limit_mv_per_day": limit}
    for name, (events, trials, scale) in RATES.items():
        total = sums.sum(axis=0)
        found = rate_interval(total[events], total[trials], _rate(sums, name)[1], scale)
        row |= {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high}
    has_particles = line.probability[PARTICLES] > 0.0
    row["auc"] = k_roc(line, inspection, seed, roc_cells).auc if has_particles else float("nan")
    leak = limit + inspection.k_guard_mv_per_day - inspection.k_shift_mv_per_day
    drift = soc_drift(inspection, leak)
    row |= {"soc_drift_pct_per_year": drift.soc_pct_per_year, "balancing_ma": drift.balancing_ma}
    floor = floor_needs(inspection, scenario.inspection.floor, scenario.inspection.k_value.first_reading_h, measured)
    row |= {"channels": floor.channels, "waiting_days": floor.waiting_days, "resting_cells": floor.resting_cells}
    return row, sums


def _sums(line: LinePlan, inspection: InspectionPlan, built: Cells, measured: Measured) -> Array:
    """Counts of every independent unit [unit, 7]."""
    unit = built.address[:, 0] // line.blocks_per_lot
    rejected, defective = ~measured.accepted, built.defect != 0
    particle = (built.defect >> PARTICLES & 1).astype(bool)
    inside = ~np.logical_or.reduce(list(truly_misses(inspection, measured).values()))
    columns = (
        np.ones(len(built), bool),
        measured.accepted,
        rejected & measured.truly_good,
        measured.accepted & ~measured.truly_good,
        measured.accepted & defective & inside,
        particle,
        particle & misses(inspection, measured)["k_value"],
    )
    return np.stack([np.bincount(unit, weights=column) for column in columns], axis=1)


def _rate(sums: Array, name: str) -> tuple[float, Array]:
    """A rate of the summed units, and its values with each unit left out."""
    events, trials, scale = RATES[name]
    return leave_one_out(lambda s: scale * float(s[events]) / float(s[trials]) if s[trials] else float("nan"), sums)


def _addresses(line: LinePlan, cells: int) -> npt.NDArray[np.int64]:
    """First candidates of whole independent units, at least `cells` of them."""
    blocks = -(-cells // (line.slots_per_block * line.blocks_per_lot)) * line.blocks_per_lot
    return np.concatenate([slot_addresses(block, range(line.slots_per_block)) for block in range(blocks)])

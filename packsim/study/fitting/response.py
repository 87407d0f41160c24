"""How the readings of a nominal cell answer to the traits that a fitted line varies, and a nominal cell like the data's."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from packsim.cell import plan as cell_plans
from packsim.cell.cells import Cells
from packsim.cell.traits import INDEX
from packsim.inspection import plan as inspection_plans
from packsim.inspection.plan import InspectionPlan
from packsim.inspection.test import test
from packsim.line import plan as line_plans
from packsim.line.plan import LinePlan
from packsim.scenario.model import Scenario

Array = npt.NDArray[np.float64]
TRAIT_OF = {"capacity_ah": "coated_area_ratio", "dcir_mohm": "weld_resistance_mohm", "k_value_mv_per_day": "leakage_ua"}
"""The trait that carries each quantity's spread: its response is nearly linear and hardly touches the other quantities."""
STEP_OF = {"coated_area_ratio": "cutting", "weld_resistance_mohm": "welding", "leakage_ua": "formation"}
READINGS = ("capacity_ah", "dcir_mohm", "ocv_v", "k_value_mv_per_day")
RATIO_STEP, ABSOLUTE_STEP = 0.01, 0.1  # of finite differences: of a ratio, of another trait's nominal value


class Bench(NamedTuple):
    """A scenario's plans; `nominal` readings of its nominal cell by quantity, `slopes` [reading, trait of `traits`]."""

    line: LinePlan
    inspection: InspectionPlan
    nominal: dict[str, float]
    slopes: Array
    traits: tuple[str, ...]
    charge_slope: float  # V per Ah: OCV over the charge put in for storage
    rated_capacity_ah: float
    window_ah: float  # capacity between the cut-offs


def bench(scenario: Scenario, traits: tuple[str, ...]) -> Bench:
    """Readings of a scenario's nominal cell without gauge errors, and their slopes.

    Raises:
        FileNotFoundError, ValueError, NominalCellError: the cell cannot be built or tested.
    """
    cell = cell_plans.plan(scenario.cell, scenario.file)
    line = line_plans.plan(scenario.line, scenario.slots_per_block, file=scenario.file)
    given = inspection_plans.plan(scenario.inspection, cell, line)
    exact = given._replace(bench=given.bench._replace(charge_sd_ah=0.0))
    columns, steps = [line.mean], []
    for trait in traits:
        row = INDEX[trait]
        step = RATIO_STEP if line.nominal[row] == 1.0 else ABSOLUTE_STEP * max(float(line.mean[row]), 1.0)
        for sign in (1.0, -1.0):
            moved = line.mean.copy()
            moved[row] += sign * step
            columns.append(np.maximum(moved, 0.0))
        steps.append(float(columns[-2][row] - columns[-1][row]))
    found = _true(exact, np.stack(columns, axis=1))
    slopes = (found[:, 1::2] - found[:, 2::2]) / np.array(steps)
    charge = 0.01 * given.nominal_capacity_ah
    more, less = (
        _true(exact._replace(bench=exact.bench._replace(storage_ah=exact.bench.storage_ah + d)), line.mean[:, None])[
            2, 0
        ]
        for d in (charge, -charge)
    )
    return Bench(
        line,
        given,
        dict(zip(READINGS, found[:, 0].tolist(), strict=True)),
        slopes,
        traits,
        float(more - less) / (2.0 * charge),
        cell.rated_capacity_ah,
        float(given.bench.window[4]),
    )


def ocv_at(found: Bench, soc_pct: float) -> float:
    """OCV of the nominal cell after the rest, if it is stored at this state of charge."""
    exact = found.inspection._replace(
        bench=found.inspection.bench._replace(
            charge_sd_ah=0.0, storage_ah=soc_pct / 100.0 * found.inspection.nominal_capacity_ah
        )
    )
    return float(_true(exact, found.line.mean[:, None])[2, 0])


def _true(plan: InspectionPlan, values: Array) -> Array:
    """True readings [reading, n] of cells with these traits."""
    n = values.shape[1]
    cells = Cells.at_the_end(
        np.zeros((n, 3), np.int64), np.zeros(n, np.int32), np.ascontiguousarray(values), np.zeros(n, np.uint16)
    )
    m = test(plan, cells, 0, np.inf)
    return np.stack([m.true_capacity_ah, m.true_dcir_mohm, m.true_ocv_v, m.true_k_value_mv_per_day])

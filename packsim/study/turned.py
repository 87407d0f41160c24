"""A scenario's line at any setting of calibration's two knobs, and the reject rates to expect there.

Every setting uses the same random numbers, so that the rates are smooth functions of the knobs.
"""

from __future__ import annotations

import functools
import math

import numpy as np
import numpy.typing as npt

from packsim.cell.cells import Cells
from packsim.cell.plan import CellPlan
from packsim.inspection import plan as inspection_plans
from packsim.inspection.expected import Rates, correction, estimated_limits, moments, pooled, rates
from packsim.inspection.process import spread_slots, with_defects
from packsim.inspection.response import Surfaces, fit_kinds
from packsim.line import plan as line_plans
from packsim.line.build import build
from packsim.line.plan import LinePlan, largest_defect_factor, uninspected
from packsim.scenario.model import Scenario

Factors = npt.NDArray[np.float64]  # [2] on spreads and on defect rates
SEED = 0xCA11_B8A7_E000_0001  # of calibration alone: runs with any seed aim at the same expectation
LARGEST_SD_FACTOR = 64.0
DEAR = 4.0
WIDER = 1.8  # times the spreads: cells that a response surface is fitted to
GRID = 1.25  # ratio of the factors that surfaces are fitted for
FITTED_CELLS = 1 << 12
FITTED_WITH_DEFECT = 1 << 11  # of each kind
LIMIT_CELLS, CELLS_OF_LOT = 1 << 17, 1024  # for K-value limits relative to the lot
FEWER_LIMITS = 4  # times, on the way to the final numbers
CORRECTION_CELLS = 1 << 17
CORRECTION_ERROR = 8e-5  # share: more cells are run until the correction is as good as that
MOST_CORRECTION_CELLS = 1 << 20
MORE = 1.1  # times the cells that the error asks for


class Turned:
    """The line of `scenario` with both knobs free, each within 0 .. `largest` [2].

    `start_cost`: what starting and testing a cell costs, against one of a line without drift and inspections.
    """

    def __init__(self, scenario: Scenario, cell_plan: CellPlan) -> None:
        self._scenario = scenario
        self.inspection = inspection_plans.plan(scenario.inspection, cell_plan, self.line(np.ones(2)))
        self._surface = functools.cache(self._fitted)
        self._known: dict[tuple[float, ...], Rates] = {}
        defects = largest_defect_factor(scenario.line)  # at which the first rate reaches 1
        line = self.line(np.ones(2))
        self.start_cost = DEAR if line.any_moves or line.in_line.alarm.size else 1.0
        self.largest = np.array([LARGEST_SD_FACTOR, defects if math.isfinite(defects) else 0.0])

    def line(self, factors: Factors) -> LinePlan:
        """The line at this setting."""
        spread, defects = factors.tolist()
        scenario = self._scenario
        return line_plans.plan(
            scenario.line, scenario.slots_per_block, sd_factor=spread, defect_factor=defects, file=scenario.file
        )

    def rates(self, factors: Factors, slots: int) -> Rates:
        """Expected rates by the response surface alone."""
        key = (*factors.tolist(), slots)
        if key not in self._known:
            line, surface, limits = self._at(factors, LIMIT_CELLS // FEWER_LIMITS)
            self._known[key] = rates(moments(line, self.inspection, surface, SEED, slots, limits))
        return self._known[key]

    def corrected(self, factors: Factors, slots: int) -> Rates:
        """Expected rates of the process as it is: what the response surface leaves out is measured and added."""
        line, surface, limits = self._at(factors, LIMIT_CELLS)
        estimated, cells = moments(line, self.inspection, surface, SEED, slots, limits), CORRECTION_CELLS
        missing = correction(line, self.inspection, surface, SEED, cells, CELLS_OF_LOT, limits)
        while True:
            error = math.sqrt(float(missing.covariance[1:, 1:].sum()))
            if error <= CORRECTION_ERROR or cells >= MOST_CORRECTION_CELLS:
                return rates(estimated, missing)
            wanted = math.ceil(MORE * (error / CORRECTION_ERROR) ** 2 * cells / CORRECTION_CELLS) * CORRECTION_CELLS
            more = min(wanted, MOST_CORRECTION_CELLS) - cells
            part = correction(line, self.inspection, surface, SEED, more, CELLS_OF_LOT, limits, first=cells)
            missing, cells = pooled(missing, cells, part, more), cells + more

    def _at(self, factors: Factors, cells: int) -> tuple[LinePlan, Surfaces, Factors | None]:
        line = self.line(factors)
        spread = float(factors[0])
        surface = self._surface(math.ceil(math.log(spread, GRID)) if spread > 0.0 else None)
        return line, surface, estimated_limits(line, self.inspection, surface, SEED, cells, CELLS_OF_LOT)

    def _fitted(self, power: int | None) -> Surfaces:
        """The response surfaces for spreads up to GRID ** power."""
        wide = uninspected(self.line(np.array([0.0 if power is None else WIDER * GRID**power, 0.0])))

        def made(defects: tuple[int, ...]) -> Cells:
            cells = FITTED_WITH_DEFECT if defects else FITTED_CELLS
            return build(with_defects(wide, defects), SEED, spread_slots(wide, cells))

        kinds = np.flatnonzero(self.line(np.minimum(np.ones(2), self.largest)).probability)
        return fit_kinds(self.inspection, made, kinds.tolist())

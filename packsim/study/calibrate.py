"""Turn a line until its expected qualification rate is the one that the scenario states.

Two knobs: one factor on all standard deviations of the steps, so that the expected share of rejected cells *without* a
defect is the target's; one on all defect rates for those *with* a defect. Means, limits, gauge and the split of the
variance between lots, rolls and cells stay. What a run reports still comes out of its own simulated test.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from packsim.cell.plan import CellPlan
from packsim.inspection import plan as inspection_plans
from packsim.inspection.expected import (
    LotLimits,
    Rate,
    clean_rejects,
    defect_rejects,
    linear_model,
    lot_limits,
    masks,
    reading_slopes,
)
from packsim.line import plan as line_plans
from packsim.line.plan import LinePlan, largest_defect_factor
from packsim.scenario.model import Scenario
from packsim.scenario.yields import QualificationModel

SEED = 0xCA11_B8A7_E000_0001  # of calibration alone: runs with any seed aim at the same expectation
LARGEST_SD_FACTOR = 64.0
EXACT_ZERO = 1e-11  # share: smaller targets are meant to be 0
NEGLIGIBLE = 5e-5  # share of rejects that a target of 0 may leave
TOLERANCE = 4e-5  # share of rejects, final
PILOT_TOLERANCE = 3e-4
PAIRS = 0.15  # of the simulated cells with defects have two
CELLS_OF_LOT = 1024  # for K-value limits relative to the lot


class Effort(NamedTuple):
    """Cells to simulate for each part."""

    clean: int
    defective: int
    relative: int


PILOT = Effort(1 << 15, 1 << 14, 1 << 15)
FULL = Effort(160_000, 150_000, 1 << 17)
NOTHING = Rate(0.0, 0.0)
Shares = dict[tuple[int, ...], Rate]  # rejected share of cells with exactly these defects


class CalibrationError(ValueError):
    """The qualification rate cannot be reached with these assumptions; the message says what can."""


class Calibration(NamedTuple):
    """Factors that reach the target, and the expectation they give (percent of all started cells)."""

    sd_factor: float
    defect_factor: float
    conformance_reject_pct: float
    defect_reject_pct: float
    qualification_rate_pct: float
    standard_error_pct: float  # of the qualification rate
    cells: int  # simulated for the final numbers
    lots: int


def calibrate(scenario: Scenario, cell_plan: CellPlan) -> Calibration:
    """Factors on spreads and defect rates that reach `scenario.qualification`.

    Raises:
        CalibrationError: the targets are negative or out of reach; one line with the reachable range.
        ValueError: the scenario states no qualification rate.
    """
    if scenario.qualification is None:
        raise ValueError("calibrate needs a scenario with a qualification block")
    conformance, defects = _targets(scenario.qualification)
    turned = _Turned(scenario, cell_plan)
    sd, slope, factor, rate, found = 1.0, 0.0, 1.0, NOTHING, NOTHING
    for effort in (PILOT, FULL):  # the two knobs hardly depend on each other
        lots = turned.lot_limits(sd, factor, effort)
        shares = turned.defect_shares(sd, effort, lots)
        factor = turned.defect_factor(shares, defects)
        found = turned.defect_rate(factor, shares)
        rejects = functools.partial(turned.conformance, factor, effort, lots)
        if effort is PILOT:
            sd, slope = _bracketed(rejects, conformance)
        else:
            sd, rate = _polished(rejects, conformance, sd, slope)
    return Calibration(
        sd_factor=float(sd),
        defect_factor=float(factor),
        conformance_reject_pct=100.0 * rate.value,
        defect_reject_pct=100.0 * found.value,
        qualification_rate_pct=100.0 * (1.0 - rate.value - found.value),
        standard_error_pct=100.0 * math.hypot(rate.error, found.error),
        cells=FULL.clean + FULL.defective,
        lots=FULL.clean,
    )


class _Turned:
    """A scenario's line at any setting of the two knobs; the same random numbers at every setting."""

    def __init__(self, scenario: Scenario, cell_plan: CellPlan) -> None:
        self._scenario = scenario
        line = self.line(1.0, 1.0)
        self.inspection = inspection_plans.plan(scenario.inspection, cell_plan, line)
        self._slopes = reading_slopes(line, self.inspection)

    def line(self, sd_factor: float, defect_factor: float) -> LinePlan:
        """The line at this setting."""
        scenario = self._scenario
        return line_plans.plan(
            scenario.line,
            scenario.slots_per_block,
            sd_factor=sd_factor,
            defect_factor=defect_factor,
            file=scenario.file,
        )

    def lot_limits(self, sd_factor: float, defect_factor: float, effort: Effort) -> LotLimits | None:
        """K-value limits of lots, if they are relative."""
        if not math.isfinite(self.inspection.k_robust_sigmas):
            return None
        line = self.line(sd_factor, defect_factor)
        return lot_limits(line, self.inspection, SEED, effort.relative, CELLS_OF_LOT)

    def conformance(self, defect_factor: float, effort: Effort, lots: LotLimits | None, sd_factor: float) -> Rate:
        """Expected share of all starts that is rejected without a defect."""
        line, (_, clean) = self.line(sd_factor, 0.0), next(masks(self.line(1.0, defect_factor)))
        linear = linear_model(line, self.inspection, self._slopes, SEED)
        rate = clean_rejects(line, self.inspection, linear, SEED, effort.clean)
        alone = lots.alone if lots else NOTHING
        return Rate(clean * (rate.value + alone.value), clean * math.hypot(rate.error, alone.error))

    def defect_shares(self, sd_factor: float, effort: Effort, lots: LotLimits | None) -> Shares:
        """Rejected share of cells with each one and each two of the defects."""
        probability, line = self.line(1.0, 1.0).probability, self.line(sd_factor, 0.0)
        linear = linear_model(line, self.inspection, self._slopes, SEED)
        kinds = [int(k) for k in np.flatnonzero(probability)]
        weight: dict[tuple[int, ...], float] = {(k,): (1.0 - PAIRS) * probability[k] / probability.sum() for k in kinds}
        pairs = list(itertools.combinations(kinds, 2))
        weight |= {pair: PAIRS / len(pairs) for pair in pairs}
        return {
            some: defect_rejects(
                line, self.inspection, linear, some, SEED, max(int(share * effort.defective), 500), lots
            )
            for some, share in weight.items()
        }

    def defect_rate(self, defect_factor: float, shares: Shares) -> Rate:
        """Expected share of all starts that is rejected with a defect; three defects count as the worst two of them."""
        value, weight = 0.0, dict.fromkeys(shares, 0.0)
        for some, probability in masks(self.line(1.0, defect_factor)):
            if some:
                key = max((k for k in shares if set(k) <= set(some)), key=lambda k: (len(k), shares[k].value))
                value += probability * shares[key].value
                weight[key] += probability
        return Rate(float(value), math.sqrt(sum((weight[k] * shares[k].error) ** 2 for k in shares)))

    def defect_factor(self, shares: Shares, target: float) -> float:
        """Factor on all defect rates that gives the target; exactly 0 for a target of 0."""
        from scipy.optimize import brentq

        if target <= EXACT_ZERO:
            return 0.0
        largest = largest_defect_factor(self._scenario.line)
        top = self.defect_rate(largest, shares).value if math.isfinite(largest) else 0.0
        if top < target:
            raise CalibrationError(
                f"qualification: {100 * target:.3f} % rejects with a defect cannot be reached, "
                f"these defects can give 0 to {100 * top:.3f} %"
            )
        return float(brentq(lambda f: self.defect_rate(f, shares).value - target, 0.0, largest, xtol=1e-9))


def _targets(model: QualificationModel) -> tuple[float, float]:
    """Shares of all starts to be rejected without and with a defect."""
    conformance, defects = model.conformance_reject_pct / 100.0, model.defect_reject_pct / 100.0
    if min(conformance, defects) >= -EXACT_ZERO:
        return max(conformance, 0.0), max(defects, 0.0)
    baseline = 100.0 - (model.target_pct if model.baseline_pct is None else model.baseline_pct)
    fall = baseline - (100.0 - model.target_pct)
    share = model.baseline_conformance_share
    ends = (baseline * share / fall, 1.0 - baseline * (1.0 - share) / fall) if fall else (0.0, 0.0)
    low, high = max(min(ends), 0.0), min(max(ends), 1.0)
    kind, value = ("without", conformance) if conformance < 0.0 else ("with", defects)
    reachable = f"needs {low:.4g} to {high:.4g}" if low <= high else "can have no value"
    raise CalibrationError(
        f"qualification: {100 * value:.3f} % rejects {kind} a defect is negative; with baseline_conformance_share "
        f"{share:g}, improvement_conformance_share {reachable}, not {model.improvement_conformance_share:g}"
    )


def _bracketed(rejects: Callable[[float], Rate], target: float) -> tuple[float, float]:
    """sd_factor that gives the target, by secant steps inside a bracket, and d(share)/d(factor) there."""
    low, f_low = 0.0, rejects(0.0).value - target
    if target <= EXACT_ZERO and f_low <= NEGLIGIBLE:
        return 0.0, math.inf
    bottom, high = f_low, 1.0
    f_high = rejects(high).value - target
    while f_low <= 0.0 and f_high < 0.0 and high < LARGEST_SD_FACTOR:
        low, f_low, high = high, f_high, 1.5 * high
        f_high = rejects(high).value - target
    if f_low > 0.0 or f_high < 0.0:
        raise CalibrationError(
            f"qualification: {100 * target:.3f} % rejects without a defect cannot be reached, spreads can give "
            f"{100 * (bottom + target):.3f} % (none) to {100 * (f_high + target):.3f} % (times {high:g})"
        )
    trial, slope = high, f_high - f_low
    for _ in range(20):
        slope = (f_high - f_low) / (high - low)
        trial = high - f_high / slope
        f = rejects(trial).value - target
        if abs(f) < PILOT_TOLERANCE:
            break
        if f > 0.0:
            high, f_high = trial, f
        else:
            low, f_low = trial, f
    return trial, slope


def _polished(rejects: Callable[[float], Rate], target: float, start: float, slope: float) -> tuple[float, Rate]:
    """A few secant steps with many cells from a start that is nearly right."""
    sd, rate = start, rejects(start)
    for _ in range(5):
        off = rate.value - target
        if abs(off) < TOLERANCE or math.isinf(slope):
            break
        new = max(sd - off / slope, 0.0)
        after = rejects(new)
        if new != sd and (after.value - rate.value) / (new - sd) > 0.0:
            slope = (after.value - rate.value) / (new - sd)
        sd, rate = new, after
    return sd, rate

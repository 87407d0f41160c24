"""Turn a line until its expected qualification rate is the one that the scenario states.

Two knobs: one factor on all standard deviations of the steps, so that the expected share of rejected cells *without* a
defect is the target's; one on all defect rates for those *with* a defect. Means, limits, gauge and the split of the
variance between lots, rolls and cells stay. What a run reports still comes out of its own simulated test.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from packsim.cell.plan import CellPlan
from packsim.inspection.expected import Rates
from packsim.scenario.model import Scenario
from packsim.scenario.yields import QualificationModel
from packsim.study.turned import LARGEST_SD_FACTOR, Factors, Turned

Array = npt.NDArray[np.float64]
SPREAD, DEFECTS = 0, 1  # the knobs, and the rates that they turn
SMALLEST_FACTOR = 0.02  # a smaller one is tried as 0
EXACT_ZERO = 1e-11  # share: smaller targets are meant to be 0
NEGLIGIBLE = 5e-5  # share of rejects that a target of 0 may leave
GROWTH = 1.5  # of a factor while its root is looked for
ROUNDS = 4  # of finding one factor after the other: each hardly moves the other's rate
SCOUT, PILOT, MIDDLE, FEW = 1 << 15, 1 << 18, 1 << 20, 1 << 12  # slots
EVENTS = 100  # rejects that a scout should see
SCOUT_TOLERANCE = 0.03  # of the target
MOST_TRIALS = 20
SLOPE_STEPS = (1.03, 1.1)  # of the two factors
LARGEST_STEP = 0.3  # of a factor at once
MOST_STEPS = 8
LINEAR_WITHIN = 1.5e-3  # share: a target that near is reached along the slopes, without another simulation,
LINEAR_PART = 0.2  # if that is also near beside the target itself: tails bend
ERROR_GOAL = 1e-4  # share: standard error by the response surface
MOST_STARTS, RUN_COST = 1.15e7, 1.0  # tests that a reject with a defect costs more, as some have to be run


class CalibrationError(ValueError):
    """The qualification rate cannot be reached with these assumptions; the message says what can."""


class Calibration(NamedTuple):
    """Factors that reach the target, and the expectation they give (percent of all tested cells)."""

    sd_factor: float
    defect_factor: float
    conformance_reject_pct: float
    defect_reject_pct: float
    qualification_rate_pct: float
    standard_error_pct: float  # of the qualification rate
    cells: int  # tested for the final numbers, each slot in a lot of its own


class _OutOfReach(Exception):
    """No factor gives the target; the least and largest rate that were found."""

    def __init__(self, low: float, high: float) -> None:
        self.low, self.high = low, high


def calibrate(scenario: Scenario, cell_plan: CellPlan) -> Calibration:
    """Factors on spreads and defect rates that reach `scenario.qualification`.

    Raises:
        CalibrationError: the targets are negative or out of reach; one line with the reachable range.
        ValueError: the scenario states no qualification rate.
    """
    if scenario.qualification is None:
        raise ValueError("calibrate needs a scenario with a qualification block")
    target = np.array(_targets(scenario.qualification))
    turned = Turned(scenario, cell_plan)
    pilot, middle = (int(slots / turned.start_cost) for slots in (PILOT, MIDDLE))
    factors = _scouted(turned, target)
    slopes = _slopes(turned, factors, pilot)
    found = turned.rates(factors, pilot)
    for slots in (pilot, middle):
        factors = _stepped(turned, factors, slopes, target, found)
        found = turned.rates(factors, slots)
    cost = found.started / middle * (1.0 + RUN_COST * found.defect)
    slots = int(max(min(middle * (found.error / ERROR_GOAL) ** 2, MOST_STARTS / cost), middle))
    for _ in range(MOST_STEPS):
        factors = _stepped(turned, factors, slopes, target, found)
        found = turned.corrected(factors, slots)
        near = np.clip(LINEAR_PART * target, NEGLIGIBLE, LINEAR_WITHIN)
        if np.all((np.abs(target - found[:2]) <= near)[factors > 0.0]):
            break
    else:
        raise CalibrationError(
            f"qualification: did not settle in {MOST_STEPS} steps; rejects without and with a defect are still "
            f"{100 * found.without:.3f} % and {100 * found.defect:.3f} %, "
            f"not {100 * target[0]:.3f} % and {100 * target[1]:.3f} %"
        )
    last = _stepped(turned, factors, slopes, target, found)
    without, defect = (found[:2] + slopes @ (last - factors)).tolist()
    return Calibration(
        sd_factor=float(last[SPREAD]),
        defect_factor=float(last[DEFECTS]),
        conformance_reject_pct=100.0 * without,
        defect_reject_pct=100.0 * defect,
        qualification_rate_pct=100.0 * (1.0 - without - defect),
        standard_error_pct=100.0 * found.error,
        cells=found.tests,
    )


def _scouted(turned: Turned, target: Array) -> Factors:
    """Factors that nearly reach the target, from a few slots; exactly 0 for a target of 0."""
    factors: Factors = np.minimum(np.ones(2), turned.largest)
    if target[DEFECTS] <= EXACT_ZERO:
        factors[DEFECTS] = 0.0

    def rate(knob: int, factor: float) -> float:
        trial, slots = factors.copy(), int(min(max(EVENTS / max(target[knob], EXACT_ZERO), SCOUT), PILOT))
        trial[knob] = factor
        if knob == SPREAD and factor in (0.0, turned.largest[SPREAD]):  # may be an end of the range that is told
            slots = MIDDLE if factor == 0.0 else FEW
        return float(turned.rates(trial, int(slots / turned.start_cost))[knob])

    for _ in range(ROUNDS):
        before = factors.copy()
        for knob in (DEFECTS, SPREAD):
            if target[knob] <= EXACT_ZERO and rate(knob, 0.0) <= NEGLIGIBLE:
                factors[knob] = 0.0
                continue
            start, most = float(factors[knob]), float(turned.largest[knob])
            try:
                factors[knob] = _root(functools.partial(rate, knob), float(target[knob]), start, most)
            except _OutOfReach as reach:
                raise CalibrationError(_refusal(knob, float(target[knob]), reach)) from None
        if np.all(np.abs(factors - before) <= SCOUT_TOLERANCE * before):
            break
    return factors


def _refusal(knob: int, target: float, reach: _OutOfReach) -> str:
    low, high = 100.0 * reach.low, 100.0 * reach.high
    if knob == DEFECTS:
        return (
            f"qualification: {100 * target:.3f} % rejects with a defect cannot be reached, "
            f"these defects can give {low:.0f} to {high:.3f} %"
        )
    return (
        f"qualification: {100 * target:.3f} % rejects without a defect cannot be reached, "
        f"spreads can give {low:.3f} % (none) to {high:.3f} % (up to times {LARGEST_SD_FACTOR:g})"
    )


def _root(rate: Callable[[float], float], target: float, start: float, most: float) -> float:
    """Factor within 0 .. most at which a growing rate roughly meets the target: a bracket, then regula falsi.

    Raises:
        _OutOfReach: there is none.
    """
    factor, value = start, rate(start)
    highest = value
    if value < target:
        while value < target:
            if factor >= most:
                raise _OutOfReach(rate(0.0), highest)
            low, below = factor, value
            factor = min(GROWTH * factor, most)
            value = rate(factor)
            highest = max(highest, value)
        high, above = factor, value
    else:
        while value >= target:
            if factor == 0.0:
                raise _OutOfReach(value, max(highest, rate(most)))
            high, above = factor, value
            factor = factor / GROWTH**2 if factor > SMALLEST_FACTOR else 0.0
            value = rate(factor)
        low, below = factor, value
    for _ in range(MOST_TRIALS):
        factor = low + (high - low) * min(max((target - below) / (above - below), 0.1), 0.9)
        value = rate(factor)
        if abs(value - target) <= SCOUT_TOLERANCE * target:
            break
        if value < target:
            low, below = factor, value
        else:
            high, above = factor, value
    return factor


def _slopes(turned: Turned, factors: Factors, slots: int) -> Array:
    """Change of both rates [rate, knob] with each factor; 0 for a factor that is 0 and stays there."""
    slopes, here = np.zeros((2, 2)), np.array(turned.rates(factors, slots)[:2])
    for knob in np.flatnonzero(factors > 0.0):
        trial, ratio = factors.copy(), SLOPE_STEPS[knob]
        trial[knob] *= ratio if ratio * factors[knob] <= turned.largest[knob] else 1.0 / ratio
        there = np.array(turned.rates(trial, slots)[:2])
        slopes[:, knob] = (there - here) / (trial[knob] - factors[knob])
    return slopes


def _stepped(turned: Turned, factors: Factors, slopes: Array, target: Array, found: Rates) -> Factors:
    """One Newton step towards the target; a factor of 0 stays."""
    free = np.flatnonzero(factors * np.diag(slopes) > 0.0)
    out, off = factors.copy(), target - np.array(found[:2])
    if free.size:
        step: Array = np.linalg.solve(slopes[np.ix_(free, free)], off[free])
        most = LARGEST_STEP * factors[free]
        out[free] = np.minimum(factors[free] + np.clip(step, -most, most), turned.largest[free])
    return out


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

"""In-line inspections in numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from packsim.line.defects import BIT, DEFECTS
from packsim.line.digits.plan import first_digit
from packsim.line.in_line.kernels import InLinePlan
from packsim.numerics import purposes
from packsim.scenario.traits import DEFECT_STEPS, STEPS

if TYPE_CHECKING:
    from packsim.scenario.line import LineModel

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


def in_line_plan(model: LineModel, names: list[str], nominal: Array) -> InLinePlan:
    """Numbers of the in-line inspections of a line whose variables are `names` with nominal values [v]."""
    steps = inspected_steps(model)
    made = {step: sum(BIT[d] for d, where in DEFECT_STEPS.items() if where == step) for step in steps}
    models = dict(model.ordered())
    alarm, found, found_defect = [], [], np.zeros((len(steps), len(DEFECTS)))
    limited_at, set_at = np.full(len(names), -1), np.full(len(names), -1)
    lower, upper = np.full(len(names), -math.inf), np.full(len(names), math.inf)
    for j, step in enumerate(steps):
        own = models[step].inspection
        level = models[step].automation
        detection, false_alarm = 100.0, 0.0
        if level is not None:
            of_level = getattr(model.automation_levels, level)
            detection, false_alarm = of_level.detection_pct, of_level.false_alarm_pct
        detection = detection if own.detection_pct is None else own.detection_pct
        alarm.append((false_alarm if own.false_alarm_pct is None else own.false_alarm_pct) / 100.0)
        found.append(detection / 100.0)
        here = {d: detection for d, where in DEFECT_STEPS.items() if where == step}
        for defect, share in (here if own.detects is None else own.detects).items():
            found_defect[j, list(BIT).index(defect)] = share / 100.0
    for key, name, spread in model.spreads():
        step, v = key.split(".")[1], names.index(name)
        if step in steps:
            set_at[v] = steps.index(step)
            low, high = spread.limits_pct
            if (low, high) != (None, None):
                limited_at[v] = steps.index(step)
                lower[v] = -math.inf if low is None else low / 100.0 * nominal[v]
                upper[v] = math.inf if high is None else high / 100.0 * nominal[v]
    place = [_words(step) for step in steps]
    inspections = [models[step].inspection for step in steps]
    return InLinePlan(
        alarm=np.array(alarm, np.float64),
        found=np.array(found, np.float64),
        found_defect=found_defect,
        looks_for=((found_defect > 0.0) @ (1 << np.arange(len(DEFECTS)))).astype(np.uint16),
        made_here=np.array([made[step] for step in steps], np.uint16),
        rework=np.array([i.on_reject == "rework" for i in inspections], np.bool_),
        rework_yield=np.array([i.rework_yield_pct / 100.0 for i in inspections], np.float64),
        limited_at=limited_at,
        limited=np.concatenate([np.flatnonzero(limited_at == j) for j in range(-1, len(steps))])[
            np.sum(limited_at < 0) :
        ],
        limited_from=np.searchsorted(np.sort(limited_at[limited_at >= 0]), np.arange(len(steps) + 1)),
        set_at=set_at,
        lower=lower,
        upper=upper,
        purpose=np.array([p.purpose for p in place], np.int64),
        digit=np.array([p.digit for p in place], np.int64),
        digits_purpose=np.array([p.digits_purpose for p in place], np.int64),
        rework_purpose=np.array([p.rework_purpose for p in place], np.int64),
        word=np.array([p.word for p in place], np.int64),
    )


def inspected_steps(model: LineModel) -> list[str]:
    """Names of the steps with an in-line inspection, in order: what `Cells.scrapped` and `Cells.rejected` count."""
    return [name for name, step in model.ordered() if step.inspection is not None]


class _Words(NamedTuple):
    """Where the random words of a step are."""

    purpose: int  # of the first digit of the uniform that decides
    digit: int
    digits_purpose: int  # of the word that follows it
    rework_purpose: int
    word: int  # of the last two


def _words(step: str) -> _Words:
    """Steps of the user's have purposes by name."""
    if step in STEPS:
        call, word = divmod(list(STEPS).index(step), 4)
        digits, rework = purposes.IN_LINE_DIGITS_0 + call, purposes.REWORK_GOOD_0 + call
    else:
        digits, rework = (purposes.named(f"step {step} {what}") for what in ("inspection digits", "rework"))
        word = 0
    return _Words(*first_digit(step), digits, rework, word)

"""Where the first digits of rare decisions are."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from packsim.line.digits.kernels import DigitsPlan
from packsim.numerics import purposes
from packsim.scenario.traits import STEPS

DEFECTS = 8  # the first digits of the first call; the others are the steps'
OFTEN = (  # steps that are usually inspected: their digits are in the call that has the defects'
    "coating_cathode",
    "coating_anode",
    "calendering_cathode",
    "calendering_anode",
    "cutting",
    "winding",
    "welding",
    "filling",
)
_ORDER = [*OFTEN, *(step for step in STEPS if step not in OFTEN)]
_CALL = 16  # digits


def first_digit(step: str) -> tuple[int, int]:
    """Purpose and digit of a step's inspection; steps of the user's have purposes by name."""
    if step not in STEPS:
        return purposes.named(f"step {step} inspection"), 0
    call, digit = divmod(DEFECTS + _ORDER.index(step), _CALL)
    return purposes.DECISIONS_0 + call, digit


def digits_plan(
    probability: npt.NDArray[np.float64],
    purpose: npt.NDArray[np.int64],
    digit: npt.NDArray[np.int64],
    alarm: npt.NDArray[np.float64],
) -> DigitsPlan:
    """Calls for defects of `probability` [d] and steps [j] that raise false alarms, whose digits are at purpose, digit."""
    at = [(purposes.DECISIONS_0, d, share, True) for d, share in enumerate(probability)]
    at += [(int(p), int(d), share, False) for p, d, share in zip(purpose, digit, alarm, strict=True)]
    calls = sorted({call for call, _, share, _ in at if share > 0.0})
    bound, defects, steps = np.zeros((3, len(calls), _CALL), np.uint8)
    for call, d, share, of_defect in at:
        if share > 0.0:
            own = calls.index(call), d
            bound[own] = min(int(share * 256.0), 255)
            (defects if of_defect else steps)[own] = 0x80
    return DigitsPlan(
        np.array(calls, np.int64), *(each.view("<u8").astype(np.uint64) for each in (bound, defects, steps))
    )

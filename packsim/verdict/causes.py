"""The verdicts a pack can get."""

from __future__ import annotations

from packsim.pack.bms import kernels as bms
from packsim.pack.faults import kernels as faults
from packsim.scenario.sentences import SentenceEnum


class Verdict(SentenceEnum):
    """Ordered by severity; a pack gets the worst that applies."""

    GOOD = 0, "within all limits"
    UNDER_CHARGED = 1, "a group was left short of charge against the fullest one"
    SHORT_AT_DELIVERY = 2, "gives less than the guaranteed share of a nominal pack's capacity"
    WRONG_SENSOR = 3, "a voltage sensor reads nothing, or not the truth"
    HIGH_JOINT = 4, "a joint has a resistance far above nominal"
    COOLING_LOST = 5, "the coolant takes no heat"
    OPEN_JOINT = 6, "a cell's joint is open, and others carry its current"
    OVER_CHARGED = 7, "a group was charged above the upper cut-off by more than the margin"
    OVER_CURRENT = 8, "the current passed the battery management system's limit, and it opened the contactors"
    OVER_TEMPERATURE = 9, "a cell got too hot, and the battery management system opened the contactors"
    INTERNAL_SHORT = 10, "a cell is short-circuited inside"
    OVER_DISCHARGED = 11, "a group was driven below the lower cut-off by more than the margin"
    REVERSED = 12, "a group was driven below 0 V (postulated regime)"
    UNSOLVED = 13, "the simulation of this pack did not converge; nothing is claimed about it"


OF_SIGHTING = {
    bms.OVER_TEMPERATURE: Verdict.OVER_TEMPERATURE,
    bms.OVER_CURRENT: Verdict.OVER_CURRENT,
    faults.FOUND + faults.OPEN_WELD: Verdict.OPEN_JOINT,
    faults.FOUND + faults.HIGH_JOINT: Verdict.HIGH_JOINT,
    faults.FOUND + faults.SOFT_SHORT: Verdict.INTERNAL_SHORT,
    faults.FOUND + faults.STUCK_SENSOR: Verdict.WRONG_SENSOR,
    faults.FOUND + faults.DEAD_SENSOR: Verdict.WRONG_SENSOR,
    faults.FOUND + faults.COOLANT_LOSS: Verdict.COOLING_LOST,
}
"""What an alarm or a found fault makes of a pack; voltage limits met are ordinary ends of charge and discharge."""

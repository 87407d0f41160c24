"""The verdicts a pack can get."""

from __future__ import annotations

from packsim.scenario.sentences import SentenceEnum


class Verdict(SentenceEnum):
    """Ordered by severity; a pack gets the worst that applies."""

    GOOD = 0, "within all limits"
    UNDER_CHARGED = 1, "a group was left short of charge against the fullest one"
    SHORT_AT_DELIVERY = 2, "gives less than the guaranteed share of a nominal pack's capacity"
    OVER_CHARGED = 3, "a group was charged above the upper cut-off by more than the margin"
    OVER_DISCHARGED = 4, "a group was driven below the lower cut-off by more than the margin"
    REVERSED = 5, "a group was driven below 0 V (postulated regime)"
    UNSOLVED = 6, "the simulation of this pack did not converge; nothing is claimed about it"

"""The verdicts a pack can get: members carry the sentence shown to the user."""

from __future__ import annotations

from enum import IntEnum


class Verdict(IntEnum):
    """Ordered by severity; a pack gets the worst that applies."""

    sentence: str

    def __new__(cls, value: int, sentence: str = "") -> Verdict:
        """An integer that carries a sentence."""
        member = int.__new__(cls, value)
        member._value_ = value
        member.sentence = sentence
        return member

    GOOD = 0, "within all limits"
    UNDER_CHARGED = 1, "a group was left short of charge when the first full group ended the charge"
    SHORT_AT_DELIVERY = 2, "gives less than the guaranteed share of a nominal pack's capacity"
    OVER_DISCHARGED = 3, "a group was driven below the lower cut-off by more than the margin"
    REVERSED = 4, "a group was driven below 0 V (postulated regime)"
    UNSOLVED = 5, "the simulation of this pack did not converge; nothing is claimed about it"

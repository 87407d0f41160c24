"""Enumerations whose members carry the sentence shown to the user."""

from __future__ import annotations

from enum import IntEnum


class SentenceEnum(IntEnum):
    """Members are declared as `NAME = number, "sentence"`; they are integers with a `sentence`."""

    sentence: str

    def __new__(cls, value: int, sentence: str = "") -> SentenceEnum:
        """An integer that carries a sentence."""
        member = int.__new__(cls, value)
        member._value_ = value
        member.sentence = sentence
        return member

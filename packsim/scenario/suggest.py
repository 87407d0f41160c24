"""The key that was probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from packsim.scenario.units import suffix


def closest(word: str, options: Iterable[str]) -> str | None:
    """The option nearest to `word`: the same name in another unit first (rest_hours -> rest_days), then by spelling."""
    names = list(options)
    other_unit = [name for name in names if _same_but_unit(word.lower(), name)]
    if other_unit:
        return max(other_unit, key=len)
    by_case = {name.lower(): name for name in reversed(names)}
    found = difflib.get_close_matches(word.lower()[:200], list(by_case), n=1, cutoff=0.6)
    return by_case[found[0]] if found else None


def hint(word: str, options: Iterable[str]) -> str:
    """`; did you mean x?`, or nothing if no option is near."""
    found = closest(word, options)
    return f"; did you mean {found}?" if found else ""


def _same_but_unit(word: str, name: str) -> bool:
    unit = suffix(name)
    stem = name[: -len(unit)].rstrip("_")
    return bool(unit and stem) and (word == stem or word.startswith(stem + "_"))

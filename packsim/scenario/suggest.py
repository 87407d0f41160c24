"""The key that was probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from packsim.scenario.units import suffix


def closest(word: str, options: Iterable[str]) -> str | None:
    """The option nearest to `word`: the same name in another unit first (rest_hours -> rest_days), then by spelling."""
    names = list(options)
    other_unit = in_other_unit(word, names)
    if other_unit:
        return other_unit
    by_case = {name.lower(): name for name in reversed(names)}
    found = difflib.get_close_matches(word.lower()[:200], list(by_case), n=1, cutoff=0.6)
    return by_case[found[0]] if found else None


def hint(word: str, options: Iterable[str]) -> str:
    """`; did you mean x?`, or nothing if no option is near."""
    found = closest(word, options)
    return f"; did you mean {found}?" if found else ""


def in_other_unit(word: str, options: Iterable[str]) -> str | None:
    """The option that is `word` but for its unit, None if there is none."""
    found = [name for name in options if _same_but_unit(word.lower(), name)]
    return max(found, key=len, default=None)


def meant(word: str, names: Iterable[str], everywhere: Iterable[str]) -> str | None:
    """What a key unknown to its block was meant to be: one of the block's `names`, or `key in block` of another."""
    last = word.rpartition(".")[2]  # dots instead of indentation
    blocks = [
        block or "the top level" for block, _, name in (key.rpartition(".") for key in everywhere) if name == last
    ]
    elsewhere = f"{last} in {blocks[0]}" if blocks else None
    return in_other_unit(word, names) or elsewhere or closest(word, names)


def _same_but_unit(word: str, name: str) -> bool:
    unit = suffix(name)
    stem = name[: -len(unit)].rstrip("_")
    return bool(unit and stem) and (word == stem or word.startswith(stem + "_"))

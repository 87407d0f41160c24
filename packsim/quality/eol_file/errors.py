"""What an unusable file of measurements raises."""

from __future__ import annotations


class EolFileError(ValueError):
    """An end-of-line file that cannot be used: one line with the place, what was given and what is allowed."""


def at(name: str, line: int | None, column: str, given: str, allowed: str) -> EolFileError:
    """`file:line: column X: given ...; allowed: ...`; `line` None and `column` empty are left out."""
    place = name if line is None else f"{name}:{line}"
    where = f" column {shown(column)}:" if column else ""
    return EolFileError(f"{place}:{where} given {given}; allowed: {allowed}")


def shown(text: str, most: int = 60) -> str:
    """Text of a file as error lines quote it: one line, short, in quotes."""
    plain = repr(text)
    return plain if len(plain) <= most else plain[: most - 4] + "...'"


def listed(names: list[str], most: int = 12) -> str:
    """Column names for an error line."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(shown(name, 40) for name in names[:most]) + more

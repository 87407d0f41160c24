"""Which column is what: guessed from names, or as the user maps it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from packsim.quality.eol_file.errors import EolFileError, at, listed, shown
from packsim.quality.eol_file.layout import Sheet
from packsim.quality.eol_file.quantities import BY_NAME, QUANTITIES, ROLES, Quantity, normalised, split_unit, unit_key

NAMES = (*BY_NAME, *ROLES)


class Column(NamedTuple):
    """A column and the factor from its unit to the quantity's: 1 for what is no measurement, nan if rows say."""

    place: int
    name: str
    factor: float = 1.0
    unit: str = ""


def check_map(given: Mapping[str, str]) -> None:
    """Refuse a map of names that we do not know, or of one column to two of them."""
    for name, column in given.items():
        if name not in NAMES:
            raise EolFileError(f"--map {name}={column}: given an unknown name; allowed: {', '.join(NAMES)}")
    for column in given.values():
        if (users := [name for name, other in given.items() if other == column])[1:]:
            raise EolFileError(
                f"--map: given the column {shown(column)} for {' and '.join(users)}; allowed: a column each"
            )


def find(sheet: Sheet, given: Mapping[str, str]) -> dict[str, Column]:
    """Columns by role (serial, lot, ...) and by quantity.

    Raises:
        EolFileError: two columns for one quantity, an unknown unit or none.
    """
    found = {name: _given(sheet, name, column) for name, column in given.items()}
    taken = {column.place for column in found.values()}
    for role, pattern in ROLES.items():
        if role not in found:
            used = taken - {found["repeat"].place} if role == "serial" and "repeat" in given else taken
            hits = [k for k, head in enumerate(sheet.header) if k not in used and pattern.search(normalised(head))]
            hits = [k for k in hits if not any(_is(sheet, k, q) for q in QUANTITIES)]
            if hits:
                found[role] = Column(hits[0], sheet.header[hits[0]])
                taken.add(hits[0])
    if {"quantity", "value"} <= set(found):
        return found
    for quantity in QUANTITIES:
        hits = [k for k in range(len(sheet.header)) if k not in taken and _is(sheet, k, quantity)]
        if quantity.name in found or not hits:
            continue
        if len(hits) > 1:
            raise at(
                sheet.name, sheet.header_line, "", f"{len(hits)} columns that look like {quantity.name}: "
                + listed([sheet.header[k] for k in hits]), f"one; choose it with --map {quantity.name}=COLUMN[:unit]",
            )  # fmt: skip
        stated = split_unit(sheet.header[hits[0]], quantity)[1] or sheet.units[hits[0]]
        by_row = "unit" in found and not stated  # a column of units, and this one states none
        found[quantity.name] = (
            Column(hits[0], sheet.header[hits[0]], math.nan) if by_row else _measured(sheet, quantity, hits[0], "")
        )
    if not any(quantity.name in found for quantity in QUANTITIES):
        raise at(
            sheet.name, sheet.header_line, "", f"no column of a known quantity among {listed(sheet.header)}",
            f"at least one of {', '.join(BY_NAME)}; name it with --map capacity_ah=COLUMN[:unit]",
        )  # fmt: skip
    return found


def _given(sheet: Sheet, name: str, text: str) -> Column:
    column, unit = (text, "") if text in sheet.header else text.rpartition(":")[::2]
    if column not in sheet.header:
        raise at(sheet.name, sheet.header_line, text, "no such column", f"one of {listed(sheet.header)}")
    place = sheet.header.index(column)
    return _measured(sheet, BY_NAME[name], place, unit) if name in BY_NAME else Column(place, column)


def _is(sheet: Sheet, place: int, quantity: Quantity) -> bool:
    head = sheet.header[place]
    return bool(quantity.pattern.search(normalised(split_unit(head, quantity)[0])))


def _measured(sheet: Sheet, quantity: Quantity, place: int, unit: str) -> Column:
    head = sheet.header[place]
    unit = unit or split_unit(head, quantity)[1] or sheet.units[place]
    return Column(place, head, factor(sheet.name, sheet.header_line, quantity, head, unit), unit)


def factor(name: str, line: int, quantity: Quantity, column: str, unit: str) -> float:
    """Factor from a unit to the quantity's own.

    Raises:
        EolFileError: no unit, or one that is unknown for this quantity.
    """
    known = quantity.units.get(unit_key(unit))
    if known is None:
        allowed = ", ".join(quantity.shown)
        given = f"the unknown unit {shown(unit)}" if unit else "no unit"
        how = f"in the header, a row below it, or --map {quantity.name}={column}:{quantity.unit.replace('/day', '/d')}"
        raise at(name, line, column, given, f"{allowed}; {how}")
    return known

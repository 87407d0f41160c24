"""Which row is the header, which fields are columns: preamble, units row, ragged rows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from packsim.quality.eol_file.errors import EolFileError, at, listed, shown
from packsim.quality.eol_file.numerals import MISSING
from packsim.quality.eol_file.quantities import QUANTITIES, ROLES, looks_like_unit, normalised, split_unit
from packsim.quality.eol_file.text import Row, Text, spoken_delimiter

HEADER_ROWS = 100  # a header further down is not looked for


class Sheet(NamedTuple):
    """A rectangle of text: one row a record."""

    name: str  # of the file
    cells: pd.DataFrame  # columns 0 .. n - 1, all text
    lines: npt.NDArray[np.int64]  # of each record
    header: list[str]
    header_line: int
    units: list[str]  # from a row below the header, "" where there is none


def sheet(name: str, text: Text, wanted: list[str]) -> Sheet:
    """The records below the header.

    Args:
        wanted: names of columns that the header must hold; empty: a row with names that are known.

    Raises:
        EolFileError: no header, no record, or a record with more or fewer fields.
    """
    place = _header(text.rows, wanted)
    if place is None:
        raise _no_header(name, text, wanted)
    header = list(text.rows[place].fields)
    while header and not header[-1]:  # a delimiter at the end of every line
        header.pop()
    line = text.rows[place].line
    if twice := [field for field in header if field and header.count(field) > 1]:
        raise at(name, line, twice[0], "this name twice in the header", "every column name once")
    records = text.rows[place + 1 :]
    units = [""] * len(header)
    if records and _is_units(records[0].fields):
        units = [unit if unit.strip("-–/ ") else "" for unit in _fitted(name, records[0], header, line)]
        records = records[1:]
    if not records:
        raise at(name, line, "", "a header and no data below it", "one line a cell, at least 30 cells")
    fields = [_fitted(name, row, header, line) for row in records]
    return Sheet(name, pd.DataFrame(fields, dtype=str), np.array([r.line for r in records]), header, line, units)


def _header(rows: list[Row], wanted: list[str]) -> int | None:
    for place, row in enumerate(rows[:HEADER_ROWS]):
        named = [field for field in row.fields if field]
        if wanted and all(_has(named, column) for column in wanted):
            return place
        if not wanted and len(named) >= 1 and not any(_numeric(field) for field in named):
            hits = sum(_known(field) for field in named)
            if hits >= 2 or (hits == 1 and len(named) == 1 and len(row.fields) == len(rows[-1].fields)):
                return place
    if wanted:
        return None
    most = max((len(row.fields) for row in rows[: 2 * HEADER_ROWS]), default=0)
    for place, row in enumerate(rows[:HEADER_ROWS]):  # names that say nothing to us: the error will list them
        if len(row.fields) == most and not any(_numeric(field) for field in row.fields) and all(row.fields):
            return place
    return None


def _no_header(name: str, text: Text, wanted: list[str]) -> EolFileError:
    first = text.rows[0] if text.rows else Row(1, [])
    if wanted:
        missing = [w for w in wanted if not any(_has(row.fields, w) for row in text.rows[:HEADER_ROWS])] or wanted
        widest = max(
            text.rows[:HEADER_ROWS], key=lambda row: sum(bool(field) and not _numeric(field) for field in row.fields)
        )
        return at(
            name, widest.line, missing[0], f"no such column (delimiter: {spoken_delimiter(text.delimiter)})",
            f"one of {listed([field for field in widest.fields if field])}",
        )  # fmt: skip
    return at(
        name, first.line, "", f"no header line (delimiter: {spoken_delimiter(text.delimiter)})",
        "a line of column names above the data, such as serial;lot;capacity [Ah];DCIR [mOhm]",
    )  # fmt: skip


def _fitted(name: str, row: Row, header: list[str], header_line: int) -> list[str]:
    """The fields of a record, one for each column; empty ones beyond the header are dropped."""
    fields = row.fields
    if len(fields) > len(header) and not any(fields[len(header) :]):
        fields = fields[: len(header)]
    if len(fields) != len(header):
        raise at(
            name, row.line, "", f"{len(fields)} fields ({shown(row.fields[0], 30)} ...)",
            f"{len(header)}, as in the header (line {header_line})",
        )  # fmt: skip
    return fields


def _has(named: list[str], column: str) -> bool:
    """Whether a header holds the column that the user names; `COLUMN:unit` counts as COLUMN."""
    return column in named or column.rpartition(":")[0] in named


def _known(field: str) -> bool:
    plain = normalised(split_unit(field)[0])
    return any(q.pattern.search(plain) for q in QUANTITIES) or any(role.search(plain) for role in ROLES.values())


def _numeric(field: str) -> bool:
    try:
        float(field.replace(",", ".").replace(" ", ""))
    except ValueError:
        return False
    return field.lower() not in MISSING


def _is_units(fields: list[str]) -> bool:
    """A row of units: at least one, and nothing else but dashes or nothing."""
    filled = [field for field in fields if field]
    units = [field for field in filled if looks_like_unit(field)]
    real = [field for field in units if field.strip("-–/ ")]
    return bool(real) and len(units) >= 0.5 * len(filled) and not any(_numeric(field) for field in filled)

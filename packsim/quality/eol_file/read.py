"""A file of end-of-line data becomes `EolData`, or one clear line. Nothing in a file is executed."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from packsim.quality.eol_file import columns, layout, lots, numerals
from packsim.quality.eol_file.columns import Column
from packsim.quality.eol_file.data import EolData, Options
from packsim.quality.eol_file.errors import EolFileError, at, listed, shown
from packsim.quality.eol_file.layout import Sheet
from packsim.quality.eol_file.quantities import BY_NAME, QUANTITIES, normalised, split_unit
from packsim.quality.eol_file.repeats import with_cells
from packsim.quality.eol_file.text import read_rows, spoken_delimiter

FEWEST_CELLS = 30
Lines = npt.NDArray[np.int64]


def read(path: str | os.PathLike[str], options: Options) -> EolData:
    """Read end-of-line data.

    Raises:
        EolFileError: one line with the place, what was found there and what is allowed.
    """
    given = dict(options.columns)
    for role, column in (("lot", options.lot), ("repeat", options.repeat)):
        if column is not None:
            given[role] = column
    columns.check_map({k: v for k, v in given.items() if k != "repeat"})
    lots.check_one(options.lot, options.lot_size, options.lot_gap_hours)
    if options.delimiter is not None and (len(options.delimiter) != 1 or options.delimiter in '"\r\n'):
        raise EolFileError(f"--delimiter {shown(options.delimiter)}: allowed: one character, such as ';' or ','")
    if options.decimal not in (None, ".", ","):
        raise EolFileError(f"--decimal {shown(str(options.decimal))}: allowed: . or ,")
    name, text = os.fspath(path), read_rows(path, options.delimiter)
    sheet = layout.sheet(name, text, list(given.values()))
    found = columns.find(sheet, given)
    notes: list[str] = []
    tall = {"quantity", "value"} <= set(found)
    readings, decimal = (_long if tall else _wide)(sheet, found, options, text.delimiter, notes)
    _check_values(sheet, found, readings, tall)
    frame, spread = _with_lots(sheet, found, options, readings, notes)
    frame = with_cells(name, frame, found, repeat=options.repeat is not None, notes=notes)
    quantities = _enough(name, frame, notes)
    if "roll" in frame and frame["cell"].nunique() < 2 * len(frame.groupby(["lot", "roll"])):
        notes.append("Rolls were left out: most hold one cell only.")
        frame = frame.drop(columns="roll")
    facts = {
        "file": "".join(c if c.isprintable() else "?" for c in Path(name).name),
        "encoding": text.encoding,
        "delimiter": spoken_delimiter(text.delimiter),
        "decimal mark": "comma" if decimal == "," else "point",
        "layout": "one row a value" if tall else "one row a cell",
        "header": f"line {sheet.header_line}",
        "columns": "; ".join(_spoken(key, column) for key, column in found.items()),
        "lots": spread,
    }
    keep = ["line", "serial", "lot", *(["roll"] if "roll" in frame else []), "cell", *quantities]
    return EolData(name, frame[keep].reset_index(drop=True), quantities, facts, tuple(notes))


def _wide(sheet: Sheet, found: dict[str, Column], options: Options, delimiter: str, notes: list[str]) -> Any:
    measured = {q.name: found[q.name] for q in QUANTITIES if q.name in found}
    texts = {column.name: sheet.cells[column.place] for column in measured.values()}
    decimal = options.decimal or numerals.decimal_mark(sheet.name, texts, sheet.lines, delimiter)
    frame = pd.DataFrame({"line": sheet.lines, "row": np.arange(len(sheet.cells))})
    for key, column in measured.items():
        values = numerals.numbers(sheet.name, column.name, sheet.cells[column.place], sheet.lines, decimal)
        factors: Any = column.factor
        if math.isnan(column.factor):
            factors = _row_factors(sheet, found["unit"], [key] * len(values), np.isfinite(values))
        frame[key] = values * factors
    return frame, decimal


def _long(sheet: Sheet, found: dict[str, Column], options: Options, delimiter: str, notes: list[str]) -> Any:
    """One row a value: rows of the same cell (and repeat) are joined."""
    what = sheet.cells[found["quantity"].place]
    kinds = {text: _quantity_of(text) for text in what.unique()}
    if not any(kinds.values()):
        raise at(
            sheet.name, int(sheet.lines[0]), found["quantity"].name, f"no known quantity among {listed(list(kinds))}",
            f"names such as {', '.join(q.title for q in QUANTITIES)}",
        )  # fmt: skip
    if unknown := [text for text, kind in kinds.items() if not kind]:
        notes.append(
            f"Left out, because they are no quantity that is known here: {', '.join(map(shown, unknown[:8]))}."
        )
    if "serial" not in found:
        raise at(
            sheet.name,
            sheet.header_line,
            "",
            "one row a value and no column of serial numbers",
            "one, or --map serial=COLUMN",
        )
    kind = what.map(kinds)
    keep = kind.notna().to_numpy(bool)
    value = sheet.cells[found["value"].place][keep]
    lines = sheet.lines[keep]
    decimal = options.decimal or numerals.decimal_mark(sheet.name, {found["value"].name: value}, lines, delimiter)
    values = numerals.numbers(sheet.name, found["value"].name, value, lines, decimal)
    part = sheet._replace(cells=sheet.cells[keep].reset_index(drop=True), lines=lines)
    stated = [split_unit(text)[1] for text in what[keep]]
    factors = _row_factors(part, found.get("unit"), list(kind[keep]), np.isfinite(values), stated, found["value"].name)
    frame = pd.DataFrame(
        {"line": lines, "row": np.flatnonzero(keep), "kind": kind[keep].to_numpy(object), "value": values * factors}
    )
    keys = [k for k in ("lot", "serial", "repeat") if k in found]
    for key in keys:
        frame[key] = sheet.cells[found[key].place][keep].to_numpy(object)
    frame = frame[np.isfinite(frame["value"])]
    frame["time_of"] = frame.groupby([*keys, "kind"], sort=False).cumcount()
    wide = frame.pivot(index=[*keys, "time_of"], columns="kind", values="value")
    first = frame.groupby([*keys, "time_of"], sort=False)[["line", "row"]].min()
    out = first.join(wide).reset_index(drop=True).sort_values("row", ignore_index=True)
    return out[["line", "row", *(q.name for q in QUANTITIES if q.name in out)]], decimal


def _row_factors(
    sheet: Sheet,
    unit: Column | None,
    kinds: list[str],
    used: npt.NDArray[np.bool_],
    stated: list[str] | None = None,
    label: str = "",
) -> npt.NDArray[np.float64]:
    """Factor of each row from its own unit (a column of units, or beside the quantity's name)."""
    given = list(sheet.cells[unit.place]) if unit else [""] * len(kinds)
    known: dict[tuple[str, str], float] = {}
    out = np.ones(len(kinds))
    for k in np.flatnonzero(used):
        key = kinds[k], given[k] or (stated[k] if stated else "")
        if key not in known:
            column = unit.name if unit else label
            known[key] = columns.factor(sheet.name, int(sheet.lines[k]), BY_NAME[key[0]], column, key[1])
        out[k] = known[key]
    return out


def _quantity_of(text: str) -> str | None:
    for quantity in QUANTITIES:
        if text == quantity.name or quantity.pattern.search(normalised(split_unit(text, quantity)[0])):
            return quantity.name
    return None


def _check_values(sheet: Sheet, found: dict[str, Column], frame: pd.DataFrame, tall: bool) -> None:
    for quantity in QUANTITIES:
        if quantity.name not in frame:
            continue
        values = frame[quantity.name].to_numpy(float)
        column = found["value"].name if tall else found[quantity.name].name
        if not np.isfinite(values).any():
            raise at(sheet.name, sheet.header_line, column, "no number at all", "readings, or another column by --map")
        if quantity.positive and (values <= 0.0).any():
            k = int(np.flatnonzero(values <= 0.0)[0])
            raise at(
                sheet.name,
                int(frame["line"].iloc[k]),
                column,
                f"{values[k]:g} {quantity.unit}",
                f"a {quantity.title} > 0",
            )


def _with_lots(
    sheet: Sheet, found: dict[str, Column], options: Options, frame: pd.DataFrame, notes: list[str]
) -> tuple[pd.DataFrame, str]:
    """The readings with serial, lot and roll; and how lots were found."""
    rows, lines = frame["row"].to_numpy(), frame["line"].to_numpy(np.int64)

    def texts(key: str) -> pd.Series:
        return sheet.cells[found[key].place].iloc[rows].reset_index(drop=True)

    frame = frame.reset_index(drop=True)
    serial = texts("serial") if "serial" in found else pd.Series([f"row {line}" for line in lines])
    if numerals.missing(serial).any():
        k = int(np.flatnonzero(numerals.missing(serial))[0])
        raise at(sheet.name, int(lines[k]), found["serial"].name, "no serial number", "the serial number of every cell")
    frame["serial"] = serial.to_numpy(object)
    if "repeat" in found:
        frame["repeat"] = texts("repeat").to_numpy(object)
    if options.lot_size is not None:
        lot, how = (
            lots.by_size(pd.factorize(frame["serial"])[0], options.lot_size),
            f"{options.lot_size} consecutive cells each",
        )
    elif "lot" in found and options.lot_gap_hours is None:
        lot, how = lots.named(sheet.name, found["lot"].name, texts("lot"), lines), f"column {shown(found['lot'].name)}"
    elif "time" in found:
        hours = lots.times(sheet.name, found["time"].name, texts("time"), lines)
        first = pd.Series(hours).groupby(frame["serial"]).transform("min").to_numpy(float)
        lot, limit = lots.by_gap(first, options.lot_gap_hours)
        how = (
            f"gaps of more than {limit:.3g} h in column {shown(found['time'].name)}"
            if math.isfinite(limit)
            else "no clear gaps in time"
        )
        if options.lot_gap_hours is None and math.isfinite(limit):
            notes.append(
                f"Lots were told apart by gaps of more than {limit:.3g} h in time; --lot-gap HOURS sets another limit."
            )
    elif options.lot_gap_hours is not None:
        raise at(
            sheet.name, sheet.header_line, "", "--lot-gap and no column of timestamps", "one, or --map time=COLUMN"
        )
    else:
        lot, how = np.full(len(frame), "all", object), "none: no column of lots or times"
    frame["lot"] = lot
    if "roll" in found:
        frame["roll"] = lots.named(sheet.name, found["roll"].name, texts("roll"), lines)
    return frame, how


def _enough(name: str, frame: pd.DataFrame, notes: list[str]) -> tuple[str, ...]:
    """Quantities with readings of enough cells that differ."""
    cells = int(frame["cell"].nunique())
    if cells < FEWEST_CELLS:
        raise EolFileError(f"{name}: given {cells} cells; allowed: at least {FEWEST_CELLS}")
    together = frame.groupby("lot")["cell"].nunique()
    if int(together[together > 1].sum()) < FEWEST_CELLS:
        raise EolFileError(
            f"{name}: given {together.size} lots for {cells} cells; allowed: lots of several cells, see --lot and --lot-size"
        )
    good = []
    for quantity in QUANTITIES:
        if quantity.name not in frame:
            continue
        values = frame[quantity.name].to_numpy(float)
        some = np.isfinite(values)
        read = int(frame["cell"][some].nunique())
        if read < FEWEST_CELLS:
            notes.append(
                f"{quantity.title} was left out: it was read on {read} cells, at least {FEWEST_CELLS} are needed."
            )
        elif np.ptp(values[some]) == 0.0:
            notes.append(f"{quantity.title} was left out: all its readings are equal.")
        else:
            good.append(quantity.name)
    if not good:
        raise EolFileError(
            f"{name}: given no quantity with readings that differ, of {FEWEST_CELLS} cells or more; allowed: "
            f"at least one of {', '.join(BY_NAME)}"
        )
    return tuple(good)


def _spoken(key: str, column: Column) -> str:
    return f"{key} = {shown(column.name, 40)}" + (f" [{column.unit.strip('[]()')}]" if column.unit else "")

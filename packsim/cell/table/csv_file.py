"""Table files: one row per SOC (and temperature).

    soc_pct, ocv_v, resistance_mohm      required; resistance_mohm is R0
    temperature_degc                     optional; every temperature then has the same SOCs
    r1_mohm, tau1_s, r2_mohm, tau2_s     optional, by pairs
    resistance_charge_mohm               optional: R0 on charge
    hysteresis_mv                        optional: half the gap between the OCV after charge and after discharge

Rows may stand in any order of temperature; within one temperature soc_pct rises. Other columns are left alone, unless
their name looks like one of these misspelt.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from packsim.scenario.suggest import closest

if TYPE_CHECKING:
    from packsim.cell.table.table_cell import TableCell

Array = npt.NDArray[np.float64]

REQUIRED = ("soc_pct", "ocv_v", "resistance_mohm")
PAIRS = (("r1_mohm", "tau1_s"), ("r2_mohm", "tau2_s"))
OPTIONAL = ("temperature_degc", *PAIRS[0], *PAIRS[1], "resistance_charge_mohm", "hysteresis_mv")
LIMITS = {  # column: (least, most, whether the least itself is refused)
    "soc_pct": (0.0, 100.0, False),
    "temperature_degc": (-273.15, np.inf, True),
    "tau1_s": (0.0, np.inf, True),
    "tau2_s": (0.0, np.inf, True),
}


def read(path: Path, make: type[TableCell], capacity_ah: float, **more: Any) -> TableCell:
    """The cell of a table file; `more` are further arguments of `TableCell`.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a column or value that does not fit, in one line that names file, line and column.
    """
    columns, lines = _columns(path)
    temperature, rows = _by_temperature(path, columns, lines)

    def table(name: str) -> Array:
        values: Array = columns[name][rows]
        return values if temperature.size else values[0]

    _check_order(path, columns, lines, rows)
    pairs = [pair for pair in PAIRS if pair[0] in columns]
    try:
        return make(
            capacity_ah,
            columns["soc_pct"][rows[0]] / 100.0,
            table("ocv_v"),
            table("resistance_mohm"),
            rc_mohm=tuple(table(pair[0]) for pair in pairs),
            rc_s=tuple(table(pair[1]) for pair in pairs),
            temperature_degc=temperature,
            resistance_charge_mohm=table("resistance_charge_mohm") if "resistance_charge_mohm" in columns else None,
            hysteresis_mv=table("hysteresis_mv") if "hysteresis_mv" in columns else 0.0,
            **more,
        )
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _columns(path: Path) -> tuple[dict[str, Array], list[int]]:
    """Known columns as numbers, and the file's line number of each row."""
    with path.open(newline="", encoding="utf-8-sig", errors="replace") as file:
        reader = csv.reader(file)
        header = [name.strip() for name in next(reader, [])]
        _check_header(path, header)
        known = {name: header.index(name) for name in header if name in REQUIRED or name in OPTIONAL}
        lines, cells = [], []
        for row in reader:
            if any(text.strip() for text in row):
                lines.append(reader.line_num)
                cells.append(row)
    if len(cells) < 2:
        raise ValueError(f"{path}: {len(cells)} rows of values; a table needs at least two")
    return {
        name: np.array([_number(path, line, name, row, at) for line, row in zip(lines, cells, strict=True)])
        for name, at in known.items()
    }, lines


def _check_header(path: Path, header: list[str]) -> None:
    missing = [name for name in REQUIRED if name not in header]
    if missing:
        raise ValueError(f"{path}: missing columns {', '.join(missing)}; found {', '.join(header)}")
    everything = (*REQUIRED, *OPTIONAL)
    for name in header:
        if name in everything:
            if header.count(name) > 1:
                raise ValueError(f"{path}: line 1: column {name} stands twice")
        elif name and (meant := closest(name, everything)) and meant not in header:
            raise ValueError(f"{path}: line 1: column {name}; did you mean {meant}?")
    for pair in PAIRS:
        given = [name for name in pair if name in header]
        if len(given) == 1:
            raise ValueError(f"{path}: line 1: columns {pair[0]} and {pair[1]} go together; found only {given[0]}")


def _number(path: Path, line: int, name: str, row: list[str], at: int) -> float:
    text = row[at].strip() if at < len(row) else ""
    least, most, open_end = LIMITS.get(name, (0.0, np.inf, name == "ocv_v"))
    try:
        value = float(text)
    except ValueError:
        value = np.nan
    if not (np.isfinite(value) and least <= value <= most) or (open_end and value == least):
        allowed = f"a number {'>' if open_end else '>='} {least:g}" + (f" and <= {most:g}" if most < np.inf else "")
        raise ValueError(f"{path}: line {line}, column {name}: given {text!r}; allowed: {allowed}")
    return value


def _by_temperature(path: Path, columns: dict[str, Array], lines: list[int]) -> tuple[Array, npt.NDArray[np.intp]]:
    """Temperatures [t] (none without the column) and the rows of each [t, n]."""
    if "temperature_degc" not in columns:
        return np.zeros(0), np.arange(len(lines))[None]
    temperature = np.unique(columns["temperature_degc"])
    rows = [np.flatnonzero(columns["temperature_degc"] == t) for t in temperature]
    soc = columns["soc_pct"]
    for t, these in zip(temperature, rows, strict=True):
        if these.size != rows[0].size or np.any(soc[these] != soc[rows[0]]):
            shared = np.isin(soc[these], soc[rows[0]])
            line = lines[these[np.argmin(shared)]] if not np.all(shared) else lines[these[0]]
            raise ValueError(
                f"{path}: line {line}, column soc_pct: the SOCs at {t:g} degC are not those at {temperature[0]:g} degC"
            )
    return temperature, np.array(rows)


def _check_order(path: Path, columns: dict[str, Array], lines: list[int], rows: npt.NDArray[np.intp]) -> None:
    """Refuse SOCs that do not rise and OCVs that fall."""
    for these in rows:
        for name, least in (("soc_pct", np.nextafter(0.0, 1.0)), ("ocv_v", 0.0)):
            values = columns[name][these]
            wrong = np.flatnonzero(np.diff(values) < least)
            if wrong.size:
                k = these[wrong[0] + 1]
                before = values[wrong[0]]
                word = "above" if name == "soc_pct" else "at or above"
                raise ValueError(
                    f"{path}: line {lines[k]}, column {name}: given {columns[name][k]:g}; "
                    f"allowed: {word} {before:g} of the row before"
                )

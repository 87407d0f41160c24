"""Drive cycles and temperature profiles: points over time, read from CSV, with their exact running integral."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from packsim.scenario.errors import ScenarioError
from packsim.scenario.suggest import hint

Array = npt.NDArray[np.float64]

HOLD, LINEAR = 0, 1  # between points: the value until the next point, or a straight line
INTERPOLATION = {"hold": HOLD, "linear": LINEAR}
SUFFIXES = {"ma": ("A", 1e-3), "a": ("A", 1.0), "kw": ("W", 1e3), "mw": ("W", 1e6), "w": ("W", 1.0), "c": ("C", 1.0)}
NAMED_UNITS = {"mA": ("A", 1e-3), "A": ("A", 1.0), "kW": ("W", 1e3), "W": ("W", 1.0), "C": ("C", 1.0)}
MOST_POINTS = 20_000_000


class Profile(NamedTuple):
    """Values over time from 0 on. Times increase; where a repeated profile jumps two points share one time."""

    time_s: Array
    value: Array
    interpolation: int


def running_integral(profile: Profile) -> Array:
    """Integral of the profile from its first point to each point [value unit x s]; the first is 0."""
    dt = np.diff(profile.time_s)
    left, right = profile.value[:-1], profile.value[1:]
    mean = left if profile.interpolation == HOLD else 0.5 * (left + right)
    return np.concatenate([[0.0], np.cumsum(mean * dt)])


def integral_to(time: float, t: Array, value: Array, cumulative: Array, interpolation: int) -> float:
    """Integral of a profile from 0 to `time`; before its first and after its last point the nearest value stays.

    `(integral_to(b) - integral_to(a)) / (b - a)` is the exact mean over [a, b]. Plain numbers and arrays only, so that a
    kernel may hold the same lines.
    """
    last = t.size - 1
    k = min(max(int(np.searchsorted(t, time, side="right")) - 1, 0), last)
    past = time - t[k]
    if k == last or past <= 0.0 or interpolation != LINEAR:
        return float(cumulative[k] + value[k] * past)
    slope = (value[k + 1] - value[k]) / (t[k + 1] - t[k])
    return float(cumulative[k] + past * (value[k] + 0.5 * slope * past))


def repeated(profile: Profile, times: int) -> Profile:
    """The profile `times` times in a row; each run starts where the one before ended in time.

    Raises:
        ScenarioError: more than 20 million points would come of it.
    """
    if times == 1:
        return profile
    time, value, interpolation = profile
    if time.size * times > MOST_POINTS:
        raise ScenarioError([f"repeat: given {times} x {time.size} points; allowed: up to {MOST_POINTS} points"])
    seamless = interpolation == HOLD or value[0] == value[-1]
    keep = time.size - 1 if seamless else time.size  # the last point is the next run's first, or the foot of a jump
    start = np.repeat(time[-1] * np.arange(times), keep)
    runs = [start + np.tile(time[:keep], times), np.tile(value[:keep], times)]
    if seamless:
        runs = [np.append(runs[0], time[-1] * times), np.append(runs[1], value[-1])]
    return Profile(runs[0], runs[1], interpolation)


class Column(NamedTuple):
    """Which column of a file is read, and how."""

    name: str = ""  # "" : the one whose name says current or power
    kind: str = ""  # current, power or "" for either
    unit: str = ""  # "" : the end of the column's name says it
    scale: float = 1.0
    interpolation: int = LINEAR


def read_drive_cycle(path: str | os.PathLike[str], column: Column) -> tuple[Profile, str]:
    """A drive cycle in A, W or C (of the rated pack), scaled, from time 0 on; and which of the three it is.

    The file has a header with `time_s` and the values' column, e.g. `power_kw` or `current_a`; lines that begin with `#`
    are comments. The first time is taken as 0; the cycle ends at its last time.

    Raises:
        ScenarioError: one line: no file, a missing or ambiguous column, an unknown unit, a time that does not increase,
            a value that is no finite number.
    """
    table = _table(path)
    name = column.name or _only_candidate(path, table, column.kind)
    unit, factor = _unit(path, name, column)
    time = _numbers(path, table, "time_s")
    value = _numbers(path, table, name) * factor * column.scale
    return Profile(_times(path, table, time), value, column.interpolation), unit


def read_ambient(path: str | os.PathLike[str], column: str, interpolation: int) -> Profile:
    """A temperature profile [degC] over the time since the protocol began; raises as `read_drive_cycle`."""
    table = _table(path)
    value = _numbers(path, table, column)
    cold = np.flatnonzero(value <= -273.15)
    if cold.size:
        raise _refusal(path, table, int(cold[0]), column, "a temperature above -273.15 degC")
    return Profile(_times(path, table, _numbers(path, table, "time_s")), value, interpolation)


class _Table(NamedTuple):
    header: list[str]
    rows: list[list[str]]
    lines: list[int]  # line of each row in the file


def _table(path: str | os.PathLike[str]) -> _Table:
    """Header and rows of a CSV file, comments and empty lines left out."""
    import csv

    name = os.fspath(path)
    if not Path(path).is_file():
        raise ScenarioError([f"{name}: given a file that does not exist; allowed: a CSV file with a column time_s"])
    try:
        content = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioError(
            [f"{name}: given a file that cannot be read ({error}); allowed: a CSV file (UTF-8)"]
        ) from None
    kept = [(number, line) for number, line in enumerate(content, 1) if line.strip() and not line.startswith("#")]
    rows = [[cell.strip() for cell in row] for row in csv.reader([line for _, line in kept])]
    if len(rows) < 3:
        raise ScenarioError([f"{name}: given {max(len(rows) - 1, 0)} rows; allowed: a header and at least two rows"])
    return _Table(rows[0], rows[1:], [number for number, _ in kept[1:]])


def _only_candidate(path: str | os.PathLike[str], table: _Table, kind: str) -> str:
    """The one column whose name says that it is a current or a power."""
    stems = (kind,) if kind else ("current", "power")
    found = [name for name in table.header if name.split("_")[0] in stems and name.rpartition("_")[2] in SUFFIXES]
    if len(found) == 1:
        return found[0]
    wanted = " or ".join(f"{stem}_{'a' if stem == 'current' else 'kw'}" for stem in stems)
    given = " and ".join(found) or f"columns {', '.join(table.header)}"
    rest = "or say which with `kind` or `column`" if found else "or name another with `column` and `unit`"
    raise ScenarioError([f"{os.fspath(path)}:1: given {given}; allowed: one column like {wanted}, {rest}"])


def _unit(path: str | os.PathLike[str], name: str, column: Column) -> tuple[str, float]:
    """A, W or C, and the factor to it."""
    suffix = name.rpartition("_")[2]
    if not column.unit and suffix not in SUFFIXES:
        allowed = "a column whose name ends in _a, _ma, _c, _w or _kw, or a key `unit`"
        raise ScenarioError([f"{os.fspath(path)}:1: {name}: given a column without a unit; allowed: {allowed}"])
    unit, factor = NAMED_UNITS[column.unit] if column.unit else SUFFIXES[suffix]
    if column.kind and (column.kind == "power") != (unit == "W"):
        allowed = "W or kW" if column.kind == "power" else "A, mA or C"
        raise ScenarioError([f"{os.fspath(path)}:1: {name}: given {column.kind} in {unit}; allowed: {allowed}"])
    return unit, factor


def _numbers(path: str | os.PathLike[str], table: _Table, name: str) -> Array:
    if table.header.count(name) != 1:
        given = f"no column {name}" if name not in table.header else f"{table.header.count(name)} columns {name}"
        near = hint(name, table.header) if name not in table.header else ""
        text = f"{os.fspath(path)}:1: given {given}; allowed: one, found are {', '.join(table.header)}{near}"
        raise ScenarioError([text])
    at = table.header.index(name)
    values = np.empty(len(table.rows))
    for place, row in enumerate(table.rows):
        try:
            values[place] = float(row[at]) if at < len(row) else math.nan
        except ValueError:
            values[place] = math.nan
        if not math.isfinite(values[place]):
            raise _refusal(path, table, place, name, "a finite number")
    return values


def _times(path: str | os.PathLike[str], table: _Table, time: Array) -> Array:
    wrong = np.flatnonzero(np.diff(time) <= 0.0)
    if wrong.size:
        place = int(wrong[0]) + 1
        raise _refusal(path, table, place, "time_s", f"a time later than {time[place - 1]:g} s in the row before")
    shifted: Array = time - time[0]
    return shifted


def _refusal(path: str | os.PathLike[str], table: _Table, place: int, name: str, allowed: str) -> ScenarioError:
    row, at = table.rows[place], table.header.index(name)
    given = repr(row[at]) if at < len(row) else "a row that is too short"
    return ScenarioError([f"{os.fspath(path)}:{table.lines[place]}: {name}: given {given}; allowed: {allowed}"])

"""A whole measurement: the machine, and rows; to a file and back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from packsim.bench.benches import BENCHES
from packsim.bench.machine import machine
from packsim.bench.row import Beside, Error, Row
from packsim.bench.settings import Settings

KIND = "packsim bench"
FORMAT = 1


class Result(NamedTuple):
    """What one `packsim bench` found."""

    measured: str  # when, UTC
    quick: bool
    machine: dict[str, str]
    rows: list[Row]

    @property
    def misses(self) -> list[str]:
        """What is beyond its bound."""
        return [line for row in self.rows for line in row.misses]

    def plain(self) -> dict[str, Any]:
        """As JSON; `misses` beside, for those who read the file by eye."""
        rows = [row_json(row) for row in self.rows]
        return {"kind": KIND, "format": FORMAT, **self._asdict(), "rows": rows, "misses": self.misses}


def begun(settings: Settings) -> Result:
    """An empty result, with the machine as it is before anything runs."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Result(now, settings.quick, machine(), [])


def measure(names: list[str], settings: Settings, begin: Callable[[str], None]) -> Iterator[tuple[str, list[Row]]]:
    """Rows of each benchmark as it ends; `begin` is told each name before."""
    for name in names:
        begin(name)
        rows = list(BENCHES[name].measure(settings))
        yield name, [row.without_speed_bounds() for row in rows] if settings.quick else rows


def row_json(row: Row) -> dict[str, Any]:
    """A row by its fields."""
    beside = None if row.beside is None else row.beside._asdict()
    return row._asdict() | {"beside": beside, "errors": [error._asdict() for error in row.errors]}


def read(path: Path) -> Result:
    """A result that `packsim bench --json` wrote.

    Raises:
        OSError: no such file. ValueError: it is something else, in one line.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if found["kind"] != KIND or found["format"] != FORMAT:
            raise ValueError
        rows = [row_of(row) for row in found["rows"]]
        return Result(str(found["measured"]), bool(found["quick"]), dict(found["machine"]), rows)
    except (ValueError, KeyError, TypeError) as error:  # decoding errors are ValueErrors
        raise ValueError(f"{path}: is no result of packsim bench --json; allowed: a file that it wrote") from error


def row_of(given: dict[str, Any]) -> Row:
    """A row from its fields; numbers that JSON does not have are nan."""
    errors = tuple(Error(**numbers(error)) for error in given["errors"])
    beside = None if given["beside"] is None else Beside(**numbers(given["beside"]))
    return Row(**numbers(given) | {"errors": errors, "beside": beside})


def numbers(given: dict[str, Any]) -> dict[str, Any]:
    """nan for values that are null."""
    return {
        name: float("nan") if value is None and name in ("value", "ratio") else value for name, value in given.items()
    }

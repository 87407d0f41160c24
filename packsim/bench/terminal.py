"""Results as the terminal shows them: the machine, one table for each benchmark, or two results side by side."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from packsim.bench.benches import BENCHES
from packsim.bench.result import Result
from packsim.bench.row import Row
from packsim.bench.words import beside_words, bound_words, error_words, number, verdict

WIDTH = 118


def console() -> Console:
    """Plain text of one width, so that tables of different benchmarks line up."""
    return Console(width=WIDTH, highlight=False, markup=False)


def print_machine(machine: dict[str, str]) -> None:
    """The machine, one line each."""
    out = console()
    for name, value in machine.items():
        out.print(f"{name:<17}{value}", style="dim")


def print_rows(name: str, rows: Sequence[Row]) -> None:
    """The table of one benchmark."""
    out = console()
    out.print(f"\n{BENCHES[name].title} ({name})", style="bold")
    if not rows:
        out.print("not measured here")
        return
    table = Table("what", "measured", "bound", "beside", "error of the same build", box=None, header_style="bold")
    for column, width in zip(table.columns, (34, 18, 14, 24, 24), strict=True):
        column.width = width
    for row in rows:
        measured = f"{number(row.value)} {row.unit}{' MISSED' if row.misses else ''}"
        table.add_row(row.name, measured, bound_words(row), beside_words(row), error_words(row))
    out.print(table)


def print_against(new: Result, old: Result) -> None:
    """Two results: what of the machine differs, then every row with the ratio of the two."""
    out = console()
    changed = Table("machine", "old", "new", box=None, header_style="bold")
    for name in dict.fromkeys([*old.machine, *new.machine]):
        before, now = (result.machine.get(name, "-") for result in (old, new))
        if before != now:
            changed.add_row(name, before, now)
    changed.add_row("measured", old.measured, new.measured)
    out.print("\nBeside the other result", style="bold")
    out.print(changed)
    table = Table("what", "unit", "old", "new", "new / old", "", box=None, header_style="bold")
    for column in table.columns[2:5]:
        column.justify = "right"
    for cells in against(new, old):
        table.add_row(*cells)
    out.print(table)


def against(new: Result, old: Result) -> list[tuple[str, ...]]:
    """Rows of the table of two results: name, unit, old, new, new / old, in words."""
    before = {(row.bench, row.name): row for row in old.rows}
    cells: list[tuple[str, ...]] = []
    for row in new.rows:
        was = before.pop((row.bench, row.name), None)
        if was is None or was.unit != row.unit:
            cells.append((row.name, row.unit, "-", number(row.value), "-", "only in the new one"))
            continue
        ratio = row.value / was.value if was.value else float("nan")
        cells.append((row.name, row.unit, number(was.value), number(row.value), f"{ratio:.3f}", verdict(row, ratio)))
        errors = {error.name: error for error in was.errors}
        for error in row.errors:
            name = f"  error: {error.name}"
            past = errors[error.name].value if error.name in errors else float("nan")
            share = f"{error.value / past:.3f}" if past else "-"
            cells.append((name, error.unit, number(past), number(error.value), share, ""))
    cells += [(row.name, row.unit, number(row.value), "-", "-", "only in the old one") for row in before.values()]
    return cells

"""`packsim bench`: measure or read a result, show it, write it, set it beside another one."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from rich.console import Console

from packsim.bench.benches import BENCHES, chosen
from packsim.bench.pages import keep_pages
from packsim.bench.result import Result, begun, measure, read
from packsim.bench.settings import CHECKOUT, Settings
from packsim.bench.terminal import console, print_against, print_machine, print_rows
from packsim.scenario.new_file import new_file
from packsim.study.output import to_json


def bench(
    file: Path | None = None,
    against: Path | None = None,
    only: str | None = None,
    *,
    quick: bool = False,
    json: Path | None = None,
    force: bool = False,
    quiet: bool = False,
    checkout: Path = CHECKOUT,
) -> list[str]:
    """What is beyond its bound, one line each; tables go to the terminal as benchmarks end.

    Args:
        file: a result to show instead of measuring. against: another one to set beside.
        only: names, separated by commas. json: where to write the result. checkout: where benchmarks/ and configs/ are.

    Raises:
        ValueError: a name, a result or choices that cannot be, in one line. OSError: a file that is not there.
        OutputExists: `json` exists and `force` is not given, or cannot be written.
    """
    try:
        names = chosen(only)
    except ValueError as error:
        raise ValueError(f"--only: {error}") from None
    if file is not None and (only is not None or quick or json is not None):
        raise ValueError(f"{file}: given with --only, --quick or --json; allowed: a result alone or with --against")
    old = None if against is None else read(against)
    with contextlib.ExitStack() as stack:
        work = None if json is None else stack.enter_context(new_file(json, force=force))
        found = _measured(names, Settings(quick, checkout), quiet) if file is None else _shown(read(file))
        if work is not None:
            work.write_text(to_json(found.plain()), encoding="utf-8")
    if old is not None:
        print_against(found, old)
    return found.misses


def _measured(names: list[str], settings: Settings, quiet: bool) -> Result:
    """Measure and show, one benchmark after another."""
    found, out = begun(settings), console()
    found.machine["memory that was used"] = "stays with the process" if keep_pages() else "goes back to the system"
    print_machine(found.machine)
    for line in settings.missing:
        out.print(line)
    with _status(quiet) as say:
        for name, rows in measure(names, settings, say):
            found.rows.extend(rows)
            print_rows(name, rows)
    _end(found)
    return found


def _shown(found: Result) -> Result:
    """A result that was measured before."""
    print_machine({"measured": found.measured, **found.machine})
    for name in BENCHES:
        if rows := [row for row in found.rows if row.bench == name]:
            print_rows(name, rows)
    _end(found)
    return found


def _end(found: Result) -> None:
    out = console()
    if found.quick:
        out.print("\nQuick: it all runs; times mean nothing.")
    for line in found.misses:
        out.print(f"MISSED {line}")


@contextlib.contextmanager
def _status(quiet: bool) -> Iterator[Callable[[str], None]]:
    """A line on standard error that says what is measured now; nothing when quiet or not on a terminal."""
    if quiet or not sys.stderr.isatty():
        yield lambda name: None
        return
    with Console(stderr=True).status("starting") as status:
        yield lambda name: status.update(f"measuring {BENCHES[name].title} ({name}; the first use compiles)")

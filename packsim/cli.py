"""The command line: thin; every command is one call of the library. Errors are one line each and exit with 2."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from packsim.study.garbage import no_collection_at_start

if TYPE_CHECKING:
    from packsim.scenario.model import Scenario
    from packsim.study.cell_table import CellChoice
    from packsim.study.compare import Comparison
    from packsim.study.engine import Engine
    from packsim.study.life import LifeResult
    from packsim.study.store.parquet import ParquetStore
    from packsim.study.store.resumable import Unfinished
    from packsim.study.store.shards import Shards
    from packsim.study.store.url import Place
    from packsim.study.sweep import Variant

app = typer.Typer(
    name="packsim",
    help="How the way batteries are made decides how packs behave.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

ScenarioFile = Annotated[Path, typer.Argument(help="Scenario file (YAML).")]
Packs = Annotated[int | None, typer.Option(min=1, help="Packs to build; default: the scenario's.")]
Seed = Annotated[
    int | None, typer.Option(min=0, max=2**64 - 1, help="Seed of every random number; default: the scenario's.")
]
Out = Annotated[Path | None, typer.Option(help="Folder for the report and tables; must not exist.")]
RunOut = Annotated[
    str | None,
    typer.Option(metavar="PATH|URL", help="Folder for the report and tables, or its URL (s3://...); must not exist."),
]
Force = Annotated[bool, typer.Option("--force", help="Replace what packsim wrote there before.")]
Json = Annotated[bool, typer.Option("--json", help="Print machine-readable JSON only.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change a key, e.g. --set pack.series=48; repeatable."),
]
Life = Annotated[
    str | None,
    typer.Option("--life", metavar="YEARS", help="Also follow the packs through years in the field, e.g. 8y."),
]
Cells = Annotated[str, typer.Option("--cells", metavar="WHICH", help="Also write cells: none, shipped or all.")]
CellColumns = Annotated[
    str | None, typer.Option(metavar="A,B,C", help="Only these columns of cells, e.g. pack,position,capacity_ah.")
]
EngineName = Annotated[
    str,
    typer.Option("--engine", metavar="NAME", help="Who computes: local (this process), or dask (packsim[cluster])."),
]
Scheduler = Annotated[
    str | None, typer.Option(metavar="ADDRESS", help="Dask scheduler, e.g. tcp://10.0.0.1:8786; else workers here.")
]
ShardCells = Annotated[
    int | None,
    typer.Option(min=1, help="Cells in a shard, about, by default 500,000: no more is computed again after a kill."),
]


@app.callback(invoke_without_command=True)
def _packsim(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        from packsim import __version__

        typer.echo(__version__)
        raise typer.Exit


@app.command()
@no_collection_at_start()
def run(
    file: ScenarioFile,
    set_: Set = None,
    packs: Packs = None,
    seed: Seed = None,
    out: RunOut = None,
    force: Force = False,
    cells: Cells = "none",
    cell_columns: CellColumns = None,
    shard_cells: ShardCells = None,
    engine: EngineName = "local",
    scheduler: Scheduler = None,
    life: Life = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Build, test and judge the packs of one scenario; with --life also their years in the field.

    A run with --out that is killed goes on when the same command is given again.
    """
    from packsim.scenario.load import load
    from packsim.study.output import check_free, to_json
    from packsim.study.store.url import place
    from packsim.study.writing import run_json

    scenario, choice = _changed(load(file), set_), _choice(cells, cell_columns, out)
    years, silent, chosen = _years(life), json or quiet, _engine(engine, scheduler)
    to = None if out is None else place(out)
    if to is not None:
        check_free(to, force=force)
    from packsim.study.first_use import compiled_ahead
    from packsim.study.freed_memory import keep_freed_memory
    from packsim.study.progress import bar
    from packsim.study.store.resumable import resumable

    keep_freed_memory()
    with compiled_ahead(scenario), resumable(to) as way:  # before printing: whoever reads may close the pipe
        store = _store(way, scenario, packs, seed, choice, shard_cells, force, silent)
        kept = _kept(way, scenario, years, packs, seed, "", force, silent)
        with bar(silent, scenario.name) as progress:
            from packsim.study.run import run as run_study

            result = run_study(scenario, packs, seed, store=store, engine=chosen, progress=progress)
        field = None if years is None else _field(scenario, years, packs, seed, kept, silent)
        if way is not None and store is not None:
            from packsim.study.writing import write_run

            write_run(result, file, store.folder, field)
            way.close()
            store.move(way.out)
            way.drop()
    if json:
        typer.echo(to_json(run_json(result, field)), nl=False)
    else:
        from packsim.study.terminal import print_run

        print_run(result, field)
    _hint(to, silent)


@app.command()
@no_collection_at_start()
def compare(
    a: Annotated[Path, typer.Argument(help="Scenario file of the first line.")],
    b: Annotated[Path, typer.Argument(help="Scenario file of the second line.")],
    improvement_conformance_share: Annotated[
        str | None, typer.Option(help="Repeat for these shares of the fall in rejects, e.g. 0,0.5,1.")
    ] = None,
    baseline_conformance_share: Annotated[
        str | None, typer.Option(help="Repeat for these shares of the baseline's rejects, e.g. 0.05,0.5,1.")
    ] = None,
    set_: Set = None,
    packs: Packs = None,
    seed: Seed = None,
    out: Out = None,
    force: Force = False,
    cells: Cells = "none",
    cell_columns: CellColumns = None,
    life: Life = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Compare two scenarios under common luck: what differs, by how much, and what of it is real."""
    from packsim.scenario.load import load
    from packsim.study.output import check_free, to_json
    from packsim.study.writing import comparison_json, write_comparison

    first, second = (_changed(scenario, set_) for scenario in _load_both(load, a, b))
    shares = {
        "improvement_conformance_share": _shares("--improvement-conformance-share", improvement_conformance_share, 0.0),
        "baseline_conformance_share": _shares("--baseline-conformance-share", baseline_conformance_share, 0.05),
    }
    years, choice, silent = _years(life), _choice(cells, cell_columns, out), json or quiet
    if out is not None:
        check_free(out, force=force)
    from packsim.study.first_use import compiled_ahead
    from packsim.study.freed_memory import keep_freed_memory
    from packsim.study.progress import bar
    from packsim.study.store.resumable import resumable

    same = first.packs if packs is None else packs, first.seed if seed is None else seed
    keep_freed_memory()
    with compiled_ahead(first), resumable(out) as way:  # before printing: whoever reads may close the pipe
        kept = [_kept(way, s, years, *same, f"-{label}", force, silent) for label, s in (("a", first), ("b", second))]
        with bar(silent, f"{first.name} against {second.name}") as progress:
            from packsim.study.compare import compare as compare_study

            comparison = compare_study(first, second, packs, seed, progress=progress)
            variants = _variants(comparison, shares, progress)
        lives = []
        if years is not None:
            lives = [_field(s, years, *same, k, silent) for s, k in zip((first, second), kept, strict=True)]
        if way is not None and out is not None:
            write_comparison(comparison, variants, a, b, out, choice, lives)
            way.close()
            way.drop()
    if json:
        typer.echo(to_json(comparison_json(comparison, variants, lives)), nl=False)
    else:
        from packsim.study.terminal import print_comparison

        print_comparison(comparison, variants, lives)
    _hint(out, silent)


@app.command()
def rest(
    file: ScenarioFile,
    days: Annotated[str, typer.Option(help="Days between the two voltage readings, e.g. 10,8,6.")] = "10,9,8,7,6",
    cells: Annotated[int, typer.Option(min=1, help="Cells to test, rounded up to whole lots.")] = 200_000,
    set_: Set = None,
    seed: Seed = None,
    out: Out = None,
    force: Force = False,
    json: Json = False,
) -> None:
    """Rest times before the K-value's second reading: what each costs, and what leaks it lets pass."""
    from packsim.scenario.load import load
    from packsim.study.output import check_free, to_json, whole_folder

    scenario, numbers = _changed(load(file), set_), _days(days)
    if out is not None:
        check_free(out, force=force)
    from packsim.study.rest import rest_tradeoff

    table = rest_tradeoff(scenario, numbers, cells, seed)
    text = to_json({"scenario": scenario.name, "rest": table.reset_index().to_dict("records")})
    if out is not None:
        with whole_folder(out) as folder:
            (folder / "rest.json").write_text(text, encoding="utf-8")
            table.to_csv(folder / "rest.csv")
    typer.echo(text if json else table.T.to_string(float_format="{:.5g}".format), nl=not json)


@app.command()
def fit(
    file: Annotated[Path, typer.Argument(help="End-of-line data (CSV of any delimiter, decimal mark and layout).")],
    base: Annotated[
        Path | None, typer.Option(help="Scenario that gives cell, pack and inspection; default: that of packsim init.")
    ] = None,
    map_: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="NAME=COLUMN[:UNIT]",
            help="Which column is what, e.g. --map capacity_ah=Q1:mAh; repeatable.",
        ),
    ] = None,
    lot: Annotated[str | None, typer.Option(help="Column of lots.")] = None,
    lot_size: Annotated[int | None, typer.Option(help="Lots of so many consecutive cells.")] = None,
    lot_gap: Annotated[float | None, typer.Option(help="A new lot after a gap of so many hours.")] = None,
    repeat: Annotated[
        str | None, typer.Option(help="Column that numbers repeated measurements; the serial column if serials repeat.")
    ] = None,
    delimiter: Annotated[str | None, typer.Option(help="Delimiter; default: found by itself.")] = None,
    decimal: Annotated[str | None, typer.Option(help="Decimal mark, . or ,; default: found by itself.")] = None,
    out: Out = None,
    force: Force = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Fit a line to end-of-line data: a scenario whose cells read alike, and a report."""
    from packsim.study.output import check_free, to_json

    columns = _mapped(map_)
    if out is not None:
        check_free(out, force=force)
    from packsim.study.fit import fit as fit_study
    from packsim.study.fitting.writing import fit_json, write_fit

    mark = "\t" if delimiter in ("tab", "\\t") else delimiter
    found = fit_study(
        file, columns=columns, lot=lot, lot_size=lot_size, lot_gap_hours=lot_gap, repeat=repeat, delimiter=mark,
        decimal=decimal, base=base,
    )  # fmt: skip
    if out is not None:  # before printing: whoever reads may close the pipe
        write_fit(found, out)
    if json:
        typer.echo(to_json(fit_json(found)), nl=False)
    elif not quiet:
        from packsim.study.fitting.terminal import print_fit

        print_fit(found)
    _hint(out, json or quiet)


@app.command()
def bench(
    result: Annotated[
        Path | None, typer.Argument(help="A result that --json wrote before, instead of measuring now.")
    ] = None,
    against: Annotated[
        Path | None, typer.Option(metavar="OLD.json", help="Another result, of another commit say, to set beside.")
    ] = None,
    only: Annotated[str | None, typer.Option(metavar="NAME,...", help="Only these benchmarks.")] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Seconds instead of minutes: whether all of it runs; times mean nothing.")
    ] = False,
    json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Also write everything to this new file.")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Exit with 1 if a bound is missed.")] = False,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Measure how fast packsim is here, beside NumPy and PyBaMM, with the errors of the same build.

    Takes about five minutes and should be alone on the machine.
    """
    from packsim.bench.command import bench as measure

    try:
        missed = measure(result, against, only, quick=quick, json=json, force=force, quiet=quiet)
    except ValueError as error:
        raise _UserError(str(error)) from None
    if check and missed:
        raise typer.Exit(1)


@app.command()
def init(
    path: Annotated[Path, typer.Argument(help="File to write.")] = Path("scenario.yaml"),
    force: Force = False,
) -> None:
    """Write a commented starter scenario."""
    from packsim.scenario.starter import starter_text
    from packsim.study.writing import write_new

    write_new(path, starter_text(), force)
    typer.echo(f"wrote {path}; next: packsim run {path}")


@app.command()
def schema(
    path: Annotated[Path, typer.Argument(help="File to write; - for standard output.")] = Path("scenario.schema.json"),
    force: Force = False,
) -> None:
    """Write the JSON Schema of scenario files, with units, for editors."""
    from packsim.scenario.schema import json_schema
    from packsim.study.output import to_json
    from packsim.study.writing import write_new

    text = to_json(json_schema())
    if str(path) == "-":
        typer.echo(text, nl=False)
        return
    write_new(path, text, force)
    typer.echo(f"wrote {path}")


INTERRUPTED = 130


class _UserError(ValueError):
    """A mistake in how a command was called: shown as one line."""


def _changed(scenario: Scenario, changes: list[str] | None) -> Scenario:
    """The scenario with `KEY=VALUE` changes; numbers, true and false are read as in a scenario file."""
    if not changes:
        return scenario
    import json

    values: dict[str, Any] = {}
    for change in changes:
        key, given, text = change.partition("=")
        if not given or not key:
            raise _UserError(f"--set {change}: allowed: KEY=VALUE, for example --set pack.series=48")
        try:
            values[key] = json.loads(text)
        except ValueError:
            values[key] = text
    from packsim.scenario.errors import ScenarioError

    try:
        return scenario.updated(values)
    except ScenarioError as error:
        raise ScenarioError([line.replace("updated:", "--set:", 1) for line in error.lines]) from None


def _load_both(load: Callable[[Path], Any], a: Path, b: Path) -> tuple[Any, Any]:
    """Both scenarios, with the faults of both files at once."""
    from packsim.scenario.errors import ScenarioError

    loaded: list[Any] = []
    lines: list[str] = []
    for path in dict.fromkeys((a, b)):
        try:
            loaded.append(load(path))
        except ScenarioError as error:
            lines.extend(error.lines)
    if lines:
        raise ScenarioError(lines)
    return loaded[0], loaded[-1]


def _mapped(given: list[str] | None) -> dict[str, str]:
    """Columns by role or quantity, from `NAME=COLUMN[:UNIT]`."""
    out: dict[str, str] = {}
    for each in given or []:
        name, equals, column = each.partition("=")
        if not equals or not name or not column:
            raise _UserError(f"--map {each}: allowed: NAME=COLUMN[:UNIT], for example --map capacity_ah=Q1:mAh")
        if name in out:
            raise _UserError(f"--map {each}: {name} is given twice; allowed: a column each")
        out[name] = column
    return out


def _shares(option: str, text: str | None, low: float) -> list[float] | None:
    if text is None:
        return None
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        raise _UserError(f"{option}: given {text}; allowed: numbers from {low:g} to 1, separated by commas") from None
    if not all(low <= value <= 1.0 for value in values):
        raise _UserError(f"{option}: given {text}; allowed: numbers from {low:g} to 1, separated by commas")
    return values


def _days(text: str) -> list[float]:
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        values = []
    if not values or not all(0.0 < value <= 365.0 for value in values):
        raise _UserError(f"--days: given {text}; allowed: numbers above 0 and up to 365, separated by commas")
    return values


def _variants(comparison: Comparison, shares: dict[str, list[float] | None], progress: Any) -> list[Variant]:
    if all(values is None for values in shares.values()):
        return []
    from packsim.study.sweep import compare_over

    a, b = comparison.a.scenario, comparison.b.scenario
    stated = b.qualification or a.qualification
    if stated is None:
        raise _UserError(f"{b.name}: has no block qualification: there is no assumption to vary")
    baseline = shares["baseline_conformance_share"] or [stated.baseline_conformance_share]
    improvement = shares["improvement_conformance_share"] or [stated.improvement_conformance_share]
    packs, seed = comparison.a.pack_count, comparison.a.seed
    return compare_over(a, b, baseline, improvement, packs, seed, progress=progress)


def _years(text: str | None) -> float | None:
    """`8y` or `8` as a number."""
    if text is None:
        return None
    try:
        years = float(text.strip().removesuffix("y"))
    except ValueError:
        years = 0.0
    if not 0.0 < years <= 50.0:
        raise _UserError(f"--life: given {text}; allowed: years > 0 and <= 50, e.g. 8y")
    return years


def _engine(name: str, scheduler: str | None) -> Engine:
    """The engine of a name.

    Raises:
        _UserError: another name, or a scheduler for an engine that has none.
    """
    from packsim.study.engine import local

    if name == "dask":
        from packsim.study.dask_engine import DaskEngine

        return DaskEngine(scheduler)
    if name != "local":
        raise _UserError(f"--engine: given {name}; allowed: local, dask")
    if scheduler is not None:
        raise _UserError(f"--scheduler: given {scheduler} with --engine local; allowed: with --engine dask")
    return local


def _choice(cells: str, columns: str | None, out: Path | str | None) -> CellChoice:
    from packsim.study.cell_table import CellChoice

    try:
        choice = CellChoice.of(cells, None if columns is None else tuple(columns.split(",")))
    except ValueError as error:
        raise _UserError(f"--{str(error).replace('cell columns', 'cell-columns', 1)}") from None
    if out is None and choice.which != "none":
        raise _UserError(f"--cells {cells}: given without --out; allowed: with a folder to write to")
    return choice


def _store(
    way: Unfinished | None,
    scenario: Scenario,
    packs: int | None,
    seed: int | None,
    cells: CellChoice,
    shard_cells: int | None,
    force: bool,
    silent: bool,
) -> ParquetStore | None:
    """Where a run is kept, on disk; None without --out."""
    if way is None:
        return None
    from packsim.study.store.parquet import SHARD_CELLS, ParquetStore

    store = way.opened(
        ParquetStore(
            way.folder / "run",
            scenario,
            scenario.packs if packs is None else packs,
            scenario.seed if seed is None else seed,
            cells=cells,
            shard_cells=SHARD_CELLS if shard_cells is None else shard_cells,
            say=_say,
            force=force,
        )
    )
    if store.finished and not silent:
        _say(f"{store.finished} of {store.shards} shards of an unfinished run are there and not computed again.")
    return store


def _kept(
    way: Unfinished | None,
    scenario: Scenario,
    years: float | None,
    packs: int | None,
    seed: int | None,
    label: str,
    force: bool,
    silent: bool,
) -> Shards | None:
    """Where finished blocks of a life are kept until all are done, so that a killed run goes on; none without --out."""
    if way is None or years is None:
        return None
    from packsim.study.life import life_store

    kept = way.opened(life_store(way.folder / f"life{label}", scenario, years, packs, seed, _say, force=force))
    if kept.finished and not silent:
        _say(f"{len(kept.finished)} blocks of an unfinished life are there and not computed again.")
    return kept


def _say(text: str) -> None:
    typer.echo(text, err=True)


def _field(
    scenario: Scenario, years: float, packs: int | None, seed: int | None, kept: Shards | None, silent: bool
) -> LifeResult:
    """Years in the field, going on where an unfinished run was killed."""
    from packsim.study.life import run_life
    from packsim.study.progress import bar

    with bar(silent, f"{scenario.name}, {years:g} years") as progress:
        return run_life(scenario, years, packs, seed, store=kept, progress=progress)


def _hint(out: Place | None, silent: bool) -> None:
    if silent:
        return
    if out is None:
        typer.echo("Add --out DIR for the report with figures (report.html) and tables.")
    else:
        typer.echo(f"Wrote {out}: {'open' if isinstance(out, Path) else 'see'} {out / 'report.html'} in a browser.")


def main() -> None:
    """Entry point: a user's mistake is told in one line, never a traceback."""
    try:
        code = app(standalone_mode=False)
    except (typer.Exit, typer.Abort) as error:
        sys.exit(getattr(error, "exit_code", 130))
    except KeyboardInterrupt:
        _fail(["packsim: interrupted; nothing was written"], INTERRUPTED)
    except BrokenPipeError:
        sys.exit(1)
    except (_UserError, OSError) as error:
        _fail([f"packsim: {error}"])
    except Exception as error:
        lines = _known(error)
        if lines is None:
            raise
        _fail(lines, getattr(error, "code", 2))
    if code == INTERRUPTED:  # typer turns Ctrl-C into this code and returns it
        _fail(["packsim: interrupted; nothing was written"], INTERRUPTED)
    gc.freeze()  # the process ends: nobody needs to look for garbage once more
    sys.exit(code if isinstance(code, int) else 0)


def _known(error: Exception) -> list[str] | None:
    """Lines of an error that is the user's to mend; None for a fault of ours, which keeps its traceback."""
    from packsim.cell.from_pybamm import UnsupportedParameterSet
    from packsim.inspection.fill import OutOfCandidates
    from packsim.inspection.grade import TooFewInBins
    from packsim.quality.eol_file.errors import EolFileError
    from packsim.scenario.errors import NominalCellError, ScenarioError
    from packsim.study.calibrate import CalibrationError
    from packsim.study.dask_engine import EngineError
    from packsim.study.output import OutputExists, Stopped

    if isinstance(error, ScenarioError):
        return list(error.lines)
    if isinstance(error, EolFileError):
        return [str(error)]
    if message := getattr(error, "format_message", None):  # typer's own usage errors, whichever click it brings
        return [f"packsim: {message()}"]
    ours = (CalibrationError, EngineError, NominalCellError, OutOfCandidates, OutputExists, Stopped, TooFewInBins)
    if isinstance(error, (*ours, UnsupportedParameterSet)):
        return [f"packsim: {error}"]
    return None


def _fail(lines: list[str], code: int = 2) -> None:
    for line in lines:
        print(line, file=sys.stderr)  # noqa: T201
    sys.exit(code)


if __name__ == "__main__":
    main()

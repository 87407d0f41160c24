"""What a command leaves behind: a folder with the report, tables and the scenarios it came from, or one new file."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packsim.scenario.new_file import new_file
from packsim.study.output import to_json, whole_folder
from packsim.study.store.url import Place, UrlPath

if TYPE_CHECKING:
    import pandas as pd

    from packsim.study.cell_table import CellChoice
    from packsim.study.compare import Comparison
    from packsim.study.life import LifeResult
    from packsim.study.run import Result
    from packsim.study.sweep import Variant


def life_json(life: LifeResult) -> dict[str, Any]:
    """What a life says, as JSON: summary, counts of fates, and year by year."""
    return {
        "years": life.life.years,
        "summary": life.summary(),
        "fates": {str(name): int(count) for name, count in life.packs["fate"].value_counts().items()},
        "ages": life.ages.to_dict("records"),
        "simulated_cycles": float(life.packs["simulated_cycles"].mean()),
        "rejected_jumps": float(life.packs["rejected_jumps"].mean()),
    }


def run_json(result: Result, life: LifeResult | None = None) -> dict[str, Any]:
    """What `packsim run --json` prints and summary.json holds."""
    return {
        "scenario": result.scenario.name,
        "seed": result.seed,
        "packs": result.pack_count,
        "summary": result.summary(),
        "yields": result.yields().reset_index().to_dict("records"),
        "materials": result.materials().reset_index().to_dict("records"),
        **({} if life is None else {"life": life_json(life)}),
    }


def comparison_json(
    comparison: Comparison, variants: list[Variant], lives: Sequence[LifeResult] = ()
) -> dict[str, Any]:
    """What `packsim compare --json` prints and compare.json holds."""
    return {
        "a": comparison.a.scenario.name,
        "b": comparison.b.scenario.name,
        "seed": comparison.a.seed,
        "packs": comparison.a.pack_count,
        "pairing": comparison.pairing._asdict(),
        "metrics": comparison.summary(),
        "variants": [
            {
                "baseline_conformance_share": v.baseline_conformance_share,
                "improvement_conformance_share": v.improvement_conformance_share,
                "refused": v.refused or None,
                "metrics": v.comparison.summary() if v.comparison is not None else None,
            }
            for v in variants
        ],
        **(_lives_json(lives) if lives else {}),
    }


def _lives_json(lives: Sequence[LifeResult]) -> dict[str, Any]:
    from packsim.study.life_compare import field_differences

    a, b = lives
    rows = [row._asdict() | {"beyond_noise": row.beyond_noise} for row in field_differences(a, b)]
    return {"life": {"a": life_json(a), "b": life_json(b), "differences": rows}}


def write_run(result: Result, file: Path, folder: Place, life: LifeResult | None = None) -> None:
    """summary.json, the scenario, years in the field and report beside the tables of a run that its store wrote."""
    if isinstance(folder, UrlPath):
        with tempfile.TemporaryDirectory() as work:
            write_run(result, file, Path(work), life)
            (folder / "life.parquet").rmdir()
            for path in sorted(path for path in Path(work).rglob("*") if path.is_file()):
                (folder / path.relative_to(work).as_posix()).write_bytes(path.read_bytes())
        return
    from packsim.study.reporting import write_run_report

    shutil.rmtree(folder / "life.parquet", ignore_errors=True)  # of an attempt that was killed here
    (folder / "summary.json").write_text(to_json(run_json(result, life)), encoding="utf-8")
    (folder / "scenario.yaml").write_bytes(file.read_bytes())
    _write_life(life, folder, "")
    write_run_report(result, folder / "report.html", life=life)


def write_comparison(
    comparison: Comparison,
    variants: list[Variant],
    a: Path,
    b: Path,
    out: Path,
    cells: CellChoice,
    lives: Sequence[LifeResult] = (),
) -> None:
    """compare.json, both scenarios, tables and report into the new folder `out`."""
    from packsim.study.reporting import write_comparison_report

    with whole_folder(out) as folder:
        (folder / "compare.json").write_text(to_json(comparison_json(comparison, variants, lives)), encoding="utf-8")
        for prefix, result, file in (("a-", comparison.a, a), ("b-", comparison.b, b)):
            (folder / f"{prefix}scenario.yaml").write_bytes(file.read_bytes())
            _write_tables(result, folder, prefix, cells)
        for prefix, life in zip(("a-", "b-"), lives, strict=False):
            _write_life(life, folder, prefix)
        write_comparison_report(comparison, folder / "report.html", sweep=variants, lives=lives)


def _write_life(life: LifeResult | None, folder: Path, prefix: str) -> None:
    if life is not None:
        _write_table(folder / f"{prefix}life.parquet", [life.packs])


def _write_tables(result: Result, folder: Path, prefix: str, cells: CellChoice) -> None:
    """Tables as a store on disk has them."""
    _write_table(folder / f"{prefix}packs.parquet", result.iter_packs())
    if result.plans.fleet.plain is None:
        _write_table(folder / f"{prefix}sightings.parquet", result.iter_sightings())
    if cells.which != "none":
        _write_table(folder / f"{prefix}cells.parquet", (cells.of_table(frame) for frame in result.iter_cells()))


def _write_table(folder: Path, parts: Iterable[pd.DataFrame]) -> None:
    import pyarrow.parquet as pq

    from packsim.study.store.arrow import COMPRESSION, from_frame

    folder.mkdir()
    tables = (from_frame(part) for part in parts)
    first = next(tables)
    with pq.ParquetWriter(folder / "00000.parquet", first.schema, compression=COMPRESSION) as writer:
        for table in itertools.chain([first], tables):
            writer.write_table(table)


def write_new(path: Path, text: str, force: bool) -> None:
    """Write a new file whole or not at all.

    Raises:
        OutputExists: it is a folder, or exists and `force` is not given, or its folder does not exist.
    """
    with new_file(path, force=force) as work:
        work.write_text(text, encoding="utf-8")

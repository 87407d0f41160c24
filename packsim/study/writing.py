"""What a command leaves behind: a folder with the report, tables and the scenarios it came from, or one new file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from packsim.scenario.new_file import new_file
from packsim.study.output import to_json, whole_folder

if TYPE_CHECKING:
    from packsim.study.compare import Comparison
    from packsim.study.run import Result
    from packsim.study.sweep import Variant


def run_json(result: Result) -> dict[str, Any]:
    """What `packsim run --json` prints and summary.json holds."""
    return {
        "scenario": result.scenario.name,
        "seed": result.seed,
        "packs": result.pack_count,
        "summary": result.summary(),
        "yields": result.yields().reset_index().to_dict("records"),
        "materials": result.materials().reset_index().to_dict("records"),
    }


def comparison_json(comparison: Comparison, variants: list[Variant]) -> dict[str, Any]:
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
    }


def write_run(result: Result, file: Path, out: Path, cells: bool) -> None:
    """summary.json, the scenario, tables and report into the new folder `out`."""
    with whole_folder(out) as folder:
        (folder / "summary.json").write_text(to_json(run_json(result)), encoding="utf-8")
        (folder / "scenario.yaml").write_bytes(file.read_bytes())
        _write_tables(result, folder, "", cells)
        result.report(folder / "report.html")


def write_comparison(comparison: Comparison, variants: list[Variant], a: Path, b: Path, out: Path, cells: bool) -> None:
    """compare.json, both scenarios, tables and report into the new folder `out`."""
    from packsim.study.reporting import write_comparison_report

    with whole_folder(out) as folder:
        (folder / "compare.json").write_text(to_json(comparison_json(comparison, variants)), encoding="utf-8")
        for prefix, result, file in (("a-", comparison.a, a), ("b-", comparison.b, b)):
            (folder / f"{prefix}scenario.yaml").write_bytes(file.read_bytes())
            _write_tables(result, folder, prefix, cells)
        write_comparison_report(comparison, folder / "report.html", sweep=variants)


def _write_tables(result: Result, folder: Path, prefix: str, cells: bool) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.Table.from_pandas(result.packs, preserve_index=False), folder / f"{prefix}packs.parquet")
    if result.plans.fleet.plain is None:
        seen = pa.Table.from_pandas(result.sightings, preserve_index=False)
        pq.write_table(seen, folder / f"{prefix}sightings.parquet")
    if not cells:
        return
    writer = None
    for frame in result.iter_cells():
        table = pa.Table.from_pandas(frame, preserve_index=False)
        writer = writer or pq.ParquetWriter(folder / f"{prefix}cells.parquet", table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()


def write_new(path: Path, text: str, force: bool) -> None:
    """Write a new file whole or not at all.

    Raises:
        OutputExists: it is a folder, or exists and `force` is not given, or its folder does not exist.
    """
    with new_file(path, force=force) as work:
        work.write_text(text, encoding="utf-8")

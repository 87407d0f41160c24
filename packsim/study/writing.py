"""What a command leaves behind: a folder with the report, tables and the scenarios it came from, or one new file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packsim.scenario.new_file import new_file
from packsim.study.output import to_json, whole_folder

if TYPE_CHECKING:
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


def write_run(result: Result, file: Path, out: Path, cells: bool, life: LifeResult | None = None) -> None:
    """summary.json, the scenario, tables and report into the new folder `out`."""
    from packsim.study.reporting import write_run_report

    with whole_folder(out) as folder:
        (folder / "summary.json").write_text(to_json(run_json(result, life)), encoding="utf-8")
        (folder / "scenario.yaml").write_bytes(file.read_bytes())
        _write_tables(result, folder, "", cells)
        _write_life(life, folder, "")
        write_run_report(result, folder / "report.html", life=life)


def write_comparison(
    comparison: Comparison,
    variants: list[Variant],
    a: Path,
    b: Path,
    out: Path,
    cells: bool,
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
    if life is None:
        return
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.Table.from_pandas(life.packs, preserve_index=False), folder / f"{prefix}life.parquet")


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

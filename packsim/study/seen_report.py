"""The report's part on what was seen in packs: faults found, contactors opened, and a map of one pack's cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from packsim.report import html
from packsim.report.captions import CAPTIONS
from packsim.report.labels import fixed
from packsim.report.pack_map import PackCells, pack_map

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from packsim.study.run import Result

HEAD = ("pack", "time", "seen", "at", "group", "value", "slot, candidate", "lot", "defect", "made at")


def seen_sections(pairs: Sequence[tuple[Result, str]]) -> list[html.Section]:
    """One section for all runs whose packs were searched; none for plain packs."""
    searched = [(result, name) for result, name in pairs if result.plans.fleet.plain is None]
    if not searched:
        return []
    tables = [_table(result, name) for result, name in searched if result.seen.rows]
    figures = [html.Figure(_map(result, name), CAPTIONS["map"]) for result, name in searched]
    return [html.Section("What was seen in the packs", _words(searched), figures, tables)]


def _words(searched: Sequence[tuple[Result, str]]) -> tuple[str, ...]:
    said = [
        f"{name}: {result.seen.rows:,} faults found or contactors opened, "
        f"in {result.seen.packs:,} of {result.pack_count:,} packs."
        for result, name in searched
    ]
    return (*said, "Faults are found by what they do to currents, readings and temperatures, whatever made them.")


def _table(result: Result, name: str) -> html.Table:
    found = result.seen
    rows = [_row(row) for row in found.first.itertuples(index=False)]
    more = f", the first {len(rows)} of {found.rows:,}; all are in sightings.parquet" if found.rows > len(rows) else ""
    return html.Table(HEAD, rows, f"{name}: what was seen, when and where{more}")


def _row(row: Any) -> list[html.Cell]:
    at = f"{row.at} {row.place}" if row.at != "pack" else "pack"
    known = row.cell_slot >= 0
    texts = (
        f"{row.pack:,}",
        f"{fixed(row.time_s, 0)} s",
        row.seen,
        at,
        str(row.group) if row.group >= 0 else "",
        f"{row.value:.4g}",
        f"{row.cell_slot}, {row.cell_candidate}" if known else "",
        str(row.cell_lot) if known else "",
        row.cell_defect.replace("_", " "),
        row.made_at.replace("_", " "),
    )
    return [html.Cell(text) for text in texts]


def _map(result: Result, name: str) -> go.Figure:
    """The first pack in which something was seen, else the first: its cells where the protocol ended."""
    found = result.seen.first
    number = int(found["pack"].iloc[0]) if len(found) else 0
    _, _, end = result.trace(number)
    assert end is not None
    values = {"current_a": end.current_a, "soc_pct": end.soc_pct}
    if end.temperature_degc is not None:
        values["temperature_degc"] = end.temperature_degc
    shown = "temperature_degc" if end.temperature_degc is not None else "soc_pct"
    return pack_map(PackCells(f"{name}, pack {number}", values=values, **end.places), shown)

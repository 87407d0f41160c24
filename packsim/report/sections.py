"""Parts of a report made of tables: differences, metrics, numbers with their sources, facts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import pandas as pd

from packsim.report import labels, phrases
from packsim.report.html import Cell, Table
from packsim.scenario.provenance import Number

GROUPS = {  # panels of the chart of differences, and the order of the tables
    "Final test": ("qualification_rate_pct", "conformance_reject_pct", "defect_reject_pct"),
    "Whole line": ("line_scrap_pct", "rolled_throughput_yield_pct", "line_yield_pct"),
    "Wrong decisions of the test": ("false_reject_ppm", "escape_ppm"),
    "Capacity spread of cells": ("incoming_capacity_cv_pct", "shipped_capacity_cv_pct"),
    "Resistance spread of cells": ("incoming_dcir_cv_pct", "shipped_dcir_cv_pct"),
    "Capacity against resistance": ("capacity_dcir_correlation",),
    "Packs, against a pack of nominal cells": ("pack_usable_capacity_pct", "pack_usable_energy_pct"),
    "Charge that is missing in packs": ("under_charge_pct", "under_charge_worst_pct"),
    "Packs that fail": (
        "over_discharge_rate_pct",
        "over_discharge_rate_every_group_pct",
        "over_discharge_rate_pack_only_pct",
        "reversal_rate_pack_only_pct",
        "reversal_rate_pct",
        "alarmed_pack_rate_pct",
        "bad_pack_rate_pct",
    ),
}
_KINDS = {"real": "real", "within noise": "noise"}


def grouped(table: pd.DataFrame) -> pd.DataFrame:
    """The table (with a column `metric`) with a column `group`, in the order of the groups; unknown metrics last."""
    place = {name: (k, group) for k, (group, names) in enumerate(GROUPS.items()) for name in names}
    found = [place.get(name, (len(GROUPS), "Other")) for name in table["metric"]]
    order = sorted(range(len(table)), key=lambda row: found[row][0])
    return table.assign(group=[group for _, group in found]).iloc[order].reset_index(drop=True)


def differences(rows: Sequence[phrases.Change], metrics: Sequence[tuple[str, str]], names: phrases.Names) -> Table:
    """Both values, the difference, its interval and verdict; metrics: (name, meaning) of each row."""
    return Table(
        ("metric", f"a: {names.a}", f"b: {names.b}", "b \N{MINUS SIGN} a", "95 % interval", "unit", "verdict"),
        [_difference(row, *metric) for row, metric in zip(rows, metrics, strict=True)],
    )


def _difference(row: phrases.Change, name: str, meaning: str) -> list[Cell]:
    digits = phrases.places(row)
    numbers = [labels.fixed(value, digits) for value in (row.a, row.b)]
    numbers.append(labels.fixed(row.difference, digits, signed=True))
    unsaid = math.isnan(row.low) or math.isnan(row.high)
    verdict = phrases.verdict(row)
    interval = (
        ""
        if unsaid or verdict == "no difference"
        else f"{labels.fixed(row.low, digits, signed=True)} to {labels.fixed(row.high, digits, signed=True)}"
    )
    return [
        Cell(f"{labels.spoken(name)}: {meaning}", "name"),
        *(Cell(text, "number") for text in (*numbers, interval)),
        Cell("points" if row.unit == "%" else labels.unit_text(row.unit), "unit"),
        Cell(verdict, _KINDS.get(verdict, "unsaid")),
    ]


def metrics(table: pd.DataFrame) -> Table:
    """A run's summary; columns metric, unit, meaning, value, low, high, n."""
    rows = []
    for one in table.to_dict("records"):
        half = 0.5 * (one["high"] - one["low"])
        digits = labels.decimals(half if half > 0.0 else 0.01 * abs(one["value"]))
        low, high = (labels.fixed(one[end], digits) for end in ("low", "high"))
        interval = "too few independent lots to say" if math.isnan(half) else f"{low} to {high}"
        rows.append(
            [
                Cell(f"{labels.spoken(one['metric'])}: {one['meaning']}", "name"),
                Cell(labels.fixed(one["value"], digits), "number"),
                Cell(interval, "number"),
                Cell(labels.unit_text(one["unit"])),
            ]
        )
    return Table(("metric", "value", "95 % interval", "unit"), rows)


def numbers(columns: Sequence[dict[str, Number]], titles: Sequence[str]) -> list[Table]:
    """Every number of one or two scenarios (key -> number): those with a source, and folded those assumed."""
    keys = list(dict.fromkeys(key for column in columns for key in column))
    sourced: list[list[Cell]] = []
    assumed: list[list[Cell]] = []
    for key in keys:
        found = [column[key] for column in columns if key in column]
        source = next((number.source for number in found if number.source), None)
        (assumed if source is None else sourced).append(_number(key, columns, source))
    head = ("key", *titles, "unit", "meaning", "source")
    return [
        Table(head, sourced, f"{len(sourced)} numbers with a source"),
        Table(head, assumed, f"{len(assumed)} numbers are assumed (click to see them)", folded=True),
    ]


def _number(key: str, columns: Sequence[dict[str, Number]], source: str | None) -> list[Cell]:
    found = [column.get(key) for column in columns]
    first = next(number for number in found if number is not None)
    values = [Cell("" if number is None else value_text(number.value), "number") for number in found]
    given = any(number is not None and number.given for number in found)
    origin = Cell(source, "source") if source else Cell("assumed" if given else "assumed (default)", "assumed")
    return [Cell(key, "key"), *values, Cell(labels.unit_text(first.unit), "unit"), Cell(first.meaning), origin]


def changes(a: dict[str, object], b: dict[str, object], names: phrases.Names) -> Table:
    """Keys whose values differ between two scenarios; a, b: dotted key -> value."""
    keys = [key for key in dict.fromkeys((*a, *b)) if a.get(key) != b.get(key)]
    rows = [
        [Cell(key, "key"), Cell(value_text(a.get(key)), "number"), Cell(value_text(b.get(key)), "number")]
        for key in keys
    ]
    return Table(("key", f"a: {names.a}", f"b: {names.b}"), rows)


def value_text(value: object) -> str:
    """A value as a reader wants it: no thousands separators lost, no digits invented."""
    if value is None:
        return "not given"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}" if value < 10**9 else str(value)
    if isinstance(value, float):
        return labels.fixed(value, 0) if value.is_integer() and abs(value) < 1e9 else f"{value:.6g}"
    return str(value)


def facts(rows: Iterable[tuple[str, Sequence[str]]], titles: Sequence[str]) -> Table:
    """Facts about runs: a name, then one text a run."""
    return Table(("", *titles), [[Cell(name), *(Cell(text) for text in texts)] for name, texts in rows])

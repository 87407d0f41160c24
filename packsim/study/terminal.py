"""What the terminal shows: the answer in words, then the table behind it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from packsim.study.metrics import METRICS
from packsim.study.words import comparison_words, run_words, sweep_words

if TYPE_CHECKING:
    from packsim.study.compare import Comparison
    from packsim.study.run import Result
    from packsim.study.sweep import Variant

WIDTH = 118


def number(value: float, unit: str) -> str:
    """A value at the digits that its unit deserves; a dash where there is none."""
    if not math.isfinite(value):
        return "-"
    if unit == "ppm":
        return f"{value:,.0f}"
    return f"{value:.3f}"


def print_run(result: Result) -> None:
    """Summary of one run."""
    console = Console(width=WIDTH, highlight=False)
    for sentence in run_words(result):
        console.print(sentence, soft_wrap=False)
    table = Table("metric", "unit", "value", "95 % interval", box=None, header_style="bold")
    for name in ("value", "95 % interval"):
        next(column for column in table.columns if column.header == name).justify = "right"
    rows = result.summary()
    for metric in METRICS:
        row = rows[metric.name]
        interval = f"{number(row['low'], metric.unit)} .. {number(row['high'], metric.unit)}"
        table.add_row(metric.name, metric.unit, number(row["value"], metric.unit), interval)
    console.print(table)
    _facts(console, [result])


def print_comparison(comparison: Comparison, variants: list[Variant]) -> None:
    """Differences of two runs, then how the answer moves with the assumptions."""
    console = Console(width=WIDTH, highlight=False)
    for sentence in comparison_words(comparison):
        console.print(sentence)
    table = Table("metric", "unit", "a", "b", "b - a", "95 % interval", "", box=None, header_style="bold")
    for column in table.columns[2:6]:
        column.justify = "right"
    for row in comparison.differences:
        interval = f"{number(row.low, row.unit)} .. {number(row.high, row.unit)}"
        verdict = "real" if row.real else "no difference" if row.difference == 0.0 else "within noise"
        values = (number(value, row.unit) for value in (row.a, row.b, row.difference))
        table.add_row(row.metric, row.unit, *values, interval, verdict)
    console.print(table)
    if variants:
        console.print()
        for sentence in sweep_words(variants):
            console.print(sentence)
    _facts(console, [comparison.a, comparison.b])


def _facts(console: Console, results: list[Result]) -> None:
    for label, result in zip("ab", results, strict=False):
        steps = sum(block.simulated_s for block in result.blocks) / 10.0
        name = f"{label}: {result.scenario.name}" if len(results) > 1 else result.scenario.name
        console.print(
            f"[dim]{_plain(name)}: {result.pack_count:,} packs in {len(result.blocks)} blocks, seed {result.seed}, "
            f"{result.wall_s:.1f} s, {steps / 1e6:,.0f} million equivalent cell-steps of 10 s in packs[/dim]"
        )


def _plain(text: str) -> str:
    from rich.markup import escape

    return escape(text)

"""What the terminal shows: the answer in words, then the table behind it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rich.console import Console
from rich.padding import Padding
from rich.table import Table

from packsim.report.phrases import verdict
from packsim.study.life_compare import field_differences
from packsim.study.life_words import difference_words, life_topic
from packsim.study.words import (
    comparison_headline,
    comparison_names,
    comparison_topics,
    run_headline,
    run_topics,
    sweep_words,
)
from packsim.study.words_of_run import Topic

if TYPE_CHECKING:
    from collections.abc import Sequence

    from packsim.study.compare import Comparison
    from packsim.study.life import LifeResult
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


def print_run(result: Result, life: LifeResult | None = None) -> None:
    """Summary of one run."""
    console = Console(width=WIDTH, highlight=False, markup=False)
    field = [] if life is None else [life_topic(life)]
    _say(console, run_headline(result), [*run_topics(result), *field])
    table = Table("metric", "unit", "value", "95 % interval", box=None, header_style="bold")
    for name in ("value", "95 % interval"):
        next(column for column in table.columns if column.header == name).justify = "right"
    rows = result.summary()
    for metric in result.metrics:
        row = rows[metric.name]
        interval = f"{number(row['low'], metric.unit)} .. {number(row['high'], metric.unit)}"
        table.add_row(metric.name, metric.unit, number(row["value"], metric.unit), interval)
    console.print(table)
    _facts(console, [result])


def print_comparison(comparison: Comparison, variants: list[Variant], lives: Sequence[LifeResult] = ()) -> None:
    """Differences of two runs, then how the answer moves with the assumptions."""
    console = Console(width=WIDTH, highlight=False, markup=False)
    field = []
    if lives:
        names = comparison_names(comparison)
        topics = [(name, life_topic(life)) for name, life in zip(names, lives, strict=True)]
        field = [topic._replace(title=f"{topic.title}: {name}") for name, topic in topics]
        field.append(difference_words(field_differences(*lives)))
    _say(console, comparison_headline(comparison), [*comparison_topics(comparison), *field])
    table = Table("metric", "unit", "a", "b", "b - a", "95 % interval", "", box=None, header_style="bold")
    for column in table.columns[2:6]:
        column.justify = "right"
    for row in comparison.differences:
        interval = f"{number(row.low, row.unit)} .. {number(row.high, row.unit)}"
        values = (number(value, row.unit) for value in (row.a, row.b, row.difference))
        table.add_row(row.metric, row.unit, *values, interval, verdict(row))
    console.print(table)
    if variants:
        _say(console, "", [Topic("How the answer moves with the assumptions", tuple(sweep_words(variants)))])
    _facts(console, [comparison.a, comparison.b])


def _say(console: Console, headline: str, topics: list[Topic]) -> None:
    """A headline, then each topic as a short list."""
    if headline:
        console.print(headline, style="bold")
    for topic in topics:
        console.print(f"\n{topic.title}", style="bold")
        for sentence in topic.sentences:
            console.print(Padding(f"- {sentence}", (0, 0, 0, 2)))
    console.print()


def _facts(console: Console, results: list[Result]) -> None:
    for label, result in zip("ab", results, strict=False):
        steps = result.totals.simulated_s / 10.0
        name = f"{label}: {result.scenario.name}" if len(results) > 1 else result.scenario.name
        console.print(
            f"{name}: {result.pack_count:,} packs in {result.block_count} blocks, seed {result.seed}, "
            f"{result.wall_words}, {steps / 1e6:,.1f} million equivalent cell-steps of 10 s in packs",
            style="dim",
        )

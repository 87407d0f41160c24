"""What the terminal shows of a fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.padding import Padding
from rich.table import Table

from packsim.study.fitting import words
from packsim.study.terminal import WIDTH

if TYPE_CHECKING:
    from packsim.study.fit import Fit


def print_fit(fit: Fit) -> None:
    """The answer in words, then components by level."""
    console = Console(width=WIDTH, highlight=False, markup=False)
    console.print(words.headline(fit), style="bold")
    for sentence in (*words.sentences(fit), *fit.notes, *fit.fitted_scenario.notes):
        console.print(Padding(f"- {sentence}", (0, 0, 0, 2)))
    table = Table(
        "quantity",
        "level",
        "sd",
        "95 % interval",
        "unit",
        "% of mean",
        "% of variance",
        "groups",
        box=None,
        header_style="bold",
    )
    for column in (table.columns[k] for k in (2, 3, 5, 6, 7)):
        column.justify = "right"
    for row in words.component_rows(fit):
        table.add_row(*row)
    console.print()
    console.print(table)

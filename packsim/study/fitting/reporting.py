"""The report of a fit: from `Fit` to tables and figures."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from packsim import __version__
from packsim.quality.eol_file.quantities import BY_NAME
from packsim.quality.fit.families import LogMixture, Lognormal
from packsim.quality.fit.goodness import CRITICAL_5
from packsim.report import html, labels
from packsim.report.fit_figures import Shape, distribution, lot_chart
from packsim.study.fitting import words

if TYPE_CHECKING:
    from packsim.study.fit import Fit

MOST_OUTLIERS = 100
CURVES = 3
METHODS = (
    "Standard deviations by level are restricted maximum likelihood (REML) estimates of a nested model (Searle, Casella & "
    "McCulloch 1992). Intervals between groups: modified large sample (Graybill & Wang 1980); within: chi-squared, "
    "corrected for kurtosis (Bonett 2006). Distributions: maximum likelihood, chosen by AICc (Burnham & Anderson 2002)."
)


def write_fit_report(fit: Fit, path: Path, *, overwrite: bool = True) -> Path:
    """Write the report; returns its path.

    Raises:
        IsADirectoryError, FileNotFoundError, FileExistsError, OSError: see `packsim.report.html.write`.
    """
    notes = [*fit.notes, *fit.fitted_scenario.notes]
    sections = [
        html.Section("What the data say", words.sentences(fit)),
        html.Section("What they cannot say, and what was decided", notes) if notes else None,
        _components(fit),
        _distributions(fit),
        html.Section("Lots", figures=[html.Figure(lot_chart(lot_table(fit)), _LOTS)]),
        _correlations(fit),
        _check(fit),
        _outliers(fit),
        html.Section(
            "How the file was read", tables=[_plain(("", "read as"), [list(pair) for pair in fit.data.facts.items()])]
        ),
    ]
    page = html.Page(
        title=f"packsim fit: {fit.data.facts['file']}",
        headline=words.headline(fit),
        subtitle="A line fitted to end-of-line data; scenario.yaml beside this report simulates it.",
        sections=[section for section in sections if section is not None],
        footer=f"{METHODS} packsim {__version__}.",
    )
    return html.write(page, path, overwrite=overwrite)


_LOTS = (
    "Mean of every lot; the whiskers are one sd of its cells. The band is two sds between lots around the mean of all; "
    "orange: beyond three."
)


def _plain(
    head: tuple[str, ...], rows: list[list[str]], numbers: tuple[int, ...] = (), title: str = "", folded: bool = False
) -> html.Table:
    cells = [[html.Cell(text, "number" if k in numbers else "") for k, text in enumerate(row)] for row in rows]
    return html.Table(head, cells, title, folded)


def _components(fit: Fit) -> html.Section:
    head = ("quantity", "level", "sd", "95 % interval", "unit", "% of mean", "% of variance", "groups")
    sentence = "The spread between lots is known only as well as the number of lots allows; its interval says how well."
    return html.Section(
        "Standard deviations by level", (sentence,), tables=[_plain(head, words.component_rows(fit), (2, 3, 5, 6, 7))]
    )


def _distributions(fit: Fit) -> html.Section:
    head = ("quantity", "distribution", "AICc over the best", "Anderson-Darling A*\N{SUPERSCRIPT TWO}", "", "numbers")
    rows = []
    for name, tried in fit.families.items():
        for fitted in tried:
            numbers = ", ".join(
                f"{k.replace('_', ' ')} {labels.figures(v, 4)}" for k, v in fitted.family.numbers().items()
            )
            mark = "chosen" if fitted.chosen else ""
            rows.append(
                [
                    BY_NAME[name].title, words.spoken_family(fitted.family.name), f"{fitted.aicc - tried[0].aicc:,.1f}",
                    labels.figures(fitted.anderson_darling), mark, numbers,
                ]
            )  # fmt: skip
    caption = (
        "Left: readings about the mean of their lot, the chosen distribution (solid) and the next best. Right: Q-Q."
    )
    figures = [
        html.Figure(distribution(_shape(fit, name)), f"{words.begin(BY_NAME[name].title)}. {caption}")
        for name in fit.families
    ]
    sentence = (
        f"A*\N{SUPERSCRIPT TWO} below {CRITICAL_5} is not refused at 5 % (mean and sd estimated; families with more numbers "
        "follow the data more closely, so for them it refuses less often)."
    )
    return html.Section(
        "Distributions within lots",
        (sentence,),
        figures,
        [_plain(head, rows, (2, 3), "All families that were tried", folded=True)],
    )


def _shape(fit: Fit, name: str) -> Shape:
    tried, chosen = fit.families[name], fit.chosen(name)
    values = fit.within(name)
    own = values
    if isinstance(chosen.family, (Lognormal, LogMixture)):
        factors = fit.within_as_factors(name)
        own = values if factors is None else factors.values
    at = np.linspace(float(own.min()), float(own.max()), 400)
    order = [chosen, *(row for row in tried if row is not chosen)]
    curves: dict[str, Any] = {}
    for row in order:
        curves.setdefault(words.spoken_family(row.family.name), np.exp(row.family.log_density(at)))
    curves = dict(list(curves.items())[:CURVES])
    theory = chosen.family.quantile((np.arange(own.size) + 0.5) / own.size)
    return Shape(BY_NAME[name].title, BY_NAME[name].unit, own, at, curves, own, theory)


def lot_table(fit: Fit) -> pd.DataFrame:
    """Cells, mean and sd of every lot, in the order of the file; see `packsim.report.fit_figures.lot_chart`."""
    frames = []
    for name in fit.data.quantities:
        per = fit.data.frame.groupby("lot", sort=False)[name].agg(["count", "mean", "std"]).reset_index()
        per = per.rename(columns={"count": "cells", "std": "sd"})
        lot = fit.components[(fit.components["quantity"] == name) & (fit.components["level"] == "lot")]["sd"]
        per["quantity"], per["title"], per["unit"] = name, BY_NAME[name].title, BY_NAME[name].unit
        per["overall"], per["sd_lot"] = fit.means[name], float(lot.iloc[0]) if len(lot) else 0.0
        frames.append(per)
    return pd.concat(frames, ignore_index=True)


def _correlations(fit: Fit) -> html.Section | None:
    if not len(fit.correlations):
        return None
    rows = [
        [
            f"{BY_NAME[row.a].title} and {BY_NAME[row.b].title}", words.spoken_level(row.level),
            "one does not vary" if math.isnan(row.value) else labels.fixed(row.value, 3),
            "" if math.isnan(row.value) else f"{labels.fixed(row.low, 2)} to {labels.fixed(row.high, 2)}",
        ]
        for row in fit.fitted_correlations
    ]  # fmt: skip
    return html.Section(
        "Correlations by level", tables=[_plain(("pair", "level", "correlation", "95 % interval"), rows, (2, 3))]
    )


def _check(fit: Fit) -> html.Section:
    rows = []
    made: list[Any] = list(fit.check.itertuples())
    for row in made:
        what = " and ".join(BY_NAME[name].title for name in row.what.split())
        show = labels.figures if row.kind == "sd" else (lambda value: labels.fixed(value, 3))
        interval = "" if math.isnan(row.low) else f"{show(row.low)} to {show(row.high)}"
        rows.append(
            [
                ("sd of " if row.kind == "sd" else "correlation of ") + what,
                words.spoken_level(row.level),
                show(row.data),
                interval,
                show(row.scenario),
            ]
        )
    sentence = (
        "The scenario was simulated (2,000 lots) and fitted as the data were: the last column holds what its cells read. "
        "Between lots the simulation itself is known to about 2 %."
    )
    return html.Section(
        "What the fitted scenario reads", (sentence,),
        tables=[_plain(("", "level", "data", "95 % interval", "scenario"), rows, (2, 3, 4))],
    )  # fmt: skip


def _outliers(fit: Fit) -> html.Section | None:
    found: list[Any] = list(fit.outliers.head(MOST_OUTLIERS).itertuples())
    if not found:
        return None
    rows = [
        [
            str(row.serial), str(row.lot), f"{row.line}", BY_NAME[row.quantity].title, labels.figures(row.value, 5),
            labels.figures(row.lot_median, 5), labels.fixed(row.robust_z, 1),
        ]
        for row in found
    ]  # fmt: skip
    head = ("serial", "lot", "line", "quantity", "reading", "median of the lot", "robust z")
    title = f"{len(fit.outliers)} readings" + (
        f", the {MOST_OUTLIERS} farthest" if len(fit.outliers) > MOST_OUTLIERS else ""
    )
    return html.Section("Outliers", tables=[_plain(head, rows, (2, 4, 5, 6), title)])

"""The report's part on years in the field."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from packsim.report import html, life_figures
from packsim.report.captions import CAPTIONS
from packsim.report.labels import fixed
from packsim.stats.weibull import failed_by, probability_points
from packsim.study.life import FAILURES
from packsim.study.life_compare import field_differences
from packsim.study.life_words import difference_words, life_topic

if TYPE_CHECKING:
    from packsim.study.life import LifeResult

AGE = "age [years]"


def life_sections(pairs: Sequence[tuple[LifeResult, str]]) -> list[html.Section]:
    """Words, survival curves, causes, Weibull plot and ages of one or two lives."""
    sections = []
    for result, name in pairs:
        topic = life_topic(result)
        title = topic.title if len(pairs) == 1 else f"{topic.title}: {name}"
        sections.append(html.Section(title, topic.sentences, tables=[_ages(result, name)], notice=_notice(result)))
    if len(pairs) == 2:
        worth = difference_words(field_differences(pairs[0][0], pairs[1][0]))
        sections.append(html.Section(worth.title, worth.sentences))
    figures = [html.Figure(life_figures.survival_curves(_survival(pairs), AGE), CAPTIONS["survival"])]
    figures += [
        html.Figure(life_figures.incidence_by_cause(_incidence(result), AGE), f"{name}. {CAPTIONS['causes']}")
        for result, name in pairs
        if (result.causes > 0).any()
    ]
    points, lines = _weibull(pairs)
    if len(points):
        figures.append(html.Figure(life_figures.weibull_plot(points, lines, AGE), CAPTIONS["weibull"]))
    return [*sections, html.Section("Lives of packs", figures=figures)]


def _notice(result: LifeResult) -> str:
    assumed = ", ".join(result.life.assumed)
    return (
        f"Laws of ageing: docs/ageing.md. Assumed, not from the parameter set: {assumed}. Beyond the range in which the "
        "laws were checked (500 cycles, 2 years) this is an extrapolation."
    )


def _ages(result: LifeResult, name: str) -> html.Table:
    rows = [
        [html.Cell(f"{row[0]:.0f}", "number"), html.Cell(f"{row[1]:,.0f}", "number")]
        + [html.Cell(fixed(float(value), 2) if np.isfinite(value) else "", "number") for value in row[2:]]
        for row in result.ages.to_numpy(float)
    ]
    head = ("year", "packs alive", "usable [%]", "sd of packs [%]", "cells' mean [%]", "CV within a pack [%]")
    return html.Table(head, rows, f"{name}: year by year, of a nominal new pack and cell")


def _survival(pairs: Sequence[tuple[LifeResult, str]]) -> pd.DataFrame:
    frames = []
    for result, name in pairs:
        curve = result.survival()
        columns = {key: getattr(curve, key) for key in ("time", "survival", "low", "high", "at_risk")}
        frames.append(pd.DataFrame({"scenario": name, **columns}))
    return pd.concat(frames, ignore_index=True)


def _incidence(result: LifeResult) -> pd.DataFrame:
    found, frames = result.incidence(), []
    for number, fate in enumerate(FAILURES):
        if not found.failed[number].any():
            continue
        columns = {key: getattr(found, key)[number] for key in ("incidence", "low", "high")}
        frames.append(pd.DataFrame({"cause": fate.name.lower().replace("_", " "), "time": found.time, **columns}))
    return pd.concat(frames, ignore_index=True)


def _weibull(pairs: Sequence[tuple[LifeResult, str]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    points, lines = [], []
    for result, name in pairs:
        failed = result.causes > 0
        ages = np.unique(result.years[failed])
        if ages.size < 2 or ages[0] <= 0.0:
            continue
        fit, found = result.weibull(), probability_points(result.years, failed)
        points.append(pd.DataFrame({"scenario": name, "time": found.time, "share": found.share}))
        times = np.geomspace(0.8 * ages[0], 1.1 * result.years.max(), 60)
        known = [failed_by(fit, float(t)) for t in times]
        columns = {"share": [k.value for k in known], "low": [k.low for k in known], "high": [k.high for k in known]}
        lines.append(pd.DataFrame({"scenario": name, "time": times, **columns}))
    empty = pd.DataFrame({"scenario": [], "time": [], "share": []})
    return (pd.concat(points), pd.concat(lines)) if points else (empty, empty)

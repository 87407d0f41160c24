"""The section "Process capability" of a report: tables, charts and the sentences that keep them honest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from packsim.quality.capability import Capability, Interval
from packsim.report import html
from packsim.report import quality_figures as figures
from packsim.report.captions import CAPTIONS
from packsim.report.labels import figures as digits
from packsim.report.labels import fixed, unit_text
from packsim.stats.intervals import FEWEST_UNITS
from packsim.study import quality
from packsim.study.quality_sample import sample

if TYPE_CHECKING:
    from packsim.quality.charts import Chart
    from packsim.study.quality import MeansChart, Study
    from packsim.study.quality_sample import Sample
    from packsim.study.run import Result

NONE = "\N{EN DASH}"
HEALTHY = "one point in 370 by test 1 alone, fewer than one in 100 by tests 1 to 4 together (Nelson 1984)"


def section(results: Sequence[Result], names: Sequence[str]) -> html.Section:
    """Capability, control charts and causes of one line, or of two beside each other."""
    samples = [sample(result) for result in results]
    pairs = list(zip(samples, names, strict=True))
    several = len(pairs) > 1
    means = [quality.means_chart(found.readings[0].values) for found in samples]
    rejects = [quality.rejects_chart(found) for found in samples]
    drawn = [
        *(_means_figure(m, found, name) for m, (found, name) in zip(means, pairs, strict=True) if m is not None),
        *(_rejects_figure(p, found, name) for p, (found, name) in zip(rejects, pairs, strict=True) if p is not None),
    ]
    causes = [(name, rows) for result, name in zip(results, names, strict=True) if (rows := quality.causes(result))]
    if causes:
        drawn.append(html.Figure(figures.pareto_bars(causes), CAPTIONS["pareto"]))
    sentences = [_basis(found, f"{name}: " if several else "") for found, name in pairs]
    sentences += [_spreads(), _sureness(samples), *_relative(samples)]
    sentences += _means_words([(m, f"{name}: " if several else "") for m, name in zip(means, names, strict=True)])
    sentences += _rejects_words(
        [(p, f"{name}: " if several else "") for p, name in zip(rejects, names, strict=True)], samples
    )
    tables = [_table(quality.studies(found), name if several else "") for found, name in pairs]
    return html.Section("Process capability", sentences, drawn, tables)


def _basis(found: Sample, whose: str) -> str:
    n = len(found.lot)
    part = "all cells" if n == found.tested else f"the first {n:,} of {found.tested:,} cells"
    lots = f"{found.lots:,} supplier lot{'s' if found.lots > 1 else ''}"
    return (
        f"{whose}This section rests on {part} that reached the test, in the order in which they were made (block, place, "
        f"attempt): {found.blocks:,} block{'s' if found.blocks > 1 else ''}, {lots}. Defective cells are among them, "
        "and readings contain the gauge's error."
    )


def _spreads() -> str:
    return (
        f"Within: spread inside subgroups of {quality.SUBGROUP} cells in a row, which lots and rolls do not reach (Cp, "
        "Cpk). Overall: spread of all cells (Pp, Ppk). The gap between the two is what lots and rolls add. A few defective "
        "cells can widen both far beyond what most cells show; a row of the table leaves them out, as only a simulation can."
    )


def _sureness(samples: Sequence[Sample]) -> str:
    fewest = min(found.lots for found in samples)
    few = f"only {fewest:,} " if fewest < FEWEST_UNITS else f"{fewest:,} "
    return (
        "Intervals take cells as independent and normal. That is fair within subgroups. The mean and the overall spread "
        f"come from {few}supplier lot{'s' if fewest > 1 else ''}, so for Cpk, Pp and Ppk these intervals are too narrow"
        f"{': too few lots to say how much' if fewest < FEWEST_UNITS else ''}."
    )


def _relative(samples: Sequence[Sample]) -> list[str]:
    if not any(reading.limit_varies for found in samples for reading in found.readings):
        return []
    return [
        "The limit of the K-value is set for every lot anew; the table takes the median of these limits. Observed parts "
        "per million against it are therefore not exactly what the test rejected."
    ]


def _means_words(found: Sequence[tuple[MeansChart | None, str]]) -> list[str]:
    said = [f"{whose}{_count(means.xbar)}" for means, whose in found if means is not None]
    if not said:
        return []
    return [
        f"Points that signal on the X-bar chart of capacity: {'; '.join(said)}. A process in control would let {HEALTHY}. "
        "The limits know only the spread within subgroups, so differences between lots and rolls make the chart signal: "
        "that is what it is for, not a fault of the test."
    ]


def _rejects_words(found: Sequence[tuple[Chart | None, str]], samples: Sequence[Sample]) -> list[str]:
    batches = " or ".join(dict.fromkeys(one.batch_words for one in samples))
    said = [f"{whose}{_count(chart)}" for chart, whose in found if chart is not None]
    if not said:
        return ["No p chart: too few batches, or nothing was rejected in the sample."]
    return [
        f"Points that signal on the p chart of rejects, one for each {batches}: {'; '.join(said)}. Its limits are "
        "binomial: cells of a batch that share their luck pass them more often."
    ]


def _count(chart: Chart) -> str:
    said = [f"{places.size:,} by test {rule}" for rule, places in chart.signals.items() if places.size]
    tests = f" ({', '.join(said)})" if said else ""
    return f"{chart.signalling.size:,} of {chart.points.size:,}{tests}"


def _means_figure(means: MeansChart, found: Sample, name: str) -> html.Figure:
    starts = 1 + np.flatnonzero(np.diff(found.lot))
    figure = figures.control_charts(
        [(f"{name}: means of {quality.SUBGROUP} cells", means.xbar), ("Ranges", means.ranges)],
        means.place,
        "cell, in order of production",
        ("capacity [% of nominal]", "range [points]"),
        starts=[int(k) for k in starts] if starts.size <= 60 else (),
        starts_words="a new supplier lot",
    )
    return html.Figure(figure, CAPTIONS["means"])


def _rejects_figure(chart: Chart, found: Sample, name: str) -> html.Figure:
    percent = _scaled(chart, 100.0)
    figure = figures.control_charts(
        [(f"{name}: rejects of each {found.batch_words}", percent)],
        np.arange(1, chart.points.size + 1),
        "batch, in order of production",
        ("rejected [%]",),
    )
    return html.Figure(figure, CAPTIONS["p"])


def _scaled(chart: Chart, factor: float) -> Chart:
    names = ("points", "centre", "sd", "lower", "upper")
    return replace(chart, **{name: factor * getattr(chart, name) for name in names})


def _table(studies: Sequence[Study], name: str) -> html.Table:
    def row(label: str, text: Callable[[Study], str]) -> list[html.Cell]:
        return [html.Cell(label, "name"), *(html.Cell(text(study), "number") for study in studies)]

    def of_capability(text: Callable[[Capability], str]) -> Callable[[Study], str]:
        return lambda study: NONE if study.capability is None else text(study.capability)

    rows = [
        row("cells with a reading", lambda s: f"{s.reading.values.size:,}"),
        row("mean", lambda s: _value(s, s.reading.values.mean() if s.reading.values.size else None)),
        row("lower limit (LSL)", lambda s: _value(s, s.reading.lower)),
        row(
            "upper limit (USL)", lambda s: _value(s, s.reading.upper) + (" (median)" if s.reading.limit_varies else "")
        ),
        row(
            f"sd within subgroups of {quality.SUBGROUP}",
            lambda s: NONE if s.within_sd is None else digits(s.within_sd.sd),
        ),
        row("sd overall", lambda s: NONE if s.overall_sd is None else digits(s.overall_sd.sd)),
        row("Cp (95 % interval)", of_capability(lambda c: _interval(c.within.cp))),
        row("Cpk", of_capability(lambda c: _interval(c.within.cpk))),
        row("Pp", of_capability(lambda c: _interval(c.overall.cp))),
        row("Ppk", of_capability(lambda c: _interval(c.overall.cpk))),
        row("Cpk, Ppk of the cells without a defect", _clean),
        row("beyond the limits, observed [ppm]", of_capability(lambda c: _ppm(c.observed_ppm))),
        row("expected from the sd within, if normal [ppm]", of_capability(lambda c: _ppm(c.expected_within_ppm))),
        row("expected from the sd overall, if normal [ppm]", of_capability(lambda c: _ppm(c.expected_overall_ppm))),
        row("Anderson-Darling A\N{SUPERSCRIPT TWO}* (p that a normal gives more)", _normality),
    ]
    head = ("", *(f"{study.reading.name} [{_unit(study)}]" for study in studies))
    return html.Table(head, rows, f"Capability of the end-of-line test{f': {name}' if name else ''}")


def _unit(study: Study) -> str:
    shown = unit_text(study.reading.unit)
    return {"capacity": "% of nominal", "DCIR": "% of nominal", "OCV": "mV off nominal"}.get(study.reading.name, shown)


def _value(study: Study, value: float | None) -> str:
    if value is None:
        return NONE
    return fixed(float(value), 2 if study.reading.unit == "%" else 3)


def _clean(study: Study) -> str:
    found = study.without_defects
    return NONE if found is None else f"{fixed(found.within.cpk.value, 2)}, {fixed(found.overall.cpk.value, 2)}"


def _interval(found: Interval) -> str:
    if not np.isfinite(found.value):
        return NONE
    return f"{fixed(found.value, 2)} ({fixed(found.low, 2)} to {fixed(found.high, 2)})"


def _ppm(value: float) -> str:
    return digits(value, 3) if value >= 0.001 or value == 0.0 else "under 0.001"


def _normality(study: Study) -> str:
    if study.normality is None:
        return NONE
    p = study.normality.p_value
    return f"{digits(study.normality.a2_star, 3)} ({digits(p, 2) if p >= 0.001 else 'under 0.001'})"

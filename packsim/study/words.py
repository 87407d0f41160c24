"""The answer in plain words: what a run or a comparison says, how sure that is, and what it rests on.

Differences are b - a. `real`: Holm's method over all metrics; everything else is said to be within noise, and with
fewer than ten independent units nothing is claimed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from packsim.pack.kernels import PACK_ONLY
from packsim.report import phrases as say
from packsim.report.labels import fixed
from packsim.report.phrases import Names
from packsim.stats.intervals import FEWEST_UNITS
from packsim.verdict.causes import Verdict

if TYPE_CHECKING:
    from packsim.study.compare import Comparison, Difference
    from packsim.study.run import Result
    from packsim.study.sweep import Variant

    Rows = Mapping[str, Difference]

SWEPT = ("qualification_rate_pct", "shipped_capacity_cv_pct", "escape_ppm", "pack_usable_capacity_pct")
SPREADS = (("Capacity", "capacity"), ("DCIR", "dcir"))
_LEVELS = (("margin", "by the margin of {margin:g} V"), ("0v5", "by 0.5 V"), ("1v", "below 1 V"), ("0v", "below 0 V"))


class Topic(NamedTuple):
    """What is said about one question."""

    title: str
    sentences: tuple[str, ...]


def comparison_words(comparison: Comparison) -> list[str]:
    """The headline and all sentences of a comparison."""
    return [comparison_headline(comparison), *_flat(comparison_topics(comparison))]


def comparison_headline(comparison: Comparison) -> str:
    """Cells and packs in one sentence, each with its verdict."""
    rows = {row.metric: row for row in comparison.differences}
    names = comparison_names(comparison)
    cells, packs = rows["qualification_rate_pct"], rows["pack_usable_capacity_pct"]
    more = "fewer" if cells.difference < 0.0 else "more"
    if cells.difference == 0.0:
        first = f"{names.b} qualifies as many cells as {names.a} ({say.verdict(cells)})"
    else:
        first = f"{names.b} qualifies {say.amount(cells)} {more} cells than {names.a} ({say.verdict(cells)})"
    if packs.difference == 0.0 or math.isnan(packs.difference):
        return say.upper_case(f"{first}; the usable capacity of its packs is the same ({say.verdict(packs)}).")
    size = fixed(abs(packs.difference), say.places(packs))
    word = "less" if packs.difference < 0.0 else "more"
    return say.upper_case(f"{first}; its packs give {size} % {word} capacity ({say.verdict(packs)}).")


def comparison_names(comparison: Comparison) -> Names:
    """The words in which the names of the two scenarios differ."""
    return say.short_names(comparison.a.scenario.name, comparison.b.scenario.name)


def comparison_topics(comparison: Comparison) -> list[Topic]:
    """The questions of a process engineer, answered one by one."""
    rows = {row.metric: row for row in comparison.differences}
    names = comparison_names(comparison)
    return [
        Topic("How many more cells qualify, and why", (_qualified(rows, names), *_reasons(comparison, rows))),
        Topic("What ships", _shipped(rows)),
        Topic("How good the packs are", _packs(comparison, rows, names)),
        Topic("Over-discharge", _over_discharge(comparison, rows, names)),
        Topic("How sure this is", _sure(comparison, rows)),
    ]


def _qualified(rows: Rows, names: Names) -> str:
    row = rows["qualification_rate_pct"]
    return say.upper_case(say.moves(row, f"from {names.a} to {names.b}, the qualification rate")) + "."


def _reasons(comparison: Comparison, rows: Rows) -> tuple[str, ...]:
    conformance, defects = rows["conformance_reject_pct"], rows["defect_reject_pct"]
    sentences = [
        say.upper_case(say.moves(conformance, "rejects for spread against the limits (no defect)", plural=True)) + ".",
        say.upper_case(say.moves(defects, "rejects with a defect", plural=True)) + ".",
    ]
    model = comparison.b.scenario.qualification
    if model is not None and model.baseline_pct is not None:
        sentences.append(
            f"How the improvement splits between the two is an assumption, not a finding: "
            f"{100.0 * model.improvement_conformance_share:g} % of it was set to come from less spread."
        )
    return tuple(sentences)


def _shipped(rows: Rows) -> tuple[str, ...]:
    sentences = []
    for what, key in SPREADS:
        before, after = rows[f"incoming_{key}_cv_pct"], rows[f"shipped_{key}_cv_pct"]
        part = say.relative(after)
        sentences.append(
            f"{what} spread (CV) of all cells made goes {say.pair(before)}; that of the cells which ship goes "
            f"{say.pair(after)}{f', {part}' if part else ''} {say.judged(after)}."
        )
    sentences.append(
        say.upper_case(say.moves(rows["escape_ppm"], "escapes among the shipped cells", plural=True)) + "."
    )
    sentences.append(
        say.upper_case(say.moves(rows["false_reject_ppm"], "good cells rejected by the gauge", plural=True)) + "."
    )
    return tuple(sentences)


def _packs(comparison: Comparison, rows: Rows, names: Names) -> tuple[str, ...]:
    usable, under, worst = (
        rows[name] for name in ("pack_usable_capacity_pct", "under_charge_pct", "under_charge_worst_pct")
    )
    sentences = [
        say.upper_case(say.moves(usable, "usable pack capacity, against a pack of nominal cells,")) + ".",
        say.upper_case(say.moves(under, "under-charge, the mean shortfall of the groups against the fullest one,"))
        + ".",
        say.upper_case(say.moves(worst, "the shortfall of the emptiest group in a pack")) + ".",
        say.upper_case(say.moves(rows["bad_pack_rate_pct"], "the share of packs with any verdict but good")) + ".",
    ]
    for name, result in zip(names, (comparison.a, comparison.b), strict=True):
        sentences += _unsolved(result, f" of {name}")
    return tuple(sentences)


def _over_discharge(comparison: Comparison, rows: Rows, names: Names) -> tuple[str, ...]:
    watched = say.moves(rows["over_discharge_rate_every_group_pct"], "the share of over-discharged packs")
    blind = say.moves(rows["over_discharge_rate_pack_only_pct"], "that share")
    reverse = say.moves(rows["reversal_rate_pack_only_pct"], "the share of packs with a reversed group (below 0 V)")
    own = {r.plans.duty.monitoring for r in (comparison.a, comparison.b)}
    stop = (
        "only the pack's voltage" if own == {PACK_ONLY} else "every group" if PACK_ONLY not in own else "not the same"
    )
    shares = "; ".join(
        f"{words} {_share(comparison.a, key)} against {_share(comparison.b, key)}"
        for key, words in levels(comparison.a)
    )
    return (
        f"If the BMS watches every group, {watched}.",
        f"If it watches only the pack's voltage, {blind}.",
        f"Packs with a group below its cut-off under that monitoring, {names.a} against {names.b}: {shares}.",
        f"Under that monitoring, {reverse}; what happens below 0 V is postulated.",
        f"These scenarios watch {stop}." if stop != "not the same" else "The two scenarios are not monitored alike.",
    )


def levels(result: Result) -> list[tuple[str, str]]:
    """Depths of over-discharge: the key in the packs' columns and how it is said."""
    margin = result.scenario.verdict.over_discharge_margin_v
    return [(key, words.format(margin=margin)) for key, words in _LEVELS]


def _share(result: Result, key: str) -> str:
    bad = result.packs[f"over_discharged_{key}_pack_only"]
    share = 100.0 * float(bad.mean())
    return f"{fixed(share, 0 if share in (0.0, 100.0) else 1)} %"


def _sure(comparison: Comparison, rows: Rows) -> tuple[str, ...]:
    real = [row for row in rows.values() if say.verdict(row) == "real"]
    units = min(len(comparison.a.sums), len(comparison.b.sums))
    few = "" if units >= FEWEST_UNITS else f" That is too few to say: at least {FEWEST_UNITS} are needed."
    first = f"Of {len(rows)} metrics, {len(real)} differ for real"
    return (
        (
            f"{first}; all others are within noise or equal."
            if units >= FEWEST_UNITS
            else "No difference is called real."
        )
        + " Called real is what would appear by chance alone, anywhere in the table, once in 50 such comparisons.",
        f"Cells of a lot share their luck, so what counts is {units} independent {unit_words(comparison.a)}, "
        f"not the number of cells.{few}",
        *(_design_effect(comparison.a, comparison.b)),
        _pairing(comparison),
    )


def _design_effect(*results: Result) -> list[str]:
    effects = [r.design_effect() for r in results if len(r.sums) >= FEWEST_UNITS]
    shown = [fixed(e, 0 if e >= 10.0 else 1) for e in effects if math.isfinite(e)]
    if not shown:
        return []
    return [
        f"The qualification rate scatters {' and '.join(dict.fromkeys(shown))} times as much (in variance) as "
        "independent cells would make it (design effect)."
    ]


def unit_words(result: Result) -> str:
    """What the independent units of a run are."""
    return "blocks" if result.plans.line.blocks_per_lot == 1 else "supplier lots"


def _pairing(comparison: Comparison) -> str:
    if not comparison.paired:
        return "The two runs do not correspond place by place, so differences are not paired and intervals are wider."
    same, correlation = comparison.pairing
    share = f"{fixed(100.0 * same, 1)} % of the places in packs hold the cell of the same address"
    text = f"Both runs share their luck: {share}"
    if math.isnan(correlation):
        return f"{text}; how alike the packs' capacities are cannot be said, because one run's do not vary."
    return f"{text}, and the packs' capacities correlate by {fixed(correlation, 2)}."


def run_words(result: Result) -> list[str]:
    """The headline and all sentences of one run."""
    return [run_headline(result), *_flat(run_topics(result))]


def run_headline(result: Result) -> str:
    """Cells and packs of one run in one sentence."""
    cells, packs = (_said(result, name, "%") for name in ("qualification_rate_pct", "pack_usable_capacity_pct"))
    return f"{result.scenario.name}: {cells} of the cells qualify; packs give {packs} of a nominal pack's capacity."


def run_topics(result: Result) -> list[Topic]:
    """What one run says."""
    pct = {name: _said(result, name, "%") for name in result.summary() if name.endswith("_pct")}
    ppm = {name: _said(result, name, "ppm") for name in ("escape_ppm", "false_reject_ppm")}
    units = len(result.sums)
    few = f" That is too few to say: at least {FEWEST_UNITS} are needed." if units < FEWEST_UNITS else ""
    cells = (
        f"Rejected for spread against the limits, without a defect: {pct['conformance_reject_pct']}.",
        f"Rejected with a defect: {pct['defect_reject_pct']}.",
        f"Escapes among the shipped cells: {ppm['escape_ppm']}.",
        f"Good cells rejected by the gauge: {ppm['false_reject_ppm']}.",
        *(
            f"{what} spread (CV): {pct[f'incoming_{key}_cv_pct']} of all cells made, {pct[f'shipped_{key}_cv_pct']} "
            "of those that ship."
            for what, key in SPREADS
        ),
    )
    packs = (
        _verdicts(result),
        f"Under-charge, the mean shortfall of the groups against the fullest one: {pct['under_charge_pct']}.",
        f"Over-discharged packs if every group is watched: {pct['over_discharge_rate_every_group_pct']}.",
        f"Over-discharged packs if only the pack's voltage is watched: {pct['over_discharge_rate_pack_only_pct']}.",
        *_unsolved(result, ""),
    )
    luck = f"Intervals rest on {units} independent {unit_words(result)}, not on the number of cells.{few}"
    return [Topic("Cells", cells), Topic("Packs", packs), Topic("How sure this is", (luck, *_design_effect(result)))]


def _said(result: Result, name: str, unit: str) -> str:
    row = result.summary()[name]
    return say.estimate(row["value"], row["low"], row["high"], unit)


def _verdicts(result: Result) -> str:
    counts = result.packs["verdict"].value_counts()
    said = [
        f"{counts[v.name.lower()]:,} {v.name.lower().replace('_', ' ')} ({v.sentence})"
        for v in Verdict
        if v.name.lower() in counts
    ]
    return f"Verdicts on {result.pack_count:,} packs: {'; '.join(said)}."


def _unsolved(result: Result, whose: str) -> list[str]:
    bad = int((result.packs["verdict"] == Verdict.UNSOLVED.name.lower()).sum())
    return [f"Attention: {bad:,} packs{whose} did not converge; nothing is claimed about them."] if bad else []


def sweep_words(variants: Sequence[Variant]) -> list[str]:
    """How the answer changes with the assumed shares of conformance in the rejects and in their fall."""
    sentences = [
        "The source does not say how many rejects, and how much of their fall, are spread and how many are defects. "
        "The answer under other assumptions:"
    ]
    for variant in variants:
        share = f"With {100.0 * variant.improvement_conformance_share:g} % of the improvement and "
        share += f"{100.0 * variant.baseline_conformance_share:g} % of the baseline's rejects due to spread"
        if variant.comparison is None:
            sentences.append(f"{share}: cannot be ({variant.refused}).")
        else:
            rows = {row.metric: row for row in variant.comparison.differences}
            sentences.append(f"{share}: {'; '.join(_brief(rows[name]) for name in SWEPT)}.")
    return sentences + _overall([v.comparison for v in variants if v.comparison is not None])


_BRIEF = dict(
    zip(SWEPT, ("cells that qualify", "shipped capacity spread", "escapes", "usable pack capacity"), strict=True)
)


def _brief(row: Difference) -> str:
    unit = "points" if row.unit == "%" else row.unit
    return f"{_BRIEF[row.metric]} {fixed(row.difference, say.places(row), signed=True)} {unit} ({say.verdict(row)})"


def _overall(comparisons: Sequence[Comparison]) -> list[str]:
    if len(comparisons) < 2:
        return []
    found = [next(r for r in c.differences if r.metric == "pack_usable_capacity_pct") for c in comparisons]
    low, high = min(found, key=lambda r: r.difference), max(found, key=lambda r: r.difference)
    real = sum(say.verdict(row) == "real" for row in found)
    digits = max(say.places(low), say.places(high))
    ends = (fixed(row.difference, digits, signed=True) for row in (low, high))
    return [
        f"So the packs' usable capacity changes by {' to '.join(ends)} points, depending on what is assumed; "
        f"that is real under {real} of {len(found)} assumptions."
    ]


def _flat(topics: Sequence[Topic]) -> list[str]:
    return [sentence for topic in topics for sentence in topic.sentences]

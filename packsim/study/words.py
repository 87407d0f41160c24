"""The answer in plain words: what a run or a comparison says, how sure that is, and what it rests on.

Differences are b - a. `real`: Holm's method over all metrics; everything else is said to be within noise, and with
fewer than ten independent units nothing is claimed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from packsim.report import phrases as say
from packsim.report.labels import figures, fixed
from packsim.report.phrases import Names
from packsim.stats.intervals import FEWEST_UNITS
from packsim.study.compare import FAMILYWISE_LEVEL
from packsim.study.counts import LOWEST_PACK_ONLY
from packsim.study.words_of_run import (
    SPREADS,
    Topic,
    design_effect,
    flat,
    run_headline,
    run_topics,
    run_words,
    sampled,
    seen_words,
    unit_words,
    unsolved,
)

__all__ = [
    "comparison_headline",
    "comparison_names",
    "comparison_topics",
    "comparison_words",
    "run_headline",
    "run_topics",
    "run_words",
    "sweep_words",
    "unit_words",
]

if TYPE_CHECKING:
    from packsim.study.compare import Comparison, Difference
    from packsim.study.run import Result
    from packsim.study.sweep import Variant

    Rows = Mapping[str, Difference]

SWEPT = ("qualification_rate_pct", "shipped_capacity_cv_pct", "escape_ppm", "pack_usable_capacity_pct")
_LEVELS = (("margin", "by {margin} V (the margin)"), ("0v5", "by 0.5 V"), ("1v", "under 1 V"), ("0v", "under 0 V"))


def comparison_words(comparison: Comparison) -> list[str]:
    """The headline and all sentences of a comparison."""
    return [comparison_headline(comparison), *flat(comparison_topics(comparison))]


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
        *_seen(comparison, names),
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
    calibrated = [r.plans.calibration for r in (comparison.a, comparison.b)]
    if all(calibrated):
        targets = " and ".join(f"{fixed(c.qualification_rate_pct, 1)} %" for c in calibrated if c)
        sentences.append(
            f"The lines are calibrated to an expected {targets}; what a run shows scatters around that with the luck of its "
            "lots, the same luck in both."
        )
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
        sentences.append(
            f"{what} spread (CV) of all cells made goes {say.pair(before)}; that of the cells which ship goes "
            f"{say.pair(after)}, {say.relative(after)}."
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
        say.upper_case(_share_of_packs(comparison, rows["bad_pack_rate_pct"], "packs with a verdict other than good"))
        + ".",
    ]
    for name, result in zip(names, (comparison.a, comparison.b), strict=True):
        sentences += unsolved(result, f" of {name}")
    return tuple(sentences)


BOTTOM_BALANCED = (
    "Cells come from storage with the same charge, so new packs are balanced at the bottom: a small cell ends the charge "
    "early, and all groups are empty together. With --set pack.top_balanced=true the small cell is empty first instead."
)


def _seen(comparison: Comparison, names: Names) -> list[Topic]:
    """What was found in packs, of runs that look for it."""
    results = list(zip(names, (comparison.a, comparison.b), strict=True))
    words = [s for name, r in results if r.plans.fleet.plain is None for s in seen_words(r, f" of {name}")]
    return [Topic("What was seen in the packs", tuple(words))] if words else []


def _over_discharge(comparison: Comparison, rows: Rows, names: Names) -> tuple[str, ...]:
    if "over_discharge_rate_pack_only_pct" not in rows:
        return _as_monitored(comparison, rows)
    watched, blind, reversal = (
        _share_of_packs(comparison, rows[f"{name}_pct"], what)
        for name, what in (
            ("over_discharge_rate_every_group", "over-discharged packs"),
            ("over_discharge_rate_pack_only", "over-discharged packs"),
            ("reversal_rate_pack_only", "packs with a reversed group (below 0 V)"),
        )
    )
    margins = dict.fromkeys(r.scenario.verdict.over_discharge_margin_v for r in (comparison.a, comparison.b))
    margin = " and ".join(f"{value:g}" for value in margins)
    kinds = [r.scenario.pack.bms.monitoring.replace("_", " ") for r in (comparison.a, comparison.b)]
    own = " and ".join(dict.fromkeys(kinds))
    every, alone = (
        "; ".join(
            f"{words.format(margin=margin)} {_share(comparison.a, key, kind)} against {_share(comparison.b, key, kind)}"
            for key, words in _LEVELS
        )
        for kind in ("every_group", "pack_only")
    )
    return (
        f"If the BMS watches every group: {watched}.",
        f"The packs with a group below the cut-off are then, {names.a} against {names.b}: {every}.",
        f"If it watches only the pack's voltage: {blind}.",
        f"In that case the packs with a group below the cut-off are, {names.a} against {names.b}: {alone}.",
        *(_depth(result, name) for name, result in zip(names, (comparison.a, comparison.b), strict=True)),
        f"Also in that case: {reversal}; what happens below 0 V is postulated.",
        f"Verdicts and usable capacity are those of the scenarios' own monitoring ({own}).",
        *((BOTTOM_BALANCED,) if not all(r.scenario.pack.top_balanced for r in (comparison.a, comparison.b)) else ()),
    )


def _as_monitored(comparison: Comparison, rows: Rows) -> tuple[str, ...]:
    kinds = [r.scenario.pack.bms.monitoring.replace("_", " ") for r in (comparison.a, comparison.b)]
    own = " and ".join(dict.fromkeys(kinds))
    over = _share_of_packs(comparison, rows["over_discharge_rate_pct"], "over-discharged packs")
    sentences = [f"As the scenarios are monitored ({own}): {over}."]
    if "reversal_rate_pct" in rows:
        reversal = _share_of_packs(comparison, rows["reversal_rate_pct"], "packs with a reversed group (below 0 V)")
        sentences.append(f"Also: {reversal}; what happens below 0 V is postulated.")
    return tuple(sentences)


def _share_of_packs(comparison: Comparison, row: Difference, what: str) -> str:
    if row.a or row.b:
        return say.moves(row, f"the share of {what}")
    high = max(r.summary()[row.metric]["high"] for r in (comparison.a, comparison.b))
    known = f", though up to {figures(high, 2)} % cannot be excluded" if high > 0.0 else ""
    counts = " and of ".join(dict.fromkeys(f"{r.pack_count:,}" for r in (comparison.a, comparison.b)))
    return f"no {what} in either run, of {counts}{known}"


def _share(result: Result, key: str, kind: str) -> str:
    share = 100.0 * float(result.counts.below[f"over_discharged_{key}_{kind}"].sum()) / result.pack_count
    return f"{fixed(share, 0 if share in (0.0, 100.0) else 1)} %"


def _depth(result: Result, name: str) -> str:
    lowest, (worst, _) = result.median(LOWEST_PACK_ONLY), result.counts.extremes.get(LOWEST_PACK_ONLY, (math.nan,) * 2)
    return (
        f"The lowest group of {name} then ends at {fixed(lowest, 2)} V in the median pack and at "
        f"{fixed(worst, 2)} V in the worst; the cut-off is {fixed(result.plans.fleet.lower_v, 2)} V.{sampled(result)}"
    )


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
        + " A difference is called real only if chance alone would produce one like it, anywhere among the metrics, in "
        f"fewer than {FAMILYWISE_LEVEL * 100:g} of 100 comparisons.",
        f"Cells of a lot share their luck, so what counts is {units} independent {unit_words(comparison.a)}, "
        f"not the number of cells.{few}",
        *(design_effect(comparison.a, comparison.b)),
        _pairing(comparison),
    )


def _pairing(comparison: Comparison) -> str:
    if not comparison.paired:
        return "The two runs do not correspond place by place, so differences are not paired and intervals are wider."
    same, correlation = comparison.pairing
    share = f"{fixed(100.0 * same, 1)} % of the places in packs hold the cell of the same address"
    text = f"Both runs share their luck: {share}"
    if math.isnan(correlation):
        return f"{text}; how alike the packs' capacities are cannot be said, because one run's do not vary."
    return f"{text}, and the packs' capacities correlate by {fixed(correlation, 2)}."


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

"""One run in plain words, and what runs and comparisons say alike."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from packsim.report import phrases as say
from packsim.report.labels import fixed
from packsim.stats.intervals import FEWEST_UNITS
from packsim.study.counts import HOTTEST
from packsim.study.yields import yield_words
from packsim.verdict.causes import Verdict

if TYPE_CHECKING:
    from packsim.study.life import LifeResult
    from packsim.study.run import Result

SPREADS = (("Capacity", "capacity"), ("DCIR", "dcir"))


class Topic(NamedTuple):
    """What is said about one question."""

    title: str
    sentences: tuple[str, ...]


def run_words(result: Result) -> list[str]:
    """The headline and all sentences of one run."""
    return [run_headline(result), *flat(run_topics(result))]


def run_headline(result: Result) -> str:
    """Cells and packs of one run in one sentence."""
    cells, packs = (_said(result, name, "%") for name in ("qualification_rate_pct", "pack_usable_capacity_pct"))
    return f"{result.scenario.name}: {cells} of the cells qualify; packs give {packs} of a nominal pack's capacity."


def run_topics(result: Result) -> list[Topic]:
    """What one run says."""
    pct = {name: _said(result, name, "%") for name in result.summary() if name.endswith("_pct")}
    ppm = {name: _said(result, name, "ppm") for name in ("escape_ppm", "false_reject_ppm")}
    units = len(result.sums)
    few = f" That is too few to say: at least {FEWEST_UNITS} are needed for intervals." if units < FEWEST_UNITS else ""
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
        *_over_discharge(result, pct),
        *unsolved(result, ""),
    )
    luck = f"Intervals rest on {units} independent {unit_words(result)}, not on the number of cells.{few}"
    line = [Topic("Line", yield_words(result))] if result.plans.inspected else []
    return [
        *line,
        Topic("Cells", cells),
        Topic("Packs", packs),
        Topic("How sure this is", (luck, *design_effect(result))),
    ]


def _over_discharge(result: Result, pct: dict[str, str]) -> tuple[str, ...]:
    if result.plans.fleet.plain is not None:
        return (
            f"Over-discharged packs if every group is watched: {pct['over_discharge_rate_every_group_pct']}.",
            f"Over-discharged packs if only the pack's voltage is watched: {pct['over_discharge_rate_pack_only_pct']}.",
        )
    return (
        f"Over-discharged packs: {pct['over_discharge_rate_pct']}.",
        f"Packs with a group below 0 V, which is postulated: {pct['reversal_rate_pct']}.",
        *seen_words(result, ""),
    )


def seen_words(result: Result, whose: str) -> tuple[str, ...]:
    """What was found in the packs of a run, by kind; how hot the hottest cells got."""
    found, words = result.seen, []
    if found.rows:
        kinds = "; ".join(
            f"{what} in {packs:,} of {result.pack_count:,} packs" for what, packs in found.by_kind.items()
        )
        words.append(f"Found in the packs{whose}: {kinds}.")
    else:
        words.append(f"No fault was found in the packs{whose}.")
    if HOTTEST in result.counts.extremes:
        median, most = result.median(HOTTEST), result.counts.extremes[HOTTEST][1]
        words.append(
            f"The hottest cell of a pack{whose} reaches {fixed(median, 1)} degC in the median pack and "
            f"{fixed(most, 1)} degC in the hottest.{sampled(result)}"
        )
    return tuple(words)


def sampled(*results: Result) -> str:
    """What a median or a figure rests on, where that is not every pack."""
    found = dict.fromkeys(r.every for r in results if r.every > 1)
    return "".join(f" One pack in {every:,} was taken here." for every in found)


def _said(result: Result, name: str, unit: str) -> str:
    row = result.summary()[name]
    return say.estimate(row["value"], row["low"], row["high"], unit)


def _verdicts(result: Result) -> str:
    counts = result.counts.verdict
    said = [
        f"{counts[v.name.lower()]:,} {v.name.lower().replace('_', ' ')} ({v.sentence})"
        for v in Verdict
        if v.name.lower() in counts
    ]
    return f"Verdicts on {result.pack_count:,} packs: {'; '.join(said)}."


def unsolved(result: Result, whose: str) -> list[str]:
    """A warning if packs did not converge, else nothing."""
    bad = result.counts.verdict.get(Verdict.UNSOLVED.name.lower(), 0)
    return [f"Attention: {bad:,} packs{whose} did not converge; nothing is claimed about them."] if bad else []


def design_effect(*results: Result) -> list[str]:
    """How much lots widen the scatter, where there are enough of them to say."""
    effects = [r.design_effect() for r in results if len(r.sums) >= FEWEST_UNITS]
    shown = [fixed(e, 0 if e >= 10.0 else 1) for e in effects if math.isfinite(e)]
    if not shown:
        return []
    return [
        f"The qualification rate scatters {' and '.join(dict.fromkeys(shown))} times as much (in variance) as "
        "independent cells would make it (design effect)."
    ]


def unit_words(result: Result | LifeResult) -> str:
    """What the independent units of a run are."""
    return "blocks" if result.plans.line.blocks_per_lot == 1 else "supplier lots"


def flat(topics: Sequence[Topic]) -> list[str]:
    """All sentences."""
    return [sentence for topic in topics for sentence in topic.sentences]

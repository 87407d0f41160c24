"""From results to the report's tables and figures: the only place that knows both."""

from __future__ import annotations

import math
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from packsim import __version__
from packsim.inspection.test import Cause
from packsim.line.defects import DEFECTS
from packsim.report import cell_figures, figures, html, sections
from packsim.report import phrases as say
from packsim.report.captions import CAPTIONS, POSTULATED
from packsim.report.labels import fixed, trait_label
from packsim.report.pack_figures import lowest_voltages, pack_voltages
from packsim.report.tables import Capacities, PackVoltages, over_discharge, roots
from packsim.scenario.base import Model
from packsim.scenario.provenance import numbers
from packsim.study import quality_report, words
from packsim.study.block import HISTOGRAM_PCT
from packsim.study.counts import LOWEST, LOWEST_PACK_ONLY
from packsim.study.life_report import life_sections
from packsim.study.metrics import ROW
from packsim.study.seen_report import seen_sections
from packsim.study.words_of_run import sampled
from packsim.study.yields import yield_section
from packsim.verdict.causes import Verdict

if TYPE_CHECKING:
    from packsim.pack.fleet.plan import FleetPlan
    from packsim.pack.fleet.run import Fleet
    from packsim.pack.run import PackTrace
    from packsim.study.compare import Comparison
    from packsim.study.life import LifeResult
    from packsim.study.run import Result
    from packsim.study.sweep import Variant


def write_run_report(result: Result, path: Path, *, life: LifeResult | None = None, overwrite: bool = True) -> Path:
    """Write the report of one run, with its packs' years in the field if there are any; returns its path.

    Raises:
        IsADirectoryError, FileNotFoundError, FileExistsError, OSError: see `packsim.report.html.write`.
    """
    names = (result.scenario.name,)
    parts = [html.Section(topic.title, topic.sentences) for topic in words.run_topics(result)]
    parts += life_sections([(life, result.scenario.name)]) if life is not None else []
    parts.append(html.Section("All metrics", tables=[sections.metrics(sections.grouped(result.table().reset_index()))]))
    parts += [section for section in (yield_section(result, result.scenario.name, said=True),) if section]
    parts += [*_figures([result], names), quality_report.section([result], names)]
    parts += [_assumptions([result], ("value",)), _facts([result], names)]
    page = html.Page(
        title=f"packsim run: {result.scenario.name}",
        headline=words.run_headline(result),
        subtitle=result.scenario.description,
        sections=parts,
    )
    return html.write(page, path, overwrite=overwrite)


def write_comparison_report(
    comparison: Comparison,
    path: Path,
    *,
    sweep: Sequence[Variant] = (),
    lives: Sequence[LifeResult] = (),
    overwrite: bool = True,
) -> Path:
    """Write the report of a comparison, with how its answer changes over the assumptions in `sweep`; returns its path.

    `lives`: the field of both scenarios, if it was looked at.

    Raises:
        IsADirectoryError, FileNotFoundError, FileExistsError, OSError: see `packsim.report.html.write`.
    """
    a, b = comparison.a, comparison.b
    names = words.comparison_names(comparison)
    parts = [html.Section(topic.title, topic.sentences) for topic in words.comparison_topics(comparison)]
    parts += life_sections(list(zip(lives, names, strict=True))) if lives else []
    parts.append(_differences(comparison, names))
    if sweep:
        parts.append(_sweep(sweep))
    parts += [section for section in (yield_section(a, names.a), yield_section(b, names.b)) if section]
    changed = sections.changes(_flat(a.scenario), _flat(b.scenario), names)
    parts += [*_figures([a, b], names), quality_report.section([a, b], names)]
    parts.append(html.Section("What was changed between a and b", tables=[changed]))
    parts += [_assumptions([a, b], ("a", "b")), _facts([a, b], names)]
    page = html.Page(
        title=f"packsim comparison: {a.scenario.name} (a) and {b.scenario.name} (b)",
        headline=words.comparison_headline(comparison),
        subtitle="",
        sections=parts,
    )
    return html.write(page, path, overwrite=overwrite)


def _differences(comparison: Comparison, names: say.Names) -> html.Section:
    ordered = sections.grouped(comparison.table().reset_index())
    by_name = {row.metric: row for row in comparison.differences}
    rows = [by_name[name] for name in ordered["metric"]]
    table = sections.differences(rows, [(row.metric, row.meaning) for row in rows], names)
    figure = html.Figure(figures.differences(ordered, *names), CAPTIONS["differences"])
    return html.Section("All differences", figures=[figure], tables=[table])


def _figures(results: Sequence[Result], names: Sequence[str]) -> list[html.Section]:
    pairs = list(zip(results, names, strict=True))
    rejects = pd.concat([reject_table(result, name) for result, name in pairs], ignore_index=True)
    weak = pd.concat([roots(result.counts.roots, result.pack_count, name) for result, name in pairs], ignore_index=True)
    weak["kind"] = "The largest loss comes from"
    weak["name"] = [trait_label(root, step) for root, step in zip(weak["root"], weak["root_step"], strict=True)]
    weak["meaning"] = [f"{count:,} packs" for count in weak["packs"]]
    traces = [
        html.Figure(
            pack_voltages(trace_table(r, name, typical_pack(results[0]))),
            CAPTIONS["trace" if r.plans.fleet.plain is not None else "trace_monitored"],
        )
        for r, name in pairs
    ]
    return [
        html.Section(
            "Capacity before and after the test",
            figures=[
                html.Figure(
                    cell_figures.capacity_histograms([capacities(r, name) for r, name in pairs]), CAPTIONS["capacity"]
                )
            ],
        ),
        html.Section(
            "What was rejected, and what slipped through",
            figures=[
                html.Figure(figures.pareto(rejects, "per_million", "ppm", "of all started cells"), CAPTIONS["rejects"])
            ]
            if len(rejects)
            else (),
            sentences=() if len(rejects) else ("No cell was rejected, and none was made with a defect.",),
        ),
        html.Section(
            "Over-discharge by depth",
            notice=POSTULATED,
            figures=_depths(pairs),
        ),
        *seen_sections(pairs),
        html.Section("One pack in time", _trace_words(results), traces),
        html.Section(
            "What costs packs capacity",
            figures=[html.Figure(figures.pareto(weak, "share_pct", "%", "packs"), CAPTIONS["roots"])]
            if len(weak)
            else (),
            sentences=[_limit_words(result, name) for result, name in pairs],
        ),
    ]


def _limit_words(result: Result, name: str) -> str:
    share = 100.0 * result.counts.charge_limited / result.pack_count
    return (
        f"{name}: in {fixed(share, 0)} % of the packs the group that is full first, and so ends the charge, costs more "
        "capacity than the one that is empty first."
    )


def _depths(pairs: Sequence[tuple[Result, str]]) -> list[html.Figure]:
    over = pd.concat([over_discharge_table(result, name) for result, name in pairs], ignore_index=True)
    first = pairs[0][0]
    lowest = {
        name: np.asarray(
            result.sample(LOWEST_PACK_ONLY if LOWEST_PACK_ONLY in result.counts.extremes else LOWEST), float
        )
        for result, name in pairs
    }
    depth = lowest_voltages(lowest, first.plans.fleet.lower_v, first.scenario.verdict.over_discharge_margin_v)
    way = "" if all(result.plans.fleet.plain is not None for result, _ in pairs) else "_monitored"
    return [
        html.Figure(figures.over_discharge(over), CAPTIONS["over" + way]),
        html.Figure(depth, CAPTIONS["depth" + way] + sampled(*(result for result, _ in pairs))),
    ]


def _trace_words(results: Sequence[Result]) -> tuple[str, ...]:
    number = typical_pack(results[0])
    share = ", ".join(f"{fixed(_usable(r, number), 2)} %" for r in results)
    whose, same = "the run", ""
    if len(results) > 1:
        whose, same = "run a", " The same pack number is shown for both, so their cells share their luck."
    text = f"Pack {number} has the median usable capacity of {whose} ({share} of a nominal pack).{same}"
    return (text + sampled(results[0]),)


def typical_pack(result: Result) -> int:
    """The pack whose usable capacity is the (lower) median (of `Result.sample`)."""
    order = result.sample("usable_capacity_pct").argsort(kind="stable")
    return int(order[(len(order) - 1) // 2]) * result.every


def _usable(result: Result, pack: int) -> float:
    parts = (part for part in result.iter_packs(["pack", "usable_capacity_pct"]) if part["pack"].iloc[-1] >= pack)
    part = next(parts)
    return float(part.loc[part["pack"] == pack, "usable_capacity_pct"].iloc[0])


def capacities(result: Result, name: str) -> Capacities:
    """Histograms of the measured capacity of a run's cells."""
    started, shipped = result.totals.histograms
    test = result.scenario.inspection.capacity
    return Capacities(name, HISTOGRAM_PCT, started, shipped, test.lower_pct, test.upper_pct)


def reject_table(result: Result, name: str) -> pd.DataFrame:
    """Rejects by the limit that was missed, defects made and defects shipped, per million started cells."""
    started = float(result.sums[:, ROW["starts"]].sum())
    causes = result.totals.causes
    made, shipped = result.totals.defects
    scrapped = result.totals.steps_in_line[:, 2].sum(axis=0).astype(np.int64)
    rows = [
        ("Scrapped in the line", step.replace("_", " "), "in-line inspection", count)
        for step, count in zip(result.plans.inspected, scrapped, strict=True)
    ]
    rows += [("Rejected by the test", c.sentence, c.name.lower(), causes[c]) for c in Cause if c != Cause.NONE]
    for kind, counts in (("Cells made with a defect", made), ("Cells shipped with a defect", shipped)):
        rows += [
            (kind, defect.name.replace("_", " "), f"{defect.meaning} ({defect.step})", counts[bit])
            for bit, defect in enumerate(DEFECTS)
        ]
    frame = pd.DataFrame(rows, columns=["kind", "name", "meaning", "cells"])
    frame.insert(0, "scenario", name)
    frame["per_million"] = 1e6 * frame["cells"] / started
    return frame[frame["cells"] > 0].reset_index(drop=True)


def over_discharge_table(result: Result, name: str) -> pd.DataFrame:
    """Share of packs by depth of over-discharge under both kinds of monitoring."""
    margin = result.scenario.verdict.over_discharge_margin_v
    minus = "\N{MINUS SIGN}"
    thresholds = {
        "cutoff": "cut-off",
        "margin": f"cut-off<br>{minus} {margin:g} V",
        "0v5": f"cut-off<br>{minus} 0.5 V",
        "1v": "1 V",
        "0v": "0 V",
    }
    return over_discharge(result.counts.below, result.counts.packs, thresholds, name)


def trace_table(result: Result, name: str, pack: int) -> PackVoltages:
    """One pack again, in time, with the moments at which each kind of monitoring stops its discharge."""
    fleet, trace, _ = result.trace(pack)
    plan = result.plans.fleet
    return PackVoltages(
        name=f"{name}, pack {pack}",
        time_s=trace.time_s,
        current_a=trace.current_a,
        group_v=trace.group_v,
        weakest=int(fleet.first_group[0]),
        lower_v=plan.lower_v,
        upper_v=plan.upper_v,
        stops_s=_stops(plan, fleet, trace),
    )


def _stops(plan: FleetPlan, fleet: Fleet, trace: PackTrace) -> dict[str, float]:
    """When each kind of monitoring ends the discharge; in a protocol, when its last discharge ended."""
    discharging = np.flatnonzero(trace.current_a > 0.0)
    if not discharging.size:
        return {}
    if plan.plain is None:
        return {plan.kinds[plan.own]: float(trace.time_s[discharging[-1]])}
    seconds = 3600.0 * fleet.usable_ah[0] / plan.plain.discharge_a
    begins = float(trace.time_s[discharging[0]])
    return {kind: begins + float(s) for kind, s in zip(plan.kinds, seconds, strict=True)}


def _sweep(variants: Sequence[Variant]) -> html.Section:
    rows = [
        (v.improvement_conformance_share, v.baseline_conformance_share, d)
        for v in variants
        if v.comparison is not None
        for d in v.comparison.differences
        if d.metric in words.SWEPT
    ]
    table = pd.DataFrame([{"share": share, "baseline": base, **d._asdict()} for share, base, d in rows])
    drawn = [
        html.Figure(
            figures.sweep(part, "share of the improvement due to spread"),
            f"Baseline's rejects: {100.0 * base:g} % due to spread. {CAPTIONS['sweep']}",
        )
        for base, part in ((b, table[table["baseline"] == b]) for b in dict.fromkeys(base for _, base, _ in rows))
        if part["share"].nunique() > 1
    ]
    return html.Section("How the answer depends on what is assumed", tuple(words.sweep_words(variants)), drawn)


def _assumptions(results: Sequence[Result], titles: Sequence[str]) -> html.Section:
    columns = [{number.key: number for number in numbers(result.scenario)} for result in results]
    sentences = ["Numbers without a source are assumptions of whoever wrote the scenario; the answer rests on them."]
    for title, result in zip(titles, results, strict=True):
        if result.plans.calibration is not None:
            factors = result.plans.calibration
            which = f" of {title}" if len(results) > 1 else ""
            sentences.append(
                f"To meet the stated qualification rate{which}, all spreads of the line were multiplied by "
                f"{factors.sd_factor:.4g} and all defect rates by {factors.defect_factor:.4g}."
            )
    return html.Section("Assumptions and sources", sentences, tables=sections.numbers(columns, titles))


def _facts(results: Sequence[Result], names: Sequence[str]) -> html.Section:
    def status(r: Result) -> str:
        bad = r.counts.verdict.get(Verdict.UNSOLVED.name.lower(), 0)
        return "all packs converged" if not bad else f"{bad:,} packs did not converge"

    def effect(r: Result) -> str:
        value = r.design_effect() if len(r.sums) > 1 else math.nan
        return f"{value:.3g}" if math.isfinite(value) else "cannot be said"

    rows = [
        ("packs", [f"{r.pack_count:,}" for r in results]),
        ("cells started", [f"{r.sums[:, ROW['starts']].sum():,.0f}" for r in results]),
        ("cells tested", [f"{r.sums[:, ROW['tested']].sum():,.0f}" for r in results]),
        ("cells in packs", [f"{r.sums[:, ROW['shipped']].sum():,.0f}" for r in results]),
        ("blocks", [f"{r.block_count:,}" for r in results]),
        ("independent units", [f"{len(r.sums):,} {words.unit_words(r)}" for r in results]),
        ("design effect of the qualification rate", [effect(r) for r in results]),
        ("seed", [str(r.seed) for r in results]),
        ("wall time", [r.wall_words for r in results]),
        ("solver steps times cells, packs", [f"{r.totals.steps:,}" for r in results]),
        (
            "equivalent cell-steps of 10 s, packs",
            [f"{r.totals.simulated_s / 10.0:,.0f}" for r in results],
        ),
        ("solver", [status(r) for r in results]),
        ("packsim", [__version__] * len(results)),
        *((name, [_version(name)] * len(results)) for name in ("numba", "numpy", "pybamm")),
    ]
    return html.Section("Run facts", tables=[sections.facts(rows, names)])


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _flat(model: Model, prefix: str = "") -> dict[str, object]:
    """All values of a scenario by dotted key, without names and sources."""
    out: dict[str, object] = {}
    for name in type(model).model_fields:
        value = getattr(model, name)
        if isinstance(value, Model):
            out |= _flat(value, f"{prefix}{name}.")
        elif not isinstance(value, dict) and (prefix or name not in ("name", "description")):
            out[prefix + name] = value
    return out

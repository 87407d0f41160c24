"""Why 2.2 points of yield can mean everything or nothing: `python benchmarks/yield_points.py [--write]`.

Makes docs/yield-points.md: the two EVE lines compared under every pair of assumptions about where rejects come from, in
packs of 20 cells in parallel and in packs of single cells that only the pack's voltage watches. Every number and every
verdict on the page is computed here.
"""

from __future__ import annotations

import argparse
import math
import textwrap
from pathlib import Path

import packsim as ps
from packsim.quality.yields import pack_failure_probability
from packsim.report.labels import fixed
from packsim.report.phrases import verdict
from packsim.study.compare import Comparison, Difference
from packsim.study.sweep import Variant, compare_over

ROOT = Path(__file__).resolve().parents[1]
BASELINE, IMPROVEMENT = (0.05, 0.5, 1.0), (0.0, 0.5, 1.0)
SINGLE = {"pack.parallel": 1, "packs_per_block": 200, "pack.bms.monitoring": "pack_only", "pack.top_balanced": True}
PACKS = {20: 200, 1: 4000}  # cells in parallel: packs to build, the same number of cells
INTRO = """\
# Why 2.2 points of yield can mean everything or nothing

Made by `python benchmarks/yield_points.py --write`; nothing below is typed in but the questions.

A plant's qualification rate rose from 89.8 % to 92 % (Zhao & Luethje 2024, section 3.2). Did its packs get better? The rate
does not say: a cell is rejected because its process spreads against the limits (*conformance*), or because it has a
*defect*. The report gives neither share, so both are assumed here, in every combination that can be: the part of the
baseline's rejects that is conformance, and the part of the fall in rejects that is. The lines differ in nothing else.
""".splitlines()
ARITHMETIC = """\
## What arithmetic says before anything is simulated

If all rejects were cells outside two limits at equal distance from the mean, 89.8 % is z = 1.635 and 92 % is z = 1.751: the
standard deviation falls by 6.6 %. The limits cut off what is outside, so the cells that *ship* hardly differ. If all rejects
were defects, defects fall by 21.6 %, and so does whatever slips through the test. The same 2.2 points.
""".splitlines()


def factors(pair: Comparison) -> tuple[float, float]:
    """How spreads and defect rates of the better line relate to the baseline's."""
    a, b = (result.plans.calibration for result in (pair.a, pair.b))
    assert a is not None
    assert b is not None
    return b.sd_factor / a.sd_factor, b.defect_factor / a.defect_factor if a.defect_factor else math.nan


def table(variants: list[Variant], parallel: int) -> list[str]:
    """One row for each pair of assumptions."""
    last = "packs with a cell reversed [%]" if parallel == 1 else "over-discharged packs [%]"
    watched = "reversal_rate_pack_only_pct" if parallel == 1 else "over_discharge_rate_pct"
    titles = ("conformance in rejects", "in the fall", "spreads", "defects", "qualification [%]")
    titles += ("shipped capacity CV [%]", "escapes [ppm]", "packs with an escape [%]", "pack capacity [points]", last)
    head = f"| {' | '.join(titles)} |"
    lines = [head, "|" + "---|" * (head.count("|") - 1)]
    for v in variants:
        start = f"| {v.baseline_conformance_share:g} | {v.improvement_conformance_share:g} |"
        if v.comparison is None:
            lines.append(f"{start} cannot be: more of the fall than there is to fall |" + " |" * 7)
            continue
        pair = v.comparison
        rows = rows_of(v)
        capacity = rows["pack_usable_capacity_pct"]
        sd, defects = (f"{100 * (f - 1):+.1f} %" if math.isfinite(f) else "none" for f in factors(pair))
        cells = 96 * parallel
        hit = [100 * pack_failure_probability(1e-6 * getattr(rows["escape_ppm"], k), cells) for k in "ab"]
        shown = [
            f"{rows['qualification_rate_pct'].a:.2f} to {rows['qualification_rate_pct'].b:.2f}",
            arrow(rows["shipped_capacity_cv_pct"], 3),
            arrow(rows["escape_ppm"], 0),
            f"{hit[0]:.1f} to {hit[1]:.1f}",
            f"{signed(capacity.difference, 3)} ({verdict(capacity)})",
            arrow(rows[watched], 2),
        ]
        lines.append(f"{start} {sd} | {defects} | {' | '.join(shown)} |")
    return lines


def arrow(row: Difference, digits: int) -> str:
    """`before to after (verdict)`."""
    return f"{fixed(row.a, digits)} to {fixed(row.b, digits)} ({verdict(row)})"


def findings(variants: list[Variant], single: list[Variant]) -> list[str]:
    """What the tables say, in sentences whose numbers and verdicts are theirs."""
    possible = [v for v in variants if v.comparison is not None]
    best = max(possible, key=lambda v: abs(rows_of(v)["pack_usable_capacity_pct"].difference))
    gain = rows_of(best)["pack_usable_capacity_pct"]
    real = sum(rows_of(v)["pack_usable_capacity_pct"].real for v in possible)
    escapes = sorted(
        ((100 * (rows_of(v)["escape_ppm"].b / rows_of(v)["escape_ppm"].a - 1), v) for v in possible), key=lambda x: x[0]
    )
    moved = [rows_of(v)["reversal_rate_pack_only_pct"] for v in single if v.comparison is not None]
    before, change = [row.a for row in moved], [row.difference for row in moved]
    points = [
        f"{real} of {len(possible)} pairs of assumptions that can be make a difference to the capacity of 96s20p packs "
        f"that is not within noise. The largest is {signed(gain.difference, 3)} points, {shares(best)} "
        f"(95 % interval {signed(gain.low, 3)} to {signed(gain.high, 3)}).",
        f"Escapes change by {escapes[0][0]:+.0f} % ({shares(escapes[0][1])}) to {escapes[-1][0]:+.0f} % "
        f"({shares(escapes[-1][1])}). The yield rose by the same 2.2 points in both.",
        f"In packs of single cells of which only the pack's voltage is watched, {fixed(min(before), 1)} to "
        f"{fixed(max(before), 1)} % of the baseline's have a cell driven below 0 V in their first discharge; the better "
        f"line changes that by {signed(min(change), 2)} to {signed(max(change), 2)} points ({sum(r.real for r in moved)} of "
        f"{len(moved)} not within noise).",
        "What this page cannot show: escapes act over years (self-discharge, growing shorts), and fresh packs hardly feel "
        "them. A rate of escapes is a rate of later trouble; how much, is a question to a simulation of life.",
    ]
    return ["## What the simulator says", "", *(line for point in points for line in wrapped(f"- {point}"))]


def rows_of(variant: Variant) -> dict[str, Difference]:
    """Differences of a variant by metric."""
    assert variant.comparison is not None
    return {row.metric: row for row in variant.comparison.differences}


def shares(variant: Variant) -> str:
    """The assumptions in words."""
    return f"shares {variant.baseline_conformance_share:g} and {variant.improvement_conformance_share:g}"


def signed(value: float, digits: int) -> str:
    """With its sign."""
    return fixed(value, digits, signed=True)


def wrapped(text: str) -> list[str]:
    """A paragraph or list item in lines."""
    return textwrap.wrap(text, 124, subsequent_indent="  " if text.startswith("- ") else "", break_on_hyphens=False)


def page() -> str:
    """The page."""
    a, b = (ps.load(ROOT / "configs" / f"eve-2015-{name}.yaml") for name in ("semi-automatic", "automatic"))
    many = compare_over(a, b, BASELINE, IMPROVEMENT, PACKS[20])
    alone = compare_over(a.updated(SINGLE), b.updated(SINGLE), BASELINE, IMPROVEMENT, PACKS[1])
    lines = [*INTRO, "", *ARITHMETIC, "", *findings(many, alone), ""]
    lines += [f"## 96s20p packs, every group watched ({PACKS[20]:,} packs each)", "", *table(many, 20), ""]
    title = "96s1p packs, balanced at the top, only the pack's voltage watched"
    lines += [f"## {title} ({PACKS[1]:,} packs each)", "", *table(alone, 1), ""]
    notes = (
        "Spreads and defects: how the better line's standard deviations and defect rates relate to the baseline's. "
        "Verdicts: docs/statistics.md. A pack has an escape with probability 1 - (1 - p)^n. Rates scatter around the "
        "expected 89.8 and 92 % with the luck of the lots, the same luck in both lines."
    )
    return "\n".join([*lines, *wrapped(notes)]) + "\n"


def main() -> None:
    """Print or write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write docs/yield-points.md")
    given = parser.parse_args()
    text = page()
    if given.write:
        (ROOT / "docs" / "yield-points.md").write_text(text, encoding="utf-8")
    else:
        print(text)


if __name__ == "__main__":
    main()

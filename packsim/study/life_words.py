"""A life in plain words."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from packsim.report import phrases as say
from packsim.report.labels import fixed
from packsim.stats.intervals import FEWEST_UNITS
from packsim.study.words_of_run import Topic, unit_words
from packsim.verdict.field import Fate, Root

if TYPE_CHECKING:
    from collections.abc import Sequence

    from packsim.study.life import LifeResult
    from packsim.study.life_compare import FieldDifference

FIELD = "In the field"


def life_topic(result: LifeResult) -> Topic:
    """What one life says."""
    rows, model = result.summary(), result.model
    claims = rows["warranty_claims_pct"]
    use = model.pattern
    said = [
        f"{result.life.years:g} years as a {model.use.replace('_', ' ')}: {use.cycles_per_week:g} cycles a week, "
        f"{use.depth_pct:g} % deep; fast charges {use.fast_share_pct:g} %.",
        _fates(result),
        f"Warranty claims ({_warranty(result)}): {say.estimate(claims['value'], claims['low'], claims['high'], '%')}.",
        *_lives(result),
        *_roots(result),
        _ages(result),
    ]
    units = len(set(result.units.tolist()))
    if units < FEWEST_UNITS:
        said.append(f"{units} independent {unit_words(result)} are too few for intervals: {FEWEST_UNITS} are needed.")
    said.append(
        f"{result.packs['simulated_cycles'].mean():.1f} reference cycles a pack were simulated, "
        f"{result.packs['rejected_jumps'].mean():.2f} jumps a pack were rejected and halved."
    )
    return Topic(FIELD, tuple(said))


def difference_words(differences: Sequence[FieldDifference]) -> Topic:
    """What changes in the field from a to b."""
    said = []
    for row in differences:
        if math.isnan(row.a) or math.isnan(row.b):
            continue
        unit = "points" if row.unit == "%" else row.unit
        noise = (
            "too few units to say" if math.isnan(row.low) else "beyond noise" if row.beyond_noise else "within noise"
        )
        said.append(
            f"{say.upper_case(row.meaning)}: {fixed(row.a, 2)} against {fixed(row.b, 2)}, "
            f"{fixed(row.difference, 2, signed=True)} {unit} ({noise})."
        )
    return Topic("What the difference is worth in the field", tuple(said))


def _warranty(result: LifeResult) -> str:
    model = result.model
    years = f"{min(model.warranty_years, result.life.years):g} years"
    return f"{years} or {model.warranty_km:,.0f} km" if result.life.km_per_cycle > 0.0 else years


def _fates(result: LifeResult) -> str:
    counts = result.packs["fate"].value_counts()
    said = [f"{counts[f.name.lower()]:,} {f.name.lower().replace('_', ' ')}" for f in Fate if f.name.lower() in counts]
    return f"Of {result.pack_count:,} packs: {', '.join(said)}."


def _lives(result: LifeResult) -> list[str]:
    if not (result.causes > 0).any():
        return [f"No pack fails in {result.life.years:g} years."]
    b10 = result.summary()["b10_years"]["value"]
    reached = (
        f"one in ten has failed after {fixed(b10, 1)} years" if math.isfinite(b10) else "fewer than one in ten fail"
    )
    years = result.years[result.causes > 0]
    return [
        f"Failures come between {fixed(float(years.min()), 1)} and {fixed(float(years.max()), 1)} years; {reached}."
    ]


def _roots(result: LifeResult) -> list[str]:
    counts = result.packs.loc[result.packs["root"] != "none", "root"].value_counts()
    if not len(counts):
        return []
    said = [f"in {counts[r.name.lower()]:,} packs {r.sentence}" for r in Root if r.name.lower() in counts]
    return [f"The group that limits a failed pack: {'; '.join(said)}."]


def _ages(result: LifeResult) -> str:
    ages = result.ages[result.ages["packs"] > 0]
    first, last = ages.iloc[0], ages.iloc[-1]
    return (
        f"Cells of a pack differ in capacity (CV) by {fixed(float(first['cell_cv_pct']), 2)} % when new and by "
        f"{fixed(float(last['cell_cv_pct']), 2)} % after {int(last['year'])} years, in the packs still alive; their mean "
        f"capacity is then {fixed(float(last['cell_mean_pct']), 1)} %."
    )

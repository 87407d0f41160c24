"""What a reader is told: real, noise, too few lots, nothing at all; with digits that the intervals deserve."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from packsim.report import labels, phrases
from packsim.study.compare import Difference, Pairing
from packsim.study.metrics import METRICS
from packsim.study.words import comparison_headline, comparison_topics, comparison_words, run_words, sweep_words

NAN = math.nan


def difference(metric: str, a: float, b: float, half: float, real: bool, unit: str = "%") -> Difference:
    return Difference(metric, unit, "meaning", a, b, b - a, b - a - half, b - a + half, 0.5, real)


def fake_run(name: str, units: int = 20, qualification: Any = None) -> SimpleNamespace:
    summary = {m.name: {"value": 1.0, "low": 0.5, "high": 1.5, "n": units} for m in METRICS}
    bms = SimpleNamespace(monitoring="every_group")
    verdict = SimpleNamespace(over_discharge_margin_v=0.2)
    kinds, levels = ("every_group", "pack_only"), ("margin", "0v5", "1v", "0v")
    below = {f"over_discharged_{key}_{kind}": np.array([100]) for key in levels for kind in kinds}
    return SimpleNamespace(
        scenario=SimpleNamespace(
            name=name, qualification=qualification, pack=SimpleNamespace(bms=bms, top_balanced=False), verdict=verdict
        ),
        plans=SimpleNamespace(
            line=SimpleNamespace(blocks_per_lot=1),
            fleet=SimpleNamespace(lower_v=2.8, plain=True),
            calibration=None,
            inspected=(),
        ),
        counts=SimpleNamespace(
            verdict={"good": 1, "unsolved": 1}, below=below, extremes={"lowest_group_pack_only_v": (2.5, 2.7)}
        ),
        median=lambda column: 2.6,
        every=1,
        pack_count=200,
        sums=np.zeros((units, 1)),
        design_effect=lambda: 12.3,
        summary=lambda: summary,
    )


def fake_comparison(units: int = 20, **changed: Difference) -> Any:
    """Everything exactly equal but for `changed`."""
    rows = [changed.get(m.name) or difference(m.name, 1.0, 1.0, 0.0, False, m.unit) for m in METRICS]
    if units < 10:
        rows = [row._replace(low=NAN, high=NAN, real=False) for row in rows]
    return SimpleNamespace(
        a=fake_run("EVE semi-automatic line", units),
        b=fake_run("EVE automatic line", units),
        differences=rows,
        paired=True,
        pairing=Pairing(0.976, 0.94),
    )


REAL = {
    "qualification_rate_pct": difference("qualification_rate_pct", 89.83, 92.01, 0.3, True),
    "pack_usable_capacity_pct": difference("pack_usable_capacity_pct", 98.70, 98.75, 0.08, False),
}


def test_headline_says_what_is_real_and_what_is_noise() -> None:
    assert comparison_headline(fake_comparison(**REAL)) == (
        "Automatic qualifies 2.2 percentage points more cells than semi-automatic (real); "
        "its packs give 0.05 % more capacity (within noise)."
    )


def test_headline_says_fewer_and_less() -> None:
    worse = {name: row._replace(a=row.b, b=row.a, difference=-row.difference) for name, row in REAL.items()}
    text = comparison_headline(fake_comparison(**worse))
    assert "2.2 percentage points fewer cells" in text
    assert "0.05 % less capacity" in text


def test_nothing_differs() -> None:
    words = comparison_words(fake_comparison())
    assert words[0] == (
        "Automatic qualifies as many cells as semi-automatic (no difference); "
        "the usable capacity of its packs is the same (no difference)."
    )
    assert not any("(real)" in sentence or ", real)" in sentence for sentence in words)


@pytest.mark.parametrize("units", [2, 9])
def test_too_few_units_claim_nothing(units: int) -> None:
    words = " ".join(comparison_words(fake_comparison(units, **REAL)))
    assert "too few independent lots to say" in words
    assert f"{units} independent blocks" in words
    assert "at least 10 are needed" in words
    assert "real)" not in words
    assert "design effect" not in words
    assert "nan" not in words


def test_why_more_cells_qualify_is_called_an_assumption() -> None:
    comparison = fake_comparison(**REAL)
    comparison.b.scenario.qualification = SimpleNamespace(baseline_pct=89.8, improvement_conformance_share=0.25)
    assert "an assumption, not a finding: 25 % of it" in " ".join(comparison_topics(comparison)[0].sentences)


def test_units_pairing_design_effect_and_failed_packs_are_named() -> None:
    words = " ".join(comparison_words(fake_comparison(**REAL)))
    assert "97.6 % of the places" in words
    assert "correlate by 0.94" in words
    assert "12 times as much" in words
    assert "Attention: 1 packs of automatic did not converge" in words
    assert "by 0.2 V (the margin) 50.0 % against 50.0 %" in words


def test_no_events_in_either_run_leave_a_bound() -> None:
    none = difference("over_discharge_rate_pack_only_pct", 0.0, 0.0, 0.0, False)
    words = " ".join(comparison_words(fake_comparison(over_discharge_rate_pack_only_pct=none)))
    assert "no over-discharged packs in either run, of 200, though up to 1.5 % cannot be excluded" in words


def test_unpaired_runs_say_so() -> None:
    comparison = fake_comparison(**REAL)
    comparison.paired, comparison.pairing = False, Pairing(NAN, NAN)
    assert "not paired" in " ".join(comparison_words(comparison))


def test_run_words_give_intervals_and_verdicts() -> None:
    words = " ".join(run_words(fake_run("line")))  # type: ignore[arg-type]
    assert "1.0 % (95\N{NO-BREAK SPACE}% interval" in words.replace("1.0\N{NO-BREAK SPACE}%", "1.0 %")
    assert "1 good (within all limits)" in words


def test_sweep_names_refused_assumptions_and_the_range() -> None:
    real = fake_comparison(**REAL)
    other = fake_comparison(
        **{**REAL, "pack_usable_capacity_pct": difference("pack_usable_capacity_pct", 98.7, 99.0, 0.1, True)}
    )
    variants = [
        SimpleNamespace(baseline_conformance_share=0.5, improvement_conformance_share=s, comparison=c, refused=r)
        for s, c, r in ((0.0, real, ""), (0.5, other, ""), (1.0, None, "reachable: 89..91 %"))
    ]
    words = sweep_words(variants)  # type: ignore[arg-type]
    assert "With 100 % of the improvement" in words[3]
    assert "cannot be (reachable: 89..91 %)" in words[3]
    assert "+0.05 to +0.30 points" in words[-1]
    assert "real under 1 of 2 assumptions" in words[-1]


def test_an_interval_beside_zero_that_is_not_real_says_why() -> None:
    row = difference("escape_ppm", 9688.0, 7812.0, 1136.0, False, "ppm")
    assert phrases.judged(row).endswith("\N{MINUS SIGN}700, within noise when all metrics are judged together)")
    assert phrases.pair(row).replace("\N{NO-BREAK SPACE}", " ") == "from 9,700 ppm to 7,800 ppm"


@pytest.mark.parametrize(
    ("size", "half", "places"),
    [
        (2.18, 0.3, 1),
        (0.0403, 0.0019, 3),
        (2.18, 0.01, 2),
        (0.05, 0.08, 2),
        (1876.0, 1136.0, -2),
        (0.0, 0.02, 2),
        (2.18, NAN, 1),
    ],
)
def test_digits_of_a_difference(size: float, half: float, places: int) -> None:
    assert phrases.places(difference("escape_ppm", 1.0, 1.0 + size, half, True)) == places


def test_a_metric_that_was_not_counted() -> None:
    row = difference("escape_ppm", NAN, 1.0, 1.0, False, "ppm")
    assert phrases.verdict(row) == "not counted"
    assert phrases.moves(row, "escapes") == "escapes: not counted in one of the runs"


@pytest.mark.parametrize(
    ("a", "b", "short"),
    [
        ("EVE 2015, automatic line", "EVE 2015, semi-automatic line", ("automatic", "semi-automatic")),
        ("line", "line", ("line (first)", "line (second)")),
        ("line", "line 2", ("line", "line 2")),
        ("one", "two", ("one", "two")),
    ],
)
def test_short_names(a: str, b: str, short: tuple[str, str]) -> None:
    assert phrases.short_names(a, b) == short


@pytest.mark.parametrize(
    ("precision", "places"), [(0.3, 1), (0.29, 2), (0.05, 2), (0.0123, 3), (3.0, 0), (1136.0, -2), (0.0, 0), (NAN, 0)]
)
def test_decimals(precision: float, places: int) -> None:
    assert labels.decimals(precision) == places


@pytest.mark.parametrize(
    ("value", "places", "text"),
    [
        (-0.04, 1, "0.0"),
        (-1.25, 1, "\N{MINUS SIGN}1.2"),
        (12345.6, -2, "+12,300"),
        (NAN, 2, "not counted"),
        (2.0, 1, "+2.0"),
    ],
)
def test_fixed(value: float, places: int, text: str) -> None:
    assert labels.fixed(value, places, signed=True) == text


def test_names_of_metrics_are_words() -> None:
    assert labels.spoken("shipped_dcir_cv_pct") == "shipped DCIR spread (CV)"
    assert labels.spoken("over_discharge_rate_pack_only_pct") == "over-discharge rate, only the pack watched"
    assert labels.axis("capacity", "A.h") == "capacity [Ah]"

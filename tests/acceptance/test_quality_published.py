"""Published examples of statistical quality control, reproduced to the digits printed (data: tests/quality_published.py)."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import pytest
import quality_published as data

from packsim.quality import charts, rules
from packsim.quality.capability import indices
from packsim.quality.constants import factors
from packsim.quality.gauge import gauge_study
from packsim.quality.normality import normality
from packsim.quality.spread import Sd
from packsim.quality.yields import (
    dpmo,
    mean_step_yield,
    pack_failure_probability,
    rolled_throughput_yield,
    sigma_level,
    two_sided_z,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    Report = Callable[..., None]


def printed(report: Report, name: str, got: float, text: str) -> None:
    """`got` rounds to the printed text: it is less than half a unit of its last place off."""
    places = len(text.partition(".")[2])
    report(f"{name} {text}: off", abs(got - float(text)), 0.5 * 10.0**-places * (1.0 + 1e-9))


def test_factors_are_the_published_table(report: Report) -> None:
    """n = 2..25. Eight of the 216 printed entries (D3, D4 and one d3) are a unit of the last digit off the exact value."""
    worst = 0.0
    for line in data.FACTORS.split("\n")[1:-1]:
        n, *values = line.split()
        f = factors(int(n))
        for name, text in zip(("d2", "c4", "A2", "D3", "D4", "A3", "B3", "B4", "d3"), values, strict=True):
            unit = 10.0 ** -len(text.partition(".")[2])
            worst = max(worst, abs(getattr(f, name) - float(text)) / unit)
    report("factors, n = 2..25: off the published table", worst, 1.0, "units of the last digit")


def test_nist_individuals_chart(report: Report) -> None:
    """NIST/SEMATECH e-Handbook 6.3.2.2, flowrate; the handbook takes d2 = 1.128."""
    individuals, moving = charts.i_mr(data.FLOWRATE)
    printed(report, "NIST 6.3.2.2 mean", individuals.centre[0], "50.81")
    printed(report, "NIST 6.3.2.2 mean moving range", moving.centre[0], "1.8778")
    rounded, _ = charts.i_mr(data.FLOWRATE, sd=moving.centre[0] / 1.128)
    printed(report, "NIST 6.3.2.2 upper limit, d2 = 1.128,", rounded.upper[0], "55.8041")
    printed(report, "NIST 6.3.2.2 lower limit, d2 = 1.128,", rounded.lower[0], "45.8159")
    report("NIST 6.3.2.2 upper limit with d2 to all digits: off", abs(individuals.upper[0] - 55.8041), 0.002)
    report("NIST 6.3.2.2 signals", individuals.signalling.size + moving.signalling.size, 0, "", "==")


def test_nist_capability(report: Report) -> None:
    """NIST/SEMATECH e-Handbook 6.1.6: USL 20, LSL 8, mean 16, s 2."""
    found = indices(16.0, Sd(2.0, 49, 2.0), 50, 8.0, 20.0)
    printed(report, "NIST 6.1.6 Cp", found.cp.value, "1.0")
    printed(report, "NIST 6.1.6 Cpu", found.cpu, "0.6667")
    printed(report, "NIST 6.1.6 Cpl", found.cpl, "1.3333")
    printed(report, "NIST 6.1.6 Cpk", found.cpk.value, "0.6667")


def test_wafer_p_chart(report: Report) -> None:
    """NIST/SEMATECH e-Handbook 6.3.3.2 (mean 0.2313, 3 * 0.0596); limits to all digits as qcc 3.0's vignette prints them."""
    chart = charts.p_chart(data.WAFERS, np.full(data.WAFERS.size, data.WAFER_CHIPS))
    printed(report, "NIST 6.3.3.2 mean share", chart.centre[0], "0.2313")
    printed(report, "NIST 6.3.3.2 sd of a wafer", chart.sd[0], "0.0596")
    printed(report, "qcc orangejuice share", chart.centre[0], "0.2313333")
    printed(report, "qcc orangejuice sd", chart.sd[0], "0.05963526")
    printed(report, "qcc orangejuice lower limit", chart.lower[0], "0.05242755")
    printed(report, "qcc orangejuice upper limit", chart.upper[0], "0.4102391")
    assert list(chart.signals[1] + 1) == [15, 23]  # the samples that Montgomery takes out
    kept = np.setdiff1d(np.arange(data.WAFERS.size), chart.signals[1])
    again = charts.p_chart(data.WAFERS[kept], np.full(kept.size, data.WAFER_CHIPS))
    printed(report, "qcc orangejuice without 15 and 23: lower limit", again.lower[0], "0.04070284")
    printed(report, "qcc orangejuice without 15 and 23: upper limit", again.upper[0], "0.3892972")


def test_piston_rings(report: Report) -> None:
    """Montgomery 1991 pp. 206-213 and the vignette of qcc 3.0: X-bar/R chart, then capability for 73.95..74.05 mm."""
    xbar, ranges = charts.xbar_r(data.PISTON_RINGS[:25])
    printed(report, "piston rings: mean", xbar.centre[0], "74.00118")
    printed(report, "piston rings: X-bar lower limit", xbar.lower[0], "73.98805")
    printed(report, "piston rings: X-bar upper limit", xbar.upper[0], "74.0143")
    printed(report, "piston rings: R-bar", ranges.centre[0], "0.02276")
    sd = ranges.centre[0] / factors(5).d2
    printed(report, "piston rings: R-bar / 2.326", ranges.centre[0] / 2.326, "0.009785039")
    report("piston rings: R-bar / d2 with d2 to all digits: off", abs(sd / 0.009785039 - 1.0), 5e-5)
    assert not xbar.signals[1].size
    assert not ranges.signals[1].size
    found = indices(xbar.centre[0], Sd(sd, 124, sd), 125, 73.95, 74.05)
    for name, got, text in (
        ("Cp", found.cp.value, "1.703"),
        ("Cp low", found.cp.low, "1.491"),
        ("Cp high", found.cp.high, "1.915"),
        ("Cpl", found.cpl, "1.743"),
        ("Cpu", found.cpu, "1.663"),
        ("Cpk", found.cpk.value, "1.663"),
        ("Cpk low", found.cpk.low, "1.448"),
        ("Cpk high", found.cpk.high, "1.878"),
    ):
        printed(report, f"piston rings: {name}", got, text)
    wide = indices(xbar.centre[0], Sd(sd, 124, sd), 125, 73.99, 74.01)
    printed(report, "piston rings, 73.99..74.01: Cp low", wide.cp.low, "0.298")
    printed(report, "piston rings, 73.99..74.01: Cpk high", wide.cpk.high, "0.370")


def test_aiag_gauge_study(report: Report) -> None:
    """AIAG MSA 4th ed. (printed: EV, AV, GRR, PV, contributions, ndc) and Minitab's tables for the same data (GAGEAIAG)."""
    found = gauge_study(data.AIAG, tolerance=10.0)
    for source, squares, mean_square in (
        ("part", "88.3619", "9.81799"),
        ("operator", "3.1673", "1.58363"),
        ("interaction", "0.3590", "0.01994"),
        ("repeatability", "2.7589", "0.04598"),
    ):
        row = found.row(source, full=True)
        printed(report, f"AIAG sum of squares, {source}", row.sum_of_squares, squares)
        printed(report, f"AIAG mean square, {source}", row.mean_square, mean_square)
    printed(report, "AIAG total sum of squares", found.row("total").sum_of_squares, "94.6471")
    printed(report, "AIAG F of part over interaction", found.row("part", full=True).f, "492.291")
    printed(report, "AIAG F of operator over interaction", found.row("operator", full=True).f, "79.406")
    printed(report, "AIAG F of the interaction", found.row("interaction", full=True).f, "0.434")
    printed(report, "AIAG p of the interaction", found.row("interaction", full=True).p, "0.9741")
    assert found.pooled
    part = found.components
    printed(report, "AIAG EV", part["repeatability"].sd, "0.199933")
    printed(report, "AIAG AV", part["reproducibility"].sd, "0.226838")
    report("AIAG GRR 0.302373: off", abs(part["gauge"].sd - 0.302373), 2e-6)  # printed from rounded EV and AV
    printed(report, "AIAG PV", part["part"].sd, "1.042327")
    printed(report, "AIAG TV", part["total"].sd, "1.085")
    printed(report, "AIAG ndc", found.ndc, "4.861")
    for name, variance, contribution, study in (
        ("gauge", "0.09143", "7.76", "27.86"),
        ("repeatability", "0.03997", "3.39", "18.42"),
        ("reproducibility", "0.05146", "4.37", "20.90"),
        ("part", "", "92.24", "96.04"),
    ):
        if variance:
            printed(report, f"AIAG variance, {name}", part[name].variance, variance)
        printed(report, f"AIAG % contribution, {name}", part[name].contribution_pct, contribution)
        printed(report, f"AIAG % study variation, {name}", part[name].study_variation_pct, study)
    kept = gauge_study(data.AIAG, pool_above=None)
    printed(report, "AIAG EV with the interaction kept", kept.components["repeatability"].sd, "0.214435")


def test_jasp_gauge_study(report: Report) -> None:
    """JASP's quality control module, msaGaugeRR default test: results of R to all digits, tolerance 10."""
    found = gauge_study(data.JASP_GAUGE, tolerance=10.0)
    rows = {
        "F of part over interaction": (found.row("part", full=True).f, 622.789783889979),
        "F of operator over interaction": (found.row("operator", full=True).f, 5.32220039292731),
        "p of operator over interaction": (found.row("operator", full=True).p, 0.0152789978971193),
        "F of interaction": (found.row("interaction", full=True).f, 1.22946859903382),
        "p of interaction": (found.row("interaction", full=True).p, 0.268355463232599),
        "F of part, pooled": (found.row("part").f, 727.192518087174),
        "p of operator, pooled": (found.row("operator").p, 0.00313130866789578),
        "variance of gauge": (found.components["gauge"].variance, 0.157929724596391),
        "variance of operators": (found.components["operator"].variance, 0.0233855650522318),
        "variance of parts": (found.components["part"].variance, 10.8561068903661),
        "study variation of gauge": (found.components["gauge"].study_variation, 2.38442237983753),
    }
    for name, (got, want) in rows.items():
        report(f"JASP gauge study, {name}: off", abs(got / want - 1.0), 1e-11)
    printed(report, "JASP gauge study, % study variation", found.components["gauge"].study_variation_pct, "11.97")
    printed(report, "JASP gauge study, % of tolerance", found.components["gauge"].tolerance_pct, "23.84")


def test_zarr13_anderson_darling(report: Report) -> None:
    """NIST/SEMATECH e-Handbook 1.4.2.8: 0.129, with Stephens' 1974 factor 1 + 4/n - 25/n^2 that goes with its 0.787."""
    found = normality(data.ZARR13)
    n = data.ZARR13.size
    printed(report, "NIST 1.4.2.8 mean", found.mean, "9.26146")
    printed(report, "NIST 1.4.2.8 sd", found.sd, "0.022789")
    printed(report, "NIST 1.4.2.8 Anderson-Darling", found.a2 * (1.0 + 4.0 / n - 25.0 / n**2), "0.129")
    report("NIST 1.4.2.8 p-value: not rejected", found.p_value, 0.05, "", ">")


def test_signals_as_minitab(report: Report) -> None:
    """JASP's quality control module, variablesChartsIndividuals test 12, "verified with Minitab": every point that signals.

    Its trend of "7" and alternation of "14" count steps, so 8 and 15 points; Nelson 1984 counts points.
    """
    individuals, moving = charts.i_mr(data.JASP_RULES)
    z = individuals.z
    expected = {
        "beyond 3 sigma": (rules.beyond(z), range(37, 46)),
        "7 on one side": (rules.one_side(z, 7), [*range(22, 37), 43, 44]),
        "7 steps up": (rules.trend(z, 8), [22]),
        "2 of 3 beyond 2 sigma": (rules.k_of_n(z, 2, 3, 2.0), range(38, 45)),
        "15 within 1 sigma": (rules.near(z), range(29, 37)),
        "8 beyond 1 sigma": (rules.far(z), [44, 45]),
        "4 of 5 beyond 1 sigma": (rules.k_of_n(z, 4, 5, 1.0), range(40, 45)),
        "14 steps alternating": (rules.alternating(z, 15), [15, 16]),
        "moving range beyond 3 sigma": (moving.signals[1] + 1, [37, 45]),
    }
    differ = sum(list(got + 1) != list(want) for got, want in expected.values())
    report("JASP/Minitab: tests whose signals differ", differ, 0, f"of {len(expected)}", "==")


@pytest.mark.parametrize(
    ("p", "n", "text"),
    [
        ("1e-6", 96, "9.600e-5"),
        ("1e-6", 4416, "4.406e-3"),
        ("1e-6", 7104, "7.079e-3"),
        ("1e-4", 100, "9.951e-3"),
        ("1e-3", 96, "9.158e-2"),
    ],
)
def test_pack_failure(report: Report, p: str, n: int, text: str) -> None:
    """1 - (1 - p)^n against exact fractions."""
    exact = float(1 - (1 - Fraction(p)) ** n)
    got = pack_failure_probability(float(p), n)
    report(f"pack failure p {p} n {n}: off exact fractions", abs(got / exact - 1.0), 1e-12)
    assert f"{got:.3e}".replace("e-0", "e-") == text


def test_yield_arithmetic(report: Report) -> None:
    """89.8 % and 92 % over ten steps, as rejects, as two-sided z, sigma and Cp; BatPaC's step yields multiplied."""
    before, after = 0.898, 0.92
    printed(report, "mean step yield of 89.8 %", 100.0 * mean_step_yield(before, 10), "98.93")
    printed(report, "mean step yield of 92 %", 100.0 * mean_step_yield(after, 10), "99.17")
    back = rolled_throughput_yield([mean_step_yield(before, 10)] * 10)
    report("ten mean steps give 89.8 % back: off", abs(back / before - 1.0), 1e-12)
    exact = float(1 - (1 - Fraction(92, 100)) / (1 - Fraction(898, 1000)))
    report("rejects fall: off exact fractions", abs((before - after) / (before - 1.0) - exact), 1e-12)
    printed(report, "rejects fall by", 100.0 * exact, "21.6")
    z, better = two_sided_z(before), two_sided_z(after)
    printed(report, "two-sided z of 89.8 %", z, "1.635")
    printed(report, "two-sided z of 92 %", better, "1.751")
    printed(report, "sigma falls by", 100.0 * (1.0 - z / better), "6.6")
    printed(report, "Cp of 89.8 %", z / 3.0, "0.545")
    printed(report, "Cp of 92 %", better / 3.0, "0.584")
    printed(report, "BatPaC positive sheet", 100.0 * rolled_throughput_yield([0.99, 0.95, 0.99, 0.99]), "92.2")
    printed(report, "BatPaC negative sheet", 100.0 * rolled_throughput_yield([0.99, 0.92, 0.99]), "90.2")
    exact = float(Fraction(99, 100) ** 3 * Fraction(95, 100))
    report(
        "BatPaC positive sheet: off exact fractions",
        abs(rolled_throughput_yield([0.99, 0.95, 0.99, 0.99]) / exact - 1),
        1e-12,
    )
    report("DPMO of the sigma level of 66,807: off", abs(dpmo(sigma_level(66_807.0)) / 66_807.0 - 1.0), 1e-12)

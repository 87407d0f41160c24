"""The K-value test: its parts, its limit in small lots, what a limit lets pass, how well it tells leaks from noise."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from inspections import PLAIN, cells_at, in_blocks, plan_of, true_of
from scipy import integrate, special

from packsim.cell.plan import CellPlan
from packsim.inspection import plan as plans
from packsim.inspection.k_value import k_parts, ocv_slope_mv_per_pct, soc_drift
from packsim.inspection.overhang import equalised_share
from packsim.inspection.rates import detectability, k_roc, per_test
from packsim.inspection.read import read
from packsim.line import plan as line_plans
from packsim.scenario.inspection import InspectionModel
from packsim.scenario.line import LineModel

if TYPE_CHECKING:
    from collections.abc import Callable

SEED = 99
NOISY: dict[str, Any] = {
    "ocv": {"meter_sd_mv": 0.1, "channel_sd_mv": 0.3, "session_sd_mv": 0.05},
    "k_value": {"first_reading_h": 24.0, "overhang_mv": 2.0, "overhang_sd_mv": 0.4},
    "stations": {"channels": 20, "session_cells": 40},
    "chamber": {"temperature_sd_k": 0.5, "channel_temperature_sd_k": 1.0, "ocv_mv_per_k": -0.1},
}


def resting(days: float, **more: Any) -> plans.InspectionPlan:
    return plan_of(**NOISY | {"k_value": NOISY["k_value"] | {"rest_days": days} | more})


def test_parts_add_up_and_scale_with_the_rest(report: Callable[..., None]) -> None:
    n, parts = 4000, {}
    for days in (10.0, 6.0):
        plan = resting(days)
        cells, true = cells_at(in_blocks(4, 1000)), true_of(plan, n, leak_mv_per_day=np.linspace(0.0, 0.2, n))
        parts[days] = k_parts(plan, cells, true, SEED)
        reading = read(plan, cells, true, SEED).k_value_mv_per_day
        report(
            f"{days:g} days: parts off the reading", float(np.abs(parts[days].reading - reading).max()), 1e-13, "mV/day"
        )
    for name in ("meter", "temperature"):
        ratio = getattr(parts[6.0], name) / getattr(parts[10.0], name)
        report(f"10 to 6 days: {name}'s part grows, off 10/6", float(np.abs(ratio - 10 / 6).max()), 1e-12)
    report(
        "10 to 6 days: leak's part changes", float(np.abs(parts[6.0].leak - parts[10.0].leak).max()), 1e-12, "mV/day"
    )
    grows = float(parts[6.0].relaxation.std() / parts[10.0].relaxation.std())
    report("10 to 6 days: relaxation's part grows (square root alone: less than 1.29)", grows, math.sqrt(10 / 6))
    report("10 to 6 days: same", grows, 1.0, "", ">=")
    meter = parts[10.0].meter.std()
    only = 1e3 / 10.0 * math.sqrt(2.0) * math.hypot(1e-4, 5e-5)
    # 100 sessions twice: the sd of their part scatters by 5 %, a fifth of the variance
    report("bias of channels left in the meter's part, of its sd", abs(float(meter) / only - 1.0), 0.08)


def test_overhang_takes_its_time(report: Callable[..., None]) -> None:
    """Against the diffusion equation itself, by finite volumes, and against 100 to 200 days to equalise."""
    cells, steps = 200, 40_000
    width, end = 1.0 / cells, 2.0  # of the strip, time constants
    diffusivity = 4.0 / math.pi**2
    dt = end / steps
    matrix = np.zeros((3, cells))
    r = diffusivity * dt / width**2
    matrix[0, 1:], matrix[2, :-1], matrix[1] = -r, -r, 1.0 + 2.0 * r
    matrix[1, -1], matrix[1, 0] = 1.0 + r, 1.0 + 3.0 * r  # closed end; surface half a cell away
    from scipy.linalg import solve_banded

    level, worst = np.zeros(cells), 0.0
    for step in range(1, steps + 1):
        level[0] += 2.0 * r
        level = solve_banded((1, 1), matrix, level)
        if step % 400 == 0:
            worst = max(worst, abs(level.mean() - equalised_share(step * dt, 1.0)))
    report("overhang's uptake off the diffusion equation", worst, 1e-3)
    report("equalised after 100 days at the default time constant", equalised_share(100.0, 50.0), 0.85, "", ">=")
    report("same after 200 days", equalised_share(200.0, 50.0), 0.98, "", ">=")
    assert equalised_share(0.0, 50.0) == 0.0
    below, above = equalised_share(0.05 - 1e-12, 1.0), equalised_share(0.05, 1.0)
    report("the two forms where they meet", abs(above - below), 1e-9)


@pytest.mark.parametrize("lot_cells", [3, 5, 7])
def test_small_lots_do_not_reject_good_cells(report: Callable[..., None], lot_cells: int) -> None:
    """Normal readings, 4.5 sigmas: 3.4 ppm by the normal distribution, 100 ppm allowed for a MAD of 420 cells."""
    slots, blocks = 420, 250
    rates = {}
    for fewest in (1, 30):
        plan = plan_of(
            slots,
            ocv={"meter_sd_mv": 0.1},
            k_value={"upper_robust_sigmas": 4.5, "relative_limit_min_cells": fewest},
        )
        cells = cells_at(in_blocks(blocks, slots), lot_cells)
        m = read(plan, cells, true_of(plan, blocks * slots, leak_mv_per_day=0.02), SEED)
        rates[fewest] = 1e6 * float((~m.accepted).mean())
    report(f"lots of {lot_cells}: rejected by their own median and MAD", rates[1], 5000.0, "ppm", ">=")
    report(f"lots of {lot_cells}: rejected by their block's", rates[30], 100.0, "ppm")


def test_small_lots_leave_large_ones_alone() -> None:
    plan = plan_of(100, ocv={"meter_sd_mv": 0.1}, k_value={"upper_robust_sigmas": 2.0})
    cells = cells_at(in_blocks(3, 100), 40)  # lots of 40, 40 and 20 in every block
    m = read(plan, cells, true_of(plan, 300, leak_mv_per_day=0.02), SEED)
    values = m.k_value_mv_per_day
    for block in range(3):
        own = cells.address[:, 0] == block
        for lot, pool in ((0, own & (cells.lot == 0)), (1, own & (cells.lot == 1)), (2, own)):
            middle = np.median(values[pool])
            limit = middle + 2.0 * 1.4826 * np.median(np.abs(values[pool] - middle))
            assert m.k_limit_mv_per_day[own & (cells.lot == lot)] == pytest.approx(limit, rel=1e-12)


def test_what_a_limit_lets_pass(report: Callable[..., None]) -> None:
    """A cell whose OCV rises by 1 V over its 2.5 Ah: 1 mV/day is 0.1 %/day."""
    plan = plan_of()
    report("dOCV/dSOC off 10 mV per percent", abs(ocv_slope_mv_per_pct(plan) - 10.0), 1e-6, "mV")
    drift = soc_drift(plan, 0.2)
    report("SOC drift of 0.2 mV/day off 7.305 %/year", abs(drift.soc_pct_per_year - 0.2 / 10 * 365.25), 1e-6, "%")
    report("balancing current off 0.0208 mA", abs(drift.balancing_ma - 2500.0 * 0.0002 / 24.0), 1e-8, "mA")


def contaminated(leak_ua: float, **blocks: Any) -> tuple[line_plans.LinePlan, plans.InspectionPlan]:
    line = LineModel.model_validate(
        {
            "supplier_lot_cells": 500,
            "roll_cells": 500,
            "steps": {"formation": {"leakage_ua": {"nominal": 5.0, "sd_pct": 0.0}}},
            "defects": {
                "particle_contamination": {"rate_ppm": 1000, "leakage_ua": leak_ua, "spread_factor": 1.0},
                "weld_void": {"rate_ppm": 1000, "resistance_mohm": 20.0, "spread_factor": 1.0},
            },
        }
    )
    line_plan = line_plans.plan(line, 500)
    cell = CellPlan("plain", PLAIN.design, PLAIN.nominal_capacity_ah)
    return line_plan, plans.plan(InspectionModel.model_validate(blocks), cell, line_plan)


@pytest.mark.parametrize("relative", [False, True])
def test_roc_is_the_binormal_closed_form(report: Callable[..., None], relative: bool) -> None:
    """All particles leak alike and the meter is normal: AUC = Phi(shift / (sqrt(2) sd)); 40,000 cells each."""
    days, meter, leak = 7.0, 0.1, 3.0
    rest = {"rest_days": days} | ({"upper_robust_sigmas": 3.0} if relative else {"upper_mv_per_day": 0.06})
    line, plan = contaminated(leak, ocv={"meter_sd_mv": meter}, k_value=rest)
    shift, sd = 1e-6 * leak * 24.0 / 2.5 * 1e3, math.sqrt(2.0) * meter / days  # mV/day
    roc = k_roc(line, plan, SEED, 40_000)
    auc = float(special.ndtr(shift / (math.sqrt(2.0) * sd)))
    error = math.sqrt(auc * (1 - auc) / 40_000) * (2.5 if relative else 1.0)  # median and MAD of 500 cells scatter too
    report(f"AUC off the closed form {auc:.4f}", abs(roc.auc - auc), 5.0 * error)
    rises = np.all(np.diff(roc.false_alarm) >= 0) and np.all(np.diff(roc.detection) >= 0)
    assert rises
    if not relative:
        clean, nominal = roc.limit, 1e-6 * 5.0 * 24.0 / 2.5 * 1e3
        off = np.abs(roc.detection - special.ndtr(-(clean - nominal - shift) / sd)).max()
        report("ROC: detection off the closed form", float(off), 5.0 * 0.5 / math.sqrt(40_000))
        want = float(special.ndtr(-(0.06 - nominal - shift) / sd))
        report("ROC: detection at the limit off the closed form", abs(roc.at_limit[1] - want), 0.0125)
    else:
        want = float(special.ndtr(-(3.0 - shift / sd)))
        report("ROC: detection at 3 robust sigmas off the closed form", abs(roc.at_limit[1] - want), 0.03)


def test_each_defect_is_seen_by_its_test(report: Callable[..., None]) -> None:
    """Shares of a normal meter: 20 mohm are always seen by the DCIR, the leak by its shift."""
    line, plan = contaminated(
        3.0,
        capacity={"lower_pct": 98.0, "upper_pct": 102.0},
        dcir={"upper_pct": 130.0, "gauge_sd_pct": 1.0},
        ocv={"meter_sd_mv": 0.1},
        k_value={"rest_days": 7.0, "upper_mv_per_day": 0.06},
    )
    table = detectability(line, plan, SEED, 40_000)
    sd, slope = math.sqrt(2.0) * 0.1 / 7.0, 24e-3 / 2.5
    for row, leak in (("none", 5.0), ("weld_void", 5.0), ("particle_contamination", 8.0)):
        want = 100.0 * float(special.ndtr(-(0.06 - leak * slope) / sd))
        bound = 5.0 * math.sqrt(max(want * (100.0 - want), 0.01) / 40_000)
        report(f"{row}: seen by the K-value, off {want:.3f} %", abs(table.loc[row, "k_value"] - want), bound, "points")
    assert table.loc["weld_void", "dcir"] == 100.0
    assert table.loc["none", "dcir"] == table.loc["particle_contamination", "dcir"] == 0.0
    assert (table["any"] >= table[["capacity", "dcir", "ocv", "k_value"]].max(axis=1)).all()


def test_rates_of_each_test_alone(report: Callable[..., None]) -> None:
    n, sd, gauge = 400_000, 0.04, 0.03
    plan = plan_of(
        n,
        capacity={"lower_pct": 98.0, "gauge_sd_pct": 0.5},
        dcir={"upper_pct": 105.0},
        ocv={"meter_sd_mv": gauge * 7.0 / math.sqrt(2.0)},
        k_value={"rest_days": 7.0, "upper_mv_per_day": 0.1},
    )
    rng = np.random.default_rng(11)
    true = true_of(plan, n, rng.normal(100, 1, n), rng.normal(100, 3, n), 0.0, rng.normal(0.05, sd, n))
    m = read(plan, cells_at(in_blocks(1, n)), true, SEED)
    rates = per_test(plan, m)

    def part(low: float, high: float, keep: float) -> float:
        """P(true within low .. high, reading on the other side of the limit); keep: +1 the reading passes."""
        inner = lambda t: math.exp(-0.5 * ((t - 0.05) / sd) ** 2) / sd * float(special.ndtr(keep * (0.1 - t) / gauge))  # noqa: E731
        return float(integrate.quad(inner, low, high)[0]) / math.sqrt(2 * math.pi)

    good, passed = float(special.ndtr(0.05 / sd)), float(special.ndtr(0.05 / math.hypot(sd, gauge)))
    for name, got, want in (
        ("false rejects", rates["k_value"].false_reject_ppm, part(-1.0, 0.1, -1.0) / good),
        ("escapes", rates["k_value"].escape_ppm, part(0.1, 1.0, 1.0) / passed),
    ):
        report(
            f"K-value alone: {name} off {1e6 * want:.0f} ppm",
            abs(got - 1e6 * want),
            5e6 * math.sqrt(want / (n * 0.8)),
            "ppm",
        )
    report(
        "DCIR without gauge: false rejects and escapes",
        rates["dcir"].false_rejects + rates["dcir"].escapes,
        0,
        "",
        "==",
    )
    report("OCV without limits: rejects", n - rates["ocv"].passed, 0, "", "==")
    everything = int((~m.accepted & m.truly_good).sum())
    alone = sum(rate.false_rejects for rate in rates.values())
    report("false rejects of the whole test beyond the sum of each", everything, alone, f"of {n}")

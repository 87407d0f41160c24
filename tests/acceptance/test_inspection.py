"""The end-of-line test measures what the cell's own functions give, to the bit however asked, and errs as its gauge says."""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING, Any

import naive_line
import numba
import numpy as np
import pytest
from scipy import integrate, stats

from packsim.cell.cell import Cell
from packsim.cell.cells import Cells
from packsim.cell.plan import CellPlan
from packsim.cell.table.table_cell import TableCell
from packsim.cell.traits import INDEX, trait_values
from packsim.inspection import plan as plans
from packsim.inspection import test as eol
from packsim.line import plan as line_plans
from packsim.line.build import build, slot_addresses
from packsim.numerics.streams import seed_key
from packsim.scenario.inspection import InspectionModel
from packsim.scenario.line import LineModel

if TYPE_CHECKING:
    from collections.abc import Callable

SEED, N = 77, 1200
TABLE = TableCell(
    2.5,
    np.linspace(0, 1, 21),
    3.0 + 1.1 * np.linspace(0, 1, 21) ** 0.7,
    np.linspace(40, 20, 21),
    (8.0, 5.0),
    (3.0, 60.0),
)
PLAIN = TableCell(2.5, np.array([0.0, 1.0]), np.array([3.0, 4.0]), 0.0)  # capacity is area, exactly
RATES = (0.2, 0.5, 1.0, 2.0)


def line_model() -> LineModel:
    ratio = {"sd_pct": 1.0, "between_lot_share": 0.3}
    return LineModel.model_validate(
        {
            "supplier_lot_cells": 60,
            "roll_cells": 30,
            "steps": {
                "incoming": {"cathode_particle_radius_ratio": ratio, "separator_porosity_ratio": ratio},
                "coating_cathode": {"cathode_loading_ratio": ratio},
                "coating_anode": {"anode_loading_ratio": ratio},
                "calendering_cathode": {"cathode_thickness_ratio": ratio},
                "calendering_anode": {"anode_thickness_ratio": ratio},
                "cutting": {"coated_area_ratio": {"sd_pct": 0.5}},
                "filling": {"electrolyte_fill_ratio": ratio},
                "welding": {"weld_resistance_mohm": {"nominal": 0.4, "sd_pct": 20.0, "distribution": "lognormal"}},
                "formation": {
                    "formation_loss_ratio": {"sd_pct": 4.0},
                    "leakage_ua": {"nominal": 10.0, "sd_pct": 30.0, "distribution": "lognormal"},
                },
            },
            "defects": {
                "particle_contamination": {"rate_ppm": 30_000, "leakage_ua": 200.0, "spread_factor": 2.0},
                "weld_void": {"rate_ppm": 30_000, "resistance_mohm": 5.0, "spread_factor": 2.0},
                "misalignment": {"rate_ppm": 30_000, "overlap_loss_pct": 4.0, "spread_factor": 1.5},
                "wetting_fault": {"rate_ppm": 30_000, "fill_loss_pct": 20.0, "spread_factor": 1.5},
            },
        }
    )


def model(**changes: dict[str, Any]) -> InspectionModel:
    base: dict[str, Any] = {
        "capacity": {"c_rate": 0.5, "lower_pct": 97.5, "upper_pct": 102.5, "gauge_sd_pct": 0.1},
        "dcir": {"upper_pct": 112.0, "gauge_sd_pct": 1.0},
        "ocv": {"meter_sd_mv": 0.1},
        "k_value": {"upper_robust_sigmas": 5.0},
        "storage": {"charge_sd_pct": 0.3},
    }
    return InspectionModel.model_validate({key: base.get(key, {}) | changes.get(key, {}) for key in base | changes})


def cell_of(name: str) -> Cell:
    return Cell({"table": TABLE, "plain": PLAIN}[name]) if name in ("table", "plain") else Cell(name, capacity_ah=2.5)


def setup(name: str, inspection: InspectionModel) -> tuple[Cell, plans.InspectionPlan, Cells]:
    cell = cell_of(name)
    line = line_plans.plan(line_model(), N)
    plan = plans.plan(inspection, CellPlan(name, cell.design, cell.nominal_capacity_ah), line)
    return cell, plan, build(line, SEED, slot_addresses(0, range(N)))


def as_built(cell: Cell, cells: Cells, j: int) -> Cell:
    own = copy.copy(cell)
    own.__dict__.pop("window", None)
    own.values = np.ascontiguousarray(cells.values[:, j : j + 1])
    return own


@pytest.mark.parametrize("c_rate", RATES)
@pytest.mark.parametrize("name", ["Chen2020", "Prada2013", "Ecker2015", "table"])
def test_true_values_are_those_of_the_cells_own_functions(
    report: Callable[..., None], name: str, c_rate: float
) -> None:
    inspection = model(capacity={"c_rate": c_rate}, dcir={"c_rate": c_rate, "pulse_s": 20.0})
    cell, plan, cells = setup(name, inspection)
    measured = eol.test(plan, cells, SEED)
    defective = np.flatnonzero(cells.defect)[:8].tolist()
    worst = dict.fromkeys(("capacity_ah", "dcir_mohm", "ocv_v", "k_value_mv_per_day", "soc", "defective"), 0.0)
    for j in [*range(8), *defective]:
        charge = naive_line.normal(SEED, naive_line.STORAGE, 0, *cells.address[j].tolist())
        leak = float(cells.values[INDEX["leakage_ua"], j])
        true = naive_line.tested(as_built(cell, cells, j), leak, inspection, plan.nominal_capacity_ah, charge)
        got = {
            "capacity_ah": measured.true_capacity_ah[j],
            "dcir_mohm": measured.true_dcir_mohm[j],
            "ocv_v": measured.true_ocv_v[j],
            "k_value_mv_per_day": measured.true_k_value_mv_per_day[j],
            "soc": measured.true_soc[j],
        }
        for key, value in got.items():
            floor = 1.0 if key in ("ocv_v", "k_value_mv_per_day", "soc") else 0.0
            row = "defective" if key == "capacity_ah" and cells.defect[j] else key
            worst[row] = max(worst[row], abs(value - true[key]) / max(abs(true[key]), floor))
    steps = f"{name} {c_rate}C, {len(plan.bench.shares)}+{3 * plan.bench.pulse_steps} steps"
    report(f"{steps}: capacity off 1 s steps", 100 * worst["capacity_ah"], 0.01, "%")
    report(f"{steps}: same, cells with defects", 100 * worst["defective"], 0.05, "%")  # 2C through dry pores
    report(f"{steps}: DCIR off fine steps", 100 * worst["dcir_mohm"], 0.1, "%")
    report(f"{steps}: OCV off", 1e3 * worst["ocv_v"], 0.3, "mV")
    report(f"{steps}: K-value off", worst["k_value_mv_per_day"], 1e-3, "of K or mV/day")
    report(f"{steps}: SOC off", worst["soc"], 5e-4)


def test_readings_are_true_values_plus_the_gauge() -> None:
    _, plan, cells = setup("Chen2020", model())
    m = eol.test(plan, cells, SEED)
    for j in range(40):
        g = [naive_line.normal(SEED, naive_line.GAUGE, k, *cells.address[j].tolist()) for k in range(4)]
        meter = 0.1 * (g[2] - g[3]) / 7.0
        assert m.capacity_ah[j] - m.true_capacity_ah[j] == pytest.approx(
            1e-3 * plan.nominal_capacity_ah * g[0], abs=1e-8
        )
        assert m.dcir_mohm[j] - m.true_dcir_mohm[j] == pytest.approx(1e-2 * plan.nominal_dcir_mohm * g[1], abs=1e-6)
        assert m.ocv_v[j] - m.true_ocv_v[j] == pytest.approx(1e-4 * g[3], abs=1e-9)
        assert m.k_value_mv_per_day[j] - m.true_k_value_mv_per_day[j] == pytest.approx(meter, abs=1e-6)


@pytest.mark.parametrize("name", ["Chen2020", "Ecker2015", "table"])
def test_bits_do_not_depend_on_threads_chunks_or_order(report: Callable[..., None], name: str) -> None:
    _, plan, cells = setup(name, model(k_value={"upper_robust_sigmas": None, "upper_mv_per_day": 0.5}))
    whole = eol.test(plan, cells, SEED)
    keys = ("true_capacity_ah", "true_dcir_mohm", "ocv_v", "k_value_mv_per_day", "true_soc", "window", "cause")

    def differs(part: eol.Measured, rows: Any) -> bool:
        return not all(np.array_equal(getattr(part, k), getattr(whole, k)[..., rows], equal_nan=True) for k in keys)

    before, count = numba.get_num_threads(), 0
    try:
        numba.set_num_threads(1)
        count += differs(eol.test(plan, cells, SEED), slice(None))
    finally:
        numba.set_num_threads(before)
    order = np.random.default_rng(3).permutation(N)
    for rows in (np.arange(1, N), np.arange(500, 503), np.arange(0, 513), order):
        count += differs(eol.test(plan, cells.take(rows), SEED), rows)
    report(f"end-of-line test, {name}: ways of asking that change a bit", count, 0, "of 5", "==")


def test_without_gauge_nothing_but_latent_defects_escapes(report: Callable[..., None]) -> None:
    exact = model(capacity={"gauge_sd_pct": 0.0}, dcir={"gauge_sd_pct": 0.0}, ocv={"meter_sd_mv": 0.0})
    _, plan, cells = setup("Chen2020", exact)
    m = eol.test(plan, cells, SEED)
    report("no gauge: false rejects", int((~m.accepted & m.truly_good).sum()), 0, "", "==")
    escapes = m.accepted & ~m.truly_good
    report("no gauge: escapes without a defect", int((escapes & (cells.defect == 0)).sum()), 0, "", "==")
    report("no gauge: latent defects that pass", int(escapes.sum()), 1, f"of {N}", ">=")


def test_false_rejects_and_escapes_are_the_closed_form(report: Callable[..., None]) -> None:
    """Normal capacity, normal gauge, two limits; each bound has a false-alarm probability of 1e-6."""
    n, sd, gauge, limit = 1_000_000, 1.0, 0.4, 2.0  # percent
    line = LineModel.model_validate(
        {"supplier_lot_cells": 1, "roll_cells": 1, "steps": {"cutting": {"coated_area_ratio": {"sd_pct": sd}}}}
    )
    line_plan = line_plans.plan(line, n)
    inspection = InspectionModel.model_validate(
        {"capacity": {"lower_pct": 100 - limit, "upper_pct": 100 + limit, "gauge_sd_pct": gauge}}
    )
    cell = cell_of("plain")
    plan = plans.plan(inspection, CellPlan("plain", cell.design, cell.nominal_capacity_ah), line_plan)
    m = eol.test(plan, build(line_plan, 5, slot_addresses(0, range(n))), 5)

    def passes(t: float) -> float:
        return float(stats.norm.cdf((limit - t) / gauge) - stats.norm.cdf((-limit - t) / gauge))

    def density(t: float) -> float:
        return float(stats.norm.pdf(t / sd)) / sd

    false_reject = integrate.quad(lambda t: density(t) * (1 - passes(t)), -limit, limit)[0]
    escape = 2 * integrate.quad(lambda t: density(t) * passes(t), limit, limit + 6 * gauge)[0]
    z = -stats.norm.ppf(0.5e-6)
    for name, got, want in (
        ("false rejects", float((~m.accepted & m.truly_good).mean()), false_reject),
        ("escapes", float((m.accepted & ~m.truly_good).mean()), escape),
    ):
        bound = z * math.sqrt(want * (1 - want) / n)
        report(f"{name} off the closed form {1e6 * want:.0f} ppm", 1e6 * abs(got - want), 1e6 * bound, "ppm")
    off = np.abs(m.true_capacity_ah / cell.nominal_capacity_ah / m.window[4] * 2.5 - 1.0).max()
    report("capacity of a cell without resistance off its area", off, 1e-6)


def test_hopeless_cells_neither_hang_nor_spread(report: Callable[..., None]) -> None:
    _, plan, cells = setup("Chen2020", model(k_value={"upper_robust_sigmas": None, "upper_mv_per_day": 0.5}))
    bad = (
        {"weld_resistance_mohm": 700.0},
        {"weld_resistance_mohm": 5000.0},
        {"leakage_ua": 1e6},
        {"coated_area_ratio": 0.0},
        {"overlap_ratio": 0.05},
        {"cathode_loading_ratio": 2.0},
        {"anode_thickness_ratio": 0.5},
        {"electrolyte_fill_ratio": 0.0},
        {"electrolyte_fill_ratio": 0.05},
        {"formation_loss_ratio": 30.0},
        {"cathode_particle_radius_ratio": 0.0},
        {"separator_porosity_ratio": float("nan")},
        {"anode_particle_radius_ratio": 10.0},
    )
    values = cells.values.copy()
    for j, change in enumerate(bad):
        values[:, 7 * j] = trait_values(change)[:, 0]
    mixed = eol.test(plan, Cells.at_the_end(cells.address, cells.lot, values, cells.defect), SEED)
    alone = eol.test(plan, cells, SEED)
    rows = 7 * np.arange(len(bad))
    others = np.setdiff1d(np.arange(N), rows)
    changed = not np.array_equal(mixed.true_capacity_ah[others], alone.true_capacity_ah[others], equal_nan=True)
    report("hopeless cells that pass", int(mixed.accepted[rows].sum()), 0, f"of {len(bad)}", "==")
    report("hopeless cells that change their neighbours", int(changed), 0, "", "==")
    assert mixed.true_capacity_ah[7] == 0.0  # 5 ohm: below the cut-off at once
    assert 0.0 < mixed.true_capacity_ah[0] < 0.9 * plan.nominal_capacity_ah
    dead = mixed.cause[rows] == eol.Cause.NO_WINDOW
    assert np.array_equal(np.isnan(mixed.true_capacity_ah[rows]), dead)
    assert set(np.flatnonzero(dead)) >= {3, 5, 6, 7, 9, 10, 11}
    assert np.all(mixed.true_capacity_ah[rows][~dead] >= 0.0)
    assert np.all(np.isfinite(mixed.true_dcir_mohm[rows][~dead]))


def test_k_value_parts(report: Callable[..., None]) -> None:
    """The leak's part is charge lost times the slope of the OCV; the meter's part falls as one over the days."""
    cell, plan, cells = setup("Chen2020", model(k_value={"rest_days": 10.0}))
    long = eol.test(plan, cells, SEED)
    _, quick, _ = setup("Chen2020", model(k_value={"rest_days": 6.0}))
    short = eol.test(quick, cells, SEED)
    parts = [m.k_value_mv_per_day - m.true_k_value_mv_per_day for m in (long, short)]
    report("6 for 10 days of rest: meter's part grows", parts[1].std() / parts[0].std(), 10 / 6 + 1e-9, "times")
    few = np.flatnonzero(cells.defect == 0)[:20].tolist()
    worst = 0.0
    for j in few:
        own = as_built(cell, cells, j)
        soc, step = float(long.true_soc[j]), 1e-4
        slope = (own.open_circuit_v(soc + step) - own.open_circuit_v(soc - step)) / (2 * step)
        lost = 1e-6 * cells.values[INDEX["leakage_ua"], j] * 24.0 / own.balance.capacity_ah
        worst = max(worst, abs(long.true_k_value_mv_per_day[j] / (1e3 * slope * lost) - 1.0))
    report("leak's part of K off leak x dOCV/dSOC", worst, 0.02)


def test_seed_key_is_used() -> None:
    assert seed_key(1) != seed_key(2)
    _, plan, cells = setup("table", model())
    assert not np.array_equal(eol.test(plan, cells, 1).capacity_ah, eol.test(plan, cells, 2).capacity_ah)

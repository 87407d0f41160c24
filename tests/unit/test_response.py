"""The response surface stands in for running the cells where it is trusted, and only there."""

from __future__ import annotations

import itertools
from dataclasses import fields

import numpy as np
import pytest
from scenarios import small

from packsim.cell import plan as cell_plans
from packsim.cell.cell import Cell
from packsim.cell.plan import CellPlan
from packsim.cell.table.table_cell import TableCell
from packsim.cell.traits import INDEX
from packsim.inspection import plan as plans
from packsim.inspection.process import spread_slots, with_defects
from packsim.inspection.response import EDGE, OF_KIND, Surfaces, estimate, fit, fit_kinds
from packsim.inspection.test import TrueValues, true_values
from packsim.line import plan as line_plans
from packsim.line.build import build
from packsim.line.defects import BIT

SEED = 4


@pytest.fixture(scope="module")
def case():
    scenario = small()
    line = line_plans.plan(scenario.line, 48)
    return line, plans.plan(scenario.inspection, cell_plans.plan(scenario.cell), line)


def fitted(scenario, plan, cells: int = 4096, factor: float = 1.8):
    wide = with_defects(line_plans.plan(scenario.line, 48, sd_factor=factor, defect_factor=0.0), ())
    return fit(plan, build(wide, SEED, spread_slots(wide, cells)))


def same(one: TrueValues, other: TrueValues, rows: np.ndarray) -> bool:
    return all(
        getattr(one, f.name)[..., rows].tobytes() == getattr(other, f.name)[..., rows].tobytes()
        for f in fields(TrueValues)
    )


def test_cells_outside_the_range_are_run(case):
    line, plan = case
    surface = fitted(small(), plan)
    cells = build(line, 9, spread_slots(line, 20_000))
    outside = ((cells.values < surface.low[:, None]) | (cells.values > surface.high[:, None])).any(axis=0)
    assert 200 < outside.sum() < 4000  # mostly defects, of 6 % of the cells
    real = true_values(plan, cells, 9, finer=False)  # dry cells in the steps of all others
    fast = estimate(plan, Surfaces(surface, {}), cells, 9)
    assert same(real, fast, np.flatnonzero(outside))
    inside = np.flatnonzero(~outside)
    assert not np.any(real.capacity_ah[inside] == fast.capacity_ah[inside])
    assert fast.capacity_ah[inside] == pytest.approx(real.capacity_ah[inside], rel=1e-3)
    assert fast.window[:, inside] == pytest.approx(real.window[:, inside], abs=1e-3)


def test_each_kind_of_defect_has_its_own_surface(case):
    """One defect: by its kind's surfaces, dry pores in parts; two, or the driest, which no polynomial fits: run."""
    _, plan = case
    defects = {
        "weld_void": {"rate_ppm": 1000, "resistance_mohm": 10.0, "spread_factor": 2.0},
        "wetting_fault": {"rate_ppm": 1000, "fill_loss_pct": 40.0, "spread_factor": 1.4},
    }
    with_more = small().updated({f"line.defects.{name}": given for name, given in defects.items()})
    wide = line_plans.plan(with_more.line, 48, sd_factor=1.8)
    kinds = np.flatnonzero(wide.probability).tolist()
    asked = []

    def made(defects):
        asked.append(defects)
        return build(with_defects(wide, defects), SEED, spread_slots(wide, 2048))

    surfaces = fit_kinds(plan, made, kinds)
    dry, short = BIT["wetting_fault"].bit_length() - 1, BIT["particle_contamination"].bit_length() - 1
    assert sorted(asked) == [(), *((kind,) for kind in kinds if kind != short)]
    assert set(surfaces.of_kind) == set(kinds) - {short}
    assert all(len(own) == 1 for kind, own in surfaces.of_kind.items() if kind != dry)
    fill = INDEX["electrolyte_fill_ratio"]
    ranges = sorted((surface.low[fill], surface.high[fill]) for surface in surfaces.of_kind[dry])
    assert 1 < len(ranges) < 4, "milder half and a quarter"
    assert all(high <= low for (_, high), (low, _) in itertools.pairwise(ranges))
    for kind in (short, *surfaces.of_kind):
        cells = build(with_defects(wide, (kind,)), 9, spread_slots(wide, 1000))
        real, fast = true_values(plan, cells, 9, finer=False), estimate(plan, surfaces, cells, 9)
        run = fast.capacity_ah == real.capacity_ah
        assert run.mean() < (0.4 if kind == dry else 0.2)  # beyond the least and largest trait of those fitted
        assert kind != dry or np.all(cells.values[fill][~run] >= ranges[0][0])
        assert fast.capacity_ah[~run] == pytest.approx(real.capacity_ah[~run], rel=2e-3)
        off = np.abs(fast.dcir_mohm[~run] / real.dcir_mohm[~run] - 1.0)
        assert np.quantile(off, 0.99) < 5e-3
        assert off.max() < 2e-2
    for several in ((dry,), tuple(kind for kind in kinds if kind != short)[:2]):
        cells = build(with_defects(wide, several), 9, spread_slots(wide, 400))
        sound = surfaces.sound
        outside = ((cells.values < sound.low[:, None]) | (cells.values > sound.high[:, None])).any(axis=0)
        far = np.flatnonzero(outside & ((cells.values[fill] < ranges[0][0]) | (several != (dry,))))
        assert far.size > 50
        assert same(true_values(plan, cells, 9, finer=False), estimate(plan, surfaces, cells, 9), far)


def test_a_short_with_another_defect_takes_the_surface_of_the_other(case):
    _, plan = case
    wide = line_plans.plan(small().line, 48, sd_factor=1.8)
    short, other = (BIT[name].bit_length() - 1 for name in ("particle_contamination", "misalignment"))
    surfaces = fit_kinds(
        plan, lambda some: build(with_defects(wide, some), SEED, spread_slots(wide, 2048)), [short, other]
    )
    cells = build(with_defects(wide, (short, other)), 9, spread_slots(wide, 1000))
    real, fast = true_values(plan, cells, 9), estimate(plan, surfaces, cells, 9)
    run = fast.capacity_ah == real.capacity_ah
    leak = cells.values[INDEX["leakage_ua"]]
    small_leak = leak <= surfaces.sound.high[INDEX["leakage_ua"]]
    assert run[~small_leak].all()
    assert run[small_leak].mean() < 0.2
    for name in ("capacity_ah", "ocv_first_v", "ocv_second_v"):
        assert getattr(fast, name)[~run] == pytest.approx(getattr(real, name)[~run], rel=2e-3)


def test_the_ends_of_severities_are_not_trusted(case):
    """Where fewer than EDGE of the cells fitted have a severity as large or as small, a polynomial is held by too few."""
    _, plan = case
    wide = line_plans.plan(small().line, 48, sd_factor=1.8)
    kind = BIT["misalignment"].bit_length() - 1
    cells = build(with_defects(wide, (kind,)), SEED, spread_slots(wide, 2048))
    surface = fit_kinds(
        plan, lambda some: cells if some else build(with_defects(wide, ()), SEED, spread_slots(wide, 2048)), [kind]
    ).of_kind[kind][0]
    overlap = cells.values[INDEX["overlap_ratio"], :: 2048 // OF_KIND]  # of the cells fitted
    assert (overlap < surface.low[INDEX["overlap_ratio"]]).sum() >= EDGE
    assert (overlap > surface.high[INDEX["overlap_ratio"]]).sum() >= EDGE
    assert (
        (overlap >= surface.low[INDEX["overlap_ratio"]]) & (overlap <= surface.high[INDEX["overlap_ratio"]])
    ).mean() > 0.98


def test_too_few_cells_to_fit_are_not_trusted(case):
    line, plan = case
    surface = fitted(small(), plan, cells=60)
    assert np.isnan(surface.residual).all()
    cells = build(line, 9, spread_slots(line, 500))
    assert same(true_values(plan, cells, 9), estimate(plan, Surfaces(surface, {}), cells, 9), np.arange(500))


def test_the_residual_is_that_of_the_cells_fitted(case):
    _, plan = case
    surface = fitted(small(), plan)
    assert 0.0 < surface.residual[0, 0] < surface.residual[1, 0] < 1e-2 * plan.nominal_capacity_ah
    assert 0.0 < surface.residual[0, 1] < surface.residual[1, 1] < 5e-5 * plan.nominal_dcir_mohm  # ohm: 5 %


def test_a_line_without_spread_is_met_exactly(case):
    _, plan = case
    surface = fitted(small(), plan, factor=0.0)
    assert surface.rows.size == 0
    still = line_plans.plan(small().line, 48, sd_factor=0.0, defect_factor=0.0)
    cells = build(still, 9, spread_slots(still, 1000))
    real, fast = true_values(plan, cells, 9), estimate(plan, Surfaces(surface, {}), cells, 9)
    assert fast.capacity_ah == pytest.approx(real.capacity_ah, rel=1e-6)
    assert fast.ocv_second_v == pytest.approx(real.ocv_second_v, rel=1e-6)


def test_copies_of_one_trait_do_not_break_the_fit(case):
    _, plan = case
    wide = with_defects(line_plans.plan(small().line, 48, sd_factor=1.8), ())
    cells = build(wide, SEED, spread_slots(wide, 4096))
    cells.values[INDEX["anode_thickness_ratio"]] = cells.values[INDEX["cathode_thickness_ratio"]]
    surface = fit(plan, cells)
    assert np.isfinite(surface.residual).all()
    assert surface.residual[0, 0] < 1e-3 * plan.nominal_capacity_ah


def test_table_cells():
    scenario = small()
    line = line_plans.plan(scenario.line, 48)
    cell = Cell(TableCell(2.5, np.array([0.0, 1.0]), np.array([3.0, 4.0]), 10.0))
    plan = plans.plan(scenario.inspection, CellPlan("table", cell.design, cell.nominal_capacity_ah), line)
    surface = fitted(scenario, plan)
    cells = build(line, 9, spread_slots(line, 5000))
    real, fast = true_values(plan, cells, 9), estimate(plan, Surfaces(surface, {}), cells, 9)
    assert fast.capacity_ah == pytest.approx(real.capacity_ah, rel=1e-5)
    assert fast.dcir_mohm == pytest.approx(real.dcir_mohm, rel=1e-4)
    assert fast.ocv_first_v == pytest.approx(real.ocv_first_v, abs=1e-5)
    assert fast.soc == pytest.approx(real.soc, abs=1e-5)
    assert fast.window == pytest.approx(real.window, rel=1e-9)

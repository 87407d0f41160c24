"""Kernels against their plain twins in tests/naive.py."""

from __future__ import annotations

import naive
import numpy as np
import pybamm_spme as reference
import pytest

from packsim.cell import kernels as k
from packsim.cell.cell import Cell
from packsim.cell.electrodes import kernels as electrode_kernels
from packsim.cell.electrodes.design import build_design
from packsim.cell.electrolyte.closure import closure_table
from packsim.cell.from_pybamm import CONCENTRATION_GRID, read_parameters
from packsim.cell.traits import trait_values

# seconds and C-rate: jumps, rests, charge; short and long steps
STEPS = [(1.0, 1.0), (9.0, 1.0), *[(10.0, 1.0)] * 30, (2.0, 0.0), *[(30.0, 0.0)] * 5, *[(5.0, -1.5)] * 20, (60.0, 0.3)]


@pytest.mark.parametrize("name", reference.SETS)
def test_a_step_is_what_the_equations_say(name: str) -> None:
    cell = Cell(name)
    _, parameters = read_parameters(name)
    design = cell.design
    shells = (design.shells_n, design.shells_p)
    twin = naive.NaiveCell(parameters, tuple(cell.window[:, 0]), 0.7, np.asarray(design.closure), shells)
    lane = cell.lane(0.7)
    for dt, c_rate in STEPS:
        current = c_rate * cell.nominal_capacity_ah
        found = k.voltage_after(lane, design, current, dt)
        k.advance(lane.state, lane.work, lane.coef, lane.decay, design, lane.current, dt, 0, 1)
        # 1e-6: kernels keep the anode above plating by a smooth bound, which the twin leaves out
        assert found == pytest.approx(twin.step(current, dt), abs=1e-6)


@pytest.mark.parametrize("name", reference.SETS)
def test_the_slope_is_nearly_the_derivative_of_the_voltage(name: str) -> None:
    cell = Cell(name)
    lane = cell.lane(0.6)
    for c_rate in (1.0, -0.5, 0.0):
        current = c_rate * cell.nominal_capacity_ah
        k.voltage_after(lane, cell.design, current, 10.0)
        slope = lane.slope[0]
        h = 1e-3 * cell.nominal_capacity_ah
        up, down = (k.voltage_after(lane, cell.design, current + side * h, 10.0) for side in (1.0, -1.0))
        # it leaves out how the exchange current follows the current: Newton then gains 1.5 digits an iteration
        assert slope == pytest.approx((down - up) / (2.0 * h), rel=3e-2)
        k.voltage_after(lane, cell.design, current, 10.0)
        k.advance(lane.state, lane.work, lane.coef, lane.decay, cell.design, lane.current, 10.0, 0, 1)


@pytest.mark.parametrize("name", reference.SETS)
def test_balance_is_where_the_curves_say(name: str) -> None:
    cell = Cell(name)
    _, p = read_parameters(name)
    design = cell.design
    charge = [
        naive.F * p.area_m2 * e.thickness_m * e.active_fraction * e.c_max / 3600.0 for e in (p.negative, p.positive)
    ]
    lithium = charge[0] * p.negative.c_init / p.negative.c_max + charge[1] * p.positive.c_init / p.positive.c_max
    window = (design.lower_cutoff_v, design.upper_cutoff_v)
    expected = naive.balance(naive.ocp(p.negative), naive.ocp(p.positive), (*charge, lithium), window)
    assert cell.window[:, 0] == pytest.approx(expected, abs=2e-6)


@pytest.mark.parametrize("name", ["Chen2020", "Ecker2015", "Mohtat2020"])
def test_the_electrolyte_closure_solves_the_steady_profile(name: str) -> None:
    _, p = read_parameters(name)
    table = closure_table(p.electrolyte_diffusivity, CONCENTRATION_GRID[-1])
    means, gaps = np.linspace(0.0, 4000.0, table.shape[0]), np.linspace(-1.0, 5.0, table.shape[1])
    for row, column in ((24, 30), (24, 40), (36, 20), (12, 50), (60, 12)):
        mean, edge = means[row], means[row] * (1.0 + gaps[column])
        d, log_mean = naive.closure(
            lambda c: float(np.interp(c, CONCENTRATION_GRID, p.electrolyte_diffusivity)), mean, edge
        )
        gauss = [max(mean + (edge - mean) * (3 * z * z - 1) / 2, 0.1 * mean) for z in naive.GAUSS]
        assert table[row, column, 0] == pytest.approx(d, rel=1e-4)
        assert 0.5 * np.log(table[row, column, 1] * gauss[0] * gauss[1]) == pytest.approx(log_mean, abs=2e-4)


@pytest.mark.parametrize("start", [float("nan"), -0.5, 0.0, 0.5, 1.0, float("inf")])
def test_a_window_is_found_from_any_start(start: float) -> None:
    """It is only a guess: nan (none is known yet) and nonsense lead to the same window, and not beyond the tables."""
    _, p = read_parameters("Chen2020")
    cell = build_design(p)
    expected, found = np.empty((5, 1)), np.empty((5, 1))
    k.balance(expected, trait_values(), cell, 0, 1)
    nominal = cell.nominal.copy()
    nominal[[electrode_kernels.X0_START, electrode_kernels.X100_START]] = start
    k.balance(found, trait_values(), cell._replace(nominal=nominal), 0, 1)
    assert found == pytest.approx(expected, abs=1e-12)

"""The table cell over SOC and temperature, with hysteresis: closed forms, a plain twin, an ODE solver, its sources."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import numpy as np
import pytest
from naive_table import NaiveTable
from scipy.integrate import solve_ivp

from packsim.cell import kernels as k
from packsim.cell.cell import Cell, empty_lane
from packsim.cell.plan import CellPlan
from packsim.cell.table.kernels import entropic_table, set_temperature_table
from packsim.cell.table.table_cell import TableCell
from packsim.cell.traits import trait_values
from packsim.inspection import plan as inspection_plans
from packsim.inspection import test as eol
from packsim.line import plan as line_plans
from packsim.line.build import build, slot_addresses
from packsim.scenario.inspection import InspectionModel
from packsim.scenario.line import LineModel

if TYPE_CHECKING:
    from collections.abc import Callable

SOC = np.linspace(0.0, 1.0, 257)  # the kernels' own points: no second interpolation between table and twin
OCV = 3.0 + 0.9 * SOC + 0.3 * SOC**3
KELVIN = 273.15
ACTIVATION_K = 3500.0  # 29 kJ/mol


def arrhenius(temperature_degc: float, activation_k: float = ACTIVATION_K) -> float:
    """Factor of a resistance that is 1 at 25 degC."""
    return float(np.exp(activation_k * (1.0 / (temperature_degc + KELVIN) - 1.0 / 298.15)))


def over_temperature(temperatures: tuple[float, ...], **more: object) -> TableCell:
    """Exact Arrhenius tables: R0 with E, R1 with E/2, tau1 with -E/4, R2 and tau2 flat."""
    column = np.ones((len(temperatures), SOC.size))
    e, half, minus = (
        np.array([arrhenius(t, a * ACTIVATION_K) for t in temperatures])[:, None] for a in (1.0, 0.5, -0.25)
    )
    return TableCell(
        5.0,
        SOC,
        OCV,
        (20.0 + 10.0 * (1.0 - SOC)) * e,
        (8.0 * half * column, 5.0 * column),
        (30.0 * minus * column, 400.0 * column),
        temperature_degc=temperatures,
        **more,
    )


def lane_steps(cell: Cell, lane: k.Lane, steps: list[tuple[float, float]]) -> np.ndarray:
    """Voltages [step, cell] of all cells of a lane under (seconds, amperes)."""
    n, out = lane.emf.size, []
    for dt, current in steps:
        k.set_dt(lane.decay, lane.coef, cell.design, dt, 0, n)
        k.prepare(lane.work, lane.state, lane.coef, lane.decay, cell.design, dt, 0, n)
        lane.current[:] = current
        k.respond(lane.emf, lane.slope, lane.current, lane.work, lane.coef, cell.design, 0, n)
        k.advance(lane.state, lane.work, lane.coef, lane.decay, cell.design, lane.current, dt, 0, n)
        out.append(lane.emf - lane.slope * lane.current)
    return np.array(out)


def random_steps(amperes: float, seed: int, count: int = 200) -> list[tuple[float, float]]:
    luck = np.random.default_rng(seed)
    current = np.where(luck.random(count) < 0.15, 0.0, luck.normal(0.2, 1.0, count) * amperes)
    return list(zip(luck.choice([0.1, 1.0, 10.0, 60.0], count).tolist(), current.tolist(), strict=True))


FULL = TableCell(
    5.0,
    SOC,
    OCV,
    20.0 + 30.0 * (1.0 - SOC) ** 2,
    (6.0 + 10.0 * (1.0 - SOC) ** 4, 4.0 + 3.0 * SOC),
    (20.0 + 20.0 * SOC, 300.0 + 200.0 * (1.0 - SOC)),
    resistance_charge_mohm=25.0 + 20.0 * (1.0 - SOC) ** 2,
    hysteresis_mv=10.0 + 5.0 * SOC,
    hysteresis_rate=60.0,
)


def test_steps_are_the_plain_twins(report: Callable[..., None]) -> None:
    cell, twin = Cell(FULL), NaiveTable(FULL, 0, 0.6)
    steps = random_steps(5.0, 1)
    found = lane_steps(cell, cell.lane(0.6), steps)[:, 0]
    expected = [twin.step(current, dt) for dt, current in steps]
    report("table cell with everything, against its plain twin", 1e3 * np.max(np.abs(found - expected)), 1e-6, "mV")
    assert abs(twin.h) > 0.1


def test_slope_is_the_derivative_but_for_resistance_over_soc(report: Callable[..., None]) -> None:
    flat = copy.copy(FULL.__dict__) | {"resistance_mohm": 20.0, "resistance_charge_mohm": 25.0, "rc_mohm": (6.0, 4.0)}
    cell = Cell(TableCell(**flat | {"hysteresis_mv": 10.0}))
    lane, worst = cell.lane(0.6), 0.0
    for current in (5.0, -4.0, 0.5, -0.2):
        k.voltage_after(lane, cell.design, current, 30.0)
        slope = lane.slope[0]
        up, down = (k.voltage_after(lane, cell.design, current + side * 1e-4, 30.0) for side in (1.0, -1.0))
        worst = max(worst, abs(slope / ((down - up) / 2e-4) - 1.0))
        k.voltage_after(lane, cell.design, current, 30.0)
        k.advance(lane.state, lane.work, lane.coef, lane.decay, cell.design, lane.current, 30.0, 0, 1)
    report("slope against central differences", worst, 1e-6)


def test_pairs_over_soc_follow_the_ode(report: Callable[..., None]) -> None:
    """Time constants are frozen for a step (by its start), so the error falls in proportion to the step."""
    table = TableCell(
        5.0, SOC, OCV, 0.0, (6.0 + 40.0 * (1.0 - SOC) ** 4, 8.0), (20.0 + 200.0 * SOC, 900.0 - 800.0 * SOC)
    )
    cell, i = Cell(table), 5.0
    slope_z = -i / (3600.0 * table.capacity_ah)

    def rate(t: float, y: np.ndarray) -> list[float]:
        return [(i - y[n]) / float(np.interp(0.9 + slope_z * t, SOC, table.rc_s[n])) for n in range(2)]

    exact = solve_ivp(rate, (0.0, 2400.0), [0.0, 0.0], rtol=1e-10, atol=1e-12, dense_output=True).sol
    worst = {}
    for dt in (40.0, 10.0):
        v = lane_steps(cell, cell.lane(0.9), [(dt, i)] * round(2400.0 / dt))[:, 0]
        t = dt * np.arange(1, v.size + 1)
        over = sum(
            1e-3 * np.interp(0.9 + slope_z * t, SOC, table.over(table.rc_mohm[n])[0]) * exact(t)[n] for n in (0, 1)
        )
        ocv = np.array([cell.open_circuit_v(z) for z in 0.9 + slope_z * t])
        worst[dt] = 1e3 * float(np.max(np.abs(ocv - over - v)))
    report("RC pairs over SOC at 1C, 10 s steps against solve_ivp", worst[10.0], 0.1, "mV")
    report("the same, error of 40 s over that of 10 s steps, off 4", abs(worst[40.0] / worst[10.0] - 4.0), 0.4)


# --- hysteresis -----------------------------------------------------------------------------------------------------

RATE = 80.0
LFP = TableCell(2.3, SOC, OCV, 0.0, hysteresis_mv=12.0, hysteresis_rate=RATE)


def hysteresis_mv(segments: list[tuple[float, float]], soc: float = 0.5, dt_s: float = 10.0) -> np.ndarray:
    """Voltage above the OCV at the end of each of (seconds, amperes) [mV], R = 0; one step a segment or more."""
    cell = Cell(LFP)
    lane, z, out = cell.lane(soc), soc, []
    for seconds, current in segments:
        parts = max(1, round(seconds / dt_s))
        v = lane_steps(cell, lane, [(seconds / parts, current)] * parts)[-1, 0]
        z -= current * seconds / (3600.0 * LFP.capacity_ah)
        out.append(1e3 * (v - Cell(LFP).open_circuit_v(z)))
    return np.array(out)


def test_the_major_loop_is_twice_m_wide(report: Callable[..., None]) -> None:
    charged = hysteresis_mv([(3600.0, -1.0)], soc=0.1)[0]  # 43 % of SOC: exp(-35) is left
    discharged = hysteresis_mv([(3600.0, 1.0)], soc=0.95)[0]
    report("major loop: width off 2 M", abs(charged - discharged - 24.0), 1e-9, "mV")
    assert charged == pytest.approx(12.0)


def test_hysteresis_turns_as_an_exponential_of_charge(report: Callable[..., None]) -> None:
    """After a full charge, V - OCV = M (2 exp(-gamma |dz|) - 1), whatever the current and the steps."""
    worst = 0.0
    for current, dt in ((0.2, 1.0), (2.0, 10.0), (5.0, 300.0)):
        seconds = 0.01 * 3600.0 * LFP.capacity_ah / current
        turned = hysteresis_mv([(3600.0, -1.0), (seconds, current)], soc=0.1, dt_s=dt)[-1]
        worst = max(worst, abs(turned - 12.0 * (2.0 * np.exp(-RATE * 0.01) - 1.0)))
    report("hysteresis after a reversal against the closed form", worst, 1e-9, "mV")


@pytest.mark.parametrize("swing", [0.002, 0.01, 0.05])
def test_minor_loops_close_at_tanh(swing: float, report: Callable[..., None]) -> None:
    """Cycling by dz, h ends between -tanh and +tanh(gamma dz / 2), and stays there at rest."""
    seconds = swing * 3600.0 * LFP.capacity_ah
    ends = hysteresis_mv([(seconds, 1.0), (seconds, -1.0)] * 150 + [(3600.0, 0.0)])
    expected = 12.0 * np.tanh(0.5 * RATE * swing)
    off = max(abs(ends[-3] + expected), abs(ends[-2] - expected), abs(ends[-1] - expected))
    report(f"minor loop of {100 * swing:g} % SOC: ends off M tanh", off, 1e-9, "mV")


# --- temperature ----------------------------------------------------------------------------------------------------


def test_between_two_temperatures_a_pulse_is_arrhenius(report: Callable[..., None]) -> None:
    """Tables at 5 and 35 degC whose E is the same at every SOC: exact in between, to the closed form of a pulse."""
    worst = 0.0
    for t in (5.0, 12.0, 25.0, 35.0):
        cell = Cell(over_temperature((5.0, 35.0)), temperature_degc=t)
        v = lane_steps(cell, cell.lane(0.8), [(10.0, 5.0)] * 12)[-1, 0]
        z = 0.8 - 5.0 * 120.0 / 18000.0
        r0 = (20.0 + 10.0 * (1.0 - z)) * arrhenius(t)
        r1, tau1 = 8.0 * arrhenius(t, 0.5 * ACTIVATION_K), 30.0 * arrhenius(t, -0.25 * ACTIVATION_K)
        drop = r0 + r1 * (1.0 - np.exp(-120.0 / tau1)) + 5.0 * (1.0 - np.exp(-120.0 / 400.0))
        worst = max(worst, abs(v - (cell.open_circuit_v(z) - 5e-3 * drop)))
    report("pulse between tabled temperatures against Arrhenius", 1e3 * worst, 1e-6, "mV")


def test_set_temperature_is_the_cell_built_there(report: Callable[..., None]) -> None:
    """Each cell of an array at its own temperature, to the bit; outside the table held at its ends."""
    table = over_temperature((0.0, 10.0, 25.0, 45.0), hysteresis_mv=8.0)
    at = np.array([0.0, 3.0, 10.0, 17.0, 25.0, 44.0, 45.0, -20.0, 70.0])
    cell = Cell(table)
    lane = empty_lane(at.size)
    k.coefficients(lane.coef, trait_values(cells=at.size), cell.design, 0, at.size)
    set_temperature_table(lane.coef, cell.design, at + KELVIN, 0, at.size)
    k.rest_state(lane.state, cell.design, np.full(at.size, 0.7), np.repeat(cell.window, at.size, axis=1), 0, at.size)
    steps = random_steps(5.0, 2, 60)
    found, different = lane_steps(cell, lane, steps), 0
    for j, t in enumerate(np.clip(at, 0.0, 45.0)):
        own = Cell(table, temperature_degc=float(t))
        different += int(np.sum(lane_steps(own, own.lane(0.7), steps)[:, 0] != found[:, j]))
    report("cells at their own temperatures: voltages not those of a cell built there", different, 0, "", "==")
    assert np.ptp(found[:, :7], axis=1).max() > 0.05  # cold cells do drop more


def test_ocv_over_temperature_is_read_at_the_cells_and_shifts(report: Callable[..., None]) -> None:
    per_k = 1e-4 * (SOC - 0.5)
    temperatures = np.array([10.0, 25.0, 40.0])
    ocv = OCV + per_k * (temperatures[:, None] - 25.0)
    table = TableCell(5.0, SOC, ocv, 10.0, temperature_degc=temperatures)
    cold, nominal = Cell(table, temperature_degc=15.0), Cell(table)
    lane = nominal.lane(0.9)
    k.voltage_after(lane, nominal.design, 0.0, 0.0)
    entropic_table(lane.emf, lane.work, nominal.design, np.array([15.0 + KELVIN]), 0, 1)
    report("OCV shifted against OCV read there", 1e3 * abs(lane.emf[0] - cold.open_circuit_v(0.9)), 1e-3, "mV")
    assert nominal.open_circuit_v(0.9) - cold.open_circuit_v(0.9) == pytest.approx(10.0 * 4e-5, rel=1e-3)


def test_a_temperature_outside_the_table_is_refused() -> None:
    with pytest.raises(ValueError, match=r"temperature_degc 50 is outside the table's 5..35 degC"):
        Cell(over_temperature((5.0, 35.0)), temperature_degc=50.0)


# --- the end-of-line test runs each cell on its own clock ------------------------------------------------------------


def test_the_end_of_line_test_measures_pairs_over_soc(report: Callable[..., None]) -> None:
    cell = Cell(FULL)
    line = line_plans.plan(
        LineModel.model_validate(
            {"supplier_lot_cells": 30, "roll_cells": 30, "steps": {"cutting": {"coated_area_ratio": {"sd_pct": 2.0}}}}
        ),
        60,
    )
    plan = inspection_plans.plan(
        InspectionModel.model_validate({"dcir": {"c_rate": 0.5, "pulse_s": 20.0}}),
        CellPlan("table", cell.design, cell.nominal_capacity_ah),
        line,
    )
    cells = build(line, 5, slot_addresses(0, range(60)))
    measured, worst_q, worst_r = eol.test(plan, cells, 5), 0.0, 0.0
    c_rate = plan.bench.test_a / cell.nominal_capacity_ah
    for j in range(6):
        own = copy.copy(cell)
        own.__dict__.pop("window", None)
        own.values = np.ascontiguousarray(cells.values[:, j : j + 1])
        worst_q = max(worst_q, abs(measured.true_capacity_ah[j] / own.discharge(c_rate, dt_s=1.0).capacity_ah - 1.0))
        pulse = own.dcir_mohm(soc=float(plan.bench.pulse_soc), c_rate=0.5, pulse_s=20.0)
        worst_r = max(worst_r, abs(measured.true_dcir_mohm[j] / pulse - 1.0))
    report("end-of-line capacity of cells with pairs over SOC", 100 * worst_q, 0.01, "%")
    report("end-of-line DCIR of cells with pairs over SOC", 100 * worst_r, 0.1, "%")

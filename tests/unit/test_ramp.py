"""A step over which the current runs straight, against many short ones that hold it (their limit) and a plain twin."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from packs import cell_plan
from scipy.integrate import quad

from packsim.cell import kernels as k
from packsim.cell.cell import Cell
from packsim.cell.electrodes.kernels import LEAK, MOST_SHELLS, PARTICLE_N, POLES, Q_N, SHELLS, TAU_N, X_N
from packsim.cell.ramp import kernels as ramp
from packsim.cell.spme.kernels import POLE_RATE, POLE_WEIGHT
from packsim.cell.table.table_cell import TableCell

BEGUN, ENDED, DT = 4.0, 1.0, 120.0


def lane_of(cell: Cell, current: float = BEGUN) -> k.Lane:
    lane = cell.lane(0.6)
    for _ in range(4):  # somewhere on the way, not at rest
        hold(lane, cell.design, current, 60.0)
    return lane


def hold(lane: k.Lane, design, current: float, dt: float) -> None:
    k.voltage_after(lane, design, current, dt)
    k.advance(lane.state, lane.work, lane.coef, lane.decay, design, lane.current, dt, 0, 1)


def run_straight(lane: k.Lane, design, begun: float, ended: float, dt: float) -> float:
    n, start = lane.emf.size, np.array([begun])
    k.set_dt(lane.decay, lane.coef, design, dt, 0, n)
    k.prepare(lane.work, lane.state, lane.coef, lane.decay, design, dt, 0, n)
    ramp.lean(lane.work, lane.coef, lane.decay, design, start, dt, 0, n)
    lane.current[0] = ended
    k.respond(lane.emf, lane.slope, lane.current, lane.work, lane.coef, design, 0, n)
    k.advance(lane.state, lane.work, lane.coef, lane.decay, design, lane.current, dt, 0, n)
    ramp.settle(lane.state, lane.coef, lane.decay, design, start, lane.current, dt, 0, n)
    return float(lane.emf[0] - lane.slope[0] * ended)


def test_poles_and_means_are_the_integral_over_a_straight_current(report):
    cell = Cell("Mohtat2020")
    lane = lane_of(cell)
    before = lane.state.copy()
    run_straight(lane, cell.design, BEGUN, ENDED, DT)
    worst = 0.0
    for side, sign in ((0, -1.0), (1, 1.0)):
        q, tau = lane.coef[Q_N + side, 0], lane.coef[TAU_N + side, 0]
        mean = before[X_N + side, 0] + sign * q * 0.5 * (BEGUN + ENDED) * DT
        worst = max(worst, abs(lane.state[X_N + side, 0] - mean))
        for pole in range(POLES):
            row, rate = PARTICLE_N + SHELLS * side + pole, POLE_RATE[pole] / tau
            seen = max(0.0, DT - 45.0 / rate)  # what a fast pole still knows of, or the rule misses it all
            source = quad(
                lambda t, r=rate: np.exp(-r * (DT - t)) * (BEGUN + (ENDED - BEGUN) * t / DT), seen, DT, epsabs=1e-14
            )[0]
            plain = before[row, 0] * np.exp(-rate * DT) + sign * POLE_WEIGHT[pole] / 3.0 * q * tau * rate * source
            worst = max(worst, abs(lane.state[row, 0] - plain))
    report("a straight current: means and poles off their integrals", worst, 1e-12)


@pytest.mark.parametrize("name", ["Chen2020", "Prada2013", "Mohtat2020", "Ecker2015"])
def test_straight_steps_are_second_order_where_held_ones_are_first(name, report):
    """From 4 A to 1 A in 120 s, in steps of 20, 10 and 5 s, against 4,000 steps that hold the mean current.

    Ecker2015 (0.156 A.h): from 0.8C to 0.2C, as the cells of 5 A.h.
    """
    cell = Cell(name)
    begun_a, ended_a = (0.8 * 0.15625, 0.2 * 0.15625) if name == "Ecker2015" else (BEGUN, ENDED)
    fine = lane_of(cell, begun_a)
    for part in range(4000):
        hold(fine, cell.design, begun_a + (ended_a - begun_a) * (part + 0.5) / 4000, DT / 4000)
    target = k.voltage_after(fine, cell.design, ended_a, 1e-6)
    off = {"straight": [], "held": []}
    for parts in (6, 12, 24):
        ends = begun_a + (ended_a - begun_a) * np.arange(parts + 1) / parts
        straight, held = lane_of(cell, begun_a), lane_of(cell, begun_a)
        for begun, ended in itertools.pairwise(ends):
            voltage = run_straight(straight, cell.design, begun, ended, DT / parts)
            at_the_end = k.voltage_after(held, cell.design, ended, DT / parts)
            hold(held, cell.design, ended, DT / parts)
        off["straight"].append(1e3 * abs(voltage - target))
        off["held"].append(1e3 * abs(at_the_end - target))
    report(f"{name}: straight steps of 10 s, voltage", off["straight"][1], 0.1, "mV")
    report(f"{name}: straight steps, part of the held ones' error at 10 s", off["straight"][1] / off["held"][1], 0.25)
    report(f"{name}: held steps, error at 10 s over that at 5 s", off["held"][1] / off["held"][2], 2.5)
    assert off["straight"][0] > off["straight"][1] > off["straight"][2]


def test_a_current_that_stands_still_is_the_held_one(report):
    worst = 0.0
    for name in ("Chen2020", "Mohtat2020"):
        cell = Cell(name)
        straight, held = lane_of(cell), lane_of(cell)
        run_straight(straight, cell.design, BEGUN, BEGUN, DT)
        hold(held, cell.design, BEGUN, DT)
        scale = np.maximum(np.abs(held.state), 1e-3)
        worst = max(worst, float(np.max(np.abs(straight.state - held.state) / scale)))
    report("a current that stands still: state off the held one", worst, 1e-12, "relative")


def test_shells_under_a_current_that_stands_still(report):
    """Means and shells are the held ones, and all lithium is there; fast poles take the start's diffusivity as well.

    A held step gives them that of its end alone: 1.7 % off where D moves with stoichiometry, as large as their own error.
    """
    current, cell = 0.125, Cell("Ecker2015")
    straight, held = lane_of(cell, current), lane_of(cell, current)
    before = straight.state.copy()
    run_straight(straight, cell.design, current, current, DT)
    hold(held, cell.design, current, DT)
    off = np.abs(straight.state - held.state) / np.maximum(np.abs(held.state), 1e-3)
    fast = np.zeros(off.shape, np.bool_)
    for side, count in ((0, cell.design.shells_n), (1, cell.design.shells_p)):
        first, sign = PARTICLE_N + SHELLS * side, 1.0 if side else -1.0
        fast[first + MOST_SHELLS : first + SHELLS] = True
        volume = cell.design.shell_geometry[side, :count, 1]
        mean = volume @ straight.state[first : first + count, 0]
        gained = sign * straight.coef[Q_N + side, 0] * (current + straight.coef[LEAK, 0]) * DT
        report(f"side {side}: lithium in shells off their mean", abs(mean - straight.state[X_N + side, 0]), 1e-14)
        report(f"side {side}: gained in the step, off", abs(mean - before[X_N + side, 0] - gained), 1e-14)
    report("a current that stands still: means, shells and electrolyte off the held ones", off[~fast].max(), 1e-12)
    report("... fast poles", off[fast].max(), 0.05)
    assert off[fast].max() > 1e-3, "diffusivities that do not differ test nothing"


def test_what_cannot_lean_says_so():
    soc = np.linspace(0.0, 1.0, 11)
    assert not ramp.can_lean(Cell(TableCell(2.3, soc, 3.0 + soc, 0.0, hysteresis_mv=12.0, hysteresis_rate=80.0)).design)
    assert ramp.can_lean(cell_plan("Chen2020").design)
    assert ramp.can_lean(cell_plan("Ecker2015").design)

"""Parallel cells of different designs: Kirchhoff at every step, against plain twins and a root-finder."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import numpy as np
import pytest
from naive_table import NaiveTable
from scipy.optimize import brentq

from packsim.cell import kernels as k
from packsim.cell.cell import Cell
from packsim.cell.table.table_cell import TableCell
from packsim.pack.mixed.follow import follow

if TYPE_CHECKING:
    from collections.abc import Callable

SOC = np.linspace(0.0, 1.0, 257)
BIG = TableCell(
    5.0, SOC, 3.0 + 1.1 * SOC, 20.0 + 30.0 * (1.0 - SOC), (6.0 + 9.0 * (1.0 - SOC), 4.0), (20.0 + 20.0 * SOC, 300.0)
)
SMALL = TableCell(3.0, SOC, 3.05 + 1.0 * SOC + 0.1 * SOC**2, 50.0, (10.0,), (100.0,), hysteresis_mv=5.0)


def naive_split(cells: list[NaiveTable], total: float, dt: float) -> tuple[float, list[float]]:
    """Common voltage and currents of a step: nested bracketing, no slopes."""

    def current_at(cell: NaiveTable, v: float) -> float:
        return brentq(lambda i: copy.deepcopy(cell).step(i, dt) - v, -40.0, 40.0, xtol=1e-12)

    v = brentq(lambda v: sum(current_at(cell, v) for cell in cells) - total, 2.9, 4.3, xtol=1e-12)
    return v, [current_at(cell, v) for cell in cells]


def test_a_mixed_group_is_its_naive_twins(report: Callable[..., None]) -> None:
    dt = np.array([1.0, 10.0, 30.0, 60.0, 60.0, 1.0, 30.0, 300.0, 10.0, 60.0])
    total = np.array([6.0, 6.0, 6.0, 6.0, 0.0, 0.0, 0.0, 0.0, -5.0, -5.0])
    time, soc = np.cumsum(dt), [0.60, 0.55]
    found = follow([Cell(BIG), Cell(SMALL)], np.append(0.0, time), np.append(0.0, total), soc)
    twins, worst_v, worst_i = [NaiveTable(BIG, 0, soc[0]), NaiveTable(SMALL, 0, soc[1])], 0.0, 0.0
    for n, step in enumerate([dt[0], *dt]):  # the first sample is held for as long as the second
        v, currents = naive_split(twins, float(np.append(0.0, total)[n]), float(step))
        for twin, current in zip(twins, currents, strict=True):
            twin.step(current, float(step))
        worst_v = max(worst_v, abs(v - found.voltage_v[n]))
        worst_i = max(worst_i, float(np.max(np.abs(np.array(currents) - found.current_a[:, n]))))
    report("mixed group against naive twins: voltage", 1e3 * worst_v, 1e-4, "mV")
    report("mixed group against naive twins: currents", worst_i, 1e-6, "A")


def test_an_spme_cell_stands_beside_a_measured_one(report: Callable[..., None]) -> None:
    """Each follows its own kernel at the currents found, to one voltage."""
    table = TableCell.from_pulses("Chen2020", (0.2, 0.4, 0.6, 0.8, 1.0))
    cells, soc = [Cell("Chen2020"), Cell(table)], [0.8, 0.75]
    time = np.arange(0.0, 1200.0, 10.0)
    total = np.where(time < 600.0, 10.0, np.where(time < 900.0, 0.0, -5.0))
    apart = voltages_apart(cells, soc, time, total)
    report("SPMe beside its table, 5 % SOC apart: voltages apart", 1e3 * apart, 0.01, "mV")


def voltages_apart(cells: list[Cell], soc: list[float], time: np.ndarray, total: np.ndarray) -> float:
    """Largest difference of a cell's own voltage, at the currents found, from the group's; checks their sum."""
    found, worst = follow(cells, time, total, soc), 0.0
    assert found.current_a.sum(axis=0) == pytest.approx(total, rel=1e-9, abs=1e-8)
    steps = np.diff(time, prepend=2.0 * time[0] - time[1])
    for j, one in enumerate(cells):
        lane = one.lane(soc[j])
        for n, dt in enumerate(steps):
            v = k.voltage_after(lane, one.design, found.current_a[j, n], dt)
            k.advance(lane.state, lane.work, lane.coef, lane.decay, one.design, lane.current, dt, 0, 1)
            worst = max(worst, abs(v - found.voltage_v[n]))
    return worst


def test_hysteresis_does_not_catch_newton_at_its_kink(report: Callable[..., None]) -> None:
    """Slopes differ on both sides of zero current, at rest and at reversal, in long steps on a flat OCV."""
    flat = 3.3 + 0.02 * SOC
    large = TableCell(2.3, SOC, flat, 15.0, (5.0,), (60.0,), hysteresis_mv=12.0, resistance_charge_mohm=18.0)
    small = TableCell(2.0, SOC, flat, 25.0, (5.0,), (60.0,), hysteresis_mv=10.0)
    time = np.cumsum([10.0, 10.0, 300.0, 300.0, 300.0, 5.0, 30.0, 30.0, 300.0, 0.1, 600.0])
    total = np.array([5.0, 5.0, 0.0, 0.0, 0.0, -5.0, -5.0, 5.0, 0.0, 0.0, 0.0])
    apart = voltages_apart([Cell(large), Cell(small), Cell(large)], [0.50, 0.55, 0.45], time, total)
    report("three parallel cells with hysteresis: voltages apart", 1e3 * apart, 0.01, "mV")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"cells": [Cell(BIG)]}, "two cells or more"),
        ({"initial_soc": [0.5]}, "an initial SOC for each"),
        ({"current_a": np.zeros(3)}, "equal length"),
        ({"time_s": np.array([0.0, 1.0, 1.0, 2.0])}, "must rise"),
        ({"current_a": np.array([0.0, np.nan, 0.0, 0.0])}, "finite"),
    ],
)
def test_a_bad_drive_is_refused(change: dict, says: str) -> None:
    good = {
        "cells": [Cell(BIG), Cell(SMALL)],
        "time_s": np.arange(4.0),
        "current_a": np.zeros(4),
        "initial_soc": [0.5] * 2,
    }
    with pytest.raises(ValueError, match=says):
        follow(**(good | change))

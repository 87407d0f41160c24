"""As-built traits: closed forms, and those that have no PyBaMM parameter (docs/traits.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from packsim.cell import kernels as k
from packsim.cell.cell import Cell
from packsim.cell.electrodes import kernels as electrodes
from packsim.cell.electrodes.kernels import CE_N, CIF_P
from packsim.cell.traits import TRAIT_NAMES

if TYPE_CHECKING:
    from collections.abc import Callable

KERNEL_ROWS = {
    "cathode_loading_ratio": electrodes.T_LOAD_P,
    "anode_loading_ratio": electrodes.T_LOAD_N,
    "cathode_thickness_ratio": electrodes.T_THICK_P,
    "anode_thickness_ratio": electrodes.T_THICK_N,
    "coated_area_ratio": electrodes.T_AREA,
    "overlap_ratio": electrodes.T_OVERLAP,
    "cathode_particle_radius_ratio": electrodes.T_RAD_P,
    "anode_particle_radius_ratio": electrodes.T_RAD_N,
    "separator_thickness_ratio": electrodes.T_SEP_L,
    "separator_porosity_ratio": electrodes.T_SEP_E,
    "electrolyte_fill_ratio": electrodes.T_FILL,
    "formation_loss_ratio": electrodes.T_FORM,
    "weld_resistance_mohm": electrodes.T_WELD,
    "leakage_ua": electrodes.T_LEAK,
    "ageing_rate_ratio": electrodes.T_AGEING,
}


def voltages(cell: Cell, currents: list[float], dt: float = 10.0, soc: float = 0.8) -> np.ndarray:
    lane = cell.lane(soc)
    out = []
    for current in currents:
        out.append(k.voltage_after(lane, cell.design, current, dt))
        k.advance(lane.state, lane.work, lane.coef, lane.decay, cell.design, lane.current, dt, 0, 1)
    return np.array(out)


def test_kernel_rows_are_in_the_order_of_the_declaration() -> None:
    assert [KERNEL_ROWS[name] for name in TRAIT_NAMES] == list(range(len(TRAIT_NAMES)))


@pytest.mark.parametrize("name", ["Chen2020", "Ecker2015"])
def test_a_weld_is_a_series_resistor(name: str, report: Callable[..., None]) -> None:
    plain, welded = Cell(name), Cell(name, traits={"weld_resistance_mohm": 3.0})
    currents = [share * plain.nominal_capacity_ah for share in [1.0] * 30 + [0.0] * 5 + [-0.7] * 20]
    error = voltages(plain, currents) - 3e-3 * np.array(currents) - voltages(welded, currents)
    report(f"{name}: weld against I R", 1e3 * np.max(np.abs(error)), 1e-9, "mV")
    gained = welded.dcir_mohm() - plain.dcir_mohm()
    report(f"{name}: DCIR gained by a weld of 3 mOhm, error", abs(gained - 3.0), 1e-6, "mOhm")


@pytest.mark.parametrize("name", ["Chen2020", "Ecker2015"])
def test_leakage_is_a_current_inside_the_particles(name: str, report: Callable[..., None]) -> None:
    """Particles at load I and leakage L are those at load I + L; the pores see I alone."""
    leak = 0.02 * Cell(name).nominal_capacity_ah
    loads = np.array([0.5] * 30 + [0.0] * 30) * Cell(name).nominal_capacity_ah
    states = []
    for traits, currents in (({"leakage_ua": 1e6 * leak}, loads), ({}, loads + leak), ({}, loads)):
        cell = Cell(name, traits=traits)
        lane = cell.lane(0.8)
        for current in currents:
            k.voltage_after(lane, cell.design, current, 10.0)
            k.advance(lane.state, lane.work, lane.coef, lane.decay, cell.design, lane.current, 10.0, 0, 1)
        states.append(lane.state[:, 0].copy())
    leaky, loaded, alone = states
    particles, pores = slice(0, CE_N), slice(CE_N, CIF_P + 1)
    report(f"{name}: leakage against a load, stoichiometries", np.max(np.abs(leaky - loaded)[particles]), 1e-12)
    assert leaky[pores] == pytest.approx(alone[pores], rel=1e-13)


def test_leakage_takes_charge(report: Callable[..., None]) -> None:
    cell = Cell("Chen2020", traits={"leakage_ua": 5000.0})
    days = 30.0
    rested = cell.profile([(0.0, days * 86400.0)], dt_s=3600.0, initial_soc=0.5)
    expected = cell.open_circuit_v(0.5 - 5e-3 * days * 24.0 / float(cell.balance.capacity_ah))
    report(
        "30 days of 5 mA leakage, OCV against the charge it took", 1e3 * abs(rested.voltage_v[-1] - expected), 0.1, "mV"
    )


def test_area_and_overlap_are_one_factor() -> None:
    both = Cell("Chen2020", traits={"coated_area_ratio": 1.02, "overlap_ratio": 0.99})
    one = Cell("Chen2020", traits={"coated_area_ratio": 1.02 * 0.99})
    assert both.lane(0.5).coef == pytest.approx(one.lane(0.5).coef, rel=1e-13)
    assert float(both.balance.capacity_ah) == pytest.approx(1.02 * 0.99 * float(Cell("Chen2020").balance.capacity_ah))


def test_formation_loss_takes_lithium_in_proportion() -> None:
    """10 % more loss takes a tenth more of what the cathode brought and the cell does not hold."""
    nominal = Cell("Chen2020")
    q = [np.empty(3) for _ in range(2)]
    for row, ratio in zip(q, (1.0, 1.1), strict=True):
        cell = Cell("Chen2020", traits={"formation_loss_ratio": ratio})
        row[:] = electrodes.inventory(nominal.design.nominal, cell.values, 0)
    lost = q[0][1] * nominal.design.nominal[electrodes.Y_MADE] - q[0][2]
    assert lost > 0.0
    assert q[0][2] - q[1][2] == pytest.approx(0.1 * lost)
    assert q[0][:2] == pytest.approx(q[1][:2])


def test_scaling_to_a_capacity_keeps_the_voltage_curve() -> None:
    small, large = Cell("Chen2020"), Cell("Chen2020", capacity_ah=100.0)
    assert float(large.balance.capacity_ah) == pytest.approx(100.0)
    factor = 100.0 / float(small.balance.capacity_ah)
    a, b = small.discharge(current_a=5.0), large.discharge(current_a=5.0 * factor)
    assert b.capacity_ah / a.capacity_ah == pytest.approx(factor, rel=1e-9)
    assert a.voltage_v == pytest.approx(b.voltage_v, abs=1e-9)

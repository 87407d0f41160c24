"""A cell at other temperatures, its heat and its energy: against cells read anew from PyBaMM, and PyBaMM's lumped model."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pybamm_heat
import pybamm_spme as reference
import pytest
from heated_cell import HeatedCell

from packsim.cell import kernels as k
from packsim.cell.cell import Cell
from packsim.cell.electrodes import kernels as e
from packsim.cell.from_pybamm import CONCENTRATION_GRID, _Reader, parameter_values
from packsim.cell.heat.assumed import as_given
from packsim.cell.heat.laws import with_entropy
from packsim.cell.table.table_cell import TableCell

if TYPE_CHECKING:
    from collections.abc import Callable

KELVIN = 273.15
ARRHENIUS = ("Chen2020", "OKane2022", "Prada2013", "Ecker2015", "Marquis2019", "Mohtat2020")
# Salt diffusivity and conductivity of these are no Arrhenius laws, and follow another one at every concentration.
COEFFICIENT_BOUND_PCT = dict.fromkeys(ARRHENIUS, 0.02) | {"Ai2020": 1.5, "NCA_Kim2011": 0.05}
CURVE_BOUND_MV = dict.fromkeys(ARRHENIUS, 0.1) | {"Ai2020": 1.0, "NCA_Kim2011": 1.0}


@cache
def read(name: str, degc: float = 25.0) -> Cell:
    return Cell(name, temperature_degc=degc)


def given(name: str) -> HeatedCell:
    return HeatedCell(as_given(read(name).design), 1.0, 25.0 + KELVIN, isothermal=True)


def effective(cell: HeatedCell) -> np.ndarray:
    """Coefficients that temperature moves, with the diffusivities that stand in tables multiplied in."""
    coef, design = cell.lane.coef[:, 0], cell.design
    d_e = float(np.interp(design.c_e_init, CONCENTRATION_GRID, design.d_e))
    tau = [
        coef[e.TAU_N + side] / (d[d.size // 2] if n else 1.0)
        for side, (d, n) in enumerate(zip((design.d_n, design.d_p), (design.shells_n, design.shells_p), strict=True))
    ]
    kept = coef[[e.K_N, e.K_P, e.R_OHM, e.CHI_V, e.TWO_V]]
    return np.concatenate([tau, kept, coef[[e.AL_N, e.AL_S, e.AL_P]] * d_e])


@pytest.mark.parametrize("name", reference.SETS)
def test_coefficients_are_those_of_a_cell_read_at_that_temperature(name: str, report: Callable[..., None]) -> None:
    """Of a cell that is not nominal: traits and temperature must not get in each other's way."""
    worst = 0.0
    traits = {"anode_loading_ratio": 1.04, "electrolyte_fill_ratio": 0.97, "weld_resistance_mohm": 0.4}
    for degc in (0.0, 10.0, 40.0, 45.0):
        moved, anew = (
            HeatedCell(design, 1.0, degc + KELVIN, isothermal=True, traits=traits)
            for design in (as_given(read(name).design), read(name, degc).design)
        )
        worst = max(worst, float(np.max(np.abs(effective(moved) / effective(anew) - 1.0))))
    report(f"{name}, 0/10/40/45 degC: coefficients, largest error", 100.0 * worst, COEFFICIENT_BOUND_PCT[name], "%")


@pytest.mark.parametrize("name", reference.SETS)
def test_discharge_at_other_temperatures(name: str, report: Callable[..., None]) -> None:
    """1C to 95 % of the charge. Ai2020 at 0 degC at C/2: at 1C its pores run dry of salt (PyBaMM stops there too)."""
    worst = 0.0
    for degc in (0.0, 10.0, 40.0):
        rate = 0.5 if (name, degc) == ("Ai2020", 0.0) else 1.0
        cells = [
            HeatedCell(d, 1.0, degc + KELVIN, isothermal=True)
            for d in (as_given(read(name).design), read(name, degc).design)
        ]
        cells[1].lane.state[:] = cells[0].lane.state  # the same lithium in the same place
        for cell in cells:
            cell.hold(rate * read(name).nominal_capacity_ah, 2.0 * 3600.0 / rate, until_v=cell.design.lower_cutoff_v)
        moved, anew = (cell.rows() for cell in cells)
        early = moved[0] <= 0.95 * min(moved[0, -1], anew[0, -1])
        worst = max(worst, 1e3 * float(np.max(np.abs(moved[1] - np.interp(moved[0], anew[0], anew[1]))[early])))
    report(f"{name}, 1C at 0/10/40 degC: voltage, largest difference", worst, CURVE_BOUND_MV[name], "mV")


@pytest.mark.parametrize("name", ["Ai2020", "Marquis2019", "Mohtat2020"])
def test_open_circuit_follows_the_entropic_change(name: str, report: Callable[..., None]) -> None:
    cell, worst = read(name), 0.0
    _, values = parameter_values(name)
    reader, b = _Reader(name, values, 298.15), cell.balance
    for degc in (0.0, 45.0):
        for soc in np.linspace(0.02, 0.98, 13):
            heated = HeatedCell(cell.design, float(soc), degc + KELVIN, isothermal=True)
            x, y = b.x0 + soc * (b.x100 - b.x0), b.y0 + soc * (b.y100 - b.y0)
            t = reader.pybamm.Scalar(degc + KELVIN)
            u = [
                float(reader.over(np.array([z]), lambda s, p=p, t=t: p.U(s, t))[0])
                for z, p in ((x, reader.params.n.prim), (y, reader.params.p.prim))
            ]
            worst = max(worst, 1e3 * abs(heated.voltage(0.0, 0.0) - (u[1] - u[0])))
    report(f"{name}, open-circuit voltage at 0 and 45 degC against PyBaMM's", worst, 0.02, "mV")


@pytest.mark.parametrize(
    ("name", "h"), [("Chen2020", 0.0), ("Chen2020", 30.0), ("Marquis2019", 0.0), ("NCA_Kim2011", 0.0)]
)
def test_temperature_of_a_discharge_against_pybamm(name: str, h: float, report: Callable[..., None]) -> None:
    """1C from full at 25 degC; PyBaMM with its heat of mixing, packsim with what the set itself says."""
    cell = read(name)
    current = cell.nominal_capacity_ah
    theirs = pybamm_heat.run(name, current, 4000.0, h, mixing=True)
    ours = HeatedCell(as_given(cell.design), 1.0, 298.15, cooling_w_per_k=pybamm_heat.cooling_w_per_k(name, h))
    ours.hold(current, 4000.0, until_v=cell.design.lower_cutoff_v)
    rows = ours.rows()
    early = theirs.time_s <= 0.99 * min(theirs.time_s[-1], rows[0, -1])
    time = theirs.time_s[early]
    volt = np.interp(time, rows[0], rows[1]) - theirs.voltage_v[early]
    kelvin = np.interp(time, rows[0], rows[3]) - theirs.temperature_k[early]
    rise = float(np.max(theirs.temperature_k[early])) - 298.15
    label = f"{name}, 1C, {'adiabatic' if not h else f'cooled by {h:g} W/(m2 K)'}, rise {rise:.1f} K"
    report(f"{label}: temperature, largest error of the rise", 100.0 * float(np.max(np.abs(kelvin))) / rise, 5.0, "%")
    report(f"{label}: voltage RMSE", 1e3 * float(np.sqrt(np.mean(volt**2))), 1.0, "mV")


@pytest.mark.parametrize("name", ["Chen2020", "Mohtat2020"])
def test_heat_of_discharge_and_rest_against_pybamm(name: str, report: Callable[..., None]) -> None:
    """After a rest nothing is left in gradients: all heat counts, and the first law can be checked on PyBaMM itself.

    PyBaMM's heat of mixing takes the slope of U, not of U - T dU/dT, so a set with a large entropic change closes less
    well (Mohtat2020). Its default leaves the heat of mixing out.
    """
    cell = read(name)
    current, h = cell.nominal_capacity_ah, 30.0
    runs = {mixing: pybamm_heat.run(name, current, 3000.0, h, mixing=mixing, rest_s=7200.0) for mixing in (True, False)}
    ours = HeatedCell(as_given(cell.design), 1.0, 298.15, cooling_w_per_k=pybamm_heat.cooling_w_per_k(name, h))
    before = ours.stored_j()
    ours.follow([(current, 3000.0), (0.0, 7200.0)])
    with_mixing = runs[True].integral(runs[True].heat_w)
    report(
        f"{name}, 1C and rest: heat against PyBaMM's with heat of mixing",
        100.0 * abs(ours.heat_j / with_mixing - 1),
        1.0,
        "%",
    )
    missing = 1.0 - runs[False].integral(runs[False].heat_w) / with_mixing
    report(f"{name}, 1C and rest: heat that PyBaMM leaves out by default", 100.0 * missing, 3.0, "%", ">=")
    drawn = enthalpy_drawn(cell, runs[True])
    electric = runs[True].integral(runs[True].voltage_v * runs[True].current_a)
    report(
        f"{name}: first law on PyBaMM's run, gap of its heat",
        100.0 * abs((drawn - electric) / with_mixing - 1),
        1.0,
        "%",
    )
    report(
        f"{name}: chemical energy against PyBaMM's functions",
        100.0 * abs((before - ours.stored_j()) / drawn - 1),
        1e-3,
        "%",
    )


def enthalpy_drawn(cell: Cell, run: pybamm_heat.Heated) -> float:
    """Integral of U - T dU/dT over charge between PyBaMM's mean stoichiometries, from PyBaMM's functions [J]."""
    reader = _Reader(cell.name, parameter_values(cell.name)[1], 298.15)
    lane, total = cell.lane(1.0), 0.0
    points, weights = np.polynomial.legendre.leggauss(600)
    for row, (start, end), phase in (
        (e.Q_N, run.anode, reader.params.n.prim),
        (e.Q_P, run.cathode, reader.params.p.prim),
    ):
        x = start + (end - start) * 0.5 * (points + 1.0)
        cold, warm = (reader.over(x, lambda s, t=t, p=phase: p.U(s, reader.pybamm.Scalar(t))) for t in (298.15, 318.15))
        total += 0.5 * (end - start) * float(weights @ (cold - 298.15 * (warm - cold) / 20.0)) / lane.coef[row, 0]
    return total


TABLE = TableCell(
    5.0, np.linspace(0.0, 1.0, 11), 3.0 + np.linspace(0.0, 1.0, 11) ** 0.5, 20.0, rc_mohm=(5.0,), rc_s=(60.0,)
)


def entropic_table() -> Cell:
    cell = Cell(TABLE)
    cell.design = with_entropy(cell.design, np.array([0.0, 0.5, 1.0]), np.array([4e-4, -1e-4, 2e-4]))
    return cell


@pytest.mark.parametrize("name", ["Chen2020", "Ecker2015", "Mohtat2020", "Prada2013", "table"])
def test_energy_balance(name: str, report: Callable[..., None]) -> None:
    """Chemical energy = terminal energy + heat; heat = warmth + what the surroundings took. With leak and weld."""
    cell = entropic_table() if name == "table" else read(name)
    unit = cell.nominal_capacity_ah
    rng = np.random.default_rng(4)
    drive = [(float(c) * unit, 20.0) for c in rng.uniform(-1.5, 2.5, 60)]
    cycle = [(unit, 1500.0), (0.0, 1200.0), (-0.5 * unit, 1500.0), (0.0, 600.0)]
    for case, segments in (("charge, discharge, rest", cycle), ("drive cycle", drive)):
        heated = HeatedCell(
            cell.design, 0.9, 283.15, cooling_w_per_k=0.002 * unit, ambient_k=298.15,
            traits={"leakage_ua": 2e4 * unit, "weld_resistance_mohm": 2.0 / unit},
        )  # fmt: skip
        before, start = heated.stored_j(), float(heated.temperature[0])
        heated.follow(segments, dt_s=5.0)
        drawn = before - heated.stored_j()
        gap = abs(drawn - heated.terminal_j - heated.heat_j) / abs(drawn)
        report(f"{name}, {case}: chemical energy against terminal energy and heat", 100.0 * gap, 0.1, "%")
        warmth = float(heated.capacity[0] * (heated.temperature[0] - start))
        report(
            f"{name}, {case}: heat against warmth and cooling", abs(heated.heat_j - warmth - heated.lost_j), 1e-8, "J"
        )


def test_a_leak_at_rest_turns_all_it_takes_into_heat(report: Callable[..., None]) -> None:
    cell = read("Chen2020")
    heated = HeatedCell(cell.design, 0.5, 298.15, isothermal=True, traits={"leakage_ua": 1e5})
    heated.hold(0.0, 600.0)
    voltage = heated.trace[-1][1]
    report(
        "leak of 0.1 A at rest: heat against current x voltage", abs(heated.trace[-1][4] / (0.1 * voltage) - 1.0), 2e-2
    )


@pytest.mark.parametrize("name", ["Chen2020", "Ecker2015", "Ai2020"])
def test_at_the_reference_nothing_changes(name: str, report: Callable[..., None]) -> None:
    """Bit for bit: coefficients, and the voltages of a discharge, against the isothermal time loop's own kernel."""
    cell = read(name)
    heated = HeatedCell(cell.design, 1.0, cell.design.heat.reference_k, isothermal=True)
    different = int(np.sum(heated.lane.coef.view(np.int64) != heated.base.view(np.int64)))
    plain = cell.lane(1.0)
    for dt in (0.1, 10.0, 10.0, 30.0):
        v = k.voltage_after(plain, cell.design, 2.0, dt)
        k.advance(plain.state, plain.work, plain.coef, plain.decay, cell.design, plain.current, dt, 0, 1)
        different += v != heated.voltage(2.0, dt)
        lane = heated.lane
        k.advance(lane.state, lane.work, lane.coef, lane.decay, cell.design, lane.current, dt, 0, 1)
    report(f"{name}: bits that a temperature equal to the reference changes", different, 0, "", "==")

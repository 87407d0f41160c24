"""Beyond the limits: where cells reverse, when copper dissolves, what stays afterwards (docs/beyond.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pybamm
import pybamm_spme as reference
import pytest
import spme_accuracy as accuracy
from pybamm_traits import RATIOS
from reversal_prediction import Predicted, Reversal
from scipy.optimize import brentq

from packsim.cell.beyond import kernels as k
from packsim.cell.beyond.damaged import DamagedCell, DamagedCurve
from packsim.cell.cell import Cell
from packsim.cell.electrodes.kernels import Q_N, X_N
from packsim.scenario.beyond import BeyondModel

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ESTIMATE_V = 0.01  # how good an estimate of overpotentials with properties at the initial salt concentration can be
AFTER_PCT = 3.0  # SOC beyond copper's onset where the plateau is read
RESERVE_PCT = {"Chen2020": 3.0, "Prada2013": 2.2, "Mohtat2020": 0.2, "NCA_Kim2011": 10.9, "Marquis2019": 23.9}
DFN_REACHES_V = {"Mohtat2020": 0.25}  # below, its solver fails: see docs/beyond.md


def soc_pct(curve: DamagedCurve, cell: Cell, start: float = 1.0) -> np.ndarray:
    """SOC [%] along a run at constant current."""
    return 100.0 * (start - curve.time_s * curve.current_a / 3600.0 / cell.balance.capacity_ah)


def over_discharged(
    name: str, c_rate: float, to_soc: float, traits: Mapping[str, float] | None = None, **cut: float
) -> tuple[Cell, DamagedCurve]:
    """A full cell discharged at one current down to `to_soc`, whatever its voltage."""
    model = BeyondModel(copper_potential_v=cut.pop("copper_v", 3.5))
    cell = Cell(name, traits=traits, temperature_degc=reference.ambient_degc(name), **cut)
    current = c_rate * cell.nominal_capacity_ah
    run = DamagedCell(cell, model).profile([(current, (1.0 - to_soc) * cell.balance.capacity_ah / current * 3600.0)])
    return cell, run


def reversal(cell: Cell, run: DamagedCurve) -> Reversal:
    """Onsets and plateau of a run."""
    soc, first = soc_pct(run, cell), int(np.argmax(run.voltage_v < 0.0))
    pair = slice(first - 1, first + 1)
    onset = float(np.interp(0.0, -run.voltage_v[pair], soc[pair]))
    copper = float(soc[np.argmax(run.copper_dissolved_c > 0.0)])
    return Reversal(onset, copper, float(np.interp(-(copper - AFTER_PCT), -soc, run.voltage_v)))


@pytest.mark.parametrize("name", ["Chen2020", "Ai2020", "NCA_Kim2011", "Mohtat2020"])
def test_from_cutoff_to_zero_volt_as_the_full_model(name: str, report: Callable[..., None]) -> None:
    """The other sets: benchmarks/beyond_tables.py. Ai2020 is the worst of all."""
    pair = accuracy.Pair(name, accuracy.Case("stock"))
    line = pair.to_zero_volt(pybamm.lithium_ion.DFN, DFN_REACHES_V.get(name, 0.0))
    report(f"{name}, {line.quantity}", line.measured, line.bound, line.unit)


@pytest.mark.parametrize("name", reference.SETS)
def test_reserve_and_room(name: str, report: Callable[..., None]) -> None:
    """Lithium left in the anode and room left in the cathode at 0 % SOC; published round numbers where there are any."""
    cell, truth = Cell(name, temperature_degc=reference.ambient_degc(name)), Predicted(reference.parameters(name))
    balance = cell.balance
    charge = {
        "n": balance.capacity_ah / (balance.x100 - balance.x0),
        "p": balance.capacity_ah / (balance.y0 - balance.y100),
    }
    reserve = 100.0 * balance.x0 * charge["n"] / balance.capacity_ah
    room = 100.0 * (1.0 - balance.y0) * charge["p"] / balance.capacity_ah
    error = max(abs(reserve - truth.reserve_pct), abs(room - truth.room_pct))
    report(f"{name}: reserve {reserve:.2f} %, room {room:.2f} %: error", error, 0.001, "%")
    if name in RESERVE_PCT:
        report(f"{name}: reserve against design notes", abs(reserve - RESERVE_PCT[name]), 0.06, "%")


CASES = (
    ({}, 0.1),
    ({}, 1 / 3),
    ({}, 1.0),
    ({"anode_loading_ratio": 1.03}, 1 / 3),
    ({"anode_loading_ratio": 0.97}, 1 / 3),
    ({"formation_loss_ratio": 1.1}, 1 / 3),
    ({"formation_loss_ratio": 0.9}, 1 / 3),
)


@pytest.mark.parametrize("name", ["Chen2020", "Prada2013"])
def test_reversal_is_an_outcome(name: str, report: Callable[..., None]) -> None:
    """Onset, copper's onset and plateau follow current, N/P and formation loss as balance and overpotentials say."""
    source = reference.parameters(name)
    rated = Cell(name).nominal_capacity_ah
    found, expected = [], []
    for traits, c_rate in CASES:
        found.append(reversal(*over_discharged(name, c_rate, -0.10, traits)))
        expected.append(Predicted(source, traits).reversal(c_rate * rated, 3.5, AFTER_PCT))
    for quantity, unit, bound in (
        ("onset_soc_pct", "%", 0.05),
        ("copper_soc_pct", "%", 0.05),
        ("plateau_v", "V", ESTIMATE_V),
    ):
        ours, truth = (np.array([getattr(case, quantity) for case in cases]) for cases in (found, expected))
        report(f"{name}: {quantity}, worst of {len(CASES)} cells", np.max(np.abs(ours - truth)), bound, unit)
        for what, a, b in (("current C/10 to 1C", 0, 2), ("N/P +-3 %", 3, 4), ("formation loss +-10 %", 5, 6)):
            moved, predicted = ours[b] - ours[a], truth[b] - truth[a]
            label = (
                f"{name}: {quantity} moves {moved:+.4g} {unit} by {what}, predicted {predicted:+.4g}, ratio off 1 by"
            )
            report(label, abs(moved / predicted - 1.0), 0.1)
    plateaus = np.array([case.plateau_v for case in found])
    report(f"{name}: spread of the plateau", np.ptp(plateaus), 0.1, "V", ">")
    report(f"{name}: spread of the plateau at one current", np.ptp(plateaus[3:]), 0.001, "V", ">")


@pytest.mark.parametrize("name", ["NCA_Kim2011", "Marquis2019"])
def test_cathode_limited_sets_reverse_without_copper(name: str, report: Callable[..., None]) -> None:
    """Half-way between the cathode's room and the anode's reserve the cell is reversed and no copper has dissolved."""
    truth = Predicted(reference.parameters(name))
    middle = -0.005 * (truth.reserve_pct + truth.room_pct)
    cell, run = over_discharged(name, 1 / 3, middle)
    report(f"{name}: voltage at {100 * middle:.1f} % SOC", run.voltage_v[-1], 0.0, "V", "<")
    report(f"{name}: copper dissolved by then", run.copper_dissolved_c[-1], 0.0, "C", "==")
    report(f"{name}: anode then", run.anode_potential_v[-1], 1.0, "V vs Li", "<")
    _, later = over_discharged(name, 1 / 3, -0.01 * truth.reserve_pct - 0.05)
    lithium = 36.0 * truth.reserve_pct * cell.balance.capacity_ah
    beyond = 180.0 * cell.balance.capacity_ah
    assert lithium > 0.0
    assert later.copper_dissolved_c[-1] == pytest.approx(beyond, rel=0.2)  # once the anode is empty too


def test_a_cell_with_guos_reserve(report: Callable[..., None]) -> None:
    """Guo 2016: platform at about -12 % SOC. Fear 2018: minimum of -1.3..-1.5 V with the anode at about 4.8 V."""

    def reserve(cut: float) -> float:
        window = Cell("Chen2020", traits=traits, lower_cutoff_v=cut).balance
        return 100.0 * window.x0 / (window.x100 - window.x0)

    traits = {"anode_loading_ratio": 1.05}
    cut = brentq(lambda v: reserve(v) - 12.0, 2.5, 3.5, xtol=1e-6)
    cell, run = over_discharged("Chen2020", 0.1, -0.20, traits, lower_cutoff_v=cut)
    ours = reversal(cell, run)
    report(f"reserve 12 % (cut-off {cut:.3f} V), C/10: reversal at {ours.onset_soc_pct:.2f} % SOC, off -12 by",
           abs(ours.onset_soc_pct + 12.0), 0.5, "%")  # fmt: skip
    source = reference.parameters("Chen2020")
    source["Lower voltage cut-off [V]"] = cut
    truth = Predicted(source, traits)
    for c_rate in (0.1, 1.0):
        current = c_rate * cell.nominal_capacity_ah
        for copper_v in (3.5, 4.8):
            ours = reversal(*over_discharged("Chen2020", c_rate, -0.20, traits, lower_cutoff_v=cut, copper_v=copper_v))
            expected = truth.reversal(current, copper_v, AFTER_PCT)
            label = f"{c_rate:g}C, copper at {copper_v} V: plateau {ours.plateau_v:.3f} V, balance and overpotentials off by"
            report(label, abs(ours.plateau_v - expected.plateau_v), ESTIMATE_V, "V")
            if copper_v == 4.8 and c_rate == 0.1:
                report("... and from the middle of Fear's -1.3..-1.5 V", abs(ours.plateau_v + 1.4), 0.1, "V")


def test_copper_is_the_charge_that_lithium_did_not_carry(report: Callable[..., None]) -> None:
    """Dissolved = charge passed less lithium that was in the anode; all of it deposits on the way back."""
    for name in ("Chen2020", "Ecker2015"):
        cell = Cell(name)
        lithium = 3600.0 * cell.balance.capacity_ah * cell.balance.x100 / (cell.balance.x100 - cell.balance.x0)
        current = cell.nominal_capacity_ah
        # no short until the copper comes back: it would carry a part of the current past the electrodes
        run = DamagedCell(cell, BeyondModel(cathode_deposit_share=0.0))
        run.profile([(current, 1.1 * lithium / current), (0.0, 3600.0)])
        error = abs(float(run.damage[k.AWAY_C, 0]) / (0.1 * lithium) - 1.0)
        report(f"{name}: copper away after a reversal and an hour's rest, relative error", error, 0.005)
        run.profile([(-0.2 * current, 0.3 * lithium / (0.2 * current))])
        report(f"{name}: copper away after the recharge", run.damage[k.AWAY_C, 0], 0.0, "C", "==")
        conductance = run.beyond.short_s_per_c * run.damage[k.DISSOLVED_C, 0]
        assert run.damage[k.SHORT_S, 0] == pytest.approx(conductance, rel=1e-12)


def anode_ah(run: DamagedCell) -> float:
    """Lithium in the anode [A.h]."""
    return float(run.lane.state[X_N, 0] / run.lane.coef[Q_N, 0]) / 3600.0


def cycle(run: DamagedCell, cell: Cell, c_rate: float = 1 / 3) -> tuple[float, float]:
    """Discharge after a charge between the cut-offs [A.h]: at the terminals, and of lithium from the anode."""
    current, hours = c_rate * cell.nominal_capacity_ah, 3600.0 * 2.0 / c_rate
    run.profile([(-current, hours)], upper_v=cell.design.upper_cutoff_v)
    full = anode_ah(run)
    terminals = run.profile([(current, hours)], lower_v=cell.design.lower_cutoff_v).capacity_ah
    return terminals, full - anode_ah(run)


def test_damage_carries_into_later_cycles(report: Callable[..., None]) -> None:
    """After a reversal to -15 % SOC: less capacity, by the lithium that new SEI took, and faster self-discharge."""
    cell = Cell("Chen2020")
    current, capacity = cell.nominal_capacity_ah, cell.balance.capacity_ah
    good, bad = DamagedCell(cell, initial_soc=0.0), DamagedCell(cell, initial_soc=0.0)
    bad.profile([(current / 3, 0.15 * capacity / (current / 3) * 3600.0)])
    fresh, damaged = (np.array([cycle(run, cell) for _ in range(3)]) for run in (good, bad))
    report("cycled within the limits: damage of any kind", np.max(np.abs(good.damage)), 0.0, "", "==")
    kept = damaged[-1] / fresh[-1]
    report("capacity kept after the reversal", kept[0], 0.98, "", "<")
    np.testing.assert_allclose(damaged[1], damaged[2], rtol=0.002)  # it does not grow without another reversal
    np.testing.assert_allclose(fresh[0], fresh[2], rtol=1e-3)

    truth = Predicted(reference.parameters("Chen2020"))
    truth.q_li -= bad.damage[k.LITHIUM_LOST_C, 0] / 3600.0
    x0, x100 = (brentq(lambda x, v=v: truth.rest(x) - v, 1e-4, 0.99) for v in (2.5, 4.2))
    lost = 1.0 - (x100 - x0) * truth.q_n / truth.capacity_ah
    label = f"lithium cycled, lost {1 - kept[1]:.4f}, by balance with less lithium {lost:.4f}: difference"
    report(label, abs(1.0 - kept[1] - lost), 0.003)

    # the short takes what is lost beyond that: during the discharge, and over a day of rest by Ohm's law
    through = damaged[-1, 1] - damaged[-1, 0]
    expected = 3.65 / bad.short_ohm * damaged[-1, 0] / (current / 3)
    label = (
        f"short of {bad.short_ohm:.0f} Ohm: {through:.3f} A.h during the discharge, off {expected:.3f} (at 3.65 V) by"
    )
    report(label, abs(through / expected - 1.0), 0.05)
    lost_ah, days = [], 1
    for run in (good, bad):
        run.profile([(-current / 3, 0.5 * capacity / (current / 3) * 3600.0), (0.0, 7200.0)])
        before = anode_ah(run)
        rest = run.profile([(0.0, days * 86400.0)], dt_s=600.0)
        lost_ah.append(before - anode_ah(run))
    expected = float(np.trapezoid(rest.voltage_v, rest.time_s)) / 3600.0 / bad.short_ohm
    report("undamaged: charge lost in a day of rest", lost_ah[0], 0.0, "A.h", "==")
    label = f"reversed: {lost_ah[1]:.2f} A.h lost in a day of rest, off Ohm's law by"
    report(label, abs(lost_ah[1] / expected - 1.0), 0.005)


@pytest.mark.parametrize("name", reference.SETS)
def test_no_damage_inside_the_limits(name: str, report: Callable[..., None]) -> None:
    """Discharged at 1C, charged at C/3, rested: equal to a plain cell to the bit, and not a trace of damage."""
    cell = Cell(name)
    run, current = DamagedCell(cell), cell.nominal_capacity_ah
    curve = run.profile([(current, 7200.0)], lower_v=cell.design.lower_cutoff_v)
    assert np.array_equal(curve.voltage_v, cell.discharge(1.0).voltage_v)
    run.profile([(0.0, 3600.0)])
    cycle(run, cell)
    report(f"{name}: damage inside the limits", np.max(np.abs(run.damage)), 0.0, "", "==")


def test_plating_risk_is_where_pybamm_has_it(report: Callable[..., None]) -> None:
    """OKane2022 charged at 2C: anode surface potential, time below 0 V vs Li and its depth beside PyBaMM's SPMe."""
    name = "OKane2022"
    cell, values = Cell(name), reference.parameters(name)
    values[reference.CURRENT] = -2.0 * cell.nominal_capacity_ah
    values.set_initial_state(0.2)
    times = np.arange(0.0, 3600.0, 2.0)
    solution = reference.simulation(values).solve([0.0, 3600.0], t_interp=times)
    time, truth = solution.t, solution["X-averaged negative electrode surface potential difference [V]"].entries
    run = DamagedCell(cell, initial_soc=0.2)
    curve = run.profile([(-2.0 * cell.nominal_capacity_ah, 3600.0)], dt_s=2.0, upper_v=cell.design.upper_cutoff_v)
    inside = (time > 10.0) & (time < curve.time_s[-1])
    error = np.interp(time[inside], curve.time_s, curve.anode_potential_v) - truth[inside]
    report("anode surface potential on a 2C charge, largest error", 1e3 * np.max(np.abs(error)), 5.0, "mV")
    below = float(np.trapezoid((truth < 0.0).astype(float), time))
    plating_s = float(run.damage[k.PLATING_S, 0])
    report(
        f"PyBaMM is below 0 V for {below:.0f} s of the charge, difference", abs(plating_s - below), 0.05 * below, "s"
    )
    report("time below 0 V", plating_s, 10.0, "s", ">")
    report("charge meanwhile against current x time", run.damage[k.PLATING_C, 0] / (10.0 * plating_s) - 1.0, 1e-9)
    report("depth, difference", 1e3 * abs(run.damage[k.PLATING_DEPTH_V, 0] + np.min(truth)), 5.0, "mV")


def test_over_charge_is_counted(report: Callable[..., None]) -> None:
    """Charge above the upper cut-off is what was put in from there on."""
    cell = Cell("Chen2020")
    run, current = DamagedCell(cell, initial_soc=0.9), 0.2 * cell.nominal_capacity_ah
    run.profile([(-current, 7200.0)], upper_v=cell.design.upper_cutoff_v + k.OVER_CHARGE_TOLERANCE_V)
    assert run.damage[k.OVER_CHARGE_C, 0] == 0.0
    run.profile([(-current, 1800.0)])
    report(
        "over-charge of 30 min, relative error", abs(run.damage[k.OVER_CHARGE_C, 0] / (1800.0 * current) - 1.0), 0.01
    )


@pytest.mark.parametrize("name", reference.SETS)
def test_finite_from_minus_100_to_150_pct(name: str, report: Callable[..., None]) -> None:
    """Straight through at +-3C and C/10, with damage; stock and with every ratio up to 5 % off."""
    rng = np.random.default_rng(20160722)
    bad, most = 0, 0.0
    for draw in range(3):
        ratios = 1.0 + (0.05 * rng.uniform(-1.0, 1.0, len(RATIOS)) if draw else np.zeros(len(RATIOS)))
        cell = Cell(name, traits=dict(zip(RATIOS, map(float, ratios), strict=True)))
        for c_rate in (3.0, -3.0, 0.1):
            current = c_rate * cell.nominal_capacity_ah
            seconds = 2.5 * cell.balance.capacity_ah / abs(current) * 3600.0
            run = DamagedCell(cell, initial_soc=1.5 if c_rate > 0.0 else -1.0)
            curve = run.profile([(current, seconds)])
            bad += sum(int(np.sum(~np.isfinite(a))) for a in (curve.voltage_v, curve.anode_potential_v))
            bad += sum(int(np.sum(~np.isfinite(a))) for a in (run.damage, run.lane.state))
            path = float(np.sum(np.abs(np.diff(curve.voltage_v))))
            most = max(most, curve.time_s.size / (seconds / 10.0 + path / (0.5 * 0.03)))
            assert -6.0 < np.min(curve.voltage_v) < np.max(curve.voltage_v) < 8.0
    report(f"{name}: numbers not finite from -100 to 150 % SOC", bad, 0, "", "==")
    report(f"{name}: steps, of those that 10 s and 15 mV a step take", most, 1.5)


@pytest.mark.parametrize("name", reference.SETS)
def test_a_dead_short_does_not_swing(name: str, report: Callable[..., None]) -> None:
    """Shorts 28,000 times the assumed ones, through reversal, rest, recharge at 1C and 3C and rest, at steps up to 60 s."""
    cell = Cell(name)
    model = BeyondModel(short_conductance_msiemens_per_ah=1e6, cathode_deposit_share=0.5)
    run, steps, bad = DamagedCell(cell, model, initial_soc=0.0), 0, 0
    for c_rate in (1.0, 0.0, -1.0, -3.0, 3.0, 0.0):
        curve = run.profile([(c_rate * cell.nominal_capacity_ah, 1800.0)], dt_s=60.0)
        steps += curve.time_s.size
        bad += int(np.sum(~np.isfinite(curve.voltage_v)))
    report(f"{name}: voltages not finite", bad, 0, "", "==")
    report(f"{name}: steps of six half hours", steps, 5000)
    report(f"{name}: a shorted cell at rest", abs(curve.voltage_v[-1]), 0.2, "V")
    # the short's current is one step behind its voltage: measured as the voltage that it would need
    lag_mv = 1e3 * abs(run.damage[k.SHORT_A, 0] / run.damage[k.SHORT_S, 0] - curve.voltage_v[-1])
    report(f"{name}: Ohm's law of the short at rest", lag_mv, 2.0, "mV")

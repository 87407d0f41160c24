"""The SPMe cell against PyBaMM: a part of benchmarks/accuracy.py that every test run can afford (docs/accuracy.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pybamm_spme as reference
import pytest
import spme_accuracy as accuracy

from packsim.cell.cell import Cell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from spme_accuracy import Line

SETS = ("Ecker2015", "Chen2020")  # one with diffusivities that depend on stoichiometry, one without


def report_all(report: Callable[..., None], lines: Iterable[Line]) -> None:
    for line in lines:
        report(f"{line.set}, {line.case}: {line.quantity}", line.measured, line.bound, line.unit)


@pytest.mark.parametrize("name", SETS)
def test_stock_cells_discharge_as_pybamm_does(name: str, report: Callable[..., None]) -> None:
    pair = accuracy.Pair(name, accuracy.Case("stock"))
    for rate in accuracy.RATES:
        report_all(report, pair.discharge(rate))
    report_all(report, [pair.sequence()])


@pytest.mark.parametrize("name", SETS)
def test_stock_capacity_is_that_of_the_full_model(name: str, report: Callable[..., None]) -> None:
    report_all(report, [accuracy.Pair(name, accuracy.Case("stock")).against_dfn()])


@pytest.mark.parametrize("name", SETS)
def test_traits_change_a_cell_as_they_change_pybamms(name: str, report: Callable[..., None]) -> None:
    """Each trait at one of its signs, 1C; the script runs both, at all rates."""
    lines: dict[str, list[Line]] = {}
    for number, case in enumerate(accuracy.cases(name)[1:-2]):
        if number % 2 == (number // 2) % 2:  # +, -, +, - through the list of traits
            for line in accuracy.Pair(name, case).discharge("1C"):
                lines.setdefault(line.quantity, []).append(line)
    for quantity, found in lines.items():
        worst = max(found, key=lambda line: line.measured)
        label = f"{name}, worst of {len(found)} traits 3 % off ({worst.case}): {quantity}"
        report(label, worst.measured, worst.bound, worst.unit)


@pytest.mark.parametrize("name", SETS)
def test_all_traits_at_once(name: str, report: Callable[..., None]) -> None:
    for case in accuracy.cases(name)[-2:]:
        pair = accuracy.Pair(name, case)
        for rate in accuracy.RATES:
            report_all(report, pair.discharge(rate))


@pytest.mark.parametrize("name", reference.SETS)
def test_from_cutoff_to_zero_volt(name: str, report: Callable[..., None]) -> None:
    report_all(report, [accuracy.Pair(name, accuracy.Case("stock")).to_zero_volt()])


@pytest.mark.parametrize("name", reference.SETS)
def test_long_steps_equal_short_ones(name: str, report: Callable[..., None]) -> None:
    report_all(report, accuracy.Pair(name, accuracy.Case("stock")).long_steps())


@pytest.mark.parametrize("name", reference.SETS)
def test_electrode_balance_is_pybamms(name: str, report: Callable[..., None]) -> None:
    worst = float(np.max(accuracy.balance_errors(name, 50)))
    report(f"{name}, 50 random cells: electrode balance, largest error", worst, accuracy.BALANCE)


@pytest.mark.parametrize("name", ["OKane2022", "Ecker2015"])
@pytest.mark.parametrize("degc", [10.0, 40.0])
def test_temperature_is_an_input(name: str, degc: float, report: Callable[..., None]) -> None:
    pair = accuracy.Pair(name, accuracy.Case("stock"), temperature_degc=degc)
    for line in pair.discharge("1C"):
        if line.unit == "mV":
            report(f"{name} at {degc:g} degC: {line.quantity}", line.measured, 2.0, "mV")


@pytest.mark.parametrize(("name", "cathode_pct", "anode_pct"), [("Chen2020", 1.24, -0.24), ("Prada2013", 1.42, -0.42)])
def test_lithium_comes_from_the_cathode(
    name: str, cathode_pct: float, anode_pct: float, report: Callable[..., None]
) -> None:
    """Capacity by electrode balance; expected values from design notes (docs/traits.md)."""
    nominal = float(Cell(name).balance.capacity_ah)
    change = {
        side: 100.0 * (float(Cell(name, traits={f"{side}_loading_ratio": 1.01}).balance.capacity_ah) / nominal - 1.0)
        for side in ("cathode", "anode")
    }
    report(f"{name}: capacity gained by 1 % of cathode loading", change["cathode"], 0.8, "%", ">")
    report(f"{name}: capacity gained by 1 % of anode loading", change["anode"], 0.0, "%", "<=")
    assert change["cathode"] == pytest.approx(cathode_pct, abs=0.02)
    assert change["anode"] == pytest.approx(anode_pct, abs=0.02)


@pytest.mark.parametrize("name", ["Chen2020", "Prada2013", "NCA_Kim2011"])
def test_voltage_is_finite_far_beyond_the_window(name: str, report: Callable[..., None]) -> None:
    """From rest at every SOC of -100..150 %, and straight through from one end to the other, at 3C."""
    cell = Cell(name)
    capacity = float(cell.balance.capacity_ah)
    current = 3.0 * cell.nominal_capacity_ah
    bad, extremes = 0, []
    for sign in (1.0, -1.0):
        runs = [
            cell.profile([(sign * current, 60.0)], initial_soc=float(soc), dt_s=5.0)
            for soc in np.linspace(-1.0, 1.5, 51)
        ]
        through = 2.5 * capacity / current * 3600.0
        runs.append(cell.profile([(sign * current, through)], initial_soc=1.5 if sign > 0 else -1.0))
        for curve in runs:
            bad += int(np.sum(~np.isfinite(curve.voltage_v)))
            extremes += [float(np.min(curve.voltage_v)), float(np.max(curve.voltage_v))]
    report(f"{name}: voltages not finite from -100 to 150 % SOC at +-3C", bad, 0, "", "==")
    assert min(extremes) > -10.0
    assert max(extremes) < 15.0

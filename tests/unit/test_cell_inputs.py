"""`Cell` says what is wrong with a number, in one line that names it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from packsim.cell.cell import Cell
from packsim.cell.table.table_cell import TableCell

NAN, INF = math.nan, math.inf


@pytest.fixture(scope="module")
def cell() -> Cell:
    return Cell("Chen2020")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"temperature_degc": NAN}, "temperature_degc"),
        ({"temperature_degc": -300.0}, "temperature_degc"),
        ({"capacity_ah": 0.0}, "capacity_ah"),
        ({"capacity_ah": NAN}, "capacity_ah"),
        ({"lower_cutoff_v": NAN}, "lower_cutoff_v"),
        ({"upper_cutoff_v": INF}, "upper_cutoff_v"),
        ({"lower_cutoff_v": 4.2, "upper_cutoff_v": 3.0}, "must be below"),
        ({"upper_cutoff_v": 6.0}, "open-circuit voltage does not run from 2.5 to 6 V"),
        ({"lithium_made_ratio": 0.5}, "lithium_made_ratio 0.5 gives less lithium"),
        ({"traits": {"cathode_loading_ratio": NAN}}, "cathode_loading_ratio"),
        ({"traits": {"anode_loading_ratio": 0.0}}, "anode_loading_ratio"),
        ({"traits": {"leakage_ua": INF}}, "leakage_ua"),
    ],
)
def test_a_bad_cell_is_refused(given: dict, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Cell("Chen2020", **given)


def test_an_unknown_trait_names_the_known_ones() -> None:
    with pytest.raises(KeyError, match=r"unknown trait 'loading'; traits are: cathode_loading_ratio"):
        Cell("Chen2020", traits={"loading": 1.0})


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"c_rate": 0.0}, "current must be positive"),
        ({"c_rate": NAN}, "current must be positive"),
        ({"current_a": -5.0}, "current must be positive"),
        ({"current_a": INF}, "current must be positive"),
        ({"c_rate": 1.0, "current_a": 5.0}, "not both"),
        ({"dt_s": 0.0}, "dt_s"),
        ({"dt_s": NAN}, "dt_s"),
        ({"until_v": NAN}, "until_v"),
        ({"initial_soc": NAN}, "soc"),
    ],
)
def test_a_bad_discharge_is_refused(cell: Cell, given: dict, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        cell.discharge(**given)


@pytest.mark.parametrize("segments", [[], [(1.0, -1.0)], [(NAN, 1.0)], [(1.0, INF)]])
def test_bad_segments_are_refused(cell: Cell, segments: list) -> None:
    with pytest.raises(ValueError, match="segments"):
        cell.profile(segments)


def test_a_limit_that_is_no_number_is_refused(cell: Cell) -> None:
    with pytest.raises(ValueError, match="lower_v"):
        cell.profile([(1.0, 1.0)], lower_v=NAN)


@pytest.mark.parametrize("given", [{"soc": NAN}, {"c_rate": 0.0}, {"pulse_s": -1.0}])
def test_a_bad_pulse_is_refused(cell: Cell, given: dict) -> None:
    with pytest.raises(ValueError, match=next(iter(given))):
        cell.dcir_mohm(**given)


def test_a_cell_without_pores_is_refused() -> None:
    """Chen2020's anode has 25 % pores; 40 % more mass in the same coating does not fit."""
    crushed = Cell("Chen2020", traits={"anode_loading_ratio": 1.4})
    with pytest.raises(ValueError, match="no pores"):
        crushed.discharge()


def test_a_cell_without_a_window_is_refused() -> None:
    starved = Cell("Chen2020", traits={"formation_loss_ratio": 40.0})
    with pytest.raises(ValueError, match="no usable window"):
        starved.discharge()


def test_a_table_cell_takes_no_capacity_of_its_own() -> None:
    table = TableCell(4.0, np.array([0.0, 1.0]), np.array([3.0, 4.0]), 10.0)
    with pytest.raises(ValueError, match="states its own capacity_ah"):
        Cell(table, capacity_ah=5.0)
    with pytest.raises(ValueError, match="lithium_made_ratio"):
        Cell(table, lithium_made_ratio=1.0)


def test_a_curve_is_plain_numbers(cell: Cell) -> None:
    curve = cell.discharge(c_rate=1.0, dt_s=10.0)
    assert isinstance(curve.capacity_ah, float)
    assert curve.time_s.shape == curve.voltage_v.shape == curve.current_a.shape
    assert curve.voltage_v[-1] == pytest.approx(cell.design.lower_cutoff_v, abs=1e-7)
    assert curve.capacity_ah == pytest.approx(5.0 * curve.time_s[-1] / 3600.0)
    assert curve.reached_limit
    assert cell.discharge(current_a=5.0).capacity_ah == curve.capacity_ah
    assert cell.discharge(c_rate=1.0, until_v=3.0).capacity_ah < curve.capacity_ah


def test_full_and_empty_are_the_cutoffs(cell: Cell) -> None:
    assert cell.open_circuit_v(1.0) == pytest.approx(4.2)
    assert cell.open_circuit_v(0.0) == pytest.approx(2.5)
    narrow = Cell("Chen2020", lower_cutoff_v=3.0, upper_cutoff_v=4.1)
    assert [narrow.open_circuit_v(soc) for soc in (0.0, 1.0)] == pytest.approx([3.0, 4.1])
    assert float(narrow.balance.capacity_ah) < float(cell.balance.capacity_ah)

"""The table cell against closed forms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from packsim.cell.cell import Cell
from packsim.cell.table.table_cell import TableCell

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SOC = np.linspace(0.0, 1.0, 21)
LINE = 3.0 + 1.2 * SOC  # V: straight, so that OCV follows the charge exactly


def test_a_pulse_is_ocv_minus_r_minus_two_exponentials(report: Callable[..., None]) -> None:
    q, r0, rc, tau, i = 5.0, 0.020, np.array([0.008, 0.005]), np.array([15.0, 400.0]), 10.0
    cell = Cell(TableCell(q, SOC, LINE, 1e3 * r0, rc_mohm=tuple(1e3 * rc), rc_s=tuple(tau)))
    curve = cell.profile([(i, 120.0), (0.0, 600.0)], initial_soc=0.8)
    t, rest = curve.time_s, np.maximum(curve.time_s - 120.0, 0.0)
    loaded = np.arange(t.size) < np.flatnonzero(np.diff(t) == 0.0)[0] + 1
    on = np.minimum(t, 120.0)[:, None]
    over = rc * i * (1.0 - np.exp(-on / tau)) * np.exp(-rest[:, None] / tau)
    expected = 3.0 + 1.2 * (0.8 - i * on[:, 0] / (3600.0 * q)) - np.where(loaded, r0 * i, 0.0) - over.sum(axis=1)
    report(
        "table cell, pulse and rest against the closed form",
        1e3 * np.max(np.abs(curve.voltage_v - expected)),
        1e-6,
        "mV",
    )


def test_ocv_r_discharge_ends_where_the_line_says(report: Callable[..., None]) -> None:
    """V = 3 + 1.2 z - R I reaches 3.2 V at z = (0.2 + R I) / 1.2."""
    cell = Cell(TableCell(4.0, SOC, LINE, 25.0))
    curve = cell.discharge(current_a=4.0, until_v=3.2)
    expected = 4.0 * (1.0 - (0.2 + 0.025 * 4.0) / 1.2)
    report("table cell, OCV-R capacity against the closed form", abs(curve.capacity_ah / expected - 1.0), 1e-9)
    assert curve.reached_limit


def test_resistance_follows_soc() -> None:
    cell = Cell(TableCell(4.0, SOC, LINE, 10.0 + 20.0 * (1.0 - SOC)))
    pulse = [cell.dcir_mohm(soc=soc, c_rate=0.5, pulse_s=1.0) for soc in (0.2, 0.5, 0.8)]
    drop = 1.2 / (4.0 * 3600.0) * 1e3  # mOhm: OCV falls with the charge of the pulse
    assert pulse == pytest.approx([26.0 + drop, 20.0 + drop, 14.0 + drop], abs=5e-3)


def test_traits_act_on_a_table_cell() -> None:
    table = TableCell(4.0, SOC, LINE, 10.0, rc_mohm=(5.0,), rc_s=(30.0,))
    nominal, wide = Cell(table), Cell(table, traits={"coated_area_ratio": 1.1, "weld_resistance_mohm": 2.0})
    assert float(wide.balance.capacity_ah) == pytest.approx(1.1 * float(nominal.balance.capacity_ah))
    pair = [cell.profile([(0.0, 0.0), (4.0, 0.0)], initial_soc=0.5).voltage_v for cell in (nominal, wide)]
    assert [1e3 * (v[0] - v[1]) / 4.0 for v in pair] == pytest.approx([10.0, 10.0 / 1.1 + 2.0])


def test_cutoffs_move_empty_and_full() -> None:
    table = TableCell(4.0, SOC, LINE, 10.0 + 10.0 * SOC)
    cell = Cell(table, lower_cutoff_v=3.3, upper_cutoff_v=4.08)  # SOC 0.25 and 0.9 of the table
    assert float(cell.balance.capacity_ah) == pytest.approx(4.0 * 0.65)
    assert cell.open_circuit_v(1.0) == pytest.approx(4.08)
    assert cell.open_circuit_v(0.0) == pytest.approx(3.3)
    assert cell.discharge(current_a=1e-3, dt_s=3600.0).capacity_ah == pytest.approx(4.0 * 0.65, rel=1e-3)
    step = cell.profile([(0.0, 0.0), (1.0, 0.0)], initial_soc=1.0).voltage_v
    assert step[0] - step[1] == pytest.approx(0.019, abs=1e-4)  # 10 + 10 * 0.9 mOhm


def test_an_emptied_table_cell_reverses() -> None:
    """Beyond the table the OCV runs straight on: 1.2 V per unit SOC."""
    cell = Cell(TableCell(4.0, SOC, LINE, 0.0))
    curve = cell.profile([(4.0, 2 * 3600.0)])
    assert curve.voltage_v[-1] == pytest.approx(3.0 - 1.2, abs=1e-9)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"capacity_ah": 0.0}, "capacity_ah"),
        ({"capacity_ah": float("inf")}, "capacity_ah"),
        ({"soc": SOC[::-1]}, "increasing"),
        ({"soc": 1.1 * SOC}, "within 0..1"),
        ({"ocv_v": LINE[::-1]}, "rise"),
        ({"ocv_v": LINE[:-1]}, "equal length"),
        ({"ocv_v": np.where(SOC > 0.5, np.nan, LINE)}, "finite"),
        ({"resistance_mohm": -1.0}, "resistance_mohm"),
        ({"rc_mohm": (1.0,)}, "equal length"),
        ({"rc_mohm": (1.0,) * 3, "rc_s": (1.0,) * 3}, "at most 2"),
        ({"rc_mohm": (1.0,), "rc_s": (0.0,)}, "rc_s"),
        ({"rc_mohm": (float("nan"),), "rc_s": (1.0,)}, "rc_mohm"),
    ],
)
def test_a_bad_table_is_refused(change: dict, says: str) -> None:
    good = {"capacity_ah": 4.0, "soc": SOC, "ocv_v": LINE, "resistance_mohm": 10.0}
    with pytest.raises(ValueError, match=says):
        TableCell(**(good | change))


@pytest.mark.parametrize(
    "cutoffs", [{"lower_cutoff_v": 2.9}, {"upper_cutoff_v": 4.3}, {"lower_cutoff_v": 4.0, "upper_cutoff_v": 3.5}]
)
def test_cutoffs_outside_the_table_are_refused(cutoffs: dict) -> None:
    with pytest.raises(ValueError, match="cutoff_v"):
        Cell(TableCell(4.0, SOC, LINE, 10.0), **cutoffs)


def test_a_table_is_read_from_csv(tmp_path: Path) -> None:
    path = tmp_path / "cell.csv"
    rows = [f"{100 * s:g},{v:.6f},12.5" for s, v in zip(SOC, LINE, strict=True)]
    path.write_text("\n".join(["soc_pct,ocv_v,resistance_mohm", *rows]))
    cell = Cell(TableCell.from_csv(path, 3.0))
    assert cell.open_circuit_v(0.5) == pytest.approx(3.6)
    path.write_text("soc_pct,ocv_v\n0,3\n100,4\n")
    with pytest.raises(ValueError, match="missing columns resistance_mohm; found soc_pct, ocv_v"):
        TableCell.from_csv(path, 3.0)

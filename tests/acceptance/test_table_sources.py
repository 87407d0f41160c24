"""Where tables come from: files, simulated pulses, fits to records."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from packsim.cell.cell import Cell
from packsim.cell.plan import plan
from packsim.cell.table.fit import fit_record, fit_together, shape_of, with_pairs
from packsim.cell.table.table_cell import TableCell
from packsim.scenario.cell import CellModel
from packsim.scenario.errors import NominalCellError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

HEADER = "soc_pct,temperature_degc,ocv_v,resistance_mohm,r1_mohm,tau1_s,r2_mohm,tau2_s,hysteresis_mv"
ROWS = (
    "0,10,3.00,40,9,20,5,300,10",
    "50,10,3.60,30,8,25,5,310,11",
    "100,10,4.20,28,8,30,5,320,12",
    "0,40,3.01,20,5,10,4,200,8",
    "50,40,3.61,15,4,12,4,210,9",
    "100,40,4.21,14,4,15,4,220,10",
)


OTHER_SOC = "60,40,3.61,15,4,12,4,210,9"
PLAIN = ("0,3,20,9", "100,4,10,9")
SHORT = "soc_pct,ocv_v,resistance_mohm"


def write(path: Path, *rows: str, header: str = HEADER) -> Path:
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


# --- files ----------------------------------------------------------------------------------------------------------


def test_every_column_is_read(tmp_path: Path) -> None:
    cell = TableCell.from_csv(write(tmp_path / "cell.csv", *ROWS), 5.0)
    numbers = np.array([[float(text) for text in row.split(",")] for row in ROWS]).reshape(2, 3, -1)
    assert np.array_equal(cell.soc, [0.0, 0.5, 1.0])
    assert np.array_equal(cell.temperature_degc, [10.0, 40.0])
    for column, table in ((2, cell.ocv_v), (3, cell.resistance_mohm), (8, cell.hysteresis_mv)):
        assert np.array_equal(table, numbers[..., column])
    assert all(np.array_equal(table, numbers[..., c]) for table, c in zip(cell.rc_mohm, (4, 6), strict=True))
    assert all(np.array_equal(table, numbers[..., c]) for table, c in zip(cell.rc_s, (5, 7), strict=True))
    with_both = TableCell.from_csv(
        write(
            tmp_path / "both.csv",
            "0,3,20,25,a",
            "100,4,10,15,b",
            header="soc_pct,ocv_v,resistance_mohm,resistance_charge_mohm,remark",
        ),
        5.0,
    )
    assert np.array_equal(with_both.resistance_charge_mohm, [25.0, 15.0])


def test_a_scenario_takes_a_file_with_everything_at_its_temperature(tmp_path: Path) -> None:
    path = write(tmp_path / "cell.csv", *ROWS)
    found = plan(CellModel(table_file=str(path), capacity_ah=5.0, temperature_degc=40.0))
    assert found.design.tables.reference_k == pytest.approx(313.15)
    assert found.design.upper_cutoff_v == pytest.approx(4.21)
    warm = Cell(TableCell.from_csv(path, 5.0), temperature_degc=40.0).dcir_mohm(soc=1.0, c_rate=0.1, pulse_s=1.0)
    cold = Cell(TableCell.from_csv(path, 5.0), temperature_degc=10.0).dcir_mohm(soc=1.0, c_rate=0.1, pulse_s=1.0)
    assert cold > 1.5 * warm


def test_a_scenario_says_in_one_line_what_its_table_lacks(tmp_path: Path) -> None:
    path = write(tmp_path / "cell.csv", *ROWS)
    for model, says in (
        ({"temperature_degc": 50.0}, "cell.csv: temperature_degc 50 is outside the table's 10..40 degC"),
        ({"upper_cutoff_v": 5.0}, "cell.csv: upper_cutoff_v 5 is outside the table's open-circuit voltage"),
    ):
        with pytest.raises(NominalCellError) as caught:
            plan(CellModel(table_file=str(path), capacity_ah=5.0, **model))
        assert says in str(caught.value)
        assert "\n" not in str(caught.value)
    with pytest.raises(NominalCellError, match=r"cell\.csv: line 2, column ocv_v"):
        plan(CellModel(table_file=str(write(path, "0,,1", "100,4,1", header=SHORT)), capacity_ah=5.0))


@pytest.mark.parametrize(
    ("rows", "header", "says"),
    [
        ((ROWS[0], "50,10,x,30,8,25,5,310,11"), HEADER, "line 3, column ocv_v: given 'x'; allowed: a number > 0"),
        (
            (ROWS[0], "50,10,3.6,-3,8,25,5,310,11"),
            HEADER,
            "3, column resistance_mohm: given '-3'; allowed: a number >= 0",
        ),
        ((ROWS[0], "50,10,3.6,30,8,0,5,310,11"), HEADER, "line 3, column tau1_s: given '0'; allowed: a number > 0"),
        (
            (ROWS[0], "150,10,3.6,30,8,9,5,310,11"),
            HEADER,
            "column soc_pct: given '150'; allowed: a number >= 0 and <= 100",
        ),
        ((ROWS[0], "50,10,3.6,30,8"), HEADER, "line 3, column tau1_s: given ''; allowed"),
        ((ROWS[0], "", "50,10,2.6,30,8,9,5,310,11"), HEADER, "4, column ocv_v: given 2.6; allowed: at or above 3 of"),
        ((ROWS[1], ROWS[0]), HEADER, "line 3, column soc_pct: given 0; allowed: above 50 of the row before"),
        (
            (*ROWS[:4], OTHER_SOC, ROWS[5]),
            HEADER,
            "line 6, column soc_pct: the SOCs at 40 degC are not those at 10 degC",
        ),
        (PLAIN, f"{SHORT},tau1_s", "columns r1_mohm and tau1_s go together; found only tau1_s"),
        (PLAIN, f"{SHORT},tau_1_s", "column tau_1_s; did you mean tau1_s?"),
        (PLAIN, "soc_pct,ocv_v,soc_pct,remark", "missing columns resistance_mohm"),
        (PLAIN[:1], SHORT, "1 rows of values; a table needs at least two"),
        (("0,3,20", "100,3,10"), SHORT, "ocv_v must be finite and rise with soc"),
        (PLAIN, f"{SHORT},ocv_v", "line 1: column ocv_v stands twice"),
    ],
)
def test_a_bad_file_is_one_line_with_file_line_and_column(tmp_path: Path, rows: tuple, header: str, says: str) -> None:
    with pytest.raises(ValueError, match=r"cell\.csv: ") as caught:
        TableCell.from_csv(write(tmp_path / "cell.csv", *rows, header=header), 5.0)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


# --- simulated pulses -----------------------------------------------------------------------------------------------


def drive(capacity_ah: float, seed: int = 3) -> list[tuple[float, float]]:
    """Random steps of 5-40 s between -0.7C and 1.5C, mean 0.4C: an hour, a third of the charge."""
    luck = np.random.default_rng(seed)
    current = capacity_ah * np.clip(luck.normal(0.4, 0.7, 150), -0.7, 1.5)
    return list(zip(current.tolist(), luck.choice([5.0, 10.0, 20.0, 40.0], 150).tolist(), strict=True))


def apart_mv(a: Cell, b: Cell, initial_soc: float = 0.9) -> float:
    """Root mean square difference of the terminal voltages under `drive` [mV]."""
    curves = [cell.profile(drive(a.nominal_capacity_ah), dt_s=2.0, initial_soc=initial_soc) for cell in (a, b)]
    at = np.arange(0.37, min(curve.time_s[-1] for curve in curves), 1.0)
    u, v = (np.interp(at, curve.time_s, curve.voltage_v) for curve in curves)
    return 1e3 * float(np.sqrt(np.mean((u - v) ** 2)))


PULSE_SOC = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


@pytest.mark.parametrize(("name", "bound"), [("Chen2020", 15.0), ("Prada2013", 10.0), ("Mohtat2020", 5.0)])
def test_tables_from_pulses_drive_like_the_cell_they_come_from(
    name: str, bound: float, report: Callable[..., None]
) -> None:
    source = Cell(name)
    table = TableCell.from_pulses(name, PULSE_SOC)
    bare = TableCell(table.capacity_ah, table.soc, table.ocv_v, table.resistance_mohm, temperature_degc=(25.0,))
    found, without = apart_mv(source, Cell(table)), apart_mv(source, Cell(bare))
    report(f"table of {name} from pulses, random drive, RMSE", found, bound, "mV")
    report(f"{name}: the same without RC pairs, times as far off", without / found, 1.5, "", ">=")


def test_tables_from_pulses_interpolate_temperature(report: Callable[..., None]) -> None:
    """Pulses at 10 and 40 degC, drive at 25: little worse than a table made there."""
    source = Cell("Chen2020")
    between = TableCell.from_pulses("Chen2020", PULSE_SOC, temperature_degc=(10.0, 40.0))
    there = TableCell.from_pulses("Chen2020", PULSE_SOC)
    found = apart_mv(source, Cell(between, temperature_degc=25.0))
    report("table of Chen2020 from 10 and 40 degC at 25 degC, RMSE", found, 20.0, "mV")
    report("the same, more than a table made at 25 degC", found - apart_mv(source, Cell(there)), 5.0, "mV")


def test_bad_pulses_are_refused() -> None:
    with pytest.raises(ValueError, match="soc must be increasing"):
        TableCell.from_pulses("Chen2020", (0.5, 0.4))
    with pytest.raises(ValueError, match=r"the pulse draws 0.05 of SOC; the lowest soc is 0.02"):
        TableCell.from_pulses("Chen2020", (0.02, 0.4))


# --- fits -----------------------------------------------------------------------------------------------------------

SOC = np.linspace(0.0, 1.0, 257)
BARE = TableCell(5.0, SOC, 3.0 + 0.9 * SOC + 0.3 * SOC**3, 20.0 + 10.0 * SOC)


def record(cell: TableCell, noise_v: float = 0.0) -> dict[str, np.ndarray]:
    """A pulse test: five pulses of 1C and rests, every second; noise of fixed seed."""
    curve = Cell(cell).profile([(5.0, 120.0), (0.0, 900.0), (-5.0, 60.0), (0.0, 600.0)] * 3, dt_s=1.0, initial_soc=0.8)
    noise = noise_v * np.random.default_rng(5).standard_normal(curve.time_s.size)
    return {"time_s": curve.time_s, "current_a": curve.current_a, "voltage_v": curve.voltage_v + noise}


@pytest.mark.parametrize("shape", ["flat", "ocv_slope"])
def test_a_fit_finds_the_pairs_that_made_the_record(shape: str, report: Callable[..., None]) -> None:
    size = (0.006, 0.004)
    made = with_pairs(BARE, size, (25.0, 400.0), shape, scale=1.2)
    exact = fit_record(BARE, **record(made), initial_soc=0.8, shape=shape)
    noisy = fit_record(BARE, **record(made, 1e-3), initial_soc=0.8, shape=shape)
    want = np.array([*size, 25.0, 400.0, 1.2])
    off = [np.max(np.abs(np.array([*f.size, *f.time_s, f.resistance_scale]) / want - 1.0)) for f in (exact, noisy)]
    report(f"fit of a {shape} record without noise: numbers off", off[0], 1e-3)
    report("the same with 1 mV of noise: numbers off", off[1], 0.1)
    report("residual over the noise, off 1", abs(noisy.rmse / 1e-3 - 1.0), 0.05)  # 5,000 samples: 5 sigma


def test_a_fit_leaves_r0_alone_when_told() -> None:
    made = with_pairs(BARE, (0.006,), (60.0,))
    found = fit_record(BARE, **record(made), initial_soc=0.8, pairs=1, fit_resistance=False)
    assert found.resistance_scale == 1.0
    assert found.size[0] == pytest.approx(0.006, rel=1e-4)
    assert found.time_s[0] == pytest.approx(60.0, rel=1e-4)


def test_a_common_pair_is_found_from_prediction(report: Callable[..., None]) -> None:
    other = TableCell(4.0, SOC, BARE.ocv_v, 30.0)

    at = np.arange(1.0, 5000.0, 20.3)

    def predict(cells: Sequence[TableCell]) -> np.ndarray:
        records = [record(cell) for cell in cells]
        return np.concatenate([np.interp(at, one["time_s"], one["voltage_v"]) for one in records])

    made = [with_pairs(cell, (0.01,), (800.0,), "ocv_slope") for cell in (BARE, other)]
    found = fit_together([BARE, other], predict, predict(made), start=((0.03, 300.0),))
    off = max(abs(found.size[0] / 0.01 - 1.0), abs(found.time_s[0] / 800.0 - 1.0))
    report("common pair of two cells: numbers off", off, 1e-4)


def test_the_slope_of_the_ocv_is_its_derivative() -> None:
    straight = TableCell(1.0, SOC, 3.0 + 1.2 * SOC, 1.0)
    assert shape_of(straight, "ocv_slope") == pytest.approx(1.2)
    assert np.max(np.abs(shape_of(BARE, "ocv_slope") - (0.9 + 0.9 * SOC**2))[8:-8]) < 1e-3


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"voltage_v": np.zeros(3)}, "equal length"),
        ({"current_a": np.array([0.0, np.nan, 1.0, 1.0, 0.0, 0.0])}, "finite"),
        ({"time_s": np.array([0.0, 2.0, 1.0, 3.0, 4.0, 5.0])}, "must not fall"),
        ({"pairs": 3}, "one or two pairs"),
        ({"use": np.arange(6) < 4}, "4 samples are too few for 2 pairs"),
    ],
)
def test_a_bad_record_is_refused(change: dict, says: str) -> None:
    good = {"time_s": np.arange(6.0), "current_a": np.ones(6), "voltage_v": np.full(6, 3.5), "initial_soc": 0.5}
    with pytest.raises(ValueError, match=says):
        fit_record(BARE, **(good | change))

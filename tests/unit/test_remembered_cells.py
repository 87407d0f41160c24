"""Nominal cells that the machine remembers: the same as read anew, to the bit and to Numba's types."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from numba import typeof

from packsim.cell import nominal
from packsim.cell.cell import Cell
from packsim.cell.nominal import Nominal, nominal_cell
from packsim.memory import remembered

SELF = (25.0, None, None, None)
BPX = Path(__file__).parents[1] / "data" / "synthetic_cell.bpx.json"


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[object, ...]]:
    """What was read anew, in an empty memory, in a process that PyBaMM has not touched."""
    made: list[tuple[object, ...]] = []
    read = nominal._made

    def counted(*asked):
        made.append(asked)
        return read(*asked)

    monkeypatch.setattr(nominal, "_made", counted)
    monkeypatch.setattr(nominal, "_pybamm_is_here", lambda: False)
    monkeypatch.setattr(remembered, "cache_directory", lambda: tmp_path)
    return made


def assert_same(a, b) -> None:
    """Equal types and bits, through all tuples."""
    assert type(a) is type(b)
    if isinstance(a, tuple):
        for one, other in zip(a, b, strict=True):
            assert_same(one, other)
    elif isinstance(a, np.ndarray):
        assert (a.shape, a.tobytes()) == (b.shape, b.tobytes())
    else:
        assert repr(a) == repr(b)


@pytest.mark.parametrize("name", ["Chen2020", "Prada2013", "NCA_Kim2011", "OKane2022"])
def test_the_second_is_the_first(name: str, calls: list[tuple[object, ...]]) -> None:
    first, second = (nominal_cell(name, *SELF) for _ in range(2))
    assert len(calls) == 1
    assert isinstance(second, Nominal)
    assert_same(first, second)
    assert typeof(first.design) == typeof(second.design)


@pytest.mark.parametrize(
    "change",
    [
        {"temperature_degc": 10.0},
        {"lower_cutoff_v": 2.6},
        {"upper_cutoff_v": 4.1},
        {"lithium_made_ratio": 1.1},
        {"source": "Mohtat2020"},
    ],
)
def test_all_that_it_depends_on_tells_it_apart(change, calls: list[tuple[object, ...]]) -> None:
    for _ in range(2):
        Cell("Chen2020")
        Cell(**{"source": "Chen2020", **change})
    assert len(calls) == 2


def test_a_size_or_traits_of_its_own_need_no_reading(calls: list[tuple[object, ...]]) -> None:
    Cell("Chen2020")
    assert Cell("Chen2020", capacity_ah=3.0).nominal_capacity_ah == 3.0
    Cell("Chen2020", traits={"cathode_loading_ratio": 1.01})
    assert len(calls) == 1


def test_a_file_goes_by_what_is_in_it(
    calls: list[tuple[object, ...]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nominal, "_made", lambda *asked: calls.append(asked))
    path = tmp_path / "cell.bpx.json"
    shutil.copy(BPX, path)
    nominal_cell(path, *SELF)
    nominal_cell(str(path), *SELF)
    assert len(calls) == 1
    path.write_text(path.read_text() + "\n")
    nominal_cell(path, *SELF)
    assert len(calls) == 2


def test_refusals_are_told_each_time(calls: list[tuple[object, ...]], tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(ValueError, match="half cell"):
            nominal_cell("Xu2019", *SELF)
        with pytest.raises(ValueError, match="unknown parameter set"):
            nominal_cell("Nobody1999", *SELF)
        with pytest.raises(FileNotFoundError):
            nominal_cell(tmp_path / "absent.json", *SELF)
    assert len(calls) == 6


def test_a_process_with_pybamm_reads_anew(calls: list[tuple[object, ...]], monkeypatch: pytest.MonkeyPatch) -> None:
    """Its settings may have been changed, which would be in the numbers."""
    import pybamm

    monkeypatch.setattr(nominal, "_pybamm_is_here", lambda: "pybamm" in sys.modules)
    for source in ("Chen2020", "Chen2020", pybamm.ParameterValues("Chen2020")):
        nominal_cell(source, *SELF)
    assert len(calls) == 3
    assert not any(remembered.cache_directory().iterdir())


def test_a_set_of_another_package_is_not_remembered(
    calls: list[tuple[object, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Other:
        class dist:
            name = "my-cells"

    monkeypatch.setattr(nominal, "entry_points", lambda **_: [Other()])
    for _ in range(2):
        nominal_cell("Chen2020", *SELF)
    assert len(calls) == 2

"""What is kept of a pack: names, dataset, tables and files."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from packsim.pack.duty import traces
from packsim.pack.duty.traces import PackResult
from packsim.scenario.new_file import OutputExists, new_file


def example(cells: bool = True) -> PackResult:
    rng = np.random.default_rng(5)
    time = np.array([0.0, 1.0, 3.0, 3.0, 7.5])  # an event splits a step: one time twice
    group_v = 3.6 + 0.1 * rng.standard_normal((3, 5))
    more = {}
    if cells:
        more = {
            "cell_current_a": rng.standard_normal((6, 5)),
            "cell_temperature_k": 298.15 + rng.random((6, 5)),
            "soc": rng.random((6, 5)),
        }
    return PackResult(
        time_s=time,
        current_a=np.array([2.0, 2.0, 4.0, -1.0, -1.0]),
        pack_v=group_v.sum(axis=0),
        group_v=group_v,
        alarms={"time_s": [3.0], "place": ["group 2"], "cause": ["under-voltage"]},
        **more,
    )


def read_csv_exactly(path: Path) -> pd.DataFrame:
    header, *rows = csv.reader(path.read_text().splitlines())
    frame = pd.DataFrame(rows, columns=header)
    return frame.apply(lambda column: column if column.name in ("place", "cause") else column.map(float))


def test_pybamm_names_give_what_was_recorded_in_their_units() -> None:
    result = example()
    assert np.array_equal(result["Time [s]"], result.time_s)
    assert np.array_equal(result["Pack voltage [V]"], result.pack_v)
    assert np.array_equal(result["Terminal voltage [V]"], result.pack_v)
    assert np.allclose(result["Mean cell voltage [V]"], result.group_v.mean(axis=0), rtol=1e-14)
    assert np.allclose(result["Cell temperature [degC]"] + 273.15, result.cell_temperature_k, rtol=1e-14)
    assert np.array_equal(result["Cell SOC [%]"], 100.0 * result.soc)
    # by hand: 2 A x 1 s, mean 3 A x 2 s, a jump, -1 A x 4.5 s
    assert np.allclose(3600.0 * result["Discharge capacity [A.h]"], [0.0, 2.0, 8.0, 8.0, 3.5])
    assert np.allclose(3600.0 * result["Throughput capacity [A.h]"], [0.0, 2.0, 8.0, 8.0, 12.5])
    assert all(isinstance(result[name], np.ndarray) for name in result.names)


def test_a_name_that_pybamm_knows_too_is_spelled_as_there() -> None:
    import pybamm

    model = pybamm.lithium_ion.SPMe({"thermal": "lumped"})
    known = set(model.variables.keys()) | {"Time [s]", "Time [h]"}
    shared = {
        "Time [s]",
        "Time [min]",
        "Time [h]",
        "Current [A]",
        "Voltage [V]",
        "Terminal voltage [V]",
        "Power [W]",
        "Cell temperature [K]",
        "Ambient temperature [K]",
        "Discharge capacity [A.h]",
        "Throughput capacity [A.h]",
        "Discharge energy [W.h]",
    }
    ours = set(example().names) | {"Ambient temperature [K]"}
    assert shared <= ours
    # PyBaMM adds the last three only with `calculate discharge energy`; the spelling is then the same
    option = pybamm.lithium_ion.SPMe({"calculate discharge energy": "true"})
    assert shared <= known | set(option.variables.keys())


def test_an_unknown_name_suggests_the_nearest_and_says_what_was_not_recorded() -> None:
    with pytest.raises(KeyError, match="did you mean 'Pack voltage \\[V\\]'"):
        example()["Pack voltge [V]"]
    with pytest.raises(KeyError, match="was not recorded; ask for soc"):
        example(cells=False)["Cell SOC [%]"]


def test_dataset_has_dimensions_units_and_the_same_numbers() -> None:
    result = example()
    data = result.dataset()
    assert dict(data.sizes) == {"time": 5, "group": 3, "cell": 6}
    assert data["group_v"].dims == ("time", "group")
    assert np.array_equal(data["group_v"].transpose("group", "time").values, result.group_v)
    assert np.array_equal(data["cell_current_a"].sel(cell=4).values, result.cell_current_a[4])
    assert {name: data[name].attrs["units"] for name in data.data_vars} == {
        "current_a": "A",
        "pack_v": "V",
        "group_v": "V",
        "cell_current_a": "A",
        "cell_temperature_degc": "degC",
        "soc_pct": "%",
    }
    assert data["time"].attrs["units"] == "s"
    assert data["soc_pct"].attrs["pybamm_name"] == "Cell SOC [%]"
    assert dict(example(cells=False).dataset().sizes) == {"time": 5, "group": 3}


@pytest.mark.parametrize("table", traces.TABLES)
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_files_read_back_to_the_last_digit(tmp_path: Path, table: str, kind: str) -> None:
    result = example()
    path = tmp_path / f"{table}.{kind}"
    (result.to_csv if kind == "csv" else result.to_parquet)(path, table)
    back = read_csv_exactly(path) if kind == "csv" else pd.read_parquet(path)
    pd.testing.assert_frame_equal(back, result.table(table), check_exact=True, check_dtype=False)
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_a_long_table_keeps_each_cell_with_its_time() -> None:
    result = example()
    table = result.table("cells").set_index(["time_s", "cell"])
    assert table.loc[(7.5, 4), "cell_current_a"] == result.cell_current_a[4, 4]
    assert len(table) == 30
    groups = result.table("groups")
    assert groups[(groups.time_s == 1.0) & (groups.group == 2)].group_v.item() == result.group_v[2, 1]


def test_parquet_says_the_units(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    example().to_parquet(tmp_path / "cells.parquet", "cells")
    schema = pq.read_schema(tmp_path / "cells.parquet")
    assert schema.field("cell_temperature_degc").metadata == {b"unit": b"degC"}


@pytest.mark.parametrize("write", ["to_csv", "to_parquet"])
def test_nothing_is_overwritten_without_being_told_to(tmp_path: Path, write: str) -> None:
    path = tmp_path / "traces"
    path.write_text("mine")
    with pytest.raises(OutputExists, match="exists already; allowed: a new file, or force=True"):
        getattr(example(), write)(path)
    assert path.read_text() == "mine"
    getattr(example(), write)(path, force=True)
    assert path.read_bytes() != b"mine"
    with pytest.raises(OutputExists, match="does not exist"):
        getattr(example(), write)(tmp_path / "no" / "traces")
    with pytest.raises(OutputExists, match="is a folder"):
        getattr(example(), write)(tmp_path)


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "traces.csv"
    path.write_text("before")

    def fail() -> None:
        with new_file(path, force=True) as work:
            work.write_text("half")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fail()
    assert path.read_text() == "before"
    assert len(list(tmp_path.iterdir())) == 1


def test_shapes_that_do_not_fit_are_refused() -> None:
    time, row, groups = np.arange(4.0), np.zeros(4), np.zeros((2, 4))
    with pytest.raises(ValueError, match=r"cell_v: given shape \(3, 5\); allowed: \(3, 4\)"):
        PackResult(time, row, row, groups, cell_v=np.zeros((3, 5)))
    with pytest.raises(ValueError, match="soc: given shape"):
        PackResult(time, row, row, groups, cell_v=np.zeros((3, 4)), soc=np.zeros((4, 4)))
    with pytest.raises(ValueError, match="times that fall"):
        PackResult(time[::-1], row, row, groups)
    with pytest.raises(ValueError, match="one length"):
        PackResult(time, row, row, groups, alarms={"a": [1], "b": []})


def test_chunks_only_where_dask_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not example().dataset().chunks or pytest.importorskip("dask")
    found: list[dict[str, int]] = []
    monkeypatch.setattr(traces.importlib.util, "find_spec", lambda name: object())
    monkeypatch.setattr("xarray.Dataset.chunk", lambda self, sizes: found.append(sizes) or self)
    monkeypatch.setattr(traces, "CHUNK_BYTES", 8 * 6 * 3)
    example().dataset()
    assert found == [{"time": 3}]

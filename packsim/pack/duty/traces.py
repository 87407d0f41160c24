"""What is kept of one pack in time, under PyBaMM's names, as xarray, as tables and as files."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from packsim.scenario.new_file import new_file
from packsim.scenario.suggest import closest

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

Array = npt.NDArray[np.float64]

CHUNK_BYTES = 32_000_000  # of one variable: a chunk holds all cells of as many times as fit
TABLES = ("pack", "groups", "cells", "alarms")


@dataclass(frozen=True)
class Quantity:
    """One recorded quantity: its field, PyBaMM-style name, dimensions, unit, meaning and how it is shown."""

    field: str
    name: str
    dims: tuple[str, ...]
    unit: str
    meaning: str
    column: str  # in tables and in the dataset: name with the unit as suffix
    shown: Callable[[Array], Array] = lambda values: values


def _celsius(values: Array) -> Array:
    return values - 273.15


def _percent(values: Array) -> Array:
    return 100.0 * values


_T, _G, _C = ("time",), ("group", "time"), ("cell", "time")
QUANTITIES = (
    Quantity("time_s", "Time [s]", _T, "s", "time since the protocol began", "time_s"),
    Quantity("current_a", "Current [A]", _T, "A", "pack current, discharge positive", "current_a"),
    Quantity("given_ah", "Discharge capacity [A.h]", _T, "A.h", "charge given since the protocol began", "given_ah"),
    Quantity("pack_v", "Pack voltage [V]", _T, "V", "voltage at the pack's terminals", "pack_v"),
    Quantity("step", "Step", _T, "1", "row of the protocol", "step"),
    Quantity("ambient_degc", "Ambient temperature [degC]", _T, "degC", "temperature around the pack", "ambient_degc"),
    Quantity("group_v", "Group voltage [V]", _G, "V", "voltage of each parallel group", "group_v"),
    Quantity("bms_v", "BMS group voltage [V]", _G, "V", "what the sensor of each group reads", "bms_v"),
    Quantity("bms_soc", "BMS SOC [%]", _T, "%", "what the BMS takes the pack for", "bms_soc_pct", _percent),
    Quantity("cell_current_a", "Cell current [A]", _C, "A", "current of each cell", "cell_current_a"),
    Quantity("cell_v", "Cell voltage [V]", _C, "V", "voltage of each cell, its weld included", "cell_v"),
    Quantity(
        "cell_temperature_k",
        "Cell temperature [degC]",
        _C,
        "degC",
        "temperature of each cell",
        "cell_temperature_degc",
        _celsius,
    ),
    Quantity("soc", "Cell SOC [%]", _C, "%", "state of charge of each cell", "soc_pct", _percent),
)
BY_FIELD = {quantity.field: quantity for quantity in QUANTITIES}


@dataclass(frozen=True)
class PackResult:
    """Traces of one pack: m times, g groups, n cells. Everything but the first four is None unless it was asked for.

    `alarms` holds one entry a column, e.g. {"time_s": ..., "place": ..., "cause": ...}, all of one length.

    Raises:
        ValueError: an array has another shape than the times and groups or cells say, or times fall.
    """

    time_s: Array  # [m]
    current_a: Array  # [m] discharge is positive
    pack_v: Array  # [m]
    group_v: Array  # [g, m]
    step: Array | None = None  # [m]
    ambient_degc: Array | None = None  # [m]
    bms_v: Array | None = None  # [g, m]
    bms_soc: Array | None = None  # [m], 0..1
    given_ah: Array | None = None  # [m] discharged since the protocol began
    cell_current_a: Array | None = None  # [n, m]
    cell_v: Array | None = None  # [n, m]
    cell_temperature_k: Array | None = None  # [n, m]
    soc: Array | None = None  # [n, m], 0..1
    alarms: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        time = np.asarray(self.time_s)
        if time.ndim != 1 or np.any(np.diff(time) < 0.0):
            raise ValueError(
                "time_s: given times that fall or no plain array; allowed: one row of times that never fall"
            )
        sizes = {"time": time.size, "group": len(self.group_v)}
        for quantity, values in self._recorded():
            dims = quantity.dims
            sizes.setdefault(dims[0], len(values))
            wanted = tuple(sizes[dim] for dim in dims)
            if values.shape != wanted:
                raise ValueError(
                    f"{quantity.field}: given shape {values.shape}; allowed: {wanted} ({' x '.join(dims)})"
                )
        lengths = {name: len(column) for name, column in self.alarms.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"alarms: given columns of lengths {lengths}; allowed: one length")

    def _recorded(self) -> Iterator[tuple[Quantity, Any]]:
        for quantity in QUANTITIES:
            values = getattr(self, quantity.field)
            if values is not None:
                yield quantity, np.asarray(values)

    def _names(self) -> dict[str, Callable[[], Array]]:
        """Every name that can be asked for here, and how its values come about."""
        names: dict[str, Callable[[], Array]] = {}
        for quantity, values in self._recorded():
            names[quantity.name] = partial(quantity.shown, values)
        series = max(len(self.group_v), 1)
        names["Time [min]"] = lambda: self.time_s / 60.0
        names["Time [h]"] = lambda: self.time_s / 3600.0
        names["Terminal voltage [V]"] = names["Voltage [V]"] = names["Pack voltage [V]"]
        names["Mean cell voltage [V]"] = lambda: self.pack_v / series
        names["Power [W]"] = lambda: self.pack_v * self.current_a
        names["Discharge capacity [A.h]"] = lambda: _integral(self.time_s, self.current_a) / 3600.0
        names["Throughput capacity [A.h]"] = lambda: _integral(self.time_s, np.abs(self.current_a)) / 3600.0
        names["Discharge energy [W.h]"] = lambda: _integral(self.time_s, self.pack_v * self.current_a) / 3600.0
        if self.cell_temperature_k is not None:
            kelvin = np.asarray(self.cell_temperature_k)
            names["Cell temperature [K]"] = lambda: kelvin
            names["Highest cell temperature [degC]"] = lambda: kelvin.max(axis=0) - 273.15
        if self.ambient_degc is not None:
            ambient = np.asarray(self.ambient_degc)
            names["Ambient temperature [K]"] = lambda: ambient + 273.15
        return names

    @property
    def names(self) -> list[str]:
        """PyBaMM-style names of everything that this result can give."""
        return sorted(self._names())

    def __getitem__(self, name: str) -> Array:
        """Values under a PyBaMM-style name, time last: `result["Pack voltage [V]"]`.

        Integrals take straight lines between the recorded times.

        Raises:
            KeyError: no such name here; the message has the nearest one, and says what was not recorded.
        """
        names = self._names()
        if name in names:
            return names[name]()
        kept = [quantity.field for quantity in QUANTITIES if quantity.name == name]
        if kept:
            raise KeyError(f"{name} was not recorded; ask for {kept[0]} when the pack is run")
        near = closest(name, names)
        raise KeyError(
            f"no {name!r} in this result; " + (f"did you mean {near!r}?" if near else f"known: {self.names}")
        )

    def dataset(self) -> xr.Dataset:
        """All that was recorded, dimensions (time, group, cell), units in `attrs`; chunked along time if dask is there."""
        import xarray as xr

        data, coords = {}, {}
        for quantity, values in self._recorded():
            attrs = {"units": quantity.unit, "long_name": quantity.meaning, "pybamm_name": quantity.name}
            if quantity.field == "time_s":
                coords["time"] = ("time", values, attrs)
            else:
                shown = quantity.shown(values)
                data[quantity.column] = (quantity.dims[::-1], shown.T, attrs)
        coords["group"] = ("group", np.arange(len(self.group_v)), {"long_name": "parallel group"})
        cells = next((len(values) for quantity, values in self._recorded() if quantity.dims == _C), None)
        if cells is not None:
            coords["cell"] = ("cell", np.arange(cells), {"long_name": "cell, depth first through the pack"})
        found = xr.Dataset(data, coords=coords)
        if importlib.util.find_spec("dask") is None:
            return found
        width = max(len(self.group_v), cells or 1)
        return found.chunk({"time": max(CHUNK_BYTES // (8 * width), 1)})

    def table(self, name: str = "pack") -> pd.DataFrame:
        """A table: `pack` (a row a time, group voltages as columns group_0_v ...), `groups` or `cells` (a row a time and
        group or cell), or `alarms`.

        Raises:
            KeyError: another name; ValueError: no cell was recorded.
        """
        import pandas as pd

        if name not in TABLES:
            raise KeyError(f"no table {name!r}; allowed: {', '.join(TABLES)}")
        if name == "alarms":
            return pd.DataFrame(self.alarms)
        plain = {quantity.column: values for quantity, values in self._recorded() if quantity.dims == _T}
        if name == "pack":
            plain |= {f"group_{g}_v": volts for g, volts in enumerate(np.asarray(self.group_v))}
            return pd.DataFrame(plain)
        dims = _G if name == "groups" else _C
        wide = {q.column: q.shown(values) for q, values in self._recorded() if q.dims == dims}
        if not wide:
            raise ValueError(f"{name}: nothing of single cells was recorded; ask for it when the pack is run")
        rows = len(next(iter(wide.values())))
        columns = {
            "time_s": np.repeat(self.time_s, rows),
            dims[0]: np.tile(np.arange(rows), len(self.time_s)),
            **{column: values.T.ravel() for column, values in wide.items()},
        }
        return pd.DataFrame(columns)

    def to_csv(self, path: str | Path, table: str = "pack", *, force: bool = False) -> Path:
        """Write a table as CSV, whole or not at all; numbers read back to the last digit.

        Raises:
            OutputExists: the file is there and `force` is not given, or its folder is not.
        """
        frame = self.table(table)
        with new_file(Path(path), force=force, allowed="force=True to replace it") as work:
            frame.to_csv(work, index=False)
        return Path(path)

    def to_parquet(self, path: str | Path, table: str = "pack", *, force: bool = False) -> Path:
        """Write a table as Parquet, its units in the columns' metadata; raises as `to_csv`."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        units = {quantity.column: quantity.unit for quantity in QUANTITIES}
        content = pa.Table.from_pandas(self.table(table), preserve_index=False)
        fields = [
            one.with_metadata({"unit": units.get(one.name, "V" if one.name.startswith("group_") else "")})
            for one in content.schema
        ]
        content = content.cast(pa.schema(fields, metadata=content.schema.metadata))
        with new_file(Path(path), force=force, allowed="force=True to replace it") as work:
            pq.write_table(content, work)
        return Path(path)


def _integral(time: Array, values: Array) -> Array:
    """Running integral by trapezoids, 0 at the first time."""
    areas = 0.5 * (values[1:] + values[:-1]) * np.diff(time)
    return np.concatenate([[0.0], np.cumsum(areas)])

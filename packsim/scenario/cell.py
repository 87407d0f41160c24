"""The nominal cell of a scenario."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from packsim.scenario.base import Model, Positive, broken, refuse, require
from packsim.scenario.suggest import hint

FILE_KEYS = ("bpx_file", "table_file")


@cache
def parameter_sets() -> tuple[str, ...]:
    """Names of the installed PyBaMM parameter sets, found without importing PyBaMM."""
    return tuple(sorted(point.name for point in entry_points(group="pybamm_parameter_sets")))


def absent_files(cell: object, folder: Path) -> dict[str, str]:
    """Files that a `cell:` block of plain values names but that are not in `folder`: key -> what is wrong."""
    if not isinstance(cell, Mapping):
        return {}
    return absent({key: cell[key] for key in FILE_KEYS if isinstance(cell.get(key), str)}, folder)


def absent(names: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Of files that keys name, those that are not in `folder`: key -> what is wrong."""
    return {
        key: f"given {name!r}; allowed: an existing file, relative to {str(folder.resolve())!r}"
        for key, name in names.items()
        if not _is_file(folder / name)
    }


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name too long, or one that no file can have
        return False


def _installed(name: str) -> str:
    sets = parameter_sets()
    if name not in sets:
        allowed = f"a PyBaMM parameter set: {', '.join(sets)}{hint(name, sets)}"
        refuse("parameter_set", [broken((), name, allowed)])
    return name


class CellModel(Model):
    """The nominal cell: exactly one of `parameter_set`, `bpx_file`, `table_file` says where it comes from."""

    parameter_set: Annotated[str, AfterValidator(_installed)] | None = None
    """Name of a PyBaMM parameter set, for example Chen2020."""
    bpx_file: str | None = None
    """Path of a BPX file (JSON), relative to the scenario file."""
    table_file: str | None = None
    """Path of a CSV file with columns soc_pct, ocv_v, resistance_mohm (and temperature_degc, r1_mohm, tau1_s, r2_mohm, tau2_s, resistance_charge_mohm, hysteresis_mv as wanted), relative to the scenario file."""  # noqa: E501
    capacity_ah: Positive | None = None
    """Scale the electrode area to this capacity between the cut-offs; C-rates refer to it. Default: the set's own size and nominal capacity."""  # noqa: E501
    temperature_degc: Annotated[float, Field(ge=-30.0, le=70.0)] = 25.0
    """Cell temperature; every parameter of the set is evaluated there."""
    lower_cutoff_v: Positive | None = None
    """Lower voltage limit of a cell: 0 % SOC and the end of discharge. Default: the set's own."""
    upper_cutoff_v: Positive | None = None
    """Upper voltage limit of a cell: 100 % SOC and the limit of charge. Default: the set's own."""

    @model_validator(mode="after")
    def _one_source(self) -> CellModel:
        given = [key for key in ("parameter_set", *FILE_KEYS) if getattr(self, key) is not None]
        lower, upper = self.lower_cutoff_v, self.upper_cutoff_v
        require(
            self,
            (len(given) == 1, "", "exactly one of parameter_set, bpx_file, table_file"),
            (
                self.table_file is None or self.capacity_ah is not None,
                "capacity_ah",
                "a number > 0 beside table_file: the charge between 0 and 100 % SOC",
            ),
            (lower is None or upper is None or lower < upper, "lower_cutoff_v", f"below upper_cutoff_v {upper}"),
        )
        return self

"""The nominal cell of a scenario."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from packsim.scenario.base import Model, Positive


class CellModel(Model):
    """The nominal cell: exactly one of `parameter_set`, `bpx_file`, `table_file` says where it comes from."""

    parameter_set: str | None = None
    """Name of a PyBaMM parameter set, for example Chen2020."""
    bpx_file: str | None = None
    """Path of a BPX file (JSON), relative to the scenario file."""
    table_file: str | None = None
    """Path of a CSV file with columns soc_pct, ocv_v, resistance_mohm, relative to the scenario file."""
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
        given = [key for key in ("parameter_set", "bpx_file", "table_file") if getattr(self, key) is not None]
        if len(given) != 1:
            raise ValueError(f"give exactly one of parameter_set, bpx_file, table_file (given: {', '.join(given) or 'none'})")
        if self.table_file is not None and self.capacity_ah is None:
            raise ValueError("table_file needs capacity_ah, the charge between 0 and 100 % SOC")
        if self.lower_cutoff_v is not None and self.upper_cutoff_v is not None and self.lower_cutoff_v >= self.upper_cutoff_v:
            raise ValueError(f"lower_cutoff_v {self.lower_cutoff_v:g} must be below upper_cutoff_v {self.upper_cutoff_v:g}")
        return self

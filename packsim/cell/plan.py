"""From the scenario's cell to what the kernels need."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from packsim.cell.ageing.reading import AgeingParameters
from packsim.cell.cell import Cell
from packsim.cell.electrodes.kernels import Design
from packsim.cell.table.table_cell import TableCell
from packsim.scenario.cell import CellModel
from packsim.scenario.errors import NominalCellError


class CellPlan(NamedTuple):
    """The nominal cell: its kernel design and the capacity to which C-rates refer."""

    name: str
    design: Design
    rated_capacity_ah: float
    temperature_degc: float = 25.0  # at which the design was read
    ageing: AgeingParameters | None = None  # what the parameter set says of it; table cell: None


def plan(model: CellModel, locate: Callable[[str], Path] = Path) -> CellPlan:
    """Numbers of a scenario's cell; `locate` gives the path of a file that the scenario names.

    Raises:
        FileNotFoundError, ValueError: as `packsim.cell.cell.Cell`.
        NominalCellError: a table file that does not fit, in one line.
    """
    if model.table_file is not None and model.capacity_ah is not None:
        cell = _table_cell(model, locate(model.table_file), model.capacity_ah)
    else:
        cell = Cell(
            str(locate(model.bpx_file)) if model.bpx_file else str(model.parameter_set),
            capacity_ah=model.capacity_ah,
            temperature_degc=model.temperature_degc,
            lower_cutoff_v=model.lower_cutoff_v,
            upper_cutoff_v=model.upper_cutoff_v,
        )
    return CellPlan(cell.name, cell.design, cell.nominal_capacity_ah, cell.temperature_degc, cell.ageing)


def _table_cell(model: CellModel, path: Path, capacity_ah: float) -> Cell:
    try:
        table = TableCell.from_csv(path, capacity_ah)
    except ValueError as error:  # it names the file
        raise NominalCellError(str(error)) from error
    try:
        return Cell(
            table,
            temperature_degc=model.temperature_degc,
            lower_cutoff_v=model.lower_cutoff_v,
            upper_cutoff_v=model.upper_cutoff_v,
        )
    except ValueError as error:
        raise NominalCellError(f"{path}: {error}") from error

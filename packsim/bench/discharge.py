"""Coupled packs discharged at 1C: equivalent cell-steps a second, with the error of the same steps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from packsim.bench.cells import spme, table
from packsim.bench.clock import all_threads, least
from packsim.bench.packs import FINE_S, StepError, full_packs, step_error
from packsim.bench.row import Beside, Error, Row
from packsim.bench.settings import Settings
from packsim.cell.plan import CellPlan

SERIES, PARALLEL = 26, 7
PACKS, COMPARED = 60, 4
THEIR_CELLS, THEIR_REPEAT = 256, 3  # of PyBaMM's list
CAPACITY_PCT, VOLTAGE_MV = 0.01, 1.0  # of default steps against 1 s
UNIT = "million equivalent cell-steps/s"


class Workload(NamedTuple):
    """A cell and its bounds."""

    name: str
    cell: CellPlan
    bound: float | None
    goal: float | None


def workloads() -> Iterator[Workload]:
    """What is discharged as 26s7p."""
    yield Workload("SPMe, Chen2020", spme("Chen2020"), 60.0, 100.0)
    yield Workload("SPMe, Mohtat2020", spme("Mohtat2020"), None, None)
    yield Workload("SPMe with shells (diffusivity over stoichiometry), Ecker2015", spme("Ecker2015"), None, None)
    yield Workload("table cell, two RC pairs", table(), 150.0, None)
    yield Workload("table cell, two RC pairs over SOC", table(over_soc=True), None, None)


def rate(cell: CellPlan, packs: int, repeat: int, parallel: int = PARALLEL) -> float:
    """Million equivalent cell-steps/s on all threads."""
    case = full_packs(SERIES, parallel, packs, cell)
    done = case.equivalent(case.run())
    return done / least(case.run, repeat) / 1e6


def errors(cell: CellPlan, packs: int = COMPARED) -> StepError:
    """Of the default steps against 1 s, for the first packs of the same kind."""
    case = full_packs(SERIES, PARALLEL, packs, cell)
    return step_error(case, full_packs(SERIES, PARALLEL, packs, cell, longest_step_s=FINE_S))


def measure(settings: Settings) -> Iterator[Row]:
    """26s7p at 1C; the first beside PyBaMM's list of inputs."""
    for number, (name, cell, bound, goal) in enumerate(workloads()):
        found = rate(cell, 2 if settings.quick else PACKS, settings.repeat)
        off = errors(cell, 1 if settings.quick else COMPARED)
        bounds = (CAPACITY_PCT, VOLTAGE_MV) if bound is not None else (None, None)
        shown = (
            Error("capacity to 1 s steps", off.capacity_pct, "%", bounds[0]),
            Error("voltage to 1 s steps", off.voltage_mv, "mV", bounds[1]),
        )
        beside = against_pybamm(found, settings) if number == 0 else None
        where = f"26s7p at 1C, {name}, {all_threads()} threads"
        yield Row("discharge", where, found, UNIT, bound=bound, goal=goal, beside=beside, errors=shown)


def against_pybamm(ours: float, settings: Settings) -> Beside | None:
    """PyBaMM's SPMe for a list of cells, which knows no pack, on as many threads."""
    pybamm = settings.incumbent("pybamm_cells")
    if pybamm is None:
        return None
    cells, repeat = (2, 1) if settings.quick else (THEIR_CELLS, THEIR_REPEAT)
    theirs = pybamm.list_of_inputs("Chen2020", cells, all_threads(), repeat) / 1e6
    return Beside("PyBaMM SPMe, list of inputs, uncoupled", theirs, ours / theirs, 300.0)

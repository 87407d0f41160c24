"""As-built cells a second: `line.build` beside the same model in vectorised NumPy."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from packsim.bench.agreement import disagreement
from packsim.bench.clock import OWN, Call, all_threads, in_turns, least, threads
from packsim.bench.row import LOWER, Beside, Error, Row
from packsim.bench.settings import EVE, Settings
from packsim.bench.whole_line import whole_line
from packsim.line.build import build, slot_addresses
from packsim.line.plan import LinePlan, plan
from packsim.scenario.line import LineModel

LOTS = (1, 9, 48)  # in a block: NumPy is fastest near the processor's caches or far from them
MANY_LOTS = 100  # for all threads
LOTS_COMPARED = 40
STANDARD_ERRORS = 5.0  # of about 160 statistics: beyond it by chance for one choice of seeds in 2,000


class Line(NamedTuple):
    """A line and its bounds."""

    name: str
    model: LineModel
    bound: float  # million cells/s on all threads
    ratio: float  # to NumPy on one core


def lines(settings: Settings) -> Iterator[Line]:
    """The lines that are sampled."""
    if (eve := settings.scenario(EVE)) is not None:
        yield Line("line of the EVE scenario", eve.line, 20.0, 10.0)
    yield Line("line with everything on", whole_line(), 15.0, 8.0)


def planned(model: LineModel, lots: int) -> LinePlan:
    """Numbers of a line whose block is `lots` lots."""
    return plan(model, lots * model.supplier_lot_cells)


def building(numbers: LinePlan) -> Call:
    """Build the first block of a line."""
    return functools.partial(build, numbers, 1, slot_addresses(0, range(numbers.slots_per_block)))


def measure(settings: Settings) -> Iterator[Row]:
    """Rate on all threads; time of a cell on one core beside NumPy."""
    for line in lines(settings):
        numbers = planned(line.model, 2 if settings.quick else MANY_LOTS)
        rate = numbers.slots_per_block / least(building(numbers), settings.repeat) / 1e6
        name = f"{line.name}, {all_threads()} threads"
        yield Row("sampling", name, rate, "million cells/s", bound=line.bound)
        yield one_core(line, settings)


def one_core(line: Line, settings: Settings) -> Row:
    """Nanoseconds a cell, the best block size of each."""
    numpy = settings.incumbent("whole_line_numpy")
    ours = theirs = np.inf
    with threads(1):
        for lots in LOTS[:1] if settings.quick else LOTS:
            numbers, generator = planned(line.model, lots), np.random.default_rng(1)
            cells = numbers.slots_per_block
            calls = [building(numbers)]
            if numpy is not None:
                calls.append(functools.partial(numpy.with_numpy, numbers, cells, generator))
            repeat = settings.repeat if settings.quick else max(settings.repeat, min(2_000_000 // cells, 100))
            found = [1e9 * s / cells for s in in_turns(calls, repeat, OWN)]
            ours, theirs = min(ours, found[0]), min(theirs, *found[1:], np.inf)
    name, unit = f"{line.name}, one core", "ns a cell"
    if numpy is None:
        return Row("sampling", name, ours, unit, LOWER)
    lots = 10 if settings.quick else LOTS_COMPARED
    off = disagreement(planned(line.model, lots), lots * line.model.supplier_lot_cells, numpy.with_numpy)
    beside = Beside("NumPy, same model", theirs, theirs / ours, line.ratio)
    error = Error("of the two samplers' statistics", off, "standard errors", STANDARD_ERRORS)
    return Row("sampling", name, ours, unit, LOWER, beside=beside, errors=(error,))

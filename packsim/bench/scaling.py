"""How times grow: with threads, cells, packs and cells in parallel."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from packsim.bench.cells import spme
from packsim.bench.clock import WALL, Call, all_threads, in_turns, least, threads
from packsim.bench.discharge import PACKS, PARALLEL, SERIES, UNIT, rate
from packsim.bench.packs import full_packs
from packsim.bench.row import Row
from packsim.bench.sampling import MANY_LOTS, building, planned
from packsim.bench.settings import Settings
from packsim.bench.testing import CELLS, Tested
from packsim.bench.whole_line import whole_line

SPEED_UP_OF_TWO = 1.8
LOTS = (1, 10, 100)  # of 10,000 cells
PACK_COUNTS = (4, 16, 64, 256)
IN_PARALLEL = (1, 2, 7, 20, 46)
CELLS_AT_ONCE = 11_000  # of packs with different cells in parallel


class Work(NamedTuple):
    """Something that is done on one thread and on all."""

    name: str
    call: Call


def work(settings: Settings) -> Iterator[Work]:
    """Sampling, end-of-line test, discharge."""
    yield Work("sampling", building(planned(whole_line(), 2 if settings.quick else MANY_LOTS)))
    yield Work("end-of-line test", Tested(settings, 600 if settings.quick else CELLS).run)
    yield Work("discharge", full_packs(SERIES, PARALLEL, 2 if settings.quick else PACKS, spme()).run)


def threads_(settings: Settings) -> Iterator[Row]:
    """How many times as fast all threads are as one."""
    most = all_threads()
    if most == 1:
        return
    bound = SPEED_UP_OF_TWO if most == 2 else None
    for name, call in work(settings):
        one, many = in_turns([on(1, call), on(most, call)], settings.repeat, WALL)
        yield Row("threads", f"{name}, {most} threads beside one", one / many, "x", bound=bound)


def on(count: int, call: Call) -> Call:
    """The call on `count` threads."""

    def counted() -> None:
        with threads(count):
            call()

    return counted


def sizes(settings: Settings) -> Iterator[Row]:
    """Rates over the number of cells sampled, packs discharged, and cells in parallel."""
    for lots in LOTS[:1] if settings.quick else LOTS:
        line = planned(whole_line(), lots)
        found = line.slots_per_block / least(building(line), settings.repeat) / 1e6
        yield Row("sizes", f"sampling {line.slots_per_block:,} cells", found, "million cells/s")
    for packs in PACK_COUNTS[:1] if settings.quick else PACK_COUNTS:
        yield Row("sizes", f"discharge of {packs} packs of 26s7p", rate(spme(), packs, settings.repeat), UNIT)
    for parallel in IN_PARALLEL[:1] if settings.quick else IN_PARALLEL:
        packs = 1 if settings.quick else max(2, round(CELLS_AT_ONCE / (SERIES * parallel)))
        found = rate(spme(), packs, settings.repeat, parallel)
        yield Row("sizes", f"discharge of {packs} packs of 26s{parallel}p", found, UNIT)

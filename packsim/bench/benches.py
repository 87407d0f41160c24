"""The benchmarks by name, in the order in which a cell passes through."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from packsim.bench import balance, discharge, memory, normals, sampling, scaling, testing, year
from packsim.bench.row import Row
from packsim.bench.settings import Settings


class Bench(NamedTuple):
    """A benchmark."""

    title: str
    measure: Callable[[Settings], Iterator[Row]]


BENCHES: dict[str, Bench] = {
    "normals": Bench("Random normals", normals.measure),
    "sampling": Bench("As-built cells from the line", sampling.measure),
    "balance": Bench("Electrode balance", balance.measure),
    "test": Bench("End-of-line test", testing.measure),
    "discharge": Bench("Coupled packs", discharge.measure),
    "year": Bench("A year of a battery cluster, end to end", year.measure),
    "threads": Bench("All threads beside one", scaling.threads_),
    "sizes": Bench("Over cells, packs and cells in parallel", scaling.sizes),
    "memory": Bench("Memory", memory.measure),
}


def chosen(names: str | None) -> list[str]:
    """Names of benchmarks from `A,B`, in the order above; all of them for None.

    Raises:
        ValueError: one that there is not, in one line.
    """
    asked = list(BENCHES) if names is None else [name.strip() for name in names.split(",")]
    if unknown := [name for name in asked if name not in BENCHES]:
        raise ValueError(f"given {unknown[0]}; allowed: {', '.join(BENCHES)}")
    return [name for name in BENCHES if name in asked]

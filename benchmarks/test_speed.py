"""The hot loops under pytest-benchmark, which keeps and compares histories: pytest benchmarks --benchmark-only --dist=no.

The same workloads as `packsim bench`, where rates, ratios, bounds and errors are explained.
"""

from __future__ import annotations

import pytest

from packsim.bench import testing
from packsim.bench.cells import as_built, spme
from packsim.bench.clock import all_threads
from packsim.bench.discharge import PACKS, PARALLEL, SERIES, errors, workloads
from packsim.bench.packs import full_packs
from packsim.bench.sampling import MANY_LOTS, building, lines, planned
from packsim.bench.settings import Settings
from packsim.cell.cell import window_of

WORKLOADS = {each.name: each for each in workloads()}
LINES = {each.name: each for each in lines(Settings())}


@pytest.mark.parametrize("name", WORKLOADS)
def test_coupled_26s7p_1c(benchmark, name):
    """Million equivalent cell-steps/s, with the error of the default steps against 1 s."""
    cell = WORKLOADS[name].cell
    case = full_packs(SERIES, PARALLEL, PACKS, cell)
    outcome = benchmark.pedantic(case.run, rounds=5, warmup_rounds=1)
    if benchmark.stats is None:
        return  # --benchmark-disable: run once, not timed
    rate, off = case.equivalent(outcome) / benchmark.stats.stats.median / 1e6, errors(cell)
    benchmark.extra_info["million equivalent cell-steps/s"] = round(rate, 1)
    benchmark.extra_info["threads"] = all_threads()
    benchmark.extra_info["capacity error to 1 s steps, %"] = off.capacity_pct
    benchmark.extra_info["voltage error to 1 s steps, mV"] = off.voltage_mv


@pytest.mark.parametrize("name", LINES)
def test_sampling(benchmark, name):
    """A hundred lots of as-built cells."""
    benchmark.pedantic(building(planned(LINES[name].model, MANY_LOTS)), rounds=5, warmup_rounds=1)


def test_end_of_line(benchmark):
    """Every cell is run through its test."""
    benchmark.pedantic(testing.Tested(Settings(), testing.CELLS).run, rounds=5, warmup_rounds=1)


def test_electrode_balance(benchmark):
    """20,000 cells, one thread."""
    values = as_built(20_000).values
    benchmark.pedantic(window_of, args=(spme().design, values), rounds=5, warmup_rounds=1)

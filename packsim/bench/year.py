"""A year of the Huizhou cluster from a part of it: sampled, tested, assembled, charged, discharged, judged, written."""

from __future__ import annotations

import itertools
import tempfile
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np

from packsim.bench.clock import all_threads, seconds
from packsim.bench.packs import voltage_difference
from packsim.bench.row import LOWER, Error, Row
from packsim.bench.settings import HUIZHOU, Settings
from packsim.cell.plan import plan
from packsim.pack.run import PackTrace
from packsim.scenario.model import Scenario
from packsim.study.calibrate import calibrate
from packsim.study.engine import local
from packsim.study.plans import make_plans
from packsim.study.run import Result, run

Out = TypeVar("Out")
PARTS = (2_000, 10_000)  # packs
COMPARED = 10  # packs run again with fine steps
FINE_S = 1.0
WITHIN_PCT = 20.0  # a hundredth of the packs takes a hundredth of the time
CAPACITY_PCT, VOLTAGE_MV = 0.01, 1.0
REPEAT = 2


def measure(settings: Settings) -> Iterator[Row]:
    """Packs a second; what the whole year would take at that rate; steps and their error."""
    scenario = settings.scenario(HUIZHOU)
    if scenario is None:
        return
    if settings.quick:
        scenario = scenario.updated({"qualification": None, "packs_per_block": 2})
    small, large = (2, 4) if settings.quick else PARTS
    repeat = 1 if settings.quick else REPEAT
    run(scenario, packs=2)  # compiles
    start = min(beginning(scenario) for _ in range(repeat))
    short, long = (min(timed(scenario, packs) for _ in range(repeat)) for packs in (small, large))
    errors = step_errors(scenario, 1 if settings.quick else COMPARED)
    used = f"{all_threads()} threads"
    yield Row("year", f"packs of huizhou-2017.yaml, {used}", large / long, "packs/s", errors=errors)
    whole = start + scenario.packs * long / large
    name = f"the year's {scenario.packs:,} packs at that rate, {used}"
    yield Row("year", name, whole, "s", LOWER, 120.0, 60.0)
    yield Row("year", "of it before the first block: plans, calibration", start, "s", LOWER)
    name = f"time a pack of {small:,} packs, off that of {large:,}, from the first block on"
    yield Row("year", name, 100.0 * abs(short / small / (long / large) - 1.0), "%", LOWER, WITHIN_PCT)
    yield Row("year", "steps taken a pack", float(run(scenario, packs=small).packs["steps"].mean()), "steps", LOWER)


def beginning(scenario: Scenario) -> float:
    """Seconds before the first block of a scenario that this machine has never calibrated."""
    cell = plan(scenario.cell, scenario.file)
    new = 0.0 if scenario.qualification is None else seconds(lambda: calibrate(scenario, cell))
    return new + seconds(lambda: make_plans(scenario, scenario.seed))


class Watch:
    """This process as engine, which notes when the first block began."""

    begun = 0.0

    def __call__(
        self,
        task: Callable[[int], Out],
        blocks: int,
        progress: Callable[[int, int], None] | None = None,
        done: Collection[int] = (),
    ) -> Iterator[tuple[int, Out]]:
        """As `packsim.study.engine.local`."""
        self.begun = time.perf_counter()
        return local(task, blocks, progress, done)


def timed(scenario: Scenario, packs: int) -> float:
    """Seconds of a run that is written to disk, from its first block on: plans take as long for any number of packs."""
    watch = Watch()
    with tempfile.TemporaryDirectory() as folder:
        run(scenario, packs=packs, store=Path(folder) / "run", engine=watch)
        return time.perf_counter() - watch.begun


def step_errors(scenario: Scenario, packs: int) -> tuple[Error, Error]:
    """Of the scenario's steps against 1 s, for the same cells."""
    coarse, fine = run(scenario, packs=packs), run(scenario.updated({"pack.longest_step_s": FINE_S}), packs=packs)
    name = "usable_capacity_ah"
    capacity = float(np.max(np.abs(coarse.packs[name] / fine.packs[name] - 1.0)))
    voltage = max(worst_difference(coarse, fine, pack) for pack in range(min(packs, 3)))
    return (
        Error("capacity to 1 s steps", 100.0 * capacity, "%", CAPACITY_PCT),
        Error("voltage to 1 s steps", 1e3 * voltage, "mV", VOLTAGE_MV),
    )


def worst_difference(coarse: Result, fine: Result, pack: int) -> float:
    """Largest difference [V] of a group's voltage in charge, rest and discharge, each from its own start."""
    ours, theirs = (phases(result.trace(pack)[1]) for result in (coarse, fine))
    low = coarse.plans.cell.design.lower_cutoff_v
    return max(voltage_difference(a, b, low) for a, b in zip(ours, theirs, strict=True))


def phases(trace: PackTrace) -> list[PackTrace]:
    """Charge, rest and discharge of a trace, each with times from its start."""
    sign = np.sign(trace.current_a)
    edges = [0, *(np.flatnonzero(np.diff(sign)) + 1), sign.size]
    return [
        PackTrace(trace.time_s[a:b] - trace.time_s[a], trace.current_a[a:b], trace.group_v[:, a:b])
        for a, b in itertools.pairwise(edges)
    ]

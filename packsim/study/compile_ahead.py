"""The process beside the first study on a machine (`packsim.study.first_use`): it compiles kernels by using them once."""

from __future__ import annotations

import gc
import os
import pickle
import sys
import threading
import time
from pathlib import Path

from packsim.cell import plan as cell_plans
from packsim.inspection.ahead import use_surfaces
from packsim.line import plan as line_plans
from packsim.line.build import build, slot_addresses
from packsim.pack.fleet import plan as fleet_plans
from packsim.pack.fleet.run import nominal
from packsim.scenario.model import Scenario

HALF = 0.5  # state of charge


def compile_ahead(scenario: Scenario) -> None:
    """One cell of the scenario's line, surfaces of its test, then one nominal pack: a study comes to them last.

    In this order both end at about the same time (docs/benchmarks.md).
    """
    line = line_plans.plan(scenario.line, scenario.slots_per_block, file=scenario.file)
    cells = build(line, scenario.seed, slot_addresses(0, range(1)))
    cell = cell_plans.plan(scenario.cell, scenario.file)
    if scenario.qualification is not None:
        use_surfaces(scenario.inspection, cell, cells, scenario.seed)
    fleet = fleet_plans.plan(scenario.pack, scenario.verdict, cell, line.nominal, scenario.seed, scenario.file)
    nominal(fleet, line.nominal, HALF)


def received(given: tuple[dict[str, object], Path]) -> Scenario:
    """The scenario of `first_use.handed_over`."""
    data, path = given
    scenario = Scenario.model_validate(data)
    scenario._path = path
    return scenario


def _end_with(parent: int) -> None:
    """End this process once the one that started it is gone: killed, it cannot end its helper."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


if __name__ == "__main__":
    gc.disable()  # the process ends before its garbage would be in the way
    threading.Thread(target=_end_with, args=(int(sys.argv[1]),), daemon=True).start()
    compile_ahead(received(pickle.load(sys.stdin.buffer)))

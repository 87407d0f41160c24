"""Scrap in the line: places are filled by cells that pass everything, and yields and materials are counted right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numba
import numpy as np
import pytest
from scenarios import small

from packsim.inspection.fill import OutOfCandidates
from packsim.line.build import build, slot_addresses
from packsim.line.yields import material_use
from packsim.scenario.line import LineModel
from packsim.study import block as blocks
from packsim.study.metrics import ROW
from packsim.study.run import run
from packsim.study.yields import TEST

if TYPE_CHECKING:
    from collections.abc import Callable

INSPECTED = {
    "line.steps.cutting.coated_area_ratio": {"sd_pct": 0.4, "tolerance_pct": 0.6},
    "line.steps.cutting.inspection": {"detection_pct": 90.0, "false_alarm_pct": 2.0},
    "line.steps.winding.inspection": {"detection_pct": 70.0, "on_reject": "rework", "rework_yield_pct": 60.0},
}
PACKS = 40


@pytest.fixture(scope="module")
def scenario():
    return small().updated(INSPECTED)


@pytest.fixture(scope="module")
def result(scenario):
    return run(scenario, PACKS)


def test_every_place_holds_its_first_cell_that_passes_everything(report: Callable[..., None], result) -> None:
    wrong = skipped = 0
    for number in range(result.block_count):
        filled = blocks.started(result.plans, result.seed, number, blocks.packs_in(result.plans, number, PACKS))
        slots = np.arange(filled.chosen.size)
        candidate = filled.cells.address[filled.chosen, 2]
        assert np.array_equal(filled.cells.address[filled.chosen, 1], slots)
        assert np.all(filled.cells.scrapped < 0)
        assert np.all(filled.scrapped.scrapped >= 0)
        for earlier in range(int(candidate.max())):  # every earlier candidate was scrapped or rejected
            open_ = slots[candidate > earlier]
            built = build(result.plans.line, result.seed, slot_addresses(number, open_, earlier))
            tested = {tuple(a): ok for a, ok in zip(filled.cells.address, filled.measured.accepted, strict=True)}
            for address, scrapped in zip(built.address, built.scrapped, strict=True):
                wrong += bool(tested.get(tuple(address), False)) if scrapped < 0 else tuple(address) in tested
                skipped += scrapped >= 0
    report("places with an earlier cell that would have passed, or scrap that was tested", wrong, 0, "", "==")
    report("cells that the line scrapped", skipped, 20, "", ">=")


def test_steps_are_counted_right(report: Callable[..., None], result) -> None:
    total, table = result.sums.sum(axis=0), result.yields()
    starts, tested, scrapped, passed = (int(total[ROW[key]]) for key in ("starts", "tested", "scrapped", "passed"))
    cutting, winding, test = (table.loc[step] for step in ("cutting", "winding", TEST))
    off = [
        starts - tested - scrapped,
        passed - PACKS * 12,
        cutting["entered"] - starts,
        cutting["entered"] - cutting["scrapped"] - winding["entered"],
        winding["entered"] - winding["scrapped"] - tested,
        cutting["reworked"],
        test["entered"] - tested,
        test["scrapped"] - (tested - passed),
    ]
    report("counts that do not add up", int(np.abs(np.array(off, float)).sum()), 0, "cells", "==")
    report("pieces reworked", int(winding["reworked"]), 5, "", ">=")
    summary = result.summary()
    report("scrap of the line", abs(summary["line_scrap_pct"]["value"] - 100.0 * scrapped / starts), 1e-9, "points")


def test_bits_do_not_depend_on_threads(report: Callable[..., None], scenario) -> None:
    numba.set_num_threads(1)
    try:
        one = run(scenario, 12)
    finally:
        numba.set_num_threads(numba.config.NUMBA_NUM_THREADS)
    other = run(scenario, 12)
    differ = int(np.sum(one.sums != other.sums)) + int((one.packs != other.packs).to_numpy().sum())
    report("line with scrap: numbers that differ with more threads", differ, 0, "", "==")


def test_materials_by_hand(report: Callable[..., None]) -> None:
    """100 starts: 10 scrapped as cathodes, 5 as anodes, 4 at winding, 1 at filling; 78 ship; 94 % of cathodes left."""
    step = {"inspection": {}}
    model = LineModel.model_validate(
        {
            "supplier_lot_cells": 10,
            "roll_cells": 10,
            "steps": {
                "mixing_cathode": {"material_yield_pct": 99.0},
                "coating_cathode": {"material_yield_pct": 95.0, **step},
                "coating_anode": step,
                "winding": step,
                "filling": step,
            },
        }
    )
    scrapped = {"coating_cathode": 10, "coating_anode": 5, "winding": 4, "filling": 1}
    found = {use.material: use for use in material_use(model, 100, scrapped, 78)}
    used = {  # a cathode lost before winding uses no anode, and the other way round
        "cathode": (100 - 5) / (0.99 * 0.95),
        "anode": 100 - 10,
        "separator": 100 - 15,
        "housing": 100 - 19,
        "electrolyte": 100 - 19,
    }
    off = max(abs(found[name].used - value) for name, value in used.items())
    report("material used, off by", off, 1e-9, "cells")
    report("loss of electrolyte off", abs(found["electrolyte"].loss_pct - 100.0 * 3 / 81), 1e-9, "%")


def test_a_line_that_scraps_all_names_the_step(scenario) -> None:
    hopeless = scenario.updated({"line.steps.cutting.coated_area_ratio.offset_pct": 8.0, "max_candidates": 5})
    hopeless = hopeless.updated({"line.steps.cutting.inspection.detection_pct": 100.0})
    with pytest.raises(OutOfCandidates, match="scrapped by the in-line inspection of step cutting"):
        run(hopeless, 4)

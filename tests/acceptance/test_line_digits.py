"""Defects and false alarms of a million cells are those of whole uniforms, though most are decided by a first digit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from naive_line import DIGIT

from packsim.line import plan as plans
from packsim.line.build import build, slot_addresses
from packsim.line.defects import DEFECTS
from packsim.numerics.streams import fill_words, seed_key
from packsim.scenario.line import LineModel
from packsim.scenario.traits import STEPS

if TYPE_CHECKING:
    from collections.abc import Callable

    from packsim.cell.cells import Cells

CELLS, SEED = 1_000_000, 77
DECISIONS, OCCURS_DIGITS, IN_LINE_DIGITS = 83, 71, 75  # numerics/purposes.py


def words(purpose: int) -> np.ndarray:
    out = np.empty((4, CELLS), np.uint32)
    fill_words(*seed_key(SEED), purpose, 0, 0, 0, out)
    return out.astype(np.uint64)


def uniforms(digit: int, rest: int, index: int) -> np.ndarray:
    """Digit number `digit` of 8 bits of DECISIONS, then word number `index` from `rest` on, over 2^40."""
    word, shift = divmod(8 * digit, 32)
    first = words(DECISIONS + word // 4)[word % 4] >> np.uint64(shift) & np.uint64(0xFF)
    return (first << np.uint64(32) | words(rest + index // 4)[index % 4]) / 2.0**40


def built(line: dict[str, Any]) -> Cells:
    model = LineModel.model_validate({"supplier_lot_cells": CELLS, "roll_cells": CELLS, **line})
    return build(plans.plan(model, CELLS), SEED, slot_addresses(0, range(CELLS)))


def test_defects_are_those_of_whole_uniforms(report: Callable[..., None]) -> None:
    """Rates under, at and above steps of the first digit, 2^-8; the largest makes all."""
    ppm = (3.0, 1e6 / 256, 40.0, 5_000.0, 300_000.0, 1e6)
    rates: dict[str, Any] = {
        defect.name: {"rate_ppm": rate, defect.severity: 1.0, "spread_factor": 1.5}
        for defect, rate in zip(DEFECTS, ppm, strict=True)
    }
    cells = built({"defects": rates})
    differ, rare = 0, 0
    for k, rate in enumerate(ppm):
        made = uniforms(k, OCCURS_DIGITS, k) < rate * 1e-6
        differ += np.count_nonzero(made != (cells.defect >> k & 1).astype(bool))
        rare += np.count_nonzero(made) if k == 0 else 0
    report("defects of 1e6 cells that are not those of whole uniforms", differ, 0, "", "==")
    assert rare > 0


def test_false_alarms_are_those_of_whole_uniforms(report: Callable[..., None]) -> None:
    """Rates under, at and above steps of the first digit, 2^-8, at all steps; rejects go on."""
    pct = [100.0 * share for share in (1e-6, 0.003, 1 / 256, 0.005, 1.5 / 256, 0.3)]
    given = {name: pct[j % len(pct)] for j, name in enumerate(STEPS)}
    inspection = {"on_reject": "rework", "rework_yield_pct": 100.0}
    steps = {name: {"inspection": {**inspection, "false_alarm_pct": alarm}} for name, alarm in given.items()}
    cells = built({"steps": steps})
    differ = 0
    for j, (name, alarm) in enumerate(given.items()):
        alarms = uniforms(DIGIT[name], IN_LINE_DIGITS, j) < alarm / 100.0
        differ += np.count_nonzero(alarms != (cells.rejected >> j & 1).astype(bool))
    report("false alarms of 1e6 cells at 18 steps that are not those of whole uniforms", differ, 0, "", "==")
    assert np.all(cells.scrapped < 0)

"""Calibration reaches the expected qualification rates of the EVE case, counted by plain simulation with other seeds.

The count fills one place in each of SLOTS supplier lots with its first passing cell, as a run does, and counts every
start. Its own standard error is at most 0.015 points and calibration's at most 0.015, so a bound of 0.05 points is at
least 2.3 standard errors away: chance of a false alarm under 2 % a row for an unlucky choice of seeds, which are fixed.
The K-value limit is absolute here; `test_relative_k_limit_block_by_block` measures the relative one.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from packsim.cell import plan as cell_plans
from packsim.inspection import plan as inspection_plans
from packsim.inspection import test as eol
from packsim.inspection.expected import lot_addresses
from packsim.line import plan as line_plans
from packsim.line.build import build, slot_addresses
from packsim.scenario.load import load
from packsim.study.calibrate import CalibrationError, calibrate

if TYPE_CHECKING:
    from collections.abc import Callable

    from packsim.scenario.model import Scenario

CONFIGS = Path(__file__).parents[2] / "configs"
BASELINE, BETTER = 89.8, 92.0
SLOTS, SEED, BATCH = 5_000_000, 20_150_101, 1 << 17
K_LIMIT = 0.35  # mV/day


def scenario(baseline_share: float, improvement_share: float | None, relative: bool = False) -> Scenario:
    changes = {"qualification.baseline_conformance_share": baseline_share}
    if improvement_share is not None:
        changes["qualification.improvement_conformance_share"] = improvement_share
    if not relative:
        changes |= {"inspection.k_value": {"rest_days": 10.0, "upper_mv_per_day": K_LIMIT}}
    name = "semi-automatic" if improvement_share is None else "automatic"
    return load(CONFIGS / f"eve-2015-{name}.yaml").updated(changes)


@pytest.fixture(scope="module")
def cell():
    return cell_plans.plan(scenario(0.5, None).cell)


def counted(line, inspection, seed: int) -> dict[str, tuple[float, float]]:
    """Shares (percent) of all starts and their standard errors: rejects without and with a defect."""
    starts, clean, defective = (np.zeros(SLOTS, np.int32) for _ in range(3))
    for first in range(0, SLOTS, BATCH):
        slots = np.arange(first, min(first + BATCH, SLOTS))
        address = lot_addresses(line, slots)
        while slots.size and address[0, 2] < 100:
            cells = build(line, seed, address)
            rejected = ~eol.test(inspection, cells, seed).accepted
            starts[slots] += 1
            clean[slots] += rejected & (cells.defect == 0)
            defective[slots] += rejected & (cells.defect != 0)
            slots, address = slots[rejected], address[rejected]
            address[:, 2] += 1
    total = float(starts.sum())

    def share(events: np.ndarray) -> tuple[float, float]:
        value = events.sum() / total
        return 100.0 * value, 100.0 * math.sqrt(float(((events - value * starts) ** 2).sum())) / total

    return {"without": share(clean), "with": share(defective), "any": share(clean + defective)}


def slow(*case: float | None):
    return pytest.param(*case, marks=pytest.mark.slow)


@pytest.mark.parametrize(
    ("baseline_share", "improvement_share"),
    [
        (0.5, None),
        (0.5, 0.5),
        slow(0.05, None),
        slow(1.0, None),
        slow(0.5, 0.0),
        slow(0.5, 1.0),
        slow(0.05, 0.0),
        slow(1.0, 1.0),
    ],
)
def test_expected_rates_are_reached(
    report: Callable[..., None], cell, baseline_share: float, improvement_share: float | None
) -> None:
    wanted = scenario(baseline_share, improvement_share)
    found = calibrate(wanted, cell)
    line = line_plans.plan(
        wanted.line, wanted.slots_per_block, sd_factor=found.sd_factor, defect_factor=found.defect_factor
    )
    got = counted(line, inspection_plans.plan(wanted.inspection, cell, line), SEED)
    rate = BASELINE if improvement_share is None else BETTER
    name = f"calibrate {rate} %, shares {baseline_share}" + (
        "" if improvement_share is None else f"/{improvement_share}"
    )
    target = wanted.qualification
    report(f"{name}: qualification rate off", abs(100.0 - got["any"][0] - rate), 0.05, "points")
    report(
        f"{name}: rejects without defect off", abs(got["without"][0] - target.conformance_reject_pct), 0.05, "points"
    )
    report(f"{name}: rejects with defect off", abs(got["with"][0] - target.defect_reject_pct), 0.05, "points")
    report(f"{name}: standard error of this count", got["any"][1], 0.015, "points")
    report(f"{name}: its own standard error", found.standard_error_pct, 0.015, "points")


@pytest.mark.parametrize(("baseline_share", "improvement_share"), [(0.05, 0.5), (0.05, 1.0), (1.0, 0.0), (1.0, 0.5)])
def test_impossible_assumptions_are_refused(cell, baseline_share: float, improvement_share: float) -> None:
    with pytest.raises(CalibrationError, match=r"negative; .* improvement_conformance_share needs [\d.]+ to [\d.]+"):
        calibrate(scenario(baseline_share, improvement_share), cell)


def test_relative_k_limit_block_by_block(report: Callable[..., None], cell) -> None:
    """Limits from 1,024 cells a lot stand for those of a block: rejects by the K-value among clean and defective cells.

    The rest of the rates does not depend on the limit. 40 blocks, so 80 lots; bounds are 4.9 standard errors (1e-6) and
    0.02 points for the limit's own scatter.
    """
    wanted = scenario(0.5, None, relative=True)
    found = calibrate(wanted, cell)
    line = line_plans.plan(
        wanted.line, wanted.slots_per_block, sd_factor=found.sd_factor, defect_factor=found.defect_factor
    )
    inspection = inspection_plans.plan(wanted.inspection, cell, line)
    from packsim.inspection.expected import lot_limits

    few = lot_limits(line, inspection, 1, 1 << 18, 1024)
    alone, limits = [], []
    for block in range(1000, 1040):
        cells = build(line, SEED, slot_addresses(block, range(wanted.slots_per_block)))
        m = eol.test(inspection, cells, SEED)
        clean = cells.defect == 0
        alone.append(float((m.cause[clean] == eol.Cause.K_VALUE).mean()))
        limits += np.unique(m.k_limit_mv_per_day).tolist()
    error = math.hypot(np.std(alone, ddof=1) / math.sqrt(len(alone)), few.alone.error)
    off = 100.0 * abs(np.mean(alone) - few.alone.value)
    report("relative K limit: clean cells it alone rejects, off block by block", off, 490.0 * error + 0.02, "points")
    ratio = abs(np.mean(limits) / few.limit_mv_per_day.mean() - 1.0)
    report("relative K limit: mean limit off block by block", 100.0 * ratio, 1.0, "%")

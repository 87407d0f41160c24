"""In-line inspections find what they should, rework makes anew, and yields multiply only where steps are independent."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy import stats

from packsim.cell.cells import Cells
from packsim.cell.traits import INDEX, TRAITS
from packsim.line import plan as plans
from packsim.line.build import build, slot_addresses
from packsim.scenario.line import LineModel

if TYPE_CHECKING:
    from collections.abc import Callable

FALSE_ALARM = 1e-6  # of each statistical bound below, seeds being fixed
Z = float(-stats.norm.ppf(FALSE_ALARM / 2))
N = 400_000
CHAIN = ("cathode_loading_ratio", "cathode_thickness_ratio", "coated_area_ratio", "overlap_ratio")


def cells_of(steps: dict[str, Any], n: int = N, lot: int = 1, **more: Any) -> Cells:
    model = LineModel.model_validate({"supplier_lot_cells": lot, "roll_cells": 1, "steps": steps, **more})
    return build(plans.plan(model, n), 17, slot_addresses(0, range(n)))


def off(hits: np.ndarray, share: float) -> tuple[float, float]:
    """Distance of a share from the expected one, and its bound."""
    return abs(float(hits.mean()) - share), Z * math.sqrt(share * (1.0 - share) / hits.size)


def test_detection_and_false_alarms(report: Callable[..., None]) -> None:
    """Two traits of one step and a defect: each fault is found by itself."""
    alarm, found, seen = 0.02, 0.7, 0.4
    trait = {"sd_pct": 1.0, "lower_pct": 98.5, "upper_pct": 102.0}
    steps = {
        "incoming": {
            "separator_thickness_ratio": trait,
            "separator_porosity_ratio": trait,
            "inspection": {"detection_pct": 100 * found, "false_alarm_pct": 100 * alarm},
        },
        "winding": {"inspection": {"detects": {"misalignment": 100 * seen}}},
    }
    cells = cells_of(steps, defects={"misalignment": {"rate_ppm": 1e5, "overlap_loss_pct": 5.0}})
    rows = cells.values[[INDEX["separator_thickness_ratio"], INDEX["separator_porosity_ratio"]]]
    faults = ((rows < 0.985) | (rows > 1.02)).sum(axis=0)
    for count in range(3):
        share = 1.0 - (1.0 - alarm) * (1.0 - found) ** count
        row = off(cells.scrapped[faults == count] == 0, share)
        report(f"in-line: rejects with {count} faults off {share:.3f}", *row)
    late = cells.scrapped != 0
    wrong = cells.defect > 0
    report("in-line: defects found off 0.4", *off(cells.scrapped[late & wrong] == 1, seen))
    report(
        "in-line: good pieces found without false alarms", np.mean(cells.scrapped[late & ~wrong] == 1), 0.0, "", "=="
    )
    gone = (cells.scrapped == 0) & (cells.rejected != 1)
    report("in-line: scrapped pieces seen by a later step", gone.sum(), 0, "", "==")


def test_rework_makes_the_step_anew(report: Callable[..., None]) -> None:
    good = 0.8
    trait = {"sd_pct": 1.0, "tolerance_pct": 1.5, "between_lot_share": 0.5}
    inspection = {"detection_pct": 100.0, "on_reject": "rework", "rework_yield_pct": 100 * good}
    steps = {"winding": {"overlap_ratio": trait, "inspection": inspection}}
    more = {"defects": {"misalignment": {"rate_ppm": 1e5, "overlap_loss_pct": 5.0}}, "lot": 4}
    cells = cells_of(steps, **more)
    steps["winding"] = {"overlap_ratio": trait}
    before = cells_of(steps, **more)
    rejected, kept = cells.rejected == 1, cells.scrapped < 0
    untouched = np.array_equal(cells.values[:, ~rejected], before.values[:, ~rejected])
    report("rework: pieces that were not rejected stay to the bit", untouched, 1, "", "==")
    report("rework: share that goes on off 80 %", *off(kept[rejected], good))
    again = rejected & kept
    report("rework: defects left", np.count_nonzero(cells.defect[again]), 0, "", "==")
    x = cells.values[INDEX["overlap_ratio"]].reshape(-1, 4)
    others = np.where(rejected.reshape(-1, 4), np.nan, x)
    alone = again.reshape(-1, 4) & (rejected.reshape(-1, 4).sum(axis=1) == 1)[:, None]
    lot_mean = np.nanmean(others[alone.any(axis=1)], axis=1)
    together = float(np.corrcoef(x[alone], lot_mean)[0, 1])
    report("rework: pieces made again still go with their lot", together, 0.3, "correlation", ">")
    plain = before.values[INDEX["overlap_ratio"]]
    fresh = (plain[before.defect == 0] - 1.0).std() / 0.01
    report("rework: sd before rework off", abs(fresh - 1.0), Z / math.sqrt(N / 4))


def chain(inspected: tuple[str, ...], *, rework: bool = False, split: dict[str, float] | None = None) -> dict[str, Any]:
    steps: dict[str, Any] = {}
    for trait in TRAITS:
        if trait.name in CHAIN:
            steps[trait.step] = {trait.name: {"sd_pct": 1.0, "tolerance_pct": 2.0, **(split or {})}}
            if trait.name in inspected:
                steps[trait.step]["inspection"] = {
                    "detection_pct": 95.0,
                    "false_alarm_pct": 0.5,
                    "on_reject": "rework" if rework else "scrap",
                    "rework_yield_pct": 50.0,
                }
    return steps


def correlated(value: float, level: str) -> list[dict[str, Any]]:
    return [{"a": a, "b": b, "value": value, "level": level} for k, a in enumerate(CHAIN) for b in CHAIN[k + 1 :]]


@pytest.mark.parametrize(
    ("case", "lot", "split", "correlations", "rework", "differs"),
    [
        ("independent steps", 1, {}, [], False, False),
        ("independent steps, shared lots", 10, {"between_lot_share": 0.8}, [], False, False),
        ("steps correlated by 0.8", 1, {}, correlated(0.8, "within"), False, True),
        ("lots bad in all ways at once", 10, {"between_lot_share": 0.8}, correlated(0.9, "lot"), False, True),
        ("independent steps with rework", 1, {}, [], True, False),
        ("lots bad in all ways, with rework", 10, {"between_lot_share": 0.8}, correlated(0.9, "lot"), True, True),
    ],
)
def test_rolled_throughput_yield(
    report: Callable[..., None],
    case: str,
    lot: int,
    split: dict[str, float],
    correlations: list[dict[str, Any]],
    rework: bool,
    differs: bool,
) -> None:
    """RTY beside the product of the FPYs of each step measured on all pieces; errors by lots, at five sigma.

    A step's limits hold 95.45 %; with 95 % found and 0.5 % false alarms its FPY is 95.20 %.
    """
    firsts = []
    for trait in CHAIN:
        alone = cells_of(chain((trait,), split=split), lot=lot, correlations=correlations)
        firsts.append((alone.rejected == 0).reshape(-1, lot).mean(axis=1))
    inside = float(1.0 - 2.0 * stats.norm.sf(2.0))
    expected = 0.995 * (inside + (1.0 - inside) * 0.05)
    for first in firsts[:1]:
        error = 5.0 * first.std() / math.sqrt(first.size)
        report(
            f"{case}: FPY of a step off {100 * expected:.2f} %",
            100 * abs(first.mean() - expected),
            100 * error,
            "points",
        )
    cells = cells_of(chain(CHAIN, split=split, rework=rework), lot=lot, correlations=correlations)
    passed = (cells.rejected == 0).reshape(-1, lot).mean(axis=1)
    product = math.prod(float(first.mean()) for first in firsts)
    linear = passed - product * sum(first / first.mean() for first in firsts)  # what moves the difference, lot by lot
    error = 5.0 * float(linear.std()) / math.sqrt(passed.size)
    gap = float(passed.mean()) - product
    report(
        f"{case}: RTY {100 * passed.mean():.2f} %, above product of FPYs by",
        100 * (gap if differs else abs(gap)),
        100 * error,
        "points",
        ">" if differs else "<=",
    )
    # as a plant counts: at each step, of the pieces that enter it
    entering = [(cells.scrapped < 0) | (cells.scrapped >= j) for j in range(len(CHAIN))]
    counted = math.prod(1.0 - float(((cells.rejected[enter] >> j) & 1).mean()) for j, enter in enumerate(entering))
    gap = 100 * (float(passed.mean()) - counted)
    name = f"{case}: RTY above product of FPYs of pieces that enter"
    if not rework:
        report(name, abs(gap), 1e-10, "points")
    elif differs:
        report(name, gap, 100 * error, "points", ">")
    else:
        report(name, abs(gap), 100 * error, "points")

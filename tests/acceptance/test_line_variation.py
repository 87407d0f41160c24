"""Lots, lanes, rolls, drift, wear and the closed loop move cells as docs/line.md says."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy import stats

from packsim.cell.traits import INDEX
from packsim.line import plan as plans
from packsim.line.build import build, slot_addresses
from packsim.scenario.line import LineModel

if TYPE_CHECKING:
    from collections.abc import Callable

FALSE_ALARM = 1e-6  # of each statistical bound below, seeds being fixed
Z = float(-stats.norm.ppf(FALSE_ALARM / 2))
ROW = INDEX["coated_area_ratio"]
SD = 0.01


def values(cells: int, *, lot: int, roll: int, gain: float = 0.0, seed: int = 9, **given: Any) -> np.ndarray:
    """One trait of the cells of one block, row by row of the lots."""
    line = {key: given.pop(key) for key in ("web_lanes", "segment_cells") if key in given}
    model = LineModel.model_validate(
        {
            "supplier_lot_cells": lot,
            "roll_cells": roll,
            **line,
            "automation_levels": {"industrie_4_0": {"feedback_gain": gain}},
            "steps": {"cutting": {"automation": "industrie_4_0", "coated_area_ratio": {"sd_pct": 100.0 * SD, **given}}},
        }
    )
    return build(plans.plan(model, cells), seed, slot_addresses(0, range(cells))).values[ROW]


def test_shares_of_the_variance_come_back(report: Callable[..., None]) -> None:
    """Five mean squares of every lot, with their exact expectations and covariances under the model, give the shares."""
    rolls, each, lanes, segment, p = 5, 24, 3, 4, math.exp(-4 / 10)
    n, lots = rolls * each, 4000
    shares = {
        "between_lot_share": 0.15,
        "between_lane_share": 0.2,
        "between_roll_share": 0.1,
        "drift_share": 0.3,
    }
    x = values(n * lots, lot=n, roll=each, web_lanes=lanes, segment_cells=segment, drift_cells=10.0, **shares)
    deviation = (x - 1.0).reshape(lots, n) / SD
    place = np.arange(n)
    roll, lane, piece = place // each, place % each % lanes, place % each // segment
    same_roll = roll[:, None] == roll[None, :]
    same_lane = lane[:, None] == lane[None, :]
    drifts = np.where(same_roll, p ** np.abs(piece[:, None] - piece[None, :]), 0.0)
    parts = [np.ones((n, n)), same_lane.astype(float), same_roll.astype(float), drifts, np.eye(n)]
    same_piece = same_roll & (piece[:, None] == piece[None, :])
    forms = [np.ones((n, n)) / n**2, same_lane / (n * n / lanes), same_roll / (n * each), same_piece / (n * segment)]
    forms.append(np.eye(n) / n)
    given = np.array([*shares.values(), 1.0 - sum(shares.values())])
    whole = np.tensordot(given, parts, 1)
    squares = np.array([np.einsum("li,ij,lj->", deviation, form, deviation, optimize=True) / lots for form in forms])
    expectation = np.array([[np.sum(form * part) for part in parts] for form in forms])
    products = [form @ whole for form in forms]
    covariance = np.array([[2.0 * np.sum(a * b.T) / lots for b in products] for a in products])
    inverse = np.linalg.inv(expectation)
    found, error = inverse @ squares, np.sqrt(np.diag(inverse @ covariance @ inverse.T))
    for name, got, want, one in zip(("lot", "lane", "roll", "drift", "within"), found, given, error, strict=True):
        report(f"share of the variance, {name}: off {want:.2f}", abs(got - want), Z * one)


def test_drift_is_autoregressive_and_starts_anew_with_every_roll(report: Callable[..., None]) -> None:
    rolls, each, segment = 2000, 400, 8
    p = math.exp(-segment / 90.0)
    x = values(rolls * each, lot=each * 5, roll=each, segment_cells=segment, drift_share=1.0, drift_cells=90.0)
    pieces = ((x - 1.0) / SD).reshape(rolls, each // segment, segment)
    report("drift: change within a segment", np.ptp(pieces, axis=2).max(), 1e-12, "sd")
    d = pieces[:, :, 0]
    for lag in (0, 1, 2, 5, 20):
        per_roll = (d[:, : d.shape[1] - lag] * d[:, lag:]).mean(axis=1)
        name = "drift: variance off 1" if lag == 0 else f"drift: autocorrelation at lag {lag} off p^{lag}"
        report(name, abs(per_roll.mean() - p**lag), Z * per_roll.std() / math.sqrt(rolls))
    over = d[:-1, -1] * d[1:, 0]
    report("drift: correlation over the edge of a roll", abs(over.mean()), Z * over.std() / math.sqrt(rolls - 1))
    first = d[:, 0].var() - 1.0
    report("drift: variance of first segments off 1", abs(first), Z * math.sqrt(2.0 / rolls))


def test_wear_is_a_ramp_from_tool_change_to_tool_change(report: Callable[..., None]) -> None:
    life, segment = 960, 32
    x = values(20 * life, lot=480, roll=96, segment_cells=segment, wear_pct=-3.0, tool_life_cells=life) - 1.0
    still = values(20 * life, lot=480, roll=96, segment_cells=segment) - 1.0
    made = np.arange(x.size) // segment * segment % life
    report("wear: worst distance from the ramp", np.abs(x - still + 0.03 * made / life).max(), 1e-14)
    report(
        "wear: mean over tool lives off that of the ramp", abs((x - still).mean() + 0.015 * (1 - segment / life)), 1e-14
    )


def test_closed_loop_follows_its_recursion(report: Callable[..., None]) -> None:
    """Offsets of lots and rolls shrink by 1 - gain with each segment; wear is followed with a lag."""
    gain, segment, each = 0.4, 10, 200
    shares = {"between_lot_share": 0.5, "between_roll_share": 0.5, "offset_pct": 2.0}
    more = {"lot": 800, "roll": each, "segment_cells": segment, **shares}
    free, held = (values(40_000, gain=g, **more).reshape(-1, each // segment, segment) - 1.0 for g in (0.0, gain))
    shrunk = free * (1.0 - gain) ** np.arange(each // segment)[:, None]
    report("closed loop: offsets off (1 - gain)^segment", np.abs(held - shrunk).max(), 1e-14)
    wear = {"lot": 800, "roll": 800, "segment_cells": segment, "wear_pct": 4.0, "tool_life_cells": 800}
    x = values(8000, gain=gain, drift_share=0.0, between_lot_share=1.0, **wear).reshape(10, -1, segment)[:, :, 0] - 1.0
    worn = values(8000, between_lot_share=1.0, **wear).reshape(10, -1, segment)[:, :, 0] - 1.0
    worst = 0.0
    for free_roll, roll in zip(worn, x, strict=True):
        correction = 0.0
        for own, got in zip(free_roll, roll, strict=True):
            worst = max(worst, abs(own + correction - got))
            correction -= gain * (own + correction)
    report("closed loop: worn lots off the recursion by hand", worst, 1e-14)
    report(
        "closed loop: mean square deviation of worn lots", np.mean(x**2) / np.mean(worn**2), 0.5, "of that without", "<"
    )


@pytest.mark.parametrize("drift_cells", [5.0, 100.0])
def test_closed_loop_on_drift_has_the_variance_of_its_recursion(
    report: Callable[..., None], drift_cells: float
) -> None:
    """Covariances of (drift, correction) from segment to segment by hand; chi-square bounds over 4,000 rolls."""
    gain, segment, each, rolls = 0.5, 10, 120, 4000
    p = math.exp(-segment / drift_cells)
    more = {"lot": each, "roll": each, "segment_cells": segment, "drift_share": 1.0, "drift_cells": drift_cells}
    x = (values(each * rolls, gain=gain, **more).reshape(rolls, -1, segment)[:, :, 0] - 1.0) / SD
    step, noise = np.array([[p, 0.0], [-gain, 1.0 - gain]]), np.diag([1.0 - p * p, 0.0])
    state, worst = np.diag([1.0, 0.0]), 0.0
    for got in (x**2).mean(axis=0):
        worst = max(worst, abs(got / state.sum() - 1.0))
        state = step @ state @ step.T + noise
    count = x.shape[1]
    bound = float(stats.chi2.isf(FALSE_ALARM / 2 / count, rolls)) / rolls - 1.0
    report(f"closed loop on drift over {drift_cells:g} cells: variance off its recursion", worst, bound)
    direction, name = ("<", "slow drift is reduced to") if p > 0.7 else (">", "fast drift, noise added:")
    report(f"closed loop: {name}", float(np.mean(x[:, 2:] ** 2)), 1.0, "of the variance", direction)


@pytest.mark.parametrize(
    "shape",
    [
        {"distribution": "lognormal"},
        {"distribution": "weibull", "weibull_shape": 2.0},
        {"distribution": "inverse_weibull"},
        {"distribution": "mixture", "tail_share_pct": 1.0, "tail_offset_pct": 8.0, "tail_sd_pct": 1.0},
    ],
    ids=lambda shape: str(shape["distribution"]),
)
def test_closed_loop_re_centres_every_shape(report: Callable[..., None], shape: dict[str, Any]) -> None:
    """A centred process is left alone; an offset of half an sd goes, but for 15 %: tables are bent, the loop is straight."""
    more = {"lot": 200, "roll": 200, "segment_cells": 10, **shape}
    alone = np.abs(values(40_000, gain=0.5, **more) - values(40_000, **more)).max()
    report(f"closed loop, {shape['distribution']}: a centred process moves", alone, 1e-12)
    held = values(40_000, gain=0.5, offset_pct=0.5, **more).reshape(-1, 200)[:, 100:].mean()
    centred = values(40_000, **more).reshape(-1, 200)[:, 100:].mean()
    report(f"closed loop, {shape['distribution']}: left of an offset", abs(held - centred) / 0.005, 0.15)

"""Every way of matching places every cell once; groups come out as even as it promises; bins and leftovers are exact."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inspections import cells_at, in_blocks, plan_of, true_of
from scenarios import small

from packsim.inspection.bins import bin_of
from packsim.inspection.grade import TooFewInBins, grade, greedy, slots_needed, snake, unassembled
from packsim.inspection.measured import Measured
from packsim.inspection.plan import InspectionPlan
from packsim.inspection.read import read
from packsim.study.matching import compare_matchings

if TYPE_CHECKING:
    from collections.abc import Callable

WAYS = ("in_order", "capacity_bins", "sorted", "random_in_bin", "snake", "greedy_conductance")
LIMITS: dict[str, Any] = {
    "capacity": {"lower_pct": 96.0, "upper_pct": 104.0, "gauge_sd_pct": 0.2},
    "dcir": {"lower_pct": 80.0, "upper_pct": 120.0, "gauge_sd_pct": 1.0},
    "ocv": {"lower_mv": -5.0, "upper_mv": 5.0, "meter_sd_mv": 0.1},
    "k_value": {"upper_mv_per_day": 0.5},
}


@functools.cache
def graded(**grading: Any) -> InspectionPlan:
    return plan_of(**LIMITS | {"grading": grading})


def cells(plan: InspectionPlan, n: int, seed: int = 1) -> Measured:
    rng = np.random.default_rng(seed)
    true = true_of(plan, n, rng.normal(100, 1, n), rng.normal(100, 4, n), rng.normal(0, 1, n), rng.exponential(0.05, n))
    return read(plan, cells_at(in_blocks(1, n)), true, seed)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("packs", "series", "parallel"), [(4, 3, 1), (5, 6, 4), (1, 1, 7), (3, 8, 3)])
def test_every_way_is_a_permutation(way: str, packs: int, series: int, parallel: int) -> None:
    plan, n = graded(matching=way, dcir_bins=2, ocv_bins=3, k_bins=2), packs * series * parallel
    measured = cells(plan, n)
    order = grade(plan, measured, packs, series * parallel, parallel, block=3, seed=4)
    assert order.shape == (packs, series * parallel)
    assert order.dtype == np.int64
    assert np.array_equal(np.sort(order.ravel()), np.arange(n))
    assert np.array_equal(order, grade(plan, measured, packs, series * parallel, parallel, block=3, seed=4))
    assert unassembled(order, n).size == 0


def test_snake_of_evenly_spaced_values_makes_equal_sums(report: Callable[..., None]) -> None:
    for groups, parallel in ((12, 2), (96, 20), (7, 4)):
        values = np.random.default_rng(2).permutation(groups * parallel).astype(float)
        sums = values[snake(values, parallel)].sum(axis=1)
        report(f"snake, {groups} groups of {parallel}: range of the sums", float(np.ptp(sums)), 0.0, "", "==")
    assert snake(np.array([3.0, 1.0, 2.0, 0.0]), 2).tolist() == [[3, 0], [1, 2]]


def test_greedy_is_the_plain_rule() -> None:
    rng = np.random.default_rng(5)
    for groups, parallel in ((5, 3), (8, 4)):
        values = rng.normal(10, 1, groups * parallel)
        made: list[list[int]] = [[] for _ in range(groups)]
        best_first = sorted(range(values.size), key=lambda i: -values[i])
        for r in range(parallel):
            poorest = sorted(range(groups), key=lambda g: sum(values[i] for i in made[g]))
            for g, i in zip(poorest, best_first[r * groups : (r + 1) * groups], strict=True):
                made[g].append(i)
        assert greedy(values, parallel).tolist() == made


def test_matched_groups_are_more_even_than_random_ones(report: Callable[..., None]) -> None:
    """Readings of one block each, 40 blocks; by the values that each way sees."""
    series, parallel, packs = 14, 4, 5
    plans = {way: graded(matching=way) for way in ("random_in_bin", "snake", "greedy_conductance")}
    alone = graded(matching="random_in_bin", capacity_bins=1)
    worst = {"snake": 0.0, "greedy_conductance": 0.0}
    for seed in range(40):
        measured = cells(alone, packs * series * parallel, seed)
        seen = {"snake": measured.capacity_ah, "greedy_conductance": 1.0 / measured.dcir_mohm}
        mixed = grade(alone, measured, packs, series * parallel, parallel, block=seed, seed=1)
        for way, values in seen.items():
            order = grade(plans[way], measured, packs, series * parallel, parallel)
            spread, random = (values[o].reshape(-1, parallel).sum(axis=1).std() for o in (order, mixed))
            worst[way] = max(worst[way], spread / random)
    for way, ratio in worst.items():
        report(f"{way}: spread of groups' sums over that of random groups, worst of 40", ratio, 0.35)


def test_random_in_bin_shuffles_within_bins_only(report: Callable[..., None]) -> None:
    plan, n = graded(matching="random_in_bin", capacity_bins=4, dcir_bins=2), 800
    measured = cells(plan, n)
    order = grade(plan, measured, 20, 40, block=1, seed=9).ravel()
    bins = bin_of(plan.grades, (measured.capacity_ah, measured.dcir_mohm, measured.ocv_v, None))
    assert np.all(np.diff(bins[order]) >= 0)
    assert np.unique(bins).size == 8
    others = [grade(plan, measured, 20, 40, block=b, seed=s).ravel() for b, s in ((2, 9), (1, 10))]
    assert all(not np.array_equal(order, other) for other in others)
    largest = order[bins[order] == np.bincount(bins).argmax()]
    from scipy.stats import kendalltau

    tau = abs(float(kendalltau(largest, np.arange(largest.size)).statistic))
    report("random_in_bin: order left in a bin (Kendall's tau)", tau, 5 * 2 / 3 / math.sqrt(largest.size))


@given(st.integers(1, 6), st.integers(2, 12), st.integers(1, 5), st.integers(0, 10_000))
@settings(max_examples=60, deadline=None)
def test_the_spare_cells_always_suffice(packs: int, per_pack: int, number: int, seed: int) -> None:
    """As many packs as asked for, each from one bin, whatever the bins hold; one cell fewer may not do."""
    plan = graded(whole_packs=True, capacity_bins=number)
    n = slots_needed(plan, packs, per_pack)
    low, high = plan.capacity_spec_ah
    capacity = np.random.default_rng(seed).uniform(low, high, n)
    order = grade(plan, capacity, packs, per_pack)
    bins = np.clip(((capacity - low) / (high - low) * number).astype(int), 0, number - 1)
    assert order.shape == (packs, per_pack)
    assert np.unique(order).size == order.size
    assert np.all(bins[order] == bins[order[:, :1]])
    left = unassembled(order, n)
    assert left.size == n - packs * per_pack
    assert not set(left.tolist()) & set(order.ravel().tolist())


def test_the_spare_cells_are_no_more_than_needed() -> None:
    plan = graded(whole_packs=True, capacity_bins=3)
    n = slots_needed(plan, 2, 10)
    assert n == 2 * 10 + 2 * 9
    low, high = plan.capacity_spec_ah
    worst = np.repeat([0, 1, 2], [9, 9, 19])[
        :n
    ]  # one fewer: the third bin holds one pack and all but one cell of another
    with pytest.raises(TooFewInBins, match="spare_pct"):
        grade(plan, low + (high - low) * (worst + 0.5) / 3.0, 2, 10)
    assert slots_needed(graded(whole_packs=True, spare_pct=10.0), 2, 10) == 22
    assert slots_needed(graded(capacity_bins=3), 2, 10) == 20


def test_wrong_numbers_and_missing_readings_are_refused() -> None:
    with pytest.raises(ValueError, match="needs the readings of DCIR"):
        grade(graded(matching="greedy_conductance"), np.full(6, 2.5), 2, 3, 1)
    with pytest.raises(ValueError, match="snake needs the number of cells in a group"):
        grade(graded(matching="snake"), np.full(6, 2.5), 2, 3)
    with pytest.raises(ValueError, match="bins of dcir_mohm need its readings"):
        grade(graded(matching="random_in_bin", dcir_bins=2), np.full(6, 2.5), 2, 3)
    with pytest.raises(ValueError, match="groups of 2 do not divide"):
        grade(graded(), np.full(6, 2.5), 2, 3, 2)
    with pytest.raises(ValueError, match="need 6 cells"):
        grade(graded(whole_packs=True), np.full(5, 2.5), 2, 3)


def test_matchings_compared_on_packs(report: Callable[..., None]) -> None:
    """Groups of two by capacity: snake must even them out, in true capacity too, and no way may lose a cell."""
    scenario = small(pack__series=6, pack__parallel=2)
    ways = ({"matching": "in_order"}, {"matching": "in_order"}, {"matching": "snake"})
    table = compare_matchings(scenario, ways[1:], packs=48)
    same = compare_matchings(scenario, ways[:2], packs=12)
    assert (same["difference"] == 0.0).all()
    row = table.loc[("snake", "group_capacity_cv_pct")]
    report(
        "snake against in_order: spread of groups' capacity, upper end of the difference",
        row["high"],
        0.0,
        "points",
        "<",
    )
    assert row["beyond_noise"]
    assert (table["left_over_pct"] == 0.0).all()
    spare = compare_matchings(scenario, ({"whole_packs": True, "capacity_bins": 2},), packs=8)
    want = 100.0 * 11 / (4 * 12)  # (2 - 1) bins x (12 - 1) cells beyond 4 packs of 12
    report(
        "cells left over by whole packs of two bins, off what is planned",
        abs(spare["left_over_pct"].iloc[0] - want),
        1e-9,
    )

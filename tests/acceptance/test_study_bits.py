"""Runs are the same to the bit whatever the threads, blocks or processes; controls that must vanish do."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numba
import numpy as np
import pandas as pd
import pytest
from scenarios import small

from packsim.cell.traits import INDEX
from packsim.study import block as blocks
from packsim.study.compare import compare
from packsim.study.run import Result, run
from packsim.verdict.attribution import PARTS, attribute

PACKS = 40


def digest(result: Result) -> str:
    """Hash of every bit of cells, packs and summary."""
    total = hashlib.sha256()
    for frame in (result.cells, result.packs):
        total.update(pd.util.hash_pandas_object(frame).to_numpy().tobytes())
    total.update(repr(result.summary()).encode())
    return total.hexdigest()


@pytest.fixture(scope="module")
def result() -> Result:
    return run(small(), packs=PACKS, seed=5)


def test_bits_do_not_depend_on_threads(result, report):
    before = numba.get_num_threads()
    found = []
    for threads in sorted({1, min(2, before), before}):
        try:
            numba.set_num_threads(threads)
            found.append(digest(run(small(), packs=PACKS, seed=5)))
        finally:
            numba.set_num_threads(before)
    report("results that differ between 1 and more threads", sum(x != digest(result) for x in found), 0)


def test_bits_do_not_depend_on_the_process(result, report):
    tests = Path(__file__).parents[1]
    code = (
        f"import sys; sys.path[:0] = [{str(tests)!r}, {str(tests / 'acceptance')!r}]\n"
        "from test_study_bits import digest, PACKS\nfrom scenarios import small\nfrom packsim.study.run import run\n"
        "if __name__ == '__main__': print(digest(run(small(), packs=PACKS, seed=5)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    report("results that differ in a new process", int(done.stdout.split()[-1] != digest(result)), 0)


def test_any_block_alone_or_out_of_order_is_the_same(result, report):
    differ = 0
    for number in (7, 2, 9):
        alone = blocks.run_block(result.plans, 5, number, 4)
        kept = result.store.blocks[number]
        differ += not np.array_equal(alone.sums, kept.sums) or not np.array_equal(alone.candidate, kept.candidate)
        differ += any(not np.array_equal(alone.packs[name], kept.packs[name]) for name in alone.packs)
    report("blocks that differ when run alone and out of order", differ, 0)


def test_a_longer_run_begins_with_the_shorter(result, report):
    longer = run(small(), packs=PACKS + 20, seed=5)
    same = longer.packs.head(PACKS).equals(result.packs)
    report("packs of a shorter run that differ in a longer one", 0 if same else 1, 0)


def test_packs_and_cells_are_exact(result):
    cells, packs = result.cells, result.packs
    assert len(packs) == PACKS
    assert (cells["pack"] >= 0).sum() == PACKS * 12
    assert cells.loc[cells["pack"] >= 0, "accepted"].all()
    shipped = cells[cells["accepted"]]
    assert len(shipped) == PACKS * 12  # every accepted cell ships: in a slot, the first that passes
    assert 100.0 * len(shipped) / len(cells) == pytest.approx(result.summary()["qualification_rate_pct"]["value"])
    one = result.cells_of(3)
    assert list(one["position"]) == list(range(12))
    pd.testing.assert_frame_equal(one, cells[cells["pack"] == 3].sort_values("position", ignore_index=True))
    with pytest.raises(IndexError, match=r"0\.\.39"):
        result.cells_of(PACKS)


def test_no_spread_and_no_defects_no_pack_differs(report):
    scenario = small().updated(
        {
            "line": {"supplier_lot_cells": 24, "roll_cells": 8},
            "inspection.storage.charge_sd_pct": 0.0,
            "pack.bms.sensor_offset_sd_mv": 0.0,
        }
    )
    packs = run(scenario, packs=12, seed=3).packs
    columns = [name for name in packs if name not in ("pack", "block") and not name.startswith("weakest_cell")]
    different = sum(packs[name].nunique() > 1 for name in columns)
    report("no spread, no defects: columns in which packs differ", different, 0)
    # the nominal pack is one nominal cell under the same duty, so these packs are exactly 100 %
    report(
        "no spread: distance from the nominal pack",
        float((packs["usable_capacity_pct"] - 100.0).abs().max()),
        1e-4,
        "%",
    )


def test_a_against_a_is_exactly_zero(report):
    found = compare(small(), small(), packs=PACKS, seed=5)
    values = [row.difference for row in found.differences] + [row.low for row in found.differences]
    report("A against A: largest difference", max(abs(v) for v in values), 0.0)
    assert not any(row.real for row in found.differences)
    assert found.pairing.same_candidate_share == 1.0
    assert found.pairing.pack_capacity_correlation == 1.0


def test_common_luck_pairs_the_cells(report):
    # a slightly better line: nearly every slot holds the same physical cell
    better = small(line__steps__coating_cathode__cathode_loading_ratio__sd_pct=0.95)
    found = compare(small(), better, packs=PACKS, seed=5)
    report("slots with the same cell in both scenarios", found.pairing.same_candidate_share, 0.9, direction=">=")
    report("correlation of pack capacities", found.pairing.pack_capacity_correlation, 0.9, direction=">=")


def test_a_shuffled_trait_attributes_noise(report):
    """The root of shortfalls is the loading; shuffled between cells, its share is noise: |z| <= 4, chance 6e-5."""
    scenario = small(pack__bms__sensor_offset_sd_mv=0.0)
    result = run(scenario, packs=400, seed=11)
    trait = INDEX["cathode_loading_ratio"]
    luck = np.random.default_rng(1)
    real, shuffled = [], []
    from packsim.pack.fleet.run import run as run_packs

    plan = result.plans.fleet
    for number in range(100):
        filled = blocks.started(result.plans, 11, number, 4)
        order = blocks.placed(result.plans, result.seed, filled, 4)
        soc = filled.measured.true_soc
        fleet = run_packs(plan, filled.cells, soc, order, seed=11, block=number, first_pack=4 * number)
        for parts, values in ((real, None), (shuffled, luck.permutation(filled.chosen.size))):
            cells = filled.cells
            if values is not None:
                mixed = cells.values.copy()
                mixed[trait, filled.chosen] = mixed[trait, filled.chosen[values]]
                cells = replace(cells, values=mixed)
            found = attribute(
                cells,
                filled.measured.window[4],
                filled.measured.true_soc,
                order,
                plan,
                fleet,
                result.plans.slopes_ah,
                result.plans.nominal_capacity_ah,
            )
            parts.append(found.parts_pct[:, PARTS.index("cathode_loading_ratio")].mean())

    def z(parts):
        return float(np.mean(parts) / (np.std(parts, ddof=1) / np.sqrt(len(parts))))

    report("attribution of the true trait, standard errors from 0", z(real), -10.0)
    report("attribution of the shuffled trait, standard errors from 0", abs(z(shuffled)), 4.0)

"""Cells sampled per second: `line.build` beside the obvious vectorised NumPy version of the same model.

    python benchmarks/sampling.py [--cells 2000000] [--repeat 5]

Both draw 14 traits in three levels (lot, roll, within), two of them lognormal, and six defects. Their means, sds, lot
variances and defect rates are compared before they are timed: the check fails beyond 5 standard errors.
"""

from __future__ import annotations

import argparse
import math
import time
from typing import TYPE_CHECKING, Any

import numba
import numpy as np

from packsim.cell.traits import TRAITS
from packsim.line import plan as plans
from packsim.line.build import build, slot_addresses
from packsim.line.defects import DEFECTS
from packsim.line.kernels import ADD, LARGEST_LOSS
from packsim.scenario.line import LineModel

if TYPE_CHECKING:
    from collections.abc import Callable

LOT, ROLL = 10_000, 1_000


def line() -> LineModel:
    """All 14 traits spread over lots, rolls and cells; six defects."""
    steps: dict[str, Any] = {}
    for trait in TRAITS:
        own: dict[str, Any] = {"sd_pct": 0.8, "between_lot_share": 0.25, "between_roll_share": 0.2}
        if trait.unit != "1":
            nominal = 0.3 if trait.name.startswith("weld") else 10.0
            own |= {"nominal": nominal, "distribution": "lognormal", "sd_pct": 20.0}
        steps.setdefault(trait.step, {})[trait.name] = own
    rates = (5_000, 10_000, 10_000, 8_000, 20_000, 5_000)
    size = {"leakage_ua": 300.0, "resistance_mohm": 4.0}
    defects = {
        defect.name: {"rate_ppm": rate, defect.severity: size.get(defect.severity, 5.0), "spread_factor": 1.5}
        for defect, rate in zip(DEFECTS, rates, strict=True)
    }
    return LineModel.model_validate({"supplier_lot_cells": LOT, "roll_cells": ROLL, "steps": steps, "defects": defects})


def with_numpy(plan: plans.LinePlan, cells: int, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The incumbent: whole arrays from a NumPy generator."""
    traits = len(TRAITS)
    values = generator.standard_normal((traits, cells))
    values *= plan.sd_within[:, None]
    values += np.repeat(generator.standard_normal((traits, cells // LOT)) * plan.sd_lot[:, None], LOT, axis=1)
    values += np.repeat(generator.standard_normal((traits, cells // ROLL)) * plan.sd_roll[:, None], ROLL, axis=1)
    values += plan.location[:, None]
    values[plan.lognormal] = np.exp(values[plan.lognormal])
    np.maximum(values, 0.0, out=values)
    defect = np.zeros(cells, np.uint16)
    for k, probability in enumerate(plan.probability):
        hit = np.flatnonzero(generator.random(cells) < probability)
        defect[hit] |= 1 << k
        severity = plan.severity[k] * np.exp(plan.severity_log_sd[k] * generator.standard_normal(hit.size))
        if plan.defect_mode[k] == ADD:
            values[plan.defect_trait[k], hit] += severity
        else:
            values[plan.defect_trait[k], hit] *= 1.0 - np.minimum(severity, LARGEST_LOSS)
    return values, defect


def check(plan: plans.LinePlan, cells: int) -> float:
    """Largest disagreement of the two, in standard errors."""
    ours = build(plan, 1, slot_addresses(0, range(cells)))
    theirs, defect = with_numpy(plan, cells, np.random.default_rng(1))
    lots = cells // LOT
    clean = [np.where(d == 0, v, np.nan) for v, d in ((ours.values, ours.defect), (theirs, defect))]
    per_lot = [np.nanmean(v.reshape(len(TRAITS), lots, LOT), axis=2) for v in clean]
    within = [np.nanmean(np.nanvar(v.reshape(len(TRAITS), lots, LOT), axis=2), axis=1) for v in clean]
    means, spreads = [m.mean(axis=1) for m in per_lot], [m.var(axis=1, ddof=1) for m in per_lot]
    off_mean = np.abs(means[0] - means[1]) / np.sqrt((spreads[0] + spreads[1]) / lots)
    off_lot = np.abs(np.log(spreads[0] / spreads[1])) / math.sqrt(4.0 / (lots - 1))
    off_within = np.abs(np.log(within[0] / within[1])) / math.sqrt(2.0 * 3.0 / (cells / ROLL))  # rolls are within lots
    counts = [np.array([int(((d >> k) & 1).sum()) for k in range(len(DEFECTS))]) for d in (ours.defect, defect)]
    off_rate = np.abs(counts[0] - counts[1]) / np.sqrt(counts[0] + counts[1])
    return float(max(off_mean.max(), off_lot.max(), off_within.max(), off_rate.max()))


def fastest(call: Callable[[], object], repeat: int) -> float:
    """Least seconds of several calls."""
    times = []
    for _ in range(repeat):
        begin = time.perf_counter()
        call()
        times.append(time.perf_counter() - begin)
    return min(times)


def main() -> None:
    """Compare, time, print million cells a second."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=2_000_000)
    parser.add_argument("--repeat", type=int, default=5)
    given = parser.parse_args()
    cells = given.cells // LOT * LOT
    plan = plans.plan(line(), cells)
    off = check(plan, cells)
    print(f"disagreement of the two samplers: {off:.2f} standard errors | <= 5")
    if off > 5.0:
        raise SystemExit("the samplers disagree")
    addresses = slot_addresses(0, range(cells))
    most = numba.get_num_threads()
    for threads in sorted({1, most}):
        numba.set_num_threads(threads)
        seconds = fastest(lambda: build(plan, 1, addresses), given.repeat)
        print(f"line.build, {threads} threads: {cells / seconds / 1e6:6.1f} million cells/s")
    generator = np.random.default_rng(1)
    seconds = fastest(lambda: with_numpy(plan, cells, generator), max(given.repeat // 2, 1))
    print(f"NumPy, 1 thread:       {cells / seconds / 1e6:6.1f} million cells/s")


if __name__ == "__main__":
    main()

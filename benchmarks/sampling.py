"""Cells sampled per second: `line.build` beside the obvious vectorised NumPy version of the same model.

    python benchmarks/sampling.py [--cells 1000000] [--repeat 7]

The line has everything on: 15 traits of five shapes and two process variables with effects, spread over lots, lanes,
rolls and within; drift, wear, closed loops, two groups of correlations, six defects, eight in-line inspections, two of
them with rework. Means, variances between and within lots, rates of defects, scrap and rework, and correlations of the
two samplers are compared before they are timed: the check fails beyond 5 standard errors. One thread is timed by its own
processor time, in turns with NumPy, so that a busy machine does not count; all threads by the clock.
"""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING, Any

import numba
import numpy as np
from whole_line_numpy import LOT, ROLL, with_numpy

from packsim.cell.traits import INDEX, TRAITS
from packsim.line import plan as plans
from packsim.line.build import build, slot_addresses
from packsim.line.defects import DEFECTS
from packsim.scenario.line import LineModel

if TYPE_CHECKING:
    from collections.abc import Callable

SIZES = (10_000, 90_000, 480_000, 1_920_000)  # cells of a block; NumPy is best near the processor or far from it
SHARES = {"between_lot_share": 0.25, "between_roll_share": 0.2}
DRIFT = {"drift_share": 0.2, "drift_cells": 300.0, "between_lane_share": 0.1}
OWN: dict[str, dict[str, Any]] = {  # beside an sd of 0.8 % and SHARES
    "cathode_loading_ratio": {**DRIFT, "tolerance_pct": 2.2},
    "anode_loading_ratio": {**DRIFT, "tolerance_pct": 2.2},
    "cathode_thickness_ratio": {**DRIFT, "tolerance_pct": 2.2},
    "anode_thickness_ratio": {**DRIFT, "tolerance_pct": 2.2},
    "coated_area_ratio": {"wear_pct": 1.0, "tool_life_cells": 25_000, "lower_pct": 97.5, "upper_pct": 103.0},
    "separator_thickness_ratio": {"distribution": "truncated", "tolerance_pct": 1.6},
    "electrolyte_fill_ratio": {
        "distribution": "mixture",
        "tail_share_pct": 2.0,
        "tail_offset_pct": -3.0,
        "tail_sd_pct": 1.0,
    },
    "formation_loss_ratio": {"distribution": "weibull", "weibull_shape": 2.0, "sd_pct": 4.0},
    "weld_resistance_mohm": {"nominal": 0.3, "sd_pct": 15.0, "distribution": "lognormal", "upper_pct": 150.0},
    "leakage_ua": {"nominal": 10.0, "sd_pct": 20.0, "distribution": "lognormal"},
}
CORRELATED = [
    ("separator_thickness_ratio", "separator_porosity_ratio", -0.4),
    ("cathode_loading_ratio", "cathode_thickness_ratio", 0.5),
    ("cathode_loading_ratio", "anode_loading_ratio", 0.3),
    ("cathode_thickness_ratio", "anode_loading_ratio", 0.2),
]


def line() -> LineModel:
    """The whole line on."""
    steps: dict[str, Any] = {}
    for trait in TRAITS:
        steps.setdefault(trait.step, {})[trait.name] = {"sd_pct": 0.8, **SHARES, **OWN.get(trait.name, {})}
    for name in ("mixing_cathode", "drying_anode"):
        steps[name] = {}
    for name in ("coating_cathode", "coating_anode", "welding"):
        steps[name]["automation"] = "industrie_4_0"
    steps["calendering_cathode"]["automation"] = steps["calendering_anode"]["automation"] = "automatic"
    variable = {"sd_pct": 1.0, **SHARES}
    steps["mixing_cathode"]["variables"] = {"viscosity": {**variable, "effects": {"cathode_loading_ratio": 0.4}}}
    steps["drying_anode"]["variables"] = {"moisture_left": {**variable, "effects": {"formation_loss_ratio": 0.5}}}
    for name in ("coating_cathode", "coating_anode", "calendering_cathode", "calendering_anode", "cutting"):
        steps[name]["inspection"] = {"detection_pct": 95.0, "false_alarm_pct": 0.3}
    steps["winding"]["inspection"] = {"detects": {"misalignment": 80.0, "coating_defect": 30.0}, "false_alarm_pct": 0.2}
    steps["welding"]["inspection"] = {"on_reject": "rework", "rework_yield_pct": 90.0}
    steps["filling"]["inspection"] = {"detection_pct": 70.0, "false_alarm_pct": 0.2, "on_reject": "rework"}
    rates = (5_000, 10_000, 10_000, 8_000, 20_000, 5_000)
    size = {"leakage_ua": 300.0, "resistance_mohm": 4.0}
    return LineModel.model_validate(
        {
            "supplier_lot_cells": LOT,
            "roll_cells": ROLL,
            "web_lanes": 4,
            "steps": steps,
            "correlations": [{"a": a, "b": b, "value": value} for a, b, value in CORRELATED],
            "defects": {
                defect.name: {"rate_ppm": rate, defect.severity: size.get(defect.severity, 5.0), "spread_factor": 1.5}
                for defect, rate in zip(DEFECTS, rates, strict=True)
            },
        }
    )


def statistics(values: np.ndarray, defect: np.ndarray, scrapped: np.ndarray, rejected: np.ndarray, steps: int) -> Any:
    """Statistics of every lot [lots, statistic], and which of them are means whose variance counts as well."""
    lots = defect.size // LOT
    good = ((defect == 0) & (scrapped < 0)).reshape(lots, LOT)
    of_lots = np.where(good, values.reshape(len(TRAITS), lots, LOT), np.nan)
    means = np.nanmean(of_lots, axis=2)
    apart = np.nan_to_num(of_lots - means[:, :, None])
    products = np.einsum("alk,blk->abl", apart, apart) / good.sum(axis=1)
    within = np.einsum("aal->al", products)
    pairs = np.array(
        [products[INDEX[a], INDEX[b]] / np.sqrt(within[INDEX[a]] * within[INDEX[b]]) for a, b, _ in CORRELATED]
    )
    rates = [(defect >> k) & 1 for k in range(len(DEFECTS))]
    rates += [scrapped == j for j in range(steps)] + [(rejected >> j) & 1 for j in range(steps)]
    shares = np.array([each.reshape(lots, LOT).mean(axis=1) for each in rates])
    return means, np.concatenate([means, within, pairs, shares])


def check(plan: plans.LinePlan, cells: int) -> float:
    """Largest disagreement of the two, in standard errors, which come from the differences between lots."""
    ours = build(plan, 1, slot_addresses(0, range(cells)))
    steps = plan.in_line.alarm.size
    means, all_ours = statistics(ours.values, ours.defect, ours.scrapped, ours.rejected, steps)
    their_means, all_theirs = statistics(*with_numpy(plan, cells, np.random.default_rng(1)), steps)
    lots = all_ours.shape[1]
    error = np.sqrt((all_ours.var(axis=1, ddof=1) + all_theirs.var(axis=1, ddof=1)) / lots)
    off = np.abs(all_ours.mean(axis=1) - all_theirs.mean(axis=1)) / np.maximum(error, 1e-300)
    ratio = np.log(means.var(axis=1, ddof=1) / their_means.var(axis=1, ddof=1))
    return float(max(off.max(), np.abs(ratio).max() / np.sqrt(4.0 / (lots - 1))))


def fastest(call: Callable[[], object], repeat: int, clock: Callable[[], float]) -> float:
    """Least seconds of several calls."""
    times = []
    for _ in range(repeat):
        begin = clock()
        call()
        times.append(clock() - begin)
    return min(times)


def beside(cells: int, repeat: int) -> tuple[float, float]:
    """Least processor time [ns a cell] of `line.build` and of NumPy for blocks of `cells`, called in turns."""
    plan, addresses, generator = plans.plan(line(), cells), slot_addresses(0, range(cells)), np.random.default_rng(1)
    ours = theirs = np.inf
    for _ in range(max(repeat, min(5_000_000 // cells, 100))):
        ours = min(ours, fastest(lambda: build(plan, 1, addresses), 3, time.process_time))
        theirs = min(theirs, fastest(lambda: with_numpy(plan, cells, generator), 2, time.process_time))
    return 1e9 * ours / cells, 1e9 * theirs / cells


def main() -> None:
    """Compare, time, print million cells a second."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=7)
    given = parser.parse_args()
    cells = given.cells // LOT * LOT
    plan = plans.plan(line(), cells)
    off = check(plan, cells)
    print(f"disagreement of the two samplers: {off:.2f} standard errors | <= 5")
    if off > 5.0:
        raise SystemExit("the samplers disagree")
    addresses = slot_addresses(0, range(cells))
    most = numba.get_num_threads()
    seconds = fastest(lambda: build(plan, 1, addresses), given.repeat, time.perf_counter)
    print(f"line.build, {most} threads: {cells / seconds / 1e6:6.2f} million cells/s | >= 15")
    numba.set_num_threads(1)
    print("cells at once   line.build   NumPy   ratio   (one core, ns a cell of its own processor time)")
    for size in SIZES:
        ours, theirs = beside(size, given.repeat)
        print(f"{size:13,}   {ours:10.1f}   {theirs:5.0f}   {theirs / ours:5.2f} | >= 8")


if __name__ == "__main__":
    main()

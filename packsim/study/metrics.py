"""The summary metrics: each a function of sums that add up over blocks, so that blocks can be left out one at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from packsim.stats.intervals import (
    Estimate,
    correlation_interval,
    leave_one_out,
    rate_interval,
    spread_interval,
    t_interval,
)

Array = npt.NDArray[np.float64]

# what every block adds up; capacity and DCIR as relative deviations from nominal, so that squares keep their digits
SUMS = (
    "starts",
    "tested",  # reached the end-of-line test
    "scrapped",  # by in-line inspections
    "first_pass",  # passed every inspection of the line and the test at first
    "passed_at_first",  # the test, without a retest
    "passed",
    "shipped",  # in packs; fewer than passed where bins have leftovers
    "conformance_rejects",
    "defect_rejects",
    "false_rejects",
    "escapes",
    "incoming",  # started cells that have a usable window
    "incoming_capacity",
    "incoming_capacity_2",
    "incoming_dcir",
    "incoming_dcir_2",
    "shipped_capacity",
    "shipped_capacity_2",
    "shipped_dcir",
    "shipped_dcir_2",
    "shipped_capacity_dcir",
    "packs",  # solved ones
    "unsolved_packs",
    "usable_pct",
    "energy_pct",
    "under_charge_pct",
    "under_charge_worst_pct",
    "over_discharged",
    "reversed",
    "alarmed_packs",  # with everything only
    "over_discharged_every_group",  # plain packs only, as the next two
    "over_discharged_pack_only",
    "reversed_pack_only",
    "bad_packs",
)
ROW = {name: k for k, name in enumerate(SUMS)}


class Metric(NamedTuple):
    """One line of a summary. `rate` = (events, trials, scale) where it is a share of independent-looking events;
    otherwise `statistic` of the sums, with its interval made by `interval`.
    """

    name: str
    unit: str
    meaning: str
    rate: tuple[str, str, float] | None = None
    statistic: Callable[[Array], float] | None = None
    interval: Callable[[float, Array], Estimate] = t_interval

    def value(self, sums: Array) -> float:
        """The metric of summed rows; nan where nothing was counted."""
        if self.rate is not None:
            events, trials, scale = self.rate
            return scale * float(sums[ROW[events]]) / float(sums[ROW[trials]]) if sums[ROW[trials]] else math.nan
        assert self.statistic is not None
        return self.statistic(sums)


def _mean(of: str, per: str) -> Callable[[Array], float]:
    return lambda s: float(s[ROW[of]] / s[ROW[per]]) if s[ROW[per]] else math.nan


def _variance(s: Array, of: str, per: str) -> float:
    n = s[ROW[per]]
    return max(float((s[ROW[of + "_2"]] - s[ROW[of]] ** 2 / n) / (n - 1)), 0.0) if n > 1 else math.nan


def _cv_pct(of: str, per: str) -> Callable[[Array], float]:
    def cv(s: Array) -> float:
        return (
            100.0 * math.sqrt(_variance(s, of, per)) / (1.0 + float(s[ROW[of]] / s[ROW[per]]))
            if s[ROW[per]]
            else math.nan
        )

    return cv


def _correlation(s: Array) -> float:
    n = s[ROW["shipped"]]
    if n < 2:
        return math.nan
    c, r = s[ROW["shipped_capacity"]], s[ROW["shipped_dcir"]]
    scale = _variance(s, "shipped_capacity", "shipped") * _variance(s, "shipped_dcir", "shipped")
    return (
        float((s[ROW["shipped_capacity_dcir"]] - c * r / n) / (n - 1)) / math.sqrt(scale) if scale > 0.0 else math.nan
    )


METRICS = (
    Metric(
        "qualification_rate_pct",
        "%",
        "cells that pass the end-of-line test, of all tested",
        ("passed", "tested", 100.0),
    ),
    Metric("conformance_reject_pct", "%", "rejected cells without a defect", ("conformance_rejects", "tested", 100.0)),
    Metric("defect_reject_pct", "%", "rejected cells with a defect", ("defect_rejects", "tested", 100.0)),
    Metric(
        "false_reject_ppm", "ppm", "good cells that the gauge rejects, of all tested", ("false_rejects", "tested", 1e6)
    ),
    Metric(
        "escape_ppm", "ppm", "out-of-limit or defective cells that ship, of all shipped", ("escapes", "shipped", 1e6)
    ),
    Metric(
        "incoming_capacity_cv_pct",
        "%",
        "capacity spread before the test",
        statistic=_cv_pct("incoming_capacity", "incoming"),
        interval=spread_interval,
    ),
    Metric(
        "shipped_capacity_cv_pct",
        "%",
        "capacity spread of cells that ship",
        statistic=_cv_pct("shipped_capacity", "shipped"),
        interval=spread_interval,
    ),
    Metric(
        "incoming_dcir_cv_pct",
        "%",
        "DCIR spread before the test",
        statistic=_cv_pct("incoming_dcir", "incoming"),
        interval=spread_interval,
    ),
    Metric(
        "shipped_dcir_cv_pct",
        "%",
        "DCIR spread of cells that ship",
        statistic=_cv_pct("shipped_dcir", "shipped"),
        interval=spread_interval,
    ),
    Metric(
        "capacity_dcir_correlation",
        "1",
        "correlation of capacity and DCIR, shipped cells",
        statistic=_correlation,
        interval=correlation_interval,
    ),
    Metric(
        "pack_usable_capacity_pct",
        "%",
        "usable capacity, of a pack of nominal cells",
        statistic=_mean("usable_pct", "packs"),
    ),
    Metric(
        "pack_usable_energy_pct",
        "%",
        "usable energy, of a pack of nominal cells",
        statistic=_mean("energy_pct", "packs"),
    ),
    Metric(
        "under_charge_pct",
        "%",
        "groups' mean SOC shortfall against the fullest",
        statistic=_mean("under_charge_pct", "packs"),
    ),
    Metric(
        "under_charge_worst_pct",
        "%",
        "SOC shortfall of the emptiest group",
        statistic=_mean("under_charge_worst_pct", "packs"),
    ),
    Metric("over_discharge_rate_pct", "%", "packs over-discharged, as monitored", ("over_discharged", "packs", 100.0)),
    Metric(
        "over_discharge_rate_every_group_pct",
        "%",
        "packs over-discharged if every group is watched",
        ("over_discharged_every_group", "packs", 100.0),
    ),
    Metric(
        "over_discharge_rate_pack_only_pct",
        "%",
        "packs over-discharged if only the pack's voltage is watched",
        ("over_discharged_pack_only", "packs", 100.0),
    ),
    Metric(
        "reversal_rate_pack_only_pct",
        "%",
        "packs with a group below 0 V if only the pack's voltage is watched",
        ("reversed_pack_only", "packs", 100.0),
    ),
    Metric("bad_pack_rate_pct", "%", "packs with any verdict but good", ("bad_packs", "packs", 100.0)),
)
# only where a line inspects in its steps: without, they repeat the qualification rate
IN_LINE_METRICS = (
    Metric(
        "line_scrap_pct", "%", "cells scrapped by in-line inspections, of all started", ("scrapped", "starts", 100.0)
    ),
    Metric(
        "rolled_throughput_yield_pct",
        "%",
        "starts that pass every inspection and the test at first (RTY)",
        ("first_pass", "starts", 100.0),
    ),
    Metric("line_yield_pct", "%", "cells that ship, of all started", ("passed", "starts", 100.0)),
)
# in place of what the plain loop reads off one discharge for both kinds of monitoring
WHOLE_METRICS = (
    Metric("reversal_rate_pct", "%", "packs with a group below 0 V, as monitored", ("reversed", "packs", 100.0)),
    Metric(
        "alarmed_pack_rate_pct",
        "%",
        "packs with a fault found, or with contactors opened",
        ("alarmed_packs", "packs", 100.0),
    ),
)
PLAIN_ONLY = tuple(m for m in METRICS if m.name.endswith(("_every_group_pct", "_pack_only_pct")))
BY_NAME = {metric.name: metric for metric in (*METRICS, *IN_LINE_METRICS, *WHOLE_METRICS)}


def metrics_of(in_line: bool, plain: Iterable[bool] = (True,)) -> tuple[Metric, ...]:
    """The metrics of a run, or of a comparison: with or without in-line inspections, of plain packs or with everything.

    Of a plain run beside one with everything there is what both have.
    """
    of_each = set(plain)
    out = [m for m in METRICS if m not in PLAIN_ONLY or of_each == {True}]
    if of_each == {False}:
        out[-1:-1] = WHOLE_METRICS
    return (*out[:3], *IN_LINE_METRICS, *out[3:]) if in_line else tuple(out)


def left_out_values(metric: Metric, sums: Array) -> tuple[float, Array]:
    """The metric and its values with each unit left out; sums[unit, SUMS]."""
    return leave_one_out(metric.value, sums)


def estimate(metric: Metric, sums: Array) -> Estimate:
    """The metric with its 95 % interval from independent units, sums[unit, SUMS]."""
    value, left_out = left_out_values(metric, sums)
    if metric.rate is None:
        return metric.interval(value, left_out)
    events, trials, scale = metric.rate
    total = sums.sum(axis=0)
    return rate_interval(float(total[ROW[events]]), float(total[ROW[trials]]), left_out, scale)

"""The gauge errs as its parts say: closed forms with guard band and retest, shared biases to the bit, a plain twin."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import naive_gauge
import numba
import numpy as np
import pytest
from inspections import cells_at, in_blocks, plan_of, true_of
from scipy import stats

from packsim.inspection import gauge as gauges
from packsim.inspection.read import read
from packsim.scenario.inspection import InspectionModel

if TYPE_CHECKING:
    from collections.abc import Callable

SEED, N = 4711, 500_000
SD, LIMIT = 1.0, 2.0  # percent: the trait's sd and the limits' distance from nominal
FALSE_ALARM = 1e-6  # probability of each bound on a rate
EVERYTHING: dict[str, Any] = {
    "capacity": {
        "lower_pct": 98.0,
        "upper_pct": 102.0,
        "gauge_sd_pct": 0.5,
        "channel_sd_pct": 0.3,
        "session_sd_pct": 0.2,
        "guard_band_sigmas": 0.5,
        "retest": {"times": 2, "decide": "any"},
    },
    "dcir": {
        "upper_pct": 103.0,
        "gauge_sd_pct": 2.0,
        "channel_sd_pct": 1.0,
        "session_sd_pct": 0.7,
        "guard_band_sigmas": -0.2,
        "retest": {"times": 3, "decide": "mean"},
    },
    "ocv": {
        "lower_mv": -0.4,
        "upper_mv": 0.5,
        "meter_sd_mv": 0.2,
        "channel_sd_mv": 0.1,
        "session_sd_mv": 0.15,
        "guard_band_sigmas": 0.1,
        "retest": {"times": 1, "decide": "last"},
    },
    "k_value": {
        "rest_days": 6.0,
        "upper_mv_per_day": 0.2,
        "first_reading_h": 30.0,
        "overhang_mv": 2.0,
        "overhang_sd_mv": 0.5,
        "overhang_days": 40.0,
        "guard_band_sigmas": 0.3,
        "retest": {"times": 2, "decide": "last"},
    },
    "stations": {"channels": 16, "session_cells": 50},
    "chamber": {
        "temperature_sd_k": 0.8,
        "channel_temperature_sd_k": 0.4,
        "temperature_meter_sd_k": 0.2,
        "ocv_mv_per_k": -0.1,
    },
}


def rates(parts: dict[str, float], guard: float, times: int, decide: str) -> tuple[float, float]:
    """False rejects and escapes of a normal trait: integrals over the trait and over what retests have in common."""
    held = math.hypot(parts.get("channel_sd_pct", 0.0), parts.get("session_sd_pct", 0.0))
    repeat = parts["gauge_sd_pct"]
    band = LIMIT - guard * math.hypot(held, repeat)
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    weights = weights / weights.sum()

    def passes(t: np.ndarray) -> np.ndarray:
        x = t[:, None] + held * nodes[None, :]
        once = stats.norm.cdf((band - x) / repeat) - stats.norm.cdf((-band - x) / repeat)
        missed = 1.0 - once
        tries = times if decide == "any" else min(times, 1)  # of `last` only the last repetition counts
        return (1.0 - missed ** (1 + tries)) @ weights

    def over(low: float, high: float, reject: bool) -> float:
        x, w = np.polynomial.legendre.leggauss(400)
        t = 0.5 * (high - low) * x + 0.5 * (high + low)
        share = 1.0 - passes(t) if reject else passes(t)
        return float(0.5 * (high - low) * (w * stats.norm.pdf(t / SD) / SD) @ share)

    return over(-LIMIT, LIMIT, True), 2.0 * over(LIMIT, LIMIT + 6.0, False)


@pytest.mark.parametrize(
    ("parts", "guard", "times", "decide"),
    [
        ({"gauge_sd_pct": 0.4}, 0.0, 0, "last"),
        ({"gauge_sd_pct": 0.3, "channel_sd_pct": 0.3, "session_sd_pct": 0.2}, 0.0, 0, "last"),
        ({"gauge_sd_pct": 0.3, "channel_sd_pct": 0.3, "session_sd_pct": 0.2}, 1.0, 0, "last"),
        ({"gauge_sd_pct": 0.4}, -1.0, 0, "last"),
        ({"gauge_sd_pct": 0.4}, 0.0, 1, "last"),
        ({"gauge_sd_pct": 0.3, "channel_sd_pct": 0.3}, 0.5, 3, "any"),
        ({"gauge_sd_pct": 0.3, "session_sd_pct": 0.3}, 0.0, 2, "last"),
    ],
)
def test_rates_are_the_closed_form(
    report: Callable[..., None], parts: dict[str, float], guard: float, times: int, decide: str
) -> None:
    """Every cell has a channel and a session of its own, so that cells err independently."""
    test = {"lower_pct": 100 - LIMIT, "upper_pct": 100 + LIMIT, "guard_band_sigmas": guard} | parts
    plan = plan_of(
        N,
        capacity=test | {"retest": {"times": times, "decide": decide}},
        stations={"channels": N, "session_cells": 1},
    )
    trait = 100.0 + SD * np.random.default_rng(5).standard_normal(N)
    m = read(plan, cells_at(in_blocks(1, N)), true_of(plan, N, capacity_pct=trait), SEED)
    expected = rates(parts, guard, times, decide)
    z = -stats.norm.ppf(0.5 * FALSE_ALARM)
    name = f"gauge {'+'.join(f'{sd:g}' for sd in parts.values())} %, guard {guard:g}, {times} retests ({decide})"
    for kind, flags, want in (
        ("false rejects", ~m.accepted & m.truly_good, expected[0]),
        ("escapes", m.accepted & ~m.truly_good, expected[1]),
    ):
        off = 1e6 * abs(float(flags.mean()) - want)
        report(f"{name}: {kind} off {1e6 * want:.0f} ppm", off, 1e6 * z * math.sqrt(want * (1 - want) / N), "ppm")
    assert (m.capacity_tests.max() > 1) == (times > 0)


def test_a_gauge_that_is_off_errs_never(report: Callable[..., None]) -> None:
    blocks = {k: dict(v) for k, v in EVERYTHING.items() if k in ("capacity", "dcir", "ocv", "k_value")}
    for block in blocks.values():
        for key in [key for key in block if "_sd_" in key or key in ("overhang_mv", "guard_band_sigmas")]:
            del block[key]
    n, rng = 100_000, np.random.default_rng(3)
    plan = plan_of(1000, **blocks)
    true = true_of(
        plan, n, rng.normal(100, 1, n), rng.normal(100, 3, n), rng.normal(0, 0.5, n), rng.exponential(0.05, n)
    )
    m = read(plan, cells_at(in_blocks(100, 1000)), true, SEED)
    report("gauge off: false rejects", int((~m.accepted & m.truly_good).sum()), 0, f"of {n}", "==")
    report("gauge off: escapes", int((m.accepted & ~m.truly_good).sum()), 0, f"of {n}", "==")
    report("gauge off: rejects", float((~m.accepted).mean()), 0.1, "", ">=")


def test_readings_are_those_of_the_plain_twin(report: Callable[..., None]) -> None:
    worst, wrong, retested = 0.0, 0, 0
    for corrected in (False, True):
        blocks = EVERYTHING | {"chamber": EVERYTHING["chamber"] | {"temperature_corrected": corrected}}
        model, plan, n = InspectionModel.model_validate(blocks), plan_of(70, **blocks), 140
        rng = np.random.default_rng(8)
        true = true_of(
            plan, n, rng.normal(100, 1, n), rng.normal(101, 2, n), rng.normal(0, 0.3, n), rng.exponential(0.1, n)
        )
        cells = cells_at(in_blocks(2, 70))
        cells.address[:, 2] = np.arange(n) % 3
        m = read(plan, cells, true, SEED)
        nominal = (plan.nominal_capacity_ah, plan.nominal_dcir_mohm, plan.nominal_ocv_v)
        for j in range(n):
            values = (true.capacity_ah[j], true.dcir_mohm[j], true.ocv_first_v[j], true.ocv_second_v[j])
            twin = naive_gauge.read(model, nominal, values, SEED, tuple(cells.address[j].tolist()), 70)
            for got, key, unit in (
                (m.capacity_ah[j], "capacity", nominal[0]),
                (m.dcir_mohm[j], "dcir", nominal[1]),
                (m.ocv_v[j], "ocv", 1.0),
                (m.k_value_mv_per_day[j], "k", 1.0),
            ):
                worst = max(worst, abs(got - twin[key]) / unit)
            counts = (m.capacity_tests[j], m.dcir_tests[j], m.ocv_tests[j], m.k_tests[j])
            keys = ("capacity", "dcir", "ocv", "k")
            wrong += sum(int(c) != twin[f"{key}_tests"] for c, key in zip(counts, keys, strict=True))
            wrong += bool(m.accepted[j]) == any(twin[f"{key}_rejected"] for key in keys)
            retested += sum(int(c) > 1 for c in counts)
    report("readings off the plain twin", worst, 3e-7, "of nominal, V, mV/day")
    report("decisions and numbers of readings unlike the plain twin's", wrong, 0, "of 1400", "==")
    report("retests among them", retested, 100, "", ">=")


def test_channels_and_sessions_keep_their_bias(report: Callable[..., None]) -> None:
    blocks = EVERYTHING | {"stations": {"channels": 7, "session_cells": 90}}
    for test, key in (("capacity", "gauge_sd_pct"), ("dcir", "gauge_sd_pct"), ("ocv", "meter_sd_mv")):
        blocks |= {test: {k: v for k, v in EVERYTHING[test].items() if k not in (key, "retest", "guard_band_sigmas")}}
    plan = plan_of(100, **blocks)
    address = in_blocks(60, 100)  # sessions of 90 slots run on over blocks of 100
    error = gauges.errors(plan.gauge, address, SEED)
    assert error.bias is not None
    assert error.temperature is not None
    together = np.concatenate([error.bias, error.temperature])
    pair = np.stack([gauges.channel_of(plan.gauge, address), gauges.session_of(plan.gauge, address)])
    _, place, index = np.unique(pair, axis=1, return_index=True, return_inverse=True)
    differ = int((together != together[:, place[index.ravel()]]).any(axis=0).sum())
    report("cells of one channel and session whose bias differs by a bit", differ, 0, f"of {len(address)}", "==")
    report("different biases", np.unique(together[0]).size, 0.9 * len(place), f"of {len(place)}", ">=")
    only_channel = plan_of(100, **blocks | {"capacity": {"channel_sd_pct": 0.3}}).gauge
    bias = gauges.errors(only_channel, address, SEED).bias
    assert bias is not None
    assert np.unique(bias[0]).size == 7


def test_bits_do_not_depend_on_threads_chunks_or_order(report: Callable[..., None]) -> None:
    plan, n = plan_of(1300, **EVERYTHING), 2600
    cells, rng = cells_at(in_blocks(2, 1300)), np.random.default_rng(2)
    true = true_of(plan, n, rng.normal(100, 1, n), rng.normal(100, 3, n), rng.normal(0, 0.5, n))
    whole = read(plan, cells, true, SEED)
    keys = [key for key in whole.__dataclass_fields__ if key != "window"]

    def part(rows: np.ndarray) -> bool:
        some = type(true)(*(getattr(true, key)[..., rows] for key in true.__dataclass_fields__))
        read_some = read(plan, cells.take(rows), some, SEED)
        return not all(np.array_equal(getattr(read_some, key), getattr(whole, key)[rows]) for key in keys)

    before, count = numba.get_num_threads(), 0
    try:
        numba.set_num_threads(1)
        count += part(np.arange(n))
    finally:
        numba.set_num_threads(before)
    for rows in (np.arange(1, n), np.arange(511, 514), np.arange(1300, n), rng.permutation(n)):
        count += part(rows)
    report("readings with biases and retests: ways of asking that change a bit", count, 0, "of 5", "==")


def test_total_gauge_is_the_sum_of_its_parts(report: Callable[..., None]) -> None:
    """Sds of 4,000 channels x 4,000 sessions scatter by 1.1 %: bounds of 5 standard errors."""
    blocks = EVERYTHING | {"stations": {"channels": 4000, "session_cells": 1}}
    for test in ("capacity", "dcir", "ocv", "k_value"):
        blocks |= {test: {k: v for k, v in EVERYTHING[test].items() if k != "retest"}}
    for corrected in (False, True):
        chamber = EVERYTHING["chamber"] | {"temperature_corrected": corrected}
        plan, n = plan_of(4000, **blocks | {"chamber": chamber}), 4000
        m = read(plan, cells_at(in_blocks(1, n)), true_of(plan, n), SEED)
        for name, readings, sd in (
            ("capacity", m.capacity_ah, plan.capacity_sd_ah),
            ("DCIR", m.dcir_mohm, plan.dcir_sd_mohm),
            ("OCV", m.ocv_v, plan.meter_sd_v),
            ("K-value", m.k_value_mv_per_day, plan.k_noise_sd_mv_per_day),
        ):
            word = "corrected" if corrected else "uncorrected"
            report(f"{name}, temperature {word}: sd off the plan's", abs(float(readings.std()) / sd - 1.0), 0.056)


def test_candidates_of_a_slot_share_all_but_what_is_new(report: Callable[..., None]) -> None:
    plan = plan_of(4000, **EVERYTHING | {"stations": {"channels": 4000, "session_cells": 1}})
    address = in_blocks(1, 4000)
    other = address.copy()
    other[:, 2] = 3
    shared = gauges.shared_errors(plan.gauge, address, SEED)
    differ = int((shared != gauges.shared_errors(plan.gauge, other, SEED)).sum())
    report("candidates of a slot whose shared error differs by a bit", differ, 0, "", "==")
    for quantity, name in enumerate(("capacity", "DCIR", "OCV")):
        off = abs(float(shared[quantity].std()) / plan.gauge.shared(quantity) - 1.0)
        report(f"{name}: sd of what candidates share off the plan's", off, 0.056)  # 5 standard errors of 4,000

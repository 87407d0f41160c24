"""Lots, the nominal cell and the gauges of a fitted scenario: everything but the spreads."""

from __future__ import annotations

import copy
import math

import numpy as np

from packsim.quality.eol_file.quantities import BY_NAME
from packsim.study.fitting.draft import Draft, rounded
from packsim.study.fitting.response import READINGS, STEP_OF, Bench, ocv_at

ASSUMED_GAUGE = 0.5  # of the variance within lots that the base's gauge may take where there are no repeats
CLEAR_OF_ZERO = 5.0  # sds that the mean weld resistance keeps from zero
MOST_ROUNDS = 5
BLIND_MV_PER_DAY_PER_UA = 1e-6


def lot_sizes(draft: Draft) -> None:
    """Lots and rolls of the data's mean size."""
    data = draft.fit.data
    cells, rolls = max(round(data.cells / data.lots), 1), 1
    if "roll" in draft.fit.structure.levels:
        rolls = max(round(len(data.frame.groupby(["lot", "roll"])) / data.lots), 1)
    roll = max(round(cells / rolls), 1)
    draft.data["line"] = {"supplier_lot_cells": roll * rolls, "roll_cells": roll, "steps": {}}
    draft.sources["line.supplier_lot_cells"] = draft.sources["line.roll_cells"] = draft.source
    for _, name, spread in draft.base.line.spreads():  # what has no data keeps the base's nominal value
        if spread.nominal is not None and name not in draft.traits and name in STEP_OF:
            steps = draft.data["line"]["steps"]
            steps.setdefault(STEP_OF[name], {})[name] = {"sd_pct": 0.0, "nominal": spread.nominal}


def nominal_cell(draft: Draft) -> Bench:
    """A nominal cell that reads the data's means, as far as it can; returns its response."""
    steps, means = draft.data["line"]["steps"], draft.fit.means
    placeholder = {"sd_pct": 0.0}
    for trait in draft.traits:
        nominal = {} if trait == "coated_area_ratio" else {"nominal": 5.0 if trait == "leakage_ua" else 1.0}
        steps.setdefault(STEP_OF[trait], {})[trait] = placeholder | nominal
    found = draft.bench()
    k_value = "k_value_mv_per_day"
    if k_value in draft.carried and not found.slopes[READINGS.index(k_value), -1] > BLIND_MV_PER_DAY_PER_UA:
        draft.leave_out(
            k_value, "The K-value cannot come from leakage, which the voltage does not feel at this storage charge,"
        )
        steps["formation"] = {}
        found = draft.bench()
    for _ in range(MOST_ROUNDS):
        before = copy.deepcopy(draft.data)
        _towards_means(draft, found)
        if draft.data == before:
            break
        found = draft.bench()
    for quantity in draft.quantities:
        off = found.nominal[quantity] - means[quantity]
        if abs(off) > 0.05 * math.sqrt(draft.within(quantity)):
            unit, reason = BY_NAME[quantity].unit, ""
            if quantity == "dcir_mohm":
                reason = "; the base's cell alone has more" if off > 0.0 else ""
            draft.notes.append(
                f"The nominal cell reads {found.nominal[quantity]:.5g} {unit} {BY_NAME[quantity].title}, the data's "
                f"mean is {means[quantity]:.5g}{reason}: spreads are right, the mean is off."
            )
    return found


def _towards_means(draft: Draft, found: Bench) -> None:
    """Cell size, storage charge, mean weld resistance and leakage, one step nearer to the data's means."""
    steps, means = draft.data["line"]["steps"], draft.fit.means
    if "capacity_ah" in draft.quantities:
        now = draft.data["cell"].get("capacity_ah") or found.window_ah
        draft.data["cell"]["capacity_ah"] = rounded(now * means["capacity_ah"] / found.nominal["capacity_ah"])
        draft.sources["cell.capacity_ah"] = draft.source + ", so that the nominal cell reads the mean capacity"
    if "ocv_v" in draft.quantities:
        _store(draft, found)
    if "dcir_mohm" in draft.quantities:
        weld = steps["welding"]["weld_resistance_mohm"]
        wanted = weld["nominal"] + means["dcir_mohm"] - found.nominal["dcir_mohm"]
        weld["nominal"] = rounded(max(wanted, _least_weld(draft, found), 1e-3))
    if "k_value_mv_per_day" in draft.quantities:
        leak, k = steps["formation"]["leakage_ua"], found.nominal["k_value_mv_per_day"]
        leak["nominal"] = rounded(leak["nominal"] * means["k_value_mv_per_day"] / k)


def _least_weld(draft: Draft, found: Bench) -> float:
    """Mean weld resistance that keeps its spread clear of zero."""
    row = draft.carried.index("dcir_mohm")
    inverse = np.linalg.inv(found.slopes[draft.rows])
    total = [draft.main_variance(q) for q in draft.carried]
    return CLEAR_OF_ZERO * math.sqrt(float((inverse[row] ** 2 * total).sum()))


def _store(draft: Draft, found: Bench) -> None:
    """State of charge at which the nominal cell has the data's mean OCV."""
    from scipy.optimize import brentq

    mean = draft.fit.means["ocv_v"]
    ends = [ocv_at(found, soc) for soc in (2.0, 98.0)]
    if not min(ends) < mean < max(ends):
        return  # the note on means says so
    soc = brentq(lambda s: ocv_at(found, s) - mean, 2.0, 98.0, xtol=1e-4)
    draft.data["inspection"].setdefault("storage", {})["soc_pct"] = rounded(float(soc))
    draft.sources["inspection.storage.soc_pct"] = draft.source + ", so that the nominal cell reads the mean OCV"


def gauge_errors(draft: Draft, found: Bench) -> None:
    """Gauge sds: from repeats, else the base's where the spread within lots has room for it, else none."""
    inspection = draft.data.setdefault("inspection", {})
    repeats = dict(zip(draft.fit.gauge["quantity"], draft.fit.gauge["sd"], strict=True))
    days = inspection.get("k_value", {}).get("rest_days", 7.0)
    draft.gauge_variance = dict.fromkeys(draft.quantities, 0.0)
    for quantity, block in (("capacity_ah", "capacity"), ("dcir_mohm", "dcir")):
        if quantity not in draft.quantities:
            continue
        nominal, own = found.nominal[quantity], inspection.setdefault(block, {})
        if quantity in repeats:
            own["gauge_sd_pct"] = rounded(100.0 * repeats[quantity] / nominal)
            draft.sources[f"inspection.{block}.gauge_sd_pct"] = draft.source + ", repeated measurements"
        sd = own.get("gauge_sd_pct", 0.0) / 100.0 * nominal
        if quantity not in repeats and sd**2 > ASSUMED_GAUGE * draft.main_within(quantity):
            own["gauge_sd_pct"] = sd = 0.0
            draft.notes.append(f"The base's {BY_NAME[quantity].title} gauge is wider than the data allow: set to 0.")
        draft.gauge_variance[quantity] = sd**2
    meter = inspection.setdefault("ocv", {})
    to_volts = {"ocv_v": 1.0, "k_value_mv_per_day": 1e-3 * days / math.sqrt(2.0)}
    known = [repeats[q] * to_volts[q] for q in ("k_value_mv_per_day", "ocv_v") if q in repeats]
    if known:
        meter["meter_sd_mv"] = rounded(1e3 * known[0])
        draft.sources["inspection.ocv.meter_sd_mv"] = draft.source + ", repeated measurements"
    sd_v = 1e-3 * meter.get("meter_sd_mv", 0.0)
    for quantity in [q for q in to_volts if q in draft.quantities]:
        variance = (sd_v / to_volts[quantity]) ** 2
        if not known and variance > ASSUMED_GAUGE * draft.main_within(quantity):
            meter["meter_sd_mv"] = sd_v = 0.0
            draft.notes.append(f"The base's voltmeter is noisier than the {BY_NAME[quantity].title} allows: set to 0.")
            draft.gauge_variance |= dict.fromkeys([q for q in to_volts if q in draft.quantities], 0.0)
            break
        draft.gauge_variance[quantity] = variance

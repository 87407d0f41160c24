"""Plain, slow twin of the gauge: readings, retests and decision of one cell, from the scenario alone."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from naive_line import GAUGE, normal

if TYPE_CHECKING:
    from packsim.scenario.inspection import InspectionModel, Retest

CHANNEL, SESSION, TEMPERATURE, THERMOMETER, OVERHANG, RETEST = 50, 51, 52, 53, 54, 55  # numerics/purposes.py


def uptake(t: float) -> float:
    """Share of the overhang's exchange after t time constants: the series, term by term."""
    return 1.0 - 8.0 / math.pi**2 * sum(math.exp(-n * n * t) / n**2 for n in range(1, 20_001, 2)) if t > 0 else 0.0


def repeated(first: float, low: float, high: float, rule: Retest, fresh: list[float]) -> tuple[float, int]:
    """The reading that decides, and how many were made; `fresh` are the readings of the repetitions."""
    if low <= first <= high or rule.times == 0:
        return first, 1
    made = [first]
    for value in fresh[: rule.times]:
        made.append(value)
        if rule.decide == "any" and low <= value <= high:
            break
    return (sum(made) / len(made) if rule.decide == "mean" else made[-1]), len(made)


def read(
    model: InspectionModel,
    nominal: tuple[float, float, float],
    true: tuple[float, float, float, float],
    seed: int,
    address: tuple[int, int, int],
    slots_per_block: int,
) -> dict[str, float]:
    """Readings of a cell with true capacity (Ah), DCIR (mohm), first and second OCV (V); absolute K-value limit."""
    channel, session = address[1] % model.stations.channels, (address[0] * slots_per_block + address[1])
    session //= model.stations.session_cells
    chamber, tests = model.chamber, (model.capacity, model.dcir, model.ocv)
    scale = (nominal[0] / 100.0, nominal[1] / 100.0, 1e-3)
    repeat = [scale[0] * model.capacity.gauge_sd_pct, scale[1] * model.dcir.gauge_sd_pct, 1e-3 * model.ocv.meter_sd_mv]
    of_channel = [model.capacity.channel_sd_pct, model.dcir.channel_sd_pct, model.ocv.channel_sd_mv]
    of_session = [model.capacity.session_sd_pct, model.dcir.session_sd_pct, model.ocv.session_sd_mv]
    per_k = [chamber.capacity_pct_per_k, chamber.dcir_pct_per_k, chamber.ocv_mv_per_k]
    held, warm = [], []
    for row, quantity in enumerate((0, 1, 2, 2)):
        kelvin = chamber.temperature_sd_k * normal(seed, TEMPERATURE, row, session, 0, 0)
        kelvin += chamber.channel_temperature_sd_k * normal(seed, CHANNEL, 3, channel, 0, 0)
        if chamber.temperature_corrected:
            kelvin = -chamber.temperature_meter_sd_k * normal(seed, THERMOMETER, row, *address)
        bias = of_channel[quantity] * normal(seed, CHANNEL, quantity, channel, 0, 0)
        bias += of_session[quantity] * normal(seed, SESSION, row, session, 0, 0)
        warm.append(scale[quantity] * per_k[quantity] * kelvin)
        held.append(scale[quantity] * bias + warm[-1])
    k_model = model.k_value
    fall = k_model.overhang_mv + k_model.overhang_sd_mv * normal(seed, OVERHANG, 0, *address)  # mV
    first_day = k_model.first_reading_h / 24.0
    shares = [uptake(day / k_model.overhang_days) for day in (first_day, first_day + k_model.rest_days)]
    z = [normal(seed, GAUGE, row, *address) for row in range(4)]
    again = [[normal(seed, RETEST + r, row, *address) for r in range(5)] for row in range(4)]

    out: dict[str, float] = {}
    ocv = true[3] - 1e-3 * (fall - k_model.overhang_mv) * shares[1]
    limits = (
        (model.capacity.lower_pct, model.capacity.upper_pct, scale[0], 0.0),
        (model.dcir.lower_pct, model.dcir.upper_pct, scale[1], 0.0),
        (model.ocv.lower_mv, model.ocv.upper_mv, 1e-3, nominal[2]),
    )
    kelvin_sd = math.hypot(chamber.temperature_sd_k, chamber.channel_temperature_sd_k)
    if chamber.temperature_corrected:
        kelvin_sd = chamber.temperature_meter_sd_k
    for quantity, (name, row, value, word) in enumerate(
        (("capacity", 0, true[0], 0), ("dcir", 1, true[1], 1), ("ocv", 3, ocv, 3))
    ):
        parts = (of_channel[quantity], of_session[quantity], per_k[quantity] * kelvin_sd)
        variance = repeat[quantity] ** 2 + sum((scale[quantity] * part) ** 2 for part in parts)
        if name == "ocv":
            variance += (1e-3 * k_model.overhang_sd_mv * shares[1]) ** 2
        low, high, unit, zero = limits[quantity]
        band = tests[quantity].guard_band_sigmas * math.sqrt(variance)
        low = -math.inf if low is None else zero + unit * low + band
        high = math.inf if high is None else zero + unit * high - band
        fresh = [value + held[row] + repeat[quantity] * g for g in again[word]]
        reading = value + held[row] + repeat[quantity] * z[row]
        out[name], out[f"{name}_tests"] = repeated(reading, low, high, tests[quantity].retest, fresh)
        out[f"{name}_rejected"] = not low <= out[name] <= high
    day = 1e3 / k_model.rest_days
    steady = day * (true[2] - true[3] + held[2] - held[3] + 1e-3 * fall * (shares[1] - shares[0]) + repeat[2] * z[2])
    noise = 2 * (repeat[2] ** 2 + (1e-3 * of_session[2]) ** 2)
    fresh_k = chamber.temperature_meter_sd_k if chamber.temperature_corrected else chamber.temperature_sd_k
    noise += 2 * (1e-3 * per_k[2] * fresh_k) ** 2 + (1e-3 * k_model.overhang_sd_mv * (shares[1] - shares[0])) ** 2
    limit = math.inf if k_model.upper_mv_per_day is None else k_model.upper_mv_per_day
    limit -= k_model.guard_band_sigmas * day * math.sqrt(noise)
    fresh = [steady - day * repeat[2] * g for g in again[2]]
    out["k"], out["k_tests"] = repeated(steady - day * repeat[2] * z[3], -math.inf, limit, k_model.retest, fresh)
    out["k_rejected"] = out["k"] > limit
    return out

"""Events per exposure (time, distance), with intervals from the scatter between independent units."""

from __future__ import annotations

import math

import numpy as np
from scipy import special

from packsim.stats.intervals import FEWEST_UNITS, LEVEL, Array, Estimate, jackknife_error, leave_one_out, t_quantile


def event_rate_interval(events: Array, exposure: Array) -> Estimate:
    """Events per exposure of units [u]: exact Poisson (mid-P) at the effective number of events that their scatter implies.

    The counterpart of `intervals.rate_interval` (Korn & Graubard 1998) for events that are not shares of trials; never
    narrower than that of independent events. nan without exposure, or where one unit holds all of it.
    """
    units = events.size
    total, whole = float(events.sum()), float(exposure.sum())
    if whole <= 0.0:
        return Estimate(math.nan, math.nan, math.nan, units)
    if units < FEWEST_UNITS or (exposure >= whole).any():
        return Estimate(total / whole, math.nan, math.nan, units)
    effective = total
    if total > 0.0:
        error = jackknife_error(leave_one_out(_rate, np.stack([events, exposure], axis=1))[1])
        if error > 0.0:
            effective = min(total, (total / whole / error * t_quantile(10**6) / t_quantile(units)) ** 2)
    scale = total / whole / effective if total > 0.0 else 1.0 / whole
    return Estimate(
        total / whole, scale * poisson_mid_p(effective, low=True), scale * poisson_mid_p(effective, low=False), units
    )


def poisson_mid_p(events: float, *, low: bool, level: float = LEVEL) -> float:
    """One end of the mid-P interval of a Poisson mean of which `events` (not necessarily whole) were seen."""
    tail = 0.5 * (1.0 - level)
    if events <= 0.0:
        return 0.0 if low else -math.log(2.0 * tail)
    a, b = 0.0, events + 12.0 * math.sqrt(events + 1.0) + 12.0
    for _ in range(80):
        mean = 0.5 * (a + b)
        # P(X < events) + P(X = events) / 2, continued to real arguments through the incomplete gamma function
        below, up_to = (float(special.gammaincc(events + k, mean)) for k in (0.0, 1.0))
        if 0.5 * (below + up_to) > (1.0 - tail if low else tail):
            a = mean
        else:
            b = mean
    return 0.5 * (a + b)


def _rate(sums: Array) -> float:
    return float(sums[0] / sums[1])

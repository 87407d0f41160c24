"""How large a spread is, from whichever way it was given."""

from __future__ import annotations

import math

from packsim.scenario.spread import Spread
from packsim.stats.brent import brentq

Z_LIMIT = 40.0  # a tolerance this many sigma wide is never missed


def sd_pct(spread: Spread) -> float:
    """Overall standard deviation in percent of nominal. `cpk` and `first_pass_yield_pct` are turned as for a normal.

    Raises:
        ValueError: no size, or one that needs limits without them; a scenario refuses both.
    """
    if spread.sd_pct is not None:
        return spread.sd_pct
    lower, upper = spread.limits_pct
    mean = 100.0 + spread.offset_pct
    below = mean - lower if lower is not None else math.inf
    above = upper - mean if upper is not None else math.inf
    if math.isinf(min(below, above)):
        raise ValueError("cpk and first_pass_yield_pct need limits")
    if spread.cpk is not None:
        return min(below, above) / (3.0 * spread.cpk)
    return _sd_of_yield(float(spread.first_pass_yield_pct or 0.0) / 100.0, below, above)


def _sd_of_yield(first_pass_yield: float, below: float, above: float) -> float:
    """The sd at which a normal lies within its mean - below .. mean + above with this probability."""
    lower, upper = below / math.sqrt(2.0), above / math.sqrt(2.0)

    def excess(log_sd: float) -> float:
        per_sd = math.exp(-log_sd)
        missed = 0.5 * (math.erfc(upper * per_sd) + math.erfc(lower * per_sd))  # small side: yields near 1 stay exact
        return missed - (1.0 - first_pass_yield)

    low = math.log(min(below, above) / Z_LIMIT)
    if math.isinf(max(below, above)):
        if first_pass_yield <= 0.5:
            raise ValueError("a one-sided limit beyond the mean is met by more than half of all pieces")
        high = math.log(min(below, above)) + 40.0
    else:
        high = math.log((below + above) / first_pass_yield)  # there the density, at most 0.4 / sd, holds too little
    return math.exp(brentq(excess, low, high, xtol=1e-14, rtol=1e-14))

"""The pack's current for a target, from the linearised network (compiled): terminal voltage = e - r * current."""

import math

from packsim.numerics.jit import kernel

CURRENT, VOLTAGE, POWER, REST, PROFILE_CURRENT, PROFILE_POWER = range(6)  # kinds of protocol steps


@kernel
def at_power(power_w, e, r):
    """Current at which the terminals give `power_w`, the smaller of the two; nan beyond the largest power e^2 / 4r."""
    inside = e * e - 4.0 * r * power_w
    if inside < 0.0:
        return math.nan
    return 2.0 * power_w / (e + math.sqrt(inside))


@kernel
def profile_mean(protocol, k, begin, end):
    """Mean of profile step k between two times since its start (its value there when they are equal)."""
    first, last = protocol.profile_first[k], protocol.profile_last[k]
    if end <= begin:
        return profile_value(protocol, first, last, begin)
    area = profile_integral(protocol, first, last, end) - profile_integral(protocol, first, last, begin)
    return area / (end - begin)


@kernel
def interval(times, first, last, t):
    """The last sample (first .. last - 2) whose time is not after t."""
    low, high = first, last - 1
    while high - low > 1:
        middle = (low + high) // 2
        if times[middle] <= t:
            low = middle
        else:
            high = middle
    return low


@kernel
def profile_value(protocol, first, last, t):
    """Value at time t: held since the last sample, or on the straight line to the next."""
    at = interval(protocol.profile_t, first, last, t)
    value = protocol.profile_value[at]
    if not protocol.linear[first]:
        return value
    span = protocol.profile_t[at + 1] - protocol.profile_t[at]
    share = min(max((t - protocol.profile_t[at]) / span, 0.0), 1.0)
    return value + share * (protocol.profile_value[at + 1] - value)


@kernel
def profile_integral(protocol, first, last, t):
    """Integral of the profile from its start to time t."""
    at = interval(protocol.profile_t, first, last, t)
    into = t - protocol.profile_t[at]
    mean = protocol.profile_value[at]
    if protocol.linear[first]:
        mean = 0.5 * (mean + profile_value(protocol, first, last, t))
    return protocol.profile_cumulative[at] + into * mean


@kernel
def next_sample(protocol, k, t):
    """Time since the step's start of the first sample after t (inf after the last)."""
    first, last = protocol.profile_first[k], protocol.profile_last[k]
    at = interval(protocol.profile_t, first, last, t + 1e-9) + 1
    return protocol.profile_t[at] if at < last and protocol.profile_t[at] > t + 1e-9 else math.inf

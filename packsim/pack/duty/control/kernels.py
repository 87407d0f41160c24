"""The pack's current for a target, from the linearised network (compiled): terminal voltage = e - r * current."""

import math

from packsim.numerics.jit import kernel

CURRENT, VOLTAGE, POWER, REST, PROFILE = range(5)  # kinds of steps, as in pack/duty/protocol.py
HOLD, LINEAR = 0, 1  # between the points of a profile


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
    first, last, way = protocol.profile_first[k], protocol.profile_last[k], protocol.interpolation[k]
    t, value, cumulative = protocol.profile_t, protocol.profile_value, protocol.profile_cumulative
    if end <= begin:
        return value_at(t, value, way, first, last, begin)
    area = integral_to(t, value, cumulative, way, first, last, end)
    return (area - integral_to(t, value, cumulative, way, first, last, begin)) / (end - begin)


@kernel
def ambient_mean(protocol, begin, end):
    """Mean ambient temperature [degC] of the protocol's own profile between two times since it began."""
    t, value, cumulative = protocol.ambient_t, protocol.ambient_degc, protocol.ambient_cumulative
    way, last = protocol.ambient_interpolation, protocol.ambient_t.shape[0]
    if end <= begin:
        return value_at(t, value, way, 0, last, begin)
    area = integral_to(t, value, cumulative, way, 0, last, end)
    return (area - integral_to(t, value, cumulative, way, 0, last, begin)) / (end - begin)


@kernel
def interval(t, first, last, time):
    """The last point of first .. last - 1 whose time is not after `time` (the first one before them all)."""
    low, high = first, last
    while high - low > 1:
        middle = (low + high) // 2
        if t[middle] <= time:
            low = middle
        else:
            high = middle
    return low


@kernel
def value_at(t, value, way, first, last, time):
    """Value of a profile: held since the last point, or on the straight line to the next."""
    at = interval(t, first, last, time)
    if way == HOLD or at == last - 1 or time <= t[at]:
        return value[at]
    return value[at] + (value[at + 1] - value[at]) * (time - t[at]) / (t[at + 1] - t[at])


@kernel
def integral_to(t, value, cumulative, way, first, last, time):
    """Integral of a profile from its start; beyond its ends the nearest value stays; the twin of profile.integral_to."""
    at = interval(t, first, last, time)
    past = time - t[at]
    if way == HOLD or at == last - 1 or past <= 0.0:
        return cumulative[at] + value[at] * past
    slope = (value[at + 1] - value[at]) / (t[at + 1] - t[at])
    return cumulative[at] + past * (value[at] + 0.5 * slope * past)


@kernel
def next_point(protocol, k, time):
    """Time since the step's start of the first point after `time` (inf after the last)."""
    first, last, t = protocol.profile_first[k], protocol.profile_last[k], protocol.profile_t
    at = interval(t, first, last, time + 1e-9) + 1
    return t[at] if at < last else math.inf

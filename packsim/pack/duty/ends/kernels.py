"""What ends a step of the protocol: how far each condition is passed, and which comes first (compiled)."""

import math

from packsim.numerics.jit import kernel
from packsim.pack.bms import kernels as bms_kernels

TOGETHER = 1e-6  # ends passed by less than this are reached together

# conditions that end a step; the last ones are the BMS's while it watches all the time
(MEAN_LOW, MEAN_HIGH, GROUP_LOW, GROUP_HIGH, SMALL_CURRENT, CHARGE, SOC_LOW, SOC_HIGH, TEMPERATURE) = range(9)
BMS_FIRST = 9
CONDITIONS = BMS_FIRST + bms_kernels.LIMITS
DURATION, OPEN_PACK, NO_POWER, NOT_CONVERGED, NO_LIMIT, RUNNING = range(CONDITIONS, CONDITIONS + 6)  # other ends
ENDS = CONDITIONS + 6


@kernel
def asked_ends(ends, protocol, k):
    """The limits of protocol step k into ends[BMS_FIRST]; those that are not asked for are infinite."""
    ends[MEAN_LOW], ends[MEAN_HIGH] = protocol.until_v_low[k], protocol.until_v_high[k]
    ends[GROUP_LOW], ends[GROUP_HIGH] = protocol.until_group_low[k], protocol.until_group_high[k]
    ends[SMALL_CURRENT], ends[CHARGE] = protocol.until_current_a[k], protocol.until_ah[k]
    ends[SOC_LOW], ends[SOC_HIGH] = protocol.until_soc_low[k], protocol.until_soc_high[k]
    ends[TEMPERATURE] = protocol.until_temperature_k[k]


@kernel
def conditions(f, ends, mean, low, high, scalars, bms_limits, total, through_ah, soc, hottest_k, charger_holds):
    """How far each end of the step is passed (>= 0) or ahead (< 0), into f[CONDITIONS]."""
    f[MEAN_LOW], f[MEAN_HIGH] = ends[MEAN_LOW] - mean, mean - ends[MEAN_HIGH]
    f[GROUP_LOW], f[GROUP_HIGH] = ends[GROUP_LOW] - low, high - ends[GROUP_HIGH]
    f[SMALL_CURRENT], f[CHARGE] = ends[SMALL_CURRENT] - abs(total), through_ah - ends[CHARGE]
    f[SOC_LOW], f[SOC_HIGH] = ends[SOC_LOW] - soc, soc - ends[SOC_HIGH]
    f[TEMPERATURE] = hottest_k - ends[TEMPERATURE]
    read_low, read_high = scalars[bms_kernels.LOW], scalars[bms_kernels.HIGH]
    for limit in range(bms_kernels.LIMITS):
        f[BMS_FIRST + limit] = -math.inf
        if bms_limits.always:
            f[BMS_FIRST + limit] = bms_kernels.beyond_limit(limit, read_low, read_high, bms_limits, total, hottest_k)
    if charger_holds:
        f[BMS_FIRST + bms_kernels.OVER_VOLTAGE] = -math.inf


@kernel
def ends_at(f_new, f_now, seeking):
    """A condition other than the one sought that this trial went past, or -1."""
    for c in range(CONDITIONS):
        behind = f_new[c] >= 0.0 if seeking < 0 else f_new[c] > TOGETHER
        if behind and f_now[c] < 0.0 and c != seeking:
            return c
    return -1


@kernel
def met(f_new, seeking):
    """The condition that ends the step here, or RUNNING."""
    if seeking >= 0:
        return seeking
    for c in range(CONDITIONS):
        if f_new[c] >= 0.0:
            return c
    return RUNNING


@kernel
def alarm_place(memory, limit):
    """The sensor whose reading passed a voltage limit; -1 for other limits."""
    if limit > bms_kernels.OVER_VOLTAGE:
        return -1
    return int(memory.scalars[bms_kernels.LOW_AT if limit == bms_kernels.UNDER_VOLTAGE else bms_kernels.HIGH_AT])


@kernel
def alarm_value(memory, limit, hottest_k, total):
    """What passed a limit: the voltage read, the hottest temperature, or the current."""
    if limit == bms_kernels.UNDER_VOLTAGE:
        return memory.scalars[bms_kernels.LOW]
    if limit == bms_kernels.OVER_VOLTAGE:
        return memory.scalars[bms_kernels.HIGH]
    return hottest_k if limit == bms_kernels.OVER_TEMPERATURE else total

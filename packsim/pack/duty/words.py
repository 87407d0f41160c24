"""Why a step ended, and what was seen in a pack, in words."""

from __future__ import annotations

from packsim.pack.bms import kernels as bms
from packsim.pack.duty.ends import kernels as k
from packsim.pack.faults import kernels as faults

ENDED = {
    k.MEAN_LOW: "mean cell voltage fell to its end",
    k.MEAN_HIGH: "mean cell voltage rose to its end",
    k.GROUP_LOW: "a group's voltage fell to its end",
    k.GROUP_HIGH: "a group's voltage rose to its end",
    k.SMALL_CURRENT: "current fell to its end",
    k.CHARGE: "charge throughput reached its end",
    k.SOC_LOW: "state of charge fell to its end",
    k.SOC_HIGH: "state of charge rose to its end",
    k.TEMPERATURE: "a cell reached the temperature that ends the step",
    k.BMS_FIRST + bms.UNDER_VOLTAGE: "BMS: under-voltage",
    k.BMS_FIRST + bms.OVER_VOLTAGE: "BMS: over-voltage",
    k.BMS_FIRST + bms.OVER_TEMPERATURE: "BMS: over-temperature, contactors opened",
    k.BMS_FIRST + bms.OVER_CURRENT: "BMS: over-current, contactors opened",
    k.DURATION: "its time was over",
    k.OPEN_PACK: "no way for the current: a joint is open",
    k.NO_POWER: "the pack cannot give this power",
    k.NOT_CONVERGED: "the simulation did not converge; nothing is claimed about it",
    k.NO_LIMIT: "no end within two million steps",
    -1: "not begun",
}
SEEN = {
    bms.UNDER_VOLTAGE: "BMS: under-voltage",
    bms.OVER_VOLTAGE: "BMS: over-voltage",
    bms.OVER_TEMPERATURE: "BMS: over-temperature",
    bms.OVER_CURRENT: "BMS: over-current",
    faults.FOUND + faults.OPEN_WELD: "open weld",
    faults.FOUND + faults.HIGH_JOINT: "joint of high resistance",
    faults.FOUND + faults.SOFT_SHORT: "short inside a cell",
    faults.FOUND + faults.STUCK_SENSOR: "wrong voltage reading",
    faults.FOUND + faults.DEAD_SENSOR: "dead voltage sensor",
    faults.FOUND + faults.COOLANT_LOSS: "coolant takes no heat",
}
PLACE = {
    faults.FOUND + faults.OPEN_WELD: "cell",
    faults.FOUND + faults.HIGH_JOINT: "cell",
    faults.FOUND + faults.SOFT_SHORT: "cell",
    faults.FOUND + faults.STUCK_SENSOR: "sensor",
    faults.FOUND + faults.DEAD_SENSOR: "sensor",
    faults.FOUND + faults.COOLANT_LOSS: "pack",
    bms.UNDER_VOLTAGE: "sensor",
    bms.OVER_VOLTAGE: "sensor",
    bms.OVER_TEMPERATURE: "pack",
    bms.OVER_CURRENT: "pack",
}

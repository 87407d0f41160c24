"""From the steps of a protocol to the arrays of the kernels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from packsim.pack.duty.control import kernels as k
from packsim.scenario.protocol import ProtocolError, Step, parse

Array = npt.NDArray[np.float64]
KINDS = {
    "current": k.CURRENT,
    "voltage": k.VOLTAGE,
    "power": k.POWER,
    "rest": k.REST,
    "profile_current": k.PROFILE_CURRENT,
    "profile_power": k.PROFILE_POWER,
}
KELVIN = 273.15


class Protocol(NamedTuple):
    """One row a step (SI, of the whole pack; voltages per cell; discharge positive). nan: no such end."""

    kind: npt.NDArray[np.int8]
    value: Array
    duration_s: Array
    until_v_low: Array
    until_v_high: Array
    until_group_low: Array
    until_group_high: Array
    until_current_a: Array
    until_ah: Array
    until_soc: Array
    until_temperature_k: Array
    profile_first: npt.NDArray[np.int32]  # rows of the profile arrays: first .. last - 1
    profile_last: npt.NDArray[np.int32]
    profile_t: Array
    profile_value: Array
    profile_cumulative: Array  # integral since the profile's first row
    linear: npt.NDArray[np.bool_]


ENDS = ("v_low", "v_high", "group_low", "group_high", "current_a", "ah", "soc", "temperature_k")


def plan(steps: Sequence[Step | str], rated_capacity_ah: float, locate: Callable[[str], Path] = Path) -> Protocol:
    """Arrays of a protocol for a pack of `rated_capacity_ah`.

    Raises:
        ProtocolError: a sentence that cannot be read, or a profile whose times do not rise or whose values are not finite.
        FileNotFoundError: a profile's file is missing.
    """
    plain = [parse(step) if isinstance(step, str) else step for step in steps]
    if not plain:
        raise ProtocolError("a protocol needs at least one step")
    count = len(plain)
    rows = {name: np.full(count, np.nan) for name in ENDS}
    value, duration = np.zeros(count), np.full(count, np.inf)
    first, last, linear = np.zeros(count, np.int32), np.zeros(count, np.int32), np.zeros(count, np.bool_)
    times, values, sums, used = [], [], [], 0
    for at, step in enumerate(plain):
        value[at] = step.value * (rated_capacity_ah if step.unit == "c_rate" else 1.0)
        duration[at] = step.duration_s
        if step.profile:
            t, x = _profile(locate(step.profile), step)
            area = np.diff(t) * (0.5 * (x[:-1] + x[1:]) if step.linear else x[:-1])
            times.append(t)
            values.append(x)
            sums.append(np.append(0.0, np.cumsum(area)))
            first[at], last[at] = used, used + t.size
            duration[at], used = min(step.duration_s, t[-1]), used + t.size
            linear[at] = step.linear
        for limit in step.until:
            name, number = _end(step, limit.what, limit.value, rated_capacity_ah)
            rows[name][at] = number
    joined = [np.concatenate(part) if part else np.zeros(0) for part in (times, values, sums)]
    marks = np.zeros(used, np.bool_)
    for at in range(count):
        marks[first[at] : last[at]] = linear[at]
    return Protocol(
        np.array([KINDS[step.kind] for step in plain], np.int8), value, duration,
        *(rows[name] for name in ENDS), first, last, *joined, marks,
    )  # fmt: skip


def _end(step: Step, what: str, value: float, rated_ah: float) -> tuple[str, float]:
    """Array and number of one end; whether a voltage is a floor or a ceiling follows from the direction."""
    if what in ("v", "group_v"):
        rising = step.value < 0.0  # charging; holds and rests end by falling voltages
        return ("v" if what == "v" else "group") + ("_high" if rising else "_low"), value
    if what == "c_rate":
        return "current_a", value * rated_ah
    if what == "a":
        return "current_a", value
    if what == "soc_pct":
        return "soc", 1e-2 * value
    return ("ah", value) if what == "ah" else ("temperature_k", value + KELVIN)


def _profile(path: Path, step: Step) -> tuple[Array, Array]:
    """Times from 0 and scaled values of a drive cycle."""
    import pandas as pd

    if not path.is_file():
        raise FileNotFoundError(f"drive cycle not found: {path}")
    frame = pd.read_csv(path, comment="#")
    missing = [name for name in ("time_s", step.column) if name not in frame.columns]
    if missing:
        raise ProtocolError(f"{path.name}: no column {', '.join(missing)}; found {', '.join(map(str, frame.columns))}")
    t = pd.to_numeric(frame["time_s"], errors="coerce").to_numpy(float)
    x = step.scale * pd.to_numeric(frame[step.column], errors="coerce").to_numpy(float)
    bad = np.flatnonzero(~(np.isfinite(t) & np.isfinite(x)))
    if bad.size:
        raise ProtocolError(f"{path.name}: row {bad[0] + 2}: time_s and {step.column} must be numbers")
    if t.size < 2 or not np.all(np.diff(t) > 0.0):
        raise ProtocolError(f"{path.name}: time_s must rise from row to row, over at least two rows")
    return t - t[0], x

"""A protocol in numbers: one row a step, in SI units of the whole pack."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from packsim.pack.duty.profile import (
    INTERPOLATION,
    LINEAR,
    Column,
    Profile,
    read_ambient,
    read_drive_cycle,
    repeated,
    running_integral,
)
from packsim.scenario.errors import ScenarioError
from packsim.scenario.protocol import ProtocolModel, SimpleStep
from packsim.scenario.protocol_text import ENDS

Array = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int32]

CURRENT, VOLTAGE, POWER, REST, PROFILE = range(5)  # kinds of steps
KELVIN = 273.15
MOST_STEPS = 1_000_000


class Protocol(NamedTuple):
    """Arrays over s steps, in the order in which they run (all cycles written out), and profiles of all of them.

    Limits that are not asked for are infinite, so that every comparison below is false without a special case: a step ends
    when its time is over or `v <= until_v_low`, `v >= until_v_high`, any group is `<= until_group_low` or
    `>= until_group_high`, `abs(current) <= until_current_a`, `ah >= until_ah`, `soc <= until_soc_low`,
    `soc >= until_soc_high` or any cell is `>= until_temperature_k`.
    """

    kind: npt.NDArray[np.int8]  # [s] CURRENT, VOLTAGE, POWER, REST, PROFILE
    value: Array  # [s] A or W of the pack (discharge positive), or V per cell (pack voltage / groups in series)
    duration_s: Array  # [s] longest duration, inf if none
    until_v_low: Array  # [s] mean cell voltage [V]; -inf if none
    until_v_high: Array  # [s] inf if none
    until_group_low: Array  # [s] voltage of any group [V]; -inf if none
    until_group_high: Array  # [s] inf if none
    until_current_a: Array  # [s] magnitude of the pack's current; -inf if none
    until_ah: Array  # [s] integral of the current's magnitude over this step, of the pack; inf if none
    until_soc_low: Array  # [s] state of charge of the pack, 0..1; -inf if none
    until_soc_high: Array  # [s] inf if none
    until_temperature_k: Array  # [s] temperature of any cell; inf if none
    ambient_k: Array  # [s] temperature around the pack in this step; nan: that of the profile below, or the scenario's
    number: Whole  # [s] which of the user's steps this is
    cycle: Whole  # [s] which cycle
    profile_kind: npt.NDArray[np.int8]  # [s] CURRENT or POWER of a PROFILE step
    profile_first: Whole  # [s] points profile_first..profile_last - 1 belong to a PROFILE step; 0, 0 otherwise
    profile_last: Whole
    interpolation: npt.NDArray[np.int8]  # [s] HOLD or LINEAR
    profile_t: Array  # [p] time since the step began [s]
    profile_value: Array  # [p] A or W of the pack
    profile_cumulative: Array  # [p] integral since the step began [A s or W s]
    ambient_t: Array  # [q] time since the protocol began [s], empty if none; beyond the last its value stays
    ambient_degc: Array  # [q]
    ambient_cumulative: Array  # [q] [K s]
    ambient_interpolation: int


class Rated(NamedTuple):
    """The pack that C-rates and values per cell refer to."""

    series: int  # groups in series
    parallel: int  # cells in parallel, over all strings
    capacity_ah: float  # rated capacity of one cell


class Limits(NamedTuple):
    """What ends a step, in SI units of the pack; infinite where nothing does."""

    v_low: float = -math.inf
    v_high: float = math.inf
    group_low: float = -math.inf
    group_high: float = math.inf
    current_a: float = -math.inf
    ah: float = math.inf
    soc_low: float = -math.inf
    soc_high: float = math.inf
    temperature_k: float = math.inf


class Step(NamedTuple):
    """One step in SI units of the pack, before all of them become arrays."""

    kind: int
    value: float = 0.0
    duration_s: float = math.inf
    limits: Limits = Limits()
    ambient_k: float = math.nan
    profile_kind: int = CURRENT
    profile: Profile | None = None


def plan(model: ProtocolModel, rated: Rated, file: Callable[[str], Path] = Path) -> Protocol:
    """Numbers of a protocol; `file` finds the files that it names (`Scenario.file`).

    Raises:
        ScenarioError: a file that cannot be used, or more than a million steps; one line.
    """
    read: dict[tuple[object, ...], Step] = {}  # a cycle runs again: files are read once
    steps = []
    for entry in model.steps:
        inner = [_step(one, rated, file, read) for one in entry.steps]
        steps += inner * (entry.repeat if entry.cycle is not None else 1)
        _check_count(len(steps) * model.cycles)
    ambient = None
    if model.ambient is not None:
        interpolation = INTERPOLATION[model.ambient.interpolation]
        if model.ambient.profile is not None:
            ambient = read_ambient(file(model.ambient.profile), model.ambient.column, interpolation)
        elif model.ambient.temperature_degc is not None:
            ambient = Profile(np.zeros(1), np.full(1, model.ambient.temperature_degc), interpolation)
    return assemble(steps, model.cycles, ambient)


def _step(one: SimpleStep, rated: Rated, file: Callable[[str], Path], read: dict[tuple[object, ...], Step]) -> Step:
    """One step of the model in numbers."""
    limits = _limits(one, rated)
    duration = math.inf if one.for_s is None else one.for_s
    cells = rated.series * rated.parallel
    one_c = rated.capacity_ah * rated.parallel
    held = one.controls[0]
    if held == "profile":
        key = (one.profile, one.kind, one.column, one.unit, one.of, one.scale, one.interpolation, one.repeat)
        if key not in read:
            read[key] = _drive_cycle(one, rated, file)
        cycle = read[key]
        assert cycle.profile is not None
        return cycle._replace(duration_s=min(duration, float(cycle.profile.time_s[-1])), limits=limits)
    given = float(getattr(one, held))
    held_a = {"current_a": given, "current_per_cell_a": given * rated.parallel, "c_rate": given * one_c}
    held_w = {"power_w": given, "power_per_cell_w": given * cells}
    held_v = {"voltage_v": given, "pack_voltage_v": given / rated.series}
    if held == "rest" or (held in held_a and held_a[held] == 0.0):
        return Step(REST, 0.0, duration, limits)
    if held in held_a:
        return Step(CURRENT, held_a[held], duration, limits)
    if held in held_w:
        return Step(POWER, held_w[held], duration, limits)
    return Step(VOLTAGE, held_v[held], duration, limits)


def _drive_cycle(one: SimpleStep, rated: Rated, file: Callable[[str], Path]) -> Step:
    assert one.profile is not None
    column = Column(
        one.column or "",
        one.kind or "",
        one.unit or "",
        1.0 if one.scale is None else one.scale,
        INTERPOLATION[one.interpolation or "linear"],
    )
    profile, unit = read_drive_cycle(file(one.profile), column)
    factor = 1.0
    if unit == "C":
        factor = rated.capacity_ah * rated.parallel
    elif one.of == "cell":
        factor = rated.parallel * (rated.series if unit == "W" else 1)
    whole = repeated(profile._replace(value=profile.value * factor), one.repeat)
    return Step(PROFILE, profile_kind=POWER if unit == "W" else CURRENT, profile=whole)


def _limits(one: SimpleStep, rated: Rated) -> Limits:
    """The ends of a step; of several of one kind the one that is reached first counts."""
    one_c = rated.capacity_ah * rated.parallel
    one_cell = float(rated.parallel)
    fields = {  # field, factor, divisor, offset: a division gives the digits that people expect (41 V / 10 = 4.1 V)
        "voltage_below_v": ("v_low", 1.0, 1.0, 0.0),
        "voltage_above_v": ("v_high", 1.0, 1.0, 0.0),
        "pack_voltage_below_v": ("v_low", 1.0, float(rated.series), 0.0),
        "pack_voltage_above_v": ("v_high", 1.0, float(rated.series), 0.0),
        "group_below_v": ("group_low", 1.0, 1.0, 0.0),
        "group_above_v": ("group_high", 1.0, 1.0, 0.0),
        "current_below_a": ("current_a", 1.0, 1.0, 0.0),
        "current_per_cell_below_a": ("current_a", one_cell, 1.0, 0.0),
        "c_rate_below": ("current_a", one_c, 1.0, 0.0),
        "throughput_ah": ("ah", 1.0, 1.0, 0.0),
        "throughput_per_cell_ah": ("ah", one_cell, 1.0, 0.0),
        "soc_below_pct": ("soc_low", 1.0, 100.0, 0.0),
        "soc_above_pct": ("soc_high", 1.0, 100.0, 0.0),
        "temperature_above_degc": ("temperature_k", 1.0, 1.0, KELVIN),
    }
    assert set(fields) == set(ENDS)
    found: dict[str, float] = {}
    for end in one.ends:
        name, factor, divisor, offset = fields[end.key]
        value = end.value * factor / divisor + offset
        first = max if name.endswith("_low") or name == "current_a" else min
        found[name] = first(found[name], value) if name in found else value
    return Limits(**found)


def _check_count(count: int) -> None:
    if count > MOST_STEPS:
        raise ScenarioError([f"protocol: given {count} steps in all cycles; allowed: up to {MOST_STEPS}"])


def assemble(steps: Sequence[Step], cycles: int = 1, ambient: Profile | None = None) -> Protocol:
    """Steps as arrays, `cycles` times; equal profiles are stored once.

    Raises:
        ScenarioError: no step, or more than a million.
    """
    if not steps:
        raise ScenarioError(["protocol: given no step; allowed: at least one"])
    _check_count(len(steps) * cycles)
    first, last, stored = _stored(steps)
    all_t = [profile.time_s for profile in stored] or [np.empty(0)]
    all_values = [profile.value for profile in stored] or [np.empty(0)]
    integrals = [running_integral(profile) for profile in stored] or [np.empty(0)]
    around = ambient if ambient is not None else Profile(np.empty(0), np.empty(0), LINEAR)

    def column(name: str) -> Array:
        values = [getattr(step.limits if name in Limits._fields else step, name) for step in steps]
        return np.tile(np.array(values, dtype=np.float64), cycles)

    def small(values: list[int]) -> npt.NDArray[np.int8]:
        return np.tile(np.array(values, dtype=np.int8), cycles)

    return Protocol(
        kind=small([step.kind for step in steps]),
        value=column("value"),
        duration_s=column("duration_s"),
        until_v_low=column("v_low"),
        until_v_high=column("v_high"),
        until_group_low=column("group_low"),
        until_group_high=column("group_high"),
        until_current_a=column("current_a"),
        until_ah=column("ah"),
        until_soc_low=column("soc_low"),
        until_soc_high=column("soc_high"),
        until_temperature_k=column("temperature_k"),
        ambient_k=column("ambient_k"),
        number=np.tile(np.arange(len(steps), dtype=np.int32), cycles),
        cycle=np.repeat(np.arange(cycles, dtype=np.int32), len(steps)),
        profile_kind=small([step.profile_kind for step in steps]),
        profile_first=np.tile(first, cycles),
        profile_last=np.tile(last, cycles),
        interpolation=small([LINEAR if s.profile is None else s.profile.interpolation for s in steps]),
        profile_t=np.concatenate(all_t),
        profile_value=np.concatenate(all_values),
        profile_cumulative=np.concatenate(integrals),
        ambient_t=around.time_s,
        ambient_degc=around.value,
        ambient_cumulative=running_integral(around) if around.time_s.size else np.empty(0),
        ambient_interpolation=around.interpolation,
    )


def _stored(steps: Sequence[Step]) -> tuple[Whole, Whole, list[Profile]]:
    """First and last point of each step's profile, and the profiles that are different."""
    first, last = np.zeros(len(steps), np.int32), np.zeros(len(steps), np.int32)
    stored: list[Profile] = []
    places: dict[tuple[bytes, bytes, int], tuple[int, int]] = {}
    end = 0
    for row, step in enumerate(steps):
        if step.profile is None:
            continue
        key = (step.profile.time_s.tobytes(), step.profile.value.tobytes(), step.profile.interpolation)
        if key not in places:
            places[key] = (end, end + step.profile.time_s.size)
            end += step.profile.time_s.size
            stored.append(step.profile)
        first[row], last[row] = places[key]
    return first, last, stored

"""A protocol in numbers: rated pack, limits, drive cycles and their exact means, PyBaMM's experiments."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from packsim.pack.duty import experiment as duty
from packsim.pack.duty.profile import HOLD, LINEAR, MOST_POINTS, Profile, integral_to, repeated, running_integral
from packsim.pack.duty.protocol import CURRENT, POWER, PROFILE, REST, VOLTAGE, Protocol, Rated, plan
from packsim.scenario.errors import ScenarioError
from packsim.scenario.protocol import protocol

RATED = Rated(series=10, parallel=4, capacity_ah=5.0)


def test_steps_in_numbers_of_the_rated_pack() -> None:
    found = plan(
        protocol(
            [
                "Discharge at C/5 until 3.0 V",
                ("Charge at 2 A per cell until 42 V pack", "Hold at 4.1 V until C/50", "Rest for 30 minutes"),
                "Discharge at 3 W per cell until 2 Ah per cell or any group 2.5 V or 40 degC",
                "Charge at 1 kW until 80 % SOC",
                "Hold at 41 V pack for 1 min",
            ],
            cycles=2,
        ),
        RATED,
    )
    assert found.kind.tolist() == 2 * [CURRENT, CURRENT, VOLTAGE, REST, POWER, POWER, VOLTAGE]
    assert np.allclose(found.value, 2 * [4.0, -8.0, 4.1, 0.0, 120.0, -1000.0, 4.1], rtol=1e-15)
    assert found.duration_s.tolist() == 2 * [*3 * [math.inf], 1800.0, *2 * [math.inf], 60.0]
    assert found.cycle.tolist() == 7 * [0] + 7 * [1]
    assert found.number.tolist() == 2 * list(range(7))
    none = -math.inf
    assert found.until_v_low[:7].tolist() == [3.0, none, none, none, none, none, none]
    assert found.until_v_high[1] == 4.2
    assert found.until_group_low[4] == 2.5
    assert found.until_ah[4] == 8.0
    assert found.until_temperature_k[4] == 313.15
    assert found.until_soc_high[5] == pytest.approx(0.8, rel=1e-15)
    assert found.until_current_a[2] == pytest.approx(0.4, rel=1e-15)
    assert np.isinf(found.until_group_high).all()
    assert np.isinf(found.until_soc_low).all()
    assert found.profile_t.size == found.ambient_t.size == 0


def test_of_two_ends_of_one_kind_the_first_reached_counts() -> None:
    found = plan(protocol(["Discharge at 1C until 3.0 V or 31 V pack", "Charge at 1C until 4.2 V or 41 V pack"]), RATED)
    assert found.until_v_low[0] == 3.1
    assert found.until_v_high[1] == 4.1


def test_arrays_are_of_one_length_and_kind() -> None:
    found = plan(protocol(["Rest for 1 s"], cycles=3), RATED)
    per_step = [name for name in Protocol._fields if not name.startswith(("profile_t", "profile_v", "profile_cu"))]
    for name in (name for name in per_step if not name.startswith("ambient_") or name == "ambient_k"):
        assert getattr(found, name).shape == (3,), name
    for name in ("number", "cycle", "profile_first", "profile_last"):
        assert getattr(found, name).dtype == np.int32
    for name in ("kind", "profile_kind", "interpolation"):
        assert getattr(found, name).dtype == np.int8


def write(folder: Path, text: str) -> Callable[[str], Path]:
    (folder / "p.csv").write_text(text)
    return lambda name: folder / name


def test_a_drive_cycle_with_unit_scale_and_repeats(tmp_path: Path) -> None:
    file = write(tmp_path, "# made by hand\ntime_s,power_kw,current_ma\n100,1,3\n101,2,4\n\n104,4,5\n")
    steps = [
        {"profile": "p.csv", "kind": "power", "scale": -0.5, "repeat": 2, "until": "any group below 3 V"},
        {"profile": "p.csv", "column": "current_ma", "of": "cell", "interpolation": "hold", "for_s": 2.0},
        {"profile": "p.csv", "column": "current_ma", "unit": "C"},
    ]
    found = plan(protocol(steps, cycles=2), RATED, file)
    assert found.kind.tolist() == 6 * [PROFILE]
    assert found.profile_kind[:3].tolist() == [POWER, CURRENT, CURRENT]
    assert found.duration_s[:3].tolist() == [8.0, 2.0, 4.0]
    assert found.interpolation[:3].tolist() == [LINEAR, HOLD, LINEAR]
    assert found.until_group_low[0] == 3.0
    rows = [slice(int(a), int(b)) for a, b in zip(found.profile_first, found.profile_last, strict=True)]
    assert rows[:3] == rows[3:]  # the second cycle uses the same points
    assert found.profile_t[rows[0]].tolist() == [0, 1, 4, 4, 5, 8]
    assert found.profile_value[rows[0]].tolist() == [-500, -1000, -2000, -500, -1000, -2000]
    assert found.profile_cumulative[rows[0]].tolist() == [0, -750, -5250, -5250, -6000, -10500]
    assert np.allclose(found.profile_value[rows[1]], [0.012, 0.016, 0.020], rtol=1e-14)
    assert np.allclose(found.profile_cumulative[rows[1]], [0.0, 0.012, 0.060], rtol=1e-14)
    assert found.profile_value[rows[2]].tolist() == [60.0, 80.0, 100.0]  # rated 4 x 5 Ah


BAD_FILES = [
    ("time_s,power_kw\n0,1\n1,2\n1,3\n", {}, "p.csv:4: time_s: given '1'; allowed: a time later than 1 s"),
    ("time_s,power_kw\n0,1\n# pause\n2,2\n1,3\n", {}, "p.csv:5: time_s: given '1'"),
    ("time_s,power_kw\n0,1\n1,x\n", {}, "p.csv:3: power_kw: given 'x'; allowed: a finite number"),
    ("time_s,power_kw\n0,1\n1,nan\n", {}, "p.csv:3: power_kw: given 'nan'"),
    ("time_s,power_kw\n0,1\n1\n", {}, "p.csv:3: power_kw: given a row that is too short"),
    ("t,power_kw\n0,1\n1,2\n", {}, "p.csv:1: given no column time_s; allowed: one, found are t, power_kw"),
    ("time_s,speed\n0,1\n1,2\n", {}, "p.csv:1: given columns time_s, speed; allowed: one column like current_a or"),
    ("time_s,speed\n0,1\n1,2\n", {"column": "speed"}, "speed: given a column without a unit"),
    ("time_s,speed\n0,1\n1,2\n", {"column": "sped"}, "given a column without a unit"),
    ("time_s,speed\n0,1\n1,2\n", {"column": "sped", "unit": "A"}, "did you mean speed?"),
    ("time_s,power_kw,current_a\n0,1,1\n1,2,2\n", {}, "given power_kw and current_a; allowed: one column"),
    ("time_s,power_kw\n0,1\n1,2\n", {"kind": "current"}, "one column like current_a, or name another"),
    ("time_s,power_kw\n0,1\n1,2\n", {"kind": "power", "unit": "A"}, "power_kw: given power in A; allowed: W or kW"),
    ("time_s,power_kw\n0,1\n", {}, "given 1 rows; allowed: a header and at least two rows"),
    ("time_s,power_kw\n0,1\n1,2\n", {"repeat": 1_000_000}, ""),
]


@pytest.mark.parametrize(("text", "keys", "words"), BAD_FILES)
def test_files_that_cannot_be_used_are_refused_in_one_line(
    tmp_path: Path, text: str, keys: dict[str, object], words: str
) -> None:
    file = write(tmp_path, text)
    model = protocol([{"profile": "p.csv", **keys}])
    if not words:
        assert plan(model, RATED, file).duration_s[0] == 1e6
        return
    with pytest.raises(ScenarioError) as caught:
        plan(model, RATED, file)
    assert len(caught.value.lines) == 1
    assert words in caught.value.lines[0]


def test_absent_files_too_many_points_or_steps_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"no.csv: given a file that does not exist"):
        plan(protocol([{"profile": "no.csv"}]), RATED, lambda name: tmp_path / name)
    with pytest.raises(ScenarioError, match="allowed: up to 20000000 points"):
        repeated(Profile(np.arange(100.0), np.zeros(100), LINEAR), MOST_POINTS // 99 + 1)
    with pytest.raises(ScenarioError, match="allowed: up to 1000000"):
        plan(protocol(["Rest for 1 s", "Rest for 2 s"], cycles=500_001), RATED)


def naive_mean(profile: Profile, a: float, b: float) -> float:
    """Mean over [a, b] by cutting at every point and taking each piece's middle: exact for lines, another route."""
    cuts = np.unique(np.clip(np.concatenate([[a, b], profile.time_s]), a, b))
    middle = 0.5 * (cuts[1:] + cuts[:-1])
    if profile.interpolation == HOLD:
        at = np.maximum(np.searchsorted(profile.time_s, middle, side="right") - 1, 0)
        values = profile.value[at]
    else:
        values = np.interp(middle, profile.time_s, profile.value)
    return float(np.sum(values * np.diff(cuts)) / (b - a))


@given(
    st.lists(st.tuples(st.floats(0.01, 100.0), st.floats(-1e3, 1e3)), min_size=2, max_size=12),
    st.sampled_from([HOLD, LINEAR]),
    st.floats(0.0, 1.0),
    st.floats(1e-3, 1.0),
)
@settings(max_examples=300, deadline=None)
def test_the_mean_over_any_interval_is_exact(
    steps: list[tuple[float, float]], interpolation: int, start: float, part: float
) -> None:
    gaps, values = np.array(steps).T
    profile = Profile(np.concatenate([[0.0], np.cumsum(gaps[1:])]), values, interpolation)
    whole = profile.time_s[-1]
    a, b = start * whole, start * whole + part * whole  # also beyond the end, where the last value stays
    cumulative = running_integral(profile)
    up_to_a, up_to_b = (integral_to(t, *profile[:2], cumulative, interpolation) for t in (a, b))
    found = (up_to_b - up_to_a) / (b - a)
    scale = np.abs(values).max() * whole / (b - a) + 1e-9
    assert abs(found - naive_mean(profile, a, b)) <= 1e-13 * scale * len(values)


def test_one_repeat_after_another_has_the_same_integral() -> None:
    for interpolation in (HOLD, LINEAR):
        for ends in (5.0, 1.0):  # with a jump at the seam, and without
            one = Profile(np.array([0.0, 1.0, 4.0]), np.array([1.0, -2.0, ends]), interpolation)
            three = repeated(one, 3)
            single, triple = running_integral(one), running_integral(three)
            assert three.time_s[-1] == 12.0
            assert triple[-1] == pytest.approx(3 * single[-1], rel=1e-14)
            for t in (0.3, 1.7, 3.999):
                later = integral_to(t + 8.0, three.time_s, three.value, triple, interpolation)
                assert later - 2 * single[-1] == pytest.approx(
                    integral_to(t, one.time_s, one.value, single, interpolation), abs=1e-12
                )


def test_ambient_profile_and_constant(tmp_path: Path) -> None:
    file = write(tmp_path, "time_s,temperature_degc\n0,20\n3600,30\n")
    found = plan(protocol(["Rest for 1 s"], ambient={"profile": "p.csv"}), RATED, file)
    assert found.ambient_degc.tolist() == [20.0, 30.0]
    day = integral_to(
        7200.0, found.ambient_t, found.ambient_degc, found.ambient_cumulative, found.ambient_interpolation
    )
    assert day == 3600.0 * 25.0 + 3600.0 * 30.0
    constant = plan(protocol(["Rest for 1 s"], ambient={"temperature_degc": -10.0}), RATED)
    assert integral_to(5.0, *constant[-4:]) == -50.0
    assert np.isnan(constant.ambient_k).all()
    with pytest.raises(ScenarioError, match="either temperature_degc or profile"):
        protocol(["Rest for 1 s"], ambient={})
    bad = write(tmp_path, "time_s,temperature_degc\n0,-300\n1,30\n")
    with pytest.raises(ScenarioError, match=r"p.csv:2: temperature_degc: given '-300'"):
        plan(protocol(["Rest for 1 s"], ambient={"profile": "p.csv"}), RATED, bad)


# PyBaMM's own parser as the oracle: the same strings through it and through ours

STRINGS = [
    "Discharge at C/5 for 2 hours or until 3.0 V",
    "Discharge at 1C for 0.5 hours",
    "Discharge at C/20 for 0.5 hours",
    "Charge at 0.5 C for 45 minutes",
    "Discharge at 1 A for 0.5 hours",
    "Charge at 200 mA for 45 minutes",
    "Discharge at 1W for 0.5 hours",
    "Charge at 200mW for 45 minutes",
    "Rest for 10 minutes (5 minute period)",
    "Hold at 1V for 20 seconds",
    "Charge at 1 C until 4.1V",
    "Hold at 4.1 V until 50mA",
    "Hold at 3V until C/50",
    "Discharge at C/3 for 2 hours or until 2.5 V",
    "Discharge at 2 W until 2.7 V",
]


@pytest.mark.parametrize("text", STRINGS)
def test_pybamm_reads_the_same_string_alike(text: str) -> None:
    """Of one cell (1s1p) both parsers give the same numbers, taken from PyBaMM's step object by hand here."""
    import pybamm

    one = Rated(1, 1, 5.0)
    theirs = pybamm.step.string(text)
    ours = plan(protocol([text]), one)
    value = float(theirs.value) * (5.0 if isinstance(theirs, pybamm.step.CRate) else 1.0)
    assert ours.value[0] == pytest.approx(value, rel=1e-14)
    kinds = {"CRate": CURRENT, "Current": CURRENT, "Power": POWER, "Voltage": VOLTAGE, "Rest": REST}
    assert ours.kind[0] == kinds[type(theirs).__name__]
    assert ours.duration_s[0] == (math.inf if theirs.uses_default_duration else theirs.duration)
    for end in theirs.termination:
        name = type(end).__name__
        if name == "VoltageTermination":
            assert (ours.until_v_low if theirs.direction == "discharge" else ours.until_v_high)[0] == end.value
        else:
            factor = 5.0 if name == "CRateTermination" else 1.0
            assert ours.until_current_a[0] == pytest.approx(end.value * factor, rel=1e-14)
    through = duty.from_experiment(pybamm.Experiment([text]), one)
    for name in Protocol._fields:
        assert np.array_equal(getattr(ours, name), getattr(through, name), equal_nan=True) or np.allclose(
            getattr(ours, name), getattr(through, name), rtol=1e-14
        ), name


def test_an_experiment_on_a_pack_gives_every_cell_its_share() -> None:
    import pybamm

    points = np.array([[0.0, 1.0], [1.0, 2.0], [2.0, -1.0]])
    found = duty.from_experiment(
        pybamm.Experiment(
            [
                ("Discharge at C/5 for 2 hours or until 3.0 V", "Charge at 2 A until 4.1 V") * 2,
                "Hold at 4.1 V until 50 mA",
                pybamm.step.power(points, duration=5.0),
                pybamm.step.voltage(3.5, termination="C/50", temperature="10 oC"),
                pybamm.step.current(-1.0, termination="> -0.5 A", duration=9.0),
            ],
            temperature="25 oC",
        ),
        RATED,
    )
    assert found.kind.tolist() == [CURRENT] * 4 + [VOLTAGE, PROFILE, VOLTAGE, CURRENT]
    assert np.allclose(found.value, [4.0, -8.0, 4.0, -8.0, 4.1, 0.0, 3.5, -4.0])
    assert np.allclose(found.until_current_a[[4, 6, 7]], [0.2, 0.4, 2.0])
    assert found.ambient_k.tolist() == 6 * [298.15] + [283.15, 298.15]
    assert found.profile_kind[5] == POWER
    assert found.duration_s[5] == 5.0
    # PyBaMM's own interpolant at times of its loops, times 40 cells
    theirs = pybamm.step.power(points, duration=5.0).value
    for t in (0.0, 0.5, 1.9, 2.5, 3.25, 4.999):
        ours = np.interp(t, found.profile_t, found.profile_value)
        assert ours == pytest.approx(40.0 * theirs.evaluate(t=t, inputs={"start time": 0.0}).item(), rel=1e-12)


def test_what_no_pack_can_follow_is_refused_with_its_step() -> None:
    import pybamm

    from packsim.cell.from_pybamm import UnsupportedExperiment

    step = pybamm.step
    voltage = np.array([[0.0, 3.5], [1.0, 3.6]])
    for bad, words in (
        ("Discharge at 3 Ohm for 10 s", "given Resistance"),
        (step.current(lambda t: t + 1.0, duration=3.0), "allowed: a number or a drive cycle"),
        (step.current(1.0, termination="> 0.5 A"), "a current that falls to a value"),
        (step.current(-1.0, termination="< 0.5 A"), "a current that falls to a value"),
        (step.voltage(voltage), "a voltage over time"),
        (step.CustomStepExplicit(lambda v: 1.0, duration=3.0), "given CustomStepExplicit"),
        (step.current(1.0, duration=3.0, termination=step.CustomTermination("x", lambda v: 1.0)), "given the end"),
    ):
        with pytest.raises(UnsupportedExperiment, match="step 1 ") as caught:
            duty.from_experiment(pybamm.Experiment(["Rest for 1 s", bad]), RATED)
        assert words in str(caught.value)
        assert "\n" not in str(caught.value)
    with pytest.raises(UnsupportedExperiment, match="termination '80% capacity' of the whole"):
        duty.from_experiment(pybamm.Experiment(["Rest for 1 s"], termination="80% capacity"), RATED)

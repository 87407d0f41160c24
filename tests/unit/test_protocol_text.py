"""Protocols as people write them: what text and keys mean, and what is refused in one line."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from packsim.scenario.errors import ScenarioError
from packsim.scenario.protocol import protocol
from packsim.scenario.protocol_text import CHARGING, DISCHARGING, End, TextError, end, seconds, step


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("Discharge at C/5 until 3.0 V", {"c_rate": 0.2, "until": ["3.0 V"]}),
        ("Charge at 1C until 4.2V", {"c_rate": -1.0, "until": ["4.2V"]}),
        ("charge AT 0.5 C FOR 45 minutes", {"c_rate": -0.5, "for_s": 2700.0}),
        ("Hold at 4.2 V until C/50", {"voltage_v": 4.2, "until": ["C/50"]}),
        ("Hold at 350 V pack for 1 h", {"pack_voltage_v": 350.0, "for_s": 3600.0}),
        ("Rest for 30 minutes", {"rest": True, "for_s": 1800.0}),
        ("Discharge at 20 A for 10 s", {"current_a": 20.0, "for_s": 10.0}),
        ("Charge at 200 mA per cell for 10 s", {"current_per_cell_a": -0.2, "for_s": 10.0}),
        ("Charge at 500 W for 1 hour or until 4.2 V", {"power_w": -500.0, "for_s": 3600.0, "until": ["4.2 V"]}),
        ("Discharge at 5 W/cell until any group 2.8 V", {"power_per_cell_w": 5.0, "until": ["any group 2.8 V"]}),
        (
            "Discharge at 1.5e1 kW until 3 V or 20 % SOC or 55 degC",
            {"power_w": 15_000.0, "until": ["3 V", "20 % SOC", "55 degC"]},
        ),
        ("Charge at 1C until 4.2 V or for 2 h", {"c_rate": -1.0, "until": ["4.2 V"], "for_s": 7200.0}),
        ("Discharge at C/3 for 2 hours (5 minute period)", {"c_rate": 1 / 3, "for_s": 7200.0}),
    ],
)
def test_a_step_as_text_is_the_same_step_as_keys(text: str, keys: dict[str, object]) -> None:
    assert step(text) == keys
    assert protocol([text]).steps == protocol([keys]).steps


@pytest.mark.parametrize(
    ("text", "direction", "expected"),
    [
        ("3.0 V", DISCHARGING, End("voltage_below_v", 3.0)),
        ("4200 mV", CHARGING, End("voltage_above_v", 4.2)),
        ("above 4.2 V", DISCHARGING, End("voltage_above_v", 4.2)),
        ("<3.0V", 0, End("voltage_below_v", 3.0)),
        ("350 V pack", CHARGING, End("pack_voltage_above_v", 350.0)),
        ("any group 4.2 V", CHARGING, End("group_above_v", 4.2)),
        ("any group below 2.5 V", 0, End("group_below_v", 2.5)),
        ("C/50", 0, End("c_rate_below", 0.02)),
        ("0.5 A", CHARGING, End("current_below_a", 0.5)),
        ("50 mA per cell", CHARGING, End("current_per_cell_below_a", 0.05)),
        ("2 Ah", 0, End("throughput_ah", 2.0)),
        ("2 A.h per cell", 0, End("throughput_per_cell_ah", 2.0)),
        ("80% SOC", CHARGING, End("soc_above_pct", 80.0)),
        ("SOC below 10 %", 0, End("soc_below_pct", 10.0)),
        ("45 °C", 0, End("temperature_above_degc", 45.0)),
        ("-10 degC", 0, End("temperature_above_degc", -10.0)),
    ],
)
def test_ends(text: str, direction: int, expected: End) -> None:
    found = end(text, direction)
    assert found.key == expected.key
    assert math.isclose(found.value, expected.value, rel_tol=1e-15)


@pytest.mark.parametrize(
    ("text", "expected"), [("1 s", 1.0), ("90 sec", 90.0), ("2 Hours", 7200.0), ("0.5 min", 30.0), ("1 day", 86_400.0)]
)
def test_times(text: str, expected: float) -> None:
    assert seconds(text) == expected


REFUSED = [
    ("Discharge at 5 furlongs until 3 V", "given '5 furlongs'; allowed: one of the units C, A, mA"),
    ("Discharge at 5 a for 3 s", "did you mean A"),
    ("Dischrge at 1C until 3 V", "did you mean Discharge"),
    ("Rest", "else it would never end"),
    ("Rest at 1 A for 3 s", "Charge|Discharge at"),
    ("Hold at 4.2 V until 3 V", "`above 3 V` or `below 3 V`"),
    ("Hold at 2 A for 3 s", "a voltage to hold"),
    ("Charge at 4.2 V until C/50", "a voltage is held: `Hold at`"),
    ("Discharge at -1 A for 3 s", "Charge or Discharge says the direction"),
    ("Discharge at 0 A for 3 s", "a number > 0"),
    ("Discharge at 1C for 3 parsecs", "a time > 0 in s, min, h or days"),
    ("Discharge at 1C for -3 s", "a time > 0"),
    ("Discharge at 1C for 3 s for 4 s", "one `for <time>`"),
    ("Discharge at C/0 for 3 s", "allowed: a number"),
    ("Discharge at 1 C per cell for 3 s", "given '1 C per cell'; allowed: C pack"),
    ("Discharge at 1C until", "Charge|Discharge at"),
    ("Discharge at 1C until 120 % SOC", "0 to 100 % SOC"),
    ("Discharge at 1C until soon", "a voltage (`3.0 V`"),
    ("Discharge at 1C until any group 50 V pack", "any group 4.2 V"),
    ("Discharge at 1C until 1e999 V", "a number > 0"),
    ("Charge at 1C until above 2 A", "falls below"),
    ("Discharge at 1C until below 45 degC", "from below"),
    ("", "Charge|Discharge at"),
    (5, "a block with keys"),
    ({"c_rate": 1.0, "rest": True, "for_s": 1.0}, "given c_rate and rest in one step; allowed: exactly one of"),
    ({"for_s": 1.0}, "given none in one step"),
    ({"c_rate": 1.0}, "else it would never end"),
    ({"c_rate": 1.0, "untl": "3 V"}, "did you mean until?"),
    ({"c_rate": 1.0, "until": ["3 V", "x"]}, "steps.0.until.1: given 'x'"),
    ({"c_rate": 1.0, "for_s": 0.0}, "a number > 0"),
    ({"c_rate": 1.0, "for_s": 1.0, "scale": 2.0}, "scale: given 2.0; allowed: only beside profile"),
    ({"c_rate": "1", "for_s": 1.0}, "steps.0.c_rate: given '1'; allowed: a number"),
    ({"voltage_v": -1.0, "for_s": 1.0}, "a number > 0"),
    ({"rest": False, "for_s": 1.0}, "steps.0.rest"),
    ({"profile": "a.csv", "scale": 0.0}, "a number other than 0"),
    ({"cycle": ["Rest for 1 s"], "for_s": 3.0}, "not beside cycle"),
    ({"cycle": []}, "steps.0.cycle"),
    (("Rest for 1 s", "foo"), "steps.0.cycle.1: given 'foo'"),
]


@pytest.mark.parametrize(("wrong", "words"), REFUSED)
def test_what_is_wrong_is_refused_in_one_line(wrong: object, words: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        protocol([wrong])
    assert len(caught.value.lines) == 1
    assert words in caught.value.lines[0]
    assert caught.value.lines[0].startswith("protocol: steps.0")


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(ScenarioError) as caught:
        protocol(["Rest", "Rest for 1 s", {"c_rate": 1.0, "until": "x"}])
    assert [line.split(":")[1].strip() for line in caught.value.lines] == ["steps.0", "steps.2.until.0"]


@given(st.text(alphabet="CAVWhms 0123456789./<>%abdefginortuSO-", max_size=40))
@settings(max_examples=400, deadline=None)
def test_any_text_is_a_step_or_refused_with_what_is_allowed(tail: str) -> None:
    for text in (tail, "Discharge at " + tail, "Discharge at 1C until " + tail, "Hold at 4 V for " + tail):
        try:
            found = step(text)
        except TextError:  # and nothing else
            continue
        assert found.get("for_s", 1.0) > 0.0
        assert protocol([text]).steps[0].steps


@given(
    st.floats(1e-6, 1e6),
    st.sampled_from(["A", "W"]),
    st.sampled_from(["Charge", "Discharge"]),
    st.floats(1e-3, 1e8),
    st.floats(0.01, 10.0),
)
@settings(max_examples=200, deadline=None)
def test_numbers_in_text_are_kept_to_the_last_digit(
    amount: float, unit: str, word: str, time_s: float, volts: float
) -> None:
    keys = step(f"{word} at {amount!r} {unit} for {time_s!r} s or until {volts!r} V")
    sign = 1.0 if word == "Discharge" else -1.0
    assert keys["current_a" if unit == "A" else "power_w"] == sign * amount
    assert keys["for_s"] == time_s
    assert end(keys["until"][0], int(sign)).value == volts


def test_an_updated_or_dumped_protocol_is_the_same_protocol() -> None:
    one = protocol(["Discharge at C/5 until 3.0 V", ("Charge at 1C for 1 h", "Rest for 1 h"), {"profile": "a.csv"}], 3)
    assert type(one).model_validate(one.model_dump(exclude_unset=True)) == one
    assert one.files() == {"steps.2.profile": "a.csv"}


def test_faults_in_a_file_are_told_with_their_own_lines() -> None:
    """As a scenario will hold it: lists of steps, each fault at the line of its step or key."""
    from pydantic import ValidationError

    from packsim.scenario.document import read
    from packsim.scenario.faults import faults, in_document
    from packsim.scenario.protocol import ProtocolModel

    lines = [
        "cycles: 2",
        "steps:",
        "  - Discharge at C/5 until 3.0 W",
        "  - [Charge at 1C until 4.2 V, Rest for 1 horu]",
        "  - c_rate: 1.0",
        "    until:",
        "      - 3 V",
        "      - 3 ohm",
        "  - {c_rat: 1.0, until: 3 V}",
        "  - Rest for 1 h",
        "ambient: {profile: 5}",
    ]
    root, problems = read("\n".join(lines))
    assert not problems
    with pytest.raises(ValidationError) as caught:
        ProtocolModel.model_validate(root.value)
    found = faults(caught.value, ProtocolModel, in_document(root))
    assert [(fault.line, fault.key) for fault in found] == [
        (3, "steps.0"),
        (4, "steps.1.cycle.1"),
        (8, "steps.2.until.1"),
        (9, "steps.3.c_rat"),
        (11, "ambient.profile"),
    ]
    assert found[2].text.startswith("given '3 ohm'; allowed: a voltage")


def test_the_example_of_the_docs_is_a_protocol() -> None:
    from packsim.scenario.document import read

    page = (Path(__file__).resolve().parents[2] / "docs" / "protocols.md").read_text(encoding="utf-8")
    block = page.partition("    steps:\n")[2].partition("\n\n")[0]
    root, problems = read("steps:\n" + "\n".join(line[4:] for line in block.splitlines()))
    assert not problems
    found = protocol(root.value["steps"], root.value["cycles"], root.value["ambient"])
    assert [len(entry.steps) * entry.repeat for entry in found.steps] == [1, 1, 1, 4, 2, 18]
    assert found.files() == {"steps.3.profile": "wltp-like.csv", "ambient.profile": "winter-day.csv"}

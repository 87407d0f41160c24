from __future__ import annotations

import math

import pytest

from packsim.scenario.document import MAX_VALUES, Refused, read, scalar, show


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("1E5", 1e5),
        ("-.5e3", -500.0),
        ("1.", 1.0),
        (".5", 0.5),
        ("+1", 1),
        ("017", 17),
        ("0o17", 15),
        ("0x1F", 31),
        ("", None),
        ("~", None),
        ("NULL", None),
        ("True", True),
        ("-.INF", -math.inf),
        ("on", "on"),
        ("yes", "yes"),
        ("1_000", "1_000"),
        ("2024-01-01", "2024-01-01"),
        ("1:30", "1:30"),
        ("0b11", "0b11"),
        ("nan", "nan"),
        ("1e", "1e"),
        (".", "."),
    ],
)
def test_plain_scalars_follow_the_core_schema_of_yaml_1_2(text: str, value: object) -> None:
    found = scalar(text)
    assert found == value
    assert type(found) is type(value)


def test_an_integer_that_python_would_refuse_is_infinite_instead() -> None:
    assert math.isnan(scalar(".NaN"))  # type: ignore[arg-type]
    assert scalar("9" * 5000) == math.inf
    assert show(10**5000) == "a number of thousands of digits"


def test_quoted_text_stays_text_and_every_key_knows_its_line() -> None:
    root, faults = read('a: "1"\nb:\n  c: 2\n\n  d: [x, {e: 3}]\n')
    assert faults == []
    assert root.value == {"a": "1", "b": {"c": 2, "d": ["x", {"e": 3}]}}
    assert {key: node.line for key, node in root.entries["b"].entries.items()} == {"c": 3, "d": 5}


def test_version_1_1_directive_does_not_change_what_values_mean() -> None:
    assert read("%YAML 1.1\n---\na: on\nb: 017\n")[0].value == {"a": "on", "b": 17}


def test_aliases_repeat_a_block_and_merges_are_overridden_by_own_keys() -> None:
    text = "a: &a {x: 1, y: 2}\nb: *a\nc:\n  y: 3\n  <<: *a\n"
    root, faults = read(text)
    assert faults == []
    assert root.value == {
        "a": {"x": 1, "y": 2},
        "b": {"x": 1, "y": 2},
        "c": {"x": 1, "y": 3},
    }


def test_the_first_of_a_repeated_key_counts_and_the_second_is_named() -> None:
    root, faults = read("a:\n  b: 1\n  b: 2\n")
    assert root.value == {"a": {"b": 1}}
    assert faults == [(3, "a.b: given a second time; allowed: once (first on line 2)")]


def test_the_number_of_values_is_limited_with_aliases_expanded() -> None:
    items = ",".join(["x"] * (MAX_VALUES // 4))
    assert len(read(f"a: &a [{items}]\nb: [*a, *a]\n")[0].value["b"]) == 2
    with pytest.raises(Refused) as caught:
        read(f"a: &a [{items}]\nb: [*a, *a]\nc: *a\n")
    assert caught.value.line == 3


def test_keys_are_shown_on_one_line_and_short() -> None:
    _, faults = read('"a\\nb": 1\n"a\\nb": 2\n')
    assert faults == [(2, "a\\nb: given a second time; allowed: once (first on line 1)")]
    assert len(show("x" * 1000)) == 60


def test_an_alias_can_be_a_key_if_it_is_text() -> None:
    assert read("a: &a word\n*a : 1\n")[0].value == {"a": "word", "word": 1}
    assert read("a: &a 5\nb:\n  *a : 1\n")[1] == [(3, "b: given 5 as a key; allowed: text")]

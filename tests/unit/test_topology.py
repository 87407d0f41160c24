"""Layout texts, their refusals, modules, and the models of joints."""

from __future__ import annotations

import numpy as np
import pytest
from networks import random_tree
from pydantic import ValidationError

from packsim.scenario.topology import LayoutError, Topology, Tree, cut, parse

CELL = Tree("p", cells=1)


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("96s12p", Tree("s", (Tree("p", cells=12),) * 96)),
        ("2p96s1p", Tree("p", (Tree("s", (CELL,) * 96),) * 2)),
        ("2p(8s(12s4p))", Tree("p", (Tree("s", (Tree("s", (Tree("p", cells=4),) * 12),) * 8),) * 2)),
        ("2s(12s4p, 10s3p)", Tree("s", (parse("12s4p"), parse("10s3p")))),
        ("3s", Tree("s", (CELL,) * 3)),
        ("12P", Tree("p", cells=12)),
        (" 2 p 3 p ", Tree("p", (Tree("p", cells=3),) * 2)),
        ("1s1p", Tree("s", (CELL,))),
    ],
)
def test_layouts(text: str, tree: Tree) -> None:
    assert parse(text) == tree


def test_round_trip() -> None:
    luck = np.random.default_rng(2)
    trees = [random_tree(luck, 5) for _ in range(300)]
    assert max(len(tree.text()) for tree in trees) > 200
    for tree in trees:
        assert parse(tree.text()) == tree


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "a count at the start, not the end"),
        ("s12p", "a count at the start, not s"),
        ("96", "s or p after 96, not the end"),
        ("96x12p", "s or p after 96, not x"),
        ("0s12p", "a count from 1 to 500000 at the start, not 0"),
        ("9999999s", "a count from 1 to 500000 at the start"),
        ("-3s", "a count at the start, not -"),
        ("1.5s", "s or p after 1, not ."),
        ("²s", "a count at the start, not ²"),
        ("2p(8s", "a comma or a closing bracket after 2p(8s, not the end"),
        ("2p8s)", "the end, or a comma within brackets after 2p8s, not )"),
        ("2p()", "a count after 2p(, not )"),
        ("2s(3p, 4p, 5p)", "1 or 2 layouts in the brackets after 2s, not 3"),
        ("96s12p, 96s12p", "the end, or a comma within brackets after 96s12p, not ,"),
        ("500000s500000s500000s", "at most 500000 cells"),
        ("1s" * 20 + "2p", "at most 16 connections within each other"),
    ],
)
def test_refused_in_one_line(text: str, says: str) -> None:
    with pytest.raises(LayoutError) as caught:
        parse(text)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_modules_are_cut() -> None:
    assert cut(parse("96s12p"), 12) == parse("8s12s12p")
    assert cut(parse("2p96s1p"), 96) == parse("2p96s1p")
    assert cut(parse("2p(96s1p)"), 24) == parse("2p4s24s")
    assert cut(parse("8s12s4p"), 12) == parse("8s12s4p")


@pytest.mark.parametrize(
    ("values", "key", "allowed"),
    [
        ({"layout": "96x12p"}, ("layout",), "s or p after 96"),
        ({"layout": "96s12p", "groups_per_module": 7}, ("groups_per_module",), "divides the 96 groups"),
        ({"joints": {"busbar_mohm": {"spread_pct": 20.0, "distribution": "normal"}}}, ("spread_pct",), "at most 15"),
        ({"joints": {"tab_mohm": {"high_ppm": 5.0}}}, ("nominal",), "a number > 0 beside high_ppm"),
        ({"joints": {"tab_mohm": {"open_ppm": 9e5, "high_ppm": 2e5, "nominal": 1.0}}}, ("high_ppm",), "at most 100000"),
    ],
)
def test_the_key_to_change_is_blamed(values: dict[str, object], key: tuple[str, ...], allowed: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Topology.model_validate(values)
    [error] = caught.value.errors()
    assert error["loc"][-len(key) :] == key
    assert allowed in error["msg"]


def test_series_and_parallel_stand_in_for_a_layout() -> None:
    assert Topology().tree(26, 7) == parse("26s7p")
    assert Topology(groups_per_module=13).tree(26, 7) == parse("2s13s7p")

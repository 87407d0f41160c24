"""A user's mistakes: each gives exactly the lines that say where it is, what was given and what is allowed."""

from __future__ import annotations

import os
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

import pytest

from packsim.scenario.errors import ScenarioError
from packsim.scenario.load import MAX_BYTES, load

if TYPE_CHECKING:
    from pathlib import Path

GOOD = """\
name: plant
packs: 20
packs_per_block: 2
cell:
  parameter_set: Chen2020
  capacity_ah: 2.5
  temperature_degc: 25.0
line:
  supplier_lot_cells: 28
  roll_cells: 14
  steps:
    coating_cathode:
      cathode_loading_ratio:
        sd_pct: 0.4
    welding:
      weld_resistance_mohm: {sd_pct: 10, nominal: 0.3}
inspection:
  capacity:
    lower_pct: 98
    upper_pct: 102
  k_value:
    rest_days: 7
pack:
  series: 7
  parallel: 2
sources:
  cell.capacity_ah: data sheet
"""
SETS = ", ".join(sorted(point.name for point in entry_points(group="pybamm_parameter_sets")))
CELL = "parameter_set, bpx_file, table_file, capacity_ah, temperature_degc, lower_cutoff_v, upper_cutoff_v"
SPREAD = (
    "sd_pct, cpk, first_pass_yield_pct, tolerance_pct, lower_pct, upper_pct, nominal, offset_pct, between_lot_share, "
    "between_roll_share, between_lane_share, drift_share, drift_cells, wear_pct, tool_life_cells, distribution, "
    "weibull_shape, tail_share_pct, tail_offset_pct, tail_sd_pct, file"
)
TOP = (
    "name, description, seed, packs, packs_per_block, max_candidates, cell, line, inspection, qualification, pack, "
    "verdict, life, sources"
)
PACK = (
    "series, parallel, topology, bms, heat, charge, discharge, protocol, beyond, faults, top_balanced, longest_step_s"
)
STEP = "line.steps.coating_cathode.cathode_loading_ratio"
WELD = "line.steps.welding.weld_resistance_mohm"
PACKS = "a whole number >= 1 and <= 1000000000"
DEGC = "a number >= -30 and <= 70"

# what is replaced in GOOD, by what, and the lines that must come out (without the file's name)
EDITS = {
    "zero": ("series: 7", "series: 0", ["24: pack.series: given 0; allowed: a whole number >= 1 and <= 1000"]),
    "negative": (
        "sd_pct: 0.4",
        "sd_pct: -1",
        [f"14: {STEP}.sd_pct: given -1; allowed: a number >= 0 and <= 100, or leave it out"],
    ),
    "fraction for a count": (
        "series: 7",
        "series: 7.5",
        ["24: pack.series: given 7.5; allowed: a whole number >= 1 and <= 1000"],
    ),
    "nan": ("25.0", ".nan", [f"7: cell.temperature_degc: given .nan; allowed: {DEGC}"]),
    "inf": ("25.0", "-.inf", [f"7: cell.temperature_degc: given -.inf; allowed: {DEGC}"]),
    "overflow": ("25.0", "1e999", [f"7: cell.temperature_degc: given 1e999; allowed: {DEGC}"]),
    "boolean": ("25.0", "true", [f"7: cell.temperature_degc: given true; allowed: {DEGC}"]),
    "boolean for a count": ("packs: 20", "packs: true", [f"2: packs: given true; allowed: {PACKS}"]),
    "number in quotes": ("25.0", '"25"', [f"7: cell.temperature_degc: given '25'; allowed: {DEGC}"]),
    "unit in the value": ("25.0", "25 degC", [f"7: cell.temperature_degc: given '25 degC'; allowed: {DEGC}"]),
    "nothing": ("25.0", "", [f"7: cell.temperature_degc: given nothing; allowed: {DEGC}"]),
    "list": ("25.0", "[25, 26]", [f"7: cell.temperature_degc: given a list; allowed: {DEGC}"]),
    "block": (
        "25.0",
        "{low: 1, high: 2}",
        [f"7: cell.temperature_degc: given a block with keys low, high; allowed: {DEGC}"],
    ),
    "number for text": (
        "name: plant",
        "name: 5",
        ["1: name: given 5; allowed: text of at least 1 character and at most 200 characters"],
    ),
    "number for a block": (
        "      cathode_loading_ratio:\n        sd_pct: 0.4",
        "      cathode_loading_ratio: 0.4",
        [f"13: {STEP}: given 0.4; allowed: a block with keys {SPREAD}, or leave it out"],
    ),
    "huge integer": ("packs: 20", "packs: " + "9" * 30, [f"2: packs: given {'9' * 30}; allowed: {PACKS}"]),
    "absurd integer": ("packs: 20", "packs: " + "9" * 5000, [f"2: packs: given {'9' * 57}...; allowed: {PACKS}"]),
    "unknown set": (
        "Chen2020",
        "chen2002",
        [f"5: cell.parameter_set: given 'chen2002'; allowed: a PyBaMM parameter set: {SETS}; did you mean Chen2020?"],
    ),
    "wrong unit mAh": (
        "capacity_ah: 2.5\n",
        "capacity_mah: 2500\n",
        [f"6: cell.capacity_mah: given an unknown key; allowed: {CELL}; did you mean capacity_ah?"],
    ),
    "wrong unit hours": (
        "rest_days: 7",
        "rest_hours: 168",
        [
            "22: inspection.k_value.rest_hours: given an unknown key; allowed: rest_days, upper_mv_per_day, "
            "upper_robust_sigmas, relative_limit_min_cells, first_reading_h, overhang_mv, overhang_sd_mv, overhang_days, "
            "guard_band_sigmas, retest; did you mean rest_days?"
        ],
    ),
    "unit left out": (
        "    lower_pct: 98",
        "    lower: 98",
        [
            "19: inspection.capacity.lower: given an unknown key; allowed: c_rate, lower_pct, upper_pct, gauge_sd_pct, "
            "channel_sd_pct, session_sd_pct, guard_band_sigmas, retest; did you mean lower_pct?"
        ],
    ),
    "misspelt": (
        "  parallel: 2",
        "  paralel: 2",
        [
            "23: pack.parallel: given nothing; allowed: a whole number >= 1 and <= 500",
            f"25: pack.paralel: given an unknown key; allowed: {PACK}; did you mean parallel?",
        ],
    ),
    "wrong block": (
        "sources:",
        "charge: {c_rate: 0.3}\nsources:",
        [f"26: charge: given an unknown key; allowed: {TOP}; did you mean charge in pack?"],
    ),
    "dots for indentation": (
        "sources:",
        "pack.top_balanced: true\nsources:",
        [f"26: pack.top_balanced: given an unknown key; allowed: {TOP}; did you mean top_balanced in pack?"],
    ),
    "number as key": ("sources:", "7: 8\nsources:", [f"26: 7: given an unknown key; allowed: {TOP}"]),
    "list as key": ("sources:", "? [a, b]\n: 1\nsources:", ["26: given a list or a block as a key; allowed: text"]),
    "missing key": (
        "  parallel: 2\n",
        "",
        ["23: pack.parallel: given nothing; allowed: a whole number >= 1 and <= 500"],
    ),
    "missing block": (
        "pack:\n  series: 7\n  parallel: 2\n",
        "",
        [f"1: pack: given nothing; allowed: a block with keys {PACK}"],
    ),
    "duplicate key": (
        "  parallel: 2",
        "  parallel: 2\n  series: 8",
        ["26: pack.series: given a second time; allowed: once (first on line 24)"],
    ),
    "LSL above USL": (
        "lower_pct: 98",
        "lower_pct: 105",
        ["19: inspection.capacity.lower_pct: given 105; allowed: a lower limit (LSL) below upper_pct (USL) 102.0"],
    ),
    "two spreads": (
        "sd_pct: 0.4",
        "sd_pct: 0.4\n        cpk: 1",
        [f"13: {STEP}: given a block with keys sd_pct, cpk; allowed: exactly one of sd_pct, cpk, first_pass_yield_pct"],
    ),
    "Cpk without tolerance": (
        "sd_pct: 0.4",
        "cpk: 1",
        [
            f"13: {STEP}.tolerance_pct: given nothing; allowed: limits beside cpk: "
            "tolerance_pct > 0, or lower_pct, upper_pct"
        ],
    ),
    "mean outside the tolerance": (
        "sd_pct: 0.4",
        "cpk: 1\n        tolerance_pct: 2\n        offset_pct: -3",
        [f"16: {STEP}.offset_pct: given -3; allowed: a mean within the limits, 98.0 to 102.0 % of nominal"],
    ),
    "shares above one": (
        "sd_pct: 0.4",
        "sd_pct: 0.4\n        between_lot_share: 0.7\n        between_roll_share: 0.6",
        [f"16: {STEP}.between_roll_share: given 0.6; allowed: at most 1 together with between_lot_share 0.7"],
    ),
    "nominal of a ratio": (
        "sd_pct: 0.4",
        "sd_pct: 0.4\n        nominal: 1",
        [f"15: {STEP}.nominal: given 1; allowed: nothing: the nominal value of a ratio is 1"],
    ),
    "no nominal": (
        ", nominal: 0.3",
        "",
        [f"16: {WELD}.nominal: given nothing; allowed: the nominal value, a number >= 0 [mOhm]"],
    ),
    "no source of the cell": (
        "  parameter_set: Chen2020\n",
        "",
        [
            "4: cell: given a block with keys capacity_ah, temperature_degc; "
            "allowed: exactly one of parameter_set, bpx_file, table_file"
        ],
    ),
    "cut-offs crossed": (
        "temperature_degc: 25.0",
        "lower_cutoff_v: 4\n  upper_cutoff_v: 3",
        ["7: cell.lower_cutoff_v: given 4; allowed: below upper_cutoff_v 3.0"],
    ),
    "two limits": (
        "rest_days: 7",
        "upper_mv_per_day: 2\n    upper_robust_sigmas: 4",
        [
            "21: inspection.k_value: given a block with keys upper_mv_per_day, upper_robust_sigmas; "
            "allowed: upper_mv_per_day or upper_robust_sigmas, not both"
        ],
    ),
    "bins without limits": (
        "    lower_pct: 98\n    upper_pct: 102\n",
        "    c_rate: 0.5\n  grading: {matching: capacity_bins}\n",
        [
            "20: inspection.grading.matching: given 'capacity_bins'; "
            "allowed: capacity_bins only with both capacity.lower_pct and capacity.upper_pct; else in_order or sorted"
        ],
    ),
    "unknown word": (
        "rest_days: 7",
        "rest_days: 7\n  grading: {matching: random}",
        [
            "23: inspection.grading.matching: given 'random'; "
            "allowed: one of in_order, capacity_bins, sorted, random_in_bin, snake, greedy_conductance"
        ],
    ),
    "default broken by a value": (
        "  parallel: 2",
        "  parallel: 2\n  charge: {c_rate: 0.04}",
        ["26: pack.charge.cutoff_c_rate: given nothing (default 0.05); allowed: a number > 0 and below c_rate 0.04"],
    ),
    "roll across lots": (
        "roll_cells: 14",
        "roll_cells: 15",
        ["10: line.roll_cells: given 15; allowed: a divisor of supplier_lot_cells 28: a roll lies within one lot"],
    ),
    "source of nothing": (
        "cell.capacity_ah: data",
        "cell.capacity: data",
        [
            "27: sources.cell.capacity: given an unknown key; "
            "allowed: a dotted key of the scenario, or a block to cover all in it; did you mean cell.capacity_ah?"
        ],
    ),
    "empty source": (
        "data sheet",
        '""',
        ["27: sources.cell.capacity_ah: given ''; allowed: text of at least 1 character"],
    ),
    "tag": (
        "name: plant",
        "name: !!python/name:os.system plant",
        ["1: name: given the tag tag:yaml.org,2002:python/name:os.system; allowed: plain values without tags"],
    ),
    "merge of a number": (
        "  parallel: 2",
        "  parallel: 2\n  <<: 3",
        ["26: pack.<<: given 3; allowed: an alias of a block, such as *base"],
    ),
    "unknown alias": (
        "25.0",
        "*room",
        ["7: given *room, which names no anchor above; allowed: an anchor of this file"],
    ),
    "self-reference": ("pack:\n", "pack: &p\n  bms: *p\n", ["24: given *p inside &p; allowed: no reference to itself"]),
    "tab": (
        "  parallel",
        "\tparallel",
        [
            "25: given no valid YAML (found character '\\t' that cannot start any token); "
            "allowed: `key: value`, indented by spaces"
        ],
    ),
    "indentation": (
        "  parallel",
        "   parallel",
        ["25: given no valid YAML (mapping values are not allowed here); allowed: `key: value`, indented by spaces"],
    ),
    "control character": ("plant", "pla\x00nt", ["1: given the control character U+0000; allowed: a text file (YAML)"]),
    "second document": (
        "sources:",
        "---\nsources:",
        ["26: given a second document (after ---); allowed: one scenario per file"],
    ),
    "unreadable escape": (
        "plant",
        '"\\U99999999"',
        ["1: given no valid YAML at or below this line; allowed: `key: value`"],
    ),
    "several at once, in the order of their lines": (
        GOOD,
        GOOD.replace("series: 7", "series: 0").replace("packs: 20", "packs: -3").replace("sd_pct: 0.4", "sd_pct: x"),
        [
            f"2: packs: given -3; allowed: {PACKS}",
            f"14: {STEP}.sd_pct: given 'x'; allowed: a number >= 0 and <= 100, or leave it out",
            "24: pack.series: given 0; allowed: a whole number >= 1 and <= 1000",
        ],
    ),
}

START = "allowed: `key: value`, at least name, cell, line, pack"
WHOLE = {
    "empty": (b"", f":1: given an empty file; {START}"),
    "only comments": (b"# soon\n", f":1: given an empty file; {START}"),
    "a list": (b"# x\n- a\n- b\n", f":2: given a list at the top level; {START}"),
    "a word": (b"hello", f":1: given 'hello' at the top level; {START}"),
    "binary": (b"name: x\n\x89PNG\xff\xfe", ":2: given bytes that are no UTF-8; allowed: a text file (YAML, UTF-8)"),
    "UTF-16": ("name: x".encode("utf-16"), ":1: given bytes that are no UTF-8; allowed: a text file (YAML, UTF-8)"),
    "too big": (
        b"#" * (MAX_BYTES + 1),
        f": given more than {MAX_BYTES} bytes; allowed: a scenario file of up to {MAX_BYTES}",
    ),
    "too deep": (b"a: " + b"[" * 5000, ":1: given more than 50 nested levels; allowed: 50"),
    "too many values": (
        b"a: [" + b"1," * 20_000 + b"]",
        ":1: given more than 10000 values, aliases expanded; allowed: 10000",
    ),
    "alias bomb": (
        b"a: &a [x,x,x,x,x,x,x,x,x,x]\n"
        + b"".join(b"%c: &%c [%s]\n" % (n, n, b",".join([b"*%c" % (n - 1)] * 10)) for n in range(ord("b"), ord("k"))),
        ":4: given more than 10000 values, aliases expanded; allowed: 10000",
    ),
}


def lines_of(path: Path) -> tuple[str, ...]:
    with pytest.raises(ScenarioError) as caught:
        load(path)
    assert str(caught.value) == "\n".join(caught.value.lines)
    return caught.value.lines


def test_the_scenario_that_the_mistakes_are_made_in_is_good(tmp_path: Path) -> None:
    path = tmp_path / "good.yaml"
    path.write_text(GOOD)
    assert load(path).pack.series == 7


@pytest.mark.parametrize("case", EDITS)
def test_each_mistake_is_one_line_with_file_line_key_given_and_allowed(case: str, tmp_path: Path) -> None:
    old, new, expected = EDITS[case]
    path = tmp_path / "plant.yaml"
    assert GOOD.count(old) == 1
    path.write_text(GOOD.replace(old, new))
    assert list(lines_of(path)) == [f"{path}:{line}" for line in expected]


@pytest.mark.parametrize("case", WHOLE)
def test_a_file_that_is_no_scenario_is_refused_in_one_line(case: str, tmp_path: Path) -> None:
    data, expected = WHOLE[case]
    path = tmp_path / "plant.yaml"
    path.write_bytes(data)
    assert lines_of(path) == (f"{path}{expected}",)


@pytest.mark.parametrize("key", ["bpx_file", "table_file"])
def test_a_file_named_in_the_scenario_must_exist_beside_it(key: str, tmp_path: Path) -> None:
    path = tmp_path / "plant.yaml"
    path.write_text(GOOD.replace("parameter_set: Chen2020", f"{key}: cell.dat").replace("series: 7", "series: 0"))
    assert lines_of(path) == (
        f"{path}:5: cell.{key}: given 'cell.dat'; allowed: an existing file, relative to '{tmp_path}'",
        f"{path}:24: pack.series: given 0; allowed: a whole number >= 1 and <= 1000",
    )
    (tmp_path / "cell.dat").touch()
    assert len(lines_of(path)) == 1


def test_a_missing_file_is_one_line_that_names_a_similar_one(tmp_path: Path) -> None:
    (tmp_path / "plant.yaml").write_text(GOOD)
    path = tmp_path / "plan.yaml"
    wanted = f"{path}: given a file that does not exist; allowed: a scenario file (YAML); did you mean plant.yaml?"
    assert lines_of(path) == (wanted,)


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("", "a folder"),
        ("pipe", "something that is no regular file"),
        ("x" * 300, "a file that cannot be read (File name too long)"),
    ],
)
def test_a_path_that_is_no_file_is_one_line(name: str, what: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    path = tmp_path / name
    assert lines_of(path) == (f"{path}: given {what}; allowed: a scenario file (YAML)",)


def test_a_path_with_a_null_byte_is_a_file_that_does_not_exist() -> None:
    with pytest.raises(ScenarioError, match="does not exist"):
        load("a\0b.yaml")

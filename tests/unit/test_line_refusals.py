"""What a line may not say: one line each, with file, line, key, what was given and what is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from packsim.line import plan as plans
from packsim.scenario.errors import ScenarioError
from packsim.scenario.line import MOST_VARIABLES, LineModel
from packsim.scenario.load import load
from packsim.scenario.starter import starter_text
from packsim.scenario.traits import STEPS

AREA = "steps.cutting.coated_area_ratio"
POWER = "own_steps.cleaning.variables.power"
OWN = "own_steps: {{cleaning: {{after: {after}, variables: {{power: {power}}}}}}}"
CUT = "steps: {{cutting: {{coated_area_ratio: {spread}}}}}"


def cut(spread: str) -> str:
    return CUT.format(spread=spread)


def own(power: str = "{sd_pct: 1.0}", after: str = "cutting") -> str:
    return OWN.format(power=power, after=after)


def pair(text: str) -> str:
    return (
        "steps: {cutting: {coated_area_ratio: {sd_pct: 1.0}}, winding: {overlap_ratio: {sd_pct: 1.0}}}, "
        f"correlations: [{text}]"
    )


MANY = ", ".join(f"v{k}: {{sd_pct: 1.0}}" for k in range(MOST_VARIABLES - 13))
INSPECTED = ", ".join(f"{name}: {{inspection: {{}}}}" for name in STEPS)
MORE_INSPECTED = ", ".join(f"own{k}: {{after: ageing, inspection: {{}}}}" for k in range(33 - len(STEPS)))
CASES = {
    "no size": (cut("{offset_pct: 1.0}"), AREA, "exactly one of sd_pct, cpk, first_pass_yield_pct"),
    "two sizes": (cut("{sd_pct: 1.0, cpk: 1.0, tolerance_pct: 2.0}"), AREA, "exactly one of"),
    "cpk without limits": (cut("{cpk: 1.0}"), f"{AREA}.tolerance_pct", "limits beside cpk"),
    "yield without limits": (cut("{first_pass_yield_pct: 99.0}"), f"{AREA}.tolerance_pct", "limits beside first_pass"),
    "two kinds of limits": (
        cut("{cpk: 1.0, tolerance_pct: 2.0, lower_pct: 99.0}"),
        f"{AREA}.tolerance_pct",
        "nothing beside",
    ),
    "limits upside down": (
        cut("{sd_pct: 1.0, lower_pct: 102.0, upper_pct: 98.0}"),
        f"{AREA}.lower_pct",
        "below the upper one",
    ),
    "mean outside": (
        cut("{cpk: 1.0, lower_pct: 99.0, offset_pct: -1.5}"),
        f"{AREA}.offset_pct",
        "a mean within the limits",
    ),
    "no weibull shape": (
        cut("{sd_pct: 1.0, distribution: weibull}"),
        f"{AREA}.weibull_shape",
        "a number with distribution weibull",
    ),
    "shape of a normal": (cut("{sd_pct: 1.0, weibull_shape: 2.0}"), f"{AREA}.weibull_shape", "else nothing"),
    "an inverse weibull without variance": (
        cut("{sd_pct: 40.0, offset_pct: -45.0, distribution: inverse_weibull}"),
        f"{AREA}.sd_pct",
        "at most 36.85 with distribution inverse_weibull",
    ),
    "half a mixture": (
        cut("{sd_pct: 1.0, distribution: mixture, tail_share_pct: 1.0}"),
        f"{AREA}.tail_share_pct",
        "with tail_offset_pct",
    ),
    "tail of a normal": (cut("{sd_pct: 1.0, tail_sd_pct: 1.0}"), f"{AREA}.tail_share_pct", "with distribution mixture"),
    "no file": (cut("{distribution: empirical}"), f"{AREA}.file", "a file with distribution empirical"),
    "size beside a file": (
        cut("{distribution: empirical, file: a.txt, sd_pct: 1.0}"),
        AREA,
        "nothing: the file has the spread",
    ),
    "file of a normal": (cut("{sd_pct: 1.0, file: a.txt}"), f"{AREA}.file", "else nothing"),
    "truncated without limits": (
        cut("{sd_pct: 1.0, distribution: truncated}"),
        f"{AREA}.distribution",
        "truncated only with limits",
    ),
    "shares above 1": (
        cut("{sd_pct: 1.0, between_lot_share: 0.6, drift_share: 0.5}"),
        f"{AREA}.drift_share",
        "at most 1 together with between_lot_share 0.6",
    ),
    "lanes above 1": (
        cut("{sd_pct: 1.0, between_lot_share: 0.6, between_lane_share: 0.5}"),
        f"{AREA}.between_lane_share",
        "at most 1 together with between_lot_share 0.6",
    ),
    "wear without life": (cut("{sd_pct: 1.0, wear_pct: 1.0}"), f"{AREA}.tool_life_cells", "beside wear_pct"),
    "life without wear": (cut("{sd_pct: 1.0, tool_life_cells: 100}"), f"{AREA}.tool_life_cells", "beside wear_pct"),
    "nominal of a ratio": (
        cut("{sd_pct: 1.0, nominal: 2.0}"),
        f"{AREA}.nominal",
        "nothing: the nominal value of a ratio",
    ),
    "no nominal": (
        "steps: {welding: {weld_resistance_mohm: {sd_pct: 1.0}}}",
        "steps.welding.weld_resistance_mohm.nominal",
        "[mOhm]",
    ),
    "nominal of a variable": (own("{sd_pct: 1.0, nominal: 2.0}"), f"{POWER}.nominal", "of a process variable is 1"),
    "unknown effect": (own("{sd_pct: 1.0, effects: {overlap: 1.0}}"), f"{POWER}.effects.overlap", "overlap_ratio"),
    "trait of another step": (
        "steps: {cutting: {overlap_ratio: {sd_pct: 1.0}}}",
        "steps.cutting.overlap_ratio",
        "coated_area_ratio",
    ),
    "unknown level": ("steps: {cutting: {automation: robot}}", "steps.cutting.automation", "semi_automatic"),
    "name of a step": ("own_steps: {welding: {after: cutting}}", "own_steps", "no step of the line, unlike welding"),
    "after nothing": (own(after="cuting"), "own_steps.cleaning.after", "one of incoming"),
    "after a later one": ("own_steps: {a: {after: b}, b: {after: cutting}}", "own_steps.a.after", "one of incoming"),
    "bad name": ("own_steps: {Laser-1: {after: cutting}}", "own_steps.Laser-1", "small letters"),
    "variable named as a trait": (own().replace("power", "overlap_ratio"), "", "unlike overlap_ratio"),
    "variable twice": (own() + ", steps: {cutting: {variables: {power: {sd_pct: 1.0}}}}", "", "unlike power"),
    "too many variables": (f"steps: {{cutting: {{variables: {{{MANY}}}}}}}", "", "process variables, not 19"),
    "too many inspections": (
        f"steps: {{{INSPECTED}}}, own_steps: {{{MORE_INSPECTED}}}",
        "",
        "at most 32 in-line inspections, not 33",
    ),
    "roll over lots": ("roll_cells: 5", "roll_cells", "a divisor of supplier_lot_cells 28"),
    "unknown in a pair": (
        pair("{a: coated_area_ratio, b: leakage_ua, value: 0.5}"),
        "correlations",
        "names that spread",
    ),
    "with itself": (pair("{a: overlap_ratio, b: overlap_ratio, value: 0.5}"), "correlations", "two different names"),
    "pair twice": (
        pair(
            "{a: overlap_ratio, b: coated_area_ratio, value: 0.5}, "
            "{a: coated_area_ratio, b: overlap_ratio, value: 0.4, level: lot}"
        ),
        "correlations",
        "each pair once",
    ),
    "correlation of 1": (pair("{a: overlap_ratio, b: coated_area_ratio, value: 1.0}"), "correlations.0.value", "< 1"),
    "unknown defect": (
        "steps: {cutting: {inspection: {detects: {hole: 50.0}}}}",
        "steps.cutting.inspection.detects.hole",
        "coating_defect",
    ),
    "defect made later": (
        "steps: {cutting: {inspection: {detects: {weld_void: 50.0}}}}",
        "steps.cutting.inspection",
        "unlike weld_void (welding)",
    ),
    "defect made later than an own step": (
        "own_steps: {look: {after: cutting, inspection: {detects: {moisture: 50.0}}}}",
        "own_steps.look.inspection",
        "unlike moisture (filling)",
    ),
    "unknown answer": (
        "steps: {cutting: {inspection: {on_reject: keep}}}",
        "steps.cutting.inspection.on_reject",
        "rework",
    ),
    "detection above 100": (
        "steps: {cutting: {inspection: {detection_pct: 101.0}}}",
        "steps.cutting.inspection.detection_pct",
        "100",
    ),
    "gain above 1": (
        "automation_levels: {manual: {feedback_gain: 1.5}}",
        "automation_levels.manual.feedback_gain",
        "1",
    ),
    "no material left": ("steps: {cutting: {material_yield_pct: 0.0}}", "steps.cutting.material_yield_pct", "0"),
    "lanes": ("web_lanes: 65", "web_lanes", "64"),
}


def written(folder: Path, line: str) -> tuple[Path, int]:
    """A scenario whose line has these keys, and the row in which they stand."""
    text = starter_text()
    head, tail = text[: text.index("\nline:")], text[text.index("\ninspection:") :]
    defaults = {"supplier_lot_cells": "28", "roll_cells": "14"}
    inner = ", ".join([f"{key}: {value}" for key, value in defaults.items() if key not in line] + [line])
    path = folder / "plant.yaml"
    path.write_text(f"{head}\nline: {{{inner}}}\n{tail}")
    return path, head.count("\n") + 2


@pytest.mark.parametrize("case", CASES)
def test_one_clear_line(tmp_path: Path, case: str) -> None:
    text, key, allowed = CASES[case]
    path, row = written(tmp_path, text)
    (tmp_path / "a.txt").write_text("100\n" * 30)
    with pytest.raises(ScenarioError) as caught:
        load(path)
    assert len(caught.value.lines) == 1, caught.value.lines
    [line] = caught.value.lines
    where, _, rest = line.partition(": given ")
    assert where == f"{path}:{row}: line" + (f".{key}" if key else "")
    given, _, allows = rest.partition("; allowed: ")
    assert given
    assert allowed in allows
    assert len(line) < 1000


def test_the_line_without_a_fault_loads(tmp_path: Path) -> None:
    path, _ = written(tmp_path, own() + ", " + pair("{a: overlap_ratio, b: power, value: -0.5}"))
    assert load(path).line.own_steps["cleaning"].after == "cutting"


def test_a_missing_file_is_blamed_at_its_key(tmp_path: Path) -> None:
    path, row = written(tmp_path, cut("{distribution: empirical, file: b.txt}"))
    with pytest.raises(ScenarioError) as caught:
        load(path)
    [line] = caught.value.lines
    assert line.startswith(f"{path}:{row}: line.{AREA}.file: given ")


@pytest.mark.parametrize(
    ("text", "where", "given"),
    [
        ("100\n" * 30 + "many\n", ":31", "'many'"),
        ("# all\n\n-1 # a\n" + "100\n" * 30, ":3", "'-1'"),
        ("100\n" * 19, "", "19 values"),
    ],
)
def test_values_that_cannot_be_used_are_blamed_in_their_file(tmp_path: Path, text: str, where: str, given: str) -> None:
    path, _ = written(tmp_path, cut("{distribution: empirical, file: b.txt}"))
    (tmp_path / "b.txt").write_text(text)
    scenario = load(path)
    with pytest.raises(ScenarioError) as caught:
        plans.plan(scenario.line, scenario.slots_per_block, file=scenario.file)
    [line] = caught.value.lines
    assert line.startswith(f"{tmp_path / 'b.txt'}{where}: given {given}; allowed: ")


def test_correlations_that_cannot_hold_together() -> None:
    names = ("coated_area_ratio", "overlap_ratio", "electrolyte_fill_ratio")
    pairs = [(0, 1, 0.9), (1, 2, 0.9), (0, 2, -0.9)]
    data = YAML(typ="safe", pure=True).load(
        "{supplier_lot_cells: 4, roll_cells: 2, steps: {cutting: {coated_area_ratio: {sd_pct: 1.0}}, "
        "winding: {overlap_ratio: {sd_pct: 1.0}}, filling: {electrolyte_fill_ratio: {sd_pct: 1.0}}}}"
    )
    data["correlations"] = [{"a": names[a], "b": names[b], "value": value} for a, b, value in pairs]
    with pytest.raises(ScenarioError, match=r"line\.correlations: given .*; allowed: a positive definite matrix"):
        plans.plan(LineModel.model_validate(data), 4)

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from packsim.scenario import keys
from packsim.scenario.load import load
from packsim.scenario.model import Scenario
from packsim.scenario.schema import json_schema, schema_text, write_schema
from packsim.scenario.starter import starter_text


def test_numbers_carry_their_unit_and_its_place_in_the_description() -> None:
    schema = json_schema()
    capacity = schema["$defs"]["CellModel"]["properties"]["capacity_ah"]
    assert capacity["x-unit"] == "A.h"
    assert capacity["description"].endswith("[A.h]")
    assert schema["properties"]["seed"]["x-unit"] == "1"
    assert "x-unit" not in schema["$defs"]["Spread"]["properties"]["nominal"]
    assert "x-unit" not in schema["properties"]["name"]
    assert list(schema)[:3] == ["$schema", "$id", "title"]
    assert json.loads(schema_text()) == schema


def test_units_are_not_written_into_the_shared_schema() -> None:
    json_schema()
    assert "x-unit" not in json.dumps(keys.schema(Scenario))


def test_the_text_is_the_same_in_another_process() -> None:
    code = "from packsim.scenario.schema import schema_text; import sys; sys.stdout.write(schema_text())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONHASHSEED": "77"},
    )
    assert done.stdout == schema_text()


def test_the_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "scenario.schema.json"
    target.write_text("old")
    write_schema(target)
    assert target.read_text(encoding="utf-8") == schema_text()
    assert [path.name for path in tmp_path.iterdir()] == [target.name]
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder"):
        write_schema(tmp_path / "folder")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", target.name]


def test_the_starter_loads_and_is_the_example_it_says(tmp_path: Path) -> None:
    path = tmp_path / "starter.yaml"
    path.write_text(starter_text(), encoding="utf-8")
    scenario = load(path)
    assert (scenario.cell.parameter_set, scenario.cell.capacity_ah) == ("Chen2020", 2.5)
    assert (scenario.pack.series, scenario.pack.parallel, scenario.packs) == (7, 2, 20)
    assert scenario.sources
    cells = scenario.packs * scenario.pack.series * scenario.pack.parallel
    assert cells / scenario.line.supplier_lot_cells >= 10  # fewer lots would be too few to say


def test_the_starter_explains_every_key_and_marks_what_is_assumed() -> None:
    text = starter_text()
    assert text.startswith("# yaml-language-server: $schema=scenario.schema.json\n")
    unused = re.findall(r"Not used here - (\w+):", text)
    for key in keys.dotted(Scenario):
        block, _, name = key.rpartition(".")
        inside_unused = any(part in unused for part in block.split("."))  # its block is explained as a whole
        assert inside_unused or re.search(rf"\b{name}\b", text), key
    lines = text.splitlines()
    assert max(map(len, lines)) <= 140
    plain = [line for line in lines if not line.lstrip().startswith("#") and any(char.isdigit() for char in line)]
    marked = [line for line in plain if line.endswith(("assumed", "see sources"))]
    unmarked = [line for line in plain if line not in marked]
    assert len(marked) > 40
    assert all('"' in line or "Chen2020" in line for line in unmarked), unmarked


def test_each_key_is_explained_above_its_first_use() -> None:
    seen: set[str] = set()
    text = starter_text()
    lines = text[: text.index("\nsources:")].splitlines()
    for above, line in itertools.pairwise(lines):
        name = line.strip().partition(":")[0]
        if name and name not in seen and not line.lstrip().startswith("#"):
            seen.add(name)
            before = text[: text.index(line)]
            assert above.lstrip().startswith("#") or f"Not used here - {name}:" in before, line
    assert {"series", "sd_pct", "cpk", "rest_days", "weld_void"} <= seen

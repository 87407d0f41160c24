from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from packsim.scenario import keys
from packsim.scenario.errors import ScenarioError
from packsim.scenario.load import load
from packsim.scenario.model import Scenario
from packsim.scenario.starter import starter_text

DATA: dict[str, Any] = YAML(typ="safe", pure=True).load(starter_text())
KEYS = [key for key in keys.dotted(Scenario) if not key.startswith("sources.")]
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NUMBERS = st.integers() | st.floats() | st.sampled_from([0, -1, 10**400, 1e-300, -0.0, 2**64, True])
JUNK = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(TEXT | st.sampled_from(["sd_pct", "series"]), inner, max_size=3)
    ),
    max_leaves=6,
)
FAST = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("junk")


def loads_or_says_why(path: Path) -> Scenario | None:
    try:
        return load(path)
    except ScenarioError as error:
        lines = error.lines
    assert lines
    for line in lines:
        assert line.startswith(f"{path}:")
        assert line.isprintable()
        assert ": given " in line
        assert "; allowed: " in line
    return None


def put(data: dict[str, Any], path: list[str], value: object) -> None:
    for name in path[:-1]:
        data = data[name] if isinstance(data.get(name), dict) else data.setdefault(name, {})
    data[path[-1]] = value


def test_a_loaded_scenario_knows_its_file_and_files_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "plant.yaml"
    path.write_text("\ufeff" + starter_text(), encoding="utf-8")  # with the mark that Windows editors add
    scenario = load(str(path))
    assert scenario._path == path
    assert scenario.file("cell.csv") == tmp_path / "cell.csv"
    assert scenario.cell.capacity_ah == 2.5


def test_numbers_without_a_point_are_numbers(tmp_path: Path) -> None:
    path = tmp_path / "plant.yaml"
    path.write_text(starter_text().replace("capacity_ah: 2.5", "capacity_ah: 25e-1").replace("25.0", "25"))
    cell = load(path).cell
    assert (cell.capacity_ah, cell.temperature_degc) == (2.5, 25.0)
    assert isinstance(cell.temperature_degc, float)


def test_a_shared_block_is_loaded_at_both_places(tmp_path: Path) -> None:
    path = tmp_path / "plant.yaml"
    text = starter_text().replace("      coated_area_ratio:\n", "      coated_area_ratio: &narrow\n")
    path.write_text(
        text.replace("      overlap_ratio:\n        sd_pct: 0.1  # %, assumed\n", "      overlap_ratio: *narrow\n")
    )
    steps = load(path).line.steps
    assert steps.winding.overlap_ratio == steps.cutting.coated_area_ratio
    assert steps.winding.overlap_ratio.sd_pct == 0.1


def test_a_shared_block_with_a_fault_is_blamed_where_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "plant.yaml"
    text = starter_text().replace(
        "      coated_area_ratio:\n        sd_pct: 0.1", "      coated_area_ratio: &bad\n        sd_pct: -1"
    )
    text = text.replace("      overlap_ratio:\n        sd_pct: 0.1  # %, assumed\n", "      overlap_ratio: *bad\n")
    path.write_text(text)
    line = text[: text.index("sd_pct: -1")].count("\n") + 1
    with pytest.raises(ScenarioError) as caught:
        load(path)
    assert [error.split(": given")[0] for error in caught.value.lines] == [
        f"{path}:{line}: line.steps.cutting.coated_area_ratio.sd_pct",
        f"{path}:{line}: line.steps.winding.overlap_ratio.sd_pct",
    ]


@FAST
@given(key=st.sampled_from(KEYS) | TEXT.map(lambda name: f"pack.{name}"), junk=JUNK)
@example(key="name", junk="\x85\u2028")
@example(key="sources", junk={"": "x", "pack.series": "\ud7ff"})
@example(key="packs", junk=10**4000)
def test_any_junk_at_any_key_loads_or_is_a_scenario_error(folder: Path, key: str, junk: object) -> None:
    data = json.loads(json.dumps(DATA))
    put(data, key.split("."), junk)
    path = folder / "plant.yaml"
    with path.open("w", encoding="utf-8") as file:
        YAML(typ="safe", pure=True).dump(data, file)
    loads_or_says_why(path)


@FAST
@given(data=st.binary(max_size=60) | st.text(alphabet="ab:-[]{}&*!|>%?,#'\"\\ \n\t1.e<", max_size=40).map(str.encode))
@example(data=b'a: "\\ud800"')
@example(data=b"? {a: 1}\n: 2")
@example(data=b"&a *a : 1")
@example(data=b"%YAML 9.9\n---\na")
@example(data=b"%TAG ! x\n---\n!y a")
def test_any_bytes_are_a_scenario_error(folder: Path, data: bytes) -> None:
    path = folder / "bytes.yaml"
    path.write_bytes(data)
    assert loads_or_says_why(path) is None  # so short a text names no cell, line and pack


def test_loading_imports_neither_pybamm_nor_numba_and_packsim_alone_not_even_pydantic(tmp_path: Path) -> None:
    path = tmp_path / "plant.yaml"
    path.write_text(starter_text())
    code = (
        "import sys, packsim, packsim.scenario\n"
        "assert 'pydantic' not in sys.modules and 'ruamel.yaml' not in sys.modules\n"
        f"packsim.load({str(path)!r})\n"
        "assert not {'pybamm', 'numba', 'numpy'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

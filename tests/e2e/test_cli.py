"""The commands as a stranger runs them: what they write, and that a mistake is one clear line and exit code 2."""

from __future__ import annotations

import functools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from scenarios import SMALL

import packsim as ps

CONFIGS = Path(__file__).parents[2] / "configs"


def packsim(*arguments: object, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the command in an empty folder."""
    command = [sys.executable, "-m", "packsim.cli", *map(str, arguments)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def small_file(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(json.dumps(SMALL))  # JSON is YAML
    return path


def refused(found: subprocess.CompletedProcess[str], folder: Path, before: set[Path]) -> list[str]:
    """Lines of a refusal; nothing else was said, nothing was written."""
    assert found.returncode == 2, found
    assert found.stdout == ""
    assert "Traceback" not in found.stderr
    assert set(folder.iterdir()) == before
    return found.stderr.splitlines()


BAD_FILES = {
    "unknown key": ("pack: {series: 2, parallel: 1, strings: 3}", "pack.strings"),
    "wrong unit suffix": ("inspection: {k_value: {rest_hours: 240}}", "rest_days"),
    "negative spread": (
        "line: {supplier_lot_cells: 8, roll_cells: 8, steps: {winding: {overlap_ratio: {sd_pct: -1}}}}",
        "sd_pct: given -1",
    ),
    "LSL above USL": ("inspection: {capacity: {lower_pct: 103, upper_pct: 97}}", "LSL"),
    "unknown set": ("cell: {parameter_set: Chen2021}", "did you mean Chen2020"),
    "series 0": ("pack: {series: 0, parallel: 1}", "pack.series: given 0"),
    "not finite": ("verdict: {over_discharge_margin_v: .inf}", "over_discharge_margin_v"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_is_one_line_naming_file_line_and_key(name: str, tmp_path: Path) -> None:
    line, said = BAD_FILES[name]
    key = line.partition(":")[0]
    good = {"name": "x", "cell": {"parameter_set": "Chen2020"}, "line": {"supplier_lot_cells": 8, "roll_cells": 8}}
    good["pack"] = {"series": 2, "parallel": 1}
    text = "".join(f"{k}: {json.dumps(v)}\n" for k, v in good.items() if k != key) + line + "\n"
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    lines = refused(packsim("run", "bad.yaml", "--out", "out", folder=tmp_path), tmp_path, {path})
    assert len(lines) == 1
    assert lines[0].startswith(f"bad.yaml:{len(text.splitlines())}: ")
    assert said in lines[0]
    assert "allowed" in lines[0]


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "empty"), (b"\x00\x01\xff\xfe", "given"), (b"a: [1, 2\n", "YAML"), (b"- 1\n", "list")],
    ids=["empty", "binary", "invalid YAML", "a list"],
)
def test_no_scenario_in_the_file(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_bytes(content)
    lines = refused(packsim("run", "bad.yaml", folder=tmp_path), tmp_path, {path})
    assert len(lines) == 1
    assert lines[0].startswith("bad.yaml")
    assert said.lower() in lines[0].lower()


def test_missing_files_folders_and_bad_options(tmp_path: Path, small_file: Path) -> None:
    before = set(tmp_path.iterdir())
    cases = [
        (("run", "nowhere.yaml"), "nowhere.yaml"),
        (("run", "."), "folder"),
        (("run", small_file, "--packs", "0"), "--packs"),
        (("run", small_file, "--packs", "many"), "--packs"),
        (("run", small_file, "--seed", "-1"), "--seed"),
        (("run", small_file, "--seed", str(2**64)), "--seed"),
        (("run", small_file, "--set", "pack.serie=3"), "did you mean series"),
        (("run", small_file, "--set", "nonsense"), "KEY=VALUE"),
        (("compare", small_file), "Missing argument"),
        (("compare", small_file, small_file, "--improvement-conformance-share", "2"), "0 to 1"),
        (("compare", small_file, small_file, "--improvement-conformance-share", "0.5"), "qualification"),
        (("flatten", small_file), "flatten"),
    ]
    for arguments, said in cases:
        lines = refused(packsim(*arguments, folder=tmp_path), tmp_path, before)
        assert len(lines) == 1, lines
        assert said in lines[0]


def test_an_unreachable_rate_is_refused_with_the_range(tmp_path: Path) -> None:
    semi, automatic = CONFIGS / "eve-2015-semi-automatic.yaml", CONFIGS / "eve-2015-automatic.yaml"
    # a fall of 2.2 points that is all conformance, from a baseline with 0.51 points of it
    change = ("--set", "qualification.baseline_conformance_share=0.05")
    change += ("--set", "qualification.improvement_conformance_share=1.0")
    lines = refused(packsim("compare", semi, automatic, *change, folder=tmp_path), tmp_path, set())
    assert len(lines) == 1
    assert "improvement_conformance_share" in lines[0]


def test_run_writes_a_whole_folder_once(tmp_path: Path, small_file: Path) -> None:
    done = packsim("run", small_file, "--packs", 12, "--out", "out", "--cells", "all", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    out = tmp_path / "out"
    names = {path.name for path in out.iterdir()}
    tables = {"blocks.parquet", "packs.parquet", "cells.parquet", "shards"}
    assert names == {"summary.json", "report.html", "scenario.yaml", "manifest.json", *tables}
    result = ps.run(ps.load(small_file), packs=12)
    summary = json.loads((out / "summary.json").read_text())
    assert summary["summary"]["qualification_rate_pct"]["value"] == result.summary()["qualification_rate_pct"]["value"]
    assert summary["summary"]["qualification_rate_pct"]["low"] is None  # three blocks are too few to say
    pd.testing.assert_frame_equal(pd.read_parquet(out / "packs.parquet"), result.packs)
    pd.testing.assert_frame_equal(pd.read_parquet(out / "cells.parquet"), result.cells)

    before = set(tmp_path.iterdir())
    lines = refused(packsim("run", small_file, "--out", "out", folder=tmp_path), tmp_path, before)
    assert "exists already" in lines[0]
    again = packsim("run", small_file, "--packs", 8, "--out", "out", "--force", "--quiet", folder=tmp_path)
    assert again.returncode == 0
    assert not (out / "cells.parquet").exists()
    assert len(pd.read_parquet(out / "packs.parquet")) == 8
    assert {path.name for path in tmp_path.iterdir()} == {"small.yaml", "out"}

    (out / "thesis.tex").write_text("mine")
    lines = refused(packsim("run", small_file, "--out", "out", "--force", folder=tmp_path), tmp_path, before)
    assert "did not write" in lines[0]
    assert (out / "thesis.tex").read_text() == "mine"


def test_a_line_without_rejects_has_a_report_too(tmp_path: Path, small_file: Path) -> None:
    even = ("--set", 'line={"supplier_lot_cells": 24, "roll_cells": 8}', "--set", "inspection.capacity.gauge_sd_pct=0")
    assert packsim("run", small_file, "--packs", 4, *even, "--out", "new/run", folder=tmp_path).returncode == 0
    both = packsim("compare", small_file, small_file, "--packs", 4, *even, "--out", "new/compare", folder=tmp_path)
    assert both.returncode == 0, both.stderr
    assert "No cell was rejected" in (tmp_path / "new" / "compare" / "report.html").read_text()


def test_places_where_nothing_can_be_written(tmp_path: Path, small_file: Path) -> None:
    (tmp_path / "file").write_text("mine")
    before = set(tmp_path.iterdir())
    for place in ("file", "file/inside", "/proc/inside"):
        lines = refused(packsim("run", small_file, "--out", place, folder=tmp_path), tmp_path, before)
        assert len(lines) == 1
        assert "--out" in lines[0]


def test_a_nominal_cell_that_cannot_do_it_is_refused(tmp_path: Path, small_file: Path) -> None:
    weld = ("--set", "line.steps.welding.weld_resistance_mohm.nominal=1000")
    lines = refused(packsim("run", small_file, "--packs", 4, *weld, folder=tmp_path), tmp_path, {small_file})
    assert len(lines) == 1
    assert "nominal" in lines[0]


def wait_for_work(process: int, seconds: float = 8.0) -> None:
    """Until a process has used so much processor time: past its imports, however busy the machine is.

    A signal during imports is Python's own affair.
    """
    status = Path(f"/proc/{process}/stat")
    if not status.exists():
        time.sleep(15.0)
        return
    for _ in range(1200):
        user, system = status.read_text().rpartition(")")[2].split()[11:13]
        if (int(user) + int(system)) / os.sysconf("SC_CLK_TCK") >= seconds:
            return
        time.sleep(0.1)
    pytest.fail("no work within two minutes")


def test_ctrl_c_says_that_nothing_was_written(tmp_path: Path, small_file: Path) -> None:
    command = [sys.executable, "-m", "packsim.cli", "run", str(small_file), "--packs", "100000", "--out", "out"]
    # what is started in the background inherits SIGINT ignored, so it is set back for the child
    heard = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    running = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, preexec_fn=heard)
    wait_for_work(running.pid)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=120)
    assert running.returncode == 130
    assert said.splitlines() == ["packsim: interrupted; nothing was written"]  # no shard was finished yet
    assert list(tmp_path.iterdir()) == [small_file]


def test_compare_speaks_json_and_words(tmp_path: Path, small_file: Path) -> None:
    done = packsim("compare", small_file, small_file, "--packs", 44, "--json", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["pairing"]["same_candidate_share"] == 1.0
    assert all(row["difference"] in (0.0, None) for row in found["metrics"].values())
    assert not any(row["real"] for row in found["metrics"].values())
    words = packsim("compare", small_file, small_file, "--packs", 44, folder=tmp_path)
    assert words.returncode == 0
    assert "qualification_rate_pct" in words.stdout
    assert set(tmp_path.iterdir()) == {small_file}


def test_init_and_schema(tmp_path: Path) -> None:
    assert packsim("init", folder=tmp_path).returncode == 0
    starter = tmp_path / "scenario.yaml"
    assert ps.load(starter).name
    lines = refused(packsim("init", folder=tmp_path), tmp_path, {starter})
    assert "exists already" in lines[0]
    assert packsim("schema", folder=tmp_path).returncode == 0
    shipped = CONFIGS / "scenario.schema.json"
    mend = "run: packsim schema configs/scenario.schema.json --force"
    assert (tmp_path / shipped.name).read_text() == shipped.read_text(), mend


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_scenarios_load_and_name_their_sources(path: Path) -> None:
    scenario = ps.load(path)
    assert scenario.sources
    assert path.read_text().startswith("# yaml-language-server: $schema=scenario.schema.json\n")

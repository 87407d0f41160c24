"""`packsim run --life` as a stranger runs it: what it says and writes, and a run that is killed and goes on."""

from __future__ import annotations

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

LIFE = {"life": {"use": "bus", "years": 3.0}, "packs": 40}


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "packsim.cli", *map(str, arguments)]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(json.dumps(SMALL | LIFE))  # JSON is YAML
    return path


def test_years_in_the_field_are_said_and_written(file: Path, tmp_path: Path) -> None:
    found = subprocess.run(
        command("run", file, "--life", "2y", "--packs", 8, "--out", "out"),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    assert "In the field" in found.stdout
    assert "2 years as a bus" in found.stdout
    said = json.loads((tmp_path / "out/summary.json").read_text())["life"]
    assert said["years"] == 2.0
    assert sum(said["fates"].values()) == 8
    assert len(pd.read_parquet(tmp_path / "out/life.parquet")) == 8
    assert "Lives of packs" in (tmp_path / "out/report.html").read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "small.yaml"]  # nothing of the way there is left


def test_a_wrong_number_of_years_is_one_line(file: Path, tmp_path: Path) -> None:
    found = subprocess.run(
        command("run", file, "--life", "soon"), cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert found.returncode == 2
    assert found.stderr.splitlines() == ["packsim: --life: given soon; allowed: years > 0 and <= 50, e.g. 8y"]


def test_a_killed_life_goes_on_to_the_bit(file: Path, tmp_path: Path) -> None:
    run = ("run", file, "--life", "3y", "--quiet", "--out")
    blocks = tmp_path / ".killed-unfinished/life/shards"
    killed = subprocess.Popen(command(*run, "killed"), cwd=tmp_path, stdout=subprocess.DEVNULL)
    while killed.poll() is None and len(list(blocks.glob("*.json"))) < 3:
        time.sleep(0.01)
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    there = len(list(blocks.glob("*.json")))
    assert 3 <= there < 10
    assert not (tmp_path / "killed").exists()
    for name in ("killed", "whole"):
        subprocess.run(command(*run, name), cwd=tmp_path, check=True, stdout=subprocess.DEVNULL)
    a, b = (pd.read_parquet(tmp_path / name / "life.parquet") for name in ("killed", "whole"))
    assert len(a) == 40
    pd.testing.assert_frame_equal(a, b, check_exact=True)
    assert not blocks.exists()

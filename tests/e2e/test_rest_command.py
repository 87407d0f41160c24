"""`packsim rest` as a stranger runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from scenarios import SMALL


def packsim(*arguments: object, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "packsim.cli", *map(str, arguments)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def small_file(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(json.dumps(SMALL))
    return path


def test_rest_prints_and_writes_the_same_table(small_file: Path, tmp_path: Path) -> None:
    done = packsim("rest", small_file, "--days", "10,6", "--cells", 480, "--out", "found", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "k_meter_sd_mv_per_day" in done.stdout
    rows = json.loads((tmp_path / "found" / "rest.json").read_text())["rest"]
    table = pd.read_csv(tmp_path / "found" / "rest.csv")
    assert [row["rest_days"] for row in rows] == table["rest_days"].tolist() == [10.0, 6.0]
    assert rows[1]["k_meter_sd_mv_per_day"] / rows[0]["k_meter_sd_mv_per_day"] == pytest.approx(10 / 6, rel=1e-9)
    printed = packsim("rest", small_file, "--days", "10,6", "--cells", 480, "--json", folder=tmp_path)
    assert json.loads(printed.stdout)["rest"] == rows


@pytest.mark.parametrize("days", ["ten", "10,-6"])
def test_wrong_days_are_refused(days: str, small_file: Path, tmp_path: Path) -> None:
    before = set(tmp_path.iterdir())
    done = packsim("rest", small_file, "--days", days, "--out", "found", folder=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        f"packsim: --days: given {days}; allowed: numbers above 0 and up to 365, separated by commas"
    ]
    assert set(tmp_path.iterdir()) == before

"""`packsim fit` as a stranger runs it: three files, JSON, nothing overwritten; names in a file stay text."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import packsim as ps
from packsim import cli

ATTACK = '<img src=x onerror="window.attacked=1">'


def inside(monkeypatch: pytest.MonkeyPatch, folder: Path, *arguments: object) -> int:
    """Exit code of the command in this process: quicker."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr("sys.argv", ["packsim", *map(str, arguments)])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    return int(stopped.value.code or 0)


def packsim(*arguments: object, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "packsim.cli", *map(str, arguments)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def eol(tmp_path: Path) -> Path:
    rng = np.random.default_rng(8000)
    path = tmp_path / "eol.csv"
    lines = ["serial;lot;capacity [Ah];DCIR [mOhm]"]
    shift = rng.normal(size=12)
    for k in range(1200):
        lot = k // 100
        capacity = 2.5 + 0.01 * shift[lot] + 0.015 * rng.normal() - (0.3 if k == 77 else 0.0)
        lines.append(f"=cmd|{ATTACK}{k};{ATTACK}{lot};{capacity:.4f};{70 + rng.normal():.3f}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_fit_writes_a_scenario_a_report_and_its_numbers(eol: Path, tmp_path: Path) -> None:
    done = packsim("fit", "eol.csv", "--out", "out", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("1,200 cells in 12 lots: capacity spreads by")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["fit.json", "report.html", "scenario.yaml"]
    scenario = ps.load(tmp_path / "out" / "scenario.yaml")
    assert scenario.sources["line.steps.cutting.coated_area_ratio"] == "fitted to eol.csv, 1200 cells, 12 lots"
    found = json.loads((tmp_path / "out" / "fit.json").read_text(encoding="utf-8"))
    assert {row["level"] for row in found["components"]} == {"lot", "within"}
    assert found["outliers"][0]["serial"] == f"=cmd|{ATTACK}77"
    assert found["outliers"][0]["line"] == 79
    assert all(row["low"] <= row["sd"] <= row["high"] for row in found["components"])
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "<img src=x" not in page
    assert "&lt;img src=x" in page


def test_nothing_is_overwritten_without_being_told(
    eol: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "fit.json").write_text("old", encoding="utf-8")
    assert inside(monkeypatch, tmp_path, "fit", "eol.csv", "--out", "out") == 2
    assert capsys.readouterr().err.splitlines() == [
        "packsim: --out out: exists already; allowed: a new folder, or --force to replace it"
    ]
    assert (tmp_path / "out" / "fit.json").read_text(encoding="utf-8") == "old"
    assert inside(monkeypatch, tmp_path, "fit", "eol.csv", "--out", "out", "--force", "--quiet") == 0
    assert capsys.readouterr().out == ""
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["fit.json", "report.html", "scenario.yaml"]


def test_fit_json_and_a_base_of_its_own(
    eol: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert inside(monkeypatch, tmp_path, "init") == 0
    capsys.readouterr()
    assert inside(monkeypatch, tmp_path, "fit", "eol.csv", "--json", "--base", "scenario.yaml", "--lot-size", 200) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["cells"], found["lots"]) == (1200, 6)
    assert any("Only 6 lots" in note for note in found["notes"])

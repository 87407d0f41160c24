"""`packsim bench` as a stranger runs it: what it prints and writes, never how fast it is."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

from packsim.bench.benches import BENCHES
from packsim.bench.result import FORMAT, KIND, Result, read
from packsim.bench.row import Beside, Error, Row
from packsim.bench.settings import Settings
from packsim.bench.terminal import against
from packsim.study.output import to_json


def packsim(*arguments: object, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "packsim.cli", "bench", *map(str, arguments)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """What `packsim bench --quick --json` prints and writes; all benchmarks, smallest sizes."""
    folder = tmp_path_factory.mktemp("bench")
    done = packsim("--quick", "--json", "found.json", folder=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout, folder / "found.json"


def test_quick_measures_everything_beside_its_incumbents(quick: tuple[str, Path]) -> None:
    printed, file = quick
    found = json.loads(file.read_text())
    assert (found["kind"], found["format"], found["quick"]) == (KIND, FORMAT, True)
    assert {
        "processor",
        "cores",
        "vector registers",
        "python",
        "numpy",
        "numba",
        "pybamm",
        "packsim",
        "kernels",
    } <= set(found["machine"])
    rows = found["rows"]
    assert {row["bench"] for row in rows} >= set(BENCHES) - {"threads", "memory"}  # one core, or no `resource`: none
    assert all(row["value"] is not None and row["unit"] and row["name"] for row in rows)
    beside = {row["bench"] for row in rows if row["beside"]}
    assert beside >= {"normals", "sampling", "balance", "discharge"}
    assert {row["bench"] for row in rows if row["errors"]} >= {*beside, "test", "year"}
    assert all(row["bound"] is None for row in rows)  # times mean nothing, so none is judged
    for bench in BENCHES.values():
        assert bench.title in printed
    assert found["machine"]["kernels"] in printed


def test_a_result_beside_another_one(quick: tuple[str, Path], tmp_path: Path) -> None:
    file = quick[1]
    done = packsim(file, "--against", file, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "new / old" in done.stdout
    table = done.stdout.partition("new / old")[2]
    assert table.count("1.000") >= len(json.loads(file.read_text())["rows"]) // 2
    assert "only in" not in table


def row(name: str, value: float, better: str = ">=", error: float = 1.0) -> Row:
    return Row("discharge", name, value, "x/s", better, errors=(Error("voltage", error, "mV", 1.0),))


def result(*rows: Row) -> Result:
    return Result("2026-11-29", False, {"processor": "one"}, list(rows))


def test_ratios_say_which_way_is_better() -> None:
    old = result(row("rate", 50.0), row("time", 8.0, "<="), row("gone", 1.0), row("noisy", 100.0))
    new = result(row("rate", 75.0), row("time", 4.0, "<="), row("noisy", 101.0), row("new", 3.0))
    cells = {each[0]: each for each in against(new, old)}
    assert cells["rate"][2:] == ("50", "75", "1.500", "better")
    assert cells["time"][4:] == ("0.500", "better")
    assert cells["noisy"][5] == "same"
    assert cells["new"][5] == "only in the new one"
    assert cells["gone"][5] == "only in the old one"
    worse = {each[0]: each for each in against(old, new)}
    assert [worse[name][5] for name in ("rate", "time")] == ["worse", "worse"]


def test_a_result_comes_back_from_its_file(tmp_path: Path) -> None:
    rows = (
        row("rate", 50.0)._replace(beside=Beside("NumPy", 5.0, 10.0, 20.0), bound=60.0, goal=100.0),
        row("none", math.nan),
    )
    (tmp_path / "found.json").write_text(to_json(result(*rows).plain()))
    found = read(tmp_path / "found.json")
    assert found.rows[0] == rows[0]
    assert math.isnan(found.rows[1].value)
    assert found.misses == ["rate: 50 | >= 60 x/s", "rate beside NumPy: 10 | >= 20 x"]


def test_a_missed_error_is_told_even_where_speed_is_not_judged() -> None:
    bad = row("rate", 50.0, error=3.0)._replace(bound=60.0).without_speed_bounds()
    assert bad.misses == ["rate, voltage: 3 | <= 1 mV"]


def test_without_the_checkout_it_says_what_is_skipped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As from a wheel, which has neither benchmarks/ nor configs/."""
    from packsim.bench.command import bench

    assert bench(None, None, "normals,balance,year", quick=True, quiet=True, checkout=tmp_path) == []
    printed = capsys.readouterr().out
    assert "No folder benchmarks/ beside the package: incumbents (NumPy, PyBaMM) are skipped." in printed
    assert "No folder configs/ beside the package" in printed
    assert "not measured here" in printed
    assert Settings(checkout=tmp_path).incumbent("pybamm_cells") is None


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--only", "speed"], f"packsim: --only: given speed; allowed: {', '.join(BENCHES)}"),
        (["--against", "nothing.json"], "packsim: [Errno 2] No such file or directory: 'nothing.json'"),
        (
            ["--against", "other.json"],
            "packsim: other.json: is no result of packsim bench --json; allowed: a file that it wrote",
        ),
        (
            ["--json", "other.json"],
            "packsim: other.json: exists already; allowed: a new file, or --force to replace it",
        ),
        (
            ["other.json", "--quick"],
            "packsim: other.json: given with --only, --quick or --json; allowed: a result alone or with --against",
        ),
        (
            ["other.json"],
            "packsim: other.json: is no result of packsim bench --json; allowed: a file that it wrote",
        ),
    ],
)
def test_mistakes_are_one_line(arguments: list[str], line: str, tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text("[1, 2]")
    done = packsim(*arguments, folder=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.splitlines() == [line]
    assert [path.name for path in tmp_path.iterdir()] == ["other.json"]


def test_other_commands_do_not_import_it() -> None:
    code = "import sys, packsim.cli; print([m for m in sys.modules if m.startswith('packsim.bench')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_operations_of_kernels_are_counted() -> None:
    """Philox takes ten rounds of two products for four words, and the EVE line five calls for a cell, or few more."""
    benchmark = Path(__file__).parents[2] / "benchmarks" / "floor_counts.py"
    command = [sys.executable, str(benchmark), "--only", "normals", "sampling, EVE", "balance"]
    found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert found["normals"]["int *"] == 5.0
    assert found["normals"]["sqrt"] == 0.5  # of a pair
    assert 100.0 <= found["sampling, EVE"]["int *"] <= 110.0
    assert found["balance"]["look-up"] > 10.0

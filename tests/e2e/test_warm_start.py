"""A command that this machine has run before imports nothing heavy that it does not need."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from scenarios import SMALL

HEAVY = ("pybamm", "sympy", "xarray", "scipy.stats", "scipy.optimize", "scipy.interpolate", "matplotlib", "distributed")
FOR_REPORTS = ("plotly", "jinja2")
ENTRY = """
import json, sys
from packsim.cli import app
app(sys.argv[2:], standalone_mode=False)
print(json.dumps([name for name in json.loads(sys.argv[1]) if name in sys.modules]), file=sys.stderr)
"""


def imported(*arguments: str, names: tuple[str, ...]) -> list[str]:
    """Which of these modules a command has imported at its end."""
    command = [sys.executable, "-c", ENTRY, json.dumps(names), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: list[str] = json.loads(done.stderr.splitlines()[-1])
    return found


@pytest.mark.parametrize("command", ["run", "compare"])
def test_a_warm_command_imports_nothing_heavy(command: str, tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    path.write_text(json.dumps({**SMALL, "packs": 4}))
    files = [str(path)] * (2 if command == "compare" else 1)
    arguments = [command, *files, "--packs", "4", "--json"]
    imported(*arguments, names=())  # the cell is remembered now, if it was not
    assert imported(*arguments, names=HEAVY + FOR_REPORTS) == []


def test_a_report_imports_only_what_draws_it(tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    path.write_text(json.dumps(SMALL))
    for out in ("first", "second"):
        found = imported("run", str(path), "--packs", "60", "--quiet", "--out", str(tmp_path / out), names=HEAVY)
    assert found == []

"""What may be imported where: kernels stay small and cacheable, PyBaMM has one door."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import packsim

ROOT = Path(packsim.__file__).parent
LINE = ("numerics", "scenario", "stats", "cell", "line", "inspection", "pack", "life", "verdict", "economics", "study")
PLAIN = {"numpy", "numba", "math", "typing"}
KERNELS = sorted(ROOT.rglob("kernels.py"))


def imported(path: Path) -> list[str]:
    """Dotted names that a file imports, at any depth; `from a import b` counts as a.b where that is a module."""
    names = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            below = ROOT.parent / Path(*str(node.module).split("."))
            for alias in node.names:
                inside = (below / f"{alias.name}.py").exists() or (below / alias.name).is_dir()
                names.append(f"{node.module}.{alias.name}" if inside else str(node.module))
    return names


def allowed(name: str, own: str) -> bool:
    """Whether a kernels.py of station `own` may import `name`."""
    parts = name.split(".")
    if parts[0] != "packsim":
        return parts[0] in PLAIN
    if parts[1] == "numerics":
        return True
    return parts[-1] == "kernels" and parts[1] in LINE and LINE.index(parts[1]) <= LINE.index(own)


def test_there_are_kernels() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in KERNELS} >= {"cell"}


@pytest.mark.parametrize("path", KERNELS, ids=lambda path: str(path.relative_to(ROOT)))
def test_kernels_import_only_kernels_of_earlier_stations(path: Path) -> None:
    own = path.relative_to(ROOT).parts[0]
    assert [name for name in imported(path) if not allowed(name, own)] == []


def test_pybamm_enters_through_one_door() -> None:
    """Imports under `if TYPE_CHECKING:` never run and do not count."""
    doors = []
    for path in sorted(ROOT.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        typing_only = {
            id(child)
            for node in ast.walk(tree)
            if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
            for child in ast.walk(node)
        }
        for node in ast.walk(tree):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
            if id(node) not in typing_only and any(name.split(".")[0] == "pybamm" for name in names):
                doors.append(path.relative_to(ROOT).as_posix())
    assert set(doors) == {"cell/from_pybamm.py"}


def test_importing_the_cell_costs_no_pybamm_and_no_scipy_stats() -> None:
    code = "import sys, packsim.cell.cell; print([m for m in ('pybamm', 'scipy.stats', 'pandas') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT.parent)
    assert done.stdout.strip() == "[]"

"""Compiled kernels between processes: kept, dropped after an edit of a callee, never written beside the sources."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import packsim.numerics

if TYPE_CHECKING:
    from collections.abc import Callable

CALLEE = """from packsim.numerics.jit import kernel

@kernel
def inner(x):
    return {factor} * x
"""
CALLER = """from packsim.first.kernels import inner
from packsim.numerics.jit import kernel

@kernel
def outer(x):
    return inner(x) + 1.0
"""
SCRIPT = """
import warnings
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    from packsim.second.kernels import outer
    value = outer(2.0)
said = [w for w in caught if w.category.__name__ == "KernelCacheWarning"]
print(value, sum(outer.stats.cache_hits.values()), len(said))
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A small package named packsim: the real numerics and two stations whose kernels call each other."""
    root = tmp_path / "site" / "packsim"
    shutil.copytree(
        Path(packsim.numerics.__file__).parent, root / "numerics", ignore=shutil.ignore_patterns("__pycache__")
    )
    (root / "__init__.py").write_text("")
    for station, text in (("first", CALLEE.format(factor=3.0)), ("second", CALLER)):
        (root / station).mkdir()
        (root / station / "__init__.py").write_text("")
        (root / station / "kernels.py").write_text(text)
    return root


def run(package: Path, cache: Path) -> tuple[float, int, int]:
    """Value, cache hits and cache warnings of a fresh process."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("NUMBA_", "PACKSIM_"))}
    environment |= {"PYTHONPATH": str(package.parent), "PACKSIM_CACHE_DIR": str(cache), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=environment, cwd=package.parent, capture_output=True, text=True, check=True
    )
    value, hits, warned = done.stdout.split()
    return float(value), int(hits), int(warned)


def test_a_fresh_process_finds_the_compiled_kernel(package: Path, tmp_path: Path, report: Callable[..., None]) -> None:
    cache = tmp_path / "cache"
    assert run(package, cache) == (7.0, 0, 0)
    value, hits, warned = run(package, cache)
    report("kernel cache: hits in a fresh process", hits, 1, "", ">=")
    assert (value, warned) == (7.0, 0)


def test_an_edited_callee_is_compiled_anew(package: Path, tmp_path: Path, report: Callable[..., None]) -> None:
    cache = tmp_path / "cache"
    run(package, cache)
    (package / "first" / "kernels.py").write_text(CALLEE.format(factor=5.0))
    value, hits, warned = run(package, cache)
    report("kernel cache: stale code served after a callee's edit", float(value != 11.0 or hits > 0), 0, "", "==")
    assert warned == 0


def test_without_a_writable_folder_it_warns_once(package: Path, tmp_path: Path, report: Callable[..., None]) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder can be made below a file")
    value, hits, warned = run(package, blocked / "cache")
    report("kernel cache: warnings where nothing can be written", warned, 1, "", "==")
    assert (value, hits) == (7.0, 0)
    left = [path for path in package.rglob("*") if path.suffix in (".nbi", ".nbc") or path.name == "__pycache__"]
    report("kernel cache: files left beside the sources", len(left), 0, "", "==")


def test_two_processes_at_once_agree(package: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(package.parent), "PACKSIM_CACHE_DIR": str(tmp_path / "cache")}
    both = [
        subprocess.Popen([sys.executable, "-c", SCRIPT], env=environment, cwd=package.parent, stdout=-1, text=True)
        for _ in range(2)
    ]
    found = [process.communicate(timeout=120)[0].split() for process in both]
    assert [row[0] for row in found] == ["7.0", "7.0"]
    assert sorted(int(row[1]) for row in found) == [0, 1]  # one compiles, the other waits and loads
    assert [row[2] for row in found] == ["0", "0"]

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
from packsim.numerics.kernel_cache import FileLock

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
OUTER = "from packsim.second.kernels import outer"
SCRIPT = """
import warnings
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    {used}
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


def start(package: Path, cache: Path, used: str = OUTER) -> subprocess.Popen[str]:
    """A fresh process that uses the outer kernel, or another as `outer`."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("NUMBA_", "PACKSIM_"))}
    environment |= {"PYTHONPATH": str(package.parent), "PACKSIM_CACHE_DIR": str(cache), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", SCRIPT.format(used=used)]
    return subprocess.Popen(command, env=environment, cwd=package.parent, stdout=subprocess.PIPE, text=True)


def ended(process: subprocess.Popen[str]) -> tuple[float, int, int]:
    """Its value, cache hits and cache warnings."""
    printed = process.communicate()[0]
    assert process.returncode == 0
    value, hits, warned = printed.split()
    return float(value), int(hits), int(warned)


def run(package: Path, cache: Path) -> tuple[float, int, int]:
    """Value, cache hits and cache warnings of a fresh process."""
    return ended(start(package, cache))


def left_beside_sources(package: Path) -> int:
    """Files of Numba's, and folders of caches, in the package."""
    return len([p for p in package.rglob("*") if p.suffix in (".nbi", ".nbc") or p.name == "__pycache__"])


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
    report("kernel cache: files left beside the sources", left_beside_sources(package), 0, "", "==")


def test_who_compiles_one_kernel_holds_up_no_other(package: Path, tmp_path: Path, report: Callable[..., None]) -> None:
    """While another process holds the lock of `inner`, its caller waits, and kernels that do not call it are compiled."""
    cache = tmp_path / "cache"
    (package / "third").mkdir()
    (package / "third" / "__init__.py").write_text("")
    (package / "third" / "kernels.py").write_text(CALLEE.format(factor=5.0))
    ended(start(package, cache, "from packsim.third.kernels import inner as outer"))  # makes the folders
    (folder,) = cache.iterdir()
    for kept in folder.rglob("*.nb?"):
        kept.unlink()
    with FileLock(folder / "locks" / "packsim.first.kernels.inner.lock").held():
        waits = start(package, cache)
        value, _, warned = ended(start(package, cache, "from packsim.third.kernels import inner as outer"))
        assert (value, warned) == (10.0, 0)
        report("a held kernel: processes that used it all the same", float(waits.poll() is not None), 0, "", "==")
    assert ended(waits) == (7.0, 0, 0)


def test_of_three_processes_at_once_one_compiles(package: Path, tmp_path: Path, report: Callable[..., None]) -> None:
    """From an empty cache, and again after an edit of a callee: the others wait and load what the first compiled."""
    cache = tmp_path / "cache"
    for factor, title in ((3.0, "an empty cache"), (5.0, "an edit")):
        (package / "first" / "kernels.py").write_text(CALLEE.format(factor=factor))
        found = [ended(process) for process in [start(package, cache) for _ in range(3)]]
        compiled = sum(hits == 0 for _, hits, _ in found)
        report(f"three processes on {title}: that compiled", compiled, 1, "", "==")
        stale = sum(value != 2.0 * factor + 1.0 for value, _, _ in found)
        report(f"three processes on {title}: with stale code", stale, 0, "", "==")
        assert sum(warned for _, _, warned in found) == 0
    report("three processes: files left beside the sources", left_beside_sources(package), 0, "", "==")

"""When a study starts a helper that compiles, and that none outlives it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numba
import pytest

from packsim.scenario.load import load
from packsim.study import first_use

SCENARIO = load(Path(__file__).parents[2] / "configs" / "eve-2015-automatic.yaml")
SLEEPS = "import time; time.sleep(100)"


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[subprocess.Popen[bytes]]:
    """Helpers that were started, each a process that sleeps; the first use of an empty cache by two threads."""
    found: list[subprocess.Popen[bytes]] = []

    def start(command: list[str], **options: object) -> subprocess.Popen[bytes]:
        assert command[-1] == first_use.HELPER
        found.append(popen([sys.executable, "-c", SLEEPS], **options))  # type: ignore[call-overload]
        return found[-1]

    popen = subprocess.Popen
    monkeypatch.setattr(first_use.subprocess, "Popen", start)
    monkeypatch.setattr(first_use, "cache_directory", lambda: tmp_path)
    monkeypatch.setattr(first_use.config, "DISABLE_JIT", 0)
    monkeypatch.setattr(numba, "get_num_threads", lambda: 2)
    return found


def test_the_first_use_alone_has_a_helper_which_ends_with_it(started):
    with first_use.compiled_ahead(SCENARIO):
        (helper,) = started
        assert helper.poll() is None
    assert helper.returncode is not None
    with first_use.compiled_ahead(SCENARIO):
        assert started == [helper]


def test_a_helper_ends_with_a_study_that_fails(started):
    with pytest.raises(KeyboardInterrupt), first_use.compiled_ahead(SCENARIO):
        raise KeyboardInterrupt
    assert started[0].returncode is not None


@pytest.mark.parametrize("without", ["a folder", "threads", "compiling", "processes"])
def test_there_is_no_helper_without(without, started, monkeypatch):
    def fail(*args, **options):
        raise BlockingIOError("no more processes")

    if without == "a folder":
        monkeypatch.setattr(first_use, "cache_directory", lambda: None)
    elif without == "threads":
        monkeypatch.setattr(numba, "get_num_threads", lambda: 1)
    elif without == "compiling":
        monkeypatch.setattr(first_use.config, "DISABLE_JIT", 1)
    else:
        monkeypatch.setattr(first_use.subprocess, "Popen", fail)
    with first_use.compiled_ahead(SCENARIO):
        assert started == []

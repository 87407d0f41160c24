"""When a study starts a helper that compiles, and that none outlives it."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numba
import pytest

from packsim.scenario.load import load
from packsim.study import compile_ahead, first_use

if TYPE_CHECKING:
    from collections.abc import Iterator

SCENARIO = load(Path(__file__).parents[2] / "configs" / "eve-2015-automatic.yaml")
SLEEPS = "import time; time.sleep(100)"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(100)"
)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Helpers that were started, each a process that sleeps; the first use of an empty cache by two threads."""
    found: list[subprocess.Popen[bytes]] = []

    def start(command: list[str], **options: object) -> subprocess.Popen[bytes]:
        assert command[-2:] == [first_use.HELPER, str(os.getpid())]
        options["stdout"] = subprocess.PIPE
        found.append(popen([sys.executable, "-c", SLEEPS], **options))  # type: ignore[call-overload]
        return found[-1]

    popen = subprocess.Popen
    monkeypatch.setattr(first_use.subprocess, "Popen", start)
    monkeypatch.setattr(first_use, "cache_directory", lambda: tmp_path)
    monkeypatch.setattr(first_use.config, "DISABLE_JIT", 0)
    monkeypatch.setattr(numba, "get_num_threads", lambda: 2)
    yield found
    for helper in found:
        helper.stdout.close()


def test_the_first_use_alone_has_a_helper_which_ends_with_it(started):
    with first_use.compiled_ahead(SCENARIO):
        (helper,) = started
        assert helper.poll() is None
    assert helper.returncode is not None
    with first_use.compiled_ahead(SCENARIO):
        assert started == [helper]


def test_the_helper_gets_the_scenario_as_it_is():
    again = compile_ahead.received(pickle.loads(pickle.dumps(first_use.handed_over(SCENARIO))))
    assert again.model_dump() == SCENARIO.model_dump()
    assert again.file("a.csv") == SCENARIO.file("a.csv")


def test_a_helper_that_does_not_end_is_killed(started, monkeypatch):
    monkeypatch.setattr(first_use, "PATIENCE_S", 0.5)
    monkeypatch.setitem(globals(), "SLEEPS", STUBBORN)
    with first_use.compiled_ahead(SCENARIO):
        assert started[0].stdout.readline() == b"ready\n"
    assert started[0].returncode == -signal.SIGKILL


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

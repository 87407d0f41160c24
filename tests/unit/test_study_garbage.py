"""Garbage is collected again once a command has started, and in any case after it."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from packsim.study.garbage import no_collection_at_start, started


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    assert gc.isenabled()
    yield
    gc.enable()


def test_off_until_started() -> None:
    with no_collection_at_start():
        assert not gc.isenabled()
        started()
        assert gc.isenabled()
        assert gc.get_freeze_count() > 0
        started()
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0


def test_back_on_after_a_command_that_never_started() -> None:
    @no_collection_at_start()
    def command() -> None:
        assert not gc.isenabled()
        raise ValueError

    for _ in range(2):
        with pytest.raises(ValueError):  # noqa: PT011
            command()
        assert gc.isenabled()


def test_nothing_happens_to_a_process_that_did_not_ask() -> None:
    frozen = gc.get_freeze_count()
    started()
    assert gc.isenabled()
    assert gc.get_freeze_count() == frozen
    gc.disable()
    with no_collection_at_start():
        started()
        assert not gc.isenabled()
    assert not gc.isenabled()

"""Work is spread over threads without losing, repeating or hiding any of it."""

from __future__ import annotations

import threading

import numba
import numpy as np
import pytest

from packsim.numerics.threads import in_parallel


@pytest.mark.parametrize("count", [0, 1, 7, 64, 1000, 1001])
@pytest.mark.parametrize("grain", [1, 64])
def test_every_row_once_and_ranges_begin_at_grains(count: int, grain: int) -> None:
    seen = np.zeros(count, int)
    begins = []

    def task(begin: int, end: int) -> None:
        begins.append(begin)
        seen[begin:end] += 1

    in_parallel(task, count, grain)
    assert (seen == 1).all()
    assert all(begin % grain == 0 for begin in begins)


def test_one_thread_stays_on_the_caller() -> None:
    names: list[str] = []
    before = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        in_parallel(lambda begin, end: names.append(threading.current_thread().name), 100)
    finally:
        numba.set_num_threads(before)
    assert names == [threading.current_thread().name]


def test_a_failure_is_raised() -> None:
    def task(begin: int, end: int) -> None:
        if begin <= 37 < end:
            raise ValueError("row 37")

    with pytest.raises(ValueError, match="row 37"):
        in_parallel(task, 100)


def test_calls_within_calls_finish() -> None:
    done = np.zeros((8, 8), int)

    def outer(first: int, last: int) -> None:
        for i in range(first, last):

            def inner(begin: int, end: int, i: int = i) -> None:
                done[i, begin:end] += 1

            in_parallel(inner, 8)

    in_parallel(outer, 8)
    assert (done == 1).all()

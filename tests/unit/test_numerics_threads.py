"""Work is spread over threads without losing, repeating or hiding any of it."""

from __future__ import annotations

import contextlib
import threading
import time

import numba
import numpy as np
import pytest

from packsim.numerics.threads import AHEAD, _edges, in_order, in_parallel, thread_count


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


@pytest.mark.parametrize(("grains", "threads"), [(60, 2), (1000, 2), (1000, 64), (5, 64)])
def test_ranges_get_smaller_so_that_threads_end_together(grains: int, threads: int) -> None:
    sizes = np.diff(_edges(grains, threads))
    assert sizes.sum() == grains
    assert (np.diff(sizes) <= 0).all()
    assert sizes[-1] == 1
    assert sizes.size <= threads * (2.0 * np.log2(max(grains / threads, 1.0)) + 4.0)


def test_one_thread_stays_on_the_caller() -> None:
    names: list[str] = []
    before = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        in_parallel(lambda begin, end: names.append(threading.current_thread().name), 100)
    finally:
        numba.set_num_threads(before)
    assert names == [threading.current_thread().name]


def test_threads_are_counted_as_numba_does() -> None:
    before = numba.get_num_threads()
    try:
        for count in range(1, before + 1):
            numba.set_num_threads(count)
            assert thread_count() == numba.get_num_threads() == count
    finally:
        numba.set_num_threads(before)


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


@pytest.mark.parametrize("count", [0, 1, 2, 3, 17])
def test_numbers_in_order_whatever_ends_first(count: int) -> None:
    def task(number: int) -> int:
        time.sleep(0.002 * (number % 3))
        return 10 * number

    numbers = [2 * k + 1 for k in range(count)]
    assert list(in_order(task, numbers)) == [(number, 10 * number) for number in numbers]


def test_whole_numbers_have_one_thread_inside_and_leftovers_all() -> None:
    threads = numba.get_num_threads()
    inside = [number_of for _, number_of in in_order(lambda number: numba.get_num_threads(), range(2 * threads + 1))]
    assert inside == [1] * (2 * threads) + [threads]
    assert numba.get_num_threads() == threads


def test_a_failed_number_is_raised_in_its_turn() -> None:
    def task(number: int) -> int:
        if number == 3:
            raise ValueError("number 3")
        return number

    found = in_order(task, range(8))
    assert [next(found)[0] for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="number 3"):
        next(found)


def test_nothing_is_begun_far_ahead_nor_once_nobody_asks() -> None:
    begun: list[int] = []
    threads = numba.get_num_threads()
    with contextlib.closing(in_order(begun.append, range(1000 * threads))) as found:
        next(found)
    assert len(begun) <= AHEAD * threads + 1

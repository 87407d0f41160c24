"""Independent work spread over threads: kernels release the GIL, so plain Python threads run them side by side.

Numba's own `prange` would do the same, but compiles the whole tree of callees twice more (28 of 75 s of the first use),
and its default threading layer forbids calls from several Python threads at once.
"""

from __future__ import annotations

import collections
import contextlib
import functools
import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import numba
from numba.np.ufunc import parallel

from packsim.numerics.kernel_cache import config

SHARE = 0.5  # of its part of what is left, that a thread takes at once: one that is late holds up little
AHEAD = 2  # numbers for each thread of `in_order` that are begun, or done and not yet taken

Out = TypeVar("Out")


@functools.cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max(int(config.NUMBA_NUM_THREADS), 1), thread_name_prefix="packsim")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # a forked child has the pool but not its threads


def thread_count() -> int:
    """What `numba.get_num_threads()` says, once Numba's threads run without its look at whether they do.

    That takes two locks, 9 us after other work: a twentieth of what a block of 10,000 cells costs the line.
    """
    running = getattr(parallel, "_get_num_threads", None)  # Numba puts it there when its threads run
    return int(numba.get_num_threads() if running is None else running())


def in_parallel(task: Callable[[int, int], None], count: int, grain: int = 1) -> None:
    """Call task(begin, end) for ranges that cover 0 .. count - 1, on `numba.get_num_threads()` threads.

    Ranges begin at multiples of `grain`. Which thread takes which range is left to chance, so a task must write only to
    its own range. The first exception of a task is raised.
    """
    threads = thread_count()
    edges = [min(edge * grain, count) for edge in _edges(-(-count // grain), threads)]
    if len(edges) <= 2:
        if count > 0:
            task(0, count)
        return
    ranges = iter(list(itertools.pairwise(edges)))  # next() of a list iterator is atomic under the GIL

    def work(own: Iterator[tuple[int, int]]) -> None:
        for begin, end in own:
            task(begin, end)

    others = [_pool().submit(work, ranges) for _ in range(min(threads, len(edges) - 1) - 1)]
    try:
        work(ranges)
    finally:
        for other in others:
            other.result()


def _edges(grains: int, threads: int) -> list[int]:
    """Where ranges of grains begin and end: large ones first, single grains last, so that all threads end together."""
    edges = [0]
    while edges[-1] < grains:
        left = grains - edges[-1]
        edges.append(edges[-1] + (max(int(SHARE * left / threads), 1) if threads > 1 else left))
    return edges


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """One thread for what this thread calls: tasks of a pool must not wait for tasks of the same pool."""
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        yield
    finally:
        numba.set_num_threads(before)


def in_order(task: Callable[[int], Out], numbers: Sequence[int]) -> Iterator[tuple[int, Out]]:
    """Number and task(number), in order: each of `numba.get_num_threads()` threads takes a whole number at a time.

    So what a task does in Python on one thread goes on beside the kernels of the others. Numbers left over, too few for
    all threads, are done one after another, with all threads inside.
    """
    threads = thread_count()
    whole = len(numbers) // threads * threads if threads > 1 else 0
    if whole:
        yield from _side_by_side(task, numbers[:whole], threads)
    for number in numbers[whole:]:
        yield number, task(number)


def _side_by_side(task: Callable[[int], Out], numbers: Sequence[int], threads: int) -> Iterator[tuple[int, Out]]:
    def one(number: int) -> Out:
        with alone():
            return task(number)

    pool = ThreadPoolExecutor(threads, thread_name_prefix="packsim-block")
    begun: collections.deque[tuple[int, Future[Out]]] = collections.deque()
    try:
        for number in numbers:
            if len(begun) == AHEAD * threads:
                first, future = begun.popleft()
                yield first, future.result()
            begun.append((number, pool.submit(one, number)))
        while begun:
            first, future = begun.popleft()
            yield first, future.result()
    finally:  # an error, or nobody wants the rest
        pool.shutdown(cancel_futures=True)

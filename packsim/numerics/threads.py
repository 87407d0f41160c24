"""Independent work spread over threads: kernels release the GIL, so plain Python threads run them side by side.

Numba's own `prange` would do the same, but compiles the whole tree of callees twice more (28 of 75 s of the first use),
and its default threading layer forbids calls from several Python threads at once.
"""

from __future__ import annotations

import functools
import itertools
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numba

from packsim.numerics.kernel_cache import config

PIECES_PER_THREAD = 4  # so that a thread that is late holds up little


@functools.cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max(int(config.NUMBA_NUM_THREADS), 1), thread_name_prefix="packsim")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # a forked child has the pool but not its threads


def in_parallel(task: Callable[[int, int], None], count: int, grain: int = 1) -> None:
    """Call task(begin, end) for ranges that cover 0 .. count - 1, on `numba.get_num_threads()` threads.

    Ranges begin at multiples of `grain`. Which thread takes which range is left to chance, so a task must write only to
    its own range. The first exception of a task is raised.
    """
    threads = int(numba.get_num_threads())
    grains = -(-count // grain)
    pieces = min(grains, PIECES_PER_THREAD * threads if threads > 1 else 1)
    if pieces <= 1:
        if count > 0:
            task(0, count)
        return
    edges = [min(grains * k // pieces * grain, count) for k in range(pieces + 1)]
    ranges = iter(list(itertools.pairwise(edges)))  # next() of a list iterator is atomic under the GIL

    def work(own: Iterator[tuple[int, int]]) -> None:
        for begin, end in own:
            task(begin, end)

    others = [_pool().submit(work, ranges) for _ in range(min(threads, pieces) - 1)]
    try:
        work(ranges)
    finally:
        for other in others:
            other.result()

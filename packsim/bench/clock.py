"""Times of calls: the least of several, because other work on the machine only ever adds."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence

import numba

Call = Callable[[], object]
Clock = Callable[[], float]
WALL: Clock = time.perf_counter
OWN: Clock = time.process_time  # of this process alone: fair for one thread on a busy machine


def seconds(call: Call, clock: Clock = WALL) -> float:
    """Seconds of one call."""
    begun = clock()
    call()
    return clock() - begun


def least(call: Call, repeat: int, clock: Clock = WALL) -> float:
    """Least seconds of `repeat` calls, after one that is not timed (it may compile)."""
    if repeat > 1:
        call()
    return min(seconds(call, clock) for _ in range(repeat))


def in_turns(calls: Sequence[Call], repeat: int, clock: Clock = WALL) -> list[float]:
    """Least seconds of each of several calls made in turns, so that a busy minute hits all of them."""
    for call in calls if repeat > 1 else ():
        call()
    best = [float("inf")] * len(calls)
    for _ in range(repeat):
        for k, call in enumerate(calls):
            best[k] = min(best[k], seconds(call, clock))
    return best


@contextlib.contextmanager
def threads(count: int) -> Iterator[None]:
    """Work on `count` threads in the body."""
    before = int(numba.get_num_threads())
    numba.set_num_threads(count)
    try:
        yield
    finally:
        numba.set_num_threads(before)


def all_threads() -> int:
    """Threads that packsim works on."""
    return int(numba.get_num_threads())

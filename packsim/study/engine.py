"""Engines map the pure function `run_block` over blocks; this one does it in this process, a block on each thread."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Protocol, TypeVar

from packsim.numerics.threads import in_order

Out = TypeVar("Out")
Progress = Callable[[int, int], None]  # (blocks done, blocks in all)


class Engine(Protocol):
    """Maps a task over blocks."""

    def __call__(
        self, task: Callable[[int], Out], blocks: int, progress: Progress | None = None, done: Collection[int] = ()
    ) -> Iterator[tuple[int, Out]]:
        """Number and `task(number)` for every block that is not `done`, in any order."""


def report_done(progress: Progress | None, blocks: int, done: Collection[int]) -> int:
    """How many blocks are done before the first; `progress` is told."""
    count = sum(block in done for block in range(blocks))
    if progress is not None and count:
        progress(count, blocks)
    return count


def local(
    task: Callable[[int], Out], blocks: int, progress: Progress | None = None, done: Collection[int] = ()
) -> Iterator[tuple[int, Out]]:
    """Number and `task(number)` for every block that is not `done`, in order."""
    count = report_done(progress, blocks, done)
    for block, out in in_order(task, [block for block in range(blocks) if block not in done]):
        yield block, out
        count += 1
        if progress is not None:
            progress(count, blocks)

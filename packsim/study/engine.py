"""Engines map the pure function `run_block` over blocks; this one does it in this process, block after block.

Threads work inside a block (cells and packs are spread over them), so a result cannot depend on their number.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import TypeVar

Out = TypeVar("Out")
Progress = Callable[[int, int], None]  # (blocks done, blocks in all)


def local(
    task: Callable[[int], Out], blocks: int, progress: Progress | None = None, done: Collection[int] = ()
) -> Iterator[tuple[int, Out]]:
    """Number and `task(number)` for every block that is not `done`, in order."""
    count = sum(block in done for block in range(blocks))
    if progress is not None and count:
        progress(count, blocks)
    for block in range(blocks):
        if block in done:
            continue
        yield block, task(block)
        count += 1
        if progress is not None:
            progress(count, blocks)

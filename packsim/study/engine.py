"""Engines map the pure function `run_block` over blocks; this one does it in this process, block after block.

Threads work inside a block (cells and packs are spread over them), so a result cannot depend on their number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

Out = TypeVar("Out")
Progress = Callable[[int, int], None]  # (blocks done, blocks in all)


def local(task: Callable[[int], Out], blocks: int, progress: Progress | None = None) -> Iterator[Out]:
    """`task(block)` for every block, in order."""
    for block in range(blocks):
        yield task(block)
        if progress is not None:
            progress(block + 1, blocks)

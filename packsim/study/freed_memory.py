"""Memory that is freed stays with the process, for the next array."""

from __future__ import annotations

import numpy as np

LARGEST_BYTES = 31 << 20  # of arrays that this holds for; the C library of Linux allows 32 MB


def keep_freed_memory() -> None:
    """Let the C library of Linux keep what is freed, in place of giving it back; others are as they were.

    It takes large blocks from the system and gives them back at once, until one has been freed that was as large: it then
    keeps blocks up to that size. Arrays of a block of cells are a few MB, made and freed thousands of times, and each page
    that comes from the system costs its clearing: up to 1.1 s of calibrating two lines, by chance (500,000 pages, now
    20,000). One block that is never touched and costs nothing tells it at once.
    """
    np.empty(LARGEST_BYTES, np.uint8)

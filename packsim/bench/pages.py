"""Memory that has been used stays with the process, as in a run that builds block after block.

Else whether a call gets new memory, whose pages the system must find and clear (up to 3 us each on a virtual machine, 100 ns
a cell), hangs on what was freed before it: on the calls of the incumbent that it takes turns with.
"""

from __future__ import annotations

import ctypes

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # <malloc.h>
KEPT = 2**31 - 1  # bytes


def keep_pages() -> bool:
    """Whether it could be arranged; only the GNU C library can."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):
        return False
    return bool(mallopt(M_MMAP_MAX, 0)) and bool(mallopt(M_TRIM_THRESHOLD, KEPT))

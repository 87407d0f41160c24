"""No garbage collection while kernels are compiled.

Numba makes millions of small objects for a kernel and lets go of few before it is done. Python meanwhile looks through
all that there are, again and again, for the few that refer to one another: a tenth of the time of compiling.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """Collect nothing during the body; bodies may stand in bodies. What was collected before is collected again after."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()

"""When Python looks for garbage: not while a command starts, nor when it ends.

Imports and plans make a million objects that all stay. Python's collector goes through them again and again as they grow in
number, and once more before the process ends: 0.3 s and 0.3 s of commands that take 2 s.
"""

from __future__ import annotations

import contextlib
import gc
import threading
from collections.abc import Iterator

_starting: list[bool] = []  # not empty: off
_lock = threading.Lock()


@contextlib.contextmanager
def no_collection_at_start() -> Iterator[None]:
    """No collection until `started` is called; as before after the body."""
    before = gc.isenabled()
    gc.disable()
    _starting.append(before)
    try:
        yield
    finally:
        started()
        gc.unfreeze()


def started() -> None:
    """What is there now will stay: from here on collect, if it was off for the start, but among later objects only."""
    with _lock:
        if _starting:
            gc.freeze()
            if _starting.pop():
                gc.enable()

"""A command that is killed, interrupted or out of disk goes on when it is called again: its folder until it is done."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol, TypeVar

from packsim.study.output import Stopped, unfinished
from packsim.study.store.lock import FolderLock
from packsim.study.store.shards import SHARDS
from packsim.study.store.url import Place, UrlPath


class Closed(Protocol):
    """What is given back at the end."""

    def close(self) -> None:
        """Let other processes write there."""


Kept = TypeVar("Kept", bound=Closed)


class Unfinished:
    """The hidden folder beside `out`, with a folder for each part of the command: `run`, `life`, ..."""

    def __init__(self, out: Place) -> None:
        self.out, self.folder = out, unfinished(out)
        self._open: list[Closed] = []

    def opened(self, store: Kept) -> Kept:
        """Close `store` when the command ends, however it does."""
        self._open.append(store)
        return store

    def close(self) -> None:
        """Close what was opened."""
        while self._open:
            self._open.pop().close()

    def drop(self) -> None:
        """Remove the folder, unless another process writes there."""
        if isinstance(self.folder, UrlPath):
            self.folder.rmdir()
            return
        for part in self.folder.glob("*"):
            try:
                lock = FolderLock(part)
            except BlockingIOError:
                continue
            shutil.rmtree(part)
            lock.give_back()
        with contextlib.suppress(OSError):  # not empty
            self.folder.rmdir()

    def finished(self) -> int:
        """Shards that are kept."""
        return len(list(self.folder.glob(f"*/{SHARDS}/*.json")))


@contextlib.contextmanager
def resumable(out: Place | None) -> Iterator[Unfinished | None]:
    """The unfinished folder of a command that writes to `out`; None without `out`.

    If the body fails, finished shards stay; where there are none, nothing stays.

    Raises:
        Stopped: interrupted, or the disk is full or otherwise cannot be written, and how to go on.
    """
    if out is None:
        yield None
        return
    way = Unfinished(out)
    above = way.folder.parents if isinstance(way.folder, Path) else ()
    made = [parent for parent in above if not parent.exists()]  # innermost first
    try:
        yield way
    except BaseException as error:
        way.close()
        kept = way.finished()
        if not kept:
            way.drop()
            for parent in made:
                with contextlib.suppress(OSError):
                    parent.rmdir()
        on = f"{kept} finished shards are kept; the same command goes on from there" if kept else "nothing was written"
        if isinstance(error, KeyboardInterrupt):
            raise Stopped(f"interrupted; {on}", 130) from error
        if isinstance(error, OSError):
            raise Stopped(f"{error.filename or out}: {error.strerror or error}; {on}", 2) from error
        raise
    way.close()

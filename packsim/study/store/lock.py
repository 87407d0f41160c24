"""One process at a time writes to a folder; the lock of a killed process is gone with it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import IO

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


class FolderLock:
    """Taken at once or refused; the file goes when the lock is given back."""

    def __init__(self, folder: Path) -> None:
        """Take the lock.

        Raises:
            BlockingIOError: another process has it.
        """
        self.path = folder / ".lock"
        while True:
            self._file: IO[bytes] | None = self.path.open("ab")
            try:
                _take(self._file)
            except (BlockingIOError, PermissionError) as error:
                self._file.close()
                raise BlockingIOError(f"{folder}: another run is writing there") from error
            except BaseException:  # a file system without locks
                self._file.close()
                raise
            if self._still_there():
                return
            self._file.close()  # its owner gave it back, and took the file away, in between

    def give_back(self) -> None:
        """Let others write; doing it twice does no harm."""
        if self._file is None:
            return
        if sys.platform != "win32":
            self.path.unlink(missing_ok=True)
        self._file.close()
        if sys.platform == "win32":
            self.path.unlink(missing_ok=True)
        self._file = None

    def _still_there(self) -> bool:
        assert self._file is not None
        try:
            return os.path.samestat(os.fstat(self._file.fileno()), self.path.stat())
        except FileNotFoundError:
            return False


if sys.platform == "win32":

    def _take(file: IO[bytes]) -> None:
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

else:

    def _take(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

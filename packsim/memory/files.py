"""Files on disk that appear whole or not at all, even when the power fails."""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

PART = ".part"


def write_whole(path: Path, data: bytes) -> str:
    """Write a file beside its place, make it safe, and move it there; returns its SHA-256.

    Raises:
        OSError: it cannot be written, with the file's name; nothing of it is left.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}{PART}")
    try:
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        _make_safe(path.parent)
    except BaseException as error:
        with contextlib.suppress(OSError):
            part.unlink()
        if isinstance(error, OSError):
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise
    return hashlib.sha256(data).hexdigest()


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sweep(folder: Path) -> None:
    """Remove what killed processes left half written in a folder and below."""
    for part in folder.rglob(f".*{PART}"):
        part.unlink()


def _make_safe(folder: Path) -> None:
    """The new name itself on disk; other systems than POSIX do that by themselves."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

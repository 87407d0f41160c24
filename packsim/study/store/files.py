"""Files that appear whole or not at all, on disk even when the power fails."""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

from packsim.study.store.url import Place, UrlPath

PART = ".part"


def write_whole(path: Place, data: bytes) -> str:
    """Write a file beside its place, make it safe, and move it there; returns its SHA-256.

    Raises:
        OSError: it cannot be written, with the file's name; nothing of it is left.
    """
    if isinstance(path, UrlPath):
        path.write_bytes(data)
        return hashlib.sha256(data).hexdigest()
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


def digest(path: Place) -> str:
    """SHA-256 of a file."""
    if isinstance(path, UrlPath):
        return hashlib.sha256(path.read_bytes()).hexdigest()
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sweep(folder: Place) -> None:
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

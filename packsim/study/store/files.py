"""Files of a store, in a folder or at a URL, that appear whole or not at all."""

from __future__ import annotations

import hashlib

from packsim.memory import files
from packsim.study.store.url import Place, UrlPath


def write_whole(place: Place, data: bytes) -> str:
    """Write a file; returns its SHA-256.

    Raises:
        OSError: it cannot be written; nothing of it is left.
    """
    if not isinstance(place, UrlPath):
        return files.write_whole(place, data)
    place.write_bytes(data)
    return hashlib.sha256(data).hexdigest()


def digest(place: Place) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(place.read_bytes()).hexdigest() if isinstance(place, UrlPath) else files.digest(place)


def sweep(folder: Place) -> None:
    """Remove what killed processes left half written in a folder and below; at a URL none do."""
    if not isinstance(folder, UrlPath):
        files.sweep(folder)

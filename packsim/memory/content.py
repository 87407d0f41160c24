"""What a result depends on that has no name of its own: the bits of the numbers themselves."""

from __future__ import annotations

import hashlib
from dataclasses import fields, is_dataclass

import numpy as np


def content_hash(value: object) -> str:
    """SHA-256 (hex) of numbers, texts and arrays in tuples and dataclasses: the same wherever they come from.

    Raises:
        TypeError: something else, of which nobody knows whether its words say all of it.
    """
    digest = hashlib.sha256()
    for part in _parts(value):
        digest.update(len(part).to_bytes(8, "little") + part)
    return digest.hexdigest()


def _parts(value: object) -> list[bytes]:
    kind = type(value).__name__.encode()
    if isinstance(value, np.ndarray):
        return [kind, str((value.dtype, value.shape)).encode(), np.ascontiguousarray(value).tobytes()]
    if is_dataclass(value) and not isinstance(value, type):
        value = tuple(getattr(value, field.name) for field in fields(value))
    if isinstance(value, tuple | list):
        return [kind, str(len(value)).encode(), *(part for inner in value for part in _parts(inner))]
    if isinstance(value, dict):
        return [kind, *(part for item in value.items() for part in _parts(item))]
    if value is None or isinstance(value, bool | int | float | complex | str | np.generic):
        return [kind, repr(value).encode()]
    raise TypeError(f"no content hash of {type(value).__name__}")

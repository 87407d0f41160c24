"""Results that this machine has made before: pure functions of what is asked and of the code, and long to compute.

Kept beside the compiled kernels, a small file each, named by everything that the result depends on: what is asked, all of
packsim's source, the libraries and the processor. Pickled, as the kernels are, so that every number and array comes back to
the bit. A file that is damaged counts as missing; one that cannot be written is done without.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from packsim.memory.files import write_whole
from packsim.memory.program import hashed_now, program_hash
from packsim.numerics.kernel_cache import cache_directory

Made = TypeVar("Made")
CHECK_BYTES = hashlib.sha256().digest_size  # of what follows them, at the start of a file


def remembered(kind: str, asked: str, make: Callable[[], Made]) -> Made:
    """`make()`, from the machine's memory if it has been asked before; what it raises is not remembered.

    Args:
        kind: the folder.
        asked: everything beside code and libraries that the result depends on.
    """
    path = _place(kind, asked)
    if path is None:
        return make()
    known = _read(path)
    if known is not None:
        result: Made = known[0]
        return result
    made = make()
    if hashed_now() != program_hash():  # edited meanwhile: nobody knows which code made it
        return made
    with contextlib.suppress(OSError, pickle.PicklingError):
        path.parent.mkdir(exist_ok=True)
        write_whole(path, _bytes(made))
    return made


def _place(kind: str, asked: str) -> Path | None:
    """The file of this result; None where nothing can be kept."""
    directory = cache_directory()
    if directory is None:
        return None
    return directory / kind / hashlib.sha256(f"{asked} {program_hash()}".encode()).hexdigest()


def _bytes(made: object) -> bytes:
    buffer = io.BytesIO()
    _Pickler(buffer, protocol=pickle.HIGHEST_PROTOCOL).dump(made)
    data = buffer.getvalue()
    return hashlib.sha256(data).digest() + data


def _read(path: Path) -> tuple[Any] | None:
    """What a file holds; None without one, or if it is damaged."""
    try:
        whole = path.read_bytes()
        check, data = whole[:CHECK_BYTES], whole[CHECK_BYTES:]
        return (pickle.loads(data),) if check == hashlib.sha256(data).digest() else None
    except (OSError, ValueError, EOFError, pickle.UnpicklingError, ImportError, AttributeError, TypeError):
        return None


class _Pickler(pickle.Pickler):
    """Arrays that may not be written to stay so: to Numba they are of another type, with kernels of its own."""

    def reducer_override(self, obj: object) -> Any:
        """How to make a read-only array again; everything else as pickle does it."""
        if type(obj) is np.ndarray and not obj.flags.writeable:
            return _read_only, (obj.copy(order="K"),)
        return NotImplemented


def _read_only(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    array.setflags(write=False)
    return array

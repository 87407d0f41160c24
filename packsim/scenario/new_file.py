"""One new file, written beside its place and moved there whole, never over something without being told to."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path


class OutputExists(ValueError):
    """The output file or folder is there already, or cannot be there."""


@contextlib.contextmanager
def new_file(path: Path, *, force: bool, allowed: str = "--force to replace it") -> Iterator[Path]:
    """A temporary file that takes the place of `path` when the body is done; nothing is left if it fails.

    Raises:
        OutputExists: it is a folder, or exists and `force` is not given, or its folder does not exist.
    """
    if path.is_dir():
        raise OutputExists(f"{path}: is a folder; allowed: the name of a new file")
    if path.exists() and not force:
        raise OutputExists(f"{path}: exists already; allowed: a new file, or {allowed}")
    if not path.absolute().parent.is_dir():
        raise OutputExists(f"{path}: the folder {path.parent} does not exist")
    handle, name = tempfile.mkstemp(dir=path.absolute().parent, prefix=f".{path.name}-")
    os.close(handle)
    try:
        yield Path(name)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise

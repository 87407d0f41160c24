"""Finished blocks of a long run on disk: what was there before a kill is not computed again, what is damaged is.

A file is the SHA-256 of its content and then the content (.npz); it appears whole or not at all. A folder of checkpoints
belongs to one run: its mark says which, and blocks of another run are refused.
"""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from packsim.study.output import OutputExists

Arrays = Mapping[str, npt.NDArray[np.generic]]
DIGEST = 32


class Checkpoints:
    """Blocks of one run in a folder; `say` is told about damaged ones."""

    def __init__(self, folder: Path, mark: str, say: Callable[[str], None] = lambda text: None) -> None:
        """Open or begin a folder.

        Raises:
            OutputExists: the folder holds blocks of another run, or cannot be written.
        """
        self.folder, self.say = folder, say
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if not self.belongs(folder, mark):
                raise OutputExists(
                    f"{folder}: holds blocks of an unfinished run of other settings; allowed: --force to drop them, or "
                    "another --out"
                )
            _write(folder / "mark", mark.encode())
        except OSError as error:
            raise OutputExists(f"{folder}: cannot be written ({error.strerror})") from error

    @staticmethod
    def belongs(folder: Path, mark: str) -> bool:
        """Whether a folder is new, or holds blocks of the run with this mark."""
        own = folder / "mark"
        return not own.exists() or own.read_text(encoding="utf-8") == mark

    def there(self) -> int:
        """Blocks that were finished before."""
        return len(list(self.folder.glob("*.block")))

    def get(self, block: int) -> dict[str, npt.NDArray[np.generic]] | None:
        """A finished block; None where there is none or it is damaged (which is said)."""
        path = self._path(block)
        if not path.exists():
            return None
        data = path.read_bytes()
        if len(data) > DIGEST and hashlib.sha256(data[DIGEST:]).digest() == data[:DIGEST]:
            try:
                with np.load(io.BytesIO(data[DIGEST:]), allow_pickle=False) as file:
                    return {name: file[name] for name in file.files}
            except (ValueError, OSError, zipfile.BadZipFile):
                pass
        self.say(f"{path}: damaged; block {block} is computed again")
        return None

    def put(self, block: int, arrays: Arrays) -> None:
        """Keep a finished block.

        Raises:
            OSError: it cannot be written.
        """
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)  # type: ignore[arg-type]
        content = buffer.getvalue()
        _write(self._path(block), hashlib.sha256(content).digest() + content)

    def _path(self, block: int) -> Path:
        return self.folder / f"{block:08d}.block"


def _write(path: Path, data: bytes) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)

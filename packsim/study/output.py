"""Result folders: written beside their place and moved there whole, never over something without being told to."""

from __future__ import annotations

import contextlib
import json
import math
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from packsim.scenario.new_file import OutputExists as OutputExists


def check_free(folder: Path, *, force: bool) -> None:
    """Refuse an output folder before any work is done.

    Raises:
        OutputExists: it exists and `force` is not given, or it is no folder, or its parent is not writable.
    """
    if folder.exists() and not folder.is_dir():
        raise OutputExists(f"--out {folder}: is a file; allowed: a new folder")
    if folder.exists() and not force:
        raise OutputExists(f"--out {folder}: exists already; allowed: a new folder, or --force to replace it")
    if folder.exists() and not _ours(folder):
        raise OutputExists(f"--out {folder}: holds files that packsim did not write; allowed: a new folder")
    parent = next(p for p in folder.absolute().parents if p.exists())
    if not parent.is_dir():
        raise OutputExists(f"--out {folder}: {parent} is a file; allowed: a folder in a folder")
    try:
        os.rmdir(tempfile.mkdtemp(prefix=".packsim-", dir=parent))
    except OSError as error:
        raise OutputExists(f"--out {folder}: cannot write in {parent} ({error.strerror})") from None


WRITTEN = (
    "summary.json",
    "compare.json",
    "fit.json",
    "report.html",
    "packs.parquet",
    "cells.parquet",
    "sightings.parquet",
    "life.parquet",
    "scenario.yaml",
    "rest.json",
    "rest.csv",
)


def _ours(folder: Path) -> bool:
    """Whether `--force` may replace the folder: everything in it has a name (or prefix a-, b-) that packsim writes."""
    return all(
        entry.is_file() and entry.name.removeprefix("a-").removeprefix("b-") in WRITTEN for entry in folder.iterdir()
    )


@contextlib.contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """A temporary folder that takes the place of `folder` when the body is done; nothing is left if it fails."""
    made = [parent for parent in folder.absolute().parents if not parent.exists()]  # innermost first
    folder.absolute().parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.absolute().parent))
    try:
        yield work
        work.chmod(0o755)
        if folder.exists():
            aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-old-", dir=folder.absolute().parent))
            folder.rename(aside / "old")
            work.rename(folder)
            shutil.rmtree(aside)
        else:
            work.rename(folder)
        made = []
    finally:
        shutil.rmtree(work, ignore_errors=True)
        for parent in made:
            parent.rmdir()


def plain(value: Any) -> Any:
    """JSON has no nan: numbers that do not exist become null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    return value


def to_json(value: Any) -> str:
    """Indented JSON with a final newline."""
    return json.dumps(plain(value), indent=2) + "\n"

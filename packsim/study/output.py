"""Result folders: written beside their place and moved there whole, never over something without being told to."""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from packsim.scenario.new_file import OutputExists as OutputExists
from packsim.study.store.url import Place, UrlPath

MANIFEST = "manifest.json"  # of a run in a folder
A_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")  # what is left of it as a path


def check_free(folder: Place, *, force: bool) -> None:
    """Refuse an output folder before any work is done.

    Raises:
        OutputExists: it exists and `force` is not given, or it is no folder, or its parent is not writable.
    """
    if isinstance(folder, Path) and A_URL.match(folder.as_posix()):
        scheme = folder.as_posix().partition(":")[0]  # no more of it: keys may be in it
        raise OutputExists(f"--out {scheme}:...: a URL; allowed: a folder, or a URL for packsim run alone")
    if folder.exists() and not folder.is_dir():
        raise OutputExists(f"--out {folder}: is a file; allowed: a new folder")
    if isinstance(folder, UrlPath) and _half_moved(folder):
        return
    if folder.exists() and not force:
        raise OutputExists(f"--out {folder}: exists already; allowed: a new folder, or --force to replace it")
    if folder.exists() and not _ours(folder):
        raise OutputExists(f"--out {folder}: holds files that packsim did not write; allowed: a new folder")
    if isinstance(folder, UrlPath):
        _check_writable(folder)
        return
    parent = next(p for p in folder.absolute().parents if p.exists())
    if not parent.is_dir():
        raise OutputExists(f"--out {folder}: {parent} is a file; allowed: a folder in a folder")
    try:
        os.rmdir(tempfile.mkdtemp(prefix=".packsim-", dir=parent))
    except OSError as error:
        raise OutputExists(f"--out {folder}: cannot write in {parent} ({error.strerror})") from None


def unfinished(folder: Place) -> Place:
    """The hidden folder beside a folder, where a command keeps what it has finished until it is done."""
    return folder.absolute().parent / f".{folder.name}-unfinished"


def _half_moved(folder: UrlPath) -> bool:
    """Whether a process was killed while it moved the unfinished run to its place: the manifest goes last."""
    begun = (unfinished(folder) / "run" / MANIFEST).exists()
    return begun and not (folder / MANIFEST).exists() and _ours(folder)


def _check_writable(folder: UrlPath) -> None:
    probe = folder.parent / f".packsim-{os.getpid()}"
    try:
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise OutputExists(f"--out {folder}: cannot write there ({str(error).splitlines()[0]})") from None


class Stopped(Exception):
    """A command that ended before its end: in one line what stopped it and how to go on; `code` is its exit code."""

    def __init__(self, text: str, code: int) -> None:
        super().__init__(text)
        self.code = code


WRITTEN = (
    "summary.json",
    "compare.json",
    "fit.json",
    "report.html",
    "manifest.json",
    "scenario.yaml",
    "rest.json",
    "rest.csv",
)


FOLDERS = ("blocks.parquet", "packs.parquet", "sightings.parquet", "cells.parquet", "life.parquet", "shards")
PART = re.compile(r"\d{5,}\.(parquet|json)")


def _ours(folder: Place) -> bool:
    """Whether `--force` may replace the folder: everything in it has a name (or prefix a-, b-) that packsim writes."""

    def ours(entry: Place) -> bool:
        name = entry.name.removeprefix("a-").removeprefix("b-")
        if entry.is_dir():
            return name in FOLDERS and all(part.is_file() and PART.fullmatch(part.name) for part in entry.iterdir())
        return name in WRITTEN

    return all(ours(entry) for entry in folder.iterdir())


@contextlib.contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """A temporary folder that takes the place of `folder` when the body is done; nothing is left if it fails."""
    made = [parent for parent in folder.absolute().parents if not parent.exists()]  # innermost first
    folder.absolute().parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.absolute().parent))
    try:
        yield work
        work.chmod(0o755)
        take_place(work, folder)
        made = []
    finally:
        shutil.rmtree(work, ignore_errors=True)
        for parent in made:
            parent.rmdir()


def take_place(work: Place, folder: Place) -> None:
    """Move a finished folder to its place, and what was there out of it."""
    if isinstance(work, UrlPath) or isinstance(folder, UrlPath):
        assert isinstance(work, UrlPath)
        assert isinstance(folder, UrlPath)
        folder.rmdir()
        work.move(folder, last=MANIFEST)
        return
    if folder.exists():
        aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-old-", dir=folder.absolute().parent))
        folder.rename(aside / "old")
        work.rename(folder)
        shutil.rmtree(aside)
    else:
        work.rename(folder)


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

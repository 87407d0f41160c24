"""Finished parts of a long run on disk: what was there before a kill is not computed again, what is damaged is.

A folder belongs to one run: its manifest.json says which. A shard is one Parquet file in each of the folder's tables and
shards/NNNNN.json with their SHA-256, written last: without it, or where anything differs, the shard is not there.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packsim.study.output import MANIFEST, OutputExists, take_place, to_json
from packsim.study.store.arrow import to_bytes
from packsim.study.store.files import digest, sweep, write_whole
from packsim.study.store.lock import FolderLock
from packsim.study.store.url import Place, UrlPath

if TYPE_CHECKING:
    import pyarrow as pa

SHARDS = "shards"
OWN = "sha256_of_this"  # file without this entry
Say = Callable[[str], None]
Settings = Mapping[str, Any]  # what a run's results depend on, as in JSON


class Shards:
    """Shards of one run in a folder that no other process writes to; `say` is told about damaged ones."""

    def __init__(
        self,
        folder: Place,
        settings: Settings,
        tables: Sequence[str],
        say: Say = lambda text: None,
        *,
        unit: str = "shard",
        force: bool = False,
    ) -> None:
        """Open or begin a folder; every shard that is there is checked.

        Args:
            unit: what a shard is called where a damaged one is named.
            force: drop another run that is there.

        Raises:
            OutputExists: the folder holds another run, or something else, or another process writes to it.
            OSError: it cannot be written.
        """
        self.folder, self.tables, self.say, self.unit = folder, tuple(tables), say, unit
        if _strange(folder):
            raise OutputExists(f"{folder}: holds something that packsim did not write; allowed: another folder")
        folder.mkdir(parents=True, exist_ok=True)
        try:
            self._lock = FolderLock(folder) if isinstance(folder, Path) else None  # a URL has none
        except BlockingIOError as error:
            raise OutputExists(f"{error}; allowed: another folder, or to wait until it is done") from error
        try:
            self._begin(settings, force)
            numbers = sorted(int(path.stem) for path in (folder / SHARDS).glob("*.json"))
            self.finished = {number for number in numbers if self._sound(number)}
        except BaseException:
            self.close()
            raise

    def _begin(self, settings: Settings, force: bool) -> None:
        if other := difference(self.folder, settings):
            if not force:
                raise OutputExists(f"{self.folder}: {other}; allowed: --force to drop it, or another folder (--out)")
            _clear(self.folder)
        sweep(self.folder)
        for name in (SHARDS, *(f"{table}.parquet" for table in self.tables)):
            (self.folder / name).mkdir(exist_ok=True)
        if not (self.folder / MANIFEST).exists():
            write_whole(self.folder / MANIFEST, to_json(settings).encode())

    def put(self, shard: int, tables: Mapping[str, pa.Table], facts: Settings) -> None:
        """Keep a finished shard; `facts` about it go into its JSON file.

        Raises:
            OSError: it cannot be written.
        """
        sums = {}
        for name in self.tables:
            path = self._path(shard, name)
            sums[_below(path, self.folder)] = write_whole(path, to_bytes(tables[name]))
        note = {"shard": shard, **facts, "sha256": sums}
        write_whole(self._note(shard), to_json({**note, OWN: _own(note)}).encode())
        self.finished.add(shard)

    def read(self, shard: int, table: str, columns: Sequence[str] | None = None) -> pa.Table:
        """One table of a finished shard, or only some of its columns.

        Raises:
            KeyError: no such column.
        """
        import pyarrow.parquet as pq

        names = None if columns is None else list(columns)
        path = self._path(shard, table)
        file = pq.ParquetFile(path if isinstance(path, Path) else path.open())
        found = file.read(columns=names)  # in the file's order, unknown ones left out
        return found if names is None else found.select(names)

    def close(self) -> None:
        """Let other processes write to the folder."""
        if self._lock is not None:
            self._lock.give_back()

    def move(self, to: Place) -> None:
        """Close, and move the folder to its place; what is there already goes."""
        self.close()
        take_place(self.folder, to)
        self.folder = to

    def _path(self, shard: int, table: str) -> Place:
        return self.folder / f"{table}.parquet" / f"{shard:05d}.parquet"

    def _note(self, shard: int) -> Place:
        return self.folder / SHARDS / f"{shard:05d}.json"

    def _sound(self, shard: int) -> bool:
        note = self._note(shard)
        fault = self._fault(shard)
        if fault is not None:
            self.say(f"{fault}: damaged; {self.unit} {shard} is computed again")
            note.unlink()
        return fault is None

    def _fault(self, shard: int) -> Place | None:
        """The first file of a shard that is not as it was written."""
        note = self._note(shard)
        try:
            text = note.read_text(encoding="utf-8")
            said = json.loads(text)
            sums = said["sha256"]
            paths = [self._path(shard, name) for name in self.tables]
            own = said.pop(OWN)
            if text != to_json({**said, OWN: own}) or own != _own(said):
                return note
            if [self.folder / name for name in sums] != paths or said["shard"] != shard:
                return note
        except (ValueError, KeyError, TypeError, AttributeError):
            return note
        return next((path for path in paths if not path.is_file() or digest(path) != self._kept(sums, path)), None)

    def _kept(self, sums: Mapping[str, str], path: Place) -> str:
        return sums[_below(path, self.folder)]


def _below(path: Place, folder: Place) -> str:
    if isinstance(path, Path) and isinstance(folder, Path):
        return path.relative_to(folder).as_posix()
    return str(path).removeprefix(f"{folder}/")


def _own(note: Settings) -> str:
    return hashlib.sha256(to_json(note).encode()).hexdigest()


def _strange(folder: Place) -> bool:
    """Whether a folder has files but no manifest; folders alone may be what a killed process left."""
    if (folder / MANIFEST).exists():
        return False
    return folder.is_file() or any(path.is_file() for path in folder.rglob("[!.]*"))


def difference(folder: Place, settings: Settings) -> str:
    """What makes a folder belong to another run, in words; "" if it is new, or belongs to this one."""
    manifest = folder / MANIFEST
    if not manifest.exists():
        return ""
    try:
        there = dict(json.loads(manifest.read_text(encoding="utf-8")))
    except (ValueError, TypeError):
        return f"its {MANIFEST} is damaged"
    wanted = json.loads(to_json(settings))
    for name in dict.fromkeys((*wanted, *there)):
        if name not in there or name not in wanted or there[name] != wanted[name]:
            return f"holds a run of other settings ({name} {there.get(name)}, now {wanted.get(name)})"
    return ""


def _clear(folder: Place) -> None:
    if isinstance(folder, UrlPath):
        folder.rmdir()
        return
    for entry in folder.glob("[!.]*"):
        if entry.is_dir():
            shutil.rmtree(entry)
        else:
            entry.unlink()

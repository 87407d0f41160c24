"""A folder or file at the URL of a file system that pyarrow knows, such as s3://bucket/year, used like a `pathlib.Path`."""

from __future__ import annotations

import contextlib
import fnmatch
import functools
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from packsim.scenario.new_file import OutputExists

URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")  # two letters at least: C: is a drive
WITH_FOLDERS = ("local", "hdfs")  # elsewhere folders are only parts of names
SCHEMES = "file, s3, gs, abfs or hdfs"


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Errors of pyarrow's own as OSError, as with paths."""
    import pyarrow as pa

    try:
        yield
    except pa.ArrowException as error:
        raise OSError(str(error)) from error


class UrlPath:
    """What the stores use of a path; its errors are OSError, as with paths."""

    def __init__(self, system: Any, scheme: str, path: str) -> None:
        """A path in a `pyarrow.fs.FileSystem`."""
        self.system, self.scheme, self._path = system, scheme, PurePosixPath(path)

    def __str__(self) -> str:
        """The URL without its query and keys, which nobody should read in a message."""
        return f"{self.scheme}://{self._path}"

    def __repr__(self) -> str:
        return f"UrlPath({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UrlPath) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))

    def __truediv__(self, name: str) -> UrlPath:
        return self._at(self._path / name)

    @property
    def name(self) -> str:
        """Its last part."""
        return self._path.name

    @property
    def stem(self) -> str:
        """Its last part without the ending."""
        return self._path.stem

    @property
    def parent(self) -> UrlPath:
        """The folder that it is in."""
        return self._at(self._path.parent)

    def absolute(self) -> UrlPath:
        """Itself: a URL starts at its root."""
        return self

    def relative_to(self, folder: UrlPath) -> PurePosixPath:
        """Its parts below a folder."""
        return self._path.relative_to(folder._path)

    def exists(self) -> bool:
        """Whether there is such a file, or a folder with something in it."""
        return bool(self._kind != "NotFound")

    def is_file(self) -> bool:
        """Whether there is such a file."""
        return bool(self._kind == "File")

    def is_dir(self) -> bool:
        """Whether there is such a folder."""
        return bool(self._kind == "Directory")

    def mkdir(self, *, parents: bool = False, exist_ok: bool = False) -> None:
        """Nothing: folders are made as files are written."""

    def iterdir(self) -> Iterator[UrlPath]:
        """Files and folders in this one; none if it is not there."""
        return iter(self._inside(recursive=False))

    def rglob(self, pattern: str) -> Iterator[UrlPath]:
        """Files and folders below, whose last parts match."""
        return (entry for entry in self._inside() if fnmatch.fnmatchcase(entry.name, pattern))

    def glob(self, pattern: str) -> Iterator[UrlPath]:
        """Files and folders below, whose parts match those of the pattern."""
        wanted = PurePosixPath(pattern).parts
        for entry in self._inside(recursive=len(wanted) > 1):
            parts = entry.relative_to(self).parts
            if len(parts) == len(wanted) and all(map(fnmatch.fnmatchcase, parts, wanted)):
                yield entry

    def open(self) -> Any:
        """The file, for reading at any place (`pyarrow.NativeFile`)."""
        with _told():
            return self.system.open_input_file(str(self._path))

    def read_bytes(self) -> bytes:
        """All of the file."""
        with self.open() as file:
            return bytes(file.read())

    def read_text(self, encoding: str) -> str:
        """All of the file."""
        return self.read_bytes().decode(encoding)

    def write_bytes(self, data: bytes) -> None:
        """The file anew. Object stores show it whole or not at all; of others a kill may leave a part."""
        with _told():
            if self.system.type_name in WITH_FOLDERS:
                self.system.create_dir(str(self._path.parent), recursive=True)
            with self.system.open_output_stream(str(self._path)) as file:
                file.write(data)

    def unlink(self, missing_ok: bool = False) -> None:
        """Remove the file."""
        with _told():
            if not missing_ok or self.exists():
                self.system.delete_file(str(self._path))

    def rmdir(self) -> None:
        """Remove the folder with all that is in it; nothing if it is not there."""
        with _told():
            if self.is_dir():
                self.system.delete_dir(str(self._path))

    def move(self, to: UrlPath, last: str) -> None:
        """Every file of the folder to another one, which is not there; the one of the name `last` after all others."""
        files = [entry for entry in self._inside() if entry.is_file()]
        for entry in sorted(files, key=lambda entry: str(entry.relative_to(self)) == last):
            target = to._at(to._path / entry.relative_to(self))
            try:
                if self.system.type_name in WITH_FOLDERS:
                    self.system.create_dir(str(target.parent._path), recursive=True)
                self.system.move(str(entry._path), str(target._path))
            except NotImplementedError:  # Azure without a hierarchy of names
                target.write_bytes(entry.read_bytes())
                entry.unlink()
        self.rmdir()

    @property
    def _kind(self) -> str:
        with _told():
            return str(self.system.get_file_info(str(self._path)).type.name)

    def _at(self, path: PurePosixPath) -> UrlPath:
        return UrlPath(self.system, self.scheme, str(path))

    def _inside(self, recursive: bool = True) -> list[UrlPath]:
        from pyarrow.fs import FileSelector

        selector = FileSelector(str(self._path), allow_not_found=True, recursive=recursive)
        with _told():
            return [self._at(PurePosixPath(info.path)) for info in self.system.get_file_info(selector)]


Place = Path | UrlPath


@functools.cache
def place(text: str, given_as: str = "--out") -> Place:
    """A path, or where a URL points to; `given_as`: what the user knows it as.

    Raises:
        OutputExists: a URL that pyarrow cannot use, or of no folder.
    """
    if not URL.match(text):
        return Path(text)
    import pyarrow as pa
    from pyarrow.fs import FileSystem

    scheme, _, rest = text.partition("://")
    shown = (
        f"{scheme}://{rest.partition('?')[0].rpartition('@')[2]}"  # neither query nor keys, which may have any signs
    )
    try:
        system, path = FileSystem.from_uri(text)
    except (pa.ArrowException, OSError, ValueError) as error:
        said = str(error).replace(text, shown).splitlines()[0]
        raise OutputExists(f"{given_as} {shown}: {said}; allowed: a folder, or a URL of {SCHEMES}") from None
    found = UrlPath(system, scheme, path.rstrip("/"))
    if not found.parent.name:
        raise OutputExists(f"{given_as} {shown}: allowed: a folder in it, such as {shown.rstrip('/')}/year")
    return found

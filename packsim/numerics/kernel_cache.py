"""Where compiled kernels are kept between processes, and the locks under which they are compiled.

Numba's own cache serves stale machine code in two cases met in practice. A *callee* in another file changed: so the
directory is named by a hash of every source file that kernels may stand in, and any edit starts an empty one. The
fields of a NamedTuple argument changed order: so the field names are part of each signature's key. Kernels read
constants of no other files: those would be frozen into the code unseen.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import hashlib
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import llvmlite
import llvmlite.binding
import numba
from numba.core import config as _numba_config
from numba.core import types
from numba.core.caching import FunctionCache, UserProvidedCacheLocator

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

config: Any = _numba_config  # its settings are made at run time, unseen by type checkers
PACKAGE = Path(__file__).resolve().parents[1]

# Numba settings that change the machine code but are no part of Numba's own cache key.
_CODE_SETTINGS = (
    "CPU_NAME",
    "CPU_FEATURES",
    "OPT",
    "BOUNDSCHECK",
    "DEBUGINFO_DEFAULT",
    "ENABLE_AVX",
    "LOOP_VECTORIZE",
    "SLP_VECTORIZE",
    "DISABLE_INTEL_SVML",
)


class KernelCacheWarning(RuntimeWarning):
    """Compiled kernels cannot be kept (or locked) on disk; every process compiles them again."""


@functools.cache
def kernel_sources(package: Path = PACKAGE) -> tuple[Path, ...]:
    """All files that cached kernels may stand in: each `kernels.py` of the package and all of `numerics/`, sorted."""
    return tuple(sorted({*package.rglob("kernels.py"), *(package / "numerics").glob("*.py")}))


@functools.cache
def source_hash(package: Path = PACKAGE) -> str:
    """16 hex digits that change with any kernel source, with numba, llvmlite, the Python version or the CPU."""
    digest = hashlib.sha256()
    for path in kernel_sources(package):
        digest.update(str(path.relative_to(package)).encode() + b"\0" + path.read_bytes() + b"\0")
    features = llvmlite.binding.get_host_cpu_features().flatten()
    settings = [f"{name}={getattr(config, name, None)}" for name in _CODE_SETTINGS]
    build = [numba.__version__, llvmlite.__version__, sys.version, llvmlite.binding.get_host_cpu_name(), features]
    digest.update("\n".join(build + settings).encode())
    return digest.hexdigest()[:16]


def user_cache_root() -> Path:
    """The folder for packsim's caches: `PACKSIM_CACHE_DIR`, else `packsim` in the platform's cache folder.

    Raises RuntimeError if no home directory is known.
    """
    if given := os.environ.get("PACKSIM_CACHE_DIR"):
        return Path(given).expanduser()
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        base = Path(local) if local else Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        xdg = os.environ.get("XDG_CACHE_HOME")
        base = Path(xdg) if xdg else Path.home() / ".cache"
    return base / "packsim"


_warned: list[str] = []


def warn_uncached(reason: object) -> None:
    """Say that kernels are not kept on disk: once per process, however many kernels it concerns."""
    if _warned:
        return
    _warned.append(str(reason))
    warnings.warn(
        f"compiled kernels cannot be kept on disk and are compiled anew by every process ({reason}); "
        "set PACKSIM_CACHE_DIR to a writable folder",
        KernelCacheWarning,
        stacklevel=2,
    )


@functools.cache
def cache_directory() -> Path | None:
    """The writable folder of this build's kernels, made if needed; None, with one warning, if there cannot be one."""
    try:
        directory = user_cache_root() / f"kernels-{source_hash()}"
        (directory / "locks").mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            pass
    except (OSError, RuntimeError) as error:
        warn_uncached(error)
        return None
    return directory


class KernelLocator(UserProvidedCacheLocator):  # type: ignore[misc]
    """Numba's, but tries once whether a folder can be written, not for each of the hundreds of kernels in it."""

    def ensure_cache_path(self) -> None:
        """Make the folder. Raises OSError where it cannot be written."""
        path = self.get_cache_path()
        if path not in _tried:
            super().ensure_cache_path()
            _tried.add(path)


_tried: set[str] = set()


class KernelCache(FunctionCache):  # type: ignore[misc]
    """Numba's per-function cache, with the field names of NamedTuple arguments in the key of each signature."""

    def _index_key(self, sig: Any, codegen: Any) -> tuple[Any, ...]:
        return (*super()._index_key(sig, codegen), tuple(_field_names(argument) for argument in sig))


class InnerCache(KernelCache):
    """The same for code that only other kernels call, which has no entry for Python."""

    def _index_key(self, sig: Any, codegen: Any) -> tuple[Any, ...]:
        return (*super()._index_key(sig, codegen), "inner")


def _field_names(argument: Any) -> tuple[Any, ...]:
    """Names of a NamedTuple type's fields and, recursively, of the tuples in it; () for any other type.

    Of a structure (`numerics.held`) those of what it holds.
    """
    if isinstance(argument, types.StructRef):  # type: ignore[attr-defined]
        return tuple((name, _field_names(element)) for name, element in argument._fields)
    if not isinstance(argument, types.BaseTuple):  # type: ignore[attr-defined]
        return ()
    own = tuple(getattr(argument, "fields", ()))
    return own, tuple(_field_names(element) for element in argument)


class FileLock:
    """An advisory lock between processes, re-entrant within one; callers hold a lock of their own between threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._depth = 0
        self._file: IO[bytes] | None = None

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Wait for the lock, hold it for the body. Raises OSError where the file system has no locks."""
        if self._depth == 0:
            self._file = self.path.open("ab")
            try:
                _lock(self._file)
            except OSError:
                self._file.close()
                raise
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
            if self._depth == 0 and self._file is not None:
                _unlock(self._file)
                self._file.close()


if sys.platform == "win32":

    def _lock(file: IO[bytes]) -> None:
        while True:
            try:
                file.seek(0)
                return msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
            except OSError as error:
                if error.errno != errno.EDEADLOCK:  # LK_LOCK gives up after ten seconds
                    raise

    def _unlock(file: IO[bytes]) -> None:
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)

else:

    def _lock(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX)

    def _unlock(file: IO[bytes]) -> None:
        # Explicitly: a child forked meanwhile shares the open file, so closing it alone would not release the lock.
        fcntl.flock(file, fcntl.LOCK_UN)

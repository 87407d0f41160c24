"""All Numba options in one place: the package compiles only through the two decorators here.

Never `fastmath=True`: vector body and scalar tail would round differently, so a value would depend on its array
position. `contract` (fused multiply-add) rounds both alike.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import pickle
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import numba
from numba.core import types
from numba.core.caching import NullCache
from numba.core.compiler_lock import global_compiler_lock
from numba.core.sigutils import normalize_signature

from packsim.numerics.collection import uncollected
from packsim.numerics.kernel_cache import (
    FileLock,
    InnerCache,
    KernelCache,
    KernelLocator,
    cache_directory,
    config,
    kernel_sources,
    warn_uncached,
)
from packsim.numerics.wide import WideCompiler

_OPTIONS: dict[str, Any] = {
    "nogil": True,
    "error_model": "numpy",
    "fastmath": {"contract"},
    "no_cfunc_wrapper": True,
    "pipeline_class": WideCompiler,
}

_LOCATOR = f"{KernelLocator.__module__}.{KernelLocator.__name__}"

Function = TypeVar("Function", bound=Callable[..., Any])


def kernel(function: Callable[..., Any]) -> Any:
    """Compile to nopython code without the GIL; division follows IEEE 754; kept in packsim's kernel cache.

    Without reference counts: it may neither make arrays nor return them, nor call what returns them. A count costs two
    atomic operations for every array of every tuple that is handed on, which was more than half of the time of small packs.

    Only functions of a `kernels.py` of the package or of `numerics/` are kept: edits elsewhere could not be noticed.
    Of several processes that need a kernel at once, one compiles it and the others load its code.
    """
    return _compiled(function)


def allocating_kernel(function: Callable[..., Any]) -> Any:
    """As `kernel`, for functions that make arrays, return them, or call what returns them."""
    return _compiled(function, counted=True)


def inlined_kernel(function: Function) -> Function:
    """As `kernel`, for scalar helpers of vector loops: one call that LLVM finds too big to inline keeps a loop scalar.

    (Philox in a loop over slots: 4.2 ns a word as `kernel`, 0.6 ns inlined.)
    """
    return _compiled(function, forceinline=True)


def _compiled(function: Function, counted: bool = False, **options: bool) -> Function:
    options["_nrt"] = counted
    dispatcher: Any = numba.njit(function, **options, **_OPTIONS)
    if config.DISABLE_JIT or _resolved(inspect.getfile(function)) not in kernel_sources():
        return dispatcher  # type: ignore[no-any-return]
    inner: Any = numba.njit(function, no_cpython_wrapper=True, **options, **_OPTIONS)
    directory = cache_directory()
    if directory is not None:
        with _numba_cache_dir(directory):
            dispatcher._cache, inner._cache = KernelCache(function), InnerCache(function)
        # Numba calls `compile` once per signature, never in the hot path, also for kernels called by kernels.
        for each in (dispatcher, inner):
            once = functools.partial(_compile_once, each, each.compile, _lock_of(directory, _name(function)))
            each.compile = functools.partial(_unless_known, each, once)
    if not counted:
        for each in (dispatcher, inner):
            each.compile = functools.partial(_without_counts, each, each.compile)
    dispatcher.called_by_kernels = inner
    # Where another kernel calls this one, the code has no entry for Python: to unpack its arguments, a Design above all,
    # takes longer to compile than most kernels.
    dispatcher.get_call_template, dispatcher.get_overload = inner.get_call_template, inner.get_overload
    return dispatcher  # type: ignore[no-any-return]


@functools.cache
def _resolved(file: str) -> Path:
    return Path(file).resolve()


def _without_counts(dispatcher: Any, compile_signature: Callable[[Any], Any], signature: Any) -> Any:
    """Compile; an array that is returned with nobody counting would be freed twice, or never.

    Raises:
        TypeError: the function, or one that it calls, returns arrays.
    """
    entry = compile_signature(signature)
    function = dispatcher.py_func
    known = [function.__globals__.get(name) for name in function.__code__.co_names]
    modules = [each for each in known if inspect.ismodule(each)]
    known += [getattr(module, name, None) for module in modules for name in function.__code__.co_names]
    called = [each.called_by_kernels for each in known if hasattr(each, "called_by_kernels")]
    for each in (dispatcher, *called):
        if any(_holds_arrays(result.signature.return_type) for result in each.overloads.values()):
            raise TypeError(f"{function.__name__}: {each.py_func.__name__} returns arrays; use allocating_kernel")
    return entry


def _holds_arrays(given: Any) -> bool:
    if isinstance(given, types.BaseTuple):  # type: ignore[attr-defined]
        return any(map(_holds_arrays, given))
    return isinstance(given, types.Array)


@contextlib.contextmanager
def _numba_cache_dir(directory: Path) -> Iterator[None]:
    """Point Numba at `directory` for the body only; other packages in the process keep their own setting."""
    with global_compiler_lock:
        before = config.CACHE_DIR, config.CACHE_LOCATOR_CLASSES
        config.CACHE_DIR = str(directory)
        config.CACHE_LOCATOR_CLASSES = _LOCATOR  # no silent fallback to __pycache__
        try:
            yield
        finally:
            config.CACHE_DIR, config.CACHE_LOCATOR_CLASSES = before


def _name(function: Callable[..., Any]) -> str:
    return f"{function.__module__}.{function.__qualname__}".translate({ord("<"): None, ord(">"): None})


@functools.cache
def _lock_of(directory: Path, name: str) -> FileLock:
    """A lock for each function, so that processes can compile different ones at the same time.

    A process that compiles a function holds its lock while it waits for those that it calls. No function calls itself, by
    whatever way, so no two processes wait for each other.
    """
    return FileLock(directory / "locks" / f"{name}.lock")


class _Clock:
    """Seconds that a thread of this process has spent on kernels that were not there yet."""

    def __init__(self) -> None:
        self.spent_s, self._depth = 0.0, 0

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Count the body, once where bodies stand in bodies; only with `global_compiler_lock` held."""
        begun = time.perf_counter()
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
            if not self._depth:
                self.spent_s += time.perf_counter() - begun


_clock = _Clock()


def compiling_s() -> float:
    """Seconds that this process has compiled kernels so far, or loaded them, or waited for another that compiles them."""
    return _clock.spent_s


def _unless_known(dispatcher: Any, compile_signature: Callable[[Any], Any], signature: Any) -> Any:
    """Numba asks for a signature wherever it is called: what this process has needs no lock, which another may hold."""
    arguments, _ = normalize_signature(signature)
    known = dispatcher.overloads.get(tuple(arguments))
    return compile_signature(signature) if known is None else known.entry_point


def _compile_once(dispatcher: Any, compile_signature: Callable[[Any], Any], lock: FileLock, signature: Any) -> Any:
    """Load or compile one signature; who else needs the function waits. A broken cache warns and is left aside."""
    # The compiler's lock is first: threads of this process take both in the same order.
    with global_compiler_lock, _clock.running(), uncollected():
        try:
            with lock.held():
                return compile_signature(signature)
        except (OSError, EOFError, pickle.UnpicklingError, ImportError, AttributeError) as error:
            # the last two: a kept signature names a class that has moved; an error of our own comes again below
            warn_uncached(error)
            dispatcher._cache = NullCache()
            return compile_signature(signature)

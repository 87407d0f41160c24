"""Kernels count no references: what would need counts is refused."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numba
import numpy as np
import pytest

from packsim.numerics import jit, kernel_cache
from packsim.numerics.wide import WIDEST

# Kernels are kernels only in a kernels.py: these are made as `kernel` makes them there.


@pytest.fixture
def as_in_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jit, "kernel_sources", lambda: (Path(__file__).resolve(),))
    monkeypatch.setattr(jit, "cache_directory", lambda: None)


def returned(x):
    return x[1:]


def same(x):
    return x


def made(x):
    return np.zeros(x.size).sum()


def summed(x):
    total = 0.0
    for value in x[1:]:
        total += value
    return total


@pytest.mark.usefixtures("as_in_the_package")
@pytest.mark.parametrize("function", [returned, same, made])
def test_a_kernel_that_makes_or_returns_an_array_is_refused(function):
    with pytest.raises((TypeError, numba.core.errors.TypingError), match=r"returning of array|returns arrays"):
        jit.kernel(function)(np.ones(3))


@pytest.mark.usefixtures("as_in_the_package")
def test_a_kernel_that_calls_what_returns_an_array_is_refused(monkeypatch):
    monkeypatch.setitem(globals(), "tail", jit.allocating_kernel(returned))

    def caller(x):
        return tail(x)[0]  # noqa: F821

    with pytest.raises(TypeError, match="caller: returned returns arrays"):
        jit.kernel(caller)(np.ones(3))


@pytest.mark.usefixtures("as_in_the_package")
def test_views_need_no_counts():
    x = np.arange(4.0)
    assert jit.kernel(summed)(x) == 6.0
    assert jit.allocating_kernel(returned)(x).tolist() == [1.0, 2.0, 3.0]


def test_kernels_may_use_the_widest_vector_registers():
    assert [WIDEST in text for text in llvm_of(jit.kernel(summed))] == [True]
    assert not any(WIDEST in text for text in llvm_of(numba.njit(summed)))


def llvm_of(dispatcher):
    dispatcher(np.arange(4.0))
    return list(dispatcher.inspect_llvm().values())


@pytest.mark.parametrize(
    "error", [ModuleNotFoundError("no module named gone"), AttributeError("no class Gone"), EOFError()]
)
def test_code_kept_for_a_class_that_has_moved_is_compiled_anew(error, monkeypatch, tmp_path):
    monkeypatch.setattr(kernel_cache, "_warned", [])
    tried = []

    def compile_signature(signature):
        tried.append(signature)
        if len(tried) == 1:
            raise error
        return "code"

    dispatcher, lock = SimpleNamespace(_cache="damaged"), kernel_cache.FileLock(tmp_path / "lock")
    with pytest.warns(kernel_cache.KernelCacheWarning, match="compiled anew"):
        assert jit._compile_once(dispatcher, compile_signature, lock, "signature") == "code"
    assert dispatcher._cache != "damaged"
    assert tried == ["signature"] * 2


def test_time_spent_compiling_is_counted_once(tmp_path, monkeypatch):
    """A kernel that compiles another: the inner part of the outer two seconds is not added to them."""
    now = iter([10.0, 11.0, 12.0])  # read at both starts and at the outer end
    monkeypatch.setattr(jit.time, "perf_counter", lambda: next(now))
    monkeypatch.setattr(jit, "_clock", jit._Clock())
    lock = kernel_cache.FileLock(tmp_path / "lock")

    def compile_both(signature):
        return jit._compile_once(None, lambda given: given + " compiled", lock, signature)

    assert jit._compile_once(None, compile_both, lock, "signature") == "signature compiled"
    assert jit.compiling_s() == 2.0


def test_a_kernel_keeps_its_own_copies_of_others():
    """A copy that the loader may replace by another kernel's makes bits depend on what was compiled or loaded before."""
    inner = jit.allocating_kernel(doubled)

    @jit.allocating_kernel
    def outer(x):
        return inner(x) + inner(x[1:]).sum()

    outer(np.arange(4.0))
    for made, linkage in ((outer, "private"), (numba.njit(outer.py_func), "linkonce_odr")):
        assert made(np.arange(4.0)).tolist() == [13.0, 14.0, 16.0, 18.0]  # Numba's own, too, beside ours in one process
        found = [
            line.split()[1] for text in made.inspect_llvm().values() for line in text.splitlines() if "define" in line
        ]
        assert linkage in found
        assert ("linkonce_odr" in found) == (linkage == "linkonce_odr")


def doubled(x):
    out = np.empty(x.size)
    for i in range(x.size):
        out[i] = 2.0 * x[i] if x[i] > 0.0 else np.exp(x[i])
    return out

"""What only kernels call is compiled as far as they need it, and no further."""

from __future__ import annotations

from pathlib import Path

import llvmlite.binding as llvm
import numpy as np
import pytest
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompileResult

from packsim.numerics import jit
from packsim.numerics.inner_code import InnerCode
from packsim.numerics.streams import write_short_normals


@pytest.fixture(autouse=True)
def as_in_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kernels are kernels only in a kernels.py: these are made as they would be there."""
    monkeypatch.setattr(jit, "kernel_sources", lambda: (Path(__file__).resolve(),))
    monkeypatch.setattr(jit, "cache_directory", lambda: None)


def root(x):
    if x < 0.0:
        raise ValueError("below zero")
    return x**0.5


def results(dispatcher):
    return list(dispatcher.called_by_kernels.overloads.values())


def machine_code(result):
    return result.library._get_compiled_object()


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch):
    """A kernel of two levels below another, and that one."""
    deepest = jit.kernel(root)

    def middle(x):
        total = 0.0
        for value in x:
            total += deepest(value)
        return total

    below = jit.kernel(middle)

    @jit.kernel
    def above(x):
        return below(x) + 1.0

    assert above(np.array([4.0, 9.0])) == 6.0
    return deepest, below, above


def test_no_machine_code_is_made_of_what_kernels_call(called):
    deepest, below, above = called
    (outer,) = above.overloads.values()
    assert not isinstance(outer.library, InnerCode)
    for dispatcher in (deepest, below):
        (inner,) = results(dispatcher)
        assert isinstance(inner.library, InnerCode)
        assert list(inner.library.get_defined_functions()) == []
        assert len(machine_code(inner)) < 2000 < len(machine_code(outer))
    text = str(results(below)[0].library._get_module_for_linking())
    name = results(deepest)[0].fndesc.mangled_name
    assert any("call" in line and name in line for line in text.splitlines()), "inlined: it was optimised as a whole"


def test_a_kernel_of_python_has_all_it_calls_for_itself(called, monkeypatch):
    """Before LLVM optimises it: else every call hands on every word of every tuple, read or not."""
    seen = []

    def optimise(library):
        seen.extend((each.name, each.linkage) for each in library._final_module.functions if not each.is_declaration)

    monkeypatch.setattr(JITCodeLibrary, "_optimize_final_module", optimise)
    (deepest, below, _) = called

    @jit.kernel
    def other(x):
        return below(x) - 1.0

    assert other(np.array([4.0, 9.0])) == 4.0
    for dispatcher in (deepest, below):
        name = results(dispatcher)[0].fndesc.mangled_name
        assert (name, llvm.Linkage.private) in seen
    assert not any(linkage == llvm.Linkage.linkonce_odr for _, linkage in seen)


def test_random_numbers_are_optimised_on_their_own(called):
    """Their loops are vectorised worse once they stand in others (docs/benchmarks.md)."""
    out, word = np.empty((2, 64), np.float32), np.arange(64, dtype=np.uint32)

    @jit.kernel
    def above(first, second, word):
        write_short_normals(first, second, word, word)

    above(out[0], out[1], word)
    (inner,) = results(write_short_normals)
    text = str(inner.library._get_module_for_linking())
    assert "x float>" in text, "vectors of several numbers"


def test_python_calls_the_same_function_as_ever(called):
    deepest, below, above = called
    assert deepest(9.0) == 3.0
    assert below(np.array([4.0, 9.0])) == 5.0
    with pytest.raises(ValueError, match="below zero"):
        above(np.array([-1.0]))


def test_kept_code_is_what_was_kept(called):
    """What a later process loads can be inlined as what was compiled."""
    _, below, _ = called
    (inner,) = results(below)
    loaded = CompileResult._rebuild(inner.target_context, *inner._reduce())
    before, after = (str(each.library._get_module_for_linking()) for each in (inner, loaded))
    assert instructions(before) == instructions(after)


def test_what_python_calls_is_kept_without_what_could_be_inlined(called):
    """Its machine code is all that a later process needs; the raised error shows that its Python globals are found."""
    _, _, above = called
    (made,) = above.overloads.values()
    kept = made._reduce()
    _, _, (_, names) = kept[0]
    assert instructions(str(llvm.parse_bitcode(names)))
    assert not [line for line in str(llvm.parse_bitcode(names)).splitlines() if " call " in line or " load " in line]
    loaded = CompileResult._rebuild(made.target_context, *kept)
    assert loaded.entry_point(np.array([4.0, 9.0])) == 6.0
    with pytest.raises(ValueError, match="below zero"):
        loaded.entry_point(np.array([-1.0]))


def instructions(text):
    return [line for line in text.splitlines() if line.startswith(("  ", "define"))]

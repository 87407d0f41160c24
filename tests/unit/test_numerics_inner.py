"""What only kernels call is compiled as far as they need it, and no further."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numba.core.compiler import CompileResult

from packsim.numerics import jit
from packsim.numerics.inner_code import InnerCode


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


def instructions(text):
    return [line for line in text.splitlines() if line.startswith(("  ", "define"))]

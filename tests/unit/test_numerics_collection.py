"""Garbage is left while kernels are compiled, and only then."""

from __future__ import annotations

import gc

import pytest

from packsim.numerics import jit, kernel_cache
from packsim.numerics.collection import uncollected


@pytest.fixture(params=[True, False])
def before(request: pytest.FixtureRequest):
    """Whether garbage was collected before."""
    was = gc.isenabled()
    (gc.enable if request.param else gc.disable)()
    yield request.param
    (gc.enable if was else gc.disable)()


def test_what_was_before_is_again_after(before):
    with uncollected(), uncollected():
        assert not gc.isenabled()
    assert gc.isenabled() == before
    with pytest.raises(KeyError), uncollected():
        raise KeyError
    assert gc.isenabled() == before


def test_the_inner_of_two_leaves_it_off():
    with uncollected():
        with uncollected():
            pass
        assert not gc.isenabled()


def test_nothing_is_collected_while_a_kernel_is_compiled(before, tmp_path):
    seen = []
    lock = kernel_cache.FileLock(tmp_path / "lock")
    jit._compile_once(None, lambda _: seen.append(gc.isenabled()), lock, "signature")
    assert seen == [False]
    assert gc.isenabled() == before

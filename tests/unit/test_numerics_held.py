"""Tuples held for kernels: the arrays themselves, whatever they are called with."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from packsim.numerics.held import Held, HeldType
from packsim.numerics.jit import allocating_kernel
from packsim.numerics.kernel_cache import _field_names


class Inner(NamedTuple):
    c: npt.NDArray[np.float64]


class Outer(NamedTuple):
    a: npt.NDArray[np.float64]
    b: int
    inner: Inner


@allocating_kernel
def hold(value: Any) -> Any:
    return Held(value)


@allocating_kernel
def total(held: Any) -> Any:
    value = held.value
    return value.a.sum() + value.b + value.inner.c[0]


def test_a_change_in_the_arrays_is_seen() -> None:
    outer = Outer(np.ones(3), 5, Inner(np.array([7.0])))
    held = hold(outer)
    assert total(held) == 15.0
    outer.a[0] = 11.0
    assert total(held) == 25.0


def test_the_arrays_outlive_the_tuple() -> None:
    held = hold(Outer(np.full(1000, 2.0), 0, Inner(np.zeros(1))))
    others = [np.full(1000, 3.0) for _ in range(100)]
    assert total(held) == 2000.0
    assert len(others) == 100


def test_the_cache_tells_field_names_apart() -> None:
    held = hold(Outer(np.ones(3), 5, Inner(np.ones(1))))
    kind = held._numba_type_
    assert isinstance(kind, HeldType)
    assert _field_names(kind) == (("value", (("a", "b", "inner"), ((), (), (("c",), ((),))))),)

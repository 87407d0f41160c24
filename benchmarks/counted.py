"""Operations of a kernel, counted by running its plain Python source on numbers that count what is done to them.

Import this before packsim: it switches compilation off. Table look-ups count as such; rows of cells count as loads and
stores of their bytes. A multiplication and an addition count as two, though the processor may do them as one.
"""

from __future__ import annotations

import math
import operator
import os
import struct
import sys
from collections import Counter
from types import SimpleNamespace
from typing import Any

os.environ["NUMBA_DISABLE_JIT"] = "1"

import numpy as np

COUNT: Counter[str] = Counter()
ARITHMETIC = {"add": "+-*", "sub": "+-*", "mul": "+-*", "truediv": "div", "neg": "sign", "abs": "sign", "mod": "div"}
INTEGER = {"add": "int", "sub": "int", "mul": "int *", "and_": "int", "or_": "int", "xor": "int", "rshift": "int"}
INTEGER |= {"lshift": "int", "floordiv": "int", "mod": "int", "neg": "int", "abs": "int", "invert": "int"}


def value_of(x: Any) -> Any:
    """The plain number."""
    return x.value if isinstance(x, Number) else x


class Number:
    """A number that counts."""

    __array_ufunc__ = None  # so that NumPy's scalars leave the operation to it
    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value_of(value)

    def __int__(self) -> int:
        COUNT["convert"] += 1
        return int(self.value)

    def __index__(self) -> int:
        return int(self.value)

    def __float__(self) -> float:
        return float(self.value)

    def __bool__(self) -> bool:
        return bool(self.value)

    def __round__(self) -> int:
        return round(self.value)


def integer(*values: Any) -> bool:
    """Whether all are integers."""
    return all(isinstance(v, (int, np.integer)) for v in values)


def wide(x: Any) -> Any:
    """An integer as compiled code computes with it: short ones have 64 bits then."""
    return int(x) if isinstance(x, np.integer) and x.itemsize < 8 else x


def binary(name: str, reverse: bool) -> Any:
    """An operator of `Number`."""
    act = getattr(operator, name)

    def done(self: Number, other: Any) -> Any:
        a, b = (value_of(other), self.value) if reverse else (self.value, value_of(other))
        if not isinstance(a, (int, float, np.generic)) or not isinstance(b, (int, float, np.generic)):
            return NotImplemented
        whole = integer(a, b)
        COUNT[INTEGER.get(name, "int") if whole else ARITHMETIC[name]] += 1
        if whole:
            a, b = wide(a), wide(b)
        with np.errstate(all="ignore"):
            return Number(act(a, b))

    return done


def compare(name: str) -> Any:
    """A comparison of `Number`: a branch, or an instruction that selects."""
    act = getattr(operator, name)

    def done(self: Number, other: Any) -> bool:
        COUNT["compare"] += 1
        return bool(act(self.value, value_of(other)))

    return done


for _name, _mark in (("add", ""), ("sub", ""), ("mul", ""), ("truediv", ""), ("and_", ""), ("or_", ""), ("xor", "")):
    _own = _name.rstrip("_")
    setattr(Number, f"__{_own}__", binary(_name, False))
    setattr(Number, f"__r{_own}__", binary(_name, True))
for _name in ("rshift", "lshift", "floordiv", "mod"):
    setattr(Number, f"__{_name}__", binary(_name, False))
    setattr(Number, f"__r{_name}__", binary(_name, True))
for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    setattr(Number, f"__{_name}__", compare(_name))


def unary(name: str) -> Any:
    """Negation or absolute value."""
    act = getattr(operator, name)

    def done(self: Number) -> Number:
        COUNT["int" if integer(self.value) else ARITHMETIC[name]] += 1
        return Number(act(self.value))

    return done


Number.__invert__ = unary("invert")  # type: ignore[attr-defined]
Number.__neg__ = unary("neg")  # type: ignore[attr-defined]
Number.__abs__ = unary("abs")  # type: ignore[attr-defined]


class Rows(np.lib.mixins.NDArrayOperatorsMixin):
    """An array of cells (one row a quantity), or a part of it: its elements are loaded and stored."""

    def __array_ufunc__(self, ufunc: Any, method: str, *given: Any, **keys: Any) -> Any:
        """Arithmetic of whole arrays, of which kernels have little."""
        found = getattr(ufunc, method)(*(x.array if isinstance(x, Rows) else value_of(x) for x in given), **keys)
        COUNT["+-*"] += np.size(found)
        return type(self)(found) if isinstance(found, np.ndarray) else Number(found)

    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    @property
    def shape(self) -> tuple[int, ...]:
        """As NumPy's."""
        return self.array.shape

    @property
    def size(self) -> int:
        """As NumPy's."""
        return self.array.size

    def __len__(self) -> int:
        return len(self.array)

    def view(self, kind: Any) -> Rows:
        """The same bytes as numbers of another type."""
        return type(self)(self.array.view(kind_of(kind)))

    def copy(self) -> Rows:
        """Another one."""
        COUNT["bytes loaded"] += self.array.nbytes
        COUNT["bytes stored"] += self.array.nbytes
        return type(self)(self.array.copy())

    def __getitem__(self, key: Any) -> Any:
        found = self.array[plain_key(key)]
        if isinstance(found, np.ndarray):
            return type(self)(found)
        self.loaded(found)
        return Number(found)

    def loaded(self, found: np.generic) -> None:
        """Count a load."""
        COUNT["bytes loaded"] += found.nbytes

    def __setitem__(self, key: Any, value: Any) -> None:
        where = self.array[plain_key(key)]
        COUNT["bytes stored"] += where.nbytes
        self.array[plain_key(key)] = value.array if isinstance(value, Rows) else value_of(value)


class Table(Rows):
    """An array that all cells look things up in."""

    def loaded(self, found: np.generic) -> None:
        """Count a look-up."""
        COUNT["look-up"] += 1


def plain_key(key: Any) -> Any:
    """An index without counting numbers."""
    if isinstance(key, tuple):
        return tuple(map(plain_key, key))
    if isinstance(key, slice):
        return slice(*(None if k is None else int(k) for k in (key.start, key.stop, key.step)))
    if isinstance(key, Rows):
        return key.array
    return key if key is Ellipsis or key is None else int(value_of(key))


def tables(given: Any) -> Any:
    """A tuple of arrays and numbers with `Table`s for its arrays (one element is a number for all cells: not counted)."""
    if isinstance(given, np.ndarray):
        return Table(given)
    if isinstance(given, tuple):
        return type(given)(*map(tables, given)) if hasattr(given, "_fields") else tuple(map(tables, given))
    return given


def sqrt(x: Any) -> Any:
    """Square root."""
    COUNT["sqrt"] += x.size if isinstance(x, Rows) else 1
    if isinstance(x, Rows):
        return type(x)(np.sqrt(x.array))
    return Number(math.sqrt(value_of(x)))


def cast(kind: type) -> Any:
    """A NumPy type that converts counting numbers."""

    def done(x: Any) -> Any:
        if not isinstance(x, Number):
            return kind(x)
        COUNT["convert"] += 0 if isinstance(x.value, np.integer) and issubclass(kind, np.integer) else 1
        return Number(wrapped(kind, x.value) if issubclass(kind, np.integer) else kind(x.value))

    done.kind = kind  # type: ignore[attr-defined]
    return done


def wrapped(kind: type, value: Any) -> Any:
    """An integer of this kind, as compiled code has it: what does not fit wraps around."""
    bits = 8 * np.dtype(kind).itemsize
    low = int(value) & ((1 << bits) - 1)
    return kind(low - (1 << bits) if issubclass(kind, np.signedinteger) and low >> (bits - 1) else low)


def kind_of(x: Any) -> Any:
    """NumPy's own type, where an array is made of it."""
    return getattr(x, "kind", x) if callable(x) else x


def bits(read: str, write: str, kind: type) -> Any:
    """Another view of the bits of a number, which costs nothing."""
    return lambda x: Number(kind(struct.unpack(write, struct.pack(read, value_of(x)))[0]))


MATH = SimpleNamespace(**{name: getattr(math, name) for name in dir(math) if not name.startswith("_")} | {"sqrt": sqrt})


class _Arrays:
    """NumPy whose new arrays are rows of cells."""

    def __getattr__(self, name: str) -> Any:
        found = getattr(np, name)
        if name in ("empty", "zeros", "full"):
            return lambda *given, **keys: Rows(found(*map(kind_of, given), **{k: kind_of(v) for k, v in keys.items()}))
        return found


class _Numpy(_Arrays):
    """The same, with scalar types that keep counting."""

    def __getattr__(self, name: str) -> Any:
        if name == "sqrt":
            return sqrt
        found = super().__getattr__(name)
        return cast(found) if isinstance(found, type) and issubclass(found, np.number) else found


def install(*others: str) -> None:
    """Give all kernels that are imported so far numbers that count, and the modules `others` arrays that do."""
    for name in others:
        sys.modules[name].np = _Arrays()  # type: ignore[attr-defined]
    changed = {
        "math": MATH,
        "np": _Numpy(),
        "float64_bits": bits("<d", "<Q", np.uint64),
        "bits_float64": bits("<Q", "<d", np.float64),
        "float32_bits": bits("<f", "<I", np.uint32),
        "bits_float32": bits("<I", "<f", np.float32),
    }
    for name, module in list(sys.modules.items()):
        inside = name.startswith("packsim.") and (name.endswith("kernels") or name.startswith("packsim.numerics."))
        if inside and not name.endswith(("jit", "kernel_cache", "threads")):
            for own, new in changed.items():
                if hasattr(module, own):
                    setattr(module, own, new)

"""Named tuples of arrays as compiled code has them, taken apart once.

A kernel that is called with a tuple of sixty arrays takes them apart each time: 9 us, and 40 us where other work has
driven them from the caches. A `Held` is one pointer. It keeps the arrays themselves: what changes in them is seen.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from numba import types
from numba.core import config
from numba.core.extending import overload
from numba.experimental import structref


@structref.register
class HeldType(types.StructRef):  # type: ignore[misc]
    """What Numba knows a `Held` as."""


class Held(structref.StructRefProxy):  # type: ignore[misc]
    """A tuple, `value` in kernels; made in an allocating kernel beside those that take it: the cache knows its type."""

    def __new__(cls, value: Any) -> Any:
        """In kernels that are not compiled (NUMBA_DISABLE_JIT) a plain object."""
        return SimpleNamespace(value=value) if config.DISABLE_JIT else super().__new__(cls, value)


structref.define_boxing(HeldType, Held)


@overload(Held)
def _new(value: Any) -> Any:
    kind = HeldType([("value", value)])

    def new(value: Any) -> Any:
        held = structref.new(kind)
        held.value = value
        return held

    return new

"""Numba's flags of a function, quick to compare.

Whenever a kernel calls a function of Numba's, the flags of the one are looked up in a dictionary of the other. Numba's hash
of them is that of their names, the same for all, so each look-up compares: all 22 options of both, read one by one. That
was 5 % of the time of compiling. What was set is compared here, and only where that differs what was not set as well.
"""

from __future__ import annotations

from numba.core.compiler import Flags

_HASH = hash(Flags())


class QuickFlags(Flags):  # type: ignore[misc]
    """The same flags, equal to those of Numba's that say the same."""

    __slots__ = ()

    def __hash__(self) -> int:
        return _HASH

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Flags):
            return NotImplemented
        return self._values == other._values or bool(super().__eq__(other))

"""One measured number: its bound, what stands beside it, and the error of the same build."""

from __future__ import annotations

import math
from typing import NamedTuple

LOWER, HIGHER = "<=", ">="  # which side of a bound is good; also which way is better where there is no bound


class Error(NamedTuple):
    """An error of the same build and step control."""

    name: str
    value: float
    unit: str
    bound: float | None = None  # at most

    @property
    def met(self) -> bool:
        """Whether the bound holds, if there is one; nan never does."""
        return self.bound is None or self.value <= self.bound


class Beside(NamedTuple):
    """The same work done by somebody else in the same run."""

    name: str
    value: float  # in the row's unit
    ratio: float  # how many times as fast packsim is
    bound: float | None = None  # of the ratio, at least


class Row(NamedTuple):
    """A measured number of one benchmark."""

    bench: str
    name: str
    value: float
    unit: str
    better: str = HIGHER
    bound: float | None = None
    goal: float | None = None
    beside: Beside | None = None
    errors: tuple[Error, ...] = ()

    @property
    def misses(self) -> list[str]:
        """What of the row is beyond its bound, each as `name: measured | bound`."""
        found = []
        if self.bound is not None and not holds(self.value, self.better, self.bound):
            found.append(f"{self.name}: {self.value:.4g} | {self.better} {self.bound:g} {self.unit}".rstrip())
        if self.beside is not None and self.beside.bound is not None and not self.beside.ratio >= self.beside.bound:
            found.append(f"{self.name} beside {self.beside.name}: {self.beside.ratio:.3g} | >= {self.beside.bound:g} x")
        found += [
            f"{self.name}, {error.name}: {error.value:.3g} | <= {error.bound:g} {error.unit}".rstrip()
            for error in self.errors
            if not error.met
        ]
        return found

    def without_speed_bounds(self) -> Row:
        """The same row where times mean nothing; bounds of errors stay."""
        beside = None if self.beside is None else self.beside._replace(bound=None)
        return self._replace(bound=None, goal=None, beside=beside)


def holds(value: float, better: str, bound: float) -> bool:
    """Whether a value is on the good side of its bound; nan never is."""
    return not math.isnan(value) and (value <= bound if better == LOWER else value >= bound)

"""Pareto table: which few causes make most of the rejects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class ParetoRow(NamedTuple):
    """One cause; shares are of all counts, 0..1."""

    name: str
    number: int
    share: float
    cumulative_share: float


def pareto(counts: Mapping[str, int]) -> list[ParetoRow]:
    """Causes by falling count (ties as given), causes that never occurred left out.

    Raises:
        ValueError: a negative count.
    """
    negative = [name for name, count in counts.items() if count < 0]
    if negative:
        raise ValueError(f"negative counts: {', '.join(negative)}")
    total, before, rows = sum(counts.values()), 0, []
    for name, count in sorted(counts.items(), key=lambda item: -item[1]):
        if count:
            before += count
            rows.append(ParetoRow(name, count, count / total, before / total))
    return rows

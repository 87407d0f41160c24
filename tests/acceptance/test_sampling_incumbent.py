"""The NumPy sampler of benchmarks/sampling.py samples the same line as ours, so that its ratio means something."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest


def test_both_samplers_make_the_same_cells(report: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    """About 160 statistics of 40 lots each: one beyond 5 standard errors (t of 78) by chance in 2,000 choices of seeds."""
    monkeypatch.setattr(sys, "path", [str(Path(__file__).parents[2] / "benchmarks"), *sys.path])
    from sampling import LOT, check, line

    from packsim.line.plan import plan

    cells = 40 * LOT
    report("sampling beside NumPy: disagreement", check(plan(line(), cells), cells), 5.0, "standard errors")

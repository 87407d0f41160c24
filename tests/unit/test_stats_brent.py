"""Brent's root is SciPy's."""

from __future__ import annotations

import math
import platform
import random

import pytest
from scipy import optimize

from packsim.stats.brent import brentq

TOLERANCES = [(1e-14, 1e-14), (1e-18, 1e-14), (1e-6, 1e-9), (0.1, 1e-3)]


@pytest.mark.parametrize(("xtol", "rtol"), TOLERANCES)
def test_as_scipy_to_the_bit(xtol: float, rtol: float) -> None:
    """Where SciPy was compiled with fused operations its last bits may be others."""
    draw = random.Random(3)
    exact = platform.machine().lower() in ("x86_64", "amd64")
    for _ in range(3000):
        root, bend, power = draw.uniform(-3.0, 3.0), draw.uniform(0.0, 5.0), draw.choice([1, 1, 3, 5])
        low, high = root - draw.expovariate(1.0) - 1e-9, root + draw.expovariate(1.0) + 1e-9

        def f(x: float, root: float = root, bend: float = bend, power: int = power) -> float:
            return math.expm1(bend * (x - root)) + math.copysign(abs(x - root) ** power, x - root)

        ours = brentq(f, low, high, xtol, rtol)
        theirs = optimize.brentq(f, low, high, xtol=xtol, rtol=rtol)
        assert ours == (theirs if exact else pytest.approx(theirs, abs=1e-9))


@pytest.mark.parametrize("ends", [(0.0, 1.0), (-1.0, 0.0), (-2.0, 3.0), (3.0, -2.0)])
def test_roots_at_the_ends_and_ends_the_other_way_round(ends: tuple[float, float]) -> None:
    assert brentq(lambda x: x, *ends, 1e-14, 1e-14) == optimize.brentq(lambda x: x, *ends, xtol=1e-14, rtol=1e-14)


def test_steps_and_flat_parts() -> None:
    for f in (lambda x: -1.0 if x < 0.3 else 1.0, lambda x: min(max(x, -0.1), 0.1)):
        assert brentq(f, -1.0, 2.0, 1e-14, 1e-14) == optimize.brentq(f, -1.0, 2.0, xtol=1e-14, rtol=1e-14)


def test_no_change_of_sign_is_refused() -> None:
    with pytest.raises(ValueError, match="different signs"):
        brentq(lambda x: 1.0 + x * x, -1.0, 1.0, 1e-14, 1e-14)


@pytest.mark.parametrize("where", [-1.0, 2.0, 0.5])
def test_nan_is_no_root(where: float) -> None:
    def f(x: float) -> float:
        return math.nan if x == where else x - 0.5

    for root in (brentq, optimize.brentq):
        with pytest.raises(ValueError, match=r"number|NaN"):
            root(f, -1.0, 2.0, xtol=1e-14, rtol=1e-14)


def test_no_end_of_rounds() -> None:
    with pytest.raises(RuntimeError, match="no root"):
        brentq(lambda x: x**9, -1.0, 2.0, 1e-14, 1e-14)

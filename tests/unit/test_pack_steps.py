"""How the currents of parallel cells shorten the steps of a pack."""

from __future__ import annotations

import numpy as np
import pytest

from packsim.cell.kernels import BEND_V
from packsim.numerics import pace
from packsim.pack import kernels as k
from packsim.pack.pack import Pack


@pytest.mark.parametrize("last", [0.0, 2.0])
def test_bend_of_currents_is_the_plain_twins(last, report):
    rng = np.random.default_rng(3)
    held, trend, current = (rng.normal(size=9) for _ in range(3))
    step, mean_a = 1.5, 4.0
    straight = held + trend * step
    bends = np.abs(current - straight) if last > 0.0 else np.abs(current - held) / 3.0
    expected = BEND_V * np.sqrt(np.mean((bends / mean_a) ** 2)) / 0.05
    found = k.current_bend(held, trend, current, step, last, mean_a)
    report(f"bend of currents, step before of {last:g} s, against its twin", abs(found / expected - 1.0), 1e-12)


def test_currents_that_run_straight_ask_for_nothing():
    held, trend = np.array([1.0, 2.0]), np.array([0.5, -0.5])
    assert k.current_bend(held, trend, held + 4.0 * trend, 4.0, 1.0, 1.5) == 0.0


def test_first_step_after_a_jump():
    assert k.first_length(120.0, True) == 1.0
    assert k.first_length(120.0, False) == pace.FIRST_FRACTION * 120.0
    assert k.first_length(4.0, True) == pace.FIRST_FRACTION * 4.0


def first_steps(cell: str, topology: str, soc: object) -> tuple[float, float]:
    """First step of a load, and of the rest after it."""
    pack = Pack(cell, topology, soc=soc)
    seen = pack.run(["Discharge at C/3 for 10 minutes", "Rest for 10 minutes"], cells=True).raw.trace
    m = int(seen.used[0])
    time, step = seen.time_s[:m], seen.step[:m]
    rest = int(np.argmax(step == 1))
    return float(time[1] - time[0]), float(time[rest + 1] - time[rest])


def test_only_parallel_cells_under_load_begin_with_short_steps():
    assert first_steps("Chen2020", "2s1p", 0.8) == pytest.approx((15.0, 15.0), abs=1e-9)
    assert first_steps("Chen2020", "1s2p", [0.8, 0.79]) == pytest.approx((1.0, 15.0), abs=1e-9)
    load, _ = first_steps("Chen2020", "1s2p", [0.8, 0.6])
    assert load <= 0.5  # currents that differ this much bend too far within a second

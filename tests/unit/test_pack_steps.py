"""How the currents of parallel cells shorten the steps of a pack."""

from __future__ import annotations

import numpy as np
import pytest

from packsim.cell.cell import Cell
from packsim.cell.electrodes.kernels import N_COEF, N_WORK, OCP_EDGES, OCP_INTERVALS, Q_N, Q_P, XS_N, XS_P
from packsim.cell.electrodes.ripple import RIPPLE_V, calm_stretches
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


def potential(of) -> np.ndarray:
    """The table of a potential over stoichiometry."""
    ends = zip(OCP_EDGES, OCP_EDGES[1:], OCP_INTERVALS, strict=False)
    nodes = np.append(np.concatenate([np.linspace(a, b, n, endpoint=False) for a, b, n in ends]), OCP_EDGES[-1])
    return np.stack([of(nodes[:-1]), np.diff(of(nodes)), np.zeros(nodes.size - 1), np.zeros(nodes.size - 1)], axis=1)


def test_a_parabola_is_calm_everywhere():
    assert np.all(np.isinf(calm_stretches(potential(lambda x: 0.1 + 0.4 * x - 0.3 * x**2))))


@pytest.mark.parametrize("period", [0.05, 0.1])
def test_ripples_shorten_the_stretch_around_them(period, report):
    """a sin(2 pi x / period) for x < 1/2: the shortest of the stretches that are off a parabola by RIPPLE_V, by a search."""

    def of(x):
        return np.where(x < 0.5, 5.0 * RIPPLE_V * np.sin(2.0 * np.pi * x / period), 0.0)

    found = calm_stretches(potential(of))
    s, starts = np.linspace(0.0, 1.0, 101), np.linspace(0.1, 0.1 + period, 101)[:, None]
    length = 0.0
    for length in np.arange(0.001, 0.25, 0.0005):
        first, middle, last = of(starts), of(starts + 0.5 * length), of(starts + length)
        parabola = first + (last - first) * s + (4.0 * middle - 2.0 * (first + last)) * s * (1.0 - s)
        if np.max(np.abs(of(starts + s * length) - parabola)) > RIPPLE_V:
            break
    inside = found[26:102]  # 0.1 to 0.4
    assert np.all(inside == inside[0])
    report(f"ripples of period {period:g}: stretch over the longest calm one", inside[0] / length, 1.0)
    assert inside[0] > 0.7 * length  # lengths are looked at in steps
    assert np.all(np.isinf(found[200:]))  # 0.78: more than a quarter away


def test_longest_calm_step_is_the_plain_twins(report):
    cell = Cell("OKane2022")
    rng, n = np.random.default_rng(5), 9
    work, coef, current = np.zeros((N_WORK, n)), np.ones((N_COEF, n)), rng.normal(size=n)
    work[XS_N], work[XS_N + 1] = rng.uniform(0.1, 0.8, n), rng.normal(0.0, 0.01, n)
    work[XS_P], work[XS_P + 1] = rng.uniform(0.3, 0.9, n), rng.normal(0.0, 0.01, n)
    coef[Q_N], coef[Q_P] = rng.uniform(1e-5, 2e-5, n), rng.uniform(1e-5, 2e-5, n)
    expected = np.inf
    for calm, surface, q in ((cell.design.calm_n, XS_N, Q_N), (cell.design.calm_p, XS_P, Q_P)):
        for j in range(n):
            stretch = calm[int(256 * (work[surface, j] + work[surface + 1, j] * current[j]))]
            expected = min(expected, stretch / abs(coef[q, j] * current[j]))
    found = k.calm_length(work, coef, cell.design, current)
    assert 0.0 < expected < np.inf
    report("longest step without ripples, against its twin", abs(found / expected - 1.0), 1e-12)
    assert k.calm_length(work, coef, cell.design, np.zeros(n)) == np.inf
    work[XS_N + 1], work[XS_P + 1], work[XS_P] = 0.0, 0.0, 0.5
    for outside, place in ((-0.1, 0), (1.2, -1), (np.nan, 0)):  # the ends of the table, whatever the state
        work[XS_N] = outside
        speed = np.abs(coef[[Q_N, Q_P]] * current).max(axis=1)
        ends = min(cell.design.calm_n[place] / speed[0], cell.design.calm_p[128] / speed[1])
        assert k.calm_length(work, coef, cell.design, current) == pytest.approx(ends, rel=1e-12)

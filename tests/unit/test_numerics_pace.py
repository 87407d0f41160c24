"""Lengths of steps by their bend, and what is read off between their ends, against closed forms and scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq

from packsim.numerics import pace, roots


@pytest.mark.parametrize(("a", "b", "c"), [(0.0, -1.0, 4.0), (-0.3, -0.5, 4.0), (0.4, -2.0, 4.0), (0.2, 0.7, 1.0)])
def test_the_sag_of_a_parabola_is_exact(a, b, c):
    last, step = 0.7, 0.9

    def v(t):
        return a * t * t + b * t + c

    before, now, per_second = v(0.0), v(step), (v(0.0) - v(-last)) / last
    sagging = pace.sag(before, per_second, step, last, now)
    for part in (0.0, 0.3, 0.8, 1.0):
        line = before + part * (now - before)
        assert line - sagging * part * (1.0 - part) == pytest.approx(v(part * step), abs=1e-14)
    mean = 0.5 * (before + now) - sagging / 6.0
    assert mean == pytest.approx(quad(v, 0.0, step)[0] / step, abs=1e-12)


@pytest.mark.parametrize(("a", "b"), [(0.0, -1.0), (-0.4, -0.5), (0.4, -1.5), (0.3, 0.9), (-0.3, 0.9)])
def test_the_part_below_a_threshold_is_that_of_the_parabola(a, b):
    def v(t):
        return a * t * t + b * t + 3.0

    sagging = a  # half the second derivative times the step (1) squared
    for threshold in np.linspace(min(v(0.0), v(1.0)) - 0.1, max(v(0.0), v(1.0)) + 0.1, 23):
        if not min(v(0.0), v(1.0)) < threshold < max(v(0.0), v(1.0)):
            expected = 1.0 if v(0.5) < threshold else 0.0
        else:
            crossing = brentq(lambda t, level=threshold: v(t) - level, 0.0, 1.0, xtol=1e-14)
            expected = 1.0 - crossing if b < 0.0 else crossing
        assert pace.part_below(v(0.0), v(1.0), sagging, threshold) == pytest.approx(expected, abs=1e-12)


def test_a_curve_that_never_gets_there_is_taken_as_straight():
    # a sag that no monotone curve between these ends can have: the parabola's own crossing lies outside
    assert 0.0 <= pace.part_below(3.0, 2.9, 5.0, 2.95) <= 1.0
    assert pace.part_below(3.0, 2.9, 0.0, 2.95) == pytest.approx(0.5)


@pytest.mark.parametrize("curvature", [1e-9, 1e-6, 1e-3])
def test_steps_on_a_parabola_bend_as_much_as_allowed(curvature, report):
    """On v = k t^2 the bend of a step h after one of h' is k h (h + h'): the pace must settle at 0.64 of what is allowed."""
    allowed, longest = 0.02, 1e9
    t, step, last, per_second, bends = 0.0, 1.0, 0.0, 0.0, []
    for _ in range(60):
        before, now = curvature * t * t, curvature * (t + step) ** 2
        bent = pace.bend(before, per_second, step, last, now)
        if bent > allowed:
            step = pace.shorter(step, last, bent, allowed)
            continue
        bends.append(bent)
        following = pace.next_step(step, last, bent, allowed, longest)
        t, per_second, last, step = t + step, (now - before) / step, step, following
    worst = max(abs(bent / (pace.SAFETY * allowed) - 1.0) for bent in bends[-10:])
    report(f"v = {curvature:g} t^2: bend where the pace settles, off 0.64 of what is allowed", worst, 1e-5)


def test_a_step_grows_threefold_at_most_and_never_beyond_the_longest():
    assert pace.next_step(2.0, 1.0, 0.0, 0.02, 100.0) == 6.0
    assert pace.next_step(50.0, 50.0, 0.0, 0.02, 100.0) == 100.0
    assert pace.next_step(1e-3, 1e-3, 1.0, 0.02, 100.0) == pace.SHORTEST_S


@pytest.mark.parametrize("bent", [0.0201, 0.05, 1.0, 1e6])
@pytest.mark.parametrize("last", [0.0, 1.0, 100.0])
def test_a_step_that_bent_too_much_is_shortened(bent, last):
    length = pace.shorter(10.0, last, bent, 0.02)
    assert pace.SHRINKAGE * 10.0 <= length <= 0.8 * 10.0


CURVES = {
    "steep end": lambda t: np.exp(t - 8.0) - 0.1,
    "almost flat": lambda t: 1e-6 * (t - 3.3) ** 3 + 1e-7 * (t - 3.3),
    "kink": lambda t: max(-0.2 * (5.0 - t), -3.0 * (5.01 - t)),
    "straight": lambda t: t - 7.7,
}


@pytest.mark.parametrize("name", CURVES)
@pytest.mark.parametrize("older", [0.0, -2.0])
def test_roots_are_scipys(name, older, report):
    f = CURVES[name]
    bracket = np.empty((2, roots.COLUMNS))
    roots.open_bracket(bracket, older, f(older), f(0.0), 10.0, f(10.0))
    trials = 0
    while roots.width(bracket) > 1e-10 and trials < roots.TRIALS:
        time = roots.next_time(bracket, trials)
        value = f(time)
        roots.note_value(bracket, time, value)
        trials += 1
        if value == 0.0:
            break
    report(f"{name}, from {older:g}: trials", trials, 40)
    assert time == pytest.approx(brentq(f, 0.0, 10.0, xtol=1e-13), abs=2e-10)

"""The fitted poles of a particle against the exact answer of a sphere to a constant flux."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from particle import eigenvalues, of_poles, step_response

from packsim.cell.spme.kernels import POLE_RATE, POLE_WEIGHT

if TYPE_CHECKING:
    from collections.abc import Callable


def test_the_poles_answer_a_step_as_a_sphere_does(report: Callable[..., None]) -> None:
    assert sum(POLE_WEIGHT) == pytest.approx(0.2, abs=1e-12)  # the steady surface is R j / (5 F c_max D) from the mean
    time = np.geomspace(1e-8, 10.0, 4000)  # of R^2 / D
    error = np.abs(of_poles(np.array(POLE_RATE), np.array(POLE_WEIGHT), time) - step_response(time))
    for low, high, bound in ((0.0, 3e-7, 2e-4), (3e-7, 3e-6, 1.8e-4), (3e-6, np.inf, 5.5e-5)):
        worst = float(np.max(error[(time >= low) & (time < high)]))
        report(
            f"surface of a sphere under constant flux, {low:g} <= t D/R^2 < {high:g}: largest error", worst, bound, ""
        )


def test_both_forms_of_the_exact_answer_agree() -> None:
    time, squares = np.geomspace(1e-3, 0.019, 50), eigenvalues() ** 2  # where `step_response` takes the closed form
    series = 0.2 - np.exp(-np.outer(time, squares)) @ (2.0 / squares)
    assert np.max(np.abs(series - step_response(time))) < 1e-12

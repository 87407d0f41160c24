"""Shells and fast poles of a particle against the exact answer of a sphere to a constant flux."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from particle import of_poles, of_shells, step_response

from packsim.cell.electrodes.shells import FITTED, shell_tables

if TYPE_CHECKING:
    from collections.abc import Callable

BOUNDS = {5: 4e-4, 3: 6e-4}  # of equal volume and with a gradient that is there at once: 2.3e-2 and 4.1e-2


@pytest.mark.parametrize("count", FITTED)
def test_shells_and_fast_poles_answer_a_step_as_a_sphere_does(count: int, report: Callable[..., None]) -> None:
    shells, time = FITTED[count], np.geomspace(1e-8, 10.0, 4000)  # of R^2 / D
    slow = of_shells(np.array(shells.edges), shells.reach, time)
    error = np.abs(slow + of_poles(np.array(shells.rates), np.array(shells.weights), time) - step_response(time))
    report(f"{count} shells, 3 poles under constant flux: surface, largest error", float(np.max(error)), BOUNDS[count])
    report(f"{count} shells, 3 poles: error in the end", float(error[-1]), 1e-8)


@pytest.mark.parametrize("count", FITTED)
def test_a_parabola_crosses_faces_as_fast_as_it_should(count: int) -> None:
    # the gradient of r^2 at a face is 2 r: what passes through its area fills the sphere inside it at 6 a second
    edges = np.array(FITTED[count].edges)
    mean = 0.6 * np.diff(edges**5) / np.diff(edges**3)
    geometry, _ = shell_tables(count)
    inflow = geometry[: count - 1, 0] * np.diff(mean)
    assert inflow == pytest.approx(6.0 * edges[1:-1] ** 3, rel=1e-12)
    assert geometry[:count, 1] == pytest.approx(np.diff(edges**3), rel=1e-12)

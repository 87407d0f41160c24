"""What is compiled ahead is what a study asks for: the same kernels, called with the same types."""

from __future__ import annotations

from collections import defaultdict

import numba
import numpy as np
import pytest
from scenarios import small

from packsim.cell import plan as cell_plans
from packsim.inspection import ahead, response
from packsim.inspection import plan as plans
from packsim.inspection.process import spread_slots
from packsim.line import plan as line_plans
from packsim.line.build import build, slot_addresses


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch):
    """Types that each kernel has been called with so far; the list starts anew when it is read."""
    found: defaultdict[str, set[tuple[object, ...]]] = defaultdict(set)

    class Watched:
        def __init__(self, kernels):
            self.kernels = kernels

        def __getattr__(self, name):
            kernel = getattr(self.kernels, name)

            def call(*arguments):
                found[name].add(tuple(map(numba.typeof, arguments)))
                return kernel(*arguments)

            return call if hasattr(kernel, "py_func") else kernel

    for module, name in ((response, "surfaces"), (ahead, "surfaces")):
        monkeypatch.setattr(module, name, Watched(getattr(module, name)))

    def read():
        seen = dict(found)
        found.clear()
        return seen

    return read


def test_it_calls_what_a_study_calls(called):
    scenario = small()
    line, cell = line_plans.plan(scenario.line, 48), cell_plans.plan(scenario.cell)
    one = build(line, 4, slot_addresses(0, range(1)))
    plan = plans.plan(scenario.inspection, cell, line)
    called()
    ahead.use_surfaces(scenario.inspection, cell, one, 4)
    before = called()
    cells = build(line, 4, spread_slots(line, 2048))
    surface = response.fit(plan, cells)
    assert np.isfinite(surface.residual).all()
    response.estimate(plan, response.Surfaces(surface, {}), cells, 4)
    assert called() == before
    assert set(before) == {"least_squares", "polynomials", "estimate_cells"}

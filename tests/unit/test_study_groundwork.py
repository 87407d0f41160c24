"""What is found before two lines are run is part of the time that they say they took."""

from __future__ import annotations

import time

import pytest
from scenarios import small

from packsim.study import groundwork as grounds
from packsim.study.groundwork import Groundwork, groundwork
from packsim.study.run import run


def test_a_run_counts_what_was_found_for_it_before() -> None:
    (found,) = groundwork([small()])
    assert found.wall_s > 0.0
    told = run(small(), packs=4, ground=Groundwork(found.cell, None, wall_s=1000.0, compiling_s=500.0))
    assert 1000.0 < told.wall_s < 1400.0
    assert 500.0 <= told.compiling_s < 900.0


def test_lines_that_are_found_together_share_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    class Cells:
        """Cells that take their time."""

        @staticmethod
        def plan(model: object, locate: object) -> object:
            time.sleep(0.1)
            return model

    monkeypatch.setattr(grounds, "cell_plans", Cells)
    one, other = groundwork([small(), small()])
    assert one.wall_s == other.wall_s >= 0.1

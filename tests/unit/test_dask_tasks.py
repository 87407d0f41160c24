"""How many blocks travel together to a Dask worker."""

from __future__ import annotations

import pytest

from packsim.study.dask_engine import MOST_BLOCKS, TASK_S, _blocks_of_a_task


@pytest.mark.parametrize(
    ("each_s", "left", "blocks"),
    [
        (30.0, 1000, 1),  # slow ones alone
        (0.1 * TASK_S, 1000, 10),
        (0.0, 1000, MOST_BLOCKS),
        (0.1 * TASK_S, 40, 5),  # fewer towards the end, so that workers end together
        (0.1 * TASK_S, 0, 1),
    ],
)
def test_a_task_takes_about_a_second(each_s: float, left: int, blocks: int) -> None:
    assert _blocks_of_a_task(each_s, left, room=4) == blocks

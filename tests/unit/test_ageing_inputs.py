"""What is refused about ageing, and that a saved pack goes on ageing to the bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import packsim as ps
from packsim.cell.ageing import kernels as k
from packsim.cell.table.table_cell import TableCell
from packsim.scenario.ageing import AgeingModel

DUTY = ["Discharge at 1C for 10 minutes", "Rest for 10 minutes", "Charge at C/2 for 15 minutes"]


def test_a_table_cell_does_not_age() -> None:
    table = TableCell(capacity_ah=5.0, soc=[0, 0.5, 1], ocv_v=[3.0, 3.6, 4.2], resistance_mohm=20.0)
    with pytest.raises(ValueError, match="table cell has no electrodes"):
        ps.Pack(ps.Cell(table), "1s1p", ageing=AgeingModel())
    ps.Pack(ps.Cell(table), "1s1p").run(["Rest for 1 hour"])


@pytest.mark.parametrize("rate", [-1.0, [1.0, 1.0, 1.0], float("nan")])
def test_a_rate_that_cannot_be(rate: float | list[float]) -> None:
    with pytest.raises(ValueError, match="ageing_rate must be one number >= 0, or 2 of them"):
        ps.Pack("Chen2020", "2s1p", ageing=AgeingModel(), ageing_rate=rate)


def test_stress_of_a_set_without_mechanics() -> None:
    with pytest.raises(ValueError, match="Chen2020 has no mechanical numbers"):
        ps.Pack("Chen2020", "1s1p", ageing=AgeingModel(anode_stress_loss_ratio=1.0))


def test_a_pack_that_does_not_age_has_no_table() -> None:
    with pytest.raises(ValueError, match="this pack does not age"):
        _ = ps.Pack("Chen2020", "1s1p").ageing


def test_a_saved_pack_goes_on_ageing_to_the_bit(tmp_path: Path) -> None:
    one, two = (ps.Pack("Chen2020", "2s1p", ageing=AgeingModel(), ageing_rate=[1.0, 1.3], soc=0.6) for _ in range(2))
    one.run(DUTY)
    one.save(tmp_path / "pack.npz")
    two.restore(tmp_path / "pack.npz")
    for pack in (one, two):
        pack.run(DUTY)
    np.testing.assert_array_equal(one.own.ageing, two.own.ageing)
    np.testing.assert_array_equal(one.own.lane.coef, two.own.lane.coef)
    assert one.own.ageing[k.SEI_M, 1] > one.own.ageing[k.SEI_M, 0]

"""Numbers of the damage laws: what is refused, what a table cell and another copper potential do."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from packsim.cell.beyond import kernels as k
from packsim.cell.beyond.damaged import DamagedCell
from packsim.cell.beyond.plan import with_copper_potential
from packsim.cell.cell import Cell
from packsim.cell.electrodes.kernels import OCP_EDGES, OCP_INTERVALS
from packsim.cell.electrodes.kernels import ocp as potential
from packsim.cell.table.table_cell import TableCell
from packsim.scenario.beyond import BeyondModel


def test_sei_breaks_before_copper_dissolves() -> None:
    with pytest.raises(ValidationError, match=r"not above copper_potential_v, 3\.5 V"):
        BeyondModel(sei_breakdown_v=3.6)
    with pytest.raises(ValidationError, match=r"greater than or equal to 2\.5"):
        BeyondModel(copper_potential_v=1.0, sei_breakdown_v=1.5)


def test_refused_runs() -> None:
    run = DamagedCell(Cell("Chen2020"))
    with pytest.raises(ValueError, match="segments must be"):
        run.profile([])
    with pytest.raises(ValueError, match="segments must be"):
        run.profile([(1.0, -1.0)])
    with pytest.raises(ValueError, match="dt_s must be positive"):
        run.profile([(1.0, 1.0)], dt_s=0.0)
    with pytest.raises(ValueError, match=r"within 2\.5\.\.5\.5 V"):
        with_copper_potential(Cell("Chen2020").design, 6.0)


@pytest.mark.parametrize("name", ["Chen2020", "NCA_Kim2011"])
def test_another_copper_potential_leaves_the_window_alone(name: str) -> None:
    design = Cell(name).design
    moved = with_copper_potential(design, 4.8)
    inside = slice(OCP_INTERVALS[0], OCP_INTERVALS[0] + OCP_INTERVALS[1])
    np.testing.assert_allclose(moved.ocp_n[inside], design.ocp_n[inside], rtol=0.0, atol=1e-13)
    assert with_copper_potential(design, 3.5) is design
    for at, copper_v in ((design, 3.5), (moved, 4.8)):
        sto = np.linspace(OCP_EDGES[0], 0.005, 2001)
        curve = np.array([potential(at.ocp_n, x)[0] for x in sto])
        assert curve[0] == pytest.approx(copper_v, abs=1e-9)
        assert np.all(np.diff(curve) <= 1e-12)  # the blend does not overshoot


def test_table_cells_count_their_over_charge_only() -> None:
    cell = Cell(TableCell(capacity_ah=5.0, soc=[0, 0.5, 1], ocv_v=[3.0, 3.6, 4.2], resistance_mohm=20.0))
    run = DamagedCell(cell, initial_soc=0.0)
    run.profile([(5.0, 1800.0)])
    assert not np.any(run.damage)
    run.profile([(-1.0, 3600.0 * 8.5)])  # 7.5 A.h to full, 1 A.h beyond; 1 A in 20 mOhm shows the cut-off 20 mV early
    early_s = 5.0 * 3600.0 * (1.0 * 0.02 - k.OVER_CHARGE_TOLERANCE_V) / 1.2  # dOCV/dSOC = 1.2 V
    assert run.damage[k.OVER_CHARGE_C, 0] == pytest.approx(3600.0 + early_s, abs=15.0)  # a step of 10 s
    assert np.count_nonzero(run.damage) == 1

"""One cell that keeps what it suffers: over-discharge, recharge and the cycles after that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from packsim.cell.beyond import kernels as k
from packsim.cell.beyond.plan import initial_damage, plan, with_copper_potential
from packsim.cell.cell import checked_segments
from packsim.cell.electrodes.kernels import LEAK
from packsim.scenario.beyond import BeyondModel

if TYPE_CHECKING:
    from collections.abc import Iterable

    from packsim.cell.cell import Cell

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class DamagedCurve:
    """A run of a damaged cell over time; `capacity_ah` is the net discharged charge, the end point located."""

    time_s: Array
    voltage_v: Array
    current_a: Array
    anode_potential_v: Array
    copper_dissolved_c: Array
    capacity_ah: float
    reached_limit: bool


class DamagedCell:
    """A cell at `initial_soc` that is driven further and further and keeps its state and its damage.

    Args:
        cell: as built; not changed.
        model: numbers of the damage laws.
        initial_soc: 0..1, beyond is allowed.
    """

    def __init__(self, cell: Cell, model: BeyondModel | None = None, *, initial_soc: float = 1.0) -> None:
        self.beyond = plan(model or BeyondModel())
        self.design = with_copper_potential(cell.design, self.beyond.copper_v)
        self.nominal_capacity_ah = cell.nominal_capacity_ah
        self.lane = cell.lane(initial_soc)
        self.leak_a = self.lane.coef[LEAK].copy()
        self.damage = initial_damage(self.lane.state, self.lane.coef, self.design, self.beyond)

    def profile(
        self,
        segments: Iterable[tuple[float, float]],
        *,
        dt_s: float = 10.0,
        lower_v: float = -np.inf,
        upper_v: float = np.inf,
    ) -> DamagedCurve:
        """Currents held one after another, `(current_a, duration_s)`, from where the cell is now; as `Cell.profile`.

        Raises:
            ValueError: no segment, a negative or non-finite duration, or a step that is not positive.
        """
        currents, durations = checked_segments(segments, dt_s)
        trace, reached = k.damaged_profile(
            self.lane,
            self.design,
            self.beyond,
            self.damage,
            self.leak_a,
            currents,
            durations,
            float(dt_s),
            float(lower_v),
            float(upper_v),
        )
        rows = [np.ascontiguousarray(row) for row in trace]
        charge = float(np.sum(np.diff(rows[0]) * rows[2][1:])) / 3600.0
        return DamagedCurve(rows[0], rows[1], rows[2], rows[3], rows[4], charge, bool(reached))

    @property
    def short_ohm(self) -> float:
        """Resistance of the soft short; infinite without one."""
        conductance = float(self.damage[k.SHORT_S, 0])
        return 1.0 / conductance if conductance > 0.0 else np.inf

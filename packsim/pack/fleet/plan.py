"""From the scenario's pack to numbers, for whichever time loop it needs."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from packsim.cell.electrodes.kernels import Design
from packsim.cell.plan import CellPlan
from packsim.pack.duty import protocol as p
from packsim.pack.duty.plan import duty_plan
from packsim.pack.duty.run import DutyPlan
from packsim.pack.kernels import Duty
from packsim.pack.plan import plan as plain_plan
from packsim.scenario.injection import InjectedFault
from packsim.scenario.pack import PackModel, VerdictModel
from packsim.scenario.topology import Topology

Array = npt.NDArray[np.float64]
KELVIN = 273.15
READ_TOGETHER = ("every_group", "pack_only")  # kinds of monitoring that the plain loop reads off one discharge
LONGEST_HOLD_S = 86_400.0  # a cell that leaks more than the cut-off current would be charged for ever [assumed]
INVERTER_SHARE = 0.9  # of the lower cut-off: where a discharge ends that the BMS is blind to [assumed]


class Whole(NamedTuple):
    """What the full time loop needs."""

    duty: DutyPlan
    protocol: p.Protocol
    faults: tuple[InjectedFault, ...]
    seed: int


class FleetPlan(NamedTuple):
    """Packs of one scenario as numbers; exactly one of `plain` and `whole` is there."""

    series: int
    parallel: int
    lower_v: float
    upper_v: float
    top_balanced: bool
    kinds: tuple[str, ...]  # kinds of monitoring whose discharge is known
    own: int  # the scenario's own among them
    first_cell: npt.NDArray[np.int64]  # [g] where each group's cells begin in the order of a pack's cells
    sensor_offset_sd_mv: float
    design: Design
    plain: Duty | None
    whole: Whole | None

    @property
    def cells(self) -> int:
        """Cells of a pack."""
        return self.series * self.parallel

    @property
    def groups(self) -> int:
        """Parallel groups of a pack."""
        return self.first_cell.size

    @property
    def cells_per_group(self) -> int:
        """Cells of each group; 1 where groups differ, so that nothing is matched to them."""
        sizes = np.diff(self.first_cell, append=self.cells)
        return int(sizes[0]) if (sizes == sizes[0]).all() else 1


def plan(
    model: PackModel,
    verdict: VerdictModel,
    cell: CellPlan,
    nominal: Array,
    seed: int,
    locate: Callable[[str], Path] = Path,
) -> FleetPlan:
    """Numbers of a scenario's packs.

    Args:
        nominal: traits [trait] of the nominal cell; `locate` gives the path of a file that the scenario names.

    Raises:
        ScenarioError: a file of the protocol that cannot be used.
    """
    duty = plain_plan(model, verdict, cell)
    kinds: tuple[str, ...] = READ_TOGETHER
    own, whole = duty.monitoring, None
    first = np.arange(model.series, dtype=np.int64) * model.parallel
    if not model.plain:
        kinds, own = (model.bms.monitoring,), 0
        whole = Whole(
            _duty_plan(model, verdict, cell, nominal, duty, seed),
            _protocol(model, cell, duty, locate),
            tuple(model.faults),
            seed,
        )
        net = whole.duty.network.net
        first = net.first[: net.group.size].astype(np.int64)
    return FleetPlan(
        series=model.series,
        parallel=model.parallel,
        lower_v=duty.lower_v,
        upper_v=duty.upper_v,
        top_balanced=model.top_balanced,
        kinds=kinds,
        own=own,
        first_cell=first,
        sensor_offset_sd_mv=model.bms.sensor_offset_sd_mv,
        design=cell.design,
        plain=duty if whole is None else None,
        whole=whole,
    )


def _duty_plan(
    model: PackModel, verdict: VerdictModel, cell: CellPlan, nominal: Array, duty: Duty, seed: int
) -> DutyPlan:
    return duty_plan(
        cell.design,
        nominal,
        model.topology or Topology(),
        model.bms,
        series=model.series,
        parallel=model.parallel,
        heat=model.heat,
        beyond=model.beyond,
        limits=verdict.faults,
        reference_k=cell.temperature_degc + KELVIN,
        cell_ah=cell.rated_capacity_ah,
        thresholds_v=duty.thresholds_v,
        dt_max=duty.dt_max,
        seed=seed,
    )


def _protocol(model: PackModel, cell: CellPlan, duty: Duty, locate: Callable[[str], Path]) -> p.Protocol:
    """The scenario's protocol, or its charge, rest and discharge as one; the charger and the inverter have limits too."""
    if model.protocol is not None:
        return p.plan(model.protocol, p.Rated(model.series, model.parallel, cell.rated_capacity_ah), locate)
    charge = [
        p.Step(p.CURRENT, -duty.charge_a, math.inf, p.Limits(v_high=duty.upper_v)),
        p.Step(p.VOLTAGE, duty.upper_v, LONGEST_HOLD_S, p.Limits(current_a=duty.cutoff_a)),
    ]
    if duty.rest_s > 0.0:
        charge.append(p.Step(p.REST, 0.0, duty.rest_s))
    discharge = p.Step(p.CURRENT, duty.discharge_a, math.inf, p.Limits(v_low=INVERTER_SHARE * duty.lower_v))
    return p.assemble([discharge] if model.top_balanced else [*charge, discharge])

"""Everything that packs of one kind share in the full time loop, from models to numbers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from packsim.cell.ageing.kernels import Ageing
from packsim.cell.ageing.plan import NOT_AGEING
from packsim.cell.beyond.plan import with_copper_potential
from packsim.cell.electrodes.kernels import T_WELD, Design
from packsim.pack.bms import plan as bms_plans
from packsim.pack.duty import kernels as k
from packsim.pack.duty import run as duty
from packsim.pack.faults import plan as fault_plans
from packsim.pack.network.plan import plan as network_plan
from packsim.scenario.beyond import BeyondModel
from packsim.scenario.bms import Bms
from packsim.scenario.heat import HeatModel
from packsim.scenario.injection import FaultLimits
from packsim.scenario.topology import Topology

Array = npt.NDArray[np.float64]


def duty_plan(
    design: Design,
    nominal: Array,
    topology: Topology,
    bms: Bms,
    *,
    series: int = 1,
    parallel: int = 1,
    heat: HeatModel | None = None,
    beyond: BeyondModel | None = None,
    ageing: Ageing = NOT_AGEING,
    limits: FaultLimits | None = None,
    reference_k: float,
    cell_ah: float,
    rated_ah: float | None = None,
    thresholds_v: Array,
    dt_max: float,
    seed: int,
) -> duty.DutyPlan:
    """Numbers of packs of cells around `nominal` [trait].

    Args:
        series, parallel: stand in for a layout that the topology leaves out.
        cell_ah, rated_ah: rated capacity of a cell and of the pack; default of the latter: that of its cells.

    Raises:
        ValueError: parallel strings of different length.
    """
    damaging = duty.damaging_of(beyond)
    if beyond is not None:
        design = with_copper_potential(design, damaging.laws.copper_v)
    network = network_plan(topology, series, parallel)
    in_series = round(float(bms_plans.in_series(network.net)[-1]))
    rated_ah = cell_ah * network.cells / in_series if rated_ah is None else rated_ah
    plan = bms_plans.plan(
        bms,
        network.net,
        lower_v=design.lower_cutoff_v,
        upper_v=design.upper_cutoff_v,
        rated_ah=rated_ah,
        ocv=duty.ocv_table(design, nominal[:, None]),
        seed=seed,
    )
    settings = k.Settings(
        dt_max=dt_max,
        rated_a=rated_ah,
        series=in_series,
        monitor_holds=bms.monitoring != "pack_only",
        thresholds_v=thresholds_v,
    )
    faults = fault_plans.limits(limits or FaultLimits(), network, 1e-3 * float(nominal[T_WELD]), cell_ah)
    heating = duty.heating_of(heat, design, network.cells)
    return duty.DutyPlan(design, network, bms, plan, settings, faults, heating, damaging, reference_k, ageing)

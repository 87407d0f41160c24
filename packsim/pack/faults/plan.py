"""From the faults of a scenario to numbers, and the limits from where on something is a fault."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from packsim.pack.faults import kernels as k
from packsim.pack.network.plan import OWN, NetworkPlan
from packsim.scenario.injection import FaultLimits, InjectedFault

Array = npt.NDArray[np.float64]
KINDS = {
    "open_weld": k.OPEN_WELD,
    "high_joint": k.HIGH_JOINT,
    "soft_short": k.SOFT_SHORT,
    "stuck_sensor": k.STUCK_SENSOR,
    "dead_sensor": k.DEAD_SENSOR,
    "coolant_loss": k.COOLANT_LOSS,
}
NAMES = {number: name for name, number in KINDS.items()}


def plan(faults: Sequence[InjectedFault]) -> k.Faults:
    """Injected faults in the order of their times."""
    own = sorted(faults, key=lambda fault: fault.time_s)
    return k.Faults(
        time_s=np.array([fault.time_s for fault in own], float),
        kind=np.array([KINDS[fault.kind] for fault in own], np.int8),
        pack=np.array([-1 if fault.pack is None else fault.pack for fault in own], np.int64),
        place=np.array([fault.place for fault in own], np.int32),
        value=np.array([1e-3 * fault.resistance_mohm for fault in own], float),
    )


def limits(model: FaultLimits, network: NetworkPlan, nominal_weld_ohm: float, rated_cell_ah: float) -> k.Limits:
    """Where a fault begins: joints against the nominal weld and joint of each cell, shorts against the cell's capacity."""
    nominal = nominal_weld_ohm + network.mean_ohm[OWN, : network.cells]
    return k.Limits(
        joint_ohm=nominal + 1e-3 * model.joint_excess_mohm,
        short_a=model.short_c_rate * rated_cell_ah,
        sensor_v=1e-3 * model.sensor_error_mv,
        coolant_k=model.coolant_rise_k,
    )

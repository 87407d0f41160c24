"""From the scenario's pack to what the kernels need."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from packsim.cell.electrodes.kernels import Design
from packsim.cell.plan import CellPlan
from packsim.cell.ramp.kernels import can_lean
from packsim.pack.kernels import EVERY_GROUP, PACK_ONLY, Duty
from packsim.scenario.pack import PackModel, VerdictModel

MONITORING = {"every_group": EVERY_GROUP, "pack_only": PACK_ONLY}
LONGEST_STEP_S, LONGEST_HELD_STEP_S = 120.0, 30.0  # errors of both: docs/pack.md


def longest_step_s(given: float | None, design: Design, electrical: bool) -> float:
    """The longest step: as given, else 120 s; 30 s where steps hold the current of their end and so are first order.

    Args:
        electrical: nothing in the cells moves but charge: neither temperature nor damage nor ageing.
    """
    if given is not None:
        return given
    return LONGEST_STEP_S if electrical and can_lean(design) else LONGEST_HELD_STEP_S


def plan(model: PackModel, verdict: VerdictModel, cell: CellPlan) -> Duty:
    """Duty of the pack in SI units; C-rates are of the rated pack (parallel x rated cell capacity)."""
    rated_a = cell.rated_capacity_ah * model.parallel
    low = cell.design.lower_cutoff_v
    return Duty(
        series=model.series,
        parallel=model.parallel,
        charge_a=model.charge.c_rate * rated_a,
        cutoff_a=model.charge.cutoff_c_rate * rated_a,
        rest_s=model.charge.rest_s,
        discharge_a=model.discharge.c_rate * rated_a,
        lower_v=low,
        upper_v=cell.design.upper_cutoff_v,
        monitoring=MONITORING[model.bms.monitoring],
        top_balanced=model.top_balanced,
        dt_max=longest_step_s(model.longest_step_s, cell.design, model.heat is None and model.beyond is None),
        thresholds_v=thresholds(low, verdict),
    )


def thresholds(low_v: float, verdict: VerdictModel) -> npt.NDArray[np.float64]:
    """Group voltages [THRESHOLDS] below which time is kept: the cut-off, the margin and 0.5 V below it, 1 V, 0 V."""
    return np.array([low_v, low_v - verdict.over_discharge_margin_v, low_v - 0.5, 1.0, 0.0])

"""From the scenario's pack to what the kernels need."""

from __future__ import annotations

import numpy as np

from packsim.cell.plan import CellPlan
from packsim.pack.kernels import EVERY_GROUP, PACK_ONLY, Duty
from packsim.scenario.pack import PackModel, VerdictModel

MONITORING = {"every_group": EVERY_GROUP, "pack_only": PACK_ONLY}


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
        dt_max=model.longest_step_s,
        thresholds_v=np.array([low, low - verdict.over_discharge_margin_v, low - 0.5, 1.0, 0.0]),
    )

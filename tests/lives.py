"""Lives of packs straight from traits: no line, no inspection."""

from __future__ import annotations

from typing import Any

import numpy as np
from packs import cell_plan

from packsim.cell.cell import window_of
from packsim.cell.traits import INDEX, trait_values
from packsim.life.pack_life import PackLife, live
from packsim.life.plan import LifePlan
from packsim.life.plan import plan as life_plan
from packsim.pack.network.plan import joints_of
from packsim.scenario.life import LifeModel
from packsim.scenario.pack import PackModel, VerdictModel

NO_AGEING = {
    "sei": "none",
    "plating": "none",
    "anode_loss_pct_per_cycle": 0.0,
    "cathode_loss_pct_per_cycle": 0.0,
    "pores": False,
}


def plan_of(series: int, parallel: int, pack: dict[str, Any] | None = None, **life: Any) -> LifePlan:
    """Numbers of a life of Chen2020 cells; `life` goes to LifeModel."""
    cell = cell_plan("Chen2020")
    nominal = trait_values()[:, 0]
    capacity = float(window_of(cell.design, nominal[:, None])[4, 0])
    model = PackModel(series=series, parallel=parallel, **(pack or {}))
    return life_plan(LifeModel.model_validate(life), model, VerdictModel(), cell, nominal, capacity, 1)


def life_of(
    plan: LifePlan, traits: dict[str, Any] | None = None, soc: Any = 0.5, rate: Any = 1.0, short_s: Any = 0.0
) -> PackLife:
    """The whole life of one pack."""
    n = plan.duty.network.cells
    values = trait_values(cells=n)
    for name, value in (traits or {}).items():
        values[INDEX[name]] = value
    start, speed, shorts = (np.broadcast_to(np.asarray(x, float), (n,)).copy() for x in (soc, rate, short_s))
    joints = joints_of(plan.duty.network, 1, 0, 0)
    return live(plan, values, start, speed, joints, seed=1, block=0, pack=0, short_s=shorts, to_the_end=True)

"""Small packs for tests, straight from traits: no line, no inspection."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from packsim.cell.cells import Cells
from packsim.cell.electrodes.kernels import Design
from packsim.cell.plan import CellPlan, plan
from packsim.cell.traits import INDEX, trait_values
from packsim.pack import plan as pack_plans
from packsim.pack.fleet.plan import FleetPlan
from packsim.pack.fleet.plan import plan as fleet_plan
from packsim.pack.kernels import Duty
from packsim.scenario.cell import CellModel
from packsim.scenario.pack import PackModel, VerdictModel

SPREAD = ("cathode_loading_ratio", "anode_loading_ratio", "cathode_thickness_ratio", "coated_area_ratio")


class PackCase(NamedTuple):
    """Arguments of `packsim.pack.run.run`."""

    duty: Duty
    design: Design
    cells: Cells
    soc: npt.NDArray[np.float64]
    order: npt.NDArray[np.int64]
    offset_v: npt.NDArray[np.float64]


def cell_plan(name: str = "Chen2020", capacity_ah: float | None = None) -> CellPlan:
    return plan(CellModel(parameter_set=name, capacity_ah=capacity_ah))


def fleet_of(case: PackCase) -> FleetPlan:
    """The plan of a scenario whose packs run `case.duty`."""
    duty = case.duty
    monitoring = ("every_group", "pack_only")[duty.monitoring]
    model = PackModel(
        series=duty.series, parallel=duty.parallel, top_balanced=duty.top_balanced, bms={"monitoring": monitoring}
    )
    cell = CellPlan("case", case.design, 1.0)
    return fleet_plan(model, VerdictModel(), cell, case.cells.values[:, 0], 0)._replace(plain=duty)


def pack_case(
    series: int,
    parallel: int,
    packs: int = 1,
    *,
    cell: CellPlan | None = None,
    sd: float = 0.01,
    soc: float = 0.3,
    soc_sd: float = 0.0,
    seed: int = 1,
    **keys: object,
) -> PackCase:
    """Packs of cells whose main traits scatter by `sd`; `keys` go to PackModel."""
    cell = cell or cell_plan()
    duty = pack_plans.plan(PackModel(series=series, parallel=parallel, **keys), VerdictModel(), cell)
    n = series * parallel * packs
    luck = np.random.default_rng(seed)
    values = trait_values(cells=n)
    for name in SPREAD:
        values[INDEX[name]] *= 1.0 + sd * luck.standard_normal(n)
    values[INDEX["weld_resistance_mohm"]] = 0.3
    cells = Cells.at_the_end(np.zeros((n, 3), np.int64), np.zeros(n, np.int32), values, np.zeros(n, np.uint16))
    start = soc + soc_sd * luck.standard_normal(n)
    return PackCase(duty, cell.design, cells, start, np.arange(n).reshape(packs, -1), np.zeros((packs, series)))

"""`ps.Pack`: one pack, cell by cell, through any protocol; it keeps its state from run to run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from packsim.cell.ageing import plan as ageing_plans
from packsim.cell.ageing.report import ageing_table
from packsim.cell.beyond.kernels import DISSOLVED_C, LITHIUM_LOST_C, OVER_CHARGE_C, PLATING_C, SHORT_S
from packsim.cell.cell import Cell
from packsim.cell.heat.assumed import assumed_heat
from packsim.cell.nominal import KELVIN
from packsim.cell.traits import INDEX, trait_values
from packsim.pack.duty import run as duty
from packsim.pack.duty.experiment import from_experiment
from packsim.pack.duty.plan import duty_plan
from packsim.pack.duty.protocol import Rated
from packsim.pack.duty.protocol import plan as protocol_plan
from packsim.pack.faults import plan as fault_plans
from packsim.pack.network.places import places
from packsim.pack.network.plan import joints_of
from packsim.pack.pack_run import PackRun
from packsim.pack.plan import longest_step_s as longest_step
from packsim.scenario.ageing import AgeingModel
from packsim.scenario.beyond import BeyondModel
from packsim.scenario.bms import Bms
from packsim.scenario.heat import HeatModel
from packsim.scenario.injection import FaultLimits, InjectedFault
from packsim.scenario.protocol import protocol as read_protocol
from packsim.scenario.topology import JointsModel, Topology

if TYPE_CHECKING:
    import pandas as pd

Array = npt.NDArray[np.float64]


class Pack:
    """Cells of one nominal design, each with its own traits and state of charge, joined as `topology` says.

    Args:
        cell: a `Cell`, or what `Cell` takes; `topology`: for example `"96s12p"`, `"2p(8s(12s4p))"`, or a
            `Topology` with modules, joints and terminals.
        traits: name -> one number, or one a cell in the order of the description (outermost part first).
        soc: state of charge at the start, one number or one a cell (0..1).
        joints, bms, fault_limits: default to ideal joints and a BMS that watches every group.
        beyond: damage of cells driven beyond their limits (postulated, docs/beyond.md); default: none.
        ageing: slow ageing of every cell (docs/ageing.md); default: none. `ageing_rate`: of each cell, relative to
            its laws, one number or one a cell.
        heat: how cells are cooled; default: every cell stays at the temperature of `cell`.
        seed: of joint spread and of the BMS's sensors.
        rated_capacity_ah: to which C-rates refer; default the nominal cell's times the cells in parallel.
        longest_step_s: steps are shorter where the voltage bends; default 120 s, or 30 s where cells warm up, age or are
            damaged.

    Raises:
        ValueError, KeyError: a description, trait or number that cannot be.
    """

    def __init__(
        self,
        cell: Cell | str | Path | Any,
        topology: str | Topology,
        *,
        traits: Mapping[str, float | Sequence[float] | Array] | None = None,
        soc: float | Sequence[float] | Array = 1.0,
        joints: JointsModel | None = None,
        bms: Bms | None = None,
        heat: HeatModel | None = None,
        beyond: BeyondModel | None = None,
        ageing: AgeingModel | None = None,
        ageing_rate: float | Sequence[float] | Array = 1.0,
        fault_limits: FaultLimits | None = None,
        seed: int = 0,
        rated_capacity_ah: float | None = None,
        longest_step_s: float | None = None,
    ) -> None:
        self.cell = cell if isinstance(cell, Cell) else Cell(cell)
        if isinstance(topology, str):
            topology = Topology(layout=topology, joints=joints or JointsModel())
        elif joints is not None:
            raise ValueError("give joints inside the Topology, not beside it")
        if longest_step_s is not None and not (np.isfinite(longest_step_s) and longest_step_s > 0.0):
            raise ValueError(f"longest_step_s must be positive, got {longest_step_s!r}")
        low = self.cell.design.lower_cutoff_v
        self.plan = duty_plan(
            self.cell.design,
            self.cell.values[:, 0],
            topology,
            bms or Bms(),
            heat=heat,
            beyond=beyond,
            ageing=ageing_plans.plan(ageing, self.cell.ageing),
            limits=fault_limits,
            reference_k=self.cell.temperature_degc + KELVIN,
            cell_ah=self.cell.nominal_capacity_ah,
            rated_ah=rated_capacity_ah,
            thresholds_v=np.array([low, low - 0.2, low - 0.5, 1.0, 0.0]),
            dt_max=longest_step(longest_step_s, self.cell.design, heat is None and beyond is None and ageing is None),
            seed=seed,
        )
        self.topology = topology.tree().text()
        self.cells, self.series = self.plan.network.cells, self.plan.settings.series
        self.rated_capacity_ah = self.plan.settings.rated_a
        self.assumed = assumed_heat(self.plan.design) if heat is not None else ()
        self.values = trait_values(cells=self.cells)
        self.values[:] = self.cell.values
        for name, value in (traits or {}).items():
            if name not in INDEX:
                raise KeyError(f"unknown trait {name!r}; known: {', '.join(INDEX)}")
            self.values[INDEX[name]] = self._each(name, value)
        start = self._each("soc", soc)
        rate = ageing_plans.per_cell(np.asarray(ageing_rate, float), self.cells)
        joints_now = joints_of(self.plan.network, seed, 0, 0)
        self.own = duty.build(self.plan, self.values, start, joints_now, seed=seed, block=0, pack=0, ageing_rate=rate)

    def _each(self, name: str, value: float | Sequence[float] | Array) -> Array:
        out = np.asarray(value, float)
        if out.shape not in ((), (self.cells,)) or not np.all(np.isfinite(out)):
            raise ValueError(f"{name} must be one finite number, or {self.cells} of them, one a cell")
        return np.broadcast_to(out, (self.cells,)).copy()

    @property
    def places(self) -> pd.DataFrame:
        """One row a cell: string (of the outermost parallel connection), module, group, and branch in the group."""
        import pandas as pd

        return pd.DataFrame(places(self.plan.network.net))

    @property
    def damage(self) -> pd.DataFrame:
        """One row a cell: copper dissolved, its soft short, lithium lost, charge at risk of plating, over-charge."""
        import pandas as pd

        rows = self.own.damage
        return pd.DataFrame(
            {
                "copper_ah": rows[DISSOLVED_C] / 3600.0,
                "short_siemens": rows[SHORT_S],
                "lithium_lost_ah": rows[LITHIUM_LOST_C] / 3600.0,
                "plating_risk_ah": rows[PLATING_C] / 3600.0,
                "over_charge_ah": rows[OVER_CHARGE_C] / 3600.0,
            }
        )

    @property
    def ageing(self) -> pd.DataFrame:
        """One row a cell: SEI, lithium and active material lost, resistance added, capacity by electrode balance.

        Raises:
            ValueError: the pack was built without `ageing`.
        """
        if not self.plan.ageing.on:
            raise ValueError("this pack does not age: build it with ageing=AgeingModel()")
        return ageing_table(self.plan.design, self.plan.ageing, self.values, self.own.ageing)

    def save(self, path: str | Path) -> None:
        """Write the pack's present state (an .npz file) for `restore`; an existing file is replaced as a whole."""
        duty.save(self.own, Path(path), self._mark())

    def restore(self, path: str | Path) -> None:
        """Go on from a saved state of a pack built with the same arguments.

        Raises:
            FileNotFoundError; ValueError: no such state, or one of another pack.
        """
        self.own = duty.restore(self.own, Path(path), self._mark())

    def _mark(self) -> str:
        return f"{self.cell.name} {self.topology} {self.plan.bms.node.size}"

    def run(
        self,
        protocol: Sequence[Any] | Any,
        *,
        cycles: int = 1,
        ambient: Any = None,
        faults: Sequence[InjectedFault] = (),
        samples: int = 20_000,
        cells: bool = False,
    ) -> PackRun:
        """Take the pack through `protocol` from where it is now; it stays where that ends.

        Args:
            protocol: steps in words or as mappings (docs/protocols.md), repeated `cycles` times, or a `pybamm.Experiment`.
            ambient: temperature around the pack over time, as in docs/protocols.md.
            faults: their times count from the pack's first use.
            samples: accepted steps kept in the trace; `cells`: with the current of every cell.

        Raises:
            ScenarioError: a step that cannot be read. ValueError: a fault at a place that the pack does not have.
        """
        for fault in faults:
            places = self.plan.bms.node.size if fault.kind.endswith("sensor") else self.cells
            if fault.place >= places:
                raise ValueError(f"{fault.kind} at place {fault.place}: allowed: 0..{places - 1}")
        side_by_side = self.cells // self.series
        rated = Rated(self.series, side_by_side, self.rated_capacity_ah / side_by_side)
        if type(protocol).__module__.startswith("pybamm"):
            numbers = from_experiment(protocol, rated)
        else:
            numbers = protocol_plan(read_protocol(protocol, cycles, ambient), rated)
        raw = duty.run(self.plan, self.own, numbers, fault_plans.plan(faults), samples=samples, cells=cells)
        return PackRun(raw, numbers, self.plan.bms_model.monitoring == "every_group")

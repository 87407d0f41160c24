"""The pack of a scenario, its battery management system and its duty."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from packsim.scenario.base import Model, NotNegative, Percent, broken, refuse, require
from packsim.scenario.beyond import BeyondModel
from packsim.scenario.bms import Bms
from packsim.scenario.heat import HeatModel
from packsim.scenario.injection import FaultLimits, InjectedFault
from packsim.scenario.protocol import ProtocolModel
from packsim.scenario.topology import Topology, Tree


class Charge(Model):
    """Constant-current, then constant-voltage charge of the whole pack."""

    c_rate: Annotated[float, Field(gt=0.0, le=5.0)] = 0.5
    """Charge current, of the rated pack."""
    cutoff_c_rate: Annotated[float, Field(gt=0.0, le=5.0)] = 0.05
    """Current at which the constant-voltage phase ends."""
    rest_s: Annotated[float, Field(ge=0.0, le=86_400.0)] = 1800.0
    """Rest between charge and discharge."""

    @model_validator(mode="after")
    def _falls(self) -> Charge:
        require(
            self, (self.cutoff_c_rate < self.c_rate, "cutoff_c_rate", f"a number > 0 and below c_rate {self.c_rate}")
        )
        return self


class Discharge(Model):
    """Constant-current discharge of the whole pack."""

    c_rate: Annotated[float, Field(gt=0.0, le=5.0)] = 1.0
    """Discharge current, of the rated pack."""


class PackModel(Model):
    """`series` x `parallel` cells, each with its own weld; what is left out is ideal: busbars, temperature, battery management."""  # noqa: E501

    series: Annotated[int, Field(ge=1, le=1000)]
    """Groups in series between the pack's terminals."""
    parallel: Annotated[int, Field(ge=1, le=500)]
    """Cells side by side: in each group, or over all strings in parallel."""
    topology: Topology | None = None
    """Strings, modules and the resistances of joints; left out: one string with ideal joints."""
    bms: Bms = Field(default_factory=Bms)
    heat: HeatModel | None = None
    """How cells warm up and are cooled; left out: every cell keeps the cell's temperature."""
    charge: Charge = Field(default_factory=Charge)
    discharge: Discharge = Field(default_factory=Discharge)
    protocol: ProtocolModel | None = None
    """Any duty, in place of `charge` and `discharge`."""
    beyond: BeyondModel | None = None
    """Damage of cells driven beyond their limits (postulated); left out: none."""
    faults: list[InjectedFault] = Field(default_factory=list)
    """Faults put into packs at a time and place, to see what they do and whether they are found."""
    top_balanced: bool = False
    """Start with every cell full instead of charging the pack from shipping SOC."""
    longest_step_s: Annotated[float, Field(gt=0.0, le=600.0)] | None = None
    """Longest time step; steps are shorter where the voltage bends. Left out: 120 s, or 30 s with `heat` or `beyond`."""

    @property
    def tree(self) -> Tree:
        """How the cells are connected."""
        return (self.topology or Topology()).tree(self.series, self.parallel)

    @property
    def plain(self) -> bool:
        """Whether the fast time loop is enough: ideal joints, one temperature, limits watched all the time, no faults."""
        extras = (self.topology, self.heat, self.protocol, self.beyond, self.faults or None)
        return all(extra is None for extra in extras) and self.bms.plain

    def files(self) -> dict[str, str]:
        """Files that the pack names: dotted key -> name."""
        named = {} if self.protocol is None else self.protocol.files()
        return {f"pack.protocol.{key}": name for key, name in named.items()}

    @model_validator(mode="after")
    def _adds_up(self) -> PackModel:
        tree, cells = self.tree, self.series * self.parallel
        in_series = tree.in_series
        fits = (in_series, tree.total_cells) == (self.series, cells)
        allowed = f"a layout with series {self.series} and {cells} cells (series x parallel)"
        if not fits:
            assert self.topology is not None
            layout = self.topology.layout
            groups = str(in_series) if in_series else "no one number of groups"
            found = f"{layout}, which has {groups} in series and {tree.total_cells} cells"
            refuse("PackModel", [broken(("topology", "layout"), layout, allowed, found)])
        counts = {"every_group": tree.groups, "every_module": tree.modules, "pack_only": 1}
        for number, fault in enumerate(self.faults):
            places = counts[self.bms.monitoring] if fault.kind.endswith("sensor") else cells
            if fault.kind != "coolant_loss" and fault.place >= places:
                key = ("faults", str(number), "place")
                refuse("PackModel", [broken(key, fault.place, f"0 to {places - 1} for {fault.kind}")])
            if fault.kind == "coolant_loss" and (self.heat is None or self.heat.coolant is None):
                key = ("faults", str(number), "kind")
                refuse("PackModel", [broken(key, fault.kind, "coolant_loss only beside pack.heat.coolant")])
        return self


class VerdictModel(Model):
    """When a pack is called bad."""

    usable_capacity_min_pct: Percent = 95.0
    """A pack that gives less is short at delivery, in percent of a pack of nominal cells."""
    under_charge_max_pct: Percent = 5.0
    """Largest shortfall of charge of a group, against the fullest group, before the pack counts as under-charged."""
    over_charge_margin_v: NotNegative = 0.02
    """A group charged this far above the upper cut-off is over-charged."""
    over_discharge_margin_v: NotNegative = 0.2
    """A group this far below the lower cut-off for over `over_discharge_time_s` is over-discharged."""
    over_discharge_time_s: NotNegative = 1.0
    """Shortest time below the margin that counts."""
    faults: FaultLimits = Field(default_factory=FaultLimits)
    """From where on something in a pack is a fault."""

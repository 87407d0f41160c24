"""From the scenario's life to numbers: reference cycles, their climate, what the BMS can balance."""

from __future__ import annotations

import math
from functools import partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from packsim.cell.ageing import plan as ageing_plans
from packsim.cell.ageing.kernels import Ageing
from packsim.cell.plan import CellPlan
from packsim.pack.duty import protocol as p
from packsim.pack.duty import run as full
from packsim.pack.duty.plan import duty_plan
from packsim.pack.duty.run import DutyPlan
from packsim.pack.fleet.plan import KELVIN, LONGEST_HOLD_S
from packsim.pack.network.places import places
from packsim.pack.network.plan import nominal_joints
from packsim.pack.plan import thresholds
from packsim.scenario.bms import Bms
from packsim.scenario.life import LifeModel, Use
from packsim.scenario.pack import PackModel, VerdictModel
from packsim.scenario.protocol import ProtocolModel, StepModel
from packsim.scenario.topology import Topology

Array = npt.NDArray[np.float64]
WEEK_S, YEAR_S = 604_800.0, 365.25 * 86_400.0
FIRST_JUMP = 2.0  # cycles
GROWTH = 4.0  # a jump is at most so many times as long as the one before


class LifePlan(NamedTuple):
    """A life in numbers; cells of a pack are in the network's order, groups begin at `first_cell`."""

    duty: DutyPlan
    cycles: tuple[tuple[float, p.Protocol], ...]  # share of the cycles that are such, and the cycle
    years: float
    cycles_per_year: float
    km_per_cycle: float
    balance_ah: float  # what each group's bleed resistor can take away between two cycles
    first_cell: npt.NDArray[np.int64]  # [g]
    string_of_group: npt.NDArray[np.int64]  # [g]
    nominal_ah: float  # of a pack of nominal new cells, at equilibrium
    start_k: float
    feedback: bool
    tolerance: float  # of a cell's capacity
    over_discharge_time_s: float
    short_doubling_cycles: float  # inf: shorts stay as they were built
    end_of_life: float  # share of nominal_ah
    assumed: tuple[str, ...]

    @property
    def total_cycles(self) -> float:
        """Cycles in all years."""
        return self.years * self.cycles_per_year

    @property
    def laws(self) -> Ageing:
        """The laws of ageing."""
        return self.duty.ageing


def effective_degc(monthly_degc: list[float], activation_k: float) -> float:
    """Where a law with this activation energy (over the gas constant) is as fast as in the mean of the year."""
    kelvin = np.array(monthly_degc) + KELVIN
    if activation_k == 0.0:
        return float(kelvin.mean() - KELVIN)
    return float(-activation_k / math.log(float(np.mean(np.exp(-activation_k / kelvin)))) - KELVIN)


def plan(
    model: LifeModel,
    pack: PackModel,
    verdict: VerdictModel,
    cell: CellPlan,
    nominal: Array,
    nominal_cell_ah: float,
    seed: int,
    years: float | None = None,
) -> LifePlan:
    """Numbers of the life of a scenario's packs.

    Args:
        cell: read at the life's temperature, see `life_degc`.
        nominal: traits [trait] of the nominal cell, and `nominal_cell_ah` its capacity at equilibrium.

    Raises:
        ValueError: cells that do not age by electrode, or laws that the parameter set has no numbers for.
    """
    laws = ageing_plans.plan(model.ageing, cell.ageing)
    heat, start_k = pack.heat, cell.temperature_degc + KELVIN
    if heat is not None and model.monthly_degc is not None:
        degc = effective_degc(model.monthly_degc, laws.sei_activation_k)
        heat = heat.model_copy(update={"start_degc": degc, "ambient_degc": degc})
    if heat is not None:
        start_k = heat.start_degc + KELVIN
    use = model.pattern
    bms = pack.bms.model_copy(update={"balancing": None})  # groups are balanced between cycles
    of_all = partial(
        duty_plan,
        cell.design,
        nominal,
        ageing=laws,
        reference_k=cell.temperature_degc + KELVIN,
        cell_ah=cell.rated_capacity_ah,
        thresholds_v=thresholds(cell.design.lower_cutoff_v, verdict),
        dt_max=model.longest_step_s,
        seed=seed,
    )
    duty = of_all(
        topology=pack.topology or Topology(),
        bms=bms,
        series=pack.series,
        parallel=pack.parallel,
        heat=heat,
        beyond=pack.beyond,
        limits=verdict.faults,
    )
    single = of_all(topology=Topology(), bms=Bms())
    net = duty.network.net
    where = places(net)
    first = net.first[: net.group.size].astype(np.int64)
    rated = cell.rated_capacity_ah * pack.parallel
    fast = 0.01 * use.fast_share_pct
    if model.cycle is not None:
        rated_pack = p.Rated(pack.series, pack.parallel, cell.rated_capacity_ah)
        cycles = [(1.0, _own_cycle(model, use, rated_pack, duty, nominal))]
    else:
        shares = ((1.0 - fast, use.charge_c_rate), (fast, use.fast_c_rate))
        cycles = [
            (share, _cycle(use, c_rate, model.parked_full_pct, rated, single, nominal))
            for share, c_rate in shares
            if share > 0.0
        ]
    years = model.years if years is None else years
    per_year, doubling = use.cycles_per_week * YEAR_S / WEEK_S, model.short_doubling_years
    return LifePlan(
        duty=duty,
        cycles=tuple((share, cycle.protocol) for share, cycle in cycles),
        years=years,
        cycles_per_year=per_year,
        km_per_cycle=use.km_per_cycle,
        balance_ah=sum(share * _balance_ah(pack, cycle) for share, cycle in cycles),
        first_cell=first,
        string_of_group=where["string"][first],
        nominal_ah=nominal_cell_ah * pack.parallel,
        start_k=start_k,
        feedback=model.feedback,
        tolerance=0.01 * model.tolerance_pct,
        over_discharge_time_s=verdict.over_discharge_time_s,
        short_doubling_cycles=per_year * (math.inf if doubling is None else doubling),
        end_of_life=0.01 * model.end_of_life_pct,
        assumed=() if cell.ageing is None else ageing_plans.assumed_ageing(cell.ageing, model.ageing),
    )


def life_degc(model: LifeModel, pack: PackModel, cell: CellPlan) -> float:
    """Temperature at which the cell of a life without heat is to be read."""
    if model.monthly_degc is None or pack.heat is not None:
        return cell.temperature_degc
    return effective_degc(model.monthly_degc, ageing_plans.plan(model.ageing, cell.ageing).sei_activation_k)


class Cycle(NamedTuple):
    """One cycle of use in numbers."""

    protocol: p.Protocol
    charge_h: float
    full_h: float  # waiting full


def _cycle(use: Use, c_rate: float, full_pct: float, rated_ah: float, single: DutyPlan, nominal: Array) -> Cycle:
    """Charge to the limit, wait full, discharge, wait: what is charged first makes up for what leaked before.

    How long charge and discharge take is measured on one nominal cell, so that a cycle lasts as long as it should.

    Raises:
        ValueError: charge and discharge take longer than a cycle may last.
    """
    cell_ah = single.settings.rated_a
    busy = _busy_steps(use, c_rate, cell_ah, single)
    times = _times(p.assemble(busy, cycles=2), 1.0 - 0.01 * use.depth_pct, single, nominal)[3:]
    idle_s = WEEK_S / use.cycles_per_week - float(times.sum())
    if idle_s < 0.0:
        most = WEEK_S / float(times.sum())
        raise ValueError(
            f"cycles_per_week: charge at {c_rate:g}C and discharge leave time for {most:.3g} cycles a week"
        )
    full_s = idle_s * 0.01 * full_pct
    charge, hold, discharge = _busy_steps(use, c_rate, rated_ah, single)
    steps = [charge, hold, p.Step(p.REST, 0.0, full_s), discharge, p.Step(p.REST, 0.0, idle_s - full_s)]
    protocol = p.assemble([step for step in steps if step.kind != p.REST or step.duration_s > 0.0])
    return Cycle(protocol, float(times[:2].sum()) / 3600.0, full_s / 3600.0)


def _own_cycle(model: LifeModel, use: Use, rated: p.Rated, duty: DutyPlan, nominal: Array) -> Cycle:
    """The scenario's own steps, and a wait for what is left of the week; measured on a nominal pack, as `_cycle`.

    Raises:
        ValueError: the steps take longer than a cycle may last.
    """
    steps = [StepModel.model_validate(step.model_dump()) for step in model.cycle or ()]
    twice = p.plan(ProtocolModel(steps=steps, cycles=2), rated)
    busy_s = float(_times(twice, 0.5, duty, nominal)[len(steps) :].sum())
    idle_s = WEEK_S / use.cycles_per_week - busy_s
    if idle_s < 0.0:
        raise ValueError(f"cycles_per_week: the steps of cycle leave time for {WEEK_S / busy_s:.3g} cycles a week")
    wait = [StepModel(rest=True, for_s=idle_s)] if idle_s > 0.0 else []
    return Cycle(p.plan(ProtocolModel(steps=steps + wait), rated), 0.0, 0.0)


def _times(protocol: p.Protocol, soc: float, duty: DutyPlan, nominal: Array) -> Array:
    """How long each step takes a pack of nominal cells that begin at `soc`."""
    n, joints = duty.network.cells, nominal_joints(duty.network)
    values = np.repeat(nominal[:, None], n, axis=1)
    own = full.build(duty, values, np.full(n, soc), joints, seed=0, block=0, pack=0)
    out: Array = full.run(duty, own, protocol, full.no_faults()).kept.time_s
    return out


def _busy_steps(use: Use, c_rate: float, rated_ah: float, single: DutyPlan) -> list[p.Step]:
    limits = single.bms.limits
    discharge = p.Limits(ah=0.01 * use.depth_pct * rated_ah, v_low=0.9 * limits.lower_v)
    return [
        p.Step(p.CURRENT, -c_rate * rated_ah, math.inf, p.Limits(v_high=limits.upper_v)),
        p.Step(p.VOLTAGE, limits.upper_v, LONGEST_HOLD_S, p.Limits(current_a=0.05 * rated_ah)),
        p.Step(p.CURRENT, use.discharge_c_rate * rated_ah, math.inf, discharge),
    ]


def _balance_ah(pack: PackModel, cycle: Cycle) -> float:
    """Charge that a bleed resistor can take in one cycle, while it is allowed to and the pack is full or being filled."""
    bleed = pack.bms.balancing
    if bleed is None:
        return 0.0
    hours = cycle.charge_h * ("charge" in bleed.during) + cycle.full_h * ("rest" in bleed.during)
    return 1e-3 * bleed.bleed_ma * hours

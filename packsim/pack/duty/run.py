"""Build packs for the time loop, run them, save and restore them."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from packsim.cell import kernels as cell_kernels
from packsim.cell.ageing import kernels as cell_ageing
from packsim.cell.ageing.plan import NOT_AGEING
from packsim.cell.ageing.rebuild import fresh_ageing
from packsim.cell.beyond.kernels import N_DAMAGE
from packsim.cell.beyond.plan import initial_damage
from packsim.cell.beyond.plan import plan as beyond_plan
from packsim.cell.cell import empty_lane, window_of
from packsim.cell.electrodes.kernels import LEAK, T_WELD, Design
from packsim.cell.heat.kernels import heat_capacity
from packsim.numerics.roots import COLUMNS
from packsim.numerics.threads import in_parallel
from packsim.pack.bms import kernels as bms_kernels
from packsim.pack.bms import plan as bms_plans
from packsim.pack.duty import kernels as k
from packsim.pack.duty.ends.kernels import BMS_FIRST, CONDITIONS
from packsim.pack.duty.kept.kernels import Kept, Trace
from packsim.pack.duty.protocol import Protocol
from packsim.pack.duty.warmth import kernels as warmth
from packsim.pack.faults import kernels as fault_kernels
from packsim.pack.heat import plan as heat_plans
from packsim.pack.heat.kernels import N_SCRATCH
from packsim.pack.network import kernels as network
from packsim.pack.network.plan import NetworkPlan, joints_of, solve_for
from packsim.scenario.beyond import BeyondModel
from packsim.scenario.bms import Bms
from packsim.scenario.heat import HeatModel

Array = npt.NDArray[np.float64]
OCV_POINTS = 513
LOG_LINES = 1000
LAYOUT = 4  # what the arrays of a saved pack mean; 4: eight rows a particle, of which seven are poles


class DutyPlan(NamedTuple):
    """Everything that packs of a run share."""

    design: Design
    network: NetworkPlan
    bms_model: Bms
    bms: bms_kernels.Bms
    settings: k.Settings
    limits: fault_kernels.Limits
    heating: warmth.Heating
    damaging: k.Damaging
    reference_k: float  # temperature at which the design was read
    ageing: cell_ageing.Ageing = NOT_AGEING


class Run(NamedTuple):
    """One pack after a run."""

    own: k.Own
    kept: Kept
    log: fault_kernels.Log
    trace: Trace
    rows: int  # protocol steps that were begun


def ocv_table(design: Design, values: Array) -> Array:
    """Open-circuit voltage [OCV_POINTS] of one cell at even SOC 0..1."""
    points = OCV_POINTS
    many = np.repeat(values[:, :1], points, axis=1)
    lane, soc = empty_lane(points), np.linspace(0.0, 1.0, points)
    cell_kernels.coefficients(lane.coef, many, design, 0, points)
    lane.coef[LEAK] = 0.0
    cell_kernels.rest_state(lane.state, design, soc, window_of(design, many), 0, points)
    cell_kernels.set_dt(lane.decay, lane.coef, design, 0.0, 0, points)
    cell_kernels.prepare(lane.work, lane.state, lane.coef, lane.decay, design, 0.0, 0, points)
    cell_kernels.respond(lane.emf, lane.slope, lane.current, lane.work, lane.coef, design, 0, points)
    rising: Array = np.maximum.accumulate(lane.emf)
    return rising


def build(
    plan: DutyPlan,
    values: Array,
    soc: Array,
    joints: network.Joints,
    *,
    seed: int,
    block: int,
    pack: int,
    ageing_rate: Array | None = None,
) -> k.Own:
    """A new pack of cells `values` [trait, n] at rest at `soc` [n], in the network's order of cells.

    `ageing_rate` [n]: of each cell, relative to the laws of ageing; default 1.
    """
    n, net = values.shape[1], plan.network.net
    lane, window = empty_lane(n), window_of(plan.design, values)
    cell_kernels.coefficients(lane.coef, values, plan.design, 0, n)
    cell_kernels.rest_state(lane.state, plan.design, soc, window, 0, n)
    places = max(n, plan.bms.node.size)
    heats = new_heats(plan.heating, plan.design, values, lane.coef, plan.reference_k)
    leak_a = lane.coef[LEAK].copy()
    ageing = np.zeros((cell_ageing.N_AGEING, 0))
    if plan.ageing.on:
        ageing = fresh_ageing(plan.design, values, np.ones(n) if ageing_rate is None else ageing_rate, lane)
        cell_ageing.first_film(ageing, lane.coef, heats.base, plan.ageing, 0, n)
    return k.Own(
        values=values,
        window=window,
        lane=lane,
        joints=joints,
        work=solve_for(net),
        drain_a=np.zeros(net.kind.size),
        memory=bms_plans.memory(plan.bms_model, plan.bms, net, seed, block, pack, float(np.mean(soc))),
        leak_a=leak_a,
        short_s=np.zeros(n),
        weld_ohm=1e-3 * values[T_WELD],
        held=np.zeros(n),
        scratch=np.zeros(n),
        damage=(
            initial_damage(lane.state, lane.coef, plan.design, plan.damaging.laws)
            if plan.damaging.on
            else np.zeros((N_DAMAGE, n))
        ),
        ageing=ageing,
        heats=heats,
        clock=np.zeros(1),
        found=np.zeros((fault_kernels.KINDS, places), np.bool_),
    )


def damaging_of(model: BeyondModel | None) -> k.Damaging:
    """Damage beyond the limits; without a model there is none."""
    return k.Damaging(model is not None, beyond_plan(model or BeyondModel()))


def heating_of(model: HeatModel | None, design: Design, cells: int) -> warmth.Heating:
    """How the cells of a pack are cooled; without a model they stay at the design's temperature."""
    entropic = bool(design.heat.reversible) or design.tables.ocv_per_k.size > 0
    cooled = model is not None and model.coolant is not None
    return warmth.Heating(model is not None, entropic, cooled, heat_plans.plan(model or HeatModel(), cells))


def new_heats(heating: warmth.Heating, design: Design, values: Array, coef: Array, reference_k: float) -> warmth.Heats:
    """Temperatures of a new pack."""
    n, thermal = values.shape[1], heating.pack
    capacity = np.ones(n)
    if heating.on:
        heat_capacity(capacity, values, design, 0, n)
        if np.isfinite(thermal.capacity_j_per_k):
            capacity[:] = thermal.capacity_j_per_k
    return warmth.Heats(
        temperature_k=np.full(n, thermal.start_k if heating.on else reference_k),
        at_k=np.full(n, reference_k),
        base=coef.copy(),
        capacity_j_per_k=capacity,
        coolant_k=np.full(n, thermal.inlet_k[0]),
        enthalpy_v=np.zeros(n),
        charge_c=np.zeros(n),
        given_j=np.zeros(n),
        since=np.zeros(3),
        volts=np.zeros(n),
        mean_w=np.zeros(n),
        scratch=np.zeros((N_SCRATCH, n)),
        flow=np.ones(thermal.streams),
        joules=np.zeros(5),
    )


def no_faults() -> fault_kernels.Faults:
    """An empty list of injected faults."""
    none = np.zeros(0)
    return fault_kernels.Faults(none, none.astype(np.int8), none.astype(np.int64), none.astype(np.int32), none)


def empty_kept(plan: DutyPlan, rows: int) -> Kept:
    """Arrays for what is kept of one pack."""
    groups, levels = plan.network.net.group.size, plan.settings.thresholds_v.size
    return Kept(
        ended_by=np.full(rows, -1, np.int8),
        time_s=np.zeros(rows),
        charge_ah=np.zeros(rows),
        energy_wh=np.zeros(rows),
        end_v=np.full((rows, groups), np.nan),
        end_soc=np.full((rows, groups), np.nan),
        below_s=np.zeros((rows, levels, groups)),
        below_ah=np.zeros((rows, groups)),
        highest_v=np.full(groups, -np.inf),
        lowest_v=np.full(groups, np.inf),
        hottest_k=np.zeros(1),
        steps=np.zeros(2, np.int64),
    )


def room_for(plan: DutyPlan) -> k.Room:
    """What the time loop needs beside the pack itself."""
    groups = plan.network.net.group.size
    return k.Room(
        ends=np.zeros(BMS_FIRST),
        before_v=np.zeros(groups),
        per_second=np.zeros(groups),
        trend=np.zeros(plan.network.cells),
        f_old=np.zeros(CONDITIONS),
        f_now=np.zeros(CONDITIONS),
        f_new=np.zeros(CONDITIONS),
        bracket=np.zeros((2, COLUMNS)),
        full_v=np.zeros(plan.bms.node.size),
    )


def empty_trace(plan: DutyPlan, samples: int, cells: bool) -> Trace:
    """Room for `samples` accepted steps; with currents of cells if asked for."""
    net = plan.network.net
    return Trace(
        time_s=np.zeros(samples),
        step=np.zeros(samples, np.int32),
        current_a=np.zeros(samples),
        voltage_v=np.zeros(samples),
        group_v=np.zeros((net.group.size if samples else 0, samples)),
        reading_v=np.zeros((plan.bms.node.size if samples else 0, samples)),
        hottest_k=np.zeros(samples),
        cell_a=np.zeros((plan.network.cells if cells else 0, samples)),
        cell_v=np.zeros((plan.network.cells if cells else 0, samples)),
        cell_k=np.zeros((plan.network.cells if cells else 0, samples)),
        cell_soc=np.zeros((plan.network.cells if cells else 0, samples)),
        soc=np.zeros(samples),
        ambient_k=np.zeros(samples),
        given_ah=np.zeros(samples),
        used=np.zeros(1, np.int64),
    )


def empty_log() -> fault_kernels.Log:
    """Room for the alarms of one pack."""
    return fault_kernels.Log(
        np.zeros(LOG_LINES),
        np.zeros(LOG_LINES, np.int16),
        np.zeros(LOG_LINES, np.int32),
        np.zeros(LOG_LINES),
        np.zeros(1, np.int64),
    )


def run(
    plan: DutyPlan,
    own: k.Own,
    protocol: Protocol,
    faults: fault_kernels.Faults,
    *,
    block: int = 0,
    pack: int = 0,
    samples: int = 0,
    cells: bool = False,
) -> Run:
    """Take `own` through the protocol; it is changed in place."""
    kept = empty_kept(plan, protocol.kind.size)
    trace, log = empty_trace(plan, samples, cells), empty_log()
    shared = (plan.design, plan.network.net, protocol, plan.heating, plan.damaging, plan.ageing, plan.bms, faults)
    room = room_for(plan)
    rows = k.drive(*shared, plan.limits, plan.settings, own, room, kept, log, trace, block, pack)
    return Run(own, kept, log, trace, rows)


class Many(NamedTuple):
    """What is kept of p packs that went through the same protocol of q steps."""

    kept: Kept  # every array with the packs in front, [p, ...]
    start_soc: Array  # [p, g] of each group
    seen: npt.NDArray[np.void]  # one row an alarm or fault: pack, time_s, code, place, value


SEEN = np.dtype([("pack", "i8"), ("time_s", "f8"), ("code", "i2"), ("place", "i4"), ("value", "f8")])


def run_many(
    plan: DutyPlan,
    values: Array,
    soc: Array,
    order: npt.NDArray[np.int64],
    protocol: Protocol,
    faults: fault_kernels.Faults,
    *,
    seed: int,
    block: int = 0,
) -> Many:
    """Build and run packs side by side; the same bits for any number of threads.

    Args:
        values, soc: traits [trait, m] and states of charge [m] of m cells.
        order: the cell at each place of each pack, [p, n] in the network's order.
        faults: their packs count within these.
    """
    packs, rows = len(order), protocol.kind.size
    kept = Kept(*(np.stack([one] * packs) for one in empty_kept(plan, rows)))
    start_soc = np.zeros((packs, plan.network.net.group.size))
    seen: list[npt.NDArray[np.void]] = [np.zeros(0, SEEN)] * packs

    def some(first: int, last: int) -> None:
        for p in range(first, last):
            joints = joints_of(plan.network, seed, block, p)
            own_values = np.ascontiguousarray(values[:, order[p]])
            own = build(plan, own_values, soc[order[p]], joints, seed=seed, block=block, pack=p)
            start_soc[p] = group_soc(plan, soc[order[p]], own.window[4])
            one = run(plan, own, protocol, faults, block=block, pack=p)
            for all_packs, this in zip(kept, one.kept, strict=True):
                all_packs[p] = this
            seen[p] = sightings(one.log, p)

    in_parallel(some, packs)
    return Many(kept, start_soc, np.concatenate(seen))


def sightings(log: fault_kernels.Log, pack: int) -> npt.NDArray[np.void]:
    """The lines of one pack's log."""
    lines = min(int(log.lines[0]), LOG_LINES)
    out = np.zeros(lines, SEEN)
    out["pack"] = pack
    for name in ("time_s", "code", "place", "value"):
        out[name] = getattr(log, name)[:lines]
    return out


def group_soc(plan: DutyPlan, soc: Array, capacity: Array) -> Array:
    """State of charge of each group [g] from those of its cells [n], by capacity."""
    first = plan.network.net.first[: plan.network.net.group.size]
    out: Array = np.add.reduceat(soc * capacity, first) / np.add.reduceat(capacity, first)
    return out


def _leaves(value: Any, name: str = "") -> dict[str, npt.NDArray[Any]]:
    """The arrays of nested named tuples, by dotted name."""
    if isinstance(value, np.ndarray):
        return {name: value}
    return {
        key: leaf for field in value._fields for key, leaf in _leaves(getattr(value, field), f"{name}.{field}").items()
    }


def save(own: k.Own, path: Path, mark: str) -> None:
    """Write every array of `own`; the file appears whole or not at all."""
    part = path.with_name(f".{path.name}.part")
    with part.open("wb") as file:
        np.savez(file, mark=np.array(mark), layout=np.array(LAYOUT), **_leaves(own))  # type: ignore[arg-type]
    part.replace(path)


def restore(own: k.Own, path: Path, mark: str) -> k.Own:
    """`own` with the arrays of a file that `save` wrote for such a pack.

    Raises:
        FileNotFoundError: no such file. ValueError: it is no saved pack, one of another pack, or of another LAYOUT.
    """
    if not path.is_file():
        raise FileNotFoundError(f"saved pack not found: {path}")
    try:
        with np.load(path, allow_pickle=False) as file:
            found = {name: file[name] for name in file.files}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path.name}: not a saved pack ({error})") from error
    there, layout = str(found.pop("mark", "")), int(found.pop("layout", 1))
    if there and layout != LAYOUT:
        raise ValueError(f"{path.name}: saved by another version of packsim (layout {layout}; this one's is {LAYOUT})")
    wanted = _leaves(own)
    same = found.keys() == wanted.keys() and all(found[name].shape == wanted[name].shape for name in wanted)
    if there != mark or not same:
        raise ValueError(f"{path.name}: saved from another pack ({there or 'unknown'}); this one is {mark}")
    for name, array in wanted.items():
        array[...] = found[name]
    return own

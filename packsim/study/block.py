"""One block: cells are started, tested and graded, packs assembled, charged, discharged and judged. A pure function."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from packsim.cell.traits import TRAITS
from packsim.inspection.fill import Filled, fill
from packsim.inspection.grade import grade, slots_needed
from packsim.pack.fleet.plan import KELVIN, READ_TOGETHER
from packsim.pack.fleet.run import Fleet
from packsim.pack.fleet.run import run as run_packs
from packsim.study.metrics import ROW, SUMS
from packsim.study.plans import Plans
from packsim.study.sightings import sightings
from packsim.verdict.attribution import PARTS, Attribution, attribute
from packsim.verdict.causes import OF_SIGHTING, Verdict
from packsim.verdict.judge import MARGIN, ROW_0V, Verdicts, judge

Array = npt.NDArray[np.float64]
HISTOGRAM_PCT = np.linspace(80.0, 120.0, 401)  # edges of the capacity histograms, percent of nominal
ROOTS = (*((trait.name, trait.step) for trait in TRAITS), ("state_of_charge", "storage"))


class BlockResult(NamedTuple):
    """What is kept of a block; cells are rebuilt from their addresses when asked for."""

    sums: Array  # [SUMS]
    steps_in_line: npt.NDArray[
        np.int64
    ]  # [3, inspected step] pieces that entered, did not pass at first, were scrapped
    causes: npt.NDArray[np.int64]  # [16] rejected cells by cause of the test
    defects: npt.NDArray[np.int64]  # [2, 16] started and shipped cells by defect bit
    histograms: npt.NDArray[np.int64]  # [2, 402] measured capacity of started and shipped cells; ends: beyond the edges
    candidate: npt.NDArray[np.int16]  # [slot] which candidate filled it
    steps: int  # accepted pack steps x cells
    simulated_s: float  # simulated pack seconds x cells
    packs: dict[str, npt.NDArray[np.generic]]  # columns, one row a pack
    sightings: dict[str, npt.NDArray[np.generic]]  # columns, one row an alarm or a fault found; see study/sightings.py


class Built(NamedTuple):
    """Cells of a block, and which of them (rows of `filled`) stands where: [pack, group-major position]."""

    filled: Filled
    order: npt.NDArray[np.int64]


def packs_in(plans: Plans, block: int, packs: int) -> int:
    """Packs of a block when the run has `packs` in all; the last block may be smaller."""
    return min(plans.scenario.packs_per_block, packs - block * plans.scenario.packs_per_block)


def started(plans: Plans, seed: int, block: int, packs: int) -> Filled:
    """All cells that a block of `packs` packs starts, tested, and which of them fill its places."""
    slots = slots_needed(plans.inspection, packs, plans.fleet.cells)
    return fill(plans.line, plans.inspection, seed, block, slots, plans.scenario.max_candidates, plans.inspected)


def placed(plans: Plans, seed: int, filled: Filled, packs: int) -> npt.NDArray[np.int64]:
    """Cell (row of `filled`) at each position [pack, group-major position] after grading."""
    passing, block = filled.measured.take(filled.chosen), int(filled.cells.address[0, 0])
    per_pack, per_group = plans.fleet.cells, plans.fleet.cells_per_group
    order = grade(plans.inspection, passing, packs, per_pack, per_group, block=block, seed=seed)
    return np.ascontiguousarray(filled.chosen[order])


def built(plans: Plans, seed: int, block: int, packs: int) -> Built:
    """Cells of a block, started, tested and graded."""
    filled = started(plans, seed, block, packs)
    return Built(filled, placed(plans, seed, filled, packs))


def run_block(plans: Plans, seed: int, block: int, packs: int) -> BlockResult:
    """Build, test and run block number `block` with `packs` packs."""
    return run_built(plans, seed, block, built(plans, seed, block, packs))


def run_built(plans: Plans, seed: int, block: int, made: Built) -> BlockResult:
    """Run the packs of a block whose cells are there."""
    filled, order = made
    cells, measured = filled.cells, filled.measured
    first = block * plans.scenario.packs_per_block
    fleet = run_packs(
        plans.fleet,
        cells,
        measured.true_soc,
        order,
        seed=seed,
        block=block,
        first_pack=first,
        window=measured.window,
    )
    verdicts = judge(fleet, plans.fleet, plans.scenario.verdict, plans.nominal)
    origin = attribute(
        cells,
        measured.window[4],
        measured.true_soc,
        order,
        plans.fleet,
        fleet,
        plans.slopes_ah,
        plans.nominal_capacity_ah,
    )
    return BlockResult(
        sums=_sums(plans, filled, np.sort(order.ravel()), verdicts, fleet),
        steps_in_line=_steps_in_line(filled, len(plans.inspected)),
        causes=np.bincount(measured.cause[~measured.accepted], minlength=16)[:16].astype(np.int64),
        defects=np.stack(
            [
                _defect_counts(cells.defect) + _defect_counts(filled.scrapped.defect),
                _defect_counts(cells.defect[order.ravel()]),
            ]
        ),
        histograms=np.stack([_histogram(plans, filled, slice(None)), _histogram(plans, filled, order.ravel())]),
        candidate=cells.address[filled.chosen, 2].astype(np.int16),
        steps=int(fleet.steps.sum()) * plans.fleet.cells,
        simulated_s=float(fleet.simulated_s.sum()) * plans.fleet.cells,
        packs=_columns(plans, block, filled, verdicts, origin, fleet),
        sightings=sightings(plans.fleet, fleet.seen, cells, order, first),
    )


def _sums(
    plans: Plans,
    filled: Filled,
    shipped: npt.NDArray[np.int64],
    verdicts: Verdicts,
    fleet: Fleet,
) -> Array:
    cells, m = filled.cells, filled.measured
    out = np.zeros(len(SUMS))

    def add(**values: float) -> None:
        for name, value in values.items():
            out[ROW[name]] = value

    defective = cells.defect != 0
    rejected = ~m.accepted
    capacity = m.true_capacity_ah / plans.nominal_capacity_ah - 1.0
    dcir = m.true_dcir_mohm / plans.nominal_dcir_mohm - 1.0
    usable = np.isfinite(capacity) & np.isfinite(dcir)
    c_in, r_in, c, r = capacity[usable], dcir[usable], capacity[shipped], dcir[shipped]
    add(
        starts=len(cells) + len(filled.scrapped),
        tested=len(cells),
        scrapped=len(filled.scrapped),
        first_pass=int((m.passed_at_first & (cells.rejected == 0)).sum()),
        passed_at_first=int(m.passed_at_first.sum()),
        passed=int(m.accepted.sum()),
        shipped=shipped.size,
        conformance_rejects=int((rejected & ~defective).sum()),
        defect_rejects=int((rejected & defective).sum()),
        false_rejects=int((rejected & m.truly_good).sum()),
        escapes=int((~m.truly_good[shipped]).sum()),
        incoming=c_in.size,
        incoming_capacity=c_in.sum(),
        incoming_capacity_2=(c_in**2).sum(),
        incoming_dcir=r_in.sum(),
        incoming_dcir_2=(r_in**2).sum(),
        shipped_capacity=c.sum(),
        shipped_capacity_2=(c**2).sum(),
        shipped_dcir=r.sum(),
        shipped_dcir_2=(r**2).sum(),
        shipped_capacity_dcir=(c * r).sum(),
    )
    own, solved = plans.fleet.own, fleet.solved
    over = verdicts.over_discharged[solved]  # nothing is claimed about unsolved packs
    add(
        packs=int(solved.sum()),
        unsolved_packs=int((~solved).sum()),
        usable_pct=verdicts.usable_pct[solved, own].sum(),
        energy_pct=verdicts.energy_pct[solved, own].sum(),
        under_charge_pct=verdicts.under_charge_pct[solved].sum(),
        under_charge_worst_pct=verdicts.under_charge_worst_pct[solved].sum(),
        over_discharged=over[:, own, MARGIN].sum(),
        reversed=over[:, own, ROW_0V].sum(),
        bad_packs=int((verdicts.verdict[solved] != int(Verdict.GOOD)).sum()),
    )
    if plans.fleet.plain is not None:
        every_group, pack_only = (plans.fleet.kinds.index(kind) for kind in READ_TOGETHER)
        add(
            over_discharged_every_group=over[:, every_group, MARGIN].sum(),
            over_discharged_pack_only=over[:, pack_only, MARGIN].sum(),
            reversed_pack_only=over[:, pack_only, ROW_0V].sum(),
        )
    else:
        alarmed = np.isin(np.arange(solved.size), fleet.seen["pack"][np.isin(fleet.seen["code"], list(OF_SIGHTING))])
        add(alarmed_packs=int(alarmed[solved].sum()))
    return out


def _steps_in_line(filled: Filled, steps: int) -> npt.NDArray[np.int64]:
    out = np.zeros((3, steps), np.int64)
    for group in (filled.cells, filled.scrapped):
        for step in range(steps):
            entered = (group.scrapped < 0) | (group.scrapped >= step)
            out[0, step] += int(entered.sum())
            out[1, step] += int(((group.rejected >> np.uint32(step)) & 1).sum())
            out[2, step] += int((group.scrapped == step).sum())
    return out


def _defect_counts(defect: npt.NDArray[np.uint16]) -> npt.NDArray[np.int64]:
    return np.array([int(((defect >> bit) & 1).sum()) for bit in range(16)], np.int64)


def _histogram(plans: Plans, filled: Filled, rows: slice | npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    percent = 100.0 * filled.measured.capacity_ah[rows] / plans.nominal_capacity_ah
    bins = np.searchsorted(HISTOGRAM_PCT, percent[np.isfinite(percent)], side="right")
    return np.bincount(bins, minlength=len(HISTOGRAM_PCT) + 1).astype(np.int64)


THRESHOLD_NAMES = ("cutoff", "margin", "0v5", "1v", "0v")


def _columns(
    plans: Plans, block: int, filled: Filled, verdicts: Verdicts, origin: Attribution, fleet: Fleet
) -> dict[str, npt.NDArray[np.generic]]:
    packs, cells, own = len(verdicts.verdict), filled.cells, plans.fleet.own
    found = origin.weakest_cell >= 0
    weakest = np.where(found, origin.weakest_cell, 0)
    part = origin.parts_pct[np.arange(packs), np.maximum(origin.root, 0)]
    columns: dict[str, npt.NDArray[np.generic]] = {
        "pack": block * plans.scenario.packs_per_block + np.arange(packs),
        "block": np.full(packs, block),
        "verdict": verdicts.verdict,
        "usable_capacity_ah": fleet.usable_ah[:, own],
        "usable_capacity_pct": verdicts.usable_pct[:, own],
        "usable_energy_wh": fleet.energy_wh[:, own],
        "usable_energy_pct": verdicts.energy_pct[:, own],
        "under_charge_pct": verdicts.under_charge_pct,
        "under_charge_worst_pct": verdicts.under_charge_worst_pct,
        "highest_group_v": verdicts.highest_v,
        "lowest_group_v": verdicts.lowest_v[:, own],
        "over_discharge_ah": verdicts.over_discharge_ah[:, own],
    }
    if np.isfinite(fleet.hottest_k).any():
        columns["hottest_cell_degc"] = fleet.hottest_k - KELVIN
    for row, kind in enumerate(plans.fleet.kinds):
        if len(plans.fleet.kinds) > 1:
            columns[f"usable_capacity_{kind}_pct"] = verdicts.usable_pct[:, row]
            columns[f"lowest_group_{kind}_v"] = verdicts.lowest_v[:, row]
            columns[f"over_discharge_{kind}_ah"] = verdicts.over_discharge_ah[:, row]
        for k, threshold in enumerate(THRESHOLD_NAMES):
            columns[f"over_discharged_{threshold}_{kind}"] = verdicts.over_discharged[:, row, k]
    columns |= {
        "weakest_group": origin.weakest_group,
        "weakest_limits": origin.limits,
        "weakest_cell_slot": np.where(found, cells.address[weakest, 1], -1),
        "weakest_cell_candidate": np.where(found, cells.address[weakest, 2], -1),
        "weakest_cell_lot": np.where(found, cells.lot[weakest], -1),
        "weakest_cell_defect": np.where(found, cells.defect[weakest], 0).astype(np.uint16),
        "root": origin.root,
        "root_part_pct": np.where(origin.root >= 0, part, 0.0),
        "steps": fleet.steps,
    }
    columns |= {f"part_{name}_pct": origin.parts_pct[:, k] for k, name in enumerate(PARTS)}
    return columns

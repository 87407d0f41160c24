"""Packs that are discharged from full: the workload in which equivalent cell-steps are counted."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from packsim.bench.cells import as_built
from packsim.cell.cells import Cells
from packsim.cell.electrodes.kernels import Design
from packsim.cell.plan import CellPlan
from packsim.pack import plan as pack_plans
from packsim.pack.kernels import OK, Duty, Outcome
from packsim.pack.run import PackTrace, run, trace
from packsim.scenario.pack import PackModel, VerdictModel

STEP_S = 10.0  # of an equivalent cell-step
FINE_S = 1.0  # steps that errors are measured against


class Packs(NamedTuple):
    """Full packs of one kind, and what they go through."""

    duty: Duty
    design: Design
    cells: Cells
    order: npt.NDArray[np.int64]  # [pack, position]

    def run(self) -> Outcome:
        """Discharge all of them to both cut-offs.

        Raises:
            RuntimeError: one does not converge.
        """
        full, offsets = np.ones(len(self.cells)), np.zeros((len(self.order), self.duty.series))
        outcome = run(self.duty, self.design, self.cells, full, self.order, offsets)
        if np.any(outcome.status != OK):
            raise RuntimeError("a pack of the benchmark does not converge")
        return outcome

    def trace(self, pack: int) -> PackTrace:
        """Group voltages of one pack over time."""
        cells = self.cells.take(self.order[pack])
        return trace(self.duty, self.design, cells, np.ones(len(cells)), np.zeros(self.duty.series))[1]

    def equivalent(self, outcome: Outcome) -> float:
        """Equivalent cell-steps: cells x simulated seconds / 10."""
        return float(self.order.shape[1] * outcome.simulated_s.sum()) / STEP_S


def full_packs(
    series: int, parallel: int, packs: int, cell: CellPlan, *, c_rate: float = 1.0, longest_step_s: float | None = None
) -> Packs:
    """Top-balanced packs of as-built cells; steps as in a scenario that says nothing about them, or `longest_step_s`."""
    keys = {} if longest_step_s is None else {"longest_step_s": longest_step_s}
    model = PackModel.model_validate(
        {"series": series, "parallel": parallel, "top_balanced": True, "discharge": {"c_rate": c_rate}, **keys}
    )
    duty, cells = pack_plans.plan(model, VerdictModel(), cell), as_built(series * parallel * packs)
    return Packs(duty, cell.design, cells, np.arange(len(cells)).reshape(packs, -1))


class StepError(NamedTuple):
    """Difference of two step lengths for the same packs."""

    capacity_pct: float  # largest of both kinds of monitoring
    voltage_mv: float  # largest of any group at any time, until the first group is empty


def step_error(coarse: Packs, fine: Packs) -> StepError:
    """How far steps of one length are off those of another."""
    capacity = float(np.max(np.abs(coarse.run().usable_ah / fine.run().usable_ah - 1.0)))
    pairs = ((coarse.trace(pack), fine.trace(pack)) for pack in range(len(coarse.order)))
    return StepError(100.0 * capacity, 1e3 * max(voltage_difference(a, b, coarse.duty.lower_v) for a, b in pairs))


def voltage_difference(coarse: PackTrace, fine: PackTrace, lower_v: float) -> float:
    """Largest difference [V] of a group's voltage at the times of `coarse`, until the first group is at `lower_v`.

    The fine run is read by straight lines between its steps. Beyond the cut-off, where volts fall within a second, a
    difference at one time would be one of time.
    """
    empty = np.flatnonzero(fine.group_v.min(axis=0) <= lower_v)
    within = coarse.time_s <= (fine.time_s[empty[0]] if empty.size else fine.time_s[-1])
    times, worst = coarse.time_s[within], 0.0
    for ours, theirs in zip(coarse.group_v, fine.group_v, strict=True):
        worst = max(worst, float(np.max(np.abs(ours[within] - np.interp(times, fine.time_s, theirs)))))
    return worst

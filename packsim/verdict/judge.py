"""From a pack's outcome to its verdict."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from packsim.pack.fleet.plan import FleetPlan
from packsim.pack.fleet.run import Fleet
from packsim.scenario.pack import VerdictModel
from packsim.verdict.causes import OF_SIGHTING, Verdict

Array = npt.NDArray[np.float64]
MARGIN, ROW_0V = 1, 4  # rows of Fleet.time_below_s


class Verdicts(NamedTuple):
    """One row a pack; [p, m] is by kind of monitoring of the discharge, as in FleetPlan.kinds."""

    verdict: npt.NDArray[np.uint8]  # [p] for the scenario's own monitoring
    usable_pct: Array  # [p, m] of a pack of nominal cells
    energy_pct: Array  # [p, m]
    under_charge_pct: Array  # [p] mean shortfall of the groups' SOC against the fullest group
    under_charge_worst_pct: Array  # [p]
    over_discharged: npt.NDArray[np.bool_]  # [p, m, THRESHOLDS] any group below the threshold for longer than the time
    highest_v: Array  # [p] highest group voltage
    lowest_v: Array  # [p, m] lowest group voltage when discharge ends
    over_discharge_ah: Array  # [p, m] drawn from the weakest group below its cut-off


def judge(fleet: Fleet, plan: FleetPlan, model: VerdictModel, nominal: Fleet) -> Verdicts:
    """Verdicts of p packs; `nominal` is the one pack of nominal cells (packsim.pack.fleet.run.nominal)."""
    usable = 100.0 * fleet.usable_ah / nominal.usable_ah[0, 0]
    energy = 100.0 * fleet.energy_wh / nominal.energy_wh[0, 0]
    shortfall = 100.0 * (fleet.soc_full.max(axis=1, keepdims=True) - fleet.soc_full)
    over: npt.NDArray[np.bool_] = np.any(fleet.time_below_s > model.over_discharge_time_s, axis=3)
    own = plan.own
    verdict = np.full(len(fleet.solved), int(Verdict.GOOD), np.uint8)
    for what, applies in (
        (Verdict.UNDER_CHARGED, shortfall.max(axis=1) > model.under_charge_max_pct),
        (Verdict.SHORT_AT_DELIVERY, usable[:, own] < model.usable_capacity_min_pct),
        (Verdict.OVER_CHARGED, fleet.highest_v > plan.upper_v + model.over_charge_margin_v),
        (Verdict.OVER_DISCHARGED, over[:, own, MARGIN]),
        (Verdict.REVERSED, over[:, own, ROW_0V]),
        (Verdict.UNSOLVED, ~fleet.solved),
    ):
        verdict[applies] = np.maximum(verdict[applies], int(what))
    for code, what in OF_SIGHTING.items():
        packs = fleet.seen["pack"][fleet.seen["code"] == code]
        verdict[packs] = np.maximum(verdict[packs], int(what))
    return Verdicts(
        verdict=verdict,
        usable_pct=usable,
        energy_pct=energy,
        under_charge_pct=shortfall.mean(axis=1),
        under_charge_worst_pct=shortfall.max(axis=1),
        over_discharged=over,
        highest_v=fleet.highest_v,
        lowest_v=fleet.end_v.min(axis=2),
        over_discharge_ah=fleet.charge_below_ah.max(axis=2),
    )

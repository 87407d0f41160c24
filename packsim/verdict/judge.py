"""From a pack's outcome to its verdict."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from packsim.pack.kernels import OK, Duty, Outcome
from packsim.scenario.pack import VerdictModel
from packsim.verdict.causes import Verdict

Array = npt.NDArray[np.float64]
MARGIN, ROW_0V = 1, 4  # rows of Outcome.time_below_s


class Verdicts(NamedTuple):
    """One row a pack. [p, 2] is by kind of discharge monitoring (every_group, pack_only), read from one trajectory."""

    verdict: npt.NDArray[np.uint8]  # [p] for the scenario's own monitoring
    usable_pct: Array  # [p, 2] of a pack of nominal cells
    energy_pct: Array  # [p, 2]
    under_charge_pct: Array  # [p] mean shortfall of the groups' SOC against the fullest group
    under_charge_worst_pct: Array  # [p]
    over_discharged: npt.NDArray[np.bool_]  # [p, 2, THRESHOLDS] any group below the threshold for longer than the time
    highest_v: Array  # [p] highest group voltage at the end of charge
    lowest_v: Array  # [p, 2] lowest group voltage when discharge ends
    over_discharge_ah: Array  # [p, 2] drawn from the weakest group below its cut-off


def judge(outcome: Outcome, duty: Duty, model: VerdictModel, nominal: Outcome) -> Verdicts:
    """Verdicts of p packs; `nominal` is the outcome of one pack of nominal cells (1s1p) under the same duty per cell."""
    usable = 100.0 * outcome.usable_ah / (nominal.usable_ah[0, 0] * duty.parallel)
    energy = 100.0 * outcome.energy_wh / (nominal.energy_wh[0, 0] * duty.parallel * duty.series)
    shortfall = 100.0 * (outcome.soc_full.max(axis=1, keepdims=True) - outcome.soc_full)
    over: npt.NDArray[np.bool_] = np.any(outcome.time_below_s > model.over_discharge_time_s, axis=3)
    own, highest = duty.monitoring, outcome.full_v.max(axis=1)
    verdict = np.full(len(outcome.status), int(Verdict.GOOD), np.uint8)
    for what, applies in (
        (Verdict.UNDER_CHARGED, shortfall.max(axis=1) > model.under_charge_max_pct),
        (Verdict.SHORT_AT_DELIVERY, usable[:, own] < model.usable_capacity_min_pct),
        (Verdict.OVER_CHARGED, highest > duty.upper_v + model.over_charge_margin_v),
        (Verdict.OVER_DISCHARGED, over[:, own, MARGIN]),
        (Verdict.REVERSED, over[:, own, ROW_0V]),
        (Verdict.UNSOLVED, outcome.status != OK),
    ):
        verdict[applies] = int(what)
    return Verdicts(
        verdict=verdict,
        usable_pct=usable,
        energy_pct=energy,
        under_charge_pct=shortfall.mean(axis=1),
        under_charge_worst_pct=shortfall.max(axis=1),
        over_discharged=over,
        highest_v=highest,
        lowest_v=outcome.end_v.min(axis=2),
        over_discharge_ah=outcome.charge_below_ah.max(axis=2),
    )

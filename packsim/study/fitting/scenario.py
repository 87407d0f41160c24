"""From fitted data to a scenario whose cells read alike."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from packsim.scenario.model import Scenario
from packsim.study.fitting.draft import LEVELS, Draft, rounded
from packsim.study.fitting.nominal import gauge_errors, lot_sizes, nominal_cell
from packsim.study.fitting.response import READINGS, STEP_OF, Bench
from packsim.study.fitting.spread import spread_block
from packsim.study.fitting.text import scenario_text
from packsim.study.fitting.traits import as_defect, trait_covariance

if TYPE_CHECKING:
    from packsim.study.fit import Fit

Array = npt.NDArray[np.float64]
STRONGEST = 0.999  # correlation that a scenario is given
SMALLEST = 0.005
LARGEST_SD_PCT = 100.0
SINGULAR = 1e-6  # smallest eigenvalue of a correlation matrix that a line can use
SHRINK = 0.99


@dataclass
class FittedScenario:
    """The scenario, its text, and notes on what it cannot reproduce or had to assume."""

    scenario: Scenario
    text: str
    notes: list[str] = field(default_factory=list)


def starter() -> Scenario:
    """The scenario of `packsim init`."""
    from packsim.scenario.document import read
    from packsim.scenario.starter import starter_text

    return Scenario.model_validate(read(starter_text())[0].value)


def make_scenario(fit: Fit, base: Scenario | None) -> FittedScenario:
    """See `Fit.scenario`. Lots, nominal cell, gauges, spreads, correlations, storage: each needs those before.

    Raises:
        NominalCellError, ValueError: the base scenario's cell cannot be built or tested.
    """
    draft = Draft(fit, base if base is not None else starter())
    k_value = "k_value_mv_per_day"
    if k_value in draft.quantities and fit.means[k_value] <= 0.0:
        draft.leave_out(k_value, "The mean K-value is not positive: it cannot come from leakage")
    lot_sizes(draft)
    found = nominal_cell(draft)
    gauge_errors(draft, found)
    covariance, shapes = trait_covariance(draft, found)
    per_latent = np.ones((len(LEVELS), len(draft.traits)))
    for k, trait in enumerate(draft.traits):
        family, variance, nominal = as_defect(draft, trait, draft.nominal(trait), covariance[:, k, k], shapes[k])
        block, per_latent[:, k] = spread_block(trait, nominal, variance, family)
        draft.data["line"]["steps"][STEP_OF[trait]][trait] = block
        if block["sd_pct"] >= LARGEST_SD_PCT:
            draft.notes.append(f"{trait} would need an sd of more than 100 % of its nominal value: 100 % is used.")
        draft.sources[f"line.steps.{STEP_OF[trait]}.{trait}"] = draft.source
    _correlate(draft, covariance, per_latent)
    if "ocv_v" in draft.quantities:
        _storage(draft, found, covariance)
    draft.data["sources"] = {**draft.data.pop("sources", {}), **draft.sources}
    return FittedScenario(draft.scenario(), scenario_text(draft.data, draft.source), draft.notes)


def _correlate(draft: Draft, covariance: Array, per_latent: Array) -> None:
    """Correlations of the latent normals; to first order, a bent trait dilutes them by `per_latent`."""
    entries: list[dict[str, Any]] = []
    for row, level in enumerate(LEVELS):
        sd = np.sqrt(np.diag(covariance[row]))
        safe = np.where(sd > 0.0, sd, 1.0)
        wanted = covariance[row] / np.outer(safe, safe) * np.outer(per_latent[row], per_latent[row])
        matrix = np.clip(wanted, -STRONGEST, STRONGEST)
        np.fill_diagonal(matrix, 1.0)
        while len(matrix) and np.linalg.eigvalsh(matrix).min() < SINGULAR:
            matrix = SHRINK * matrix + (1.0 - SHRINK) * np.eye(len(matrix))
        for i in range(len(draft.traits)):
            for j in range(i):
                a, b, r = draft.traits[j], draft.traits[i], float(matrix[i, j])
                if abs(r - wanted[i, j]) > SMALLEST:
                    draft.notes.append(
                        f"{a} and {b} would need a correlation of {wanted[i, j]:.3f} ({level}) for the "
                        f"readings' covariance: {r:.3f} is used."
                    )
                if abs(r) > SMALLEST:
                    entries.append({"a": a, "b": b, "value": round(r, 4), "level": level})
    if entries:
        draft.data["line"]["correlations"] = entries


def _storage(draft: Draft, found: Bench, covariance: Array) -> None:
    """Charge error that gives the OCV's spread within lots beyond what the traits and the meter give."""
    row = found.slopes[READINGS.index("ocv_v")]
    caused = np.array([row @ matrix @ row for matrix in covariance]) if draft.traits else np.zeros(3)
    within = draft.within("ocv_v") - draft.gauge_variance["ocv_v"]
    left = within - float(caused[2])
    slope = abs(found.charge_slope)
    storage = draft.data["inspection"].setdefault("storage", {})
    if left <= 0.0 or slope <= 0.0:
        storage["charge_sd_pct"] = 0.0
        draft.notes.append("The OCV spreads less within lots than capacity and leakage alone make it: no charge error.")
    else:
        capacity = found.inspection.nominal_capacity_ah
        storage["charge_sd_pct"] = rounded(100.0 * math.sqrt(left) / slope / capacity)
    draft.sources["inspection.storage.charge_sd_pct"] = draft.source
    rows = draft.fit.components[draft.fit.components["quantity"] == "ocv_v"].set_index("level")["sd"]
    for place, level in enumerate(LEVELS[:2]):
        if level in rows.index:
            seen, made = float(rows[level]), math.sqrt(max(float(caused[place]), 0.0))
            if abs(seen - made) > 0.1 * max(seen, made):
                draft.notes.append(
                    f"Between {level}s the OCV has an sd of {1e3 * seen:.3g} mV, the scenario makes {1e3 * made:.3g} "
                    "mV: a line has no charge error between lots."
                )

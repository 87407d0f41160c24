"""What each test is worth: its own false rejects and escapes, which defects it sees, and the K-value test's ROC."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from packsim.cell.cells import Cells
from packsim.inspection.expected import with_defects
from packsim.inspection.k_value import k_limits, leak_limit
from packsim.inspection.measured import Flags, Measured
from packsim.inspection.plan import InspectionPlan
from packsim.inspection.test import test
from packsim.line.build import build, slot_addresses
from packsim.line.defects import DEFECTS
from packsim.line.plan import LinePlan

if TYPE_CHECKING:
    import pandas as pd

Array = npt.NDArray[np.float64]
TESTS = ("capacity", "dcir", "ocv", "k_value")
PARTICLES = next(place for place, defect in enumerate(DEFECTS) if defect.name == "particle_contamination")


class RatesOfTest(NamedTuple):
    """One test alone, over n cells with a window: what its readings reject though true, or pass though false."""

    false_reject_ppm: float  # of the cells whose true value is within the limits
    escape_ppm: float  # of the cells whose readings are
    false_rejects: int
    escapes: int
    good: int
    passed: int


class Roc(NamedTuple):
    """Detection of particle contamination against false alarms, over all limits of the K-value, strict to loose.

    `limit` is mV/day, or robust sigmas above the lot's median where the plan's limit is relative. Shares 0..1.
    `auc`: the chance that a contaminated cell reads above a clean one. `at_limit`: (false alarm, detection) of the plan's
    own limit, nan without one.
    """

    limit: Array
    false_alarm: Array
    detection: Array
    auc: float
    at_limit: tuple[float, float]


def misses(plan: InspectionPlan, measured: Measured) -> dict[str, Flags]:
    """Whether the reading that decides misses the limits of each of TESTS [n]; False without a reading."""
    out = {}
    for name, values, (low, high) in (
        ("capacity", measured.capacity_ah, plan.capacity_ah),
        ("dcir", measured.dcir_mohm, plan.dcir_mohm),
        ("ocv", measured.ocv_v, plan.ocv_v),
        ("k_value", measured.k_value_mv_per_day, (-math.inf, measured.k_limit_mv_per_day)),
    ):
        out[name] = (values < low) | (values > high)
    return out


def truly_misses(plan: InspectionPlan, measured: Measured) -> dict[str, Flags]:
    """Whether the true value misses the limits of each of TESTS [n]; the K-value's is its leak's part."""
    leak = leak_limit(plan, measured.k_limit_mv_per_day)
    out = {}
    for name, values, (low, high) in (
        ("capacity", measured.true_capacity_ah, plan.capacity_spec_ah),
        ("dcir", measured.true_dcir_mohm, plan.dcir_spec_mohm),
        ("ocv", measured.true_ocv_v, plan.ocv_spec_v),
        ("k_value", measured.true_k_value_mv_per_day, (-math.inf, leak)),
    ):
        out[name] = (values < low) | (values > high)
    return out


def per_test(plan: InspectionPlan, measured: Measured) -> dict[str, RatesOfTest]:
    """Rates of each of TESTS alone; nan where no cell counts. Defects do not enter: only limits and readings do."""
    alive = np.isfinite(measured.true_capacity_ah)
    rejected, bad = misses(plan, measured), truly_misses(plan, measured)
    out = {}
    for name in TESTS:
        good, passed = alive & ~bad[name], alive & ~rejected[name]
        false_rejects, escapes = int((good & rejected[name]).sum()), int((passed & bad[name]).sum())
        out[name] = RatesOfTest(
            _ppm(false_rejects, int(good.sum())),
            _ppm(escapes, int(passed.sum())),
            false_rejects,
            escapes,
            int(good.sum()),
            int(passed.sum()),
        )
    return out


def detectability(line: LinePlan, inspection: InspectionPlan, seed: int, cells: int = 20_000) -> pd.DataFrame:
    """Share (percent) of cells with exactly one defect whose readings miss the limits of each test.

    As if no in-line inspection had found the defect before. Rows: `none` (cells without a defect: what the limits take
    anyway), then every defect that has a rate. Columns: TESTS, and `any` of them. A limit relative to the lot is that of
    the lot's cells without defects.
    """
    import pandas as pd

    address = _addresses(line, cells)
    clean = test(inspection, build(with_defects(line, ()), seed, address), seed)
    rows = {"none": clean}
    for place in np.flatnonzero(line.probability).tolist():
        bad = build(with_defects(line, (place,)), seed, address)
        rows[DEFECTS[place].name] = test(inspection, bad, seed, clean.k_limit_mv_per_day)
    table = {}
    for name, measured in rows.items():
        missed = misses(inspection, measured)
        table[name] = {key: 100.0 * float(flags.mean()) for key, flags in missed.items()}
        table[name]["any"] = 100.0 * float((~measured.accepted).mean())
    return pd.DataFrame.from_dict(table, orient="index", columns=[*TESTS, "any"]).rename_axis("defect")


def k_roc(line: LinePlan, inspection: InspectionPlan, seed: int, cells: int = 50_000, points: int = 200) -> Roc:
    """ROC of the K-value test's first readings: particle contamination (at the line's severities) against clean cells.

    As if no in-line inspection had found the particles before.

    Raises:
        ValueError: the line has no particle contamination.
    """
    if not line.probability[PARTICLES] > 0.0:
        raise ValueError("the line has no defect particle_contamination to detect")
    once, address = inspection.without_retests(), _addresses(line, cells)
    clean_cells = build(with_defects(line, ()), seed, address)
    clean = test(once, clean_cells, seed)
    bad = test(once, build(with_defects(line, (PARTICLES,)), seed, address), seed, clean.k_limit_mv_per_day)
    score = _scoring(once, clean_cells, clean.k_value_mv_per_day)
    alarms, hits = (
        np.sort(values[np.isfinite(values)])
        for values in (score(clean.k_value_mv_per_day), score(bad.k_value_mv_per_day))
    )
    # limits at evenly spaced logarithms of the false alarm, so that the strict end is drawn as finely as the loose one
    shares = np.geomspace(1.0 / alarms.size, 1.0, points)
    limit = alarms[np.clip(np.round((1.0 - shares) * alarms.size).astype(int), 0, alarms.size - 1)]
    below = np.searchsorted(alarms, hits, side="left") + np.searchsorted(alarms, hits, side="right")
    at_limit = (math.nan, math.nan)
    if math.isfinite(inspection.k_mv_per_day) or math.isfinite(inspection.k_robust_sigmas):
        alarm, hit = (float(misses(once, m)["k_value"].mean()) for m in (clean, bad))
        at_limit = (alarm, hit)
    return Roc(
        limit=limit,
        false_alarm=1.0 - np.searchsorted(alarms, limit, side="right") / alarms.size,
        detection=1.0 - np.searchsorted(hits, limit, side="right") / hits.size,
        auc=float(below.mean()) / (2.0 * alarms.size),
        at_limit=at_limit,
    )


def _scoring(plan: InspectionPlan, cells: Cells, clean: Array) -> Callable[[Array], Array]:
    """K-value readings as the plan's limit sees them: mV/day, or robust sigmas above the median of the lot's clean cells."""
    if not math.isfinite(plan.k_robust_sigmas):
        return lambda reading: reading
    middle = k_limits(plan._replace(k_robust_sigmas=0.0), cells, clean)
    sigma = k_limits(plan._replace(k_robust_sigmas=1.0), cells, clean) - middle
    return lambda reading: (reading - middle) / sigma


def _addresses(line: LinePlan, cells: int) -> npt.NDArray[np.int64]:
    """First candidates of whole blocks, at least `cells` of them."""
    blocks = -(-cells // line.slots_per_block)
    return np.concatenate([slot_addresses(block, range(line.slots_per_block)) for block in range(blocks)])


def _ppm(events: int, trials: int) -> float:
    return 1e6 * events / trials if trials else math.nan

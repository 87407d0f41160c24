"""Which trait the spread of the cells comes from: capacity, resistance, and the correlation of the two, trait by trait."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from packsim.cell.cells import concatenate
from packsim.cell.traits import TRAIT_NAMES
from packsim.inspection.response import reading_slopes
from packsim.study import block as blocks

if TYPE_CHECKING:
    import pandas as pd

    from packsim.study.run import Result

Array = npt.NDArray[np.float64]
MOST_CELLS = 100_000


class Spreads(NamedTuple):
    """Spread of some cells' true values, in percent, and how traits share it."""

    cells: int
    lots: int
    capacity_cv_pct: float
    dcir_cv_pct: float
    correlation: float
    np_ratio_cv_pct: float  # of the anode's over the cathode's loading
    by_trait: pd.DataFrame  # index trait; shares of capacity variance, DCIR variance, parts of the correlation


def spreads(result: Result, *, shipped: bool = True, clean: bool = True, most_cells: int = MOST_CELLS) -> Spreads:
    """Spread of the first `most_cells` cells of a run (whole blocks), shipped ones or all that were tested.

    The share of a trait x in var(Q) is slope_Q(x) cov(x, Q) / var(Q), its part of the correlation slope_Q(x) cov(x, R) over
    both sds, with the slopes of the mean cell. Shares add up to 1 (parts to the correlation) as far as Q and R are linear
    in the traits; the row `curvature` is what is left.

    Args:
        clean: leave out cells with a defect.
    """
    import pandas as pd

    built, capacity, dcir = [], [], []
    count = 0
    for number in range(result.block_count):
        filled = blocks.started(
            result.plans, result.seed, number, blocks.packs_in(result.plans, number, result.pack_count)
        )
        rows = filled.chosen if shipped else np.arange(len(filled.cells))
        rows = rows[(filled.cells.defect[rows] == 0) | (not clean)]
        rows = rows[np.isfinite(filled.measured.true_capacity_ah[rows])]
        built.append(filled.cells.take(rows))
        capacity.append(filled.measured.true_capacity_ah[rows])
        dcir.append(filled.measured.true_dcir_mohm[rows])
        count += rows.size
        if count >= most_cells:
            break
    cells, q, r = concatenate(built), np.concatenate(capacity), np.concatenate(dcir)
    slopes = reading_slopes(result.plans.line, result.plans.inspection)
    x = cells.values - cells.values.mean(axis=1, keepdims=True)
    dq, dr = q - q.mean(), r - r.mean()
    with_q, with_r = (x @ d / (q.size - 1) for d in (dq, dr))
    sd_q, sd_r = float(q.std(ddof=1)), float(r.std(ddof=1))
    correlation = float(dq @ dr / (q.size - 1) / (sd_q * sd_r))
    table = pd.DataFrame(
        {
            "capacity_share": slopes[0] * with_q / sd_q**2,
            "dcir_share": slopes[1] * with_r / sd_r**2,
            "correlation_part": 0.5 * (slopes[0] * with_r + slopes[1] * with_q) / (sd_q * sd_r),
        },
        index=pd.Index(TRAIT_NAMES, name="trait"),
    )
    left = (
        1.0 - table["capacity_share"].sum(),
        1.0 - table["dcir_share"].sum(),
        correlation - table["correlation_part"].sum(),
    )
    table.loc["curvature"] = left
    ratio = (
        cells.values[TRAIT_NAMES.index("anode_loading_ratio")]
        / cells.values[TRAIT_NAMES.index("cathode_loading_ratio")]
    )
    return Spreads(
        cells=q.size,
        lots=len(np.unique(cells.lot)),
        capacity_cv_pct=100.0 * sd_q / float(q.mean()),
        dcir_cv_pct=100.0 * sd_r / float(r.mean()),
        correlation=correlation,
        np_ratio_cv_pct=100.0 * float(ratio.std(ddof=1) / ratio.mean()),
        by_trait=table,
    )

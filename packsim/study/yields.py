"""Yields of a run, step by step: first-pass yields, their product, the rolled throughput yield, material loss."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from packsim.line.yields import material_use
from packsim.quality.yields import rolled_throughput_yield
from packsim.report.labels import fixed
from packsim.stats.intervals import leave_one_out, rate_interval
from packsim.study.metrics import ROW

if TYPE_CHECKING:
    import pandas as pd

    from packsim.report import html
    from packsim.study.run import Result

Array = npt.NDArray[np.float64]
TEST = "end_of_line_test"


def step_table(result: Result) -> pd.DataFrame:
    """One row for each inspected step and one for the test.

    Columns: step, entered, passed_at_first, reworked (in the test: passed when retested), scrapped,
    first_pass_yield_pct with its 95 % interval (low, high).
    """
    import pandas as pd

    rows = []
    for step, counts in _counts(result).items():
        entered, failed, scrapped = counts.sum(axis=0)

        def passed_share(sums: Array) -> float:
            return 100.0 * (1.0 - sums[1] / sums[0]) if sums[0] else math.nan

        _, left_out = leave_one_out(passed_share, counts)
        found = rate_interval(entered - failed, entered, left_out, 100.0)
        rows.append(
            {
                "step": step,
                "entered": int(entered),
                "passed_at_first": int(entered - failed),
                "reworked": int(failed - scrapped),
                "scrapped": int(scrapped),
                "first_pass_yield_pct": found.value,
                "low": found.low,
                "high": found.high,
            }
        )
    return pd.DataFrame(rows).set_index("step")


def product_of_yields_pct(result: Result) -> float:
    """Product of the first-pass yields of all inspected steps and of the test."""
    yields = step_table(result)["first_pass_yield_pct"] / 100.0
    return 100.0 * rolled_throughput_yield(yields.tolist())


def material_table(result: Result) -> pd.DataFrame:
    """Materials: used and in good cells, in cells' worth, and loss_pct."""
    import pandas as pd

    total = result.sums.sum(axis=0)
    scrapped = {step: int(counts[:, 2].sum()) for step, counts in _counts(result).items() if step != TEST}
    uses = material_use(result.scenario.line, int(total[ROW["starts"]]), scrapped, int(total[ROW["passed"]]))
    rows = [
        {"material": u.material, "used": u.used, "in_good_cells": u.in_good_cells, "loss_pct": u.loss_pct} for u in uses
    ]
    return pd.DataFrame(rows).set_index("material")


def yield_words(result: Result) -> tuple[str, ...]:
    """Rolled throughput yield beside the product of the steps' yields, the worst step, and the material lost."""
    if not result.plans.inspected:
        return ()
    steps, materials = step_table(result), material_table(result)
    rolled = result.summary()["rolled_throughput_yield_pct"]["value"]
    worst = steps["first_pass_yield_pct"].idxmin()
    lost = ", ".join(f"{name} {fixed(row['loss_pct'], 1)} %" for name, row in materials.iterrows())
    return (
        f"{fixed(rolled, 2)} % of all starts pass every inspection of the line and the test at first (rolled throughput "
        f"yield); the product of the steps' first-pass yields is {fixed(product_of_yields_pct(result), 2)} %. The two agree "
        "where steps fail independently of each other.",
        f"The step with the lowest first-pass yield is {str(worst).replace('_', ' ')}, "
        f"{fixed(float(steps['first_pass_yield_pct'].min()), 2)} %.",
        f"Material used but not in good cells: {lost}.",
    )


def yield_section(result: Result, name: str, *, said: bool = False) -> html.Section | None:
    """The report's section on yields by step; None for a line without in-line inspections.

    Args:
        said: `yield_words` stand elsewhere already.
    """
    if not result.plans.inspected:
        return None
    from packsim.report import html
    from packsim.report.yield_figures import step_yields, tables

    steps = step_table(result).reset_index()
    return html.Section(
        f"Yield by step: {name}",
        () if said else yield_words(result),
        [html.Figure(step_yields(steps), "First-pass yield of each inspected step, with 95 % intervals.")],
        tables(steps, material_table(result).reset_index()),
    )


def _counts(result: Result) -> dict[str, Array]:
    """Pieces [unit, (entered, not passed at first, scrapped)] of every inspected step and of the test."""
    units = result.by_unit(result.totals.steps_in_line)  # [unit, 3, step]
    out = {step: units[:, :, place] for place, step in enumerate(result.plans.inspected)}
    tested, first, passed = (result.sums[:, ROW[key]] for key in ("tested", "passed_at_first", "passed"))
    out[TEST] = np.stack([tested, tested - first, tested - passed], axis=1)
    return out

"""A fitted scenario simulated and fitted like the data it came from."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from packsim.quality.fit.components import components_of, correlations_of, structure
from packsim.quality.fit.nested import Components

if TYPE_CHECKING:
    import pandas as pd

    from packsim.scenario.model import Scenario
    from packsim.study.fit import Fit

LOTS, CELLS = 2_000, 100_000
SEED = 0xF17_C4EC_0000_0001
MOST_ROLLS = 8  # of a lot that are looked at


def simulate(scenario: Scenario, lots: int = LOTS, cells: int = CELLS, seed: int = SEED) -> pd.DataFrame:
    """Readings of the end-of-line test of cells of many lots of a scenario: lot, roll, cell and the quantities.

    Cells are spread evenly over the rolls of each lot. Limits reject nobody here.
    """
    import pandas as pd

    from packsim.cell import plan as cell_plans
    from packsim.inspection import plan as inspection_plans
    from packsim.inspection.test import test
    from packsim.line import plan as line_plans
    from packsim.line.build import build, lot_addresses

    line = line_plans.plan(scenario.line, scenario.slots_per_block, file=scenario.file)
    inspection = inspection_plans.plan(scenario.inspection, cell_plans.plan(scenario.cell, scenario.file), line)
    span = line.lot_cells
    if span > line.slots_per_block:
        span = span // line.slots_per_block * line.slots_per_block  # as the line rounds it
    rolls = min(-(-span // line.roll_cells), MOST_ROLLS)
    each = max(min(cells // lots // rolls, line.roll_cells), 1)
    offsets = np.arange(each) * line.roll_cells // each
    places = np.unique(np.minimum((np.arange(rolls)[:, None] * line.roll_cells + offsets).ravel(), span - 1))
    # descending: rows of a roll that the end of its blocks cuts short are then never followed by those of the next lot
    of_lot = np.repeat(np.arange(lots, dtype=np.int64)[::-1], places.size)
    place = np.tile(places, lots).astype(np.int64)
    built = build(line, seed, lot_addresses(line, of_lot, place))
    m = test(inspection, built, seed, np.inf)
    frame = pd.DataFrame({"lot": of_lot, "cell": np.arange(of_lot.size)})
    if rolls > 1:
        frame["roll"] = place // line.roll_cells
    for name in ("capacity_ah", "dcir_mohm", "ocv_v", "k_value_mv_per_day"):
        frame[name] = getattr(m, name)
    return frame


def check(fit: Fit) -> pd.DataFrame:
    """Columns kind (sd or correlation), what, level, data, low, high, scenario: of the data and of the simulated scenario.

    Levels cell and gauge of the data are compared together, as `within`.
    """
    import pandas as pd

    frame = simulate(fit.scenario())
    how = structure(frame)
    names = [q for q in fit.data.quantities if frame[q].std() > 0.0]
    single: dict[str, Components] = {}
    rows: list[tuple[Any, ...]] = []
    parts = {"within": ("within",) if "within" in fit.structure.levels else ("cell", "gauge")}
    own = {(c.quantity, c.level): c for c in fit.fitted_components}
    for name in names:
        single[name], made = components_of(name, frame[name].to_numpy(float), how)
        for row in made:
            levels = parts.get(row.level, (row.level,))
            seen = [own[name, level] for level in levels if (name, level) in own]
            if seen:
                sd = math.sqrt(sum(each.sd**2 for each in seen))
                low, high = (seen[0].low, seen[0].high) if len(seen) == 1 else (math.nan, math.nan)
                rows.append(("sd", name, row.level, sd, low, high, row.sd))
    table = {(c.a, c.b, c.level): c for c in fit.fitted_correlations}
    for c in correlations_of(names, frame[names].to_numpy(float), how, single):
        if (key := (c.a, c.b, c.level)) in table:
            rows.append(("correlation", f"{c.a} {c.b}", c.level, *table[key][3:], c.value))
    return pd.DataFrame(rows, columns=["kind", "what", "level", "data", "low", "high", "scenario"])

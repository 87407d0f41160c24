"""Operations and bytes of the hot kernels, counted over whole runs of their plain Python source; JSON for floor.py.

    python benchmarks/floor_counts.py TESTED     pickled plan of an end-of-line test, and its cells
    python benchmarks/floor_counts.py --only normals balance

Everything is in it: trials that are rejected, Newton rounds, searches for ends, set-up. Takes a minute, for few cells.
"""

from __future__ import annotations

import json
import pickle
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import counted as c  # first: it switches compilation off
import numba
import numpy as np

from packsim.bench.cells import as_built, spme, table
from packsim.bench.packs import full_packs
from packsim.bench.sampling import lines, planned
from packsim.bench.settings import Settings
from packsim.cell import kernels as cell
from packsim.inspection.test import true_values
from packsim.line.build import build
from packsim.numerics.streams import seed_key, write_short_normals, write_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from packsim.cell.plan import CellPlan

NORMALS, CELLS, BALANCED = 64, 2000, 64
SERIES, PARALLEL = 2, 7


def counts(call: Callable[[], float]) -> dict[str, float]:
    """Operations of a call, for each of the units that it says it has done."""
    c.COUNT.clear()
    units = call()
    return {name: count / units for name, count in sorted(c.COUNT.items())}


def normals() -> float:
    """Words, then normals, as the line draws them."""
    words = c.Rows(np.empty((4, NORMALS), np.uint32))
    counter, out = c.Rows(np.zeros((3, NORMALS), np.uint64)), c.Rows(np.empty((4, NORMALS), np.float32))
    write_words(words[0], words[1], words[2], words[3], counter, 7, *seed_key(1))
    for k in (0, 2):
        write_short_normals(out[k], out[k + 1], words[k], words[k + 1])
    return 4.0 * NORMALS


def sampling(number: int) -> float:
    """Cells of the EVE line (0) or the line with everything on (1)."""
    plan = planned(list(lines(Settings()))[number].model, 1)
    addresses = np.zeros((CELLS, 3), np.int64)
    addresses[:, 1] = np.arange(CELLS)
    build(c.tables(plan), 1, addresses)
    return float(CELLS)


def balance() -> float:
    """Electrode balance."""
    out, values = c.Rows(np.empty((5, BALANCED))), c.Rows(as_built(BALANCED).values)
    cell.balance(out, values, c.tables(spme().design), 0, BALANCED)
    return float(BALANCED)


def tested() -> float:
    """Cells through the end-of-line test."""
    plan, cells = pickle.loads(Path(sys.argv[1]).read_bytes())
    true_values(plan._replace(design=c.tables(plan.design)), cells, 1)
    return float(len(cells))


def discharged(plan: CellPlan) -> float:
    """Accepted cell-steps of a small pack with seven in parallel."""
    case = full_packs(SERIES, PARALLEL, 1, plan)
    outcome = case._replace(design=c.tables(case.design)).run()
    return float(SERIES * PARALLEL * np.asarray(outcome.steps).sum())


def kernels() -> Iterator[tuple[str, Callable[[], float]]]:
    """By the names that floor.py uses."""
    yield "normals", normals
    yield "sampling, EVE", lambda: sampling(0)
    yield "sampling, everything", lambda: sampling(1)
    yield "balance", balance
    yield "test", tested
    cells: dict[str, Any] = {"SPMe step": spme(), "SPMe step, shells": spme("Ecker2015"), "table-cell step": table()}
    for name, plan in cells.items():
        yield name, lambda p=plan: discharged(p)


def main() -> None:
    """Print all counts, or those of some kernels."""
    only = sys.argv[2:] if sys.argv[1] == "--only" else None
    numba.set_num_threads(1)
    c.install("packsim.line.build")
    print(json.dumps({name: counts(call) for name, call in kernels() if only is None or name in only}))


if __name__ == "__main__":
    main()

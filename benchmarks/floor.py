"""How far each hot kernel is from what this processor can do: `python benchmarks/floor.py [--write]`.

Counted: operations and bytes of a cell-step, by running the kernels' plain source with numbers that count
(floor_counts.py). Measured, on one core: the kernels, and loops that do nothing but one kind of operation. The floor is
the time of the busiest unit (arithmetic, division and roots, memory), as if all units worked at once, every vector lane
were filled and every addition joined a multiplication. No program reaches it. --write: docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import json
import math
import pickle
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numba
import numpy as np
from place import ROOT, place, table

from packsim.bench import normals
from packsim.bench.cells import as_built, spme
from packsim.bench.cells import table as table_cell
from packsim.bench.clock import OWN, least
from packsim.bench.machine import processor, vector_width
from packsim.bench.packs import full_packs
from packsim.bench.sampling import building, lines, planned
from packsim.bench.settings import Settings
from packsim.bench.testing import Tested
from packsim.cell.cell import window_of
from packsim.inspection.test import true_values
from packsim.numerics.jit import kernel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from packsim.cell.plan import CellPlan

REPEAT, TIMES = 9, 400
SMALL, LARGE = 1024, 16_000_000  # elements in the first cache, and far outside all caches but the last
TESTED, COUNTED = 20_000, 64
_loop = kernel  # as wide as packsim's own


class Peaks(NamedTuple):
    """What one core does at best in a nanosecond."""

    joined: float  # multiplications with an addition, float64
    integer: float  # 64-bit additions with a shift and an exclusive or, counted as three
    product: float  # 32-bit factors to 64 bits, with the shift that takes the upper half
    division: float
    root: float
    look_up: float  # from a table of 40 KB
    cache_bytes: float  # loaded and stored in the first cache
    memory_bytes: float


@_loop
def joined(x, out, times):
    """Sixteen rounds of eight chains for each element."""
    for _ in range(times):
        for i in range(x.size):
            a = x[i]
            b, c, d, e, f, g, h = a + 0.1, a + 0.2, a + 0.3, a + 0.4, a + 0.5, a + 0.6, a + 0.7
            for _ in range(16):
                a, b, c, d = a * 0.999 + 0.5, b * 0.999 + 0.5, c * 0.999 + 0.5, d * 0.999 + 0.5
                e, f, g, h = e * 0.999 + 0.5, f * 0.999 + 0.5, g * 0.999 + 0.5, h * 0.999 + 0.5
            out[i] = a + b + c + d + e + f + g + h


@_loop
def integer(x, out, times):
    """Sixteen rounds of three operations in two chains for each element."""
    for _ in range(times):
        for i in range(x.size):
            a, b = x[i], x[i] + np.uint64(1)
            for _ in range(16):
                a, b = (a >> np.uint64(3)) ^ (a + np.uint64(7)), (b >> np.uint64(3)) ^ (b + np.uint64(7))
            out[i] = a ^ b


@_loop
def product(x, out, times):
    """Sixteen products in two chains for each element, of which the upper halves are kept, or they would be foreseen."""
    low, one, two = np.uint64(0xFFFFFFFF), np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
    for _ in range(times):
        for i in range(x.size):
            a, b = x[i], x[i] + np.uint64(1)
            for _ in range(16):
                a, b = ((b & low) * one) >> np.uint64(32), ((a & low) * two) >> np.uint64(32)
            out[i] = a ^ b


@_loop
def division(x, out, times):
    """One for each element."""
    for k in range(times):
        one = 1.0 + k
        for i in range(x.size):
            out[i] = one / x[i]


@_loop
def root(x, out, times):
    """One for each element."""
    for k in range(times):
        for i in range(x.size):
            out[i] = math.sqrt(x[i] + k)


@_loop
def look_up(x, out, knots, at, times):
    """Four values beside one another, as of a cubic."""
    for _ in range(times):
        for i in range(x.size):
            k = at[i]
            out[i] = knots[k, 0] + x[i] * (knots[k, 1] + x[i] * (knots[k, 2] + x[i] * knots[k, 3]))


@_loop
def triad(a, b, out, times):
    """Two loaded, one stored."""
    for k in range(times):
        f = 1.0 + k
        for i in range(out.size):
            out[i] = a[i] + f * b[i]


def peaks() -> Peaks:
    """Measure them."""
    luck = np.random.default_rng(1)
    x, out, other = luck.random(SMALL) + 0.5, np.empty(SMALL), luck.random(SMALL)
    words, bits = luck.integers(0, 2**32, SMALL).astype(np.uint64), np.empty(SMALL, np.uint64)
    knots, at = luck.random((1280, 4)), luck.integers(0, 1280, SMALL)
    far = [np.ones(LARGE) for _ in range(3)]

    def per_ns(call: Callable[[], object], work: float) -> float:
        return work / (1e9 * least(call, REPEAT, OWN))

    return Peaks(
        per_ns(lambda: joined(x, out, TIMES), 128.0 * SMALL * TIMES),
        per_ns(lambda: integer(words, bits, TIMES), 96.0 * SMALL * TIMES),
        per_ns(lambda: product(words, bits, TIMES), 32.0 * SMALL * TIMES),
        per_ns(lambda: division(x, out, TIMES), 1.0 * SMALL * TIMES),
        per_ns(lambda: root(x, out, TIMES), 1.0 * SMALL * TIMES),
        per_ns(lambda: look_up(x, out, knots, at, TIMES), 4.0 * SMALL * TIMES),
        per_ns(lambda: triad(x, other, out, TIMES), 24.0 * SMALL * TIMES),
        per_ns(lambda: triad(*far, 2), 24.0 * LARGE * 2),
    )


class Floor(NamedTuple):
    """Least nanoseconds of each unit for one cell-step."""

    arithmetic: float
    divisions: float
    memory: float

    @property
    def ns(self) -> float:
        """Of the busiest."""
        return max(self)

    @property
    def unit(self) -> str:
        """The busiest."""
        return ("arithmetic", "division and roots", "memory")[int(np.argmax(self))]


def floor(counts: dict[str, float], best: Peaks, lanes: float) -> Floor:
    """The floor of a kernel; `lanes`: 2 for float32 and 32-bit words, which fill twice the lanes of the peaks' 64 bits."""

    def of(*names: str) -> float:
        return sum(counts.get(name, 0.0) for name in names)

    arithmetic = of("+-*") / (2.0 * best.joined) + of("compare", "convert", "sign") / best.joined
    arithmetic += of("int") / best.integer + of("int *") / best.product
    divisions = of("div") / best.division + of("sqrt") / best.root
    memory = of("bytes loaded", "bytes stored") / best.cache_bytes + of("look-up") / best.look_up
    return Floor(arithmetic / lanes, divisions / lanes, memory)


class Kernel(NamedTuple):
    """A hot kernel, its nanoseconds for one unit on one core, and what keeps it from its floor."""

    name: str
    unit: str
    ns: float
    why: str
    lanes: float = 1.0


WHY = {
    "normals": "words need 64-bit products of 32-bit factors, which fill half the lanes; the floor takes all as 32 bits",
    "sampling, EVE": "float32 and float64 mixed, short loops over pieces of rolls, cells written to memory and read again",
    "sampling, everything": "as above; tables of shapes, drift and inspections walk segment by segment",
    "balance": "a scalar Newton search for each cell: nothing fills vector lanes, each look-up waits for the one before",
    "test": "look-ups are done one by one; 512 cells at once keep their rows in the second cache, not in the first",
    "SPMe step": "look-ups keep loops from vector registers; divisions; short loops over few cells of a small pack",
    "SPMe step, shells": "an elimination from shell to shell, each waiting for the last, with a look-up at each face",
    "table-cell step": "look-ups and the sharing of currents in groups of seven are scalar",
}


def measured(case: Tested) -> Iterator[Kernel]:
    """Every hot kernel on one core, by processor time."""
    short = list(normals.measure(Settings()))[1]
    yield Kernel("normals", "a normal", short.value, WHY["normals"], 2.0)
    for name, line in zip(("sampling, EVE", "sampling, everything"), lines(Settings()), strict=True):
        plan = planned(line.model, 9)
        ns = 1e9 * least(building(plan), REPEAT, OWN) / plan.slots_per_block
        yield Kernel(name, "a cell", ns, WHY[name], 2.0)
    values = as_built(TESTED).values
    yield Kernel(
        "balance", "cell", 1e9 * least(lambda: window_of(spme().design, values), REPEAT, OWN) / TESTED, WHY["balance"]
    )
    run = least(lambda: true_values(case.plan, case.cells, 1), REPEAT, OWN)
    yield Kernel("test", "a cell", 1e9 * run / len(case.cells), WHY["test"])
    cells: dict[str, CellPlan] = {
        "SPMe step": spme(),
        "SPMe step, shells": spme("Ecker2015"),
        "table-cell step": table_cell(),
    }
    for name, cell in cells.items():
        packs = full_packs(26, 7, 20, cell)
        steps = 182 * float(packs.run().steps.sum())
        yield Kernel(name, "an accepted cell-step", 1e9 * least(packs.run, REPEAT, OWN) / steps, WHY[name])


def counted(case: Tested) -> dict[str, dict[str, float]]:
    """Counts from a process without a compiler."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "tested"
        file.write_bytes(pickle.dumps((case.plan, case.cells.take(np.arange(COUNTED)))))
        command = [sys.executable, str(ROOT / "benchmarks" / "floor_counts.py"), str(file)]
        return json.loads(subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout)


def row(own: Kernel, counts: dict[str, float], best: Peaks) -> list[str]:
    """One line of the table."""
    name = f"{own.name}, {own.unit}"
    low = floor(counts, best, own.lanes)

    def whole(*names: str) -> str:
        total = sum(counts.get(name, 0.0) for name in names)
        return f"{total:,.0f}" if total >= 10.0 else f"{total:.1f}"

    return [
        name,
        whole("+-*"),
        whole("compare", "convert", "sign", "int", "int *"),
        whole("div", "sqrt"),
        whole("look-up"),
        whole("bytes loaded", "bytes stored"),
        f"{low.ns:.3g} ({low.unit})",
        f"{own.ns:.3g}",
        f"{own.ns / low.ns:.1f}",
        own.why,
    ]


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--check", action="store_true", help="accepted, there is no bound")
    given = parser.parse_args()
    numba.set_num_threads(1)
    print("counting operations, a minute or two", flush=True)
    case = Tested(Settings(), TESTED)
    counts = counted(case)
    best = peaks()
    text = (
        f"One core of {processor()}, {vector_width()} registers; at best in a nanosecond: {best.joined:.1f} multiplications "
        f"with an addition (float64), {best.integer:.1f} integer operations, {best.product:.1f} integer products, "
        f"{best.division:.2f} divisions, {best.root:.2f} roots, {best.look_up:.1f} look-ups in a table of 40 KB; "
        f"{best.cache_bytes:.0f} bytes loaded and stored in the first cache, {best.memory_bytes:.1f} in memory.\n\n"
    )
    print(text, flush=True)
    rows = []
    for each in measured(case):
        rows.append(row(each, counts[each.name], best))
        print(" | ".join(rows[-1]), flush=True)
    head = ["kernel", "+ - *", "other", "/ and roots", "look-ups", "bytes", "floor, ns", "measured, ns", "times", "why"]
    if given.write:
        place("benchmarks.md", "floor", text + table(head, rows))


if __name__ == "__main__":
    main()

# ruff: noqa: E402
"""Tables of docs/beyond.md: cut-off to 0 V against PyBaMM, reserve and room, reversal against its prediction, damage.

python benchmarks/beyond_tables.py            run all (under a minute) and write them into docs/beyond.md
python benchmarks/beyond_tables.py --check    print only; exit 1 where a time to 0 V misses its bound
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "acceptance")]
os.environ.setdefault("PYBAMM_DISABLE_TELEMETRY", "true")

import numpy as np
import pybamm
import pybamm_spme as reference
import spme_accuracy as accuracy
from accuracy_page import table
from reversal_prediction import Predicted
from scipy.optimize import brentq
from test_beyond import AFTER_PCT, CASES, DFN_REACHES_V, cycle, over_discharged, reversal, soc_pct

from packsim.cell.beyond import kernels as k
from packsim.cell.beyond.damaged import DamagedCell
from packsim.cell.cell import Cell

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

DOCS = ROOT / "docs" / "beyond.md"
MODELS = (pybamm.lithium_ion.SPMe, pybamm.lithium_ion.DFN)


def to_zero_volt() -> tuple[list[list[str]], int]:
    """Rows of the first table, and how many bounds are missed."""
    rows, missed = [], 0
    for name in reference.SETS:
        pair, row = accuracy.Pair(name, accuracy.Case("stock")), [name]
        for model in MODELS:
            until = DFN_REACHES_V.get(name, 0.0) if model is MODELS[1] else 0.0
            line = pair.to_zero_volt(model, until)
            missed += not line.met
            seconds = line.quantity.split("(")[1].split(" s")[0]
            row += [f"{seconds}{f' (to {until:g} V)' if until else ''}", f"{line.measured:.2f}", f"{line.bound:.2f}"]
        rows.append(row)
    return rows, missed


def balances() -> Iterator[list[str]]:
    """Reserve and room at both ends, and which electrode takes the cell through 0 V."""
    for name in reference.SETS:
        cell = Predicted(reference.parameters(name))
        zero = brentq(cell.rest, max(-1e-3, (cell.q_li - 1.001 * cell.q_p) / cell.q_n), cell.x0, xtol=1e-12)
        falls = cell.u("p", cell.y(cell.x0)) - cell.u("p", cell.y(zero))
        rises = cell.u("n", zero) - cell.u("n", cell.x0)
        above = 100.0 * (1.0 - cell.x100) * cell.q_n / cell.capacity_ah
        below = 100.0 * cell.y(cell.x100) * cell.q_p / cell.capacity_ah
        first = "anode" if rises > falls else "cathode"
        numbers = (cell.reserve_pct, cell.room_pct, cell.soc_pct(zero), above, below)
        reserve, room, soc, *ends = (f"{value:.2f}" for value in numbers)
        yield [name, reserve, room, first, soc, *ends]


def reversals() -> Iterator[list[str]]:
    """Stock sets at three currents, and the varied cell at one; the predicted value in brackets."""
    cases = [(name, {}, rate) for name in reference.SETS for rate in (0.1, 1 / 3, 1.0)]
    cases += [("Chen2020", traits, rate) for traits, rate in CASES if traits]
    for name, traits, rate in cases:
        label = ", ".join(f"{trait} {value:g}" for trait, value in traits.items()) or "stock"
        cell, run = over_discharged(
            name, rate, -0.20 if name in ("Chen2020", "Prada2013", "OKane2022") else -0.40, traits
        )
        dissolves = bool(np.any(run.copper_dissolved_c > 0.0))
        ours = reversal(cell, run)
        cells = [
            f"{ours.onset_soc_pct:.2f}",
            f"{ours.copper_soc_pct:.2f}" if dissolves else "none",
            f"{ours.plateau_v:.3f}",
        ]
        try:
            truth = Predicted(reference.parameters(name), traits).reversal(
                rate * cell.nominal_capacity_ah, 3.5, AFTER_PCT
            )
            expected = [f"{truth.onset_soc_pct:.2f}", f"{truth.copper_soc_pct:.2f}", f"{truth.plateau_v:.3f}"]
        except ValueError:
            expected = ["-"] * 3
        yield [
            name,
            label,
            f"{rate:.2g}C",
            *(f"{a} ({b})" if b != "-" else a for a, b in zip(cells, expected, strict=True)),
        ]


def measured_cells() -> Iterator[list[str]]:
    """A cell with Guo's reserve, copper at the assumed potential and at the one at which it began in Fear's cells."""
    traits = {"anode_loading_ratio": 1.05}

    def reserve(cut: float) -> float:
        window = Cell("Chen2020", traits=traits, lower_cutoff_v=cut).balance
        return 100.0 * window.x0 / (window.x100 - window.x0)

    cut = brentq(lambda v: reserve(v) - 12.0, 2.5, 3.5, xtol=1e-6)
    for rate in (0.1, 1 / 3, 1.0):
        for copper in (3.5, 4.8):
            cell, run = over_discharged("Chen2020", rate, -0.20, traits, lower_cutoff_v=cut, copper_v=copper)
            found = reversal(cell, run)
            soc = -soc_pct(run, cell)
            peak = float(np.interp(-(found.copper_soc_pct - AFTER_PCT), soc, run.anode_potential_v))
            yield [f"{rate:.2g}C", f"{copper} V", f"{found.onset_soc_pct:.2f}", f"{found.plateau_v:.2f}", f"{peak:.2f}"]


def damages() -> Iterator[list[str]]:
    """What stays of one reversal at C/3."""
    cell = Cell("Chen2020")
    current, capacity = cell.nominal_capacity_ah / 3, cell.balance.capacity_ah
    fresh = DamagedCell(cell, initial_soc=0.0)
    whole = cycle(fresh, cell)[0]
    for depth in (0.0, 0.02, 0.05, 0.10, 0.20):
        run = DamagedCell(cell, initial_soc=0.0)
        run.profile([(current, depth * capacity / current * 3600.0)])
        cycle(run, cell)
        kept = cycle(run, cell)[0] / whole
        dissolved, lost = run.damage[k.DISSOLVED_C, 0] / 3600.0, run.damage[k.LITHIUM_LOST_C, 0] / 3600.0
        ohm = f"{run.short_ohm:.0f}" if np.isfinite(run.short_ohm) else "none"
        yield [f"{-100 * depth:.0f}", f"{dissolved:.3f}", ohm, f"{lost:.3f}", f"{100 * kept:.1f}"]


def main() -> int:
    """Run, print, write the docs unless only checking; the exit code."""
    zero, missed = to_zero_volt()
    parts: Sequence[tuple[str, Sequence[str], list[list[str]]]] = (
        (
            "From the cut-off to 0 V at 1C",
            ("set", "SPMe s", "error s", "bound s", "DFN s", "error s", "bound s"),
            zero,
        ),
        (
            "Electrode balance at the ends, % of the capacity",
            (
                "set",
                "anode reserve",
                "cathode room",
                "reverses first",
                "open circuit 0 V at % SOC",
                "anode room at 100 %",
                "cathode reserve at 100 %",
            ),
            list(balances()),
        ),
        (
            "Reversal: found (predicted)",
            ("set", "cell", "current", "0 V at % SOC", "copper from % SOC", f"V, {AFTER_PCT:g} % later"),
            list(reversals()),
        ),
        (
            "A cell with Guo's reserve of 12 %",
            ("current", "copper dissolves at", "0 V at % SOC", "plateau V", "anode V vs Li"),
            list(measured_cells()),
        ),
        (
            "What stays of one reversal of Chen2020 at C/3 with the assumed numbers",
            ("down to % SOC", "copper A.h", "short Ohm", "lithium lost A.h", "capacity kept %"),
            list(damages()),
        ),
    )
    text = "\n".join(f"\n### {title}\n\n{table(head, rows)}" for title, head, rows in parts)
    print(text)
    if "--check" in sys.argv:
        return int(missed > 0)
    head, _, tail = DOCS.read_text(encoding="utf-8").partition("<!-- tables -->\n")
    tail = tail.partition("<!-- /tables -->")[2]
    DOCS.write_text(f"{head}<!-- tables -->\n{text}\n<!-- /tables -->{tail}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

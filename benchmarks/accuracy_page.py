"""docs/accuracy.md from measured lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pybamm_spme import MESH, SETS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from spme_accuracy import Line

HEAD = """# Accuracy of the SPMe cell

Written by `python benchmarks/accuracy.py`; do not edit. Reference: PyBaMM {version}, SPMe, {points} radial points,
20/20/20 points through the cell, IDAKLU at rtol 1e-7, isothermal at the set's own ambient temperature, full by
electrode balance (`initial_soc=1.0`). packsim: steps of 10 s, shorter where the voltage bends by more than 20 mV.

Every set runs stock, with each mapped trait at +3 % and -3 %, with a weld of 3 % of the cell's DCIR, and twice with all
of them at once (random signs, then the opposite ones). On PyBaMM's side `tests/pybamm_traits.py` changes the
parameters; it shares no code with the kernels ([traits.md](traits.md)). Every one of these {cells} cells runs all of:

| what | bound |
|---|---|
| voltage RMSE of a full discharge, samples every 10 s up to the first of the two ends | C/3 1 mV, 1C 2 mV, 2C 5 mV |
| largest error over 30 min each of 1C, rest, -C/2, rest, from full | 10 mV |
| capacity at 1C against the same cell's SPMe | 0.05 % |
| stock: capacity at 1C against the DFN | 0.1 % |
| stock: time from the cut-off to 0 V at 1C | the larger of 2 % and 2 s |
| stock: 10 s steps against 1 s steps at 1C | 0.01 % of capacity, 1 mV |
| electrode balance of 1,000 random cells (traits within 5 %) against ElectrodeSOHSolver | 1e-4, capacity relative |
"""

CHARGE_NOTE = """
On Chen2020 and OKane2022 a 2C charge empties the anode's pores of salt at the collector (7 mol/m3 left). With some
traits 3 % off, PyBaMM's SPMe stops there within a minute; packsim's runs on with a floor of 1 mol/m3.
"""

QUANTITIES = ("C/3 RMSE", "1C RMSE", "2C RMSE", "1C / rest / -C/2 / rest, largest error", "1C capacity vs SPMe")
TITLES = ("C/3 mV", "1C mV", "2C mV", "sequence mV", "capacity %")
EXTRAS = {
    "1C capacity vs DFN": "capacity vs DFN %",
    "10 s vs 1 s steps, capacity": "10 s steps, capacity %",
    "10 s vs 1 s steps, largest voltage difference": "10 s steps, mV",
    "electrode balance, largest error": "balance",
}


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows)]
    return "\n".join(lines) + "\n"


def number(line: Line) -> str:
    """Three digits, bold and marked where the bound is missed."""
    text = f"{line.measured:.2g}" if line.measured < 0.01 else f"{line.measured:.3f}"
    return text if line.met else f"**{text} MISSED**"


def page(lines: Sequence[Line], charge: Sequence[tuple[str, float, float]], version: str) -> str:
    """The whole page."""
    of = {name: [line for line in lines if line.set == name] for name in SETS}
    missed = [line for line in lines if not line.met]
    cells = len({(line.set, line.case) for line in lines if line.quantity in QUANTITIES})
    out = [HEAD.format(version=version, points=MESH["r_n"], cells=cells)]
    out.append(f"\n{len(lines)} numbers, {len(missed)} of them beyond their bound.\n")
    out += [f"- {x.set}, {x.case}, {x.quantity}: {x.measured:.4g} | <= {x.bound:.4g} {x.unit}\n" for x in missed]
    out.append("\n## Stock\n\n" + table(("set", *TITLES), (stock(name, of[name]) for name in SETS)))
    out.append("\n" + table(("set", *EXTRAS.values(), "to 0 V, s of s"), (extras(name, of[name]) for name in SETS)))
    out.append("\n## Worst of all cells\n\n" + table(("set", *TITLES), (worst(name, of[name]) for name in SETS)))
    out.append("\n## Charging from 0 % SOC, RMSE, stock, no bound\n\n")
    out.append(table(("set", "1C mV", "2C mV"), ((name, f"{one:.2f}", f"{two:.2f}") for name, one, two in charge)))
    out.append(CHARGE_NOTE)
    for name in SETS:
        out.append(f"\n## {name}\n\n" + table(("cell", *TITLES), details(of[name])))
    return "".join(out)


def pick(lines: Sequence[Line], quantity: str, case: str | None = None) -> list[Line]:
    """Lines of one quantity, of one case if given."""
    return [line for line in lines if line.quantity.startswith(quantity) and (case is None or line.case == case)]


def stock(name: str, lines: Sequence[Line]) -> list[str]:
    """One row of the stock table."""
    return [name, *(number(pick(lines, quantity, "stock")[0]) for quantity in QUANTITIES)]


def extras(name: str, lines: Sequence[Line]) -> list[str]:
    """One row of what only the stock cell runs."""
    short = pick(lines, "cut-off to 0 V")[0]
    duration = short.quantity.split("(")[1].split(" s")[0]
    return [name, *(number(pick(lines, quantity)[0]) for quantity in EXTRAS), f"{number(short)} of {duration}"]


def worst(name: str, lines: Sequence[Line]) -> list[str]:
    """The worst cell for each quantity, and which one it is."""
    top = [max(pick(lines, quantity), key=lambda line: line.measured) for quantity in QUANTITIES]
    return [name, *(f"{number(line)} ({line.case})" for line in top)]


def details(lines: Sequence[Line]) -> Iterable[list[str]]:
    """One row a cell."""
    for case in dict.fromkeys(line.case for line in lines if line.quantity in QUANTITIES):
        yield [case, *(number(pick(lines, quantity, case)[0]) for quantity in QUANTITIES)]

"""What the pack's network costs a cell: `python benchmarks/network.py [--write]` puts the table into docs/network.md.

One bottom-up and one top-down pass, best of 15 batches of a millisecond or more; welds and rails scatter by 10 %.
"""

from __future__ import annotations

import argparse
import platform
import time
from pathlib import Path

import numba
import numpy as np

from packsim.pack.network.kernels import expand, reduce
from packsim.pack.network.plan import joints_of, plan, solve_for
from packsim.scenario.topology import Topology

ROOT = Path(__file__).resolve().parents[1]
LAYOUTS = ("96s1p", "26s7p", "96s12p", "96s46p", "1s100p", "2p(8s(12s4p))", "16p96s")
RAILS = (("ideal", "one_end", 0.0), ("ladder, one end", "one_end", 0.01), ("ladder, diagonal", "opposite_ends", 0.01))


@numba.njit(nogil=True, error_model="numpy", fastmath={"contract"})
def _many(times, work, current, emf, slope, net, joints, drain_a):
    for _ in range(times):
        emf[0] += 1e-9
        reduce(work, emf, slope, net, joints, drain_a)
        expand(work, current, 5.0, emf, net, joints, drain_a)


def ns_per_cell(layout: str, terminals: str, busbar_mohm: float) -> float:
    """Nanoseconds a cell of both passes."""
    joint = {"nominal": 0.1, "spread_pct": 10.0}
    rail = {"nominal": busbar_mohm, "spread_pct": 10.0}
    joints = {"tab_mohm": joint, "busbar_mohm": rail, "string_busbar_mohm": rail}
    found = plan(Topology(layout=layout, terminals=terminals, joints=joints))
    n, luck = found.cells, np.random.default_rng(0)
    arguments = (
        solve_for(found.net),
        np.zeros(n),
        3.7 + 0.01 * luck.normal(size=n),
        0.02 * (1.0 + 0.02 * luck.normal(size=n)),
        found.net,
        joints_of(found, 1, 0, 0),
        np.zeros(found.net.kind.size),
    )
    _many(1, *arguments)
    times, best = max(20, int(1e6 / n)), np.inf
    for _ in range(15):
        begun = time.perf_counter()
        _many(times, *arguments)
        best = min(best, time.perf_counter() - begun)
    return 1e9 * best / times / n


def table() -> str:
    """Markdown."""
    lines = [f"| layout | cells | {' | '.join(name for name, _, _ in RAILS)} |", "|---|---|---|---|---|"]
    for layout in LAYOUTS:
        cells = plan(Topology(layout=layout)).cells
        numbers = [ns_per_cell(layout, terminals, ohm) for _, terminals, ohm in RAILS]
        lines.append(f"| {layout} | {cells} | {' | '.join(f'{number:.1f}' for number in numbers)} |")
    return "\n".join(lines)


def main() -> None:
    """Print the table, or write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    text = table()
    print(text)
    if parser.parse_args().write:
        page = ROOT / "docs" / "network.md"
        head, _, tail = page.read_text(encoding="utf-8").partition("<!-- speed -->")
        tail = tail.partition("<!-- /speed -->")[2]
        machine = f"{platform.machine()}, Python {platform.python_version()}, one thread; nanoseconds a cell"
        page.write_text(f"{head}<!-- speed -->\n{machine}:\n\n{text}\n<!-- /speed -->{tail}", encoding="utf-8")


if __name__ == "__main__":
    main()

"""What joints, heat, battery management and events cost: the general time loop beside the plain coupled solve.

    python benchmarks/pack_duty.py            prints measured | bound
    python benchmarks/pack_duty.py --write    also puts the table into docs/pack.md

Both take the same 26s7p pack of distinct cells through charge, rest and discharge on one core, in steps of up to 30 s, the
default with heat; speed is in equivalent cell-steps (cells x simulated seconds / 10) per second of processor time. The last
row is the plain solve with its own default of 120 s.

What is compared are pairs: the plain solve and one case right after each other, in either order; the median of their ratios
stands against the bound. Both sides begin with the coefficients of cells whose electrode balance is known and end with
what is kept, memory stays with the process, and pieces of random sizes lie between its arrays: where these happen to lie
is worth up to 1 %, for either side, and else would be the same for all pairs of a process.
"""

from __future__ import annotations

import argparse
import gc
import re
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from packsim.bench.clock import OWN
from packsim.bench.pages import keep_pages
from packsim.cell import kernels as cell_kernels
from packsim.cell.cell import Cell
from packsim.cell.cells import Cells
from packsim.cell.plan import plan as cell_plan
from packsim.pack import plan as pack_plans
from packsim.pack.duty import run as duty
from packsim.pack.duty.protocol import Rated
from packsim.pack.duty.protocol import plan as protocol_plan
from packsim.pack.network.plan import joints_of
from packsim.pack.pack import Pack
from packsim.pack.run import run as plain_run
from packsim.pack.run import windows
from packsim.scenario.bms import Balancing, Bms
from packsim.scenario.cell import CellModel
from packsim.scenario.heat import Coolant, HeatModel
from packsim.scenario.pack import PackModel, VerdictModel
from packsim.scenario.protocol import protocol
from packsim.scenario.topology import Joint, JointsModel, Weld

SERIES, PARALLEL, PAIRS = 26, 7, 60
STEP_S = 30.0
STEPS = [
    "Charge at 0.5C for 10 hours",
    "Hold at 4.2 V until C/20",
    "Rest for 30 minutes",
    "Discharge at 1C for 3 hours",
]
LADDER = JointsModel(
    tab_mohm=Weld(nominal=0.1, spread_pct=10.0), busbar_mohm=Joint(nominal=0.05, spread_pct=10.0),
    group_link_mohm=Joint(nominal=0.05),
)  # fmt: skip
EVERYTHING = Bms(
    sensor_offset_sd_mv=2.0, sensor_noise_mv=1.0, sensor_resolution_mv=0.1, sampling_s=1.0, voltage_delay_s=2.0,
    over_temperature_degc=60.0, temperature_noise_k=0.2, rest_for_ocv_h=0.4, balancing=Balancing(bleed_ma=50.0),
)  # fmt: skip
WARM = HeatModel(coolant=Coolant())
GAP = 8192  # bytes: the largest piece between the arrays of two turns
OFF, ALL = "every feature off", "joints, rails, heat, BMS, events"
DOCS = Path(__file__).parents[1] / "docs" / "pack.md"


class Turn(NamedTuple):
    """One run of one side."""

    rate: float  # equivalent cell-steps a second
    steps: int


Side = Callable[[], Turn]


def packs():
    """Name -> a pack that is built anew for every run."""
    luck, n = np.random.default_rng(1), SERIES * PARALLEL
    names = ("cathode_loading_ratio", "anode_loading_ratio", "cathode_thickness_ratio", "coated_area_ratio")
    traits = {name: 1.0 + 0.01 * luck.standard_normal(n) for name in names} | {"weld_resistance_mohm": np.full(n, 0.3)}
    soc = 0.3 + 0.01 * luck.standard_normal(n)
    cell, layout = Cell("Chen2020"), f"{SERIES}s{PARALLEL}p"
    cases = {
        OFF: {},
        "joints and rails": {"joints": LADDER},
        "joints, rails, heat": {"joints": LADDER, "heat": WARM},
        "joints, rails, BMS": {"joints": LADDER, "bms": EVERYTHING},
        ALL: {"joints": LADDER, "heat": WARM, "bms": EVERYTHING},
    }
    return (
        soc,
        {
            name: Pack(cell, layout, traits=traits, soc=soc, seed=1, longest_step_s=STEP_S, **keys)
            for name, keys in cases.items()
        },
    )


def sides() -> tuple[Side, dict[str, Side]]:
    """The plain solve, and name -> what stands beside it."""
    soc, built = packs()
    any_pack = built[OFF]
    values, n = any_pack.values, any_pack.cells
    plan = cell_plan(CellModel(parameter_set="Chen2020"))
    own_default = pack_plans.plan(PackModel(series=SERIES, parallel=PARALLEL), VerdictModel(), plan)
    cells = Cells.at_the_end(np.zeros((n, 3), np.int64), np.zeros(n, np.int32), values, np.zeros(n, np.uint16))
    order, offset, window = np.arange(n).reshape(1, -1), np.zeros((1, SERIES)), windows(plan.design, values)
    steps = protocol_plan(protocol(STEPS), Rated(SERIES, PARALLEL, any_pack.rated_capacity_ah / PARALLEL))

    def turn(seconds: float, simulated_s: float, count: int) -> Turn:
        return Turn(n * simulated_s / 10.0 / seconds, count)

    def plain(longest_step_s: float) -> Turn:
        start = OWN()
        limits = own_default._replace(dt_max=longest_step_s)
        outcome = plain_run(limits, plan.design, cells, soc, order, offset, window)
        return turn(OWN() - start, float(outcome.simulated_s[0]), int(outcome.steps[0]))

    def general(pack: Pack) -> Turn:
        own = duty.build(pack.plan, values, soc, joints_of(pack.plan.network, 1, 0, 0), seed=1, block=0, pack=0)
        start = OWN()
        cell_kernels.coefficients(own.lane.coef, values, pack.plan.design, 0, n)  # once more: the plain solve's time
        cell_kernels.rest_state(own.lane.state, pack.plan.design, soc, own.window, 0, n)  # has them in it
        run = duty.run(pack.plan, own, steps, duty.no_faults())
        return turn(OWN() - start, float(run.kept.time_s.sum()), int(run.kept.steps[0]))

    beside: dict[str, Side] = {name: lambda pack=pack: general(pack) for name, pack in built.items()}  # type: ignore[misc]
    beside[f"plain coupled solve, steps up to {own_default.dt_max:g} s"] = lambda: plain(own_default.dt_max)
    return lambda: plain(STEP_S), beside


def in_pairs(plain: Side, beside: dict[str, Side]) -> dict[str, list[tuple[Turn, Turn]]]:
    """Name -> pairs (plain, case); the first runs, which may compile, are not among them."""
    for side in (plain, *beside.values()):
        side()
    found: dict[str, list[tuple[Turn, Turn]]] = {name: [] for name in beside}
    gap = np.random.default_rng(2)
    gc.disable()
    try:
        for number in range(PAIRS):
            between = [bytearray(int(size)) for size in gap.integers(16, GAP, 64)]
            del between[::2]  # what is freed leaves holes of all sizes
            for name, side in beside.items():
                if number % 2:
                    other = side()
                    found[name].append((plain(), other))
                else:
                    found[name].append((plain(), side()))
    finally:
        gc.enable()
    return found


def main() -> int:
    """Measure, print, compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="put the table into docs/pack.md")
    write = parser.parse_args().write
    keep_pages()
    found = in_pairs(*sides())
    share = {name: statistics.median(case.rate / plain.rate for plain, case in pairs) for name, pairs in found.items()}
    of_plain = [plain for pairs in found.values() for plain, _ in pairs]
    rows = [
        "| one core, 26s7p, Chen2020 | million equivalent cell-steps/s | of the plain solve | steps |",
        "|---|---|---|---|",
        f"| plain coupled solve | {middle(of_plain) / 1e6:.1f} | 1.00 | {of_plain[0].steps} |",
    ]
    for name, pairs in found.items():
        cases = [case for _, case in pairs]
        rows.append(f"| {name} | {middle(cases) / 1e6:.1f} | {share[name]:.2f} | {cases[0].steps} |")
    print("\n".join(rows))
    print(f"everything on, of the plain coupled solve: {share[ALL]:.3f} | >= 0.6")
    # of ps.Pack: a scenario then takes the plain loop itself
    print(f"every feature off, of the plain coupled solve: {share[OFF]:.3f} | >= 0.95")
    if write:
        text = DOCS.read_text()
        pattern = re.compile(r"(<!-- duty cost -->\n).*?(<!-- end -->)", re.DOTALL)
        DOCS.write_text(pattern.sub(lambda found: found.group(1) + "\n".join(rows) + "\n" + found.group(2), text))
    return 0 if share[ALL] >= 0.6 and share[OFF] >= 0.95 else 1


def middle(turns: list[Turn]) -> float:
    """The median rate."""
    return statistics.median(each.rate for each in turns)


if __name__ == "__main__":
    sys.exit(main())

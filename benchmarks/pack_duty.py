"""What joints, heat, battery management and events cost: the general time loop beside the plain coupled solve.

    python benchmarks/pack_duty.py            prints measured | bound
    python benchmarks/pack_duty.py --write    also puts the table into docs/pack.md

Both take the same 26s7p pack of distinct cells through charge, rest and discharge on one core, in steps of up to 30 s, the
default with heat; speed is in equivalent cell-steps (cells x simulated seconds / 10) per second of processor time, the best
of several runs taken in turns. The last row is the plain solve with its own default of 120 s.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from pathlib import Path

import numpy as np

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
from packsim.scenario.bms import Balancing, Bms
from packsim.scenario.cell import CellModel
from packsim.scenario.heat import Coolant, HeatModel
from packsim.scenario.pack import PackModel, VerdictModel
from packsim.scenario.protocol import protocol
from packsim.scenario.topology import Joint, JointsModel, Weld

SERIES, PARALLEL, REPEATS = 26, 7, 12
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
DOCS = Path(__file__).parents[1] / "docs" / "pack.md"


def packs():
    """Name -> a pack that is built anew for every run."""
    luck, n = np.random.default_rng(1), SERIES * PARALLEL
    names = ("cathode_loading_ratio", "anode_loading_ratio", "cathode_thickness_ratio", "coated_area_ratio")
    traits = {name: 1.0 + 0.01 * luck.standard_normal(n) for name in names} | {"weld_resistance_mohm": np.full(n, 0.3)}
    soc = 0.3 + 0.01 * luck.standard_normal(n)
    cell, layout = Cell("Chen2020"), f"{SERIES}s{PARALLEL}p"
    cases = {
        "every feature off": {},
        "joints and rails": {"joints": LADDER},
        "joints, rails, heat": {"joints": LADDER, "heat": WARM},
        "joints, rails, BMS": {"joints": LADDER, "bms": EVERYTHING},
        "joints, rails, heat, BMS, events": {"joints": LADDER, "heat": WARM, "bms": EVERYTHING},
    }
    return (
        soc,
        {
            name: Pack(cell, layout, traits=traits, soc=soc, seed=1, longest_step_s=STEP_S, **keys)
            for name, keys in cases.items()
        },
    )


def main() -> int:
    """Measure, print, compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="put the table into docs/pack.md")
    write = parser.parse_args().write
    soc, built = packs()
    any_pack = built["every feature off"]
    n = any_pack.cells
    plan = cell_plan(CellModel(parameter_set="Chen2020"))
    own_default = pack_plans.plan(PackModel(series=SERIES, parallel=PARALLEL), VerdictModel(), plan)
    plain = own_default._replace(dt_max=STEP_S)
    cells = Cells.at_the_end(np.zeros((n, 3), np.int64), np.zeros(n, np.int32), any_pack.values, np.zeros(n, np.uint16))
    order, offset = np.arange(n).reshape(1, -1), np.zeros((1, SERIES))
    steps = protocol_plan(protocol(STEPS), Rated(SERIES, PARALLEL, any_pack.rated_capacity_ah / PARALLEL))
    best: dict[str, tuple[float, float, int]] = {}

    def keep(name: str, seconds: float, simulated: float, count: int) -> None:
        rate = n * simulated / 10.0 / seconds
        if name not in best or rate > best[name][0]:
            best[name] = (rate, simulated, count)

    for _ in range(REPEATS):
        start = time.process_time()
        outcome = plain_run(plain, plan.design, cells, soc, order, offset)
        keep("plain coupled solve", time.process_time() - start, float(outcome.simulated_s[0]), int(outcome.steps[0]))
        for name, pack in built.items():
            joints = joints_of(pack.plan.network, 1, 0, 0)
            own = duty.build(pack.plan, any_pack.values, soc, joints, seed=1, block=0, pack=0)
            start = time.process_time()
            run = duty.run(pack.plan, own, steps, duty.no_faults())
            keep(name, time.process_time() - start, float(run.kept.time_s.sum()), int(run.kept.steps[0]))
        start = time.process_time()
        outcome = plain_run(own_default, plan.design, cells, soc, order, offset)
        title = f"plain coupled solve, steps up to {own_default.dt_max:g} s"
        keep(title, time.process_time() - start, float(outcome.simulated_s[0]), int(outcome.steps[0]))
    reference = best["plain coupled solve"][0]
    rows = [
        "| one core, 26s7p, Chen2020 | million equivalent cell-steps/s | of the plain solve | steps |",
        "|---|---|---|---|",
    ]
    for name, (rate, _, count) in best.items():
        rows.append(f"| {name} | {rate / 1e6:.1f} | {rate / reference:.2f} | {count} |")
    print("\n".join(rows))
    share = best["joints, rails, heat, BMS, events"][0] / reference
    print(f"everything on, of the plain coupled solve: {share:.3f} | >= 0.6")
    off = best["every feature off"][0] / reference  # of ps.Pack: a scenario then takes the plain loop itself
    print(f"every feature off, of the plain coupled solve: {off:.3f} | >= 0.95")
    if write:
        text = DOCS.read_text()
        pattern = re.compile(r"(<!-- duty cost -->\n).*?(<!-- end -->)", re.DOTALL)
        DOCS.write_text(pattern.sub(lambda found: found.group(1) + "\n".join(rows) + "\n" + found.group(2), text))
    return 0 if share >= 0.6 and off >= 0.95 else 1


if __name__ == "__main__":
    sys.exit(main())

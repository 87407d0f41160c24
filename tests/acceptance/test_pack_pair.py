"""Two unlike cells side by side against PyBaMM: a whole discharge, down to the cut-off, and the rest after it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pytest
from pybamm_pair import Carried, Pair
from pybamm_spme import MESH, parameters, run
from pybamm_traits import with_traits

from packsim.pack.pack import Pack

Array = npt.NDArray[np.float64]

NAME, RATED_A, LOW_V, REST_S = "Mohtat2020", 10.0, 2.8, 1200.0  # the set's own 1C of two cells, and its lower cut-off
# a leaner cathode and coarser anode beside a nominal cell that starts 3 % emptier
TRAITS = {"cathode_loading_ratio": 0.97, "cathode_thickness_ratio": 0.98, "anode_particle_radius_ratio": 1.03}
SOC = (1.0, 0.97)
FINE = MESH | {"r_n": 400, "r_p": 400}  # 0.1 s after the load is gone the anode's 100 shells are 7 mV off, 400 0.5 mV


class Ours(NamedTuple):
    """Every accepted step of the pack, the jumps' ends twice; `rest` is where the second protocol step begins."""

    time_s: Array
    current_a: Array  # of the first cell
    voltage_v: Array
    rest: int


def packs(longest_step_s: float) -> Ours:
    traits = {name: np.array([value, 1.0]) for name, value in TRAITS.items()} | {"weld_resistance_mohm": np.zeros(2)}
    pack = Pack(
        NAME, "1s2p", soc=np.array(SOC), traits=traits, rated_capacity_ah=RATED_A, longest_step_s=longest_step_s
    )
    raw = pack.run(["Discharge at 1C for 2 hours", f"Rest for {REST_S:g} s"], cells=True).raw
    m, seen = int(raw.trace.used[0]), raw.trace
    assert raw.kept.ended_by[0] == 9  # the BMS's lower limit: the step before it was shortened to end on the cut-off
    assert raw.kept.end_v[0, 0] == pytest.approx(LOW_V, abs=1e-6)
    return Ours(seen.time_s[:m], seen.cell_a[0, :m], seen.group_v[0, :m], int(np.argmax(seen.step[:m] == 1)))


def pybamms(pair: Pair, ours: Ours) -> tuple[Carried, float]:
    """The pair under the pack's total current at the same times, and when it reaches the cut-off itself."""
    end = ours.time_s[ours.rest - 1]
    time = np.union1d(ours.time_s[: ours.rest], end + np.arange(-2.0, 2.01, 0.1))
    load = pair.carry(RATED_A, time)
    near = slice(np.searchsorted(time, end - 2.05), None)  # straight lines over 0.1 s are good to 1 ms here
    own = np.interp(-LOW_V, -load.voltage_v[0, near], time[near])
    load = Carried(*(values[..., np.searchsorted(time, ours.time_s[: ours.rest])] for values in load))
    rest = pair.carry(0.0, ours.time_s[ours.rest :], load.state[:, -1])
    return Carried(*(np.concatenate(parts, axis=-1) for parts in zip(load, rest, strict=True))), float(own)


def test_pair_of_spme_cells_against_pybamm(report):
    # at the end of every accepted step, those at the jumps included; for both the rest begins when the pack is empty.
    # of the step options only the longest step is set; 120 s is the default
    base = parameters(NAME, 25.0)
    pair = Pair((with_traits(base, TRAITS), base), SOC, FINE)
    what, percent = "2p SPMe pack against PyBaMM", 100.0 / (0.5 * RATED_A)
    for longest in (120.0, 10.0, 1.0):
        ours = packs(longest)
        theirs, own_end = pybamms(pair, ours)
        assert np.max(np.abs(np.diff(theirs.voltage_v, axis=0))) < 1e-6, "the reference leaves Kirchhoff's laws"
        steps, end = np.diff(ours.time_s), ours.time_s[ours.rest - 1]
        off_v = 1e3 * np.abs(ours.voltage_v - theirs.voltage_v.mean(axis=0))
        off_a = percent * np.max(np.abs(ours.current_a - theirs.current_a))
        means = 0.5 * (ours.current_a[1:] + ours.current_a[:-1])  # straight under load, held at rest
        means[ours.rest :] = ours.current_a[ours.rest + 1 :]
        charge = np.append(0.0, np.cumsum(means * steps)) / 3600.0
        title = f"{what}, steps up to {longest:g} s"
        report(f"{title}: current split at steps' ends", off_a, 0.5, "% of the mean current")
        late = 100.0 * abs(end / own_end - 1.0)
        report(f"{title}: time to {LOW_V:g} V", late, 0.05, "%")
        off_q = percent * np.max(np.abs(charge - theirs.charge_ah))
        report(f"{title}: charge out of one cell", off_q, 0.05, "% of its capacity")
        # the first step after a jump is an eighth of the longest: the rest begins with 0.125 s where steps go up to 1 s
        report(f"{title}: group voltage", np.max(off_v), 3.0, "mV")
        if longest > 1.0:
            continue
        moved = steps > 0.0
        mean = 3600.0 * np.diff(theirs.charge_ah)[moved] / steps[moved]
        off_a = percent * np.max(np.abs(means[moved] - mean))
        report(f"{title}: current split, means over steps", off_a, 0.5, "% of the mean current")
        first = (ours.time_s > end) & (ours.time_s < end + 1.0)
        assert np.count_nonzero(first) >= 5, "the rest's first second is not looked at"
        report(f"{title}: ... the rest's first second alone", np.max(off_v[first]), 3.0, "mV")


def test_a_pair_of_equal_cells_is_pybamms_own(report):
    base = parameters(NAME, 25.0)
    alone = run(base, 0.5 * RATED_A, 7200.0)
    pair = Pair((base, base), (1.0, 1.0), MESH).carry(RATED_A, alone.time_s)
    off = 1e3 * np.max(np.abs(pair.voltage_v - alone.voltage_v))
    assert alone.voltage_v[-1] == pytest.approx(LOW_V, abs=1e-5)
    report("two equal cells as one system against PyBaMM's own solver, to 2.8 V", off, 0.01, "mV")

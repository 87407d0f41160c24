"""Slow ageing against PyBaMM's own sub-models, closed forms, and what must not change (docs/ageing.md)."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ageing_pair as pair
import numpy as np
import pybamm
import pybamm_ageing as reference
import pybamm_spme
import pytest

import packsim as ps
from packsim.cell.ageing import kernels as k
from packsim.cell.ageing.plan import assumed_ageing
from packsim.cell.ageing.rebuild import aged_lane, aged_window
from packsim.cell.electrodes.kernels import LEAK, N_COEF, Q_N, Q_P, X_N, X_P
from packsim.scenario.ageing import AgeingModel
from packsim.scenario.heat import HeatModel

if TYPE_CHECKING:
    from collections.abc import Callable

STORED = json.loads((Path(__file__).parents[1] / "data" / "ageing_reference.json").read_text())
BOUND_PCT = 5.0
FARADAY, GAS = 96485.33212, 8.31446261815324
DUTY = ["Charge at C/2 until 4.2 V", "Hold at 4.2 V until C/20", "Rest for 1 hour", "Discharge at 1C until 2.8 V"]


def off_pct(measured: float, true: float) -> float:
    """Relative difference in per cent."""
    return 100.0 * abs(measured / true - 1.0)


@pytest.mark.parametrize("case", reference.CASES, ids=lambda case: case.name)
def test_500_cycles_and_two_years_as_pybamm(case: reference.Case, report: Callable[..., None]) -> None:
    kept = STORED[case.name]
    assert kept["cycle"] == list(reference.cycle_steps(case))
    for soc, found in kept["storage"].items():
        days = kept["storage_days"]
        loss = pair.stored_ah(case, float(soc), 0.0) - pair.stored_ah(case, float(soc), days)
        true = found["fresh_ah"] - found["capacity_ah"]
        what = f"{case.name}: {days:g} days at {100 * float(soc):g} % SOC, capacity loss {true:.4f} A.h: error"
        report(what, off_pct(loss, true), BOUND_PCT, "%")
    one = pair.pack(case, 1.0)
    given = pair.cycled_ah(one, case, 500)
    rows = {int(row["cycle"]): row for row in kept["cycles"]}
    for last in (100, 500):
        true = rows[2]["capacity_ah"] - rows[last]["capacity_ah"]
        what = f"{case.name}: {last} cycles, capacity loss {true:.4f} A.h: error"
        report(what, off_pct(given[1] - given[last - 1], true), BOUND_PCT, "%")
    lost = float(one.ageing.lithium_lost_ah.iloc[0])
    report(f"{case.name}: 500 cycles, lithium lost: error", off_pct(lost, rows[500]["lithium_lost_ah"]), BOUND_PCT, "%")


@pytest.mark.parametrize("case", [reference.SOLVENT, reference.REACTION], ids=lambda case: case.name)
def test_first_cycles_and_a_month_as_pybamm_now(case: reference.Case, report: Callable[..., None]) -> None:
    rows = reference.cycled(case, 5, [2, 5])
    one = pair.pack(case, 1.0)
    given = pair.cycled_ah(one, case, 5)
    true = rows[0]["capacity_ah"] - rows[1]["capacity_ah"]
    report(f"{case.name}: live, cycles 2 to 5, capacity loss: error", off_pct(given[1] - given[4], true), 1.0, "%")
    lost = float(one.ageing.lithium_lost_ah.iloc[0])
    report(f"{case.name}: live, 5 cycles, lithium lost: error", off_pct(lost, rows[1]["lithium_lost_ah"]), 1.0, "%")
    found = reference.stored(case, 30.0, 0.5)
    loss = pair.stored_ah(case, 0.5, 0.0) - pair.stored_ah(case, 0.5, 30.0)
    true = found["fresh_ah"] - found["capacity_ah"]
    report(f"{case.name}: live, 30 days, capacity loss: error", off_pct(loss, true), 1.0, "%")


OTHERS = {
    "plating": (
        reference.Case(
            "plating",
            "OKane2022",
            {"lithium plating": "irreversible"},
            {"Lithium plating kinetic rate constant [m.s-1]": 1e-11},
        ),
        {"plating": "irreversible"},
        "Loss of capacity to negative lithium plating [A.h]",
        "plated_lithium_ah",
        1.0,
    ),
    "stress": (
        reference.Case(
            "stress",
            "OKane2022",
            {"loss of active material": ("stress-driven", "none"), "stress-induced diffusion": "false"},
        ),
        {"anode_stress_loss_ratio": 1.0},
        "Loss of active material in negative electrode [%]",
        "anode_lost_pct",
        1.0,
    ),
    "by SEI": (
        reference.Case(
            "solvent",
            "Chen2020",
            {"SEI": "solvent-diffusion limited", "loss of active material": "reaction-driven"},
            {"Negative electrode reaction-driven LAM factor [m3.mol-1]": 1e-4},
        ),
        {},
        "Loss of active material in negative electrode [%]",
        "anode_lost_pct",
        1.0,
    ),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_laws_as_pybamm_now(name: str, report: Callable[..., None]) -> None:
    """Plating, and loss of active material by stress and by SEI: three cycles."""
    case, changes, theirs, ours, bound = OTHERS[name]
    solution = reference.solve(case, [reference.cycle_steps(case)] * 3, 1.0)
    true = float(solution[theirs].entries[-1])
    one = pair.pack(case, 1.0, **changes)
    pair.cycled_ah(one, case, 3)
    report(
        f"{name}: live, 3 cycles, {ours} {true:.3g}: error", off_pct(float(one.ageing[ours].iloc[0]), true), bound, "%"
    )


@pytest.mark.slow
@pytest.mark.parametrize("case", reference.CASES, ids=lambda case: case.name)
def test_stored_reference_is_what_pybamm_gives(case: reference.Case, report: Callable[..., None]) -> None:
    kept = STORED[case.name]
    rows = {int(row["cycle"]): row for row in kept["cycles"]}
    worst = 0.0
    for row in reference.cycled(case, 500, [2, 100, 500]):
        worst = max(worst, off_pct(row["lithium_lost_ah"], rows[int(row["cycle"])]["lithium_lost_ah"]))
    report(f"{case.name}: stored reference against a new run", worst, 0.1, "%")


def arrays(one: ps.Pack) -> dict[str, Any]:
    """Everything that ageing could touch."""
    own = one.own
    return {"state": own.lane.state, "coef": own.lane.coef, "base": own.heats.base, "leak": own.leak_a}


@pytest.mark.parametrize("warm", [False, True], ids=["isothermal", "heated"])
def test_no_rates_change_no_bit(warm: bool, report: Callable[..., None]) -> None:
    nothing = pair.BARE | {"sei_film": "grown"}
    heat = HeatModel() if warm else None
    build: dict[str, Any] = {"heat": heat, "soc": [0.5, 0.6], "traits": {"coated_area_ratio": [1.0, 0.98]}}
    build["longest_step_s"] = 30.0  # the default is longer without ageing
    off = ps.Pack("Chen2020", "1s2p", **build)
    zero = ps.Pack("Chen2020", "1s2p", ageing=AgeingModel(**nothing), **build)
    still = ps.Pack("Chen2020", "1s2p", ageing=AgeingModel(plating="irreversible"), ageing_rate=0.0, **build)
    for one in (off, zero, still):
        one.run(DUTY, cycles=2)
    differ = 0
    for one in (zero, still):
        for name, array in arrays(off).items():
            differ += int(np.sum(array != arrays(one)[name]))
        assert not np.any(one.own.ageing[: k.N_LOSS])
    report(f"rates of zero ({'heated' if warm else 'isothermal'}): bits that differ", differ, 0.0)


def test_lithium_is_conserved(report: Callable[..., None]) -> None:
    """All laws at once, faster than life, on cells with leakage, one of them with shells in its particles."""
    for name, stress in (("OKane2022", 1.0), ("Ecker2015", 0.0)):
        model = AgeingModel(
            sei="reaction_limited",
            plating="irreversible",
            anode_stress_loss_ratio=stress,
            cathode_stress_loss_ratio=1e-3 * stress,
            anode_loss_per_sei_ratio=0.5,
            anode_loss_pct_per_cycle=0.5,
            cathode_loss_pct_per_cycle=0.5,
        )
        one = ps.Pack(name, "2s2p", ageing=model, soc=0.5, traits={"leakage_ua": 500.0}, heat=HeatModel())

        def lithium(one: ps.Pack = one) -> np.ndarray:
            lane, ageing = one.own.lane, one.own.ageing
            held = lane.state[X_N] / lane.coef[Q_N] + lane.state[X_P] / lane.coef[Q_P]
            return held + ageing[[k.SEI_C, k.PLATED_C, k.LOST_N_C, k.LOST_P_C]].sum(axis=0)

        before = lithium()
        one.run(["Discharge at 1C for 20 minutes", "Charge at C/2 for 40 minutes", "Rest for 2 hours"], cycles=6)
        assert np.all(one.own.ageing[[k.SEI_C, k.PLATED_C, k.LOST_N_C, k.LOST_P_C]] > 0.0)
        report(f"{name}: lithium, relative change", float(np.max(np.abs(lithium() / before - 1.0))), 1e-9)


def test_solvent_diffusion_grows_with_the_root_of_time(report: Callable[..., None]) -> None:
    values = reference.SOLVENT.values()
    per = values["SEI partial molar volume [m3.mol-1]"] / values["Ratio of lithium moles to SEI moles"]
    per *= values["SEI solvent diffusivity [m2.s-1]"] * values["Bulk solvent concentration [mol.m-3]"]
    first, one, worst = values["Initial SEI thickness [m]"], pair.pack(reference.SOLVENT, 0.7), 0.0
    days = 0.0
    for more in (1.0, 9.0, 90.0, 900.0):
        one.run([f"Rest for {24 * more:g} hours"], samples=0)
        days += more
        grown = 1e-9 * float(one.ageing.sei_thickness_nm.iloc[0])
        worst = max(worst, off_pct(grown, math.sqrt(first * first + 2.0 * per * days * 86400.0)))
    report("solvent diffusion at rest, 1 day to 2.7 years, against the root of time", worst, 1e-6, "%")


def test_reaction_limit_at_a_fixed_potential(report: Callable[..., None]) -> None:
    """A day's rest hardly moves the anode: growth as PyBaMM's potential curve and Tafel's law say."""
    values, soc = reference.REACTION.values(), 0.4
    one = pair.pack(reference.REACTION, soc)
    x = float(one.own.lane.state[X_N, 0])
    at = values["Negative electrode OCP [V]"](pybamm.Scalar(x))
    potential = float(values.process_symbol(at).evaluate().item())
    speed = values["SEI reaction exchange current density [A.m-2]"] / FARADAY
    speed *= values["SEI partial molar volume [m3.mol-1]"] / values["Ratio of lithium moles to SEI moles"]
    speed *= math.exp(-0.5 * FARADAY / (GAS * 298.15) * (potential - values["SEI open-circuit potential [V]"]))
    one.run(["Rest for 1 hour"], samples=0)
    grown = float(one.own.ageing[k.SEI_M, 0])
    report("reaction limit at rest, one hour, against the closed form", off_pct(grown, speed * 3600.0), 0.05, "%")


def test_both_limits_in_series_add_their_times(report: Callable[..., None]) -> None:
    """At a fixed potential time = growth / speed + (L^2 - L0^2) / (2 p): in one step or in many."""
    laws = pair.plan_of(reference.SERIES)
    per_volt, potential, worst = 38.9, 0.12, 0.0
    slow = laws.s_per_m * math.exp(0.5 * per_volt * (potential - laws.sei_v))
    for time in (1e3, 1e6, 1e9):
        for pieces in (1, 100):
            thickness = laws.first_m
            for _ in range(pieces):
                thickness += k.sei_growth(laws, thickness, potential, potential, 0.0, per_volt, time / pieces)
            taken = (thickness - laws.first_m) * slow + 0.5 * (thickness**2 - laws.first_m**2) * laws.s_per_m2
            worst = max(worst, off_pct(taken, time))
    report("reaction and diffusion in series, against the closed form", worst, 1e-6, "%")


@pytest.mark.parametrize("name", pybamm_spme.SETS)
def test_every_set_ages(name: str, report: Callable[..., None]) -> None:
    cell = ps.Cell(name)
    low, high = cell.design.lower_cutoff_v, cell.design.upper_cutoff_v
    steps = [f"Charge at C/2 until {high:g} V", f"Hold at {high:g} V until C/20", f"Discharge at 1C until {low:g} V"]
    one = ps.Pack(cell, "1s1p", ageing=AgeingModel(), soc=0.5)
    one.run(steps, cycles=50, samples=0)
    row = one.ageing.iloc[0]
    assert np.all(np.isfinite(row.to_numpy()))
    assert row.sei_thickness_nm > 5.0
    assert row.lithium_lost_pct > 0.0
    assert row.resistance_added_mohm > 0.0
    assert row.anode_lost_pct > 0.0
    assert 0.0 < row.pores_left_pct < 100.0
    assert cell.ageing is not None
    assumed = ", ".join(assumed_ageing(cell.ageing))
    report(f"{name}: capacity after 50 cycles (assumed: {assumed})", row.capacity_pct, 100.0, "%", "<")
    report(f"{name}: the same", row.capacity_pct, 95.0, "%", ">")


def test_an_aged_cell_is_rebuilt_from_its_sums(report: Callable[..., None]) -> None:
    """Coefficients from traits and sums equal those that the run arrived at; equilibrium voltage likewise."""
    model = AgeingModel(sei="reaction_limited", anode_loss_pct_per_cycle=0.3, cathode_loss_pct_per_cycle=0.2)
    rate = [1.0, 2.0]
    one = ps.Pack("Chen2020", "2s1p", ageing=model, ageing_rate=rate, soc=0.8)
    one.run([*DUTY, "Rest for 20 hours"], cycles=20, samples=0)
    own, design = one.own, one.plan.design
    lane = aged_lane(design, one.plan.ageing, one.values, own.ageing.copy(), np.array([0.5, 0.5]))
    off = max(float(np.max(np.abs(lane.coef[row] / own.lane.coef[row] - 1.0))) for row in range(N_COEF) if row != LEAK)
    report("aged cell rebuilt: coefficients, relative", off, 1e-9)
    window = aged_window(design, one.values, own.ageing)
    x, y = own.lane.state[X_N], own.lane.state[X_P]
    soc = (x - window[0]) / (window[1] - window[0])
    cathode = window[2] + soc * (window[3] - window[2])
    report("aged cell rebuilt: cathode at the same SOC", float(np.max(np.abs(cathode - y))), 1e-9)
    assert one.ageing.capacity_ah[1] < one.ageing.capacity_ah[0] < one.cell.balance.capacity_ah


def test_warmer_is_faster(report: Callable[..., None]) -> None:
    """Arrhenius between two packs held at 25 and 45 C: growth of thickness squared, and leakage."""
    squares, leaks = [], []
    for degc in (25.0, 45.0):
        cell = ps.Cell("OKane2022", temperature_degc=degc)
        one = ps.Pack(cell, "1s1p", ageing=AgeingModel(), soc=0.5, traits={"leakage_ua": 20.0})
        one.run(["Rest for 1000 hours"], samples=0)
        squares.append((1e-9 * float(one.ageing.sei_thickness_nm.iloc[0])) ** 2 - 25e-18)
        leaks.append(float(one.own.leak_a[0]))
    u = 1.0 / 298.15 - 1.0 / 318.15
    report(
        "SEI at 45 C over 25 C, against Arrhenius",
        off_pct(squares[1] / squares[0], math.exp(38e3 / GAS * u)),
        1e-6,
        "%",
    )
    report(
        "leakage at 45 C over 25 C, against Arrhenius",
        off_pct(leaks[1] / leaks[0], math.exp(53e3 / GAS * u)),
        1e-6,
        "%",
    )


def test_a_knee_comes_from_closing_pores(report: Callable[..., None]) -> None:
    """Capacity lost by the last 50 of 450 cycles over that of 50 in the middle: with pores that close, and without.

    Postulated: that all plated lithium lies in the pores, and how much of it is dead. The knee itself is not put in.
    """
    steps = ["Discharge at 1C until 2.5 V", "Charge at 1C until 4.2 V", "Hold at 4.2 V for 2 hours or until C/20"]
    slopes = []
    for pores in (True, False):
        model = AgeingModel(sei="reaction_limited", sei_rate_ratio=2.0, pores=pores)
        one, capacity = ps.Pack("Chen2020", "1s1p", ageing=model), []
        for cycles in (150, 50, 200, 50):
            one.run(steps, cycles=cycles, samples=0)
            capacity.append(float(one.ageing.capacity_pct.iloc[0]))
        slopes.append((capacity[2] - capacity[3]) / (capacity[0] - capacity[1]))
    report("knee: fade after over fade before, pores that close", slopes[0], 2.0, "", ">")
    report("knee: the same, pores that stay", slopes[1], 1.1)

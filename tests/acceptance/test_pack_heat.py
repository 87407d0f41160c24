"""Heat in a running pack: energy balance over a drive cycle, coolant, its loss, and PyBaMM's lumped cell."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pybamm
import pytest
from pybamm_spme import parameters

from packsim.cell.cell import Cell
from packsim.cell.electrodes.kernels import X_N, X_P
from packsim.pack.faults import kernels as faults_k
from packsim.pack.pack import Pack
from packsim.scenario.bms import Bms
from packsim.scenario.heat import Coolant, HeatModel
from packsim.scenario.injection import InjectedFault
from packsim.scenario.topology import Joint, JointsModel, Weld

CYCLES = Path(__file__).parents[2] / "configs" / "cycles"
LADDER = JointsModel(
    tab_mohm=Weld(nominal=0.2),
    busbar_mohm=Joint(nominal=0.1),
    group_link_mohm=Joint(nominal=0.1),
    disconnect_mohm=Joint(nominal=0.4),
)
COOLED = HeatModel(
    start_degc=20.0, ambient_degc=20.0, ambient_w_per_k=0.02, neighbour_w_per_k=0.1,
    coolant=Coolant(contact_w_per_k=0.2, flow_w_per_k=2.0, inlet_degc=18.0),
)  # fmt: skip


def enthalpy_j(name, pack, reference_k=298.15):
    """Energy in all cells above fully lithiated anodes and cathodes at stoichiometry 0, from PyBaMM's own potentials.

    dH = F n (U - T dU/dT), written with the potentials at the reference temperature, where their slopes are taken.
    """
    values = parameters(name, reference_k - 273.15)
    p = pybamm.LithiumIonParameters()
    sto = np.linspace(0.002, 0.998, 20001)

    def potential(domain, kelvin):
        return np.ravel(values.process_symbol(domain.prim.U(pybamm.Vector(sto), pybamm.Scalar(kelvin))).evaluate())

    total = 0.0
    state, coef = pack.own.lane.state, pack.own.heats.base
    for domain, row, charge in ((p.n, X_N, coef[0]), (p.p, X_P, coef[1])):
        u = potential(domain, reference_k)
        h = u - reference_k * (potential(domain, reference_k + 10.0) - u) / 10.0
        antiderivative = np.concatenate([[0.0], np.cumsum(0.5 * (h[1:] + h[:-1]) * np.diff(sto))])
        # current flows at U_p - U_n: lithium in the cathode has given U_p, that which left the anode has cost U_n
        total -= np.sum(np.interp(state[row], sto, antiderivative) / charge)
    return total


@pytest.mark.parametrize("name", ["OKane2022", "Mohtat2020"])
def test_energy_balance_over_a_drive_cycle(name, report):
    pack = Pack(name, "4s3p", soc=np.linspace(0.85, 0.9, 12), joints=LADDER, heat=COOLED)
    power = pack.rated_capacity_ah * 4 * 3.7  # the cycle's 60 kW peak becomes about 2C
    step = {
        "profile": str(CYCLES / "us06-like.csv"),
        "kind": "power",
        "unit": "kW",
        "scale": power / 40e3,
        "column": "power_kw",
    }
    before, warm = enthalpy_j(name, pack), pack.own.heats.temperature_k.copy()
    run = pack.run([step, "Rest for 5 minutes"])
    chemical = before - enthalpy_j(name, pack)
    heat = run.heat_j
    stored = float(np.sum(pack.own.heats.capacity_j_per_k * (pack.own.heats.temperature_k - warm)))
    terminal = 3600.0 * float(run.raw.kept.energy_wh.sum())
    # heat is counted where it went, not where it was made
    given = heat["coolant"] + heat["ambient"] + heat["joints"] + stored
    assert chemical > 0.0
    report(
        f"energy balance over a drive cycle, {name}",
        100.0 * abs(chemical - terminal - given) / chemical,
        0.1,
        "% of the chemical energy",
    )
    report(
        f"... heat made against heat found, {name}",
        abs(heat["cells"] + heat["tabs"] - (given - heat["joints"])) / given,
        1e-9,
        "relative",
    )
    assert given > 0.02 * chemical  # there is heat to speak of


def test_coolant_warms_along_its_way_and_its_loss_is_found(report):
    heat = COOLED.model_copy(update={"neighbour_w_per_k": 0.0, "ambient_w_per_k": 0.0})
    pack = Pack("OKane2022", "8s1p", soc=1.0, heat=heat)
    run = pack.run(["Discharge at 1C for 40 minutes"], cells=True)
    t, coolant = pack.own.heats.temperature_k, pack.own.heats.coolant_k
    assert np.all(np.diff(t) > 0.0)
    # each cell gives flow (1 - exp(-G / flow)) (T - coolant), which warms the coolant for the next
    g, flow = 0.2, 2.0
    arrives = np.concatenate([[291.15], coolant[:-1]])  # kept is the coolant as it leaves each cell
    taken = flow * (1.0 - np.exp(-g / flow)) * (t - arrives)
    report("coolant along 8 cells off its own heat", np.max(np.abs(coolant - arrives - taken / flow)), 1e-9, "K")
    back = Pack(
        "OKane2022",
        "8s1p",
        soc=1.0,
        heat=heat.model_copy(update={"coolant": heat.coolant.model_copy(update={"inlet": "last"})}),
    )
    back.run(["Discharge at 1C for 40 minutes"])
    assert back.own.heats.temperature_k[::-1] == pytest.approx(t, abs=1e-2)
    lost = Pack("OKane2022", "8s1p", soc=1.0, heat=heat)
    faulty = lost.run(["Discharge at 1C for 40 minutes"], faults=[InjectedFault(kind="coolant_loss", time_s=600.0)])
    seen = faulty.alarms
    assert list(seen["seen"]) == ["coolant takes no heat"]
    report("coolant loss is found, after", float(seen["time_s"][0]) - 600.0, 60.0, "s")
    assert lost.own.heats.temperature_k.max() > t.max() + 3.0
    assert run.alarms.empty
    assert faults_k.COOLANT_LOSS == 5


def test_over_temperature_opens_the_contactors(report):
    pack = Pack(
        "OKane2022",
        "4s1p",
        soc=1.0,
        heat=HeatModel(start_degc=30.0, ambient_degc=30.0, ambient_w_per_k=0.0),
        bms=Bms(over_temperature_degc=40.0),
    )
    run = pack.run(["Discharge at 2C for 1 hour", "Rest for 1 hour"])
    report("over-temperature: hottest cell off the limit", abs(pack.own.heats.temperature_k.max() - 313.15), 0.2, "K")
    assert list(run.steps["ended_by"]) == ["BMS: over-temperature, contactors opened"]  # the rest is not begun


@pytest.mark.parametrize("name", ["Ecker2015", "NCA_Kim2011"])
def test_lumped_cell_against_pybamm(name, report):
    # sets without entropic heat: PyBaMM's lumped model with heat of mixing is the same balance
    cell = Cell(name)
    set_ = pybamm.ParameterValues(name)
    cooling = float(set_["Total heat transfer coefficient [W.m-2.K-1]"] * set_["Cell cooling surface area [m2]"])
    pack = Pack(cell, "1s1p", heat=HeatModel(ambient_w_per_k=cooling), longest_step_s=5.0)
    traces = pack.run(["Discharge at 2C for 3 hours"]).raw.trace
    m = int(traces.used[0])
    values = parameters(name, 25.0)
    values["Current function [A]"] = 2.0 * float(values["Nominal cell capacity [A.h]"])
    model = pybamm.lithium_ion.SPMe({"thermal": "lumped", "heat of mixing": "true"})
    mesh = {"x_n": 20, "x_s": 20, "x_p": 20, "r_n": 60, "r_p": 60}
    simulation = pybamm.Simulation(
        model, parameter_values=values, solver=pybamm.IDAKLUSolver(rtol=1e-7, atol=1e-8), var_pts=mesh
    )
    solution = simulation.solve([0, 2700.0], initial_soc=1.0)
    time = solution["Time [s]"].entries
    at = np.linspace(5.0, min(time[-1], traces.time_s[m - 1]) - 30.0, 300)
    volts = np.interp(at, traces.time_s[:m], traces.voltage_v[:m]) - solution["Voltage [V]"](at)
    kelvin = np.interp(at, traces.time_s[:m], traces.hottest_k[:m]) - solution["Volume-averaged cell temperature [K]"](
        at
    )
    report(
        f"lumped thermal against PyBaMM, 2C, {name}: voltage", 1e3 * float(np.sqrt(np.mean(volts**2))), 2.5, "mV RMS"
    )
    report(f"lumped thermal against PyBaMM, 2C, {name}: temperature", float(np.max(np.abs(kelvin))), 0.05, "K")


@pytest.mark.parametrize("degc", [0.0, 10.0, 40.0, 45.0])
def test_a_pack_at_another_temperature_is_a_cell_read_there(degc, report):
    # every parameter of OKane2022 is Arrhenius: the cell read at 25 C and taken to `degc` is the cell read at `degc`
    # (steps of 1 s: the two choose their own, and a straight line between longer ones is not the curve)
    cold = Cell("OKane2022", temperature_degc=degc).discharge(1.0, dt_s=1.0)
    held = HeatModel(start_degc=degc, ambient_degc=degc, ambient_w_per_k=1e9)
    run = Pack("OKane2022", "1s1p", heat=held, longest_step_s=1.0, soc=1.0).run(["Discharge at 1C for 2 hours"])
    trace, m = run.raw.trace, int(run.raw.trace.used[0])
    at = np.linspace(0.0, min(cold.time_s[-1], trace.time_s[m - 1]), 200)
    off = np.interp(at, cold.time_s, cold.voltage_v) - np.interp(at, trace.time_s[:m], trace.voltage_v[:m])
    report(f"a cell taken to {degc:g} C against one read there", 1e3 * np.max(np.abs(off)), 0.5, "mV")
    report("... capacity", 100.0 * abs(run.raw.kept.charge_ah[0] / cold.capacity_ah - 1.0), 0.01, "%")

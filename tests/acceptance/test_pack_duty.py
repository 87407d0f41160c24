"""One pack through a protocol: Kirchhoff at every step, independent references, balances, battery management, faults."""

from __future__ import annotations

import numpy as np
import pytest
from packs import cell_plan, pack_case

from packsim.cell.cell import Cell, window_of
from packsim.cell.electrodes.kernels import LEAK, X_N
from packsim.cell.traits import INDEX, TRAIT_NAMES, trait_values
from packsim.pack.duty.protocol import Rated
from packsim.pack.duty.protocol import plan as protocol_plan
from packsim.pack.duty.run import no_faults, run_many
from packsim.pack.faults import kernels as faults_k
from packsim.pack.faults.plan import plan as fault_plan
from packsim.pack.pack import Pack
from packsim.pack.run import trace as plain_trace
from packsim.scenario.beyond import BeyondModel
from packsim.scenario.bms import Balancing, Bms, Derating
from packsim.scenario.injection import InjectedFault
from packsim.scenario.protocol import protocol
from packsim.scenario.topology import Joint, JointsModel, Weld

LADDER = JointsModel(
    tab_mohm=Weld(nominal=0.1, spread_pct=10.0),
    busbar_mohm=Joint(nominal=0.05, spread_pct=10.0),
    group_link_mohm=Joint(nominal=0.05),
)
PLAIN_DUTY = (
    "Charge at 0.5C for 10 hours",
    "Hold at 4.2 V until C/20",
    "Rest for 30 minutes",
    "Discharge at 1C for 3 hours",
)


def kept(run):
    """The trace as arrays that end where the run did."""
    run = run.raw
    m = int(run.trace.used[0])
    return run.trace._replace(
        **{name: getattr(run.trace, name)[..., :m] for name in run.trace._fields if name != "used"}
    )


def lines(run):
    """The log as (code, place, time, value)."""
    log = run.raw.log
    return [
        (int(log.code[k]), int(log.place[k]), float(log.time_s[k]), float(log.value[k]))
        for k in range(int(log.lines[0]))
    ]


def spread(cells, seed=1):
    luck = np.random.default_rng(seed)
    names = ("cathode_loading_ratio", "anode_loading_ratio", "cathode_thickness_ratio", "coated_area_ratio")
    return {name: 1.0 + 0.01 * luck.standard_normal(cells) for name in names} | {"weld_resistance_mohm": 0.3}


def test_without_joints_it_is_the_plain_pack(report):
    case = pack_case(6, 4, cell=cell_plan("Chen2020"), soc=0.3, soc_sd=0.01, charge={"c_rate": 0.5})
    outcome, _ = plain_trace(*case[:4], case.offset_v[0])
    pack = Pack("Chen2020", "6s4p", soc=case.soc, traits=dict(zip(TRAIT_NAMES, case.cells.values, strict=True)))
    run = pack.run(PLAIN_DUTY)
    ends = np.max(np.abs(run.raw.kept.end_v[3] - outcome.end_v[0, 0]))
    report("general loop against the plain one: group voltages at the end", ends, 1e-7, "V")
    report("... charge", abs(run.raw.kept.charge_ah[3] / outcome.usable_ah[0, 0] - 1.0), 1e-9, "relative")
    report("... energy", abs(run.raw.kept.energy_wh[3] / outcome.energy_wh[0, 0] - 1.0), 1e-9, "relative")
    assert run.raw.kept.ended_by[3] == 9  # the BMS's lower limit


@pytest.mark.parametrize("name", ["Chen2020", "Prada2013"])
def test_kirchhoff_at_every_step(name, report):
    # load, rest after load with 5 % of SOC between branches, reversal, power, hold
    soc = np.array([0.50, 0.55, 0.52, 0.60, 0.58, 0.55])
    pack = Pack(name, "2s3p", soc=soc, traits=spread(6))
    top = pack.plan.bms.limits.upper_v - 0.05
    run = pack.run(
        ["Discharge at 1C for 10 minutes", "Rest for 20 minutes", "Charge at 1C for 10 minutes",
         "Discharge at 20 W for 5 minutes", f"Charge at 0.5C until any group {top:g} V", f"Hold at {top:g} V until C/10",
         "Rest for 10 minutes"],
        cells=True,
    )  # fmt: skip
    seen = kept(run)
    assert run.raw.rows == 7
    volts = seen.cell_v.reshape(2, 3, -1)
    worst = np.max(np.ptp(volts, axis=1))
    sums = np.max(np.abs(seen.cell_a.reshape(2, 3, -1).sum(axis=1) - seen.current_a)) / pack.rated_capacity_ah
    report(f"parallel voltages at every accepted step, {name}", 1e3 * worst, 0.01, "mV")
    report(f"sum of branch currents, {name}", sums, 1e-9, "of 1C")
    assert (seen.cell_a[:, seen.step == 1] < 0).any()  # at rest the fuller branch charges the others
    assert (seen.cell_a[:, seen.step == 1] > 0).any()


def test_charge_balance_of_every_cell(report):
    pack = Pack("Chen2020", "3s4p", soc=np.linspace(0.6, 0.7, 12), traits=spread(12), joints=LADDER)
    before = pack.own.lane.state[X_N].copy()
    seen = kept(
        pack.run(["Discharge at 1C for 20 minutes", "Rest for 5 minutes", "Charge at 0.5C for 10 minutes"], cells=True)
    )
    steps = np.diff(seen.time_s)
    # under load currents run straight from one sample to the next; at rest those of a sample hold for the step it ends
    at_rest = seen.step[1:] == 1
    means = np.where(at_rest, seen.cell_a[:, 1:], 0.5 * (seen.cell_a[:, 1:] + seen.cell_a[:, :-1]))
    through = (means * steps).sum(axis=1)
    q_n = 1.0 / pack.own.lane.coef[0]
    moved = (before - pack.own.lane.state[X_N]) * q_n
    report("charge balance of every cell", np.max(np.abs(through / moved - 1.0)), 1e-6, "relative")
    sum_of_cells = through.sum() / 3600.0 / 3
    report(
        "charge given by the pack, off that of its cells", abs(seen.given_ah[-1] / sum_of_cells - 1.0), 1e-9, "relative"
    )


def test_balancing_takes_the_time_its_current_says(report):
    cell, low, extra, bleed, stop = Cell("Chen2020"), 0.60, 0.05, 0.100, 1e-3
    soc = np.full(4, low)
    soc[2] += extra
    bms = Bms(balancing=Balancing(bleed_ma=1e3 * bleed, start_mv=5.0, stop_mv=1e3 * stop, during=("rest",)))
    pack = Pack(cell, "4s1p", soc=soc, bms=bms)
    run = pack.run(["Rest for 4 hours"])
    seen = kept(run)
    above = seen.reading_v[2] - seen.reading_v[0]
    done = seen.time_s[np.argmax(above < stop)]
    # charge between the SOC where it starts and where its open-circuit voltage is `stop` above the others'
    target = cell.open_circuit_v(low) + stop
    a, b = low, low + extra
    for _ in range(60):
        a, b = (0.5 * (a + b), b) if cell.open_circuit_v(0.5 * (a + b)) < target else (a, 0.5 * (a + b))
    said = (low + extra - a) * cell.balance.capacity_ah / bleed * 3600.0
    report("5 % of SOC by bleeding: time off what the current says", abs(done / said - 1.0), 0.05, "relative")
    soc_now = (pack.own.lane.state[X_N] - window_of(cell.design, pack.values)[0]) / np.subtract(
        *window_of(cell.design, pack.values)[1::-1]
    )
    assert soc_now[[0, 1, 3]] == pytest.approx(low, abs=1e-9)  # nobody else was bled
    none = Pack(cell, "4s1p", soc=soc).run(["Rest for 4 hours"])
    assert kept(none).group_v[2, -1] - kept(none).group_v[0, -1] == pytest.approx(above[0], rel=1e-6)


def test_sensor_offset_over_discharges_the_cell_it_should(report):
    soc = np.array([0.9, 0.8, 0.9])
    pack = Pack("Chen2020", "3s1p", soc=soc, bms=Bms())
    pack.own.memory.offset_v[1] = 0.020
    run = pack.run(["Discharge at 1C for 2 hours"])
    low = pack.plan.bms.limits.lower_v
    report(
        "+20 mV on the emptiest group: it ends below the limit by",
        1e3 * (low - run.raw.kept.end_v[0, 1]),
        20.0001,
        "mV",
    )
    report("... at least", 1e3 * (low - run.raw.kept.end_v[0, 1]), 19.9999, "mV", ">=")
    assert run.raw.kept.end_v[0, [0, 2]].min() > low
    assert lines(run)[-1][:2] == (0, 1)
    other = Pack("Chen2020", "3s1p", soc=soc, bms=Bms())
    other.own.memory.offset_v[0] = 0.020  # a fuller group: it does not matter
    assert other.run(["Discharge at 1C for 2 hours"]).raw.kept.end_v[0].min() == pytest.approx(low, abs=1e-6)


def test_sampled_limits_wait_for_their_delay_and_see_noise(report):
    soc = 0.2
    exact = Pack("Chen2020", "2s1p", soc=soc).run(["Discharge at 1C for 1 hour"]).raw.kept.time_s[0]
    late = Pack("Chen2020", "2s1p", soc=soc, bms=Bms(sampling_s=0.5, voltage_delay_s=2.0)).run(
        ["Discharge at 1C for 1 hour"]
    )
    # first sample at or after the crossing, then the delay, both on the grid of samples
    expected = np.ceil(exact / 0.5) * 0.5 + 2.0
    report("delay of a sampled limit off the grid's answer", abs(late.raw.kept.time_s[0] - expected), 1e-6, "s")
    noisy = [
        Pack("Chen2020", "2s1p", soc=soc, seed=seed, bms=Bms(sampling_s=0.5, sensor_noise_mv=3.0)).run(
            ["Discharge at 1C for 1 hour"]
        )
        for seed in range(20)
    ]
    times = np.array([run.raw.kept.time_s[0] for run in noisy])
    assert times.max() <= np.ceil(exact / 0.5) * 0.5 + 2.0  # noise makes it trip early
    assert times.mean() < exact
    assert np.unique(times).size >= 3
    again = Pack("Chen2020", "2s1p", soc=soc, seed=3, bms=Bms(sampling_s=0.5, sensor_noise_mv=3.0)).run(
        ["Discharge at 1C for 1 hour"]
    )
    assert again.raw.kept.time_s[0] == times[3]


def test_derating_keeps_the_pack_running_at_less_current(report):
    soc = 0.15
    plain = Pack("Chen2020", "2s1p", soc=soc).run(["Discharge at 2C for 1 hour"])
    derated = Pack("Chen2020", "2s1p", soc=soc, bms=Bms(derating=Derating(voltage_mv=300, floor_pct=2.0)))
    run = derated.run(["Discharge at 2C for 1 hour"])
    report(
        "derating: charge drawn before the limit",
        run.raw.kept.charge_ah[0] / plain.raw.kept.charge_ah[0],
        1.05,
        "times",
        ">=",
    )
    seen = kept(run)
    assert np.all(np.diff(seen.current_a[-20:]) <= 1e-9)
    assert seen.current_a[-1] < 0.5 * seen.current_a[0]


def test_every_injected_fault_is_found(report):
    injected = [
        InjectedFault(kind="open_weld", time_s=300.0, place=3),
        InjectedFault(kind="soft_short", time_s=600.0, place=7, resistance_mohm=20_000.0),
        InjectedFault(kind="high_joint", time_s=900.0, place=10, resistance_mohm=5.0),
        InjectedFault(kind="stuck_sensor", time_s=1200.0, place=2),
        InjectedFault(kind="dead_sensor", time_s=1500.0, place=1),
    ]
    pack = Pack("Chen2020", "3s4p", traits=spread(12), joints=LADDER)
    found = [
        line for line in lines(pack.run(["Discharge at C/2 for 1 hour"], faults=injected)) if line[0] >= faults_k.FOUND
    ]
    kinds = {"open_weld": 0, "high_joint": 1, "soft_short": 2, "stuck_sensor": 3, "dead_sensor": 4}
    expected = {(faults_k.FOUND + kinds[f.kind], f.place): f.time_s for f in injected}
    assert {line[:2] for line in found} == set(expected)
    late = {line[:2]: line[2] - expected[line[:2]] for line in found}
    stuck = late.pop((faults_k.FOUND + 3, 2))
    report("faults found at their place, time off", max(late.values()), 1e-6, "s")
    report("a stuck sensor is found when it is wrong by 50 mV, after", stuck, 1800.0, "s")
    assert stuck > 0.0
    whole = Pack("Chen2020", "3s1p").run(
        ["Discharge at C/2 for 1 hour"], faults=[InjectedFault(kind="open_weld", time_s=100.0, place=1)]
    )
    assert lines(whole)[0][:2] == (faults_k.FOUND, 1)  # a series pack stops there
    assert whole.raw.kept.time_s[0] == pytest.approx(100.0)


@pytest.mark.parametrize("kind", ["stuck_sensor", "soft_short"])
def test_faults_of_an_earlier_run_go_on_in_the_next(kind):
    # nothing in the second run's features or list of faults says that a sensor errs or a cell leaks more and more
    ohm = {"resistance_mohm": 20_000.0} if kind == "soft_short" else {}
    pack = Pack("Chen2020", "3s2p", traits=spread(6))
    pack.run(["Rest for 1 minute"], faults=[InjectedFault(kind=kind, time_s=30.0, place=2, **ohm)])
    before = pack.own.lane.coef[LEAK, 2]
    run = pack.run(["Discharge at C/2 for 1 hour"])
    if kind == "stuck_sensor":
        assert [line[:2] for line in lines(run)] == [(faults_k.FOUND + 3, 2)]
    else:  # its current follows the falling voltage
        assert pack.own.lane.coef[LEAK, 2] < 0.97 * before


def test_a_saved_pack_goes_on_to_the_bit(tmp_path, report):
    def new():
        return Pack(
            "Chen2020",
            "2s2p",
            soc=0.9,
            traits=spread(4),
            joints=LADDER,
            bms=Bms(sampling_s=1.0, sensor_noise_mv=1.0),
            seed=5,
        )

    one, other = new(), new()
    steps = ["Discharge at 1C for 20 minutes"], ["Rest for 10 minutes", "Discharge at 1C for 2 hours"]
    one.run(steps[0])
    through = one.run(steps[1])
    other.run(steps[0])
    other.save(tmp_path / "pack.npz")
    later = Pack(
        "Chen2020",
        "2s2p",
        soc=0.1,
        traits=spread(4),
        joints=LADDER,
        bms=Bms(sampling_s=1.0, sensor_noise_mv=1.0),
        seed=5,
    )
    later.restore(tmp_path / "pack.npz")
    resumed = later.run(steps[1])
    same = all(np.array_equal(a, b) for a, b in zip(through.raw.kept, resumed.raw.kept, strict=True))
    report("a pack saved and restored: bits that differ", 0 if same else 1, 0)
    with pytest.raises(ValueError, match=r"pack\.npz"):
        Pack("Chen2020", "3s2p").restore(tmp_path / "pack.npz")
    with np.load(tmp_path / "pack.npz") as file:
        before = {
            name: file[name] for name in file.files if name != "layout"
        }  # as files were when particles had four poles
    np.savez(tmp_path / "pack.npz", **before)
    with pytest.raises(ValueError, match="another version of packsim"):
        later.restore(tmp_path / "pack.npz")


def test_strings_in_parallel_exchange_charge(report):
    joints = JointsModel(
        module_connector_mohm=Joint(nominal=2.0),
        string_busbar_mohm=Joint(nominal=0.5),
        disconnect_mohm=Joint(nominal=0.5),
    )
    soc = np.array([0.7] * 6 + [0.6] * 6)
    pack = Pack("Chen2020", "2p(3s2p)", soc=soc, joints=joints)
    seen = kept(pack.run(["Rest for 2 hours"], cells=True))
    first = seen.cell_a[:2].sum(axis=0)
    assert np.all(first[1:] > 0)
    assert np.max(np.abs(seen.cell_a[:2].sum(axis=0) + seen.cell_a[6:8].sum(axis=0))) < 1e-9  # nothing leaves the pack
    assert first[-1] < 0.2 * first[1]
    moved = (np.diff(seen.time_s) * first[1:]).sum() / 3600.0
    report(
        "strings 10 % of SOC apart: charge moved by now",
        moved / (0.05 * 2 * Cell("Chen2020").balance.capacity_ah),
        1.0,
        "of even",
    )


def test_sound_packs_show_no_fault_in_ten_thousand(report):
    # as-built spread of cells and joints, sensor offsets and noise, charge and discharge: nothing may be called a fault
    bms = Bms(sensor_offset_sd_mv=2.0, sensor_noise_mv=1.0, sampling_s=10.0)
    shape = Pack("Chen2020", "2s2p", joints=LADDER, bms=bms, seed=11)
    packs, cells = 10_000, 4
    luck = np.random.default_rng(3)
    values = trait_values(cells=packs * cells)
    for name in ("cathode_loading_ratio", "anode_loading_ratio", "coated_area_ratio"):
        values[INDEX[name]] *= 1.0 + 0.01 * luck.standard_normal(packs * cells)
    values[INDEX["weld_resistance_mohm"]] = 0.3 * np.exp(0.2 * luck.standard_normal(packs * cells))
    soc = 0.9 + 0.01 * luck.standard_normal(packs * cells)
    rated = Rated(2, 2, shape.rated_capacity_ah / 2)
    steps = protocol_plan(protocol(["Charge at C/2 for 10 minutes", "Discharge at 1C for 2 hours"]), rated)
    plan = shape.plan._replace(limits=shape.plan.limits._replace(joint_ohm=np.full(cells, 0.4e-3 + 1e-3)))
    order = np.arange(packs * cells).reshape(packs, cells)
    many = run_many(plan, values, soc, order, steps, no_faults(), seed=11)
    report("faults found in 10,000 sound packs", int((many.seen["code"] >= faults_k.FOUND).sum()), 0, "", "==")
    assert np.all(many.kept.ended_by[:, 1] == 9)  # every pack ended at its lower limit
    few = run_many(plan, values, soc, order[:40], steps, no_faults(), seed=11)
    assert np.array_equal(few.kept.charge_ah, many.kept.charge_ah[:40])
    # and with a fault in one pack of them, in that one only
    one = fault_plan([InjectedFault(kind="soft_short", time_s=700.0, place=2, pack=17, resistance_mohm=10_000.0)])
    faulty = run_many(plan, values, soc, order[:40], steps, one, seed=11).seen
    faulty = faulty[faulty["code"] >= faults_k.FOUND]
    report("one short in 40 packs: found", len(faulty), 1, "", "==")
    assert (faulty["pack"][0], faulty["place"][0]) == (17, 2)
    assert faulty["time_s"][0] == pytest.approx(700.0, abs=1e-6)


def test_an_over_discharged_cell_stays_damaged(report):
    # one small group in a pack whose voltage alone is watched: it is reversed, dissolves copper, and leaks ever after
    soc = np.array([0.9, 0.35, 0.9, 0.9])
    pack = Pack("Chen2020", "4s1p", soc=soc, bms=Bms(monitoring="pack_only"), beyond=BeyondModel())
    pack.run(["Discharge at 1C for 2 hours"])
    first = pack.damage.copy()
    others = first.drop(index=1).to_numpy()
    report("damage of the cells within their limits", float(np.abs(others).max()), 0.0)
    assert first["copper_ah"][1] > 0.01
    pack.run(["Charge at C/5 until any group 4.1 V", "Rest for 1 hour"])
    seen = kept(pack.run(["Rest for 20 hours"]))
    fall = seen.group_v[:, 0] - seen.group_v[:, -1]
    assert pack.damage["short_siemens"][1] > first["short_siemens"][1]  # copper deposits on the charge
    report("self-discharge of the reversed cell in 20 h", 1e3 * fall[1], 10.0, "mV", ">=")
    assert np.delete(fall, 1).max() < 1e-4  # nominal cells do not leak
    within = Pack("Chen2020", "4s1p", soc=0.9, beyond=BeyondModel())
    within.run(["Discharge at C/2 for 3 hours", "Rest for 1 hour", "Charge at C/5 until any group 4.1 V"])
    report("damage of a pack that stays within its limits", float(np.abs(within.damage.to_numpy()).max()), 0.0)

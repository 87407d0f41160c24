"""The coupled pack against closed forms, against a naive twin, and controls that must vanish."""

from __future__ import annotations

import numpy as np
import pytest
from naive_pack import NaiveCell, discharge, split
from packs import cell_plan, pack_case

from packsim.cell import kernels as cell_kernels
from packsim.cell.cell import Cell, empty_lane, window_of
from packsim.cell.plan import CellPlan
from packsim.cell.table.table_cell import TableCell
from packsim.cell.traits import trait_values
from packsim.pack import kernels as k
from packsim.pack.run import run, trace


def stepper(case, soc):
    """A pack at rest and a function that takes one accepted step and returns (group voltages, currents)."""
    n = case.duty.series * case.duty.parallel
    lane, group_v, window = empty_lane(n), np.zeros(case.duty.series), window_of(case.design, case.cells.values)
    cell_kernels.coefficients(lane.coef, case.cells.values, case.design, 0, n)
    cell_kernels.rest_state(lane.state, case.design, soc, window, 0, n)

    def step(total, dt):
        # currents hold over the step, and Newton starts from the last ones
        trial = (lane.current.copy(), np.zeros(n), 1.0, dt, True, False)
        new, converged = k.solve(lane, *trial, group_v, case.offset_v[0], case.design, case.duty, False, total)
        assert converged
        assert new == total
        currents = lane.current.copy()
        cell_kernels.respond(lane.emf, lane.slope, lane.current, lane.work, lane.coef, case.design, 0, n)
        voltages = lane.emf - lane.slope * currents
        cell_kernels.advance(lane.state, lane.work, lane.coef, lane.decay, case.design, lane.current, dt, 0, n)
        return group_v.copy(), currents, voltages, lane

    return step


def test_two_parallel_table_cells_match_the_closed_form(report):
    # facts.md C6 (Weng 2023, arXiv 2211.04961): Qa = 4, Qb = 5 Ah, Ra = 60, Rb = 50 mOhm, OCV = 3 + 1.2 SOC, I = 9 A
    q_a, q_b, r_a, r_b, alpha, total = 4.0, 5.0, 0.060, 0.050, 1.2, 9.0
    table = TableCell(q_a, np.array([0.0, 1.0]), np.array([3.0, 3.0 + alpha]), 1e3 * r_a)
    plan = CellPlan("table", Cell(table).design, q_a)
    case = pack_case(1, 2, cell=plan, sd=0.0)
    # the second cell: 5/4 of the area gives 48 mOhm, its weld the other 2
    case.cells.values[:] = trait_values(cells=2)
    case.cells.values[4, 1], case.cells.values[12, 1] = q_b / q_a, 1e3 * r_b - 1e3 * r_a * q_a / q_b
    dt, tau = 0.05, (r_a + r_b) / alpha * 3600.0 * q_a * q_b / (q_a + q_b)
    kappa = (r_a * q_a - r_b * q_b) / (alpha * (q_a + q_b))
    step, worst_i, worst_z = stepper(case, np.ones(2)), 0.0, 0.0
    assert tau == pytest.approx(733.33, abs=0.01)
    for count in range(1, int(2 * tau / dt)):
        _, currents, _, lane = step(total, dt)
        z = kappa * (1.0 - np.exp(-count * dt / tau)) * total
        expected = (alpha * z + total * r_b) / (r_a + r_b)
        worst_i = max(worst_i, abs(currents[0] - expected) / (total / 2))
        worst_z = max(worst_z, abs((lane.state[0, 0] - lane.state[0, 1]) - z) / abs(kappa * total))
    report("two parallel table cells: current", worst_i, 1e-4, "of the mean")
    report("two parallel table cells: SOC difference", worst_z, 1e-4, "of its final value")


@pytest.mark.parametrize("name", ["Chen2020", "Ecker2015", "Prada2013"])
def test_1s1p_pack_is_the_cell_to_the_bit(name, report):
    case = pack_case(1, 1, cell=cell_plan(name), sd=0.0, top_balanced=True, longest_step_s=10.0)
    case.cells.values[12] = 0.0
    outcome, found = trace(*case[:4], case.offset_v[0])
    curve = Cell(name).discharge(1.0, dt_s=10.0)
    same = np.array_equal(found.time_s, curve.time_s) and np.array_equal(found.group_v[0], curve.voltage_v)
    report(f"1s1p pack against Cell.discharge, {name}: samples that differ", 0 if same else 1, 0, "")
    assert outcome.usable_ah[0, 0] == pytest.approx(curve.capacity_ah, rel=1e-12)


def test_1s1p_pack_of_an_as_built_cell_is_that_cell_to_the_bit(report):
    traits = {
        "cathode_loading_ratio": 1.02,
        "anode_thickness_ratio": 0.97,
        "weld_resistance_mohm": 0.7,
        "leakage_ua": 40.0,
    }
    case = pack_case(1, 1, cell=cell_plan("Mohtat2020"), sd=0.0, top_balanced=True, longest_step_s=10.0)
    case.cells.values[:] = trait_values(traits)
    _, found = trace(*case[:4], case.offset_v[0])
    curve = Cell("Mohtat2020", traits=traits).discharge(1.0, dt_s=10.0)
    same = np.array_equal(found.time_s, curve.time_s) and np.array_equal(found.group_v[0], curve.voltage_v)
    report("1s1p pack of an as-built cell: samples that differ", 0 if same else 1, 0, "")


@pytest.mark.parametrize("total", [5.0, 0.0, -5.0])
@pytest.mark.parametrize("name", ["Chen2020", "Prada2013", "Ecker2015"])
def test_parallel_voltages_agree(name, total, report):
    # 5 % of SOC between the branches, then load, rest and current reversal
    case = pack_case(2, 3, cell=cell_plan(name, 2.5), sd=0.02)
    step = stepper(case, np.array([0.50, 0.55, 0.52, 0.60, 0.58, 0.55]))
    worst = 0.0
    for count, dt in enumerate([0.0, 0.5, 1.0, 5.0, 10.0, 30.0, 30.0, 30.0, 1.0, 30.0]):
        group_v, currents, voltages, _ = step(total if count < 8 else -total, dt)
        worst = max(worst, np.max(np.abs(voltages.reshape(2, 3) - group_v[:, None])))
        assert currents.reshape(2, 3).sum(axis=1) == pytest.approx(total if count < 8 else -total, rel=1e-9, abs=1e-12)
    report(f"parallel voltages, {name}, {total:g} A", 1e3 * worst, 0.01, "mV")


def test_split_is_the_naive_twins(report):
    case = pack_case(1, 3, cell=cell_plan("Chen2020", 2.5), sd=0.03)
    soc = np.array([0.5, 0.52, 0.47])
    cells = [NaiveCell(case.design, case.cells.values[:, j : j + 1].copy(), soc[j]) for j in range(3)]
    step = stepper(case, soc)
    worst_i = worst_v = 0.0
    for total, dt in ((6.0, 1.0), (6.0, 20.0), (0.0, 5.0), (-4.0, 10.0)):
        group_v, currents, _, _ = step(total, dt)
        v, expected = split(cells, total, dt)
        worst_v, worst_i = max(worst_v, abs(group_v[0] - v)), max(worst_i, np.max(np.abs(currents - expected)))
        for cell, current in zip(cells, expected, strict=True):
            cell.step(float(current), dt)
    report("current split against the naive twin", worst_i, 1e-4, "A")
    report("group voltage against the naive twin", 1e3 * worst_v, 1e-3, "mV")


def test_pack_discharge_is_the_naive_twins(report):
    case = pack_case(2, 2, cell=cell_plan("Chen2020", 2.5), sd=0.02, top_balanced=True, longest_step_s=30.0)
    outcome = run(*case)
    cells = [NaiveCell(case.design, case.cells.values[:, j : j + 1].copy(), 1.0) for j in range(4)]
    time_s, group_v = discharge([cells[:2], cells[2:]], case.duty.discharge_a, 5.0, case.duty.lower_v)
    usable = time_s * case.duty.discharge_a / 3600.0
    report("2s2p usable capacity against the naive twin at 5 s", abs(outcome.usable_ah[0, 0] / usable - 1), 1e-4, "")
    report("2s2p group voltages there", 1e3 * np.max(np.abs(outcome.end_v[0, 0] - group_v)), 1.0, "mV")


@pytest.mark.parametrize("monitoring", ["every_group", "pack_only"])
def test_no_spread_no_difference(monitoring, report):
    keys = {"bms": {"monitoring": monitoring}, "longest_step_s": 30.0}
    case = pack_case(4, 3, packs=3, cell=cell_plan("Chen2020", 2.5), sd=0.0, **keys)
    outcome = run(*case)
    single = pack_case(1, 1, cell=cell_plan("Chen2020", 2.5), sd=0.0, **keys)
    reference = run(*single)
    report("no spread: packs that differ", np.ptp(outcome.usable_ah[:, 0]) + np.ptp(outcome.energy_wh[:, 0]), 0.0, "")
    report("no spread: SOC differences at full charge", np.ptp(outcome.soc_full), 1e-12, "")
    report(
        "no spread: pack against one cell", abs(outcome.usable_ah[0, 0] / 3 / reference.usable_ah[0, 0] - 1), 1e-6, ""
    )
    assert (outcome.status == k.OK).all()


@pytest.mark.parametrize("name", ["Chen2020", "Prada2013", "Mohtat2020", "Ecker2015"])
@pytest.mark.parametrize(("series", "parallel"), [(12, 1), (6, 4)])
def test_step_control_against_short_steps(name, series, parallel, report):
    cell, longest = cell_plan(name, 2.5), (120.0, 600.0)  # the default, and the longest allowed
    fine, *coarse = (
        run(*pack_case(series, parallel, 2, cell=cell, soc_sd=0.002, longest_step_s=dt)) for dt in (1.0, *longest)
    )
    for dt, outcome in zip(longest, coarse, strict=True):
        what = f"{dt:g} s against 1 s steps, {name} {series}s{parallel}p"
        usable = np.max(np.abs(outcome.usable_ah / fine.usable_ah - 1.0))
        report(f"{what}: usable capacity", 100 * usable, 0.01, "%")
        energy = np.max(np.abs(outcome.energy_wh / fine.energy_wh - 1.0))
        report(f"{what}: energy", 100 * energy, 0.02, "%")
        report(f"{what}: group voltages at full charge", 1e3 * np.max(np.abs(outcome.full_v - fine.full_v)), 1.0, "mV")
        report(f"{what}: group voltages at the end", 1e3 * np.max(np.abs(outcome.end_v - fine.end_v)), 1.0, "mV")
        report(f"{what}: time below limits", np.max(np.abs(outcome.time_below_s - fine.time_below_s)), 0.2, "s")


def test_first_full_group_ends_the_charge(report):
    case = pack_case(8, 1, cell=cell_plan("Chen2020", 2.5), sd=0.0)
    soc = case.soc.copy()
    soc[3] += 0.05
    outcome = run(case.duty, case.design, case.cells, soc, case.order, case.offset_v)
    shortfall = outcome.soc_full[0, 3] - np.delete(outcome.soc_full[0], 3)
    report("one cell 5 % ahead: the others' shortfall off 5 %", np.max(np.abs(100 * shortfall - 5.0)), 0.01, "%")
    assert np.argmax(outcome.soc_full[0]) == 3
    assert np.delete(outcome.full_v[0], 3).max() < outcome.full_v[0, 3] == pytest.approx(4.2, abs=1e-6)


def test_pack_only_overcharges_the_full_and_reverses_the_empty():
    case = pack_case(8, 1, cell=cell_plan("Chen2020", 2.5), sd=0.0, bms={"monitoring": "pack_only"})
    values = case.cells.values
    values[4, 5] = 0.7  # one small cell: full first, empty first
    outcome = run(*case)
    assert np.argmax(outcome.full_v[0]) == 5
    assert outcome.full_v[0, 5] > 4.2 + 0.02
    assert outcome.first_group[0] == 5
    assert outcome.end_v[0, 0, 5] == pytest.approx(2.5, abs=1e-6)
    assert outcome.end_v[0, 1, 5] < 0.0
    assert outcome.end_v[0, 1].mean() == pytest.approx(2.5, abs=1e-6)
    assert outcome.time_below_s[0, 1, 0, 5] > outcome.time_below_s[0, 1, 1, 5] > outcome.time_below_s[0, 1, 4, 5] > 1.0
    assert outcome.charge_below_ah[0, 1, 5] == pytest.approx(outcome.time_below_s[0, 1, 0, 5] * 2.5 / 3600)
    assert np.isfinite(outcome.end_v).all()


def test_sensor_offset_drives_its_group_too_low():
    case = pack_case(4, 1, cell=cell_plan("Chen2020", 2.5), sd=0.0, top_balanced=True)
    offset = np.zeros((1, 4))
    offset[0] = 0.02  # every sensor reads 20 mV too high
    outcome = run(*case[:5], offset)
    assert outcome.end_v[0, 0] == pytest.approx(2.48, abs=1e-6)


def test_threads_and_order_of_packs_change_nothing(report):
    import numba

    case = pack_case(5, 3, packs=6, cell=cell_plan("Chen2020", 2.5), soc_sd=0.003)
    before = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        one = run(*case)
    finally:
        numba.set_num_threads(before)
    many = run(*case)
    backwards = run(case.duty, case.design, case.cells, case.soc, case.order[::-1].copy(), case.offset_v)
    differ = sum(not np.array_equal(x, y) for x, y in zip(one, many, strict=True))
    differ += sum(not np.array_equal(x, y[::-1]) for x, y in zip(one, backwards, strict=True))
    report("outcome arrays that differ between threads and orders", differ, 0, "")
    known = window_of(case.design, case.cells.values)  # as the end-of-line test hands it on
    told = run(*case, known)
    backwards = run(
        case.duty,
        case.design,
        case.cells.take(np.arange(len(case.cells))[::-1]),
        case.soc[::-1],
        len(case.cells) - 1 - case.order,
        case.offset_v,
    )
    differ = sum(not np.array_equal(x, y) for x, y in zip(one, told, strict=True))
    differ += sum(not np.array_equal(x, y) for x, y in zip(one, backwards, strict=True))
    report("outcome arrays that differ with windows given, and with cells kept in another order", differ, 0, "")

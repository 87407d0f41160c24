"""The pack's network against a dense modified nodal analysis, closed forms, a peer's circuit and field packs."""

from __future__ import annotations

import csv
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING

import mna
import numpy as np
import pytest
from networks import ResistivePack, from_layout, random_pack, solved
from scipy import stats

from packsim.cell.traits import INDEX
from packsim.line import plan as line_plans
from packsim.line.build import build, slot_addresses
from packsim.pack.network import kernels as k
from packsim.pack.network.plan import joints_of, plan
from packsim.scenario.line import LineModel
from packsim.scenario.topology import Topology

if TYPE_CHECKING:
    from collections.abc import Callable

PACKS = 200
FALSE_ALARM = 1e-6  # of each statistical bound below, seeds being fixed


@pytest.fixture(scope="module")
def random_packs() -> list[ResistivePack]:
    packs = [random_pack(np.random.default_rng(seed)) for seed in range(PACKS)]
    cut = [mna.is_open(pack.net, pack.joints.child_ohm, pack.net.kind.size - 1) for pack in packs]
    return [pack._replace(total=0.0) if is_cut else pack for pack, is_cut in zip(packs, cut, strict=True)]


def test_random_packs_hold_every_case(random_packs) -> None:
    """Otherwise the comparison below would say less than it seems to: each case in a tenth of the packs or more."""

    def count(case: Callable[[ResistivePack], bool]) -> int:
        return sum(map(case, random_packs))

    def ladder(pack: ResistivePack, opposite: bool, strings: bool) -> bool:
        net = pack.net
        above = np.arange(net.kind.size) >= net.group.size
        rails = (net.kind == k.PARALLEL) & ~net.ideal & (np.diff(net.first) > 1)
        return bool(np.any(rails & (net.opposite == opposite) & (above == strings)))

    for opposite in (False, True):
        for strings in (False, True):
            assert count(lambda pack, o=opposite, s=strings: ladder(pack, o, s)) >= 30
    assert count(lambda pack: bool(np.isinf(pack.joints.child_ohm[: pack.emf.size]).any())) >= 20
    assert count(lambda pack: bool(np.isinf(pack.joints.child_ohm[pack.emf.size :]).any())) >= 20
    last = [np.isinf(pack.joints.child_ohm[pack.net.first[1:] - 1]).any() for pack in random_packs]
    assert sum(map(bool, last)) >= 20
    assert count(lambda pack: mna.is_open(pack.net, pack.joints.child_ohm, pack.net.kind.size - 1)) >= 10
    assert min(count(lambda pack, sign=sign: np.sign(pack.total) == sign) for sign in (-1, 0, 1)) >= 20
    assert count(lambda pack: bool(pack.drain_a.any())) >= 100


def test_random_packs_are_those_of_modified_nodal_analysis(report: Callable[..., None], random_packs) -> None:
    worst_i = worst_v = worst_kcl = 0.0
    for pack in random_packs:
        expected = mna.solve(*pack)
        work, current, carries = solved(pack)
        assert carries
        assert np.isfinite(work.node_v).all()
        scale = float(np.mean(np.abs(expected.cell_a)))
        off = float(np.max(np.abs(current - expected.cell_a)))
        worst_i = max(worst_i, off / scale if scale > 0.0 else (math.inf if off > 0.0 else 0.0))
        known = ~np.isnan(expected.node_v)
        largest = float(np.max(np.abs(pack.emf)))
        worst_v = max(worst_v, float(np.max(np.abs(work.node_v - expected.node_v)[known], initial=0.0)) / largest)
        worst_kcl = max(worst_kcl, kirchhoff(pack, work, current) / max(scale, 1e-300) if scale > 0.0 else 0.0)
    report("200 random packs: currents against dense MNA", worst_i, 1e-9, "of the mean current")
    report("200 random packs: node voltages against dense MNA", worst_v, 1e-9, "of a cell's voltage")
    report("200 random packs: Kirchhoff's current law at all nodes", worst_kcl, 1e-9, "of the mean current")


def kirchhoff(pack: ResistivePack, work: k.Solve, current: np.ndarray) -> float:
    """Largest difference between the currents of a parallel node's children and its own, its drain included."""
    worst = 0.0
    for node in np.flatnonzero(pack.net.kind == k.PARALLEL):
        entries = range(pack.net.first[node], pack.net.first[node + 1])
        children = [pack.net.child[s] for s in entries]
        inside = sum(current[~j] if j < 0 else work.node_i[j] for j in children)
        drawn = 0.0 if mna.is_open(pack.net, pack.joints.child_ohm, node) else pack.drain_a[node]
        worst = max(worst, abs(inside - work.node_i[node] - drawn))
    return worst


@pytest.mark.parametrize("total", [5.0, 0.0, -5.0])
def test_parallel_voltages_agree_and_currents_add_up(report: Callable[..., None], total: float) -> None:
    """Ideal busbars, load, rest and reversal with 50 mV between the cells."""
    luck = np.random.default_rng(5)
    pack = from_layout("26s7p", 3.7 + 0.05 * luck.random(182), 0.02 * luck.lognormal(0.0, 0.3, 182), total)
    work, current, _ = solved(pack)
    v = (pack.emf - pack.slope * current).reshape(26, 7)
    report(f"parallel voltages with ideal busbars, {total:g} A", 1e3 * np.ptp(v, axis=1).max(), 0.01, "mV")
    off = np.abs(current.reshape(26, 7).sum(axis=1) - total).max() / np.mean(np.abs(current))
    report(f"sum of parallel currents, {total:g} A", off, 1e-9, "of the mean current")
    assert work.node_v[:26] == pytest.approx(v[:, 0], abs=1e-12)


def test_equal_cells_at_rest_carry_exactly_nothing(report: Callable[..., None]) -> None:
    joints = {"tab": 0.1, "busbar": 0.05, "group_link": 0.03}
    for terminals in ("one_end", "opposite_ends"):
        pack = from_layout("2p(4s7p)", 3.7, 0.02, 0.0, terminals, **joints)
        _, current, _ = solved(pack)
        report(f"equal cells at rest, {terminals}: largest current", np.abs(current).max(), 0.0, "A")


def test_2p_closed_form(report: Callable[..., None]) -> None:
    e, r, tab, total = np.array([3.71, 3.68]), np.array([0.06, 0.05]), 0.0005, 9.0
    _, current, _ = solved(from_layout("2p", e, r, total, tab=1e3 * tab))
    expected = (e[0] - e[1] + (r[1] + tab) * total) / (r.sum() + 2 * tab)
    report("2p closed form", abs(current[0] - expected) / (total / 2), 1e-12, "of the mean current")


@pytest.mark.parametrize("terminals", ["one_end", "opposite_ends"])
def test_uniform_ladder_closed_form(report: Callable[..., None], terminals: str) -> None:
    """Equal cells on equal rails: i_k in proportion to cosh((K - 1/2 - k) q), at opposite ends cosh(((K - 1)/2 - k) q)."""
    count, ohm, rail, total = 46, 0.02, 5e-5, 46.0
    pack = from_layout(f"{count}p", 3.7, ohm, total, terminals, busbar=1e3 * rail)
    work, current, _ = solved(pack)
    q = math.acosh(1.0 + rail / ohm)  # 2 cosh q - 2 = (both rails) / R
    centre = count - 0.5 if terminals == "one_end" else (count - 1) / 2
    shape = np.cosh((centre - np.arange(count)) * q)
    expected = total * shape / shape.sum()
    report(f"uniform ladder, {terminals}", np.abs(current - expected).max(), 1e-11, "of the mean current")
    # along the positive rail to the last cell, then through it (and, at one end, back along the negative rail)
    drop = rail * np.sum(total - np.cumsum(expected)[:-1]) * (2.0 if terminals == "one_end" else 1.0)
    report(
        f"uniform ladder, {terminals}: terminal voltage",
        1e3 * abs(work.node_v[0] - (3.7 - ohm * expected[-1] - drop)),
        1e-9,
        "mV",
    )


def test_diagonal_terminals_even_currents_out() -> None:
    ratio = {}
    for terminals in ("one_end", "opposite_ends"):
        current = solved(from_layout("12p", 3.7, 0.02, 12.0, terminals, busbar=0.05))[1]
        ratio[terminals] = current.max() / current.min()
        assert np.argmax(current) == 0  # next to a terminal
    assert 1.0 < ratio["opposite_ends"] < ratio["one_end"]


def test_liionpacks_own_circuit(report: Callable[..., None]) -> None:
    """Case of its tests: Np 16, Ns 2, Rb 1e-4, Rc 1e-2, Ri 5e-2 ohm, 80 A (liionpack/netlist_utils.py: setup_circuit).

    Its grid ties neighbours only in the first and the last row: 16 strings of two on two rails, here `16p2s`.
    """
    strings, ohm_b, ohm_c, ohm_i, emf, total = 16, 1e-4, 1e-2, 5e-2, 4.0, 80.0
    circuit = mna.Circuit()
    grid = [[circuit.junction() for _ in range(strings)] for _ in range(7)]
    cells = []
    for column in range(strings):
        for row in range(0, 6, 3):  # Rs, V, Ri downwards, positive at the top
            top, a, b, bottom = (grid[row + step][column] for step in range(4))
            circuit.branch(top, a, 0.0, ohm_c)
            circuit.branch(a, b, emf, 0.0)
            cells.append(circuit.branch(b, bottom, 0.0, ohm_i))
    for column in range(1, strings):
        circuit.branch(grid[0][column], grid[0][column - 1], 0.0, ohm_b)
        circuit.branch(grid[-1][column - 1], grid[-1][column], 0.0, ohm_b)
    circuit.sources.append((grid[0][0], grid[-1][0], total))
    v, i, _ = circuit.solve()
    pack = from_layout("16p2s", emf, ohm_i, total, tab=1e3 * ohm_c, string_busbar=1e3 * ohm_b)
    work, current, _ = solved(pack)
    report("liionpack's 16p2s circuit: currents", np.abs(current - i[cells]).max() / 5.0, 1e-9, "of the mean current")
    report(
        "liionpack's 16p2s circuit: terminal voltage",
        1e3 * abs(work.node_v[-1] - (v[grid[0][0]] - v[grid[-1][0]])),
        1e-6,
        "mV",
    )
    # groups tied between the cells, as a pack with balancing wires has them: another circuit, so another answer
    groups = solved(from_layout("2s16p", emf, ohm_i, total, tab=1e3 * ohm_c, busbar=1e3 * ohm_b))[1]
    print(f"first and last cell [A]: strings {current[[0, -1]].round(4)}, groups {groups[[0, -1]].round(4)}")
    assert groups[0] > current[0] > 5.0 > current[-1] > groups[-1]


FIELD = {"pack1_90s2p": (90, 2), "pack2_98s3p": (98, 3), "pack3_98s3p": (98, 3)}


@pytest.fixture(scope="module")
def kona() -> dict[str, dict[str, float]]:
    folder = os.environ.get("PACKSIM_VALIDATION_DATA")
    if folder is None:
        pytest.skip("PACKSIM_VALIDATION_DATA names no folder with measurements")
    lines = (Path(folder) / "fischer2026_kona_packs" / "pack_summary.csv").read_text(encoding="utf-8").splitlines()
    rows = list(csv.DictReader(lines))
    return {pack: {row["quantity"]: float(row[pack]) for row in rows} for pack in FIELD}


@pytest.mark.parametrize("pack", FIELD)
def test_field_packs_resistance(report: Callable[..., None], kona, pack: str) -> None:
    """Cells that scatter as the teardown's, in the network, with its connectors: the pack's measured ohmic resistance."""
    (series, parallel), measured = FIELD[pack], kona[pack]
    luck = np.random.default_rng(1)
    scatter = 1e-2 * measured["CoV_R_ohmic_logical"] * math.sqrt(parallel)
    cell = luck.lognormal(0.0, math.log1p(scatter**2) ** 0.5, (series, parallel))
    logical = 1.0 / np.sum(1.0 / cell, axis=1)  # the measured mean is that of groups
    cell *= measured["R_ohmic_logical_mean"] / logical.mean()
    disconnect = 0.465  # 441-488 uOhm, Fischer 2026
    link = (measured["R_connectors_plus_HVD"] - disconnect) / (series - 1)
    layout = f"{series}s{parallel}p"
    made = from_layout(layout, 3.7, 1e-3 * cell.ravel(), 0.0, group_link=link, disconnect=disconnect)
    pack_mohm = 1e3 * solved(made)[0].node_r[-1]
    published = measured["R_ohmic_pack_from_cells_plus_connectors"]
    rounding = 5e-4 * series + 0.01  # of the published mean and sums
    report(f"{pack}: the network's sum off the published one", abs(pack_mohm - published), rounding, "mOhm")
    off = 100 * (pack_mohm / measured["R_ohmic_pack_measured"] - 1)
    report(f"{pack}: the network's sum against the measured pack ({off:+.2f} %)", abs(off), 1.5, "%")


BODY_PCT, TAIL_SHARE_PCT, TAIL_OFFSET_PCT, TAIL_SD_PCT = 0.329, 0.3, -3.35, 0.4


def group_capacity(packs: int, **spread: float | str) -> np.ndarray:
    """Mean coated area, so capacity, of the groups of 98s3p packs [pack, group] from the factory's own line."""
    own = {"sd_pct": BODY_PCT, **spread}
    line = {"supplier_lot_cells": 1, "roll_cells": 1, "steps": {"cutting": {"coated_area_ratio": own}}}
    cells = packs * 98 * 3
    made = build(line_plans.plan(LineModel.model_validate(line), cells), 11, slot_addresses(0, range(cells)))
    return made.values[INDEX["coated_area_ratio"]].reshape(packs, 98, 3).mean(axis=2)


def depth(groups: np.ndarray) -> np.ndarray:
    """(mean - min)/sd of each pack, as a teardown sees it."""
    return (groups.mean(axis=1) - groups.min(axis=1)) / groups.std(axis=1, ddof=1)


def test_a_tail_of_cells_makes_5_sigma_groups(report: Callable[..., None]) -> None:
    """Two of three torn-down packs have a group 5 sigma below their mean; a normal spread gives 2.5 (98 groups).

    The body is pack 3's: 0.19 % of a group. The tail's offset is chosen to lower a group by 5.9 body sigmas, which the
    pack's sd, itself widened, shows as 5.05; share and width of the tail are assumed. How often it happens is no choice.
    """
    packs, sigma = 3000, 1e-2 * BODY_PCT / math.sqrt(3)
    tail = group_capacity(
        packs,
        distribution="mixture",
        tail_share_pct=TAIL_SHARE_PCT,
        tail_offset_pct=TAIL_OFFSET_PCT,
        tail_sd_pct=TAIL_SD_PCT,
    )
    normal = group_capacity(packs)
    p = 1e-2 * TAIL_SHARE_PCT
    below = 0.0  # P(a group is 5 body sigmas low), by the number of tail cells in it
    for count in range(4):
        mean = count * 1e-2 * TAIL_OFFSET_PCT / 3
        sd = 1e-2 * math.sqrt((3 - count) * BODY_PCT**2 + count * TAIL_SD_PCT**2) / 3
        below += stats.binom.pmf(count, 3, p) * stats.norm.cdf(-5 * sigma, mean, sd)
    expected = -math.expm1(98 * math.log1p(-below))
    share = float(np.mean(tail.min(axis=1) < 1.0 - 5 * sigma))
    bound = float(-stats.norm.ppf(FALSE_ALARM / 2)) * math.sqrt(expected * (1 - expected) / packs)
    print(f"packs with a group below -5 body sigmas: {share:.4f}, closed form {expected:.4f}")
    report("tail: share of packs with a group 5 sigma low, off the closed form", abs(share - expected), bound)
    z = (1.0 - normal.min(axis=1)) / sigma
    report("normal: worst of 98 groups off 2.5004 sigma", abs(z.mean() - 2.5004), 4.9 * 0.4303 / math.sqrt(packs))
    seen = depth(tail)[np.sum(tail < 1.0 - 4 * sigma, axis=1) == 1]
    print(f"median (mean - min)/sd with one low group {np.median(seen):.2f}, normal {np.median(depth(normal)):.2f}")
    report(
        "tail: packs with one low group, median (mean - min)/sd, off the field's 5.05",
        abs(np.median(seen) - 5.05),
        0.25,
    )
    # Grubbs: P(depth > z) <= 98 P(t_96 > t(z)) in a normal pack
    t = math.sqrt(98 * 96 * 5.05**2 / (97**2 - 98 * 5.05**2))
    often = stats.poisson.isf(FALSE_ALARM, packs * 98 * stats.t.sf(t, 96))
    report("normal: packs of 3000 that look 5.05 sigma deep", np.sum(depth(normal) >= 5.05), often, "packs")


def test_joints_of_any_pack_alone(report: Callable[..., None]) -> None:
    """Any order, any pack alone: the same bits; and every pack its own."""
    joint = {"nominal": 0.1, "spread_pct": 20.0}
    joints = {"tab_mohm": {**joint, "open_ppm": 5e3, "high_ppm": 2e4}, "busbar_mohm": joint, "group_link_mohm": joint}
    found = plan(Topology(layout="2p(3s12s4p)", joints={**joints, "string_busbar_mohm": joint}))
    forward = [joints_of(found, 7, 3, pack) for pack in range(40)]
    backward = [joints_of(found, 7, 3, pack) for pack in reversed(range(40))][::-1]
    different = sum(
        not (np.array_equal(a.child_ohm, b.child_ohm) and np.array_equal(a.rail_ohm, b.rail_ohm))
        for a, b in zip(forward, backward, strict=True)
    )
    report("joints drawn in reverse order: packs that differ", different, 0)
    others = (forward[1], joints_of(found, 8, 3, 0), joints_of(found, 7, 4, 0))
    drawn = np.isfinite(forward[0].child_ohm) & (found.mean_ohm[0] > 0.0)
    alike = sum(int(np.sum(own.child_ohm[drawn] == forward[0].child_ohm[drawn])) for own in others)
    report("joints of another pack, seed, block: resistances alike", alike, 0)

"""Where each joint sits, how joints scatter, and what the network's kernels do at the edges."""

from __future__ import annotations

import math

import numpy as np
import pytest
from networks import ResistivePack, from_layout, random_tree, solved

from packsim.numerics.purposes import JOINT, WELD_FAULT
from packsim.numerics.streams import fill_normals, fill_uniforms, seed_key
from packsim.pack.network import kernels as k
from packsim.pack.network.plan import joints_of, network_of, nominal_joints, plan, weld_faults
from packsim.scenario.topology import Topology, Tree, parse

Z = 4.9  # two-sided false alarm 1e-6


def tree_of(net: k.Network, node: int) -> Tree:
    """The layout back from the arrays."""
    below = net.child[net.first[node] : net.first[node + 1]]
    if below[0] < 0:
        assert all(below < 0)
        return Tree("p", cells=below.size)
    assert all(below < node)
    return Tree("s" if net.kind[node] == k.SERIES else "p", tuple(tree_of(net, j) for j in below))


def test_network_holds_the_layout() -> None:
    luck = np.random.default_rng(3)
    for _ in range(100):
        tree = random_tree(luck, 5)
        net = network_of(tree)
        assert tree_of(net, net.kind.size - 1) == tree
        n = tree.total_cells
        assert np.array_equal(net.child[:n], ~np.arange(n))  # entry of a cell: the cell
        assert np.array_equal(np.sort(net.child[n:]), np.arange(net.kind.size - 1))  # each node has one parent
        assert net.first[-1] == net.child.size == n + net.kind.size - 1


def test_modules() -> None:
    net = network_of(parse("2p(2s(3s4p))"))
    assert [tree_of(net, node) for node in net.module] == [parse("3s4p")] * 4
    assert network_of(parse("12p")).module.tolist() == [0]
    assert [tree_of(network_of(parse("2p96s")), j).total_cells for j in network_of(parse("2p96s")).module] == [96, 96]


def test_every_joint_is_where_it_should_be() -> None:
    joints = {
        name: {"nominal": value}
        for name, value in {
            "tab_mohm": 1.0,
            "busbar_mohm": 0.5,
            "group_link_mohm": 10.0,
            "module_connector_mohm": 100.0,
            "string_busbar_mohm": 7.0,
            "disconnect_mohm": 1000.0,
        }.items()
    }
    strings = plan(Topology(layout="2p(2s(3s2p))", joints=joints))
    own, net = 1e3 * nominal_joints(strings).child_ohm, strings.net
    root = net.kind.size - 1
    for node in range(net.kind.size):
        values = own[net.first[node] : net.first[node + 1]]
        rails = 1e3 * nominal_joints(strings).rail_ohm[net.first[node] : net.first[node + 1]]
        if node == root:
            assert values == pytest.approx([1100.0, 1100.0])
            assert rails == pytest.approx(np.array([[0, 0], [7.0, 7.0]]))
        elif node < net.group.size:
            assert values == pytest.approx([1.0, 1.0])
            assert rails == pytest.approx(np.array([[0, 0], [0.5, 0.5]]))
        elif node in net.module:
            assert values == pytest.approx([0.0, 10.0, 10.0])
        else:
            assert values == pytest.approx([0.0, 100.0])
    single = plan(Topology(layout="2s3s2p", joints=joints))
    assert 1e3 * nominal_joints(single).child_ohm[-2:] == pytest.approx([1000.0, 100.0])
    group = plan(Topology(layout="4p", joints=joints))
    assert 1e3 * nominal_joints(group).child_ohm == pytest.approx([1.0, 1.0, 1.0, 1.0, 1000.0])


def test_a_pack_without_joints_is_ideal() -> None:
    found = plan(Topology(), 26, 7)
    assert found.net.ideal.all()
    assert not any(values.any() for values in nominal_joints(found))
    assert not any(values.any() for values in joints_of(found, 1, 0, 0))


@pytest.mark.parametrize("distribution", ["normal", "lognormal"])
def test_joints_have_their_mean_and_spread(report, distribution: str) -> None:
    spread = 0.12
    joint = {"nominal": 0.2, "spread_pct": 100 * spread, "distribution": distribution}
    joints = {"tab_mohm": joint, "busbar_mohm": joint, "group_link_mohm": joint, "disconnect_mohm": joint}
    found = plan(Topology(layout="50s20p", joints=joints))
    packs = [joints_of(found, 5, 0, pack) for pack in range(100)]
    n = found.cells
    kinds = {
        "tab": np.concatenate([pack.child_ohm[:n] for pack in packs]),
        "positive rail": np.concatenate([pack.rail_ohm[:n, 0][pack.rail_ohm[:n, 0] > 0] for pack in packs]),
        "negative rail": np.concatenate([pack.rail_ohm[:n, 1][pack.rail_ohm[:n, 1] > 0] for pack in packs]),
    }
    sigma = math.sqrt(math.log1p(spread**2))
    kurtosis = 16 * sigma**2 if distribution == "lognormal" else 0.0  # excess, leading order
    for name, ohm in kinds.items():
        ratio = ohm / 0.2e-3
        assert ratio.min() > 0.0
        report(f"{distribution} {name}: mean off", abs(ratio.mean() - 1) / spread, Z / math.sqrt(ratio.size), "sd")
        bound = Z * math.sqrt((2 + kurtosis) / 4 / ratio.size)
        report(f"{distribution} {name}: sd off", abs(ratio.std() / spread - 1), bound)
    assert abs(np.corrcoef(kinds["positive rail"], kinds["negative rail"])[0, 1]) < Z / math.sqrt(95_000)


def test_failed_welds(report) -> None:
    weld = {"nominal": 0.2, "open_ppm": 3e3, "high_ppm": 6e3, "high_factor": 25.0}
    found = plan(Topology(layout="50s20p", joints={"tab_mohm": weld}))
    opens = highs = 0
    for pack in range(100):
        joints, faults = joints_of(found, 9, 2, pack), weld_faults(found, 9, 2, pack)
        ohm = joints.child_ohm[: found.cells] / 0.2e-3
        assert np.array_equal(np.flatnonzero(np.isinf(ohm)), faults.open)
        assert np.array_equal(np.flatnonzero(np.abs(ohm - 25.0) < 1e-9), faults.high)
        assert np.sum(np.abs(ohm - 1.0) < 1e-9) == found.cells - faults.open.size - faults.high.size
        assert np.isfinite(joints.child_ohm[found.cells :]).all()
        opens, highs = opens + faults.open.size, highs + faults.high.size
    for name, count, share in (("open", opens, 3e-3), ("high", highs, 6e-3)):
        report(f"{name} welds of 100,000 off their rate", abs(count - 1e5 * share), Z * math.sqrt(1e5 * share))


def test_each_joint_is_drawn_at_its_own_address() -> None:
    weld = {"nominal": 0.2, "spread_pct": 30.0, "open_ppm": 2e5}
    found = plan(
        Topology(layout="3s4p", joints={"tab_mohm": weld, "busbar_mohm": {"nominal": 0.1, "spread_pct": 10.0}})
    )
    seed, block, pack, c = 2**40 + 3, 5, 6, found.net.child.size
    joints = joints_of(found, seed, block, pack)
    for s in range(found.cells):
        z, u = np.empty((4, 1)), np.empty((4, 1))
        fill_normals(*seed_key(seed), JOINT, block, pack * c + s, 0, z)
        fill_uniforms(*seed_key(seed), WELD_FAULT, block, pack * c + s, 0, u)
        sigma = math.sqrt(math.log1p(0.3**2))
        expected = math.inf if u[0, 0] < 0.2 else 0.2e-3 * math.exp(sigma * z[0, 0] - sigma**2 / 2)
        assert joints.child_ohm[s] == pytest.approx(expected, rel=1e-12)
        first = s in found.net.first
        sigma = math.sqrt(math.log1p(0.1**2))
        rails = [0.0 if first else 0.1e-3 * math.exp(sigma * z[w, 0] - sigma**2 / 2) for w in (1, 2)]
        assert joints.rail_ohm[s] == pytest.approx(rails, rel=1e-12)


def test_one_cell_is_itself_to_the_bit() -> None:
    luck = np.random.default_rng(8)
    for layout in ("1s1p", "1p", "96s"):
        pack = from_layout(layout, 3.0 + luck.random(), 0.1 * luck.random(), 7.0 * luck.random())
        work, current, _ = solved(pack)
        assert (current == pack.total).all()
        assert work.node_v[0] == pack.emf[0] - pack.slope[0] * pack.total


def test_an_open_pack_says_so_and_stays_finite() -> None:
    pack = from_layout("4s1p", 3.7, 0.02, 5.0)
    pack.joints.child_ohm[2] = np.inf
    work, current, carries = solved(pack)
    assert not carries
    assert not current.any()
    assert all(np.isfinite(values).all() for values in (work.node_v, work.node_i, work.node_e))
    assert solved(pack._replace(total=0.0))[2]


def test_an_open_weld_in_a_string_shows_the_other_strings_voltage() -> None:
    """The gap across the open group is what a voltmeter reads there: the neighbours' voltage less the string's own."""
    pack = from_layout("2p(3s1p)", 3.7, 0.02, 3.0)
    pack.joints.child_ohm[4] = np.inf  # second group of the second string
    work, current, _ = solved(pack)
    assert current == pytest.approx([3.0, 3.0, 3.0, 0.0, 0.0, 0.0])
    assert work.node_v[:6] == pytest.approx([3.64, 3.64, 3.64, 3.7, 3 * 3.64 - 2 * 3.7, 3.7])
    assert not current[3:].any()


def test_bleeding_a_group_is_a_current_through_its_cells_alone() -> None:
    pack = from_layout("3s2p", 3.7, 0.02, 1.0)
    pack.drain_a[1] = 0.4
    work, current, _ = solved(pack)
    assert current == pytest.approx([0.5, 0.5, 0.7, 0.7, 0.5, 0.5])
    assert work.node_v[:3] == pytest.approx([3.69, 3.686, 3.69])
    assert work.node_i[:3] == pytest.approx([1.0, 1.0, 1.0])


@pytest.mark.parametrize("what", ["emf", "slope"])
@pytest.mark.parametrize("layout", ["4s1p", "3s2p", "2p(2s3p)"])
def test_a_cell_that_is_not_a_number_is_not_hidden(layout: str, what: str) -> None:
    pack: ResistivePack = from_layout(layout, 3.7, 0.02, 1.0, busbar=0.1)
    getattr(pack, what)[1] = np.nan
    work, _, carries = solved(pack)
    assert math.isnan(work.node_v[-1])
    assert carries


def test_slopes_of_nothing_are_held_at_the_floor() -> None:
    pack = from_layout("1s3p", 3.7, np.array([0.0, -1.0, 0.01]), 3.0)
    work, current, _ = solved(pack)
    assert np.isfinite(current).all()
    assert current.sum() == pytest.approx(3.0, rel=1e-9)
    assert work.node_r[0] == pytest.approx(1.0 / (2 / k.SLOPE_FLOOR + 100.0))


def test_joints_waste_what_cells_give_and_the_pack_does_not(report) -> None:
    """Power: cells' = terminals' + bleeds' + all joints', each summed from its own current."""
    luck = np.random.default_rng(12)
    joints = {"tab": 0.3, "busbar": 0.1, "group_link": 0.04, "module_connector": 0.2, "disconnect": 0.5}
    for terminals in ("one_end", "opposite_ends"):
        pack = from_layout("2p(3s5p)", 3.7 + 0.02 * luck.random(30), 0.02, 20.0, terminals, **joints)
        pack.drain_a[2] = 0.3
        work, current, _ = solved(pack)
        net, ohm = pack.net, pack.joints
        lost = np.sum(ohm.child_ohm[:30] * current**2)
        lost += sum(ohm.child_ohm[s] * (work.node_i[net.child[s]]) ** 2 for s in range(30, net.child.size))
        for g in range(6):
            own = current[5 * g : 5 * g + 5]
            rail = own.sum() - np.cumsum(own)[:-1]
            back = rail if terminals == "one_end" else own.sum() - rail
            lost += 1e-4 * np.sum(rail**2 + back**2)
        given = np.sum((pack.emf - pack.slope * current) * current)
        used = work.node_v[-1] * 20.0 + 0.3 * work.node_v[2]
        report(
            f"power in joints, {terminals}: cells less terminals against sum R i^2", abs(given - used - lost), 1e-9, "W"
        )

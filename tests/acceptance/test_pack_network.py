"""The pack's network against a dense solve, closed forms and published packs."""

from __future__ import annotations

import math

import numpy as np
import pytest
from dense_network import circuit_of

from packsim.pack.network import kernels as k
from packsim.pack.network.plan import joints_of, new_nodes, nominal_joints, plan
from packsim.scenario.topology import Joint, Joints, Level


def random_levels(luck):
    depth, cells = luck.integers(1, 5), 1
    levels = []
    for _ in range(depth):
        count = int(luck.integers(1, 8))
        if cells * count > 90:
            break
        cells *= count
        levels.append(Level(count, "sp"[luck.integers(2)]))
    return tuple(levels) or (Level(3, "p"),)


def tree_of(net, joints):
    """The same tree as nested lists, from the arrays of the plan."""

    def node(number):
        span = range(net.first[number], net.first[number + 1])
        children = [~int(net.child[c]) if net.child[c] < 0 else node(int(net.child[c])) for c in span]
        own = [(joints.child_ohm[c], joints.rail_ohm[c, 0], joints.rail_ohm[c, 1]) for c in span]
        return "sp"[net.kind[number]], bool(net.opposite[number]), children, own

    return node(net.kind.size - 1)


def run(net, joints, emf, ohm, total, drain=None):
    nodes, current = k.Nodes(*(np.zeros_like(a) for a in new_nodes(net))), np.full(emf.size, np.nan)
    if drain is not None:
        nodes.drain_a[:] = drain
    k.reduce(nodes, emf, ohm, net, joints)
    k.expand(nodes, current, emf, ohm, net, joints, total)
    return nodes, current


def test_random_packs_are_a_dense_solve(report):
    luck = np.random.default_rng(4)
    worst_i = worst_v = worst_sum = 0.0
    opened = reversed_ = 0
    for case in range(200):
        ends = ("one_end", "opposite_ends")[luck.integers(2)]
        rails = Joint(nominal_mohm=1.0) if luck.random() < 0.7 else None
        design = plan(random_levels(luck), Joints(busbar=rails, string_rail=rails, terminals=ends))
        net, joints = design.net, nominal_joints(design)
        n, m = net.child_of_cell.size, net.kind.size
        joints.rail_ohm[joints.rail_ohm > 0] = 10.0 ** luck.uniform(-6, -2, np.sum(joints.rail_ohm > 0))
        joints.child_ohm[:] = np.where(
            luck.random(net.child.size) < 0.5, 0.0, 10.0 ** luck.uniform(-6, -2, net.child.size)
        )
        emf, ohm = luck.uniform(2.5, 4.2, n), 10.0 ** luck.uniform(-4, 0, n)
        total = float((0.0, 5.0, -7.0)[case % 3])
        if case % 2:
            joints.child_ohm[net.child_of_cell[luck.random(n) < 0.15]] = math.inf
        drain = np.where(luck.random(m) < 0.2, luck.uniform(0.0, 0.5, m), 0.0)
        nodes, current = run(net, joints, emf, ohm, total, drain)
        if np.isinf(nodes.r).any():  # an open string: no total current can be asked of it, nothing be drawn from it
            opened += 1
            drain[np.isinf(nodes.r)] = 0.0
            total = 0.0 if np.isinf(nodes.r[-1]) else total
            nodes, current = run(net, joints, emf, ohm, total, drain)
        circuit, plus, minus, cells, terminals = circuit_of(tree_of(net, joints), None, emf, ohm)
        draws = [(*terminals[number], drain[number]) for number in range(m)]
        expected, volts = circuit.solve(plus, minus, total, draws)
        expected = np.array([expected[cells[j]] for j in range(n)])
        size = np.mean(np.abs(expected)) + 1e-3
        worst_i = max(worst_i, np.max(np.abs(current - expected)) / size)
        live = ~np.isinf(nodes.r)
        own = np.array([volts[p] - volts[q] for p, q in terminals])
        worst_v = max(worst_v, np.max(np.abs(own - nodes.v)[live], initial=0.0))
        for group in net.group:
            span = net.child[net.first[group] : net.first[group + 1]]
            worst_sum = max(worst_sum, abs(current[~span].sum() - nodes.i[group] - drain[group]) / size)
        assert np.all(np.isfinite(current))
        reversed_ += int((current < 0).any())
    assert opened >= 10
    assert reversed_ >= 50
    report("200 random packs against a dense solve: currents", worst_i, 1e-9, "of the mean")
    report("200 random packs: terminal voltages of all nodes", worst_v, 1e-9, "V")
    report("200 random packs: currents of a group off their sum", worst_sum, 1e-9, "of the mean")


def test_two_in_parallel_and_uniform_ladder(report):
    design = plan((Level(2, "p"),), Joints())
    nodes, current = run(design.net, nominal_joints(design), np.array([3.9, 3.8]), np.array([0.060, 0.050]), 9.0)
    # facts.md C6 with 0.1 V between the sources: Ia = (dE + I Rb) / (Ra + Rb)
    report("two in parallel off the closed form", abs(current[0] - (0.1 + 9.0 * 0.050) / 0.110), 1e-12, "A")
    # a ladder of equal sources, rails r in one of two, far end first: continued fraction of Thevenin resistances
    r, cell, count = 1e-3, 0.02, 30
    design = plan((Level(count, "p"),), Joints(busbar=Joint(nominal_mohm=1e3 * r)))
    seen = cell
    for _ in range(count - 1):
        seen = 1.0 / (1.0 / cell + 1.0 / (seen + 2.0 * r))
    nodes, _ = run(design.net, nominal_joints(design), np.full(count, 3.7), np.full(count, cell), 1.0)
    report("uniform ladder off its continued fraction", abs(nodes.r[-1] / seen - 1.0), 1e-12, "relative")
    one, _ = run(design.net, nominal_joints(design), np.full(count, 3.7), np.full(count, cell), 10.0)
    assert one.v[-1] == pytest.approx(3.7 - 10.0 * seen, rel=1e-12)


def test_opposite_ends_share_current_more_evenly_than_one_end():
    spread = {}
    for ends in ("one_end", "opposite_ends"):
        design = plan((Level(12, "p"),), Joints(busbar=Joint(nominal_mohm=0.5), terminals=ends))
        _, current = run(design.net, nominal_joints(design), np.full(12, 3.7), np.full(12, 0.02), 12.0)
        spread[ends] = current.max() - current.min()
        assert current.sum() == pytest.approx(12.0, rel=1e-12)
        if ends == "opposite_ends":
            assert current == pytest.approx(current[::-1], rel=1e-12)  # symmetric; the ends carry most
    assert spread["opposite_ends"] < 0.5 * spread["one_end"]


def test_joints_are_a_function_of_the_pack_alone(report):
    joints = Joints(
        tab=Joint(nominal_mohm=0.2, spread_pct=15.0, open_ppm=2e4, high_ppm=3e4),
        busbar=Joint(nominal_mohm=0.05, spread_pct=10.0),
    )
    design = plan((Level(20, "s"), Level(10, "p")), joints)
    many = [joints_of(design, 7, 3, p) for p in range(40)]
    again = joints_of(design, 7, 3, 17)
    same = np.array_equal(again.child_ohm, many[17].child_ohm) and np.array_equal(again.rail_ohm, many[17].rail_ohm)
    report("joints of a pack drawn alone: differ", 0 if same else 1, 0)
    tabs = np.concatenate([own.child_ohm[design.role == 0] for own in many])
    log = np.log(tabs[np.isfinite(tabs) & (tabs < 1e-3)] / 2e-4)
    # 8,000 tabs: five standard errors (5.7e-7 each)
    report("sd of a joint's logarithm off 0.15", abs(log.std() - 0.15), 5 * 0.15 / math.sqrt(2 * log.size))
    report("open joints off 2 %", abs(np.isinf(tabs).mean() - 0.02), 5 * math.sqrt(0.02 * 0.98 / tabs.size))

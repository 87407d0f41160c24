"""Packs of resistors for tests of the network: random ones, ones from a layout, and their solution by packsim's kernels."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from packsim.pack.network import kernels as k
from packsim.pack.network.plan import network_of, nominal_joints, plan, solve_for
from packsim.scenario.topology import Topology, Tree


class ResistivePack(NamedTuple):
    """A pack of cells `emf - slope * current` and what is asked of it."""

    net: k.Network
    joints: k.Joints
    emf: np.ndarray
    slope: np.ndarray
    total: float
    drain_a: np.ndarray


def solved(pack: ResistivePack) -> tuple[k.Solve, np.ndarray, bool]:
    """(network's arrays, currents of cells, whether the pack can carry its current)."""
    work, current = solve_for(pack.net), np.full(pack.emf.size, np.nan)
    k.reduce(work, pack.emf, pack.slope, pack.net, pack.joints, pack.drain_a)
    carries = k.expand(work, current, pack.total, pack.emf, pack.net, pack.joints, pack.drain_a)
    return work, current, carries


def from_layout(layout: str, emf, slope, total: float, terminals: str = "one_end", **joints_mohm: float):
    """A pack of a scenario's layout with nominal joints."""
    joints = {f"{name}_mohm": {"nominal": float(value)} for name, value in joints_mohm.items()}
    found = plan(Topology(layout=layout, terminals=terminals, joints=joints))
    emf, slope = (np.array(np.broadcast_to(value, found.cells), float) for value in (emf, slope))
    return ResistivePack(found.net, nominal_joints(found), emf, slope, total, np.zeros(found.net.kind.size))


def random_tree(luck: np.random.Generator, depth: int) -> Tree:
    """Series and parallel connections within each other, groups of 1 to 6 cells at any depth."""
    if depth == 0 or luck.random() < 0.2:
        return Tree("p", cells=int(luck.integers(1, 7)))
    kind = "sp"[luck.integers(2)]
    return Tree(kind, tuple(random_tree(luck, depth - 1) for _ in range(luck.integers(1, 5))))


def random_pack(luck: np.random.Generator) -> ResistivePack:
    """Cells over four decades of resistance, joints over four, open welds and connectors, all kinds of rails, bleeds."""
    tree = random_tree(luck, int(luck.integers(1, 6)))
    while tree.total_cells > 60:
        tree = random_tree(luck, int(luck.integers(1, 6)))
    net = network_of(tree)
    m, c = net.kind.size, net.child.size
    parallel = net.kind == k.PARALLEL
    net = net._replace(opposite=parallel & (luck.random(m) < 0.4), ideal=parallel & (luck.random(m) < 0.3))
    n = tree.total_cells
    child_ohm = 10.0 ** luck.uniform(-6, -2, c) * (luck.random(c) < 0.7)
    if luck.random() < 0.5:
        child_ohm[luck.random(c) < luck.choice([0.02, 0.1, 0.3])] = np.inf
    rail_ohm = 10.0 ** luck.uniform(-6, -2, (c, 2))
    rail_ohm[net.first[:-1]] = 0.0
    return ResistivePack(
        net,
        k.Joints(child_ohm, rail_ohm),
        luck.uniform(3.0, 4.2) + luck.normal(0.0, 0.03, n),
        10.0 ** luck.uniform(-4, 0, n),
        float(luck.choice([0.0, 1.0, -1.0]) * 10.0 ** luck.uniform(-1, 2)),
        luck.uniform(0.0, 0.2, m) * (luck.random(m) < 0.3),
    )

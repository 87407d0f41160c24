"""Currents of a pack whose cells hang in nested series and parallel connections, in O(cells) (compiled).

Shapes: m nodes, g groups, c children (n cells and the m - 1 nodes below the root). Discharge current is positive: I leaves a
node through its positive terminal. `reduce` goes bottom-up and leaves each node as `voltage = node_e - node_r * I`; `expand`
goes top-down with the root's current. Rails of parallel nodes are ladders, solved by block elimination from the far end; the
algebra, with its signs, is in docs/network.md. Nothing is allocated; slices are avoided (a view costs as much as a cell).

Voltages of a parallel node are taken from its first child's (`work.origin`): currents then keep their digits where small
differences of large EMFs drive them, and equal EMFs at rest give exactly no current.
"""

import math
from typing import NamedTuple

import numpy as np

from packsim.numerics.jit import kernel

SERIES, PARALLEL = 0, 1  # kinds of nodes
SLOPE_FLOOR = 1e-7  # ohm: least resistance of a cell


class Network(NamedTuple):
    """The same for all packs of a scenario. Children come before their parents; the root is the last node.

    Groups (parallel nodes of cells; a lone cell is a group of one) are the nodes 0 .. g-1 in the order of their cells, and
    hold exactly the cells. So entry j < n of the arrays [c] is cell j, counted depth first from the positive terminal's end of
    the text, and a network is canonical if made by `plan.network_of`.
    """

    kind: np.ndarray  # int8[m] SERIES or PARALLEL
    first: np.ndarray  # int32[m + 1] children of node k are child[first[k]:first[k + 1]]
    child: np.ndarray  # int32[c] a node, or ~cell
    opposite: np.ndarray  # bool[m] PARALLEL: negative terminal at the last child; else both at the first
    ideal: np.ndarray  # bool[m] PARALLEL: rails without resistance
    group: np.ndarray  # int32[g] = 0 .. g-1
    module: np.ndarray  # int32[] nodes of modules


class Joints(NamedTuple):
    """Resistances of one pack [ohm]."""

    child_ohm: np.ndarray  # [c] in series with each child; inf: open
    rail_ohm: np.ndarray  # [c, 2] positive and negative rail from the child before; finite, 0 at first children and in series


class Solve(NamedTuple):
    """What `reduce` and `expand` leave, and their scratch."""

    node_e: np.ndarray  # [m] open-circuit voltage, the node's drain included; 0 where nothing defines it
    node_r: np.ndarray  # [m] resistance; inf: open
    node_v: np.ndarray  # [m] terminal voltage
    node_i: np.ndarray  # [m] current out of the terminals
    rail_v: np.ndarray  # [c] voltage between the rails of a parallel node at each child
    branch_e: np.ndarray  # [c] EMF of children that are nodes
    branch_i: np.ndarray  # [c] current of children that are nodes
    branch_r: np.ndarray  # [c] resistance of each child with its joint; inf: open
    per: np.ndarray  # [c] its inverse
    seg_a: np.ndarray  # [c] rail current before a child = seg_a - seg_g * (voltage before it) - seg_h * I
    seg_g: np.ndarray
    seg_h: np.ndarray
    origin: np.ndarray  # [m] from here on: a parallel node's voltages count from this,
    sum_a: np.ndarray  # [m] and I = sum_a - sum_g * (voltage at the first child) - sum_h * I
    sum_g: np.ndarray
    sum_h: np.ndarray


@kernel
def new_solve(nodes, children):
    """Arrays for a network of `nodes` and `children`."""
    m, c = nodes, children
    return Solve(
        np.zeros(m),
        np.zeros(m),
        np.zeros(m),
        np.zeros(m),
        np.zeros(c),
        np.zeros(c),
        np.zeros(c),
        np.zeros(c),
        np.zeros(c),
        np.zeros(c),
        np.zeros(c),
        np.zeros(c),
        np.zeros(m),
        np.zeros(m),
        np.zeros(m),
        np.zeros(m),
    )


@kernel
def reduce(work, emf, slope, net, joints, drain_a):
    """Bottom-up: node_e, node_r of all nodes for cells `emf[n] - slope[n] * current`.

    drain_a[m] is drawn at a node's own terminals by something else (balancing). An open node draws nothing: what would bleed
    it finds no path.
    """
    per, ohm, branch_r = work.per, joints.child_ohm, work.branch_r
    for j in range(emf.shape[0]):
        r = (SLOPE_FLOOR if slope[j] < SLOPE_FLOOR else slope[j]) + ohm[j]  # a nan stays one
        branch_r[j] = r
        per[j] = 1.0 / r
    groups, nodes = net.group.shape[0], net.kind.shape[0]
    for k in range(groups):
        gather(work, k, emf, net, joints, drain_a)
    for k in range(groups, nodes):
        if net.kind[k] == SERIES:
            e, total_r = 0.0, 0.0
            for s in range(net.first[k], net.first[k + 1]):
                e += work.node_e[net.child[s]]
                total_r += work.node_r[net.child[s]] + ohm[s]
            drained(work, k, e, total_r, drain_a)
        else:
            for s in range(net.first[k], net.first[k + 1]):
                work.branch_e[s] = work.node_e[net.child[s]]
                branch_r[s] = work.node_r[net.child[s]] + ohm[s]
                per[s] = 1.0 / branch_r[s]
            gather(work, k, work.branch_e, net, joints, drain_a)


@kernel
def drained(work, k, e, r, drain_a):
    """Keep the Thevenin of node k with what is drawn at its terminals; open nodes give nothing."""
    work.node_r[k] = r
    work.node_e[k] = e if r == math.inf else e - r * drain_a[k]


@kernel
def gather(work, k, e, net, joints, drain_a):
    """Thevenin of the parallel node k whose branches have EMF e[c] and conductance work.per[c]."""
    begin, end = net.first[k], net.first[k + 1]
    per, rail = work.per, joints.rail_ohm
    if end - begin == 1:  # to the bit what a cell alone gives
        work.origin[k], work.sum_a[k], work.sum_g[k], work.sum_h[k] = e[begin], 0.0, per[begin], 0.0
        drained(work, k, e[begin], work.branch_r[begin], drain_a)
        return
    origin, h = e[begin], 0.0
    if net.ideal[k]:
        a, g = 0.0, 0.0
        for s in range(begin, end):
            g += per[s]
            a += (e[s] - origin) * per[s]
    else:
        g = per[end - 1]
        a = (e[end - 1] - origin) * g
        for s in range(end - 1, begin, -1):
            x = 1.0 / (1.0 + g * (rail[s, 0] + rail[s, 1]))
            if net.opposite[k]:
                h = (h - g * rail[s, 1]) * x
                work.seg_h[s] = h
            a *= x
            g *= x
            work.seg_a[s] = a
            work.seg_g[s] = g
            a += (e[s - 1] - origin) * per[s - 1]
            g += per[s - 1]
    work.origin[k], work.sum_a[k], work.sum_g[k], work.sum_h[k] = origin, a, g, h
    if g == 0.0:
        work.node_e[k], work.node_r[k] = 0.0, math.inf
        return
    v, r = a / g, (1.0 + h) / g
    if net.opposite[k] and not net.ideal[k]:  # the negative terminal is at the other end: subtract that rail
        at, unit = v, -r  # voltage along the ladder for I = 0; for I = 1 without EMFs
        for s in range(begin + 1, end):
            t, u = work.seg_a[s] - work.seg_g[s] * at, -work.seg_h[s] - work.seg_g[s] * unit
            rho = rail[s, 0] + rail[s, 1]
            at += rho * t
            unit += rho * u - rail[s, 1]
            v += rail[s, 1] * t
            r += rail[s, 1] * (1.0 - u)
    drained(work, k, origin + v, r, drain_a)


@kernel
def expand(work, current, total, emf, net, joints, drain_a):
    """Top-down after `reduce`: current[n] of all cells, node_i, node_v, rail_v, when the pack carries `total`.

    Returns whether it can: a pack that is open carries nothing, and everything is then at rest. Across an open child of a
    series node stands what its neighbours leave of the node's voltage, in equal parts where several are open.
    """
    root = net.kind.shape[0] - 1
    groups = net.group.shape[0]
    closed = work.node_r[root] != math.inf
    work.node_i[root] = total if closed else 0.0
    work.node_v[root] = work.node_e[root] - work.node_r[root] * total if closed else work.node_e[root]
    for k in range(root, groups - 1, -1):
        begin, end = net.first[k], net.first[k + 1]
        through = work.node_i[k] + drain_a[k] if work.node_r[k] != math.inf else 0.0
        if net.kind[k] == SERIES:
            gap, gaps = 0.0, 0
            if work.node_r[k] == math.inf:
                gap, gaps = open_gap(work, k, net, joints)
            for s in range(begin, end):
                j = net.child[s]
                work.node_i[j] = through
                if work.node_r[j] != math.inf:
                    work.node_v[j] = work.node_e[j] - work.node_r[j] * through
                else:
                    work.node_v[j] = gap / gaps
        else:
            share(work, k, work.branch_e, work.branch_i, through, net, joints)
            for s in range(begin, end):
                j = net.child[s]
                i = work.branch_i[s]
                work.node_i[j] = i
                if work.node_r[j] != math.inf:
                    work.node_v[j] = work.node_e[j] - work.node_r[j] * i
                else:
                    work.node_v[j] = work.rail_v[s] if joints.child_ohm[s] < math.inf else 0.0
    for k in range(groups):
        through = work.node_i[k] + drain_a[k] if work.node_r[k] != math.inf else 0.0
        share(work, k, emf, current, through, net, joints)
    return closed or total == 0.0


@kernel
def open_gap(work, k, net, joints):
    """(voltage left for the open places of the series node k, number of them): open nodes and open joints."""
    gap, gaps = work.node_v[k], 0
    for s in range(net.first[k], net.first[k + 1]):
        if work.node_r[net.child[s]] == math.inf:
            gaps += 1
        else:
            gap -= work.node_e[net.child[s]]
        if joints.child_ohm[s] == math.inf:
            gaps += 1
    return gap, gaps


@kernel
def share(work, k, e, i, through, net, joints):
    """Currents i[c] of the parallel node k's branches with EMF e[c], and rail_v, when they give `through` together."""
    begin, end = net.first[k], net.first[k + 1]
    per, rail, rail_v = work.per, joints.rail_ohm, work.rail_v
    origin, g = work.origin[k], work.sum_g[k]
    if g == 0.0:
        for s in range(begin, end):
            i[s] = 0.0
            rail_v[s] = work.node_v[k]
        return
    if end - begin == 1:
        i[begin] = through
        rail_v[begin] = origin - through * work.branch_r[begin]
        return
    v = (work.sum_a[k] - (1.0 + work.sum_h[k]) * through) / g
    if net.ideal[k]:
        for s in range(begin, end):
            i[s] = ((e[s] - origin) - v) * per[s]
            rail_v[s] = origin + v
        return
    i[begin] = ((e[begin] - origin) - v) * per[begin]
    rail_v[begin] = origin + v
    for s in range(begin + 1, end):
        if net.opposite[k]:
            t = work.seg_a[s] - work.seg_g[s] * v - work.seg_h[s] * through
            v += (rail[s, 0] + rail[s, 1]) * t - rail[s, 1] * through
        else:
            v += (rail[s, 0] + rail[s, 1]) * (work.seg_a[s] - work.seg_g[s] * v)
        i[s] = ((e[s] - origin) - v) * per[s]
        rail_v[s] = origin + v

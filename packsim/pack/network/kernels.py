"""Currents of a pack whose cells hang in nested series and parallel connections, in O(cells) (compiled).

Shapes: m nodes, g groups, c children (n cells and the m - 1 nodes below the root). Discharge current is positive: I leaves a
node through its positive terminal. `reduce` goes bottom-up and leaves each node as `voltage = node_e - node_r * I`; `expand`
goes top-down with the root's current. Rails of parallel nodes are ladders, solved by block elimination from the far end; the
algebra, with its signs, is in docs/network.md. Nothing is allocated; slices are avoided (a view costs as much as a cell).
Places are counted without a sign: each access would else test for one that counts from the end, half of a sum's work.

Voltages of a parallel node are taken from its first child's (`work.origin`): currents then keep their digits where small
differences of large EMFs drive them, and equal EMFs at rest give exactly no current.
"""

import math
from typing import NamedTuple

import numpy as np

from packsim.numerics.jit import allocating_kernel, inlined_kernel, kernel

SERIES, PARALLEL = 0, 1  # kinds of nodes
SLOPE_FLOOR = 1e-7  # ohm: least resistance of a cell


class Network(NamedTuple):
    """The same for all packs of a scenario. Children come before their parents; the root is the last node.

    Groups (parallel nodes of cells; a lone cell is a group of one) are the nodes 0 .. g-1 in the order of their cells, and
    all cells hang in groups. So entry j < n of the arrays [c] is cell j, counted depth first as the layout is read.
    `plan.network_of` makes such networks.
    """

    kind: np.ndarray  # int8[m] SERIES or PARALLEL
    first: np.ndarray  # uint32[m + 1] children of node k are child[first[k]:first[k + 1]]
    child: np.ndarray  # int32[c] a node, or ~cell
    opposite: np.ndarray  # bool[m] PARALLEL: negative terminal at the last child; else both at the first
    ideal: np.ndarray  # bool[m] PARALLEL: rails without resistance
    group: np.ndarray  # uint32[g] = 0 .. g-1
    module: np.ndarray  # uint32[] nodes of modules


class Joints(NamedTuple):
    """Resistances of one pack [ohm]."""

    child_ohm: np.ndarray  # [c] in series with each child; inf: open
    rail_ohm: np.ndarray  # [c, 2] positive, negative rail from the child before; finite; 0 at first children, in series


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


@allocating_kernel
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
    per, ohm, branch_r, branch_e = work.per, joints.child_ohm, work.branch_r, work.branch_e
    node_e, node_r = work.node_e, work.node_r
    kind, first, child = net.kind, net.first, net.child
    for j in range(emf.shape[0]):
        r = (SLOPE_FLOOR if slope[j] < SLOPE_FLOOR else slope[j]) + ohm[j]  # a nan stays one
        branch_r[j] = r
        per[j] = 1.0 / r
    groups = net.group.shape[0]
    gather(work, 0, groups, emf, net, joints, drain_a)
    for k in range(groups, kind.shape[0]):
        if kind[k] == SERIES:
            e, r = 0.0, 0.0
            for s in range(first[k], first[k + 1]):
                j = np.uint32(child[s])  # a node
                e += node_e[j]
                r += node_r[j] + ohm[s]
            node_e[k], node_r[k] = drained(e, r, drain_a[k]), r
        else:
            for s in range(first[k], first[k + 1]):
                branch_e[s] = node_e[child[s]]
                branch_r[s] = node_r[child[s]] + ohm[s]
                per[s] = 1.0 / branch_r[s]
            gather(work, k, k + 1, branch_e, net, joints, drain_a)


@inlined_kernel
def drained(e, r, drain_a):
    """Open-circuit voltage of a node of EMF e with `drain_a` drawn at its terminals; an open node gives nothing."""
    return e if r == math.inf else e - r * drain_a


@inlined_kernel
def gather(work, begin_k, end_k, e, net, joints, drain_a):
    """Thevenin of the parallel nodes begin_k .. end_k - 1 whose branches have EMF e[c] and conductance work.per[c].

    Many nodes a call, and inlined: to hand the arrays over for each node took as long as 80 cells.
    """
    per, rail, branch_r = work.per, joints.rail_ohm, work.branch_r
    seg_a, seg_g, seg_h = work.seg_a, work.seg_g, work.seg_h
    node_e, node_r = work.node_e, work.node_r
    origins, sum_a, sum_g, sum_h = work.origin, work.sum_a, work.sum_g, work.sum_h
    first, opposites, ideal = net.first, net.opposite, net.ideal
    for k in range(begin_k, end_k):
        begin, end = first[k], first[k + 1]
        origin, a, g, h = e[begin], 0.0, per[begin], 0.0
        if end - begin == 1:  # to the bit what a cell alone gives
            sum_g[k], r = g, branch_r[begin]
            node_e[k], node_r[k] = drained(origin, r, drain_a[k]), r
            continue
        opposite = opposites[k] and not ideal[k]
        if ideal[k]:
            for s in range(begin + 1, end):
                g += per[s]
                a += (e[s] - origin) * per[s]
        elif opposite:
            g = per[end - 1]
            a = (e[end - 1] - origin) * g
            for s in range(end - 1, begin, -1):
                x = 1.0 / (1.0 + g * (rail[s, 0] + rail[s, 1]))
                h = (h - g * rail[s, 1]) * x
                a *= x
                g *= x
                seg_a[s], seg_g[s], seg_h[s] = a, g, h
                a += (e[s - 1] - origin) * per[s - 1]
                g += per[s - 1]
        else:
            g = per[end - 1]
            a = (e[end - 1] - origin) * g
            for s in range(end - 1, begin, -1):
                x = 1.0 / (1.0 + g * (rail[s, 0] + rail[s, 1]))
                a *= x
                g *= x
                seg_a[s], seg_g[s] = a, g
                a += (e[s - 1] - origin) * per[s - 1]
                g += per[s - 1]
        origins[k], sum_a[k], sum_g[k], sum_h[k] = origin, a, g, h
        if g == 0.0:
            node_e[k], node_r[k] = 0.0, math.inf
            continue
        v, r = a / g, (1.0 + h) / g
        if opposite:  # the negative terminal is at the other end: subtract that rail
            at, unit = v, -r  # voltage along the ladder for I = 0; for I = 1 without EMFs
            for s in range(begin + 1, end):
                t, u = seg_a[s] - seg_g[s] * at, -seg_h[s] - seg_g[s] * unit
                rho, sigma = rail[s, 0] + rail[s, 1], rail[s, 1]
                at += rho * t
                unit += rho * u - sigma
                v += sigma * t
                r += sigma * (1.0 - u)
        node_e[k], node_r[k] = drained(origin + v, r, drain_a[k]), r


@kernel
def expand(work, current, total, emf, net, joints, drain_a):
    """Top-down after `reduce`: current[n] of all cells, node_i, node_v, rail_v, when the pack carries `total`.

    Returns whether it can: a pack that is open carries nothing, and everything is then at rest.
    """
    closed = expand_nodes(work, total, net, joints, drain_a)
    share(work, 0, net.group.shape[0], emf, current, net, joints, drain_a)
    return closed or total == 0.0


@kernel
def expand_nodes(work, total, net, joints, drain_a):
    """As `expand` down to the groups, without the currents of their cells; returns whether the pack is closed.

    Across an open child of a series node stands what its neighbours leave of the node's voltage, in equal parts where
    several are open.
    """
    kind, first, child, ohm = net.kind, net.first, net.child, joints.child_ohm
    node_e, node_r, node_v, node_i = work.node_e, work.node_r, work.node_v, work.node_i
    branch_i, rail_v = work.branch_i, work.rail_v
    root, groups = kind.shape[0] - 1, net.group.shape[0]
    closed = node_r[root] != math.inf
    node_i[root] = total if closed else 0.0
    node_v[root] = node_e[root] - node_r[root] * total if closed else node_e[root]
    for k in range(root, groups - 1, -1):
        begin, end = first[k], first[k + 1]
        if kind[k] == SERIES:
            through = node_i[k] + drain_a[k]
            if node_r[k] == math.inf:
                through = 0.0
                open_series(work, k, net, joints)
            for s in range(begin, end):
                j = np.uint32(child[s])  # a node
                node_i[j] = through
                if node_r[j] != math.inf:
                    node_v[j] = node_e[j] - node_r[j] * through
            continue
        share(work, k, k + 1, work.branch_e, branch_i, net, joints, drain_a)
        for s in range(begin, end):
            j = child[s]
            node_i[j] = branch_i[s]
            if node_r[j] != math.inf:
                node_v[j] = node_e[j] - node_r[j] * branch_i[s]
            else:
                node_v[j] = rail_v[s] if ohm[s] != math.inf else 0.0
    return closed


@kernel
def open_series(work, k, net, joints):
    """Voltages of the open children of an open series node: what is left of its own, shared with its open joints."""
    gap, gaps = work.node_v[k], 0
    for s in range(net.first[k], net.first[k + 1]):
        j = net.child[s]
        if work.node_r[j] == math.inf:
            gaps += 1
        else:
            gap -= work.node_e[j]
        if joints.child_ohm[s] == math.inf:
            gaps += 1
    for s in range(net.first[k], net.first[k + 1]):
        j = net.child[s]
        if work.node_r[j] == math.inf:
            work.node_v[j] = gap / gaps


@inlined_kernel
def share(work, begin_k, end_k, e, i, net, joints, drain_a):
    """Currents i[c] and rail_v[c] of the branches with EMF e[c] of parallel nodes begin_k .. end_k - 1, from node_i."""
    per, rail, rail_v, branch_r = work.per, joints.rail_ohm, work.rail_v, work.branch_r
    seg_a, seg_g, seg_h = work.seg_a, work.seg_g, work.seg_h
    node_i, node_v = work.node_i, work.node_v
    origins, sum_a, sum_g, sum_h = work.origin, work.sum_a, work.sum_g, work.sum_h
    first, opposite, ideal = net.first, net.opposite, net.ideal
    for k in range(begin_k, end_k):
        begin, end = first[k], first[k + 1]
        origin, g = origins[k], sum_g[k]
        if g == 0.0:
            for s in range(begin, end):
                i[s] = 0.0
                rail_v[s] = node_v[k]
            continue
        through = node_i[k] + drain_a[k]
        if end - begin == 1:
            i[begin] = through
            rail_v[begin] = e[begin] - through * branch_r[begin]
            continue
        v = (sum_a[k] - (1.0 + sum_h[k]) * through) / g
        if ideal[k]:
            for s in range(begin, end):
                i[s] = ((e[s] - origin) - v) * per[s]
                rail_v[s] = origin + v
            continue
        i[begin] = ((e[begin] - origin) - v) * per[begin]
        rail_v[begin] = origin + v
        if opposite[k]:
            for s in range(begin + 1, end):
                t = seg_a[s] - seg_g[s] * v - seg_h[s] * through
                v += (rail[s, 0] + rail[s, 1]) * t - rail[s, 1] * through
                i[s] = ((e[s] - origin) - v) * per[s]
                rail_v[s] = origin + v
        else:
            for s in range(begin + 1, end):
                v += (rail[s, 0] + rail[s, 1]) * (seg_a[s] - seg_g[s] * v)
                i[s] = ((e[s] - origin) - v) * per[s]
                rail_v[s] = origin + v

"""The pack as a tree of two-terminal nodes: series chains, and parallel branches on two rails (compiled).

Every cell is `v = emf - slope * i` near its current. Going up the tree each node becomes such a source itself,
`v = e - r * i` (`reduce`); going down, the root's current is shared out (`expand`). Both take O(cells), at any depth.

Parallel branches k = 0, 1 ... hang between two rails; the positive terminal is at branch 0, the negative one there too or,
`opposite`, at the last branch. With v_k the voltage between the rails at branch k and t_k the current that branches
beyond k send through the positive rail,

    t_{k-1} - t_k = (E_k - v_k) / R_k,      v_{k+1} = v_k + rho_k t_k - sigma_k I,
    rho = r+ + r-,    sigma = r- if opposite else 0,

so t_{k-1} = a_k - g_k v_k + h_k I follows from the far end (`ladder_up`), without subtraction of like numbers in g.
The last two lines end with I = t_{-1}. At opposite ends the terminal voltage lacks the negative rail's own drop.
"""

import math
from typing import NamedTuple

import numpy as np

from packsim.numerics.jit import kernel

SERIES, PARALLEL = 0, 1
SLOPE_FLOOR = 1e-7  # ohm: a branch cannot have less, so that conductances stay finite


class Network(NamedTuple):
    """The tree, the same for all packs. Nodes are numbered children first; the root is the last; cells depth first."""

    kind: np.ndarray  # int8[m]
    first: np.ndarray  # int32[m + 1] children of node k: child[first[k] : first[k + 1]]
    child: np.ndarray  # int32[c] >= 0: a node; < 0: the cell ~child
    opposite: np.ndarray  # bool[m] terminals at opposite ends of the rails
    ideal: np.ndarray  # bool[m] parallel branches without rails
    cells: np.ndarray  # int32[m] cells in series through the node (its voltage counts in units of this)
    group: np.ndarray  # int32[g] parallel groups, in order
    module: np.ndarray  # int32[..] nodes that are monitored as modules
    child_of_cell: np.ndarray  # int32[n] entry of `child` that is the cell


class Joints(NamedTuple):
    """Resistances of one pack."""

    child_ohm: np.ndarray  # [c] in series with each child; inf: open
    rail_ohm: np.ndarray  # [c, 2] positive, negative rail between the previous branch and this one


class Nodes(NamedTuple):
    """What `reduce` and `expand` leave behind, for m nodes and c children."""

    e: np.ndarray  # [m]
    r: np.ndarray  # [m] inf: open
    v: np.ndarray  # [m] terminal voltage
    i: np.ndarray  # [m]
    a: np.ndarray  # [c] ladder elimination
    g: np.ndarray  # [c]
    h: np.ndarray  # [c]
    drain_a: np.ndarray  # [m] drawn at the node's terminals beside the rest


@kernel
def reduce(nodes, emf, slope, net, joints):
    """Every node as a source: e and r."""
    for k in range(net.kind.shape[0]):
        first, last = net.first[k], net.first[k + 1]
        if net.kind[k] == SERIES:
            series_up(nodes, k, first, last, emf, slope, net, joints)
        elif last - first == 1:
            nodes.e[k], nodes.r[k] = source(nodes, first, emf, slope, net, joints)
        elif net.ideal[k]:
            common_up(nodes, k, first, last, emf, slope, net, joints)
        else:
            ladder_up(nodes, k, first, last, emf, slope, net, joints)
        if nodes.drain_a[k] != 0.0 and nodes.r[k] < math.inf:
            nodes.e[k] -= nodes.r[k] * nodes.drain_a[k]


@kernel
def source(nodes, c, emf, slope, net, joints):
    """Branch number c as (e, r), its own joint included."""
    child = net.child[c]
    if child < 0:
        return emf[~child], max(slope[~child], SLOPE_FLOOR) + joints.child_ohm[c]
    return nodes.e[child], nodes.r[child] + joints.child_ohm[c]


@kernel
def series_up(nodes, k, first, last, emf, slope, net, joints):
    """A chain: voltages and resistances add."""
    e, r = 0.0, 0.0
    for c in range(first, last):
        e_c, r_c = source(nodes, c, emf, slope, net, joints)
        e += e_c
        r += r_c
    nodes.e[k], nodes.r[k] = e, r


@kernel
def common_up(nodes, k, first, last, emf, slope, net, joints):
    """Branches that share one voltage."""
    conductance, drive, plain = 0.0, 0.0, 0.0
    for c in range(first, last):
        e_c, r_c = source(nodes, c, emf, slope, net, joints)
        per = 1.0 / r_c
        conductance += per
        drive += e_c * per
        plain += e_c
    if conductance > 0.0:
        nodes.e[k], nodes.r[k] = drive / conductance, 1.0 / conductance
    else:
        nodes.e[k], nodes.r[k] = plain / (last - first), math.inf


@kernel
def ladder_up(nodes, k, first, last, emf, slope, net, joints):
    """Branches on rails: elimination from the far end."""
    a, g, h, drop, lost = 0.0, 0.0, 0.0, 0.0, 0.0
    opposite = net.opposite[k]
    for c in range(last - 1, first - 1, -1):
        e_c, r_c = source(nodes, c, emf, slope, net, joints)
        per = 1.0 / r_c
        if c < last - 1:
            negative = joints.rail_ohm[c + 1, 1]
            rho = joints.rail_ohm[c + 1, 0] + negative
            sigma = negative if opposite else 0.0
            scale = 1.0 / (1.0 + g * rho)
            a, g, h = a * scale, g * scale, (h + g * sigma) * scale
            # t_c = a - g v_c + h I of what lies beyond c
        nodes.a[c], nodes.g[c], nodes.h[c] = a, g, h
        a += e_c * per
        g += per
    if g == 0.0:
        nodes.e[k], nodes.r[k] = plain_mean(nodes, first, last, emf, slope, net, joints), math.inf
        return
    # I = a - g v_0 + h I
    e, r = a / g, (1.0 - h) / g
    if opposite:  # terminal voltage = v_0 - sum r- (I - t_c), with t_c linear in I: march once for each part
        v_e, v_i = e, -r
        for c in range(first, last - 1):
            negative = joints.rail_ohm[c + 1, 1]
            rho = joints.rail_ohm[c + 1, 0] + negative
            t_e, t_i = nodes.a[c] - nodes.g[c] * v_e, nodes.h[c] - nodes.g[c] * v_i
            drop += negative * t_e
            lost += negative * (1.0 - t_i)
            v_e += rho * t_e
            v_i += rho * t_i - negative
        e, r = e + drop, r + lost
    nodes.e[k], nodes.r[k] = e, r


@kernel
def plain_mean(nodes, first, last, emf, slope, net, joints):
    """Mean source voltage of branches that are all open."""
    out = 0.0
    for c in range(first, last):
        out += source(nodes, c, emf, slope, net, joints)[0]
    return out / (last - first)


@kernel
def expand(nodes, current, emf, slope, net, joints, total):
    """Share the root's current `total` out to every node and cell; leaves terminal voltages and currents of nodes."""
    root = net.kind.shape[0] - 1
    nodes.i[root] = total
    for k in range(root, -1, -1):
        i, first, last = nodes.i[k], net.first[k], net.first[k + 1]
        open_node = nodes.r[k] == math.inf
        nodes.v[k] = nodes.e[k] if open_node else nodes.e[k] - nodes.r[k] * i
        i += nodes.drain_a[k]
        if open_node:
            for c in range(first, last):
                give(nodes, current, net, c, 0.0)
        elif net.kind[k] == SERIES:
            for c in range(first, last):
                give(nodes, current, net, c, i)
        elif last - first == 1:
            give(nodes, current, net, first, i)
        elif net.ideal[k]:
            v = nodes.v[k]
            for c in range(first, last):
                e_c, r_c = source(nodes, c, emf, slope, net, joints)
                give(nodes, current, net, c, (e_c - v) / r_c)
        else:
            ladder_down(nodes, current, k, first, last, i, emf, slope, net, joints)


@kernel
def give(nodes, current, net, c, i):
    """Set the current of child number c."""
    child = net.child[c]
    if child < 0:
        current[~child] = i
    else:
        nodes.i[child] = i


@kernel
def ladder_down(nodes, current, k, first, last, i, emf, slope, net, joints):
    """Currents of branches on rails, from the near end; t is what the branches beyond still give."""
    opposite = net.opposite[k]
    a, g, h = nodes.a[first], nodes.g[first], nodes.h[first]
    e_c, r_c = source(nodes, first, emf, slope, net, joints)
    v = (a + e_c / r_c + (h - 1.0) * i) / (g + 1.0 / r_c)
    for c in range(first, last):
        e_c, r_c = source(nodes, c, emf, slope, net, joints)
        give(nodes, current, net, c, (e_c - v) / r_c)
        if c < last - 1:
            negative = joints.rail_ohm[c + 1, 1]
            t = nodes.a[c] - nodes.g[c] * v + nodes.h[c] * i
            v += (joints.rail_ohm[c + 1, 0] + negative) * t
            if opposite:
                v -= negative * i

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

from packsim.numerics.jit import inlined_kernel, kernel

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
    # arrays by name: a tuple of arrays handed to a function for every cell costs more than the arithmetic
    e, r, a, g, h, drain = nodes.e, nodes.r, nodes.a, nodes.g, nodes.h, nodes.drain_a
    kind, ends, child, ohm, rail = net.kind, net.first, net.child, joints.child_ohm, joints.rail_ohm
    ideal, opposite = net.ideal, net.opposite
    for k in range(kind.shape[0]):
        first, last = ends[k], ends[k + 1]
        if last - first == 1:
            e[k], r[k] = source(e, r, child, ohm, first, emf, slope)
        elif kind[k] == SERIES:
            e[k], r[k] = series_up(e, r, child, ohm, first, last, emf, slope)
        elif ideal[k]:
            e[k], r[k] = common_up(e, r, child, ohm, first, last, emf, slope)
        else:
            e[k], r[k] = ladder_up(e, r, a, g, h, child, ohm, rail, first, last, opposite[k], emf, slope)
        if drain[k] != 0.0 and r[k] < math.inf:
            e[k] -= r[k] * drain[k]


@inlined_kernel
def source(e, r, child, ohm, c, emf, slope):
    """Branch number c as (e, r), its own joint included."""
    at = child[c]
    if at < 0:
        return emf[~at], max(slope[~at], SLOPE_FLOOR) + ohm[c]
    return e[at], r[at] + ohm[c]


@inlined_kernel
def series_up(e, r, child, ohm, first, last, emf, slope):
    """A chain: voltages and resistances add."""
    sum_e, sum_r = 0.0, 0.0
    for c in range(first, last):
        e_c, r_c = source(e, r, child, ohm, c, emf, slope)
        sum_e += e_c
        sum_r += r_c
    return sum_e, sum_r


@inlined_kernel
def common_up(e, r, child, ohm, first, last, emf, slope):
    """Branches that share one voltage."""
    conductance, drive, plain = 0.0, 0.0, 0.0
    for c in range(first, last):
        e_c, r_c = source(e, r, child, ohm, c, emf, slope)
        per = 1.0 / r_c
        conductance += per
        drive += e_c * per
        plain += e_c
    if conductance > 0.0:
        return drive / conductance, 1.0 / conductance
    return plain / (last - first), math.inf


@inlined_kernel
def ladder_up(e, r, a_c, g_c, h_c, child, ohm, rail, first, last, opposite, emf, slope):
    """Branches on rails: elimination from the far end; leaves t_c = a_c - g_c v_c + h_c I of what lies beyond c."""
    a, g, h, plain = 0.0, 0.0, 0.0, 0.0
    for c in range(last - 1, first - 1, -1):
        e_b, r_b = source(e, r, child, ohm, c, emf, slope)
        per = 1.0 / r_b
        plain += e_b
        if c < last - 1:
            negative = rail[c + 1, 1]
            rho = rail[c + 1, 0] + negative
            sigma = negative if opposite else 0.0
            scale = 1.0 / (1.0 + g * rho)
            a, g, h = a * scale, g * scale, (h + g * sigma) * scale
        a_c[c], g_c[c], h_c[c] = a, g, h
        a += e_b * per
        g += per
    if g == 0.0:
        return plain / (last - first), math.inf
    out_e, out_r = a / g, (1.0 - h) / g  # from I = a - g v_0 + h I
    if not opposite:
        return out_e, out_r
    # terminal voltage = v_0 - sum r- (I - t_c), with t_c linear in I: march once for each part
    v_e, v_i = out_e, -out_r
    for c in range(first, last - 1):
        negative = rail[c + 1, 1]
        rho = rail[c + 1, 0] + negative
        t_e, t_i = a_c[c] - g_c[c] * v_e, h_c[c] - g_c[c] * v_i
        out_e += negative * t_e
        out_r += negative * (1.0 - t_i)
        v_e += rho * t_e
        v_i += rho * t_i - negative
    return out_e, out_r


@kernel
def expand(nodes, current, emf, slope, net, joints, total):
    """Share the root's current `total` out to every node and cell; leaves terminal voltages and currents of nodes.

    One function on purpose: handing its arrays on for every node costs more than the arithmetic (42 against 4 ns a cell).
    """
    e, r, a, g, h, node_v, node_i, drain = nodes.e, nodes.r, nodes.a, nodes.g, nodes.h, nodes.v, nodes.i, nodes.drain_a
    kind, ends, child, ohm, rail = net.kind, net.first, net.child, joints.child_ohm, joints.rail_ohm
    ideal, opposite = net.ideal, net.opposite
    root = kind.shape[0] - 1
    node_i[root] = total
    for k in range(root, -1, -1):
        i, first, last = node_i[k], ends[k], ends[k + 1]
        is_open = r[k] == math.inf
        node_v[k] = e[k] if is_open else e[k] - r[k] * i
        i = 0.0 if is_open else i + drain[k]
        chain = is_open or kind[k] == SERIES or last - first == 1
        ladder = not chain and not ideal[k]
        v, far = node_v[k], opposite[k]
        if ladder:  # at the near end; t is what the branches beyond still give
            e_c, r_c = source(e, r, child, ohm, first, emf, slope)
            v = (a[first] + e_c / r_c + (h[first] - 1.0) * i) / (g[first] + 1.0 / r_c)
        for c in range(first, last):
            own = i
            if not chain:
                e_c, r_c = source(e, r, child, ohm, c, emf, slope)
                own = (e_c - v) / r_c
            at = child[c]
            if at < 0:
                current[~at] = own
            else:
                node_i[at] = own
            if ladder and c < last - 1:
                negative = rail[c + 1, 1]
                t = a[c] - g[c] * v + h[c] * i
                v += (rail[c + 1, 0] + negative) * t
                if far:
                    v -= negative * i


@kernel
def joint_heat(nodes, current, net, joints):
    """Heat of all joints and rails, W, by the currents that `expand` left."""
    node_i, node_r, drain, heat = nodes.i, nodes.r, nodes.drain_a, 0.0
    kind, ends, child, ohm, rail, opposite = net.kind, net.first, net.child, joints.child_ohm, joints.rail_ohm, net.opposite
    for k in range(kind.shape[0]):
        first, last, whole = ends[k], ends[k + 1], node_i[k] + drain[k]
        beyond = 0.0  # current that the branches from here on send through the positive rail
        for c in range(last - 1, first - 1, -1):
            at = child[c]
            i = current[~at] if at < 0 else node_i[at]
            if i != 0.0:  # an open joint carries nothing
                heat += ohm[c] * i * i
            beyond += i
            if kind[k] == PARALLEL and c > first:
                back = whole - beyond if opposite[k] else beyond
                heat += rail[c, 0] * beyond * beyond + rail[c, 1] * back * back
        if drain[k] != 0.0 and node_r[k] < math.inf:
            heat += nodes.v[k] * drain[k]  # the bleed resistor itself
    return heat

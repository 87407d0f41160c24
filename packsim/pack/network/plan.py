"""From the scenario's topology to the arrays that the kernels need, and the joints of single packs."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from packsim.numerics.purposes import JOINT, WELD_FAULT
from packsim.numerics.streams import fill_normals, fill_uniforms, seed_key
from packsim.pack.network.kernels import PARALLEL, SERIES, Joints, Network, Solve, new_solve
from packsim.scenario import topology as t

Array = npt.NDArray[np.float64]
OWN, POSITIVE_RAIL, NEGATIVE_RAIL, DISCONNECT = range(4)  # resistances at a child = words of its random numbers


class NetworkPlan(NamedTuple):
    """The network of a scenario's packs and how its c joints spread; rows [4]: OWN, both rails, DISCONNECT."""

    net: Network
    mean_ohm: Array  # [4, c]
    spread: Array  # [4, c] standard deviation over mean
    lognormal: npt.NDArray[np.bool_]  # [4, c]
    open_share: float  # of welds
    high_share: float
    high_factor: float

    @property
    def cells(self) -> int:
        """Cells of a pack."""
        return self.net.child.size - self.net.kind.size + 1


class WeldFaults(NamedTuple):
    """Cells of one pack whose weld failed, in ascending order."""

    open: npt.NDArray[np.int64]
    high: npt.NDArray[np.int64]


def network_of(
    tree: t.Tree, *, opposite: bool = False, ideal_groups: bool = True, ideal_strings: bool = True
) -> Network:
    """The network of a layout; `opposite`: of all rails; ideal: rails without resistance, in groups and above them.

    Groups are numbered first, in the order of their cells; then the other nodes, children before parents.
    """
    groups: list[t.Tree] = []
    above: list[tuple[t.Tree, list[int]]] = []  # other nodes: (tree, children; groups as ~number)

    def visit(node: t.Tree) -> int:
        if node.is_group:
            groups.append(node)
            return ~(len(groups) - 1)
        below = [visit(child) for child in node.children]
        above.append((node, below))
        return len(above) - 1

    visit(tree)
    g = len(groups)
    cells = tree.total_cells
    child = [~j for j in range(cells)]
    count = [group.cells for group in groups]
    for _, below in above:
        child += [~k if k < 0 else g + k for k in below]
        count.append(len(below))
    is_group = np.arange(g + len(above)) < g
    kind = [PARALLEL] * g + [SERIES if node.kind == t.SERIES else PARALLEL for node, _ in above]
    lowest = [g + k for k, (node, _) in enumerate(above) if node.is_module]
    return Network(
        kind=np.array(kind, np.int8),
        first=np.concatenate([[0], np.cumsum(count)]).astype(np.uint32),
        child=np.array(child, np.int32),
        opposite=(np.array(kind) == PARALLEL) & opposite,
        ideal=np.where(is_group, ideal_groups, ideal_strings),
        group=np.arange(g, dtype=np.uint32),
        module=np.array(lowest or range(g), np.uint32),
    )


def plan(model: t.Topology, series: int = 1, parallel: int = 1) -> NetworkPlan:
    """Network and joints of a scenario; `series`, `parallel` stand in for a layout that was left out."""
    tree, joints = model.tree(series, parallel), model.joints
    if joints.disconnect_mohm.nominal > 0.0 and tree.is_group:
        tree = t.Tree(t.SERIES, (tree,))  # something to hold the disconnect
    net = network_of(
        tree,
        opposite=model.terminals == "opposite_ends",
        ideal_groups=joints.busbar_mohm.nominal == 0.0,
        ideal_strings=joints.string_busbar_mohm.nominal == 0.0,
    )
    c, weld = net.child.size, joints.tab_mohm
    out = NetworkPlan(
        net,
        np.zeros((4, c)),
        np.zeros((4, c)),
        np.zeros((4, c), np.bool_),
        1e-6 * weld.open_ppm,
        1e-6 * weld.high_ppm,
        weld.high_factor,
    )
    is_group = np.arange(net.kind.size) < net.group.size
    for k, kind in enumerate(net.kind):
        begin, end = int(net.first[k]), int(net.first[k + 1])
        if is_group[k]:
            _put(out, OWN, slice(begin, end), weld)
            _put_rails(out, begin, end, joints.busbar_mohm)
        elif kind == SERIES:
            for s in range(begin + 1, end):  # between two groups a link, else a connector between modules
                both = is_group[net.child[s - 1]] and is_group[net.child[s]]
                _put(out, OWN, slice(s, s + 1), joints.group_link_mohm if both else joints.module_connector_mohm)
        else:
            _put(out, OWN, slice(begin, end), joints.module_connector_mohm)
            _put_rails(out, begin, end, joints.string_busbar_mohm)
    root = net.kind.size - 1
    begin, end = int(net.first[root]), int(net.first[root + 1])
    if not tree.is_group:
        _put(out, DISCONNECT, slice(begin, begin + 1 if net.kind[root] == SERIES else end), joints.disconnect_mohm)
    return out


def _put(out: NetworkPlan, row: int, children: slice, joint: t.Joint) -> None:
    out.mean_ohm[row, children] = 1e-3 * joint.nominal
    out.spread[row, children] = 1e-2 * joint.spread_pct
    out.lognormal[row, children] = joint.distribution == "lognormal"


def _put_rails(out: NetworkPlan, begin: int, end: int, joint: t.Joint) -> None:
    _put(out, POSITIVE_RAIL, slice(begin + 1, end), joint)
    _put(out, NEGATIVE_RAIL, slice(begin + 1, end), joint)


def solve_for(net: Network) -> Solve:
    """Arrays for the kernels."""
    return new_solve(net.kind.size, net.child.size)  # type: ignore[no-any-return]


def nominal_joints(found: NetworkPlan) -> Joints:
    """Joints without spread and faults; new arrays, so that a fault can be injected into them."""
    return _joints(found.mean_ohm)


def joints_of(found: NetworkPlan, seed: int, block: int, pack: int) -> Joints:
    """Joints of pack `pack` of `block`, failed welds included; new arrays.

    Child s draws at (block, pack * c + s, 0) whatever was drawn before, so that a pack can be rebuilt alone.
    """
    c = found.net.child.size
    ohm = found.mean_ohm
    if found.spread.any():
        z = np.empty((4, c))
        fill_normals(*seed_key(seed), JOINT, block, pack * c, 0, z)
        sigma = np.sqrt(np.log1p(found.spread**2))
        # the mean stays the nominal value in both shapes
        ohm = ohm * np.where(found.lognormal, np.exp(sigma * (z - 0.5 * sigma)), 1.0 + found.spread * z)
    joints = _joints(ohm)
    faults = weld_faults(found, seed, block, pack)
    joints.child_ohm[faults.high] *= found.high_factor
    joints.child_ohm[faults.open] = np.inf
    return joints


def weld_faults(found: NetworkPlan, seed: int, block: int, pack: int) -> WeldFaults:
    """Which welds of a pack failed, from its own random numbers."""
    if found.open_share + found.high_share == 0.0:
        return _SOUND
    u = np.empty((4, found.cells))
    fill_uniforms(*seed_key(seed), WELD_FAULT, block, pack * found.net.child.size, 0, u)
    is_open = u[0] < found.open_share
    is_high = ~is_open & (u[0] < found.open_share + found.high_share)
    return WeldFaults(np.flatnonzero(is_open), np.flatnonzero(is_high))


_SOUND = WeldFaults(np.empty(0, np.int64), np.empty(0, np.int64))


def _joints(ohm: Array) -> Joints:
    return Joints(ohm[OWN] + ohm[DISCONNECT], np.ascontiguousarray(ohm[POSITIVE_RAIL : NEGATIVE_RAIL + 1].T))

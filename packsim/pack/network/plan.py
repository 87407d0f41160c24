"""From a description of the pack to the network of the kernels, and the joints of any one pack."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from packsim.numerics.purposes import JOINT, JOINT_FAULT
from packsim.numerics.streams import fill_normals, fill_uniforms, seed_key
from packsim.pack.network import kernels as k
from packsim.scenario.topology import Joint, Level
from packsim.scenario.topology import Joints as JointsModel

Array = npt.NDArray[np.float64]
NONE = Joint(nominal_mohm=0.0)


class NetworkPlan(NamedTuple):
    """The tree, and for each child the joints that it has: nominal ohm, spread of the logarithm, fault rates."""

    net: k.Network
    child: Array  # [c, 5] ohm, spread, open share, high share, high factor
    rail: Array  # [c, 2] ohm, spread (each rail)
    role: npt.NDArray[np.int8]  # [c] index into ROLES


ROLES = ("tab", "group_link", "module_connector", "disconnect")


def _numbers(joint: Joint | None) -> tuple[float, float, float, float, float]:
    j = joint or NONE
    return 1e-3 * j.nominal_mohm, 1e-2 * j.spread_pct, 1e-6 * j.open_ppm, 1e-6 * j.high_ppm, j.high_factor


class _Builder:
    """Numbers nodes children first while it walks the levels."""

    def __init__(self, joints: JointsModel) -> None:
        self.joints = joints
        self.kind: list[int] = []
        self.opposite: list[bool] = []
        self.ideal: list[bool] = []
        self.series: list[int] = []  # cells in series
        self.children: list[list[int]] = []
        self.roles: list[str] = []
        self.groups: list[int] = []
        self.modules: list[int] = []
        self.cells = 0

    def add(self, kind: int, children: list[int], role: str, rails: bool) -> int:
        own = [1 if child < 0 else self.series[child] for child in children]
        opposite = self.joints.terminals == "opposite_ends" and role == "tab"
        self.kind.append(kind)
        self.opposite.append(opposite)
        self.ideal.append(kind == k.PARALLEL and not rails)
        self.series.append(sum(own) if kind == k.SERIES else own[0])
        self.children.append(children)
        self.roles.append(role)
        return len(self.kind) - 1

    def group(self, cells: int) -> int:
        own = [~(self.cells + j) for j in range(cells)]
        self.cells += cells
        self.groups.append(self.add(k.PARALLEL, own, "tab", self.joints.busbar is not None))
        return self.groups[-1]

    def build(self, levels: tuple[Level, ...]) -> int:
        level, inner = levels[0], levels[1:]
        if not inner and level.way == "p":
            return self.group(level.count)
        grouped = not inner or (len(inner) == 1 and inner[0].way == "p")  # the children are groups
        children = [self.build(inner) if inner else self.group(1) for _ in range(level.count)]
        if level.way == "p":
            return self.add(k.PARALLEL, children, "module_connector", self.joints.string_rail is not None)
        node = self.add(k.SERIES, children, "group_link" if grouped else "module_connector", False)
        if grouped:
            self.modules.append(node)
        return node


def plan(levels: tuple[Level, ...], joints: JointsModel) -> NetworkPlan:
    """The network of a description; a root node in front carries the disconnect."""
    b = _Builder(joints)
    top = b.build(levels)
    if not b.modules:  # one bare group
        b.modules.append(top)
    b.add(k.SERIES, [top], "disconnect", False)
    first = np.concatenate([[0], np.cumsum([len(own) for own in b.children])]).astype(np.int32)
    child = np.array([c for own in b.children for c in own], np.int32)
    of_cell = np.empty(b.cells, np.int32)
    of_cell[~child[child < 0]] = np.flatnonzero(child < 0)
    role = np.concatenate(
        [np.full(len(own), ROLES.index(r), np.int8) for own, r in zip(b.children, b.roles, strict=True)]
    )
    table = np.array([_numbers(getattr(joints, name)) for name in ROLES])
    rail = np.zeros((child.size, 2))
    for node, (start, stop) in enumerate(zip(first[:-1], first[1:], strict=True)):
        if b.kind[node] == k.PARALLEL:
            bar = joints.busbar if b.roles[node] == "tab" else joints.string_rail
            rail[start + 1 : stop] = _numbers(bar)[:2]
    net = k.Network(
        kind=np.array(b.kind, np.int8),
        first=first,
        child=child,
        opposite=np.array(b.opposite),
        ideal=np.array(b.ideal),
        cells=np.array(b.series, np.int32),
        group=np.array(b.groups, np.int32),
        module=np.array(b.modules, np.int32),
        child_of_cell=of_cell,
    )
    return NetworkPlan(net, np.ascontiguousarray(table[role]), rail, role)


def nominal_joints(plan: NetworkPlan) -> k.Joints:
    """Every joint as designed."""
    return k.Joints(plan.child[:, 0].copy(), np.repeat(plan.rail[:, :1], 2, axis=1))


def joints_of(plan: NetworkPlan, seed: int, block: int, pack: int) -> k.Joints:
    """The joints of pack number `pack` of a block: lognormal around nominal, some of them bad or open."""
    count = len(plan.child)
    normals, luck = np.empty((4, count)), np.empty((4, count))
    key = seed_key(seed)
    fill_normals(*key, JOINT, block, pack * count, 0, normals)
    fill_uniforms(*key, JOINT_FAULT, block, pack * count, 0, luck)
    ohm, spread, open_share, high_share, factor = plan.child.T
    own = ohm * np.exp(spread * normals[0])
    own = np.where(luck[1] < high_share, own * factor, own)
    own = np.where(luck[0] < open_share, np.inf, own)
    rails = plan.rail[:, :1] * np.exp(plan.rail[:, 1:] * normals[1:3].T)
    return k.Joints(np.ascontiguousarray(own), np.ascontiguousarray(rails))


def new_nodes(net: k.Network) -> k.Nodes:
    """Scratch and results for one pack."""
    m, c = net.kind.size, net.child.size
    return k.Nodes(
        np.zeros(m), np.zeros(m), np.zeros(m), np.zeros(m), np.zeros(c), np.zeros(c), np.zeros(c), np.zeros(m)
    )

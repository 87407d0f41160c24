"""Modified nodal analysis, dense: every wire is a branch with its own current, nothing is eliminated by hand.

Shares no algebra with packsim's network; it only reads which children a node has and where they are connected.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

SERIES = 0


class Solved(NamedTuple):
    """What the circuit does."""

    cell_a: np.ndarray  # [n]
    node_v: np.ndarray  # [m] voltage between a node's terminals; nan where nothing connects them
    kcl_a: float  # largest sum of currents at a junction


class Circuit:
    """Junctions, branches `v[a] - v[b] = emf - ohm * i` (i leaves through a) and current sources between junctions."""

    def __init__(self) -> None:
        self.junctions = 0
        self.branches: list[tuple[int, int, float, float]] = []
        self.sources: list[tuple[int, int, float]] = []

    def junction(self) -> int:
        self.junctions += 1
        return self.junctions - 1

    def branch(self, a: int, b: int, emf: float, ohm: float) -> int:
        """Number of the new branch, -1 if it is open and left out."""
        if math.isinf(ohm):
            return -1
        self.branches.append((a, b, emf, ohm))
        return len(self.branches) - 1

    def islands(self) -> list[int]:
        """Lowest junction connected with each junction."""
        owner = list(range(self.junctions))

        def find(a: int) -> int:
            while owner[a] != a:
                owner[a] = owner[owner[a]]
                a = owner[a]
            return a

        for a, b, _, _ in self.branches:
            low, high = sorted((find(a), find(b)))
            owner[high] = low
        return [find(a) for a in range(self.junctions)]

    def solve(self) -> tuple[np.ndarray, np.ndarray, float]:
        """(potentials, branch currents, largest KCL residual); the lowest junction of each island is at 0 V."""
        from scipy.linalg import lu_factor, lu_solve

        nodes, count = self.junctions, len(self.branches)
        matrix, right = np.zeros((nodes + count, nodes + count)), np.zeros(nodes + count)
        for k, (a, b, emf, ohm) in enumerate(self.branches):
            matrix[a, nodes + k] += 1.0  # Kirchhoff's current law: into a, out of b
            matrix[b, nodes + k] -= 1.0
            matrix[nodes + k, a] += 1.0
            matrix[nodes + k, b] -= 1.0
            matrix[nodes + k, nodes + k] = ohm
            right[nodes + k] = emf
        for a, b, amps in self.sources:  # from junction a through the source to b
            right[a] += amps
            right[b] -= amps
        laws, given = matrix.copy(), right.copy()
        for a, owner in enumerate(self.islands()):
            if a == owner:  # this law follows from the others of its island
                matrix[a], right[a] = 0.0, 0.0
                matrix[a, a] = 1.0
        factors = lu_factor(matrix)
        x = lu_solve(factors, right)
        exact = matrix.astype(np.longdouble)
        for _ in range(2):  # iterative refinement
            x = x + lu_solve(factors, np.asarray(right - exact @ x, float))
        residual = (laws @ x - given)[:nodes]
        return x[:nodes], x[nodes:], float(np.max(np.abs(residual), initial=0.0))


def is_open(net, ohm, k: int) -> bool:
    """Whether no current can pass node k."""
    children = range(net.first[k], net.first[k + 1])
    opens = [math.isinf(ohm[s]) or (net.child[s] >= 0 and is_open(net, ohm, net.child[s])) for s in children]
    return any(opens) if net.kind[k] == SERIES else all(opens)


def solve(net, joints, emf, slope, total: float, drain_a) -> Solved:
    """All currents and voltages of a pack that carries `total`."""
    circuit = Circuit()
    terminals: dict[int, tuple[int, int]] = {}
    of_cell: dict[int, int] = {}

    def hang(s: int, pos: int, neg: int) -> None:
        """Child s between two junctions, its joint at the positive side."""
        child = int(net.child[s])
        inner = circuit.junction()
        if circuit.branch(pos, inner, 0.0, joints.child_ohm[s]) < 0 and child < 0:
            of_cell[~child] = -1
            return
        if child < 0:
            of_cell[~child] = circuit.branch(inner, neg, emf[~child], slope[~child])
        else:
            build(child, inner, neg)

    def build(k: int, pos: int, neg: int) -> None:
        terminals[k] = (pos, neg)
        if drain_a[k] and not is_open(net, joints.child_ohm, k):
            circuit.sources.append((pos, neg, drain_a[k]))
        begin, end = int(net.first[k]), int(net.first[k + 1])
        if net.kind[k] == SERIES:
            above = pos
            for s in range(begin, end):
                below = neg if s == end - 1 else circuit.junction()
                hang(s, above, below)
                above = below
            return
        if net.ideal[k]:
            for s in range(begin, end):
                hang(s, pos, neg)
            return
        ups, downs = [pos], [circuit.junction() if net.opposite[k] and end - begin > 1 else neg]
        for s in range(begin + 1, end):
            last = s == end - 1
            ups.append(circuit.junction())
            downs.append(neg if net.opposite[k] and last else circuit.junction())
            circuit.branch(ups[-1], ups[-2], 0.0, joints.rail_ohm[s, 0])
            circuit.branch(downs[-2], downs[-1], 0.0, joints.rail_ohm[s, 1])
        for s, up, down in zip(range(begin, end), ups, downs, strict=True):
            hang(s, up, down)

    root = net.kind.size - 1
    pos, neg = circuit.junction(), circuit.junction()
    build(root, pos, neg)
    if total:
        circuit.sources.append((pos, neg, total))
    v, i, kcl = circuit.solve()
    island = circuit.islands()
    cell_a = np.array([i[of_cell[j]] if of_cell[j] >= 0 else 0.0 for j in range(len(emf))])
    node_v = np.full(root + 1, np.nan)
    for k, (a, b) in terminals.items():
        if island[a] == island[b]:
            node_v[k] = v[a] - v[b]
    return Solved(cell_a, node_v, kcl)

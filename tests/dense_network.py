"""An independent oracle for the pack network: every node an unknown, one dense system (modified nodal analysis)."""

from __future__ import annotations

import numpy as np
import scipy.linalg


class Circuit:
    """Nodes 0, 1 ...; branches are a source and a resistance in series; ideal wires merge nodes."""

    def __init__(self) -> None:
        self.nodes = 0
        self.branches: list[
            tuple[int, int, float, float]
        ] = []  # plus, minus, emf, ohm: v_plus - v_minus = emf - ohm * i

    def node(self) -> int:
        self.nodes += 1
        return self.nodes - 1

    def branch(self, plus: int, minus: int, emf: float, ohm: float) -> int:
        self.branches.append((plus, minus, emf, ohm))
        return len(self.branches) - 1

    def solve(self, plus: int, minus: int, total: float, draws: list[tuple[int, int, float]]):
        """Branch currents and node voltages (minus = 0 V) with `total` out of `plus`; open branches carry nothing."""
        m, b = self.nodes, len(self.branches)
        size = m + b
        a, rhs = np.zeros((size, size)), np.zeros(size)
        for row, (p, q, emf, ohm) in enumerate(self.branches):
            a[p, m + row] += 1.0  # current leaves the branch at its plus end
            a[q, m + row] -= 1.0
            if np.isinf(ohm):
                a[m + row, m + row] = 1.0
                continue
            a[m + row, p], a[m + row, q], a[m + row, m + row] = 1.0, -1.0, ohm
            rhs[m + row] = emf
        rhs[plus] += total
        rhs[minus] -= total
        for p, q, amps in draws:
            rhs[p] += amps
            rhs[q] -= amps
        a[minus] = 0.0  # this node's balance follows from the others'
        a[minus, minus], rhs[minus] = 1.0, 0.0
        floating = np.flatnonzero(~np.any(a[:m, :], axis=1))
        a[floating, floating] = 1.0
        # nodes cut off by open branches float: the smallest solution pins them
        found = (
            scipy.linalg.lstsq(a, rhs, cond=1e-15)[0]
            if np.isinf([r for *_, r in self.branches]).any()
            else (scipy.linalg.solve(a, rhs))
        )
        return found[m:], found[:m]


def circuit_of(tree, joints, emf, ohm):
    """Circuit of a tree: ("s"|"p", opposite, rails, children), children trees or cell numbers; joints in depth-first order.

    `joints` yields, for each child in the order in which its parent is finished, (series ohm, positive rail, negative rail).
    """
    circuit = Circuit()
    plus, minus = circuit.node(), circuit.node()
    cells: dict[int, int] = {}
    terminals: list[tuple[int, int]] = []

    def place(child, p, q, series):
        if isinstance(child, int):
            cells[child] = circuit.branch(p, q, emf[child], ohm[child] + series)
            return
        inner = p
        if series > 0.0:
            inner = circuit.node()
            circuit.branch(p, inner, 0.0, series)  # p - inner = - series * i, current leaves at p
        walk(child, inner, q)

    def walk(tree, p, q):
        way, opposite, children, own = tree
        if way == "s":
            at = p
            for index, (child, (series, _, _)) in enumerate(zip(children, own, strict=True)):
                below = q if index == len(children) - 1 else circuit.node()
                place(child, at, below, series)
                at = below
        else:
            top, bottom = p, q
            tops, bottoms = [p], []
            for _, pos, _ in own[1:]:
                if pos > 0.0:
                    tops.append(circuit.node())
                    circuit.branch(top, tops[-1], 0.0, pos)
                else:
                    tops.append(top)
                top = tops[-1]
            order = list(range(len(own)))
            bottoms = [0] * len(own)
            if opposite:
                bottoms[-1] = q
                for k in order[:0:-1]:
                    bottoms[k - 1] = circuit.node() if own[k][2] > 0.0 else bottoms[k]
                    if own[k][2] > 0.0:
                        circuit.branch(bottoms[k - 1], bottoms[k], 0.0, own[k][2])
                # wires: written plus, minus with 0 V, so that either direction is the same resistor
            else:
                bottoms[0] = bottom
                for k in order[1:]:
                    bottoms[k] = circuit.node() if own[k][2] > 0.0 else bottoms[k - 1]
                    if own[k][2] > 0.0:
                        circuit.branch(bottoms[k - 1], bottoms[k], 0.0, own[k][2])
            for k, child in enumerate(children):
                place(child, tops[k], bottoms[k], own[k][0])
        terminals.append((p, q))

    walk(tree, plus, minus)
    return circuit, plus, minus, cells, terminals

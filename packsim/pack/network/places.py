"""Where each cell of a pack is: string, module, group, and branch within the group."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from packsim.pack.network.kernels import PARALLEL, Network

Int64 = npt.NDArray[np.int64]


def places(net: Network) -> dict[str, Int64]:
    """`string` (of the outermost parallel connection), `module`, `group` and `branch` of every cell [n]."""
    below: list[list[int]] = []  # cells of every node, children before parents
    for node in range(net.kind.size):
        own = net.child[net.first[node] : net.first[node + 1]]
        below.append([cell for child in own for cell in ([~int(child)] if child < 0 else below[child])])
    cells = net.child.size - net.kind.size + 1
    out = {name: np.zeros(cells, np.int64) for name in ("string", "module", "group", "branch")}
    for number, node in enumerate(net.group):
        out["group"][below[node]], out["branch"][below[node]] = number, np.arange(len(below[node]))
    for number, node in enumerate(net.module):
        out["module"][below[node]] = number
    root = net.kind.size - 1
    if net.kind[root] == PARALLEL and root not in net.group:
        for number, child in enumerate(net.child[net.first[root] : net.first[root + 1]]):
            out["string"][below[child]] = number
    return out

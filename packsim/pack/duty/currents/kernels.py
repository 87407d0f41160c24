"""Currents at the end of a step: the pack's, for the protocol's target, and every cell's (compiled).

Newton on linearised cells: the network of them is one source, the pack's current follows from it, the cells' from that.
"""

import math

from packsim.cell import kernels as cell
from packsim.cell.heat import kernels as cell_heat
from packsim.numerics.jit import kernel
from packsim.pack.bms import kernels as bms_kernels
from packsim.pack.duty.control.kernels import CURRENT, POWER, VOLTAGE, at_power
from packsim.pack.duty.ends.kernels import NO_POWER, NOT_CONVERGED, OPEN_PACK, RUNNING
from packsim.pack.kernels import SPLIT_TOLERANCE, propose
from packsim.pack.network import kernels as network

NEWTON_LIMIT = 40


@kernel
def first_trial(own, protocol, k, settings):
    """Guess of the pack's current and, into `held`, of the cells' at the start of step k."""
    n, kind, total = own.held.shape[0], protocol.kind[k], 0.0
    if kind == CURRENT:
        total = protocol.value[k]
    elif kind == POWER:
        total = protocol.value[k] / (settings.series * 3.7)
    for j in range(n):
        own.held[j] = total * settings.series / n
    return total


@kernel
def solve(
    lane, held, trend, decay, step, other_length, leans, work, drain, joints, memory, scratch, full_v, temperature_k,
    entropic, net, design, bms, settings, kind, target, total,
):  # fmt: skip
    """Currents of a trial step (`propose`): (pack current, ended_by or RUNNING). Newton from where that starts."""
    n, root = lane.current.shape[0], net.kind.shape[0] - 1
    small, parts = 1e-3 * settings.rated_a, n / settings.series
    propose(lane, design, held, trend, decay, step, other_length, leans)
    for _ in range(NEWTON_LIMIT):
        cell.respond(lane.emf, lane.slope, lane.current, lane.work, lane.coef, design, 0, n)
        if entropic:
            cell_heat.entropic(lane.emf, lane.current, lane.work, design, temperature_k, 0, n)
        for j in range(n):
            scratch[j] = lane.current[j]
        network.reduce(work, lane.emf, lane.slope, net, joints, drain)
        e, r = work.node_e[root], work.node_r[root]
        new = target
        if r == math.inf:
            if target != 0.0 or kind == VOLTAGE:
                return 0.0, OPEN_PACK
        elif kind == POWER:
            new = at_power(target, e, r)
            if math.isnan(new):
                return total, NO_POWER
        elif kind == VOLTAGE:
            new = (e - target * settings.series) / r
            if new < 0.0 and settings.monitor_holds:
                new = held_by_monitor(work, drain, joints, memory, full_v, net, bms, target, new)
        if not math.isfinite(new):
            return total, NOT_CONVERGED
        network.expand(work, lane.current, new, lane.emf, net, joints, drain)
        tolerance = SPLIT_TOLERANCE * max(abs(new), small)
        moved, total = abs(new - total), new
        far, lost = 0, 0  # counts, because a loop for the largest would not run on vector registers
        for j in range(n):
            change = abs(lane.current[j] - scratch[j])
            far += change * parts > tolerance
            lost += not change < math.inf
        if lost > 0:
            return total, NOT_CONVERGED
        if far == 0 and moved <= tolerance:
            return total, RUNNING
    return total, NOT_CONVERGED


@kernel
def held_by_monitor(work, drain, joints, memory, full_v, net, bms, limit_v, most):
    """Charge current (<= 0, not beyond `most`) that puts the highest reading at the limit; voltages are linear in it."""
    network.expand_nodes(work, most, net, joints, drain)
    bms_kernels.read(memory, bms, work.node_v, work.node_r, drain)
    if not memory.scalars[bms_kernels.HIGH] > limit_v:
        return most
    reading = memory.reading
    for s in range(reading.shape[0]):
        full_v[s] = reading[s]
    network.expand_nodes(work, 0.0, net, joints, drain)
    bms_kernels.read(memory, bms, work.node_v, work.node_r, drain)
    best = most
    for s in range(reading.shape[0]):
        rise = full_v[s] - reading[s]
        if rise > 0.0:
            best = max(best, most * (limit_v - reading[s]) / rise)
    return min(best, 0.0)

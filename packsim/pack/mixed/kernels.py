"""Currents of parallel cells whose designs differ (compiled): measured cells, each with tables of its own."""

from packsim.cell import kernels as cell
from packsim.numerics.jit import kernel
from packsim.pack.kernels import NEWTON_LIMIT, share_out

CURRENT_TOLERANCE_A = 1e-9


@kernel
def follow_group(designs, lane, group_v, total, dt, voltage, current):
    """Hold total[k] for dt[k] seconds, one step each; fills voltage[k] and current[cell, k] at the end of the steps.

    Returns the number of steps taken: fewer than given if the currents of one could not be found.
    """
    n = lane.emf.size
    for step in range(total.size):
        for j in range(n):
            cell.set_dt(lane.decay, lane.coef, designs[j], dt[step], j, j + 1)
            cell.prepare(lane.work, lane.state, lane.coef, lane.decay, designs[j], dt[step], j, j + 1)
        found = False
        for _ in range(NEWTON_LIMIT):
            for j in range(n):
                cell.respond(lane.emf, lane.slope, lane.current, lane.work, lane.coef, designs[j], j, j + 1)
            found = share_out(lane, group_v, 1, n, total[step]) <= CURRENT_TOLERANCE_A
            if found:
                break
        if not found:
            return step
        for j in range(n):
            cell.advance(lane.state, lane.work, lane.coef, lane.decay, designs[j], lane.current, dt[step], j, j + 1)
            current[j, step] = lane.current[j]
        voltage[step] = group_v[0]
    return total.size

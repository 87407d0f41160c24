"""A pack put back to the start of a cycle, aged and charged as asked (compiled)."""

from packsim.cell import kernels as cell
from packsim.cell.ageing import kernels as ageing
from packsim.cell.beyond import kernels as beyond
from packsim.cell.electrodes.kernels import LEAK, Q_N, X_N
from packsim.numerics.jit import kernel
from packsim.pack.bms import kernels as bms


@kernel
def copy_rows(to, of):
    """to[...] = of, both [row, n]."""
    for row in range(to.shape[0]):
        for j in range(to.shape[1]):
            to[row, j] = of[row, j]


@kernel
def begin_again(own, sums, damage, soc, design, laws, start_k, feedback):
    """Put a pack to rest at `soc` [n] of its aged cells, which aged by `sums` [N_SUMS, n] and took `damage`.

    Without `feedback` cells behave as built, and only the laws of ageing see how far they are.
    """
    n, lane, rows = soc.shape[0], own.lane, own.ageing
    for row in range(ageing.N_SUMS):
        for j in range(n):
            rows[row, j] = sums[row, j]
    cell.coefficients(lane.coef, own.values, design, 0, n)
    if feedback:
        ageing.age_coefficients(lane.coef, rows, design, laws, 0, n)
        ageing.aged_balance(own.window, own.values, rows, design, 0, n)
    else:
        ageing.age_coefficients(own.heats.base, rows, design, laws, 0, n)  # only for the rows that follow from the sums
        cell.balance(own.window, own.values, design, 0, n)
        for j in range(n):  # what half cycles are deep of stays as built as well
            rows[ageing.CAPACITY_C, j] = 3600.0 * own.window[4, j] + ageing.lost_lithium(rows, j)
    copy_rows(own.heats.base, lane.coef)
    cell.rest_state(lane.state, design, soc, own.window, 0, n)
    charge, capacity = 0.0, 0.0
    for j in range(n):
        rows[ageing.SWING_FROM_C, j] = rows[ageing.SWING_TO_C, j] = lane.state[X_N, j] / lane.coef[Q_N, j]
        own.leak_a[j] = rows[ageing.BUILT_LEAK_A, j]
        lane.coef[LEAK, j] = own.leak_a[j]
        own.heats.temperature_k[j] = start_k
        own.heats.charge_c[j] = own.heats.given_j[j] = own.heats.mean_w[j] = 0.0
        own.held[j] = 0.0
        lane.current[j] = 0.0
        charge += soc[j] * own.window[4, j]
        capacity += own.window[4, j]
    own.heats.since[:] = 0.0
    own.drain_a[:] = 0.0
    own.clock[0] = 0.0
    copy_rows(own.damage, damage)
    own.damage[beyond.SHORT_A] = 0.0
    memory = own.memory
    memory.scalars[bms.SOC] = charge / capacity
    memory.scalars[bms.CHARGE_FACTOR] = memory.scalars[bms.DISCHARGE_FACTOR] = 1.0
    memory.over_s[:] = 0.0
    memory.bleeding[:] = False
    for kind in range(own.found.shape[0]):
        for place in range(own.found.shape[1]):
            own.found[kind, place] = False


@kernel
def content(out, own, design):
    """State of charge of every cell [n], of its present window, into `out`."""
    state, window = own.lane.state, own.window
    for j in range(out.shape[0]):
        out[j] = (state[X_N, j] - window[0, j]) / (window[1, j] - window[0, j])


@kernel
def lost_c(out, sums):
    """Lithium [C] that no longer moves, of every cell."""
    for j in range(out.shape[0]):
        out[j] = ageing.lost_lithium(sums, j)

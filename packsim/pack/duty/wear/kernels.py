"""Leakage, damage and ageing of the cells of a running pack (compiled).

`own` is a pack as the time loop has it (`packsim.pack.duty.kernels.Own`).
"""

import math

from packsim.cell.ageing import kernels as cell_ageing
from packsim.cell.beyond import kernels as cell_beyond
from packsim.cell.electrodes.kernels import LEAK, R_OHM
from packsim.numerics.jit import kernel


@kernel
def leak(lane, leak_a, short_s, damage):
    """Leakage of each cell for the next step: as built, and through its shorts.

    The short's current is the one at the end of a step in which the cell falls by its own slope: a current held from the
    voltage before would swing on a stiff short (as in packsim/cell/beyond/kernels.py: apply_damage).
    """
    coef, emf, slope, current = lane.coef, lane.emf, lane.slope, lane.current
    for j in range(leak_a.shape[0]):
        short = short_s[j] + damage[cell_beyond.SHORT_S, j]
        if short > 0.0:
            inner, before = max(slope[j] - coef[R_OHM, j], 0.0), damage[cell_beyond.SHORT_A, j]
            short *= (emf[j] - slope[j] * current[j] + inner * before) / (1.0 + short * inner)
            damage[cell_beyond.SHORT_A, j] = short
        coef[LEAK, j] = leak_a[j] + short


@kernel
def under_way(own):
    """Whether shorts or stuck sensors of earlier runs change what cells leak, or how sensors err, at every step."""
    short_s, damage, stuck_v, out = own.short_s, own.damage, own.memory.stuck_v, False
    for j in range(short_s.shape[0]):
        out = out or short_s[j] + damage[cell_beyond.SHORT_S, j] > 0.0
    for s in range(stuck_v.shape[0]):
        out = out or not math.isnan(stuck_v[s])
    return out


@kernel
def hurt(own, design, laws, step):
    """Damage of the step just committed."""
    lane, volts = own.lane, own.scratch
    for j in range(volts.shape[0]):
        volts[j] = lane.emf[j] - lane.slope[j] * lane.current[j]
    cell_beyond.advance_damage(
        own.damage, lane.state, lane.work, lane.coef, design, laws, lane.current, volts, step, 0, volts.shape[0]
    )


@kernel
def age(own, design, laws, step):
    """Ageing of the step just committed."""
    lane, n = own.lane, own.leak_a.shape[0]
    cell_ageing.advance_ageing(
        own.ageing, lane.state, lane.coef, own.heats.base, lane.work, design, laws, own.leak_a, lane.current,
        own.heats.temperature_k, step, 0, n,
    )  # fmt: skip

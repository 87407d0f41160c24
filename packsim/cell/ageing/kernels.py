"""Slow ageing of cells (compiled); the laws, what of them is assumed, and the numbers: docs/ageing.md.

Ageing is an array [row, cell] of its own beside the cell's state. After each committed step of `packsim.cell.kernels`:

    advance_ageing   what the step did, from the anode's potential at its end and the cell's temperature

The first N_LOSS rows are sums over time: they alone say how far a cell has aged, and `age_coefficients` and
`aged_balance` rebuild it from them and its traits. All laws are rates in time, so that rest ages as well.
"""

import math
from typing import NamedTuple

from packsim.cell.beyond.kernels import anode_potential
from packsim.cell.electrodes.kernels import (
    AL_N,
    AL_P,
    AL_S,
    B_N,
    C1,
    CHI_V,
    CM_N,
    CONCENTRATION_FLOOR,
    EXCHANGE,
    FARADAY,
    K_N,
    K_P,
    LEAK,
    PARTICLE_N,
    Q_N,
    Q_P,
    R_E,
    R_OHM,
    SCRATCH,
    SOURCE,
    TRANSFERENCE,
    TWO_V,
    VOL_N,
    X_N,
    X_P,
    balance_one,
    inventory,
)
from packsim.cell.electrolyte.kernels import GAUSS_A, GAUSS_B, GAUSS_FLOOR
from packsim.cell.spme.kernels import surface_potential
from packsim.numerics.fastmath import exp_fast, log_fast
from packsim.numerics.jit import kernel

# rows of `ageing`: sums over time
SEI_M = 0  # thickness grown since the cell was built
SEI_C = 1  # lithium in it
PLATED_C = 2  # lithium plated for good
LOST_N = 3  # share of the as-built anode capacity that is cut off
LOST_P = 4
LOST_N_C = 5  # lithium that went with it
LOST_P_C = 6
N_LOSS = 7
THROUGHPUT_C = 7  # charge passed, both ways
AGE_S = 8
CRACKS = 9  # faces of cracks in the anode's particles that opened since the cell was built, over the smooth surface
CRACK_C = 10  # lithium in SEI on the faces of cracks, of that in SEI_C
N_SUMS = 11
# what follows from the sums: already in the coefficients
FILM_OHM = 11
PORES = 12  # share of the anode's pore volume that is left
# memory of the half cycle that is under way: charge in the anode where it began, and furthest from there
SWING_FROM_C, SWING_TO_C = 13, 14
# as built
RATE = 15  # of this cell, relative to the laws
SURFACE_M2 = 16  # of the anode's particles
ANODE_C, CATHODE_C, CAPACITY_C = 17, 18, 19  # capacities of the electrodes and between the cut-offs
PORE_M3 = 20  # of the anode
BUILT_LEAK_A = 21
N_AGEING = 22

NO_PLATING, IRREVERSIBLE, BELOW_ZERO = range(3)
ARM = 0.5 * math.sqrt(3.0) / 2.0  # 3/2 (z^2 - 1/3) at the two Gauss points of 0..1: -ARM and +ARM
TURN = 0.02  # of the capacity: a smaller way back does not end a half cycle [assumed]
PORES_LEFT = 0.02  # pores never close further [assumed]
LEFT = 0.1  # of the capacity: depths are never of less [assumed]
LEAK_REFERENCE_K = 298.15  # at which the trait is given


class Ageing(NamedTuple):
    """Numbers of the laws (SI); potentials of the anode's surface vs Li. `on` False: nothing ages."""

    on: bool
    # speed of the SEI: 1 / (s_per_m exp(alpha f (phi - sei_v)) + thickness s_per_m2 exp(beta f phi)), f = F / R T
    s_per_m: float  # 0: the reaction never limits
    s_per_m2: float  # 0: transport never limits
    sei_v: float
    alpha: float
    beta: float
    sei_ratio: float
    sei_activation_k: float
    reference_k: float
    first_m: float  # thickness as built
    film_from_m: float  # thickness that adds no resistance
    film_ohm_m: float
    sei_c_per_m3: float
    # plating
    plating: int
    plating_fixed: float  # A/m2
    plating_per_c_e: float  # A m / mol
    plating_alpha: float
    dead_share: float
    lithium_m3_per_c: float
    # active material (anode, cathode)
    loss_by_sei: float
    stress_per_s: tuple[float, float]
    stress_per_sto: tuple[float, float]
    stress_exponent: tuple[float, float]
    half_cycle: tuple[float, float]
    depth_exponent: float
    # cracks in the anode's particles
    crack_area: float  # of their faces when new, over the smooth surface
    crack_growth: float  # of that area by a full half cycle, when new
    crack_exponent: float  # of the swing in it, and of the square root of the area
    pores: bool
    leak_activation_k: float


@kernel
def cosh(x):
    """Hyperbolic cosine."""
    return 0.5 * (exp_fast(x) + exp_fast(-x))


@kernel
def sei_growth(laws, thickness, potential, outer, spread, per_volt, time):
    """Growth [m] of an SEI in `time`, exact while the potentials stand still.

    `potential` under the film and `outer` across it, both +- `spread` at the two Gauss points; `per_volt` = F / R T.
    """
    reaction, transport = laws.s_per_m, laws.s_per_m2
    if reaction > 0.0:
        reaction *= exp_fast(laws.alpha * per_volt * (potential - laws.sei_v))
        reaction /= cosh(laws.alpha * per_volt * spread)  # the mean of the speeds at the two points
    if laws.beta > 0.0:
        transport *= exp_fast(laws.beta * per_volt * outer) / cosh(laws.beta * per_volt * spread)
    slow = reaction + thickness * transport
    if not slow > 0.0:
        return 0.0
    return 2.0 * time / (slow + math.sqrt(slow * slow + 2.0 * transport * time))


@kernel
def plating_current(laws, potential, c_e, per_volt):
    """Current density [A/m2] of lithium plating at one place."""
    exchange = laws.plating_fixed + laws.plating_per_c_e * c_e
    if laws.plating == IRREVERSIBLE:
        return exchange * exp_fast(-laws.plating_alpha * per_volt * potential)
    if laws.plating == NO_PLATING or potential >= 0.0:
        return 0.0
    deep = per_volt * potential
    return exchange * (exp_fast(-laws.plating_alpha * deep) - exp_fast((1.0 - laws.plating_alpha) * deep))


@kernel
def lost_lithium(ageing, j):
    """Lithium [C] that no longer moves."""
    return ageing[SEI_C, j] + ageing[PLATED_C, j] + ageing[LOST_N_C, j] + ageing[LOST_P_C, j]


@kernel
def half_cycle(ageing, j, charge_c):
    """Depth of the half cycle under way before and after a step that leaves the anode at `charge_c`, and what it is of.

    The depth is one of what the cell still takes: its capacity as built less the lithium lost since (first order).
    """
    start, furthest = ageing[SWING_FROM_C, j], ageing[SWING_TO_C, j]
    whole = max(ageing[CAPACITY_C, j] - lost_lithium(ageing, j), LEFT * ageing[CAPACITY_C, j])
    way, back = charge_c - start, charge_c - furthest
    if way * (furthest - start) >= 0.0 and abs(way) > abs(furthest - start):
        ageing[SWING_TO_C, j] = charge_c
        return abs(furthest - start) / whole, abs(way) / whole, whole
    if abs(back) > TURN * whole:
        ageing[SWING_FROM_C, j], ageing[SWING_TO_C, j] = furthest, charge_c
        return 0.0, abs(back) / whole, whole
    return 0.0, 0.0, whole


@kernel
def rise(before, after, exponent):
    """after ** exponent - before ** exponent."""
    return math.pow(after, exponent) - math.pow(before, exponent)


@kernel
def stress_rate(laws, side, mean, surface):
    """Rate [1/s] of loss by tensile stress at the surface of a particle that is fuller inside."""
    stress = laws.stress_per_sto[side] * (mean - surface)
    if laws.stress_per_s[side] == 0.0 or stress <= 0.0:
        return 0.0
    return laws.stress_per_s[side] * math.pow(stress, laws.stress_exponent[side])


@kernel
def crack_growth(laws, opened, before, after):
    """Area of cracks that opens (over the smooth surface) where `opened` has, by Paris' law.

    `before`, `after`: the swing of the half cycle under way, over the capacity as built: as it is to the stress.
    """
    if laws.crack_area == 0.0 or laws.crack_growth == 0.0:
        return 0.0
    grown = math.pow(1.0 + opened / laws.crack_area, 0.5 * laws.crack_exponent)
    return laws.crack_growth * laws.crack_area * grown * rise(before, after, laws.crack_exponent)


@kernel
def film_ohm(laws, grown_m, surface_m2):
    """Resistance [ohm] of an SEI that has grown by `grown_m`."""
    return laws.film_ohm_m * (laws.first_m + grown_m - laws.film_from_m) / surface_m2


@kernel
def pores_left(laws, ageing, j):
    """Share of the anode's pores that SEI and plated lithium leave, from the sums; SEI in cracks takes none."""
    if not laws.pores:
        return 1.0
    taken = (ageing[SEI_C, j] - ageing[CRACK_C, j]) / laws.sei_c_per_m3 + ageing[PLATED_C, j] * laws.lithium_m3_per_c
    return max(1.0 - taken / ageing[PORE_M3, j], PORES_LEFT)


@kernel
def move_coefficients(coef, j, kept_n, kept_p, film, pores, exponent):
    """Coefficients of a cell whose active material and pores are `kept_*` and `pores` times, its film `film` ohm more."""
    coef[Q_N, j] /= kept_n
    coef[K_N, j] /= kept_n
    coef[Q_P, j] /= kept_p
    coef[K_P, j] /= kept_p
    coef[R_OHM, j] += film
    if pores != 1.0:
        tortuosity = math.pow(pores, exponent)
        more = anode_share(coef, j) * coef[R_E, j] * (1.0 / tortuosity - 1.0)
        coef[VOL_N, j] *= pores
        coef[AL_N, j] *= tortuosity
        coef[R_E, j] += more
        coef[R_OHM, j] += more


@kernel
def anode_share(coef, j):
    """The anode's part of the electrolyte's resistance."""
    anode = 1.0 / coef[AL_N, j]
    return anode / (anode + 1.0 / coef[AL_S, j] + 1.0 / coef[AL_P, j])


@kernel
def new_ageing(ageing, state, coef, design, window, rate, begin, end):
    """Ageing [N_AGEING, cell] of cells as built, at rest in `state`; `coef` at the design's reference temperature."""
    for j in range(begin, end):
        for row in range(N_AGEING):
            ageing[row, j] = 0.0
        ageing[PORES, j] = 1.0
        ageing[RATE, j] = rate[j]
        ageing[SURFACE_M2, j] = 0.5 / (coef[K_N, j] * design.nominal[EXCHANGE])
        ageing[ANODE_C, j], ageing[CATHODE_C, j] = 1.0 / coef[Q_N, j], 1.0 / coef[Q_P, j]
        ageing[CAPACITY_C, j] = 3600.0 * window[4, j]
        area = (1.0 - design.nominal[TRANSFERENCE]) / (FARADAY * coef[SOURCE, j])
        ageing[PORE_M3, j] = coef[VOL_N, j] * area
        ageing[BUILT_LEAK_A, j] = coef[LEAK, j]
        ageing[SWING_FROM_C, j] = ageing[SWING_TO_C, j] = state[X_N, j] / coef[Q_N, j]


@kernel
def first_film(ageing, coef, base, laws, begin, end):
    """Resistance of the SEI that cells are built with, where the laws count it."""
    for j in range(begin, end):
        ohm = film_ohm(laws, 0.0, ageing[SURFACE_M2, j])
        ageing[FILM_OHM, j] = ohm
        coef[R_OHM, j] += ohm
        base[R_OHM, j] += ohm


@kernel
def age_coefficients(coef, ageing, design, laws, begin, end):
    """Turn as-built coefficients at the reference temperature into those of cells aged by the sums in `ageing`.

    Brings the rows that follow from the sums up to date.
    """
    for j in range(begin, end):
        kept_n, kept_p = 1.0 - ageing[LOST_N, j], 1.0 - ageing[LOST_P, j]
        ageing[FILM_OHM, j] = film_ohm(laws, ageing[SEI_M, j], ageing[SURFACE_M2, j] * kept_n)
        ageing[PORES, j] = pores_left(laws, ageing, j)
        move_coefficients(coef, j, kept_n, kept_p, ageing[FILM_OHM, j], ageing[PORES, j], design.nominal[B_N])


@kernel
def aged_balance(out, values, ageing, design, begin, end):
    """Electrode balance [x0, x100, y0, y100, capacity_ah] into out[5, cell] of aged cells from traits and the sums."""
    for j in range(begin, end):
        q_n, q_p, q_li = inventory(design.nominal, values, j)
        q_li -= lost_lithium(ageing, j)
        balance_one(out, j, design, q_n * (1.0 - ageing[LOST_N, j]), q_p * (1.0 - ageing[LOST_P, j]), q_li)


@kernel
def advance_ageing(ageing, state, coef, base, work, design, laws, leak_a, current, temperature_k, dt, begin, end):
    """Ageing of a step of `dt`, after `advance` committed it at current[cell].

    Lithium leaves the particles in `state`, coefficients follow at once, in `coef` and in `base` (theirs at the
    reference temperature, which `set_temperature` starts from). `leak_a` becomes the leakage at temperature_k[cell].
    """
    potential = work[SCRATCH + 2]
    anode_potential(potential, work, coef, design, current, begin, end)
    stressed = laws.stress_per_s[1] > 0.0
    if stressed:
        surface_potential(work, coef, design.ocp_p, design.shells_p, design.d_p, 1, current, begin, end)
    exponent = design.nominal[B_N]
    for j in range(begin, end):
        per_volt, i, warm = 2.0 / coef[TWO_V, j], current[j], 1.0 / temperature_k[j]
        speed = ageing[RATE, j] * dt
        outer = potential[j] + (i + coef[LEAK, j]) * ageing[FILM_OHM, j]
        # potential and salt at the Gauss points near the collector (a) and the separator (b)
        mean, edge = work[CM_N, j] + work[CM_N + 1, j] * i, work[C1, j] + work[C1 + 1, j] * i
        floor = max(GAUSS_FLOOR * mean, CONCENTRATION_FLOOR)
        c_a = max(mean + GAUSS_A * (edge - mean), floor)
        c_b = max(mean + GAUSS_B * (edge - mean), floor)
        spread = ARM * i * anode_share(coef, j) * coef[R_E, j] - 0.5 * coef[CHI_V, j] * log_fast(c_b / c_a)
        phi = potential[j]

        surface = ageing[SURFACE_M2, j] * (1.0 - ageing[LOST_N, j])
        arrhenius = exp_fast(laws.sei_activation_k * (1.0 / laws.reference_k - warm))
        thickness = laws.first_m + ageing[SEI_M, j]
        grown = sei_growth(laws, thickness, phi, outer, spread, per_volt, laws.sei_ratio * speed * arrhenius)
        taken = grown * surface * laws.sei_c_per_m3
        inside = taken * (laws.crack_area + ageing[CRACKS, j])  # it grows on the faces of cracks as well
        taken += inside
        plated = 0.0
        if laws.plating != NO_PLATING:
            density = plating_current(laws, phi - spread, c_a, per_volt)
            density += plating_current(laws, phi + spread, c_b, per_volt)
            plated = 0.5 * density * laws.dead_share * surface * speed
        ageing[SEI_M, j] += grown
        ageing[SEI_C, j] += taken
        ageing[CRACK_C, j] += inside
        ageing[PLATED_C, j] += plated
        ageing[THROUGHPUT_C, j] += abs(i) * dt
        ageing[AGE_S, j] += dt
        fall = (taken + plated) * coef[Q_N, j]
        state[X_N, j] -= fall
        for shell in range(design.shells_n):
            state[PARTICLE_N + shell, j] -= fall

        x, y = state[X_N, j], state[X_P, j]
        before, after, whole = half_cycle(ageing, j, x / coef[Q_N, j])
        deeper = ageing[RATE, j] * rise(before, after, laws.depth_exponent)
        swing = whole / ageing[CAPACITY_C, j]
        ageing[CRACKS, j] += ageing[RATE, j] * crack_growth(laws, ageing[CRACKS, j], swing * before, swing * after)
        loss_n = laws.loss_by_sei * taken / ageing[ANODE_C, j] + laws.half_cycle[0] * deeper
        loss_p = laws.half_cycle[1] * deeper
        loss_n += speed * stress_rate(laws, 0, x, work[SCRATCH, j])
        if stressed:
            loss_p += speed * stress_rate(laws, 1, y, work[SCRATCH + 3, j])
        before_n, before_p = 1.0 - ageing[LOST_N, j], 1.0 - ageing[LOST_P, j]
        loss_n, loss_p = min(loss_n, 0.5 * before_n), min(loss_p, 0.5 * before_p)  # never all of it
        ageing[LOST_N, j] += loss_n
        ageing[LOST_P, j] += loss_p
        ageing[LOST_N_C, j] += x * loss_n * ageing[ANODE_C, j]
        ageing[LOST_P_C, j] += y * loss_p * ageing[CATHODE_C, j]

        now = film_ohm(laws, ageing[SEI_M, j], ageing[SURFACE_M2, j] * (1.0 - ageing[LOST_N, j]))
        left = pores_left(laws, ageing, j)
        kept_n, kept_p = (1.0 - ageing[LOST_N, j]) / before_n, (1.0 - ageing[LOST_P, j]) / before_p
        more, pores = now - ageing[FILM_OHM, j], left / ageing[PORES, j]
        move_coefficients(coef, j, kept_n, kept_p, more, pores, exponent)
        move_coefficients(base, j, kept_n, kept_p, more, pores, exponent)
        ageing[FILM_OHM, j], ageing[PORES, j] = now, left
        leak_a[j] = ageing[BUILT_LEAK_A, j] * exp_fast(laws.leak_activation_k * (1.0 / LEAK_REFERENCE_K - warm))

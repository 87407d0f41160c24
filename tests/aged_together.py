"""48 cells of one lot that were cycled together until the end of their life: measured, and the same of simulated cells.

Measured: statistics of the published check-ups of 48 Sanyo UR18650E (Baumhoefer et al., J. Power Sources 247 (2014) 332,
doi 10.1016/j.jpowsour.2013.08.108). A check-up is one week of cycling here (assumed), a discharge with 2 A and a pulse of
2 A at 50 % state of charge.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

import packsim as ps
from packsim.cell.traits import INDEX
from packsim.life.checkups import CheckUp, check_up
from packsim.life.pack_life import live
from packsim.life.plan import WEEK_S, YEAR_S, LifePlan
from packsim.line import plan as line_plans
from packsim.line.distributions import knots
from packsim.line.variation.kernels import LOGNORMAL, TABLE
from packsim.numerics.threads import in_parallel
from packsim.pack.network.plan import joints_of
from packsim.scenario.model import Scenario
from packsim.study.block import started
from packsim.study.life_block import plan_life
from packsim.study.plans import make_plans

Array = npt.NDArray[np.float64]
CONFIG = Path(__file__).resolve().parents[1] / "configs/nmc-18650-aged-together.yaml"
RATE = INDEX["ageing_rate_ratio"]
CELLS = 48
CHECK_UPS = (0, 2, 4, 6, 8)
FITTED = (2, 4)  # the spread of ageing is fitted to these
MEAN_PCT = (100.0, 95.2, 90.2, 80.9, 62.2)
CAPACITY_CV_PCT = (0.41, 0.69, 2.21, 7.69, 15.5)
RESISTANCE_CV_PCT = (1.70, 2.06, 3.08, 4.69, 7.42)
CORRELATION = (-0.41, -0.63, -0.89, -0.96, -0.97)
LOSS_CV_PCT = (12.0, 20.0, 33.0)  # of the capacity lost, at check-ups 2, 4, 6
LIFE_CV_PCT = 8.9
LIFE_SHAPE = 11.4  # of a Weibull distribution
TEST = CheckUp(current_a=2.0, lower_v=3.0)
LONGEST_WEEKS = 10.0


class Population(NamedTuple):
    """Cells [n] at the end of each week [w] of cycling, the first new."""

    rate: Array  # [n] of ageing
    capacity_ah: Array  # [w, n]
    resistance_ohm: Array  # [w, n]


class Statistics(NamedTuple):
    """As the measured ones; the first five at check-ups."""

    mean_pct: Array
    capacity_cv_pct: Array
    resistance_cv_pct: Array
    correlation: Array
    loss_cv_pct: Array
    life_weeks: float
    life_cv_pct: float
    initial_capacity_with_life: float
    initial_resistance_with_life: float
    alive: int  # cells that are above the end of life at the last week


def scenario(**changes: object) -> Scenario:
    """The shipped scenario."""
    return ps.load(CONFIG).updated({key.replace("__", "."): value for key, value in changes.items()})


def built(of: Scenario, cells: int, seed: int) -> Array:
    """Traits [trait, cell] of cells from the scenario's line, as they are shipped."""
    plans = make_plans(of.updated({"packs": cells, "packs_per_block": cells}), seed)
    filled = started(plans, seed, 0, cells)
    return np.ascontiguousarray(filled.cells.values[:, filled.chosen])


def life_plan_of(of: Scenario, weeks: float = LONGEST_WEEKS) -> LifePlan:
    """Numbers of the scenario's life."""
    plans = make_plans(of, 1)
    return plan_life(plans, weeks * WEEK_S / YEAR_S, 1)


def aged(plan: LifePlan, values: Array, rate: Array) -> Population:
    """Let cells age, each alone, and check them up every week.

    Raises:
        ArithmeticError: a cell whose life was not solved.
    """
    weeks = np.arange(int(plan.years * YEAR_S / WEEK_S + 1e-6) + 1)
    cycles = weeks * plan.cycles_per_year * WEEK_S / YEAR_S
    joints = joints_of(plan.duty.network, 1, 0, 0)
    capacity, resistance = np.empty((2, weeks.size, rate.size))
    unsolved = np.zeros(rate.size, np.bool_)

    def some(first: int, last: int) -> None:
        for j in range(first, last):
            own, speed = values[:, j : j + 1].copy(), rate[j : j + 1].copy()
            life = live(plan, own, np.array([0.5]), speed, joints, seed=1, block=0, pack=j, to_the_end=True)
            found = check_up(plan, own, life, cycles, TEST)
            capacity[:, j], resistance[:, j] = found.capacity_ah[:, 0], found.resistance_ohm[:, 0]
            unsolved[j] = not life.solved

    in_parallel(some, rate.size)
    if unsolved.any():
        raise ArithmeticError(f"lives that were not solved: {int(unsolved.sum())} of {rate.size}")
    return Population(rate, capacity, resistance)


def population(of: Scenario, cells: int, seed: int = 48) -> Population:
    """Cells from the scenario's line through the scenario's life."""
    values = built(of, cells, seed)
    return aged(life_plan_of(of), values, values[RATE].copy())


def speeds(of: Scenario, score: Array) -> Array:
    """Speeds of ageing of cells with these normal scores."""
    plan = line_plans.plan(of.line, of.slots_per_block)
    sd = np.sqrt(plan.sd_lot[RATE] ** 2 + plan.sd_roll[RATE] ** 2 + plan.sd_within[RATE] ** 2)
    u = plan.location[RATE] + sd * score
    if plan.form[RATE] == TABLE:
        return plan.centre[RATE] + plan.scale[RATE] * np.interp(u, knots(), plan.tables[plan.table[RATE]])
    return np.exp(u) if plan.form[RATE] == LOGNORMAL else u


def life_cv_pct(of: Population, made_by: Scenario) -> float:
    """Coefficient of variation of lives, as a ratio to that of 1/speed in the same cells times that in the whole line.

    Lives go as 1/speed (correlation 0.998), so what few cells say is far nearer to what all would say (a ratio estimate:
    Cochran 1977, Sampling Techniques, chapter 6): 240 cells know it to 0.4 %, their own CV to 5 %.

    Raises:
        ValueError: a life that is not over.
    """
    whole = 1.0 / speeds(made_by, ndtri((np.arange(100_000) + 0.5) / 100_000))
    life, own = lives(of.capacity_ah), 1.0 / of.rate
    if not np.isfinite(life).all():
        raise ValueError("a cell is still alive: follow it further")
    cv = [float(x.std(ddof=1) / x.mean()) for x in (life, own, whole)]
    return 100.0 * cv[0] / cv[1] * cv[2]


def lives(capacity_ah: Array, end: float = 0.8) -> Array:
    """Weeks [n] until each cell has `end` of its first capacity, on straight lines between check-ups; nan: not reached."""
    kept = capacity_ah / capacity_ah[0]
    below = kept < end
    after = np.where(below.any(axis=0), np.argmax(below, axis=0), 1)
    column = np.arange(kept.shape[1])
    before, later = kept[after - 1, column], kept[after, column]
    out: Array = np.where(below.any(axis=0), after - 1 + (before - end) / (before - later), np.nan)
    return out


def statistics(of: Population) -> Statistics:
    """The numbers that were measured."""
    at = list(CHECK_UPS)
    q, r, life = of.capacity_ah[at], of.resistance_ohm[at], lives(of.capacity_ah)
    known = np.isfinite(life)
    lost = 1.0 - q[1:4] / q[0]
    return Statistics(
        100.0 * q.mean(axis=1) / q[0].mean(),
        100.0 * q.std(axis=1, ddof=1) / q.mean(axis=1),
        100.0 * r.std(axis=1, ddof=1) / r.mean(axis=1),
        np.array([np.corrcoef(a, b)[0, 1] for a, b in zip(q, r, strict=True)]),
        100.0 * lost.std(axis=1, ddof=1) / lost.mean(axis=1),
        float(life[known].mean()),
        float(100.0 * life[known].std(ddof=1) / life[known].mean()),
        float(np.corrcoef(q[0][known], life[known])[0, 1]),
        float(np.corrcoef(r[0][known], life[known])[0, 1]),
        int((~known).sum()),
    )


def residuals(found: Statistics) -> Array:
    """What the fit makes small, in standard errors of the measured."""
    n, after = CELLS, [CHECK_UPS.index(check_up) for check_up in FITTED]
    sd = np.array(CAPACITY_CV_PCT) * np.array(MEAN_PCT) / 100.0
    mean = (found.mean_pct - np.array(MEAN_PCT))[1:] / (sd[1:] / np.sqrt(n))
    cv = [
        np.log(a[after] / np.array(b)[after]) * np.sqrt(2.0 * (n - 1))
        for a, b in ((found.capacity_cv_pct, CAPACITY_CV_PCT), (found.resistance_cv_pct, RESISTANCE_CV_PCT))
    ]
    rho = (np.arctanh(found.correlation[after]) - np.arctanh(np.array(CORRELATION)[after])) * np.sqrt(n - 3)
    return np.concatenate([mean, *cv, rho])

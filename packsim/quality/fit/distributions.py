"""Which distribution the readings of one quantity have within their lots: maximum likelihood, chosen by AICc."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from packsim.quality.fit.families import Family, LogMixture, Lognormal, Mixture, Normal, Truncated, Weibull
from packsim.quality.fit.goodness import CRITICAL_5, anderson_darling
from packsim.quality.fit.mixture import fit_mixture, mixture_intervals
from packsim.quality.fit.sample import Sample, sample

Array = npt.NDArray[np.float64]
CLOSE = (
    2.0  # AICc: families this near the best are as good (Burnham & Anderson 2002, section 2.6); the simplest is taken
)
CLEARLY = (
    10.0  # AICc: a cut or a tail, whose likelihood is not regular, must beat all others by as much ("essentially no
)
# support" for the others, same place)
WEAK_TAIL = 4.0  # sds of the main part: a tail nearer than that is a shape, not a tail
SKEWED = 0.1  # sd of logarithms from which a lognormal with a tail differs from a normal with one
SHAPES = (1.3, 1.8, 2.5, 3.6, 6.0, 12.0)  # starts of the Weibull's shape
SHAPE_RANGE = (1.05, 40.0)


@dataclass(frozen=True)
class Fitted:
    """One family on one quantity: AICc and Anderson-Darling; `chosen` is the one that a scenario takes."""

    quantity: str
    family: Family
    log_likelihood: float
    aicc: float
    anderson_darling: float
    n: int
    chosen: bool = False
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def passes(self) -> bool:
        """Whether Anderson-Darling does not refuse the family at 5 %."""
        return self.anderson_darling < CRITICAL_5


class Factors(NamedTuple):
    """Readings whose lots count as factors: each times what moves its lot to the middle of all lots.

    `log_scale` is the mean logarithm of these factors: the density of a reading is that of its value here times the factor,
    so that likelihoods compare with those of lots that are added.
    """

    values: Array
    log_scale: float = 0.0


def fit_families(quantity: str, values: Array, factors: Factors | None = None) -> list[Fitted]:
    """All families that can be fitted, best AICc first.

    Args:
        values: the quantity's mean + what is left within lots.
        factors: the same readings with lots as factors, for the lognormal; None if a reading is not positive.
    """
    data = sample(values)
    found: list[Family | None] = [
        Normal(data.mean, data.sd * math.sqrt(1.0 - 1.0 / data.n)),
        _weibull(data),
        *_truncated(data),
        fit_mixture(data),
    ]
    rows = [_row(quantity, family, values) for family in found if family is not None]
    if factors is not None:
        rows.append(_row(quantity, _lognormal(factors.values), *factors))
        logs = fit_mixture(sample(np.log(factors.values)))
        if logs is not None and logs.sd > SKEWED:
            rows.append(_row(quantity, LogMixture.of_logs(logs), *factors))
    rows = sorted((row for row in rows if math.isfinite(row.aicc)), key=lambda row: row.aicc)
    best = _choice(rows)
    return [_marked(row, data, factors) if row is best else row for row in rows]


def _row(quantity: str, family: Family, values: Array, log_scale: float = 0.0) -> Fitted:
    k, n = family.parameters, values.size
    log_likelihood = float(family.log_density(values).sum()) + n * log_scale
    aicc = 2.0 * k - 2.0 * log_likelihood + 2.0 * k * (k + 1) / max(n - k - 1, 1)
    fit = anderson_darling(family.probability(values)) if math.isfinite(log_likelihood) else math.inf
    return Fitted(quantity, family, log_likelihood, aicc, fit, n)


def _choice(rows: list[Fitted]) -> Fitted:
    """The simplest of those as good as the best, normal before others; cuts and tails only where nothing else comes near."""
    regular = [row for row in rows if not isinstance(row.family, (Mixture, LogMixture, Truncated))]
    best = min(
        (row for row in regular if row.aicc <= regular[0].aicc + CLOSE),
        key=lambda row: (row.family.parameters, not isinstance(row.family, Normal), row.aicc),
    )
    for row in rows:  # best AICc first
        irregular = isinstance(row.family, Truncated) or stands_apart(row.family)
        if irregular and row.aicc < regular[0].aicc - CLEARLY:
            return row
        if row is regular[0]:
            break
    return best


def stands_apart(family: Family) -> bool:
    """Whether a mixture's tail can be told from a bent main part: far away, or much wider."""
    if isinstance(family, LogMixture):
        family = family.logs()
    if not isinstance(family, Mixture):
        return False
    reach = abs(family.tail_offset) + 2.0 * family.tail_sd
    return reach > WEAK_TAIL * family.sd and family.tail_share < 0.2


def _marked(row: Fitted, data: Sample, factors: Factors | None) -> Fitted:
    family, intervals = row.family, {}
    if isinstance(family, Mixture):
        intervals = mixture_intervals(data, family)
    elif isinstance(family, LogMixture) and factors is not None:
        logs = mixture_intervals(sample(np.log(factors.values)), family.logs())
        median = [math.exp(family.logs().mean + end) for end in logs["tail_offset"]]
        factor = [math.exp(end) for end in logs["tail_sd"]]
        intervals = {
            "tail_share": logs["tail_share"],
            "tail_median": (median[0], median[1]),
            "tail_factor": (factor[0], factor[1]),
        }
    return Fitted(row.quantity, row.family, row.log_likelihood, row.aicc, row.anderson_darling, row.n, True, intervals)


def _lognormal(values: Array) -> Lognormal:
    logs = np.log(values)
    middle, variance = float(logs.mean()), float(logs.var())
    mean = math.exp(middle + 0.5 * variance)
    return Lognormal(mean, mean * math.sqrt(math.expm1(variance)))


def _weibull(data: Sample) -> Weibull | None:
    """Likelihood over mean, sd and shape; a shape above 1.05, because below 1 the likelihood has no maximum."""
    from scipy.optimize import minimize

    def family(t: Array) -> Weibull:
        shape = SHAPE_RANGE[0] + math.exp(min(t[2], 5.0))
        return Weibull(float(data.mean + t[0] * data.sd), data.sd * math.exp(t[1]), min(shape, SHAPE_RANGE[1]))

    def loss(t: Array) -> float:
        logs = family(t).log_density(data.x)
        return -float(data.weight @ logs) / data.n if np.isfinite(logs).all() else 1e6

    start = min(
        (np.array([shift, 0.0, math.log(shape - SHAPE_RANGE[0])]) for shape in SHAPES for shift in (0.0, 0.1)), key=loss
    )
    if loss(start) >= 1e6:  # readings beyond every start's end: widen until all lie inside
        for widen in np.linspace(0.1, 1.5, 15):
            start = np.array([0.0, widen, math.log(3.6)])
            if loss(start) < 1e6:
                break
        else:
            return None
    best = minimize(loss, start, method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-10, "maxiter": 1500})
    return family(best.x)


def _truncated(data: Sample) -> list[Truncated]:
    """A normal cut at the smallest reading, the largest, or both (the likelihood has its maximum there)."""
    from scipy.optimize import minimize

    out = []
    for low, high in ((data.low, math.inf), (-math.inf, data.high), (data.low, data.high)):

        def family(t: Array, low: float = low, high: float = high) -> Truncated:
            return Truncated(float(data.mean + t[0] * data.sd), data.sd * math.exp(t[1]), low, high)

        def loss(t: Array) -> float:
            if abs(t[0]) > 6.0 or abs(t[1]) > 2.5:  # a parent far away has no maximum: an exponential or uniform
                return 1e6
            return -float(data.weight @ family(t).log_density(np.clip(data.x, low, high))) / data.n  # noqa: B023

        best = minimize(loss, np.zeros(2), method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-10})
        out.append(family(best.x))
    return out

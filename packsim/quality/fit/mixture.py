"""A main normal and a rare tail, by the EM algorithm (Dempster, Laird & Rubin 1977) from several starts."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from packsim.quality.fit.families import Mixture, normal_log_density
from packsim.quality.fit.sample import Sample

Array = npt.NDArray[np.float64]
STARTS = (-8.0, -5.0, -3.0, 0.0, 3.0, 5.0, 8.0)  # where the tail is looked for first, sds from the mean
FEWEST = 5.0  # readings that a tail must hold
NARROWEST, WIDEST = 0.2, 20.0  # sd of a tail over the main part's: a point would have infinite likelihood
STEPS, ENOUGH = 400, 1e-9


def fit_mixture(data: Sample) -> Mixture | None:
    """The best of several starts; None if no second part with at least five readings is found."""
    best: tuple[float, Mixture | None] = (-math.inf, None)
    centre, sd = _robust(data)
    for start in STARTS:
        first = Mixture(centre, sd, 0.01, start * sd, sd if start else 3.0 * sd)
        found, log_likelihood = _em(data, first)
        if found is not None and log_likelihood > best[0]:
            best = log_likelihood, found
    return best[1]


def _robust(data: Sample) -> tuple[float, float]:
    """Median and sd from the quartiles: a tail hardly moves them."""
    order = np.argsort(data.x)
    share = np.cumsum(data.weight[order]) / data.n
    q1, q2, q3 = (float(data.x[order][np.searchsorted(share, p)]) for p in (0.25, 0.5, 0.75))
    return q2, max((q3 - q1) / 1.349, 1e-3 * data.sd)


def _em(data: Sample, start: Mixture) -> tuple[Mixture | None, float]:
    x, weight, now, before = data.x, data.weight, start, -math.inf
    total = -math.inf
    for _ in range(STEPS):
        main = normal_log_density(x, now.mean, now.sd) + math.log1p(-now.tail_share)
        tail = normal_log_density(x, now.mean + now.tail_offset, now.tail_sd) + math.log(now.tail_share)
        both = np.logaddexp(main, tail)
        total = float(weight @ both)
        if total - before < ENOUGH * data.n and before > -math.inf:
            break
        before = total
        of_tail = weight * np.exp(tail - both)
        of_main = weight - of_tail
        held = float(of_tail.sum())
        if not FEWEST <= held <= data.n - FEWEST:
            return None, -math.inf
        mean, far = float(of_main @ x) / (data.n - held), float(of_tail @ x) / held
        sd = math.sqrt(float(of_main @ (x - mean) ** 2) / (data.n - held))
        tail_sd = math.sqrt(float(of_tail @ (x - far) ** 2) / held)
        now = Mixture(mean, sd, held / data.n, far - mean, min(max(tail_sd, NARROWEST * sd), WIDEST * sd))
    if now.tail_share > 0.5:  # the tail is the rarer part
        now = Mixture(now.mean + now.tail_offset, now.tail_sd, 1.0 - now.tail_share, -now.tail_offset, now.sd)
    return now, total


def mixture_intervals(data: Sample, found: Mixture) -> dict[str, tuple[float, float]]:
    """95 % intervals of share (on its logit), offset and sd (on its logarithm) of the tail, from observed information."""
    theta = np.array(
        [found.mean, math.log(found.sd), math.log(found.tail_share / (1.0 - found.tail_share)), found.tail_offset,
         math.log(found.tail_sd)]
    )  # fmt: skip
    step = np.array([found.sd, 1.0, 1.0, found.tail_sd, 1.0]) * np.array([2e-3, 2e-3, 2e-2, 2e-2, 2e-2])

    def log_likelihood(t: Array) -> float:
        at = Mixture(t[0], math.exp(t[1]), 1.0 / (1.0 + math.exp(-t[2])), t[3], math.exp(t[4]))
        return float(data.weight @ at.log_density(data.x))

    information = np.empty((5, 5))
    for i in range(5):
        for j in range(i + 1):
            corners = 0.0
            for a in (-1.0, 1.0):
                for b in (-1.0, 1.0):
                    moved = theta.copy()
                    moved[i] += a * step[i]
                    moved[j] += b * step[j]
                    corners += a * b * log_likelihood(moved)
            information[i, j] = information[j, i] = -corners / (4.0 * step[i] * step[j])
    try:
        variance = np.diag(np.linalg.inv(information))
    except np.linalg.LinAlgError:
        variance = np.full(5, np.nan)
    half = [1.959963984540054 * math.sqrt(v) if v > 0.0 else math.nan for v in variance.tolist()]
    logit, offset, log_sd = (float(value) for value in theta[2:])

    def share(value: float) -> float:
        return 1.0 / (1.0 + math.exp(-value))

    return {
        "tail_share": (share(logit - half[2]), share(logit + half[2])),
        "tail_offset": (offset - half[3], offset + half[3]),
        "tail_sd": (math.exp(log_sd - half[4]), math.exp(log_sd + half[4])),
    }

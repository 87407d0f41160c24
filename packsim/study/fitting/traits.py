"""Covariance and distribution of the traits that make readings spread as the data do.

With readings x, traits t and the nominal cell's response S = dx/dt, every level's covariance has S T S' = X, so
T = S^-1 X S'^-1. The same inverse makes trait values of every reading; their components, correlations and distributions
are found exactly as those of the readings.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from packsim.quality.fit.components import components_of, correlations_of
from packsim.quality.fit.distributions import fit_families
from packsim.quality.fit.families import Family, LogMixture, Lognormal, Mixture, Normal
from packsim.study.fitting.draft import LEVELS, Draft, rounded
from packsim.study.fitting.nominal import CLEAR_OF_ZERO
from packsim.study.fitting.response import Bench

Array = npt.NDArray[np.float64]
DEFECT_OF = {
    "weld_resistance_mohm": ("weld_void", "resistance_mohm"),
    "leakage_ua": ("particle_contamination", "leakage_ua"),
}
FAR_TAIL = 0.5  # of the nominal value


def trait_covariance(draft: Draft, found: Bench) -> tuple[Array, list[Family]]:
    """Covariance [level, trait, trait] of the traits without the gauge, and the distribution of each within lots."""
    from packsim.study.fit import within_factors, within_values

    fit, how = draft.fit, draft.fit.structure
    count = len(draft.carried)
    covariance = np.zeros((len(LEVELS), count, count))
    if not count:
        return covariance, []
    inverse = np.array(np.linalg.inv(found.slopes[draft.rows]), np.float64)
    values = _trait_values(draft, inverse)
    shapes: list[Family] = []
    for k, trait in enumerate(draft.traits):
        nominal, own = draft.nominal(trait), values[:, k]
        added = within_values(fit.data.frame, own, how, nominal)
        factors = within_factors(fit.data.frame, own, how)
        family = next(row.family for row in fit_families(trait, added, factors) if row.chosen)
        shapes.append(family)
        if isinstance(family, LogMixture):  # its tail becomes a defect, so it must not count as spread
            values[np.nan_to_num(family.in_tail(own)) > 0.5, k] = np.nan
    single = {t: components_of(t, values[:, k], how)[0] for k, t in enumerate(draft.traits)}
    correlations = {(c.a, c.b, c.level): c.value for c in correlations_of(list(draft.traits), values, how, single)}
    for place, level in enumerate(how.levels):
        row = {"lot": 0, "roll": 1, "within": 2, "cell": 2}.get(level)
        if row is None:
            continue
        sd = np.array([single[t].sd[place] for t in draft.traits])
        for i, j in np.ndindex(count, count):
            pair = (draft.traits[min(i, j)], draft.traits[max(i, j)], level)
            r = 1.0 if i == j else correlations.get(pair, 0.0)
            covariance[row, i, j] = sd[i] * sd[j] * (r if math.isfinite(r) else 0.0)
    if "gauge" not in how.levels:
        noise = np.array([draft.gauge_variance[q] for q in draft.carried])
        covariance[2] -= inverse @ np.diag(noise) @ inverse.T
    for row, name in enumerate(LEVELS):
        covariance[row] = _possible(draft, covariance[row], name)
    return covariance, shapes


def _trait_values(draft: Draft, inverse: Array) -> Array:
    """Trait values [reading, trait] that read alike; another quantity's missing reading counts as its lot's mean."""
    frame = draft.fit.data.frame
    away = np.stack([frame[q].to_numpy(float) - draft.fit.means[q] for q in draft.carried], axis=1)
    filled = away.copy()
    for k, quantity in enumerate(draft.carried):
        middle = frame[quantity].groupby(frame["lot"]).transform("mean").fillna(draft.fit.means[quantity])
        filled[:, k] = np.where(np.isfinite(away[:, k]), away[:, k], middle.to_numpy(float) - draft.fit.means[quantity])
    values = filled @ inverse.T + np.array([draft.nominal(t) for t in draft.traits])
    return np.where(np.isfinite(away), values, np.nan)


def _possible(draft: Draft, matrix: Array, level: str) -> Array:
    """The nearest covariance that traits can have; says so where it moves."""
    scale = np.sqrt(np.maximum(np.diag(matrix), 0.0))
    if (np.diag(matrix) < 0.0).any():
        draft.notes.append(f"The gauge leaves no spread {level}: nearest possible covariance used.")
    matrix = np.where(np.outer(scale, scale) > 0.0, matrix, 0.0)
    safe = np.where(scale > 0.0, scale, 1.0)
    unit = matrix / np.outer(safe, safe)
    values, axes = np.linalg.eigh(unit)
    if values.min() < -1e-6:
        draft.notes.append(
            f"The covariance of the readings {level} is out of reach of the traits: the nearest is used."
        )
    unit = (axes * np.maximum(values, 0.0)) @ axes.T
    out = unit * np.outer(safe, safe)
    return np.asarray(out)


def as_defect(draft: Draft, trait: str, nominal: float, variance: Array, family: Family) -> tuple[Family, Array, float]:
    """A tail far above a small nominal value is a defect of some cells, not a spread of the trait.

    Returns the distribution, the variance [lot, roll, within] and the nominal value of the cells without it.
    """
    if isinstance(family, LogMixture):
        if trait in DEFECT_OF and family.tail_median > family.mean:
            median = family.tail_median - math.exp(family.logs().mean)
            _defect(draft, trait, family.tail_share, median, family.tail_factor)
        else:
            draft.notes.append(f"A line has no tail like that of {trait}: it was left out.")
        return Lognormal(family.mean, family.sd), variance, rounded(family.mean)
    if not isinstance(family, Mixture) or trait not in DEFECT_OF or family.tail_offset < FAR_TAIL * nominal:
        return family, variance, nominal
    added = max(family.tail_sd**2 - family.sd**2, 0.0) / family.tail_offset**2  # squared relative sd of the severity
    median, factor = family.tail_offset / math.sqrt(1.0 + added), math.exp(math.sqrt(math.log1p(added)))
    _defect(draft, trait, family.tail_share, median, factor)
    share = family.tail_share
    tail = share * (family.tail_sd**2 - family.sd**2) + share * (1.0 - share) * family.tail_offset**2
    gauge = max(family.sd**2 + tail - float(variance[2]), 0.0)
    left = max(family.sd**2 - gauge, 0.1 * family.sd**2)
    less = share * family.tail_offset  # the mean of all cells is the data's
    nominal = rounded(nominal - less) if nominal - less > CLEAR_OF_ZERO * family.sd else nominal
    return Normal(nominal, family.sd), np.array([variance[0], variance[1], left]), nominal


def _defect(draft: Draft, trait: str, share: float, median: float, factor: float) -> None:
    name, severity = DEFECT_OF[trait]
    draft.data["line"].setdefault("defects", {})[name] = {
        "rate_ppm": rounded(1e6 * share),
        severity: rounded(median),
        "spread_factor": rounded(min(max(factor, 1.0), 100.0)),
    }
    draft.sources[f"line.defects.{name}"] = draft.source

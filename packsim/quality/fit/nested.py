"""Nested random effects by restricted maximum likelihood (REML): lot > roll > cell > reading, any group sizes.

    y = mean + lot + roll + cell + gauge,    independent effects of variance theta_level^2.

The likelihood of a nested model is built from the inside out (Searle, Casella & McCulloch 1992, Variance Components, ch. 4,
6): k items of variances v in a group combine to one item, their weighted mean of variance 1 / sum(1 / v), and leave

    sum(log v) + log(sum(1 / v)) + sum((m - mean)^2 / v)

behind; then the group's own effect adds its variance, and the next level goes on. Done at the top as well, where the
common mean is taken out, this is minus twice the restricted log-likelihood; unequal groups cost nothing.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]
TOLERANCE = 1e-7  # of sds, in units of the overall sd


class Nesting(NamedTuple):
    """Readings in groups: `parents[0]` gives the group of every reading at the innermost level, and so on outwards.

    `levels` names the effects from the outermost group to the reading itself, e.g. (lot, roll, cell, gauge).
    """

    levels: tuple[str, ...]
    parents: tuple[Index, ...]

    def sizes(self) -> tuple[int, ...]:
        """Number of groups of each level, outermost first, then of readings."""
        return (*(int(p.max()) + 1 for p in reversed(self.parents)), self.parents[0].size if self.parents else 0)


class Components(NamedTuple):
    """Standard deviations by level (as in `Nesting.levels`) and the mean."""

    mean: float
    sd: Array


def nesting(levels: tuple[str, ...], labels: list[Index]) -> Nesting:
    """Groups from labels of every reading, outermost first, each label 0 .. n - 1 used by one parent only."""
    parents = [labels[-1]]
    for outer, inner in zip(reversed(labels[:-1]), reversed(labels[1:]), strict=True):
        of_inner = np.empty(int(inner.max()) + 1, np.int64)
        of_inner[inner] = outer
        parents.append(of_inner)
    return Nesting(levels, tuple(parents))


def reml(values: Array, groups: Nesting, *, starts: int = 2) -> Components:
    """REML estimates of the sd of every level. `values` [reading], all finite, not all equal; the best of 1 or 2 starts."""
    from scipy.optimize import minimize

    centre, scale = float(values.mean()), float(values.std())
    inner = _Inner(((values - centre) / scale), groups)
    start = _start(inner)
    tried = [
        minimize(
            lambda theta: inner.deviance(theta)[0], first, method="Nelder-Mead",
            options={"xatol": TOLERANCE, "fatol": 1e-9, "maxiter": 2000, "initial_simplex": _simplex(first)},
        )
        for first in (start, np.maximum(start, 0.3))[:starts]
    ]  # fmt: skip
    sd = np.abs(min(tried, key=lambda found: float(found.fun)).x)
    sd[:-1][sd[:-1] < 1e-4] = 0.0  # a variance of 0 is reached from either side
    return Components(centre + scale * inner.deviance(sd)[1], scale * sd)


def _simplex(start: Array) -> Array:
    corners = np.repeat(start[None, :], start.size + 1, axis=0)
    corners[1:] += np.diag(np.maximum(0.15 * start, 0.02))
    return corners


class _Inner:
    """Readings as sums over the innermost groups, and these over classes of one parent and size.

    Members of a class have one variance, so sums are all that the likelihood needs: its cost does not grow with readings.
    """

    def __init__(self, values: Array, groups: Nesting) -> None:
        own = groups.parents[0]
        self.count = np.bincount(own).astype(float)
        self.mean = np.bincount(own, values) / self.count
        self.squares = float(((values - self.mean[own]) ** 2).sum())
        self.log_count = float(np.log(self.count).sum())
        self.readings = values.size
        self.parents = groups.parents[1:]
        parent = self.parents[0] if self.parents else np.zeros(self.count.size, np.int64)
        sizes, size = np.unique(self.count, return_inverse=True)
        keys, member = np.unique(parent * sizes.size + size, return_inverse=True)
        self.of_class, self.size = keys // sizes.size, sizes[keys % sizes.size]
        self.members = np.bincount(member).astype(float)
        self.class_mean = np.bincount(member, self.mean) / self.members
        self.class_squares = np.bincount(member, (self.mean - self.class_mean[member]) ** 2)
        self.log_members = float(np.log(self.members).sum())

    def deviance(self, sd: Array) -> tuple[float, float]:
        """Minus twice the restricted log-likelihood (without its constant), and the mean."""
        variance = np.maximum(sd * sd, 1e-14)
        error = variance[-1]
        total = (self.readings - self.count.size) * np.log(error) + self.log_count + self.squares / error
        one = error / self.size + variance[-2]
        total += ((self.members - 1.0) * np.log(one)).sum() + self.log_members + (self.class_squares / one).sum()
        mean, own = self.class_mean, one / self.members
        if self.parents:
            total, mean, own = _combined(total, mean, own, self.of_class)
            own = own + variance[-3]
        for level, parent in enumerate(self.parents[1:]):
            total, mean, own = _combined(total, mean, own, parent)
            own = own + variance[-4 - level]
        total, mean, _ = _combined(total, mean, own, np.zeros(mean.size, np.int64))
        return total, float(mean[0])


def _combined(total: float, mean: Array, own: Array, parent: Index) -> tuple[float, Array, Array]:
    """Items of variances `own` combined within their parents: the deviance, means and variances of these means."""
    weight = 1.0 / own
    sums = np.bincount(parent, weight)
    means = np.bincount(parent, weight * mean) / sums
    left = float((weight * (mean - means[parent]) ** 2).sum() - np.log(weight).sum() + np.log(sums).sum())
    return float(total) + left, means, 1.0 / sums


def _start(inner: _Inner) -> Array:
    """Moments: pooled within, then the scatter of means less what the level below gives."""
    sd = [np.sqrt(inner.squares / max(inner.readings - inner.count.size, 1))]
    mean, noise = inner.mean, sd[0] ** 2 / inner.count
    for parent in (*inner.parents, None):
        index = np.zeros(mean.size, np.int64) if parent is None else parent
        count = np.bincount(index)
        means = np.bincount(index, mean) / count
        free = max(mean.size - count.size, 1)
        variance = max(float(((mean - means[index]) ** 2).sum()) / free - float(noise.mean()), 1e-4)
        sd.append(np.sqrt(variance))
        noise = np.bincount(index, noise + variance) / count**2
        mean = means
    return np.array(sd[::-1])


def sampling_variances(groups: Nesting, sd: Array) -> list[Array]:
    """Variance of the estimated mean of each group about its own effect, by level, outermost first (readings: none)."""
    own = np.bincount(groups.parents[0]) if groups.parents else np.zeros(0)
    variance = sd**2
    found = [variance[-1] / own] if groups.parents else []
    for level, parent in enumerate(groups.parents[1:]):
        weight = 1.0 / np.maximum(found[-1] + variance[-2 - level], 1e-300)
        found.append(1.0 / np.bincount(parent, weight))
    return found[::-1]

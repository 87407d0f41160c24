"""Standard deviations and correlations by level, with intervals, of all quantities of a file."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from packsim.quality.fit import intervals
from packsim.quality.fit.nested import Components, Nesting, nesting, reml, sampling_variances

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]


FEWEST_PAIRS = 30
NOTHING = 1e-3  # of the overall sd: a level that hardly varies has no correlation


class Component(NamedTuple):
    """The sd of one quantity at one level, with its 95 % interval; `groups` of that level, and their degrees of freedom."""

    quantity: str
    level: str
    sd: float
    low: float
    high: float
    variance_share: float
    groups: int
    df: float


class Correlation(NamedTuple):
    """The correlation of two quantities at one level, with its 95 % interval; nan where a level does not vary."""

    a: str
    b: str
    level: str
    value: float
    low: float
    high: float


class Structure(NamedTuple):
    """How readings nest: levels outermost first and running labels [reading] of the groups (without the readings)."""

    levels: tuple[str, ...]
    labels: tuple[Index, ...]

    def of(self, some: npt.NDArray[np.bool_]) -> Nesting:
        """The nesting of the readings in `some`."""
        return nesting(self.levels, [np.unique(label[some], return_inverse=True)[1] for label in self.labels])


def structure(frame: pd.DataFrame) -> Structure:
    """Levels that a table of readings (lot, roll, cell) tells apart.

    `lot` needs two lots; `roll` rolls in them; `cell` and `gauge` repeats, else the last level is `within` (cell and gauge
    together, within the innermost group).
    """
    labels: list[Index] = []
    levels: list[str] = []
    lot = pd.factorize(frame["lot"])[0].astype(np.int64)
    if lot.max() > 0:
        labels, levels = [lot], ["lot"]
    if "roll" in frame:
        roll = pd.factorize(pd.MultiIndex.from_frame(frame[["lot", "roll"]]))[0].astype(np.int64)
        if roll.max() > lot.max():
            labels, levels = [*labels, roll], [*levels, "roll"]
    cell = frame["cell"].to_numpy(np.int64)
    if np.unique(cell).size < cell.size:
        labels, levels = [*labels, cell], [*levels, "cell"]
        return Structure((*levels, "gauge"), tuple(labels))
    if not labels:
        labels = [np.zeros(len(frame), np.int64)]
        return Structure(("all", "within"), tuple(labels))
    return Structure((*levels, "within"), tuple(labels))


def degrees(groups: Nesting) -> list[int]:
    """Degrees of freedom by level, outermost first."""
    sizes = groups.sizes()
    return [size - before for before, size in zip((1, *sizes[:-1]), sizes, strict=True)]


def estimate(values: Array, how: Structure) -> tuple[Components, Nesting, npt.NDArray[np.bool_]]:
    """REML components of one quantity, the nesting of its readings and which rows they are."""
    some = np.isfinite(values)
    groups = how.of(some)
    if how.levels[0] == "all":  # one lot: nothing lies between
        found = values[some]
        return Components(float(found.mean()), np.array([0.0, found.std(ddof=1)])), groups, some
    return reml(values[some], groups), groups, some


def components_of(quantity: str, values: Array, how: Structure) -> tuple[Components, list[Component]]:
    """Components of one quantity with intervals, outermost level first; the level `all` of a single lot is left out."""
    found, groups, some = estimate(values, how)
    df, sizes = degrees(groups), groups.sizes()
    below = sampling_variances(groups, found.sd)
    total = float((found.sd**2).sum())
    rows = []
    for k, level in enumerate(groups.levels):
        sd = float(found.sd[k])
        if level == "all":
            continue
        if k == len(groups.levels) - 1:
            low, high = intervals.within_interval(sd, df[k], _excess(values[some], groups))
        else:
            noise = float(below[k].mean())
            low, high = intervals.between_interval(sd, df[k], noise, _df_below(found.sd, df, k))
        rows.append(Component(quantity, level, sd, low, high, sd * sd / total, sizes[k], df[k]))
    return found, rows


def _df_below(sd: Array, df: list[int], level: int) -> float:
    """Degrees of freedom of what the levels below add to a group's mean: those of the level next to it, at least."""
    return float(max(df[level + 1], 1))


def _excess(values: Array, groups: Nesting) -> float:
    """Excess kurtosis of the readings within their innermost groups."""
    left = residuals(values, groups.parents[0])
    return float((left**4).mean() / max((left**2).mean() ** 2, 1e-300)) - 3.0


def residuals(values: Array, group: Index) -> Array:
    """Values less the mean of their group, stretched by sqrt(n / (n - 1)): as spread out as about the true mean."""
    count = np.bincount(group)
    mean = np.bincount(group, values) / count
    stretch = np.sqrt(count / np.maximum(count - 1, 1))
    left: Array = (values - mean[group]) * stretch[group]
    return left


def correlations_of(names: list[str], table: Array, how: Structure, single: dict[str, Components]) -> list[Correlation]:
    """Correlations of all pairs at every level; `table` [reading, quantity].

    Each from the components of the sum and the difference of both quantities, scaled to the sd of that level:
    r = (V+ - V-) / (V+ + V-), which is never beyond +-1.
    """
    rows = []
    for i in range(len(names)):
        for j in range(i):
            both = np.isfinite(table[:, i]) & np.isfinite(table[:, j])
            if both.sum() >= FEWEST_PAIRS:
                rows += _pair((names[j], names[i]), table[both][:, [j, i]], how.of(both), single)
    return rows


def _pair(names: tuple[str, str], pair: Array, groups: Nesting, single: dict[str, Components]) -> list[Correlation]:
    """Correlations of one pair, outermost level first; worked out from the inside, because the inner ones blur the outer."""
    sds = np.array([single[name].sd for name in names])
    totals = np.sqrt((sds**2).sum(axis=1))
    df, below = degrees(groups), [sampling_variances(groups, sd) for sd in sds]
    rows: list[Correlation] = []
    r_below = 0.0
    for k in reversed(range(len(groups.levels))):
        own = sds[:, k]
        if groups.levels[k] == "all":
            continue
        if (own < NOTHING * totals).any():
            rows.append(Correlation(*names, groups.levels[k], math.nan, math.nan, math.nan))
            continue
        scaled = pair / own
        plus, minus = (
            float(reml(scaled[:, 0] + sign * scaled[:, 1], groups, starts=1).sd[k]) ** 2 for sign in (1.0, -1.0)
        )
        r = (plus - minus) / max(plus + minus, 1e-300)
        noise, df_below = np.zeros((2, 2)), 1.0
        if k < len(groups.levels) - 1:
            a, b = (float(each[k].mean()) for each in below)
            noise, df_below = _matrix(a, b, r_below), float(max(df[k + 1], 1))
        low, high = intervals.correlation_interval(r, _matrix(own[0] ** 2, own[1] ** 2, r), noise, df[k], df_below)
        rows.append(Correlation(*names, groups.levels[k], r, low, high))
        r_below = r
    return rows[::-1]


def _matrix(a: float, b: float, r: float) -> Array:
    """Covariance matrix of two quantities from their variances and correlation."""
    cross = r * math.sqrt(a * b)
    return np.array([[a, cross], [cross, b]])

"""Crossed gauge study by analysis of variance: how much of the spread of readings is the gauge's.

Every operator measures every part equally often; parts and operators are random effects. AIAG, Measurement Systems
Analysis, 4th edition 2010, appendix A; Burdick, Borror & Montgomery 2003, J. Quality Technology 35:342.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import special

from packsim.quality.spread import Array

STUDY_SIGMAS = 6.0
POOL_ABOVE = 0.25  # AIAG: an interaction with a larger p-value is taken as repeatability
NDC_FACTOR = 1.41  # as AIAG prints it, for sqrt(2)


class AnovaRow(NamedTuple):
    """One source of variation; `f` and `p` are nan for repeatability and total."""

    source: str
    dof: int
    sum_of_squares: float
    mean_square: float
    f: float
    p: float


class Component(NamedTuple):
    """One part of the readings' spread. Percentages: of the total variance, of the total sd, of the tolerance."""

    variance: float
    sd: float
    contribution_pct: float
    study_variation: float  # study_sigmas * sd
    study_variation_pct: float
    tolerance_pct: float  # study variation over tolerance, nan without one


@dataclass(frozen=True)
class GaugeStudy:
    """Result of a crossed gauge study.

    `anova_full` is the table with the interaction; `anova` the one that the components come from (without it where it was
    pooled). `components`: repeatability, operator, interaction (0 where pooled), reproducibility (operator + interaction),
    gauge (repeatability + reproducibility), part, total. Negative estimates are 0.
    """

    parts: int
    operators: int
    repeats: int
    anova_full: tuple[AnovaRow, ...]
    anova: tuple[AnovaRow, ...]
    pooled: bool
    components: dict[str, Component]
    ndc: float  # 1.41 part sd / gauge sd; the number of distinct categories is its whole part

    def row(self, source: str, *, full: bool = False) -> AnovaRow:
        """One row of the table; KeyError if it is not there."""
        for row in self.anova_full if full else self.anova:
            if row.source == source:
                return row
        raise KeyError(source)


def crossed(part: npt.ArrayLike, operator: npt.ArrayLike, reading: npt.ArrayLike) -> Array:
    """Readings in a list (one row a reading) as an array [part, operator, repeat], parts and operators sorted.

    Raises:
        ValueError: columns of different lengths, or a pair of part and operator with fewer readings than another.
    """
    parts, operators, readings = np.asarray(part), np.asarray(operator), np.asarray(reading, float)
    if parts.ndim != 1 or not parts.shape == operators.shape == readings.shape:
        raise ValueError("part, operator and reading must be columns of one length")
    names, row = np.unique(parts, return_inverse=True)
    people, column = np.unique(operators, return_inverse=True)
    counts = np.zeros((names.size, people.size), int)
    np.add.at(counts, (row, column), 1)
    if counts.size and counts.min() != counts.max():
        worst = np.unravel_index(int(counts.argmin()), counts.shape)
        raise ValueError(
            f"unbalanced study: part {names[worst[0]]} has {counts.min()} readings by operator {people[worst[1]]}, "
            f"others {counts.max()}; every operator must measure every part equally often"
        )
    order = np.lexsort((np.arange(readings.size), column, row))
    repeats = counts.min() if counts.size else 0
    return readings[order].reshape(names.size, people.size, int(repeats))


def gauge_study(
    readings: npt.ArrayLike,
    *,
    tolerance: float | None = None,
    pool_above: float | None = POOL_ABOVE,
    study_sigmas: float = STUDY_SIGMAS,
) -> GaugeStudy:
    """Crossed study of readings [part, operator, repeat].

    Args:
        tolerance: upper minus lower limit, for the percentages of tolerance.
        pool_above: the interaction goes into repeatability if its p-value exceeds this; None keeps it.

    Raises:
        ValueError: fewer than two parts, operators or repeats, readings that are not finite, repeats that never differ, a
            tolerance or study_sigmas that is not positive.
    """
    x = np.asarray(readings, float)
    if x.ndim != 3 or min(x.shape, default=0) < 2:
        raise ValueError(f"readings [part, operator, repeat] need at least 2 of each, not shape {list(x.shape)}")
    if not np.isfinite(x).all():
        raise ValueError(f"{int((~np.isfinite(x)).sum())} readings are missing: the study must be balanced")
    if (tolerance is not None and not tolerance > 0.0) or not study_sigmas > 0.0:
        raise ValueError("tolerance and study_sigmas must be positive")
    full = _anova(x, interaction=True)
    if not full[3].mean_square > 0.0:
        raise ValueError(
            "repeated readings never differ: the gauge's resolution is too coarse to see its repeatability"
        )
    pooled = pool_above is not None and full[2].p > pool_above
    table = _anova(x, interaction=False) if pooled else full
    variances = _variances(table, x.shape, pooled)
    total = math.sqrt(variances["total"])
    components = {
        name: Component(
            variance,
            math.sqrt(variance),
            100.0 * variance / variances["total"],
            study_sigmas * math.sqrt(variance),
            100.0 * math.sqrt(variance) / total,
            math.nan if tolerance is None else 100.0 * study_sigmas * math.sqrt(variance) / tolerance,
        )
        for name, variance in variances.items()
    }
    ndc = NDC_FACTOR * components["part"].sd / components["gauge"].sd
    parts, operators, repeats = x.shape
    return GaugeStudy(parts, operators, repeats, full, table, pooled, components, ndc)


def _anova(x: Array, *, interaction: bool) -> tuple[AnovaRow, ...]:
    """Part, operator, (interaction,) repeatability, total; F of part and operator over the interaction if it is kept."""
    p, o, r = x.shape
    grand = x.mean()
    cell, part, operator = x.mean(axis=2), x.mean(axis=(1, 2)), x.mean(axis=(0, 2))
    ss_part = o * r * float(((part - grand) ** 2).sum())
    ss_operator = p * r * float(((operator - grand) ** 2).sum())
    ss_both = r * float(((cell - part[:, None] - operator[None, :] + grand) ** 2).sum())
    ss_error = float(((x - cell[:, :, None]) ** 2).sum())
    total = AnovaRow("total", x.size - 1, float(((x - grand) ** 2).sum()), math.nan, math.nan, math.nan)
    dof_both, dof_error = (p - 1) * (o - 1), p * o * (r - 1)
    if not interaction:
        ss_error, dof_error = ss_error + ss_both, dof_error + dof_both
    ms_error = ss_error / dof_error
    against = (ss_both / dof_both, dof_both) if interaction else (ms_error, dof_error)
    rows = [_tested("part", p - 1, ss_part, *against), _tested("operator", o - 1, ss_operator, *against)]
    if interaction:
        rows.append(_tested("interaction", dof_both, ss_both, ms_error, dof_error))
    rows.append(AnovaRow("repeatability", dof_error, ss_error, ms_error, math.nan, math.nan))
    return (*rows, total)


def _tested(source: str, dof: int, squares: float, against: float, against_dof: int) -> AnovaRow:
    mean_square = squares / dof
    if not against > 0.0:
        return AnovaRow(source, dof, squares, mean_square, math.nan, math.nan)
    f = mean_square / against
    return AnovaRow(source, dof, squares, mean_square, f, float(special.fdtrc(dof, against_dof, f)))


def _variances(table: tuple[AnovaRow, ...], shape: tuple[int, ...], pooled: bool) -> dict[str, float]:
    p, o, r = shape
    ms = {row.source: row.mean_square for row in table}
    error = ms["repeatability"]
    both = error if pooled else ms["interaction"]
    found = {
        "repeatability": error,
        "operator": max((ms["operator"] - both) / (p * r), 0.0),
        "interaction": 0.0 if pooled else max((both - error) / r, 0.0),
    }
    found["reproducibility"] = found["operator"] + found["interaction"]
    found["gauge"] = found["repeatability"] + found["reproducibility"]
    found["part"] = max((ms["part"] - both) / (o * r), 0.0)
    found["total"] = found["gauge"] + found["part"]
    return found

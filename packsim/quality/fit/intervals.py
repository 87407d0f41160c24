"""Intervals of standard deviations by level and of correlations: how little a few lots say.

Between groups: the modified large-sample interval (Graybill & Wang 1980, JASA 75:869; Burdick & Graybill 1992, Confidence
Intervals on Variance Components, ch. 3), with mean squares rebuilt from the REML estimates: s1 = variance of the means
of the groups (on one less than the number of groups within their parents), s2 = the part of it that the levels below cause.
Readings: chi-squared on degrees of freedom that the kurtosis corrects (Bonett 2006, Comput. Stat. Data Anal. 50:775).
Effects between groups are taken as normal: with heavier tails these intervals are too short.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy import special

Array = npt.NDArray[np.float64]
LEVEL = 0.95


def chi2_quantile(p: float, df: float) -> float:
    """Quantile of chi-squared over its degrees of freedom."""
    return float(special.chdtri(df, 1.0 - p)) / df


def f_quantile(p: float, df1: float, df2: float) -> float:
    """Quantile of F."""
    return float(special.fdtri(df1, df2, p))


def within_interval(sd: float, df: float, excess_kurtosis: float) -> tuple[float, float]:
    """Interval of the sd of `df` + 1 readings; heavy tails make it wider."""
    if df < 1:
        return math.nan, math.nan
    free = 2.0 / (2.0 / df + max(excess_kurtosis, -1.0) / (df + 1.0))
    tail = 0.5 * (1.0 - LEVEL)
    return sd / math.sqrt(chi2_quantile(1.0 - tail, free)), sd / math.sqrt(chi2_quantile(tail, free))


def between_interval(sd: float, df: float, below: float, df_below: float) -> tuple[float, float]:
    """Interval of a group's sd.

    Args:
        df: groups less their parents (lots less one).
        below: mean variance of a group's mean that the levels below cause; df_below: its degrees of freedom.
    """
    if df < 1:
        return math.nan, math.nan
    if sd * sd + below <= 0.0:
        return 0.0, 0.0
    tail = 0.5 * (1.0 - LEVEL)
    s1, s2 = sd * sd + below, below
    f_high, f_low = f_quantile(1.0 - tail, df, df_below), f_quantile(tail, df, df_below)
    g1, g2 = 1.0 - 1.0 / chi2_quantile(1.0 - tail, df), 1.0 - 1.0 / chi2_quantile(1.0 - tail, df_below)
    h1, h2 = 1.0 / chi2_quantile(tail, df) - 1.0, 1.0 / chi2_quantile(tail, df_below) - 1.0
    g12 = ((f_high - 1.0) ** 2 - g1**2 * f_high**2 - h2**2) / f_high
    h12 = ((1.0 - f_low) ** 2 - h1**2 * f_low**2 - g2**2) / f_low
    down = g1**2 * s1**2 + h2**2 * s2**2 + g12 * s1 * s2
    up = h1**2 * s1**2 + g2**2 * s2**2 + h12 * s1 * s2
    low = s1 - s2 - math.sqrt(max(down, 0.0))
    high = s1 - s2 + math.sqrt(max(up, 0.0))
    return math.sqrt(max(low, 0.0)), math.sqrt(max(high, 0.0))


def correlation_interval(r: float, own: Array, noise: Array, df: float, df_below: float) -> tuple[float, float]:
    """Interval of the correlation of two effects by the delta method on Fisher's z, with Student's t for few groups.

    The groups' means scatter as own + noise, both estimated: two Wishart matrices of df and df_below degrees of freedom.

    Args:
        own: [2, 2] covariance of the effects at this level; noise: [2, 2] what the levels below add to the groups' means.
    """
    if df < 3.0 or not math.isfinite(r):
        return -1.0, 1.0
    r = min(max(r, -0.9999), 0.9999)
    sa, sb = math.sqrt(own[0, 0]), math.sqrt(own[1, 1])
    slope = np.array([[-0.5 * r / own[0, 0], 0.5 / (sa * sb)], [0.5 / (sa * sb), -0.5 * r / own[1, 1]]])
    variance = 0.0
    for matrix, free in ((own + noise, max(df - 2.0, 1.0)), (noise, max(df_below, 1.0))):
        both = slope @ matrix
        variance += 2.0 * float(np.trace(both @ both)) / free
    half = float(special.stdtrit(df, 0.5 + 0.5 * LEVEL)) * math.sqrt(variance) / (1.0 - r * r)
    z = math.atanh(r)
    return math.tanh(z - half), math.tanh(z + half)

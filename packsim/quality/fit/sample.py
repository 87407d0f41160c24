"""Readings as a short weighted sample: fits repeat their sums hundreds of times."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
BINS_A_SD = 50  # a bin adds 1 / 12 of (sd / 50)^2 to the variance: 0.003 %
REACH = 4.0  # sds: readings beyond stand alone


class Sample(NamedTuple):
    """Points and how many readings each stands for; `mean`, `sd`, `skew`, smallest and largest are of all readings."""

    x: Array
    weight: Array
    n: int
    mean: float
    sd: float
    skew: float
    low: float
    high: float


def sample(values: Array) -> Sample:
    """Readings within a few sds in narrow bins at their means, the others one by one. Few readings: all one by one."""
    mean, sd = float(values.mean()), float(values.std(ddof=1))
    skew = float(((values - mean) ** 3).mean()) / sd**3
    ends = float(values.min()), float(values.max())
    if values.size <= 2 * BINS_A_SD * REACH:
        return Sample(values, np.ones(values.size), values.size, mean, sd, skew, *ends)
    place = np.floor((values - mean) / sd * BINS_A_SD)
    near = np.abs(place) < REACH * BINS_A_SD
    _, of_bin = np.unique(place[near], return_inverse=True)
    count = np.bincount(of_bin).astype(float)
    x = np.concatenate([np.bincount(of_bin, values[near]) / count, values[~near]])
    weight = np.concatenate([count, np.ones(int((~near).sum()))])
    return Sample(x, weight, values.size, mean, sd, skew, *ends)

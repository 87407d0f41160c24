"""Relaxation between the two readings of the K-value: lithium that drifts into the anode's overhang.

After charging, lithium moves from the anode that faces the cathode into the part that does not, and the open-circuit
voltage falls as if the cell leaked. Equalisation takes 100 to 200 days (Lewerenz et al. 2018). The law here is
diffusion into a strip that is closed at its far end: it starts with the square root of time and ends exponentially. That
law, and the fall in mV being proportional to it, are assumed; so are all amounts.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from packsim.inspection.gauge import normals
from packsim.numerics.purposes import OVERHANG
from packsim.scenario.inspection import KValueTest

Array = npt.NDArray[np.float64]
EARLY = 0.05  # of the time constant: below, the square root alone is exact to 1e-20
ODD = np.arange(1.0, 60.0, 2.0)  # modes: the first one left out is below exp(-0.05 * 61**2) = 1e-81


class Relaxation(NamedTuple):
    """Fall of the OCV when all has equalised (mean, sd between cells), and the shares reached at both readings."""

    mean_v: float
    sd_v: float
    first_share: float
    second_share: float


def relaxation_of(model: KValueTest) -> Relaxation:
    """Numbers of a scenario; the second reading is `rest_days` after the first."""
    first = model.first_reading_h / 24.0
    shares = (equalised_share(days, model.overhang_days) for days in (first, first + model.rest_days))
    return Relaxation(1e-3 * model.overhang_mv, 1e-3 * model.overhang_sd_mv, *shares)


def equalised_share(days: float, time_constant_days: float) -> float:
    """Share 0..1 of the exchange done after `days`: uptake of a strip by diffusion (Crank 1975, eq. 4.18 and 4.20).

    `time_constant_days` is that of the slowest mode, 4 w^2 / (pi^2 D) for width w and diffusivity D.
    """
    t = days / time_constant_days
    if t < EARLY:
        return float(4.0 / math.pi**1.5 * math.sqrt(t))
    return 1.0 - 8.0 / math.pi**2 * float(np.sum(np.exp(-(ODD**2) * t) / ODD**2))


def overhang_v(relaxation: Relaxation, address: npt.NDArray[np.int64], seed: int) -> Array | None:
    """Each cell's whole fall [n]; None where all are 0."""
    if relaxation.sd_v == 0.0:
        return np.full(len(address), relaxation.mean_v) if relaxation.mean_v != 0.0 else None
    fall: Array = relaxation.mean_v + relaxation.sd_v * normals(address, seed, OVERHANG)[0]
    return fall

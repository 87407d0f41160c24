"""Yields of lines and failure probabilities of packs: arithmetic that stays exact for small numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence

from scipy import special

SHIFT = 1.5  # sigmas that the Six Sigma convention takes off for drift between short and long term


def rolled_throughput_yield(first_pass_yields: Sequence[float]) -> float:
    """Share of units that pass every step the first time if steps fail independently: the product.

    With correlated steps, rework or lots in common it is not the product; see `docs/quality.md`.

    Raises:
        ValueError: no yield, or one outside 0..1.
    """
    if not first_pass_yields:
        raise ValueError("at least one step")
    return math.prod(_share(y, "first-pass yield") for y in first_pass_yields)


def mean_step_yield(rolled_yield: float, steps: int) -> float:
    """The yield that each of `steps` equal steps has for this rolled throughput yield (the geometric mean).

    Raises:
        ValueError: a yield outside 0..1 or no step.
    """
    if steps < 1:
        raise ValueError(f"at least one step, not {steps}")
    return float(_share(rolled_yield, "yield") ** (1.0 / steps))


def pack_failure_probability(cell_failure_probability: float, cells: int) -> float:
    """1 - (1 - p)^n: one bad cell fails the pack, cells fail independently. Exact also for p near 0.

    Raises:
        ValueError: a probability outside 0..1 or a negative number of cells.
    """
    p = _share(cell_failure_probability, "probability")
    if cells < 0:
        raise ValueError(f"cells must not be negative, not {cells}")
    if p == 1.0:
        return 1.0 if cells else 0.0
    return -math.expm1(cells * math.log1p(-p))


def dpmo(sigma_level: float, *, shift: float = SHIFT) -> float:
    """Defects per million opportunities of a sigma level: the upper tail beyond level - shift."""
    return 1e6 * float(special.ndtr(shift - sigma_level))


def sigma_level(defects_per_million: float, *, shift: float = SHIFT) -> float:
    """The sigma level of a defect rate; the inverse of `dpmo`.

    Raises:
        ValueError: a rate that is not between 0 and a million.
    """
    if not 0.0 < defects_per_million < 1e6:
        raise ValueError(f"defects per million must lie between 0 and 1,000,000, not {defects_per_million:g}")
    return shift - float(special.ndtri(1e-6 * defects_per_million))


def two_sided_z(share_inside: float) -> float:
    """How many sigma from the mean centred limits lie if this share of a normal is inside them; Cp is a third of it.

    Raises:
        ValueError: a share that is not between 0 and 1.
    """
    if not 0.0 < share_inside < 1.0:
        raise ValueError(f"share inside the limits must lie between 0 and 1, not {share_inside:g}")
    return -float(special.ndtri(0.5 * (1.0 - share_inside)))


def _share(value: float, what: str) -> float:
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"{what} must lie in 0..1, not {value:g}")
    return value

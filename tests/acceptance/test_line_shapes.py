"""Every distribution keeps its shape whatever the split of its variance, and the copula its correlations."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy import stats

from packsim.cell.traits import INDEX
from packsim.line import plan as plans
from packsim.line.build import build, slot_addresses
from packsim.scenario.line import LineModel

if TYPE_CHECKING:
    from collections.abc import Callable

FALSE_ALARM = 1e-6  # of each statistical bound below, seeds being fixed
Z = float(-stats.norm.ppf(FALSE_ALARM / 2))
N = 1_000_000
SPLIT = {"between_lot_share": 0.3, "between_lane_share": 0.1, "between_roll_share": 0.2, "drift_share": 0.25}
VALUES = 100.0 + 3.0 * np.random.default_rng(3).gumbel(size=80)


def line(steps: dict[str, Any], **more: Any) -> LineModel:
    """Lots and rolls of one cell, so that cells are independent and the normals of all levels still count."""
    return LineModel.model_validate({"supplier_lot_cells": 1, "roll_cells": 1, "steps": steps, **more})


def weibull(shape: float, sd: float) -> Any:
    scale = sd / stats.weibull_min.std(shape)
    return stats.weibull_min(shape, 1.0 - scale * stats.weibull_min.mean(shape), scale)


def lognormal(mean: float, sd: float) -> Any:
    variance = math.log1p((sd / mean) ** 2)
    return stats.lognorm(math.sqrt(variance), 0.0, mean * math.exp(-variance / 2.0))


def inverse_weibull(shape: float) -> Any:
    """Of mean 1."""
    return stats.invweibull(shape, 0.0, 1.0 / stats.invweibull.mean(shape))


class Mixture:
    def __init__(self, share: float, first: Any, second: Any) -> None:
        self.share, self.first, self.second = share, first, second

    def cdf(self, x: np.ndarray) -> np.ndarray:
        return (1.0 - self.share) * self.first.cdf(x) + self.share * self.second.cdf(x)


class Empirical:
    """Linear between Hazen's plotting positions; half a position lies on each end."""

    def __init__(self, values: np.ndarray) -> None:
        self.ordered = np.sort(values)

    def cdf(self, x: np.ndarray) -> np.ndarray:
        positions = (np.arange(self.ordered.size) + 0.5) / self.ordered.size
        inside = np.interp(x, self.ordered, positions, left=0.0)
        return np.where(x >= self.ordered[-1], 1.0, inside)


CASES: dict[str, tuple[str, str, dict[str, Any], Any]] = {
    "normal": ("coating_cathode", "cathode_loading_ratio", {"sd_pct": 2.0, "offset_pct": 1.0}, stats.norm(1.01, 0.02)),
    "lognormal": (
        "coating_anode",
        "anode_loading_ratio",
        {"sd_pct": 20.0, "distribution": "lognormal"},
        lognormal(1.0, 0.2),
    ),
    "weibull 1.5": (
        "cutting",
        "coated_area_ratio",
        {"sd_pct": 3.0, "distribution": "weibull", "weibull_shape": 1.5},
        weibull(1.5, 0.03),
    ),
    "weibull 8": (
        "winding",
        "overlap_ratio",
        {"sd_pct": 3.0, "distribution": "weibull", "weibull_shape": 8.0},
        weibull(8.0, 0.03),
    ),
    "inverse weibull": (
        "formation",
        "ageing_rate_ratio",
        {"sd_pct": 100.0 * float(inverse_weibull(11.0).std()), "distribution": "inverse_weibull"},
        inverse_weibull(11.0),
    ),
    "truncated": (
        "calendering_cathode",
        "cathode_thickness_ratio",
        {"sd_pct": 2.0, "distribution": "truncated", "lower_pct": 98.0, "upper_pct": 105.0},
        stats.truncnorm(-1.0, 2.5, 1.0, 0.02),
    ),
    "truncated above": (
        "calendering_anode",
        "anode_thickness_ratio",
        {"sd_pct": 2.0, "distribution": "truncated", "upper_pct": 101.0},
        stats.truncnorm(-np.inf, 0.5, 1.0, 0.02),
    ),
    "mixture": (
        "filling",
        "electrolyte_fill_ratio",
        {"sd_pct": 1.0, "distribution": "mixture", "tail_share_pct": 1.0, "tail_offset_pct": 12.0, "tail_sd_pct": 1.0},
        Mixture(0.01, stats.norm(1.0, 0.01), stats.norm(1.12, 0.01)),
    ),
    "empirical": (
        "incoming",
        "separator_thickness_ratio",
        {"distribution": "empirical", "file": "values.txt"},
        Empirical(VALUES / 100.0),
    ),
}


@pytest.fixture(scope="module")
def sampled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    folder = tmp_path_factory.mktemp("values")
    (folder / "values.txt").write_text("\n".join(map(repr, VALUES.tolist())))
    steps = {step: {trait: {**spread, **SPLIT}} for step, trait, spread, _ in CASES.values()}
    plan = plans.plan(line(steps), N, file=lambda name: folder / name)
    cells = build(plan, 21, slot_addresses(0, range(N)))
    return {name: cells.values[INDEX[trait]].copy() for name, (_, trait, _, _) in CASES.items()}


def kolmogorov(x: np.ndarray, cdf: Callable[[np.ndarray], np.ndarray]) -> float:
    """Largest distance of the distribution functions, at the right of every value."""
    ordered, counts = np.unique(x, return_counts=True)
    return float(np.abs(np.cumsum(counts) / x.size - cdf(ordered)).max())


@pytest.mark.parametrize("name", CASES)
def test_distributions_have_their_shape(report: Callable[..., None], sampled: dict[str, np.ndarray], name: str) -> None:
    """Massart's bound on the distance holds with any distribution; far tails are counted."""
    x, truth = sampled[name], CASES[name][3]
    massart = math.sqrt(math.log(2.0 / FALSE_ALARM) / (2.0 * N))
    if name == "empirical":  # its corners are rounded by up to half the spacing of the table's points in probability
        massart += 0.5 * (14.0 / 2048.0) * float(stats.norm.pdf(0.0))
    report(f"{name}: Kolmogorov-Smirnov distance, 1e6 cells", kolmogorov(x, truth.cdf), massart)
    if hasattr(truth, "ppf"):
        low, high = truth.ppf(1e-4), truth.isf(1e-4)
        for side, share in (("below", np.mean(x < low)), ("above", np.mean(x > high))):
            report(f"{name}: share {side} its 0.01 % quantile off", abs(share - 1e-4), Z * math.sqrt(1e-4 / N))
        mean, sd = truth.mean(), truth.std()
        report(f"{name}: mean off", abs(x.mean() - mean) / sd, Z / math.sqrt(N), "sd")
        kurtosis = float(truth.stats(moments="k"))
        report(f"{name}: sd off", abs(x.std() / sd - 1.0), Z * math.sqrt((kurtosis + 2.0) / 4.0 / N))


def test_share_of_the_tail(report: Callable[..., None], sampled: dict[str, np.ndarray]) -> None:
    share = float(np.mean(sampled["mixture"] > 1.06))
    report("mixture: share in the tail off 1 %", abs(share - 0.01), Z * math.sqrt(0.01 / N))


@pytest.mark.parametrize(
    ("share", "other"),
    [
        *((share, "lognormal") for share in ("between_lot_share", "between_roll_share", "drift_share", "within")),
        ("within", "inverse weibull"),
    ],
)
def test_correlations_of_each_level(report: Callable[..., None], share: str, other: str) -> None:
    """All variance at one level; scores are the normals behind values, by the inverse of their own distributions."""
    n, rho = 100_000, 0.6
    split = {} if share == "within" else {share: 1.0}
    own = {"lot": "between_lot_share", "roll": "between_roll_share", "within": "within"}
    steps = {step: {trait: {**spread, **split}} for step, trait, spread, _ in (CASES["weibull 1.5"], CASES[other])}
    worst, distance = 0.0, 0.0
    for level in ("lot", "roll", "within", "all"):
        pair = {"a": CASES[other][1], "b": "coated_area_ratio", "value": rho, "level": level}
        cells = build(plans.plan(line(steps, correlations=[pair]), n), 6, slot_addresses(0, range(n)))
        scores = []
        for name in ("weibull 1.5", other):
            _, trait, _, truth = CASES[name]
            x = cells.values[INDEX[trait]]
            scores.append(stats.norm.ppf(truth.cdf(x)))
            distance = max(distance, kolmogorov(x, truth.cdf))
        expected = rho if own.get(level) == share or (level == "all" and share in own.values()) else 0.0
        z = math.atanh(float(np.corrcoef(*scores)[0, 1])) - math.atanh(expected)
        worst = max(worst, abs(z) * math.sqrt(n))
    bound = float(-stats.norm.ppf(FALSE_ALARM / 8))
    report(f"copula, {share}, {other}: Fisher's z of four correlations off", worst, bound, "standard errors")
    massart = math.sqrt(math.log(16.0 / FALSE_ALARM) / (2.0 * n))
    report(f"copula, {share}, {other}: Kolmogorov-Smirnov distance of marginals", distance, massart)

"""Distributions that a spread within lots may have: density, probability and quantile of each, for readings in any unit."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from scipy import special

Array = npt.NDArray[np.float64]
REACH = 60.0  # sds within which quantiles are looked for
_LOG_ROOT_TWO_PI = 0.5 * math.log(2.0 * math.pi)


class Family(ABC):
    """A fitted distribution. `parameters` counts what was estimated; `mean` and `sd` as each family says."""

    name: str
    parameters: int
    mean: float
    sd: float

    def log_density(self, x: Array) -> Array:
        """Logarithm of the density at x; -inf where it is 0."""
        return self._log_density(x)

    def probability(self, x: Array) -> Array:
        """P(X <= x)."""
        return self._probability(x)

    def numbers(self) -> dict[str, float]:
        """What was estimated, in the unit of the readings where it has one; a side that is not cut is left out."""
        return {key: value for key, value in asdict(cast(Any, self)).items() if math.isfinite(value)}

    def quantile(self, p: Array) -> Array:
        """Inverse of `probability`, by bisection."""
        sizes = [abs(v) for k, v in self.numbers().items() if k in ("sd", "tail_offset", "tail_sd", "tail_median")]
        wide = REACH * max(sizes)
        low, high = np.full(p.shape, self.mean - wide), np.full(p.shape, self.mean + wide)
        for _ in range(80):
            half = 0.5 * (low + high)
            under = self.probability(half) < p
            low, high = np.where(under, half, low), np.where(under, high, half)
        return np.asarray(0.5 * (low + high))

    @abstractmethod
    def _log_density(self, x: Array) -> Array: ...

    @abstractmethod
    def _probability(self, x: Array) -> Array: ...


def normal_log_density(x: Array, mean: float, sd: float) -> Array:
    """Logarithm of the normal density."""
    return np.asarray(-0.5 * ((x - mean) / sd) ** 2 - math.log(sd) - _LOG_ROOT_TWO_PI)


@dataclass(frozen=True)
class Normal(Family):
    """Normal."""

    mean: float
    sd: float
    name = "normal"
    parameters = 2

    def _log_density(self, x: Array) -> Array:
        return normal_log_density(x, self.mean, self.sd)

    def _probability(self, x: Array) -> Array:
        return np.asarray(special.ndtr((x - self.mean) / self.sd))


@dataclass(frozen=True)
class Lognormal(Family):
    """Lognormal that begins at 0: mean and sd of the value itself."""

    mean: float
    sd: float
    name = "lognormal"
    parameters = 2

    def _log(self) -> tuple[float, float]:
        variance = math.log1p((self.sd / self.mean) ** 2)
        return math.log(self.mean) - 0.5 * variance, math.sqrt(variance)

    def _log_density(self, x: Array) -> Array:
        middle, sd = self._log()
        safe = np.maximum(x, 1e-300)
        return np.where(x > 0.0, normal_log_density(np.log(safe), middle, sd) - np.log(safe), -np.inf)

    def _probability(self, x: Array) -> Array:
        middle, sd = self._log()
        return np.where(x > 0.0, special.ndtr((np.log(np.maximum(x, 1e-300)) - middle) / sd), 0.0)


@dataclass(frozen=True)
class Weibull(Family):
    """Three-parameter Weibull: shape; location and scale follow from mean and sd."""

    mean: float
    sd: float
    shape: float
    name = "weibull"
    parameters = 3

    def location_scale(self) -> tuple[float, float]:
        """Where it begins, and its scale."""
        first = math.gamma(1.0 + 1.0 / self.shape)
        scale = self.sd / math.sqrt(max(math.gamma(1.0 + 2.0 / self.shape) - first * first, 1e-300))
        return self.mean - scale * first, scale

    def _log_density(self, x: Array) -> Array:
        location, scale = self.location_scale()
        z = np.maximum((x - location) / scale, 1e-300)
        inside = math.log(self.shape / scale) + (self.shape - 1.0) * np.log(z) - z**self.shape
        return np.where(x > location, inside, -np.inf)

    def _probability(self, x: Array) -> Array:
        location, scale = self.location_scale()
        return np.asarray(-np.expm1(-(np.maximum((x - location) / scale, 0.0) ** self.shape)))


@dataclass(frozen=True)
class Truncated(Family):
    """Normal `mean`, `sd` of which only lower..upper is left; infinite where it is not cut. Mean and sd are the parent's."""

    mean: float
    sd: float
    lower: float
    upper: float
    name = "truncated"

    @property
    def parameters(self) -> int:  # type: ignore[override]
        """Parent's two, and two for each cut: an estimated end gains twice as much likelihood as a regular parameter."""
        return 2 + 2 * int(math.isfinite(self.lower)) + 2 * int(math.isfinite(self.upper))

    def _ends(self) -> tuple[float, float]:
        return (self.lower - self.mean) / self.sd, (self.upper - self.mean) / self.sd

    def _log_mass(self) -> float:
        low, high = self._ends()
        if low > 0.0:  # from the small side, where differences of probabilities near 1 would be lost
            low, high = -high, -low
        a, b = float(special.log_ndtr(high)), float(special.log_ndtr(low))
        return a + math.log1p(-math.exp(min(b - a, -1e-16)))

    def _log_density(self, x: Array) -> Array:
        inside = normal_log_density(x, self.mean, self.sd) - self._log_mass()
        return np.where((x >= self.lower) & (x <= self.upper), inside, -np.inf)

    def _probability(self, x: Array) -> Array:
        low, _ = self._ends()
        z = np.clip(x, self.lower, self.upper)
        share = (special.ndtr((z - self.mean) / self.sd) - special.ndtr(low)) / math.exp(self._log_mass())
        return np.asarray(np.clip(share, 0.0, 1.0))


@dataclass(frozen=True)
class Mixture(Family):
    """A main normal (`mean`, `sd`) and a rare tail: `tail_share` of cells at `mean + tail_offset` with `tail_sd`."""

    mean: float
    sd: float
    tail_share: float
    tail_offset: float
    tail_sd: float
    name = "mixture"
    parameters = 5

    def _log_density(self, x: Array) -> Array:
        main = normal_log_density(x, self.mean, self.sd) + math.log1p(-self.tail_share)
        tail = normal_log_density(x, self.mean + self.tail_offset, self.tail_sd) + math.log(self.tail_share)
        return np.asarray(np.logaddexp(main, tail))

    def _probability(self, x: Array) -> Array:
        main = special.ndtr((x - self.mean) / self.sd)
        tail = special.ndtr((x - self.mean - self.tail_offset) / self.tail_sd)
        return np.asarray((1.0 - self.tail_share) * main + self.tail_share * tail)


@dataclass(frozen=True)
class LogMixture(Family):
    """A main lognormal (`mean`, `sd` of the value) and a rare tail: a lognormal of `tail_median` and `tail_factor`."""

    mean: float
    sd: float
    tail_share: float
    tail_median: float
    tail_factor: float
    name = "lognormal_mixture"
    parameters = 5

    @classmethod
    def of_logs(cls, logs: Mixture) -> LogMixture:
        """From the mixture of the logarithms."""
        mean = math.exp(logs.mean + 0.5 * logs.sd**2)
        sd = mean * math.sqrt(math.expm1(logs.sd**2))
        return cls(mean, sd, logs.tail_share, math.exp(logs.mean + logs.tail_offset), math.exp(logs.tail_sd))

    def logs(self) -> Mixture:
        """The mixture of the logarithms."""
        variance = math.log1p((self.sd / self.mean) ** 2)
        middle = math.log(self.mean) - 0.5 * variance
        offset = math.log(self.tail_median) - middle
        return Mixture(middle, math.sqrt(variance), self.tail_share, offset, math.log(self.tail_factor))

    def in_tail(self, x: Array) -> Array:
        """Probability that a value belongs to the tail."""
        logs, values = self.logs(), np.log(np.maximum(x, 1e-300))
        tail = normal_log_density(values, logs.mean + logs.tail_offset, logs.tail_sd) + math.log(logs.tail_share)
        return np.asarray(np.exp(tail - logs.log_density(values)))

    def _log_density(self, x: Array) -> Array:
        values = np.log(np.maximum(x, 1e-300))
        return np.where(x > 0.0, self.logs().log_density(values) - values, -np.inf)

    def _probability(self, x: Array) -> Array:
        return np.where(x > 0.0, self.logs().probability(np.log(np.maximum(x, 1e-300))), 0.0)

"""`ps.compare`: two scenarios under common luck, paired cell by address and block by block.

Both runs draw the same random numbers at the same addresses, so the same slot holds nearly always the same physical cell
and most of the noise cancels in the difference. What is left is judged by the scatter between independent units.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from packsim.inspection.grade import slots_needed
from packsim.scenario.model import Scenario
from packsim.stats.intervals import FEWEST_UNITS, difference_p_value, holm, t_interval
from packsim.study.block import packs_in
from packsim.study.engine import Progress
from packsim.study.groundwork import groundwork
from packsim.study.metrics import METRICS, Metric, estimate, left_out_values, metrics_of
from packsim.study.run import Result, run

if TYPE_CHECKING:
    import pandas as pd

Array = npt.NDArray[np.float64]
FAMILYWISE_LEVEL = 0.02  # chance that any difference at all is called real when none is


class Difference(NamedTuple):
    """One metric in both scenarios. `difference` = b - a with its 95 % interval."""

    metric: str
    unit: str
    meaning: str
    a: float
    b: float
    difference: float
    low: float
    high: float
    p_value: float
    real: bool


class Pairing(NamedTuple):
    """How alike the luck of the two runs was; 1 where there was nothing to tell apart."""

    same_candidate_share: float  # slots filled by the cell of the same address
    pack_capacity_correlation: float


class Comparison:
    """Two results under common luck."""

    def __init__(self, a: Result, b: Result) -> None:
        self.a, self.b = a, b

    @cached_property
    def paired(self) -> bool:
        """Whether packs and units correspond one to one; if not, differences are not paired and intervals are wider."""
        shape = [(r.block_count, r.pack_count, r.plans.line.blocks_per_lot) for r in (self.a, self.b)]
        slots = [
            [slots_needed(r.plans.inspection, p, r.plans.fleet.cells) for p in _packs(r)] for r in (self.a, self.b)
        ]
        return shape[0] == shape[1] and slots[0] == slots[1]

    @cached_property
    def pairing(self) -> Pairing:
        """Achieved pairing; nan where the two runs have different shapes."""
        if not self.paired:
            return Pairing(math.nan, math.nan)
        first, second = (_whole(r, "blocks", "candidate") for r in (self.a, self.b))
        same = np.concatenate(first) == np.concatenate(second)
        x, y = (np.asarray(_whole(r, "packs", "usable_capacity_pct"), float) for r in (self.a, self.b))
        if np.array_equal(x, y):
            correlation = 1.0  # not merely to rounding
        elif np.ptp(x) == 0.0 or np.ptp(y) == 0.0:
            correlation = math.nan
        else:
            correlation = float(np.corrcoef(x, y)[0, 1])
        return Pairing(float(same.mean()), correlation)

    @cached_property
    def differences(self) -> list[Difference]:
        """Every metric of the summary; `real` by Holm's method at a familywise level of 2 %."""
        in_line = bool(self.a.plans.inspected or self.b.plans.inspected)
        plain = [r.plans.fleet.plain is not None for r in (self.a, self.b)]
        return differences(self.a.sums, self.b.sums, self.paired, metrics_of(in_line, plain))

    def summary(self) -> dict[str, dict[str, float | bool]]:
        """{metric: {"a", "b", "difference", "low", "high", "p_value", "real", "n"}}."""
        n = min(len(self.a.sums), len(self.b.sums))
        return {
            row.metric: {
                "a": row.a,
                "b": row.b,
                "difference": row.difference,
                "low": row.low,
                "high": row.high,
                "p_value": row.p_value,
                "real": row.real,
                "n": n,
            }
            for row in self.differences
        }

    def table(self) -> pd.DataFrame:
        """The differences as a DataFrame, one row a metric."""
        import pandas as pd

        return pd.DataFrame(self.differences).set_index("metric")

    def report(self, path: str | Path) -> Path:
        """Write the one-file HTML report; see `packsim.study.reporting`."""
        from packsim.study.reporting import write_comparison_report

        return write_comparison_report(self, Path(path))


def _packs(result: Result) -> tuple[int, int]:
    """Packs of the first and of the last block."""
    first, last = (packs_in(result.plans, number, result.pack_count) for number in (0, result.block_count - 1))
    return first, last


def _whole(result: Result, table: str, column: str) -> npt.NDArray[np.generic]:
    return np.concatenate([part[column].to_numpy() for part in result.store.iter(table, [column])])


def differences(a: Array, b: Array, paired: bool, metrics: Sequence[Metric] = METRICS) -> list[Difference]:
    """Every metric of two runs by their sums [unit, SUMS]; the rule by which a difference is called real stands here."""
    rows, p_values = [], []
    for metric in metrics:
        (before, a_out), (after, b_out) = (left_out_values(metric, sums) for sums in (a, b))
        low, high, p = _interval(before, after, a_out, b_out, paired)
        if metric.rate is not None and before == after in (0.0, metric.rate[2]) and not np.array_equal(a, b):
            # no event in either run: the scatter says nothing, but each run's own interval does
            ours, theirs = estimate(metric, a), estimate(metric, b)
            low, high = theirs.low - ours.high, theirs.high - ours.low
        rows.append((metric, before, after, low, high))
        p_values.append(p)
    called = holm([p if math.isfinite(p) else 1.0 for p in p_values], FAMILYWISE_LEVEL)
    return [
        Difference(m.name, m.unit, m.meaning, before, after, after - before, low, high, p, real)
        for (m, before, after, low, high), p, real in zip(rows, p_values, called, strict=True)
    ]


def _interval(a: float, b: float, a_out: Array, b_out: Array, paired: bool) -> tuple[float, float, float]:
    """95 % interval of b - a and its p-value (nan: too few units)."""
    if min(a_out.size, b_out.size) < FEWEST_UNITS:
        return math.nan, math.nan, math.nan
    if paired:
        estimate = t_interval(b - a, b_out - a_out)
        return estimate.low, estimate.high, difference_p_value(b - a, b_out - a_out)
    # unpaired (Welch): the two errors add; the smaller number of units sets the degrees of freedom
    from scipy import special

    from packsim.stats.intervals import jackknife_error, t_quantile

    error = math.hypot(jackknife_error(a_out), jackknife_error(b_out))
    units = min(a_out.size, b_out.size)
    half = t_quantile(units) * error
    p = 1.0 if b == a else float(2.0 * special.stdtr(units - 1, -abs(b - a) / error)) if error else 0.0
    return b - a - half, b - a + half, p


def compare(
    a: Scenario,
    b: Scenario,
    packs: int | None = None,
    seed: int | None = None,
    *,
    progress: Progress | None = None,
) -> Comparison:
    """Run both scenarios under common luck (`a`'s seed and number of packs unless given).

    Raises:
        ValueError, OutOfCandidates: as `run`.
    """
    packs = a.packs if packs is None else packs
    seed = a.seed if seed is None else seed
    halves = [-(-packs // s.packs_per_block) for s in (a, b)]

    def part(offset: int) -> Progress | None:
        if progress is None:
            return None
        return lambda done, _total: progress(offset + done, sum(halves))

    grounds = groundwork((a, b))
    first = run(a, packs, seed, progress=part(0), ground=grounds[0])
    return Comparison(first, run(b, packs, seed, progress=part(halves[0]), ground=grounds[1]))

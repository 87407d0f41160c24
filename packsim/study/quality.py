"""Statistical quality control of a run: capability of the end-of-line readings, control charts, causes of rejects."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from packsim.inspection.test import Cause
from packsim.quality import charts, gauge, yields  # noqa: F401  (all of the room, so that ps.quality is whole)
from packsim.quality.capability import Capability, Interval, capability
from packsim.quality.normality import FEWEST, Normality, normality
from packsim.quality.pareto import ParetoRow, pareto
from packsim.quality.spread import Sd, overall_sd, within_sd
from packsim.study.quality_sample import Reading, Sample, sample

if TYPE_CHECKING:
    import pandas as pd

    from packsim.study.run import Result

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]

SUBGROUP = 5  # consecutive cells
MOST_POINTS = 200  # subgroups on the X-bar chart, evenly spread over the sample as a plant would take them


@dataclass(frozen=True)
class Study:
    """What quality control says about one reading; None where it does not spread, and `capability` without limits, too.

    `without_defects` is the capability of the cells that have no defect.
    """

    reading: Reading
    within_sd: Sd | None
    overall_sd: Sd | None
    capability: Capability | None
    without_defects: Capability | None
    normality: Normality | None


def studies(found: Sample) -> list[Study]:
    """Spread, capability and normality of every reading of a sample."""
    return [_study(reading) for reading in found.readings]


def _study(reading: Reading) -> Study:
    values = reading.values
    if values.size < 2 * SUBGROUP or not np.ptp(values) > 0.0:
        return Study(reading, None, None, None, None, None)
    rows = values[: values.size // SUBGROUP * SUBGROUP].reshape(-1, SUBGROUP)
    return Study(
        reading,
        within_sd(rows),
        overall_sd(values),
        _capability(reading, values),
        _capability(reading, values[reading.clean]),
        normality(values) if values.size >= FEWEST else None,
    )


def _capability(reading: Reading, values: Array) -> Capability | None:
    if reading.lower is None and reading.upper is None:
        return None
    try:
        return capability(values, reading.lower, reading.upper, subgroup_size=SUBGROUP)
    except ValueError:  # too few of them, or no spread within subgroups
        return None


def capability_frame(result: Result) -> pd.DataFrame:
    """One row a reading: n, mean, sds, Cp, Cpk, Pp, Ppk with intervals, parts per million, Anderson-Darling; nan: none."""
    import pandas as pd

    found = sample(result)
    rows = [_row(study) | {"lots": found.lots} for study in studies(found)]
    return pd.DataFrame(rows).set_index("reading")


def _row(study: Study) -> dict[str, object]:
    reading, cap, normal = study.reading, study.capability, study.normality
    row: dict[str, object] = {
        "reading": reading.name,
        "unit": reading.unit,
        "n": reading.values.size,
        "subgroup_size": SUBGROUP,
        "mean": float(reading.values.mean()) if reading.values.size else math.nan,
        "lower": math.nan if reading.lower is None else reading.lower,
        "upper": math.nan if reading.upper is None else reading.upper,
        "within_sd": math.nan if study.within_sd is None else study.within_sd.sd,
        "overall_sd": math.nan if study.overall_sd is None else study.overall_sd.sd,
    }
    none = Interval(math.nan, math.nan, math.nan)
    indices = {
        "cp": none if cap is None else cap.within.cp,
        "cpk": none if cap is None else cap.within.cpk,
        "pp": none if cap is None else cap.overall.cp,
        "ppk": none if cap is None else cap.overall.cpk,
    }
    for name, interval in indices.items():
        row |= {name: interval.value, f"{name}_low": interval.low, f"{name}_high": interval.high}
    clean = study.without_defects
    row["cpk_without_defects"] = math.nan if clean is None else clean.within.cpk.value
    row["ppk_without_defects"] = math.nan if clean is None else clean.overall.cpk.value
    for name in ("observed_ppm", "expected_within_ppm", "expected_overall_ppm"):
        row[name] = math.nan if cap is None else getattr(cap, name)
    row["anderson_darling"] = math.nan if normal is None else normal.a2_star
    row["anderson_darling_p"] = math.nan if normal is None else normal.p_value
    return row


class MeansChart(NamedTuple):
    """X-bar and R chart of subgroups taken evenly from the sample; `place` [m] is each subgroup's first cell in it."""

    place: Index
    xbar: charts.Chart
    ranges: charts.Chart


def means_chart(values: Array) -> MeansChart | None:
    """Subgroups of `SUBGROUP` consecutive values, at most `MOST_POINTS`; None with fewer than two or without spread."""
    rows = values.size // SUBGROUP
    if rows < 2:
        return None
    taken = np.unique(np.linspace(0, rows - 1, min(rows, MOST_POINTS)).round().astype(np.int64))
    subgroups = values[: rows * SUBGROUP].reshape(rows, SUBGROUP)[taken]
    if not np.ptp(subgroups, axis=1).mean() > 0.0:
        return None
    xbar, ranges = charts.xbar_r(subgroups)
    return MeansChart(taken * SUBGROUP, xbar, ranges)


def rejects_chart(found: Sample) -> charts.Chart | None:
    """Share rejected by batch; None with fewer than two batches or where nothing (or everything) was rejected.

    A batch that the sample cuts to less than half of the middle one is left out.
    """
    size = np.bincount(found.batch)
    whole = size >= 0.5 * np.median(size)
    bad, size = np.bincount(found.batch, weights=found.rejected)[whole], size[whole]
    if size.size < 2 or not 0.0 < bad.sum() < size.sum():
        return None
    return charts.p_chart(bad, size)


def causes(result: Result) -> list[ParetoRow]:
    """Rejects of the whole run by the limit that was missed first, most frequent first."""
    counts = result.totals.causes
    return pareto({cause.sentence: int(counts[cause]) for cause in Cause if cause != Cause.NONE})

"""`ps.fit`: a file of end-of-line data becomes components, distributions, and a scenario whose cells read alike."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from packsim.quality.eol_file.data import EolData, Options
from packsim.quality.eol_file.quantities import BY_NAME
from packsim.quality.eol_file.read import read
from packsim.quality.fit.components import (
    Component,
    Correlation,
    Structure,
    components_of,
    correlations_of,
    residuals,
    structure,
)
from packsim.quality.fit.distributions import Factors, Fitted, fit_families
from packsim.quality.fit.nested import Components
from packsim.quality.fit.outliers import outliers

if TYPE_CHECKING:
    import pandas as pd

    from packsim.scenario.model import Scenario
    from packsim.study.fitting.scenario import FittedScenario

Array = npt.NDArray[np.float64]
FEW_LOTS = 10
COARSE = 0.25  # of the sd within lots: readings rounded to more than that no longer show a shape


class Fit:
    """What end-of-line data say about the line that made them. All tables are pandas DataFrames."""

    def __init__(self, data: EolData, base: Scenario | None = None) -> None:
        self.data, self._base = data, base

    @cached_property
    def structure(self) -> Structure:
        """How the readings nest."""
        return structure(self.data.frame)

    @cached_property
    def _fitted(self) -> tuple[dict[str, Components], list[Component]]:
        single, rows = {}, []
        for name in self.data.quantities:
            single[name], own = components_of(name, self.data.frame[name].to_numpy(float), self.structure)
            rows += own
        return single, rows

    @property
    def fitted_components(self) -> list[Component]:
        """The rows of `components`, as they were estimated."""
        return self._fitted[1]

    @cached_property
    def means(self) -> dict[str, float]:
        """Mean of each quantity: of its lots, weighted by what each of them says."""
        return {name: found.mean for name, found in self._fitted[0].items()}

    @cached_property
    def components(self) -> pd.DataFrame:
        """One row a quantity and level: sd with 95 % interval in its unit and in percent of the mean; share of variance."""
        import pandas as pd

        frame = pd.DataFrame(self.fitted_components, columns=Component._fields)
        frame.insert(2, "unit", [BY_NAME[name].unit for name in frame["quantity"]])
        mean = np.abs([self.means[name] for name in frame["quantity"]])
        for name in ("sd", "low", "high"):
            frame[f"{name}_pct"] = 100.0 * frame[name] / mean
        return frame

    @cached_property
    def correlations(self) -> pd.DataFrame:
        """One row a pair and level: correlation with 95 % interval; nan where one of them does not vary at that level."""
        import pandas as pd

        return pd.DataFrame(self.fitted_correlations, columns=Correlation._fields)

    @cached_property
    def fitted_correlations(self) -> list[Correlation]:
        """The rows of `correlations`, as they were estimated."""
        names = list(self.data.quantities)
        return correlations_of(names, self.data.frame[names].to_numpy(float), self.structure, self._fitted[0])

    @cached_property
    def families(self) -> dict[str, list[Fitted]]:
        """Distributions tried on each quantity within its lots (rolls), best AICc first."""
        return {
            name: fit_families(name, self.within(name), self.within_as_factors(name)) for name in self.data.quantities
        }

    def within(self, name: str) -> Array:
        """Readings of one quantity about the mean of their innermost group, moved to the overall mean; repeats averaged."""
        return within_values(self.data.frame, self.data.frame[name].to_numpy(float), self.structure, self.means[name])

    def within_as_factors(self, name: str) -> Factors | None:
        """The same with groups as factors; None if a reading is not positive."""
        return within_factors(self.data.frame, self.data.frame[name].to_numpy(float), self.structure)

    def chosen(self, name: str) -> Fitted:
        """The distribution chosen for a quantity."""
        return next(row for row in self.families[name] if row.chosen)

    @cached_property
    def distributions(self) -> pd.DataFrame:
        """One row a quantity and family: AICc over the best, Anderson-Darling, parameters with intervals of a tail."""
        import pandas as pd

        rows = []
        for name, tried in self.families.items():
            for fitted in tried:
                row: dict[str, Any] = {"quantity": name, "family": fitted.family.name, "chosen": fitted.chosen}
                row |= {"delta_aicc": fitted.aicc - tried[0].aicc, "anderson_darling": fitted.anderson_darling}
                row |= {"passes": fitted.passes, "n": fitted.n} | fitted.family.numbers()
                for key, (low, high) in fitted.intervals.items():
                    row |= {f"{key}_low": low, f"{key}_high": high}
                rows.append(row)
        return pd.DataFrame(rows)

    @cached_property
    def outliers(self) -> pd.DataFrame:
        """Cells more than 5 robust sds from their lot: line, serial, lot, quantity, value, lot_median, robust_z."""
        return outliers(self.data.frame, self.data.quantities)

    @cached_property
    def gauge(self) -> pd.DataFrame:
        """%GRR of each quantity from repeats: gauge sd over total sd in percent. Empty without repeats."""
        rows = self.components[self.components["level"] == "gauge"][["quantity", "unit", "sd", "low", "high"]].copy()
        rows["grr_pct"] = 100.0 * np.sqrt(self.components.loc[rows.index, "variance_share"])
        return rows.reset_index(drop=True)

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """What the data cannot say, and what was decided about them."""
        notes = list(self.data.notes)
        lots = self.data.lots
        if lots == 1:
            notes.append("One lot: what lies between lots cannot be seen, so the scenario has no spread between lots.")
        elif lots < FEW_LOTS:
            notes.append(f"Only {lots} lots: the spread between lots is hardly known, see its intervals.")
        if not self.data.has_repeats:
            notes.append("No repeated measurements: the gauge cannot be told from the spread within lots.")
        for name in self.data.quantities:
            values = np.unique(self.data.frame[name].dropna().to_numpy(float))
            step = float(np.diff(values).min(initial=np.inf))
            sd = self._fitted[0][name].sd[-1]
            if values.size < len(self.data.frame) / 2 and step > COARSE * sd:
                quantity = BY_NAME[name]
                notes.append(
                    f"{quantity.title} is rounded to {step:.3g} {quantity.unit}, {step / sd:.2g} of its sd within lots: "
                    "Anderson-Darling refuses every smooth distribution."
                )
        return tuple(notes)

    @cached_property
    def fitted_scenario(self) -> FittedScenario:
        """The scenario with what was decided on the way."""
        from packsim.study.fitting.scenario import make_scenario

        return make_scenario(self, self._base)

    def scenario(self) -> Scenario:
        """A scenario whose simulated end-of-line readings have these components, correlations and distributions.

        Raises:
            NominalCellError, ValueError: the base scenario's cell cannot be built or tested.
        """
        return self.fitted_scenario.scenario

    def scenario_text(self) -> str:
        """The scenario as the text of a YAML file."""
        return self.fitted_scenario.text

    @cached_property
    def check(self) -> pd.DataFrame:
        """The scenario simulated and fitted like the data: sds and correlations of both, side by side."""
        from packsim.study.fitting.check import check

        return check(self)

    def to_json(self) -> dict[str, Any]:
        """Everything in plain values, as fit.json holds it."""
        from packsim.study.fitting.writing import fit_json

        return fit_json(self)

    def report(self, path: str | Path) -> Path:
        """Write the one-file HTML report."""
        from packsim.study.fitting.reporting import write_fit_report

        return write_fit_report(self, Path(path))

    def __repr__(self) -> str:
        data = self.data
        return f"<packsim.Fit {data.name!r}: {data.cells} cells, {data.lots} lots, {', '.join(data.quantities)}>"


def within_values(frame: pd.DataFrame, values: Array, how: Structure, mean: float) -> Array:
    """Cells about the mean of their innermost lot or roll, moved to `mean`; repeats of a cell are averaged."""
    own, group = _of_large_groups(frame, values, how)
    return mean + residuals(own, group)


def within_factors(frame: pd.DataFrame, values: Array, how: Structure) -> Factors | None:
    """As `within_values` with groups as factors, moved to the geometric mean of all; None if a value is not positive."""
    some = values[np.isfinite(values)]
    if not (some > 0.0).all():
        return None
    own, group = _of_large_groups(frame, np.log(values), how)
    middle = float(np.log(some).mean())
    return Factors(np.exp(middle + residuals(own, group)), middle - float(own.mean()))


def _of_large_groups(frame: pd.DataFrame, values: Array, how: Structure) -> tuple[Array, npt.NDArray[np.int64]]:
    """Cells and their innermost lot or roll, of groups as large as those that half of the cells are in.

    The error of a small group's mean would blur the shape of what lies within.
    """
    labels = dict(zip(how.levels, how.labels, strict=False))
    some = np.isfinite(values)
    groups = [label for level, label in labels.items() if level not in ("cell", "gauge")]
    group = groups[-1] if groups else np.zeros(len(frame), np.int64)
    if "cell" in labels:
        cell = np.unique(labels["cell"][some], return_inverse=True)[1]
        count = np.bincount(cell)
        of_cell = np.empty(count.size, np.int64)
        of_cell[cell] = group[some]
        values, group = np.bincount(cell, values[some]) / count, of_cell
    else:
        values, group = values[some], group[some]
    size = np.bincount(group)[group]
    large = size >= max(float(np.sort(size)[size.size // 2]), 2.0)
    return values[large], np.unique(group[large], return_inverse=True)[1].astype(np.int64)


def fit(
    path: str | os.PathLike[str],
    *,
    columns: Mapping[str, str] | None = None,
    lot: str | None = None,
    lot_size: int | None = None,
    lot_gap_hours: float | None = None,
    repeat: str | None = None,
    delimiter: str | None = None,
    decimal: str | None = None,
    base: Scenario | str | os.PathLike[str] | None = None,
) -> Fit:
    """Read a file of end-of-line data and fit a line to it.

    Args:
        path: CSV of any delimiter, decimal mark and layout (one row a cell or one row a value).
        columns: role or quantity -> "COLUMN" or "COLUMN:unit", where names do not tell: capacity_ah, dcir_mohm, ocv_v,
            k_value_mv_per_day, serial, lot, roll, time, repeat, quantity, value, unit.
        lot: column of lots; or lot_size: consecutive cells a lot; or lot_gap_hours: a new lot after such a gap in time.
        repeat: column that numbers repeated measurements of a cell, or the serial column if repeated serials are repeats.
        base: scenario (or its file) that gives cell, pack and inspection; default: the one of `packsim init`.

    Raises:
        EolFileError: one line with the place, what was found and what is allowed.
        ScenarioError: the base scenario's file cannot be used.
    """
    from packsim.scenario.load import load

    options = Options(dict(columns or {}), lot, lot_size, lot_gap_hours, repeat, delimiter, decimal)
    scenario = load(base) if isinstance(base, (str, os.PathLike)) else base
    return Fit(read(path, options), scenario)

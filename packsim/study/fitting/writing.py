"""What `packsim fit` leaves behind: a folder with the scenario, the report and every number."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packsim.study.output import to_json, whole_folder

if TYPE_CHECKING:
    import pandas as pd

    from packsim.study.fit import Fit


def fit_json(fit: Fit) -> dict[str, Any]:
    """What `packsim fit --json` prints and fit.json holds."""
    return {
        "file": fit.data.facts["file"],
        "cells": fit.data.cells,
        "lots": fit.data.lots,
        "readings": len(fit.data.frame),
        "read_as": fit.data.facts,
        "means": fit.means,
        "components": records(fit.components),
        "correlations": records(fit.correlations),
        "distributions": records(fit.distributions),
        "gauge": records(fit.gauge),
        "outliers": records(fit.outliers),
        "scenario_reads": records(fit.check),
        "notes": [*fit.notes, *fit.fitted_scenario.notes],
    }


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of a table as plain values; what does not exist in a row is left out."""
    rows = []
    for row in frame.to_dict("records"):
        plain = {str(k): v.item() if hasattr(v, "item") else v for k, v in row.items()}
        rows.append({k: v for k, v in plain.items() if not (isinstance(v, float) and math.isnan(v))})
    return rows


def write_fit(fit: Fit, out: Path) -> None:
    """fit.json, scenario.yaml and report.html into the new folder `out`, whole or not at all."""
    with whole_folder(out) as folder:
        (folder / "fit.json").write_text(to_json(fit_json(fit)), encoding="utf-8")
        (folder / "scenario.yaml").write_text(fit.scenario_text(), encoding="utf-8")
        fit.report(folder / "report.html")

"""Battery-pack manufacturing quality simulator: from process tolerances to a verdict on packs.

import packsim as ps
result = ps.run(ps.load("configs/eve-2015-automatic.yaml"), packs=50)
print(result.summary())
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from packsim import quality
    from packsim.cell.cell import Cell, Curve
    from packsim.cell.table.table_cell import TableCell
    from packsim.pack.pack import Pack
    from packsim.quality.eol_file.errors import EolFileError
    from packsim.scenario.errors import ScenarioError
    from packsim.scenario.load import load
    from packsim.scenario.model import Scenario
    from packsim.study.calibrate import calibrate
    from packsim.study.compare import Comparison, compare
    from packsim.study.fit import Fit, fit
    from packsim.study.life import LifeResult, run_life
    from packsim.study.matching import compare_matchings
    from packsim.study.rest import rest_tradeoff
    from packsim.study.run import Result, run

__version__ = "0.1.0"

# Public names and where they live; imported on first use, because numba and pydantic cost half a second.
_HOMES = {
    "Cell": "packsim.cell.cell",
    "Comparison": "packsim.study.compare",
    "Curve": "packsim.cell.cell",
    "EolFileError": "packsim.quality.eol_file.errors",
    "Fit": "packsim.study.fit",
    "LifeResult": "packsim.study.life",
    "Pack": "packsim.pack.pack",
    "Result": "packsim.study.run",
    "Scenario": "packsim.scenario.model",
    "ScenarioError": "packsim.scenario.errors",
    "TableCell": "packsim.cell.table.table_cell",
    "calibrate": "packsim.study.calibrate",
    "compare": "packsim.study.compare",
    "compare_matchings": "packsim.study.matching",
    "fit": "packsim.study.fit",
    "load": "packsim.scenario.load",
    "rest_tradeoff": "packsim.study.rest",
    "run": "packsim.study.run",
    "run_life": "packsim.study.life",
}

# Modules of the room of statistical quality control, all imported when `packsim.quality` is first asked for.
_QUALITY = ("capability", "charts", "constants", "gauge", "normality", "pareto", "rules", "spread", "yields")

__all__ = [
    "Cell",
    "Comparison",
    "Curve",
    "EolFileError",
    "Fit",
    "LifeResult",
    "Pack",
    "Result",
    "Scenario",
    "ScenarioError",
    "TableCell",
    "__version__",
    "calibrate",
    "compare",
    "compare_matchings",
    "fit",
    "load",
    "quality",
    "rest_tradeoff",
    "run",
    "run_life",
]


def __getattr__(name: str) -> Any:
    """Import a public name on first use."""
    if name == "quality":
        for module in _QUALITY:
            import_module(f"packsim.quality.{module}")
        return import_module("packsim.quality")
    if name not in _HOMES:
        raise AttributeError(f"module 'packsim' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)

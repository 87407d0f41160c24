"""How much is measured, and what of the checkout is there."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from packsim.numerics.kernel_cache import PACKAGE
from packsim.scenario.load import load
from packsim.scenario.model import Scenario

CHECKOUT = PACKAGE.parent
EVE, HUIZHOU = "eve-2015-automatic.yaml", "huizhou-2017.yaml"


class Settings(NamedTuple):
    """Choices of one measurement."""

    quick: bool = False  # smallest sizes, one call each: whether it runs, not how fast
    checkout: Path = CHECKOUT  # where configs/ and benchmarks/ are; a wheel has neither

    @property
    def repeat(self) -> int:
        """Calls of which the fastest counts."""
        return 1 if self.quick else 7

    def scenario(self, name: str) -> Scenario | None:
        """A scenario of configs/, None where there is none."""
        path = self.checkout / "configs" / name
        return load(path) if path.is_file() else None

    def incumbent(self, name: str) -> ModuleType | None:
        """A module of benchmarks/, the home of what packsim is measured against; None where there is none."""
        path = self.checkout / "benchmarks" / f"{name}.py"
        if not path.is_file():
            return None
        own = f"packsim_benchmarks_{name}"
        if own not in sys.modules:
            spec = importlib.util.spec_from_file_location(own, path)
            assert spec is not None
            assert spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            sys.modules[own] = module
            spec.loader.exec_module(module)
        return sys.modules[own]

    @property
    def missing(self) -> list[str]:
        """What cannot be measured here, one sentence each."""
        lines = []
        if not (self.checkout / "benchmarks" / "pybamm_cells.py").is_file():
            lines.append("No folder benchmarks/ beside the package: incumbents (NumPy, PyBaMM) are skipped.")
        if not (self.checkout / "configs" / HUIZHOU).is_file():
            lines.append("No folder configs/ beside the package: lines and years of the scenarios there are skipped.")
        return lines

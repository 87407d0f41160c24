"""Calibrations that this machine has made before: pure functions of the scenario and the code, and seconds each.

Kept beside the compiled kernels, a small file each, named by everything that the result depends on: the parts of the
scenario that calibration reads, all of packsim's source, the libraries and the processor. Numbers are kept to the bit. A
file that is damaged counts as missing; one that cannot be written is done without.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from pathlib import Path
from typing import Any

from packsim.cell.plan import CellPlan
from packsim.numerics.kernel_cache import cache_directory
from packsim.scenario.hashing import scenario_hash
from packsim.scenario.model import Scenario
from packsim.study.calibrate import Calibration, calibrate
from packsim.study.program import program_hash
from packsim.study.store.files import write_whole

PARTS = ("cell", "line", "inspection", "qualification")  # of a scenario, all that calibration reads


def calibration(scenario: Scenario, cell_plan: CellPlan) -> Calibration:
    """As `calibrate`, from the machine's memory if it has done it before.

    Raises:
        CalibrationError, ValueError: as `calibrate`; failures are not remembered.
    """
    path = _place(scenario)
    known = _read(path) if path is not None else None
    if known is not None:
        return known
    found = calibrate(scenario, cell_plan)
    if path is not None:
        with contextlib.suppress(OSError):
            path.parent.mkdir(exist_ok=True)
            write_whole(path, _text(found).encode())
    return found


def _place(scenario: Scenario) -> Path | None:
    """The file of this calibration; None where nothing can be kept."""
    directory = cache_directory()
    if directory is None:
        return None
    asked = f"{scenario_hash(scenario, PARTS)} {scenario.slots_per_block} {program_hash()}"
    return directory / "calibrations" / f"{hashlib.sha256(asked.encode()).hexdigest()}.json"


def _text(found: Calibration) -> str:
    numbers = {name: value.hex() if isinstance(value, float) else value for name, value in found._asdict().items()}
    return json.dumps({**numbers, "check": _check(numbers)})


def _read(path: Path) -> Calibration | None:
    try:
        numbers: dict[str, Any] = json.loads(path.read_bytes())
        if numbers.pop("check") != _check(numbers):
            return None
        values: Any = {name: float.fromhex(v) if isinstance(v, str) else v for name, v in numbers.items()}
        return Calibration(**values)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def _check(numbers: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(numbers, sort_keys=True).encode()).hexdigest()

# ruff: noqa: E402
"""PyBaMM's 500 cycles and two years of storage, kept for the tests: tests/data/ageing_reference.json.

python benchmarks/ageing_reference.py            all cases (PyBaMM: about five minutes for each cycling run)
python benchmarks/ageing_reference.py solvent    one case; the others in the file stay
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
os.environ.setdefault("PYBAMM_DISABLE_TELEMETRY", "true")

import pybamm
import pybamm_ageing as reference

DATA = ROOT / "tests" / "data" / "ageing_reference.json"
KEEP = [1, 2, 5, 10, 20, 50, 100, 200, 300, 400, 500]
STORAGE_SOC = (0.5, 1.0)
STORAGE_DAYS = 730.0


def made(case: reference.Case) -> dict[str, Any]:
    """Everything about one case."""
    began = time.perf_counter()
    out: dict[str, Any] = {
        "set": case.source,
        "options": dict(case.options),
        "changes": dict(case.changes),
        "pybamm": pybamm.__version__,
        "mesh": reference.MESH,
        "cycle": list(reference.cycle_steps(case)),
        "check_up": list(reference.check_steps(case)),
        "storage_days": STORAGE_DAYS,
        "storage": {f"{soc:g}": reference.stored(case, STORAGE_DAYS, soc) for soc in STORAGE_SOC},
    }
    print(json.dumps(out["storage"]))
    out["cycles"] = reference.cycled(case, KEEP[-1], KEEP)
    out["seconds"] = round(time.perf_counter() - began)
    return out


def main(names: list[str]) -> None:
    """Make the cases named (all by default) and write the file."""
    for case in reference.CASES:
        if names and case.name not in names:
            continue
        result = made(case)
        table = json.loads(DATA.read_text()) if DATA.is_file() else {}
        table[case.name] = result
        DATA.write_text(json.dumps(dict(sorted(table.items())), indent=1) + "\n")
        print(case.name, result["seconds"], "s", result["cycles"][-1])


if __name__ == "__main__":
    main(sys.argv[1:])

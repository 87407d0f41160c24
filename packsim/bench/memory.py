"""Peak memory of a run that is written to disk, in a process of its own, and how little it grows with the packs."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec

from packsim.bench.row import LOWER, Row
from packsim.bench.settings import HUIZHOU, Settings

PACKS = (400, 1_600)
BOUND_GB = 1.5
SCRIPT = """
import resource, sys
import packsim
packsim.run(packsim.load(sys.argv[1]), packs=int(sys.argv[2]), store=sys.argv[3])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def measure(settings: Settings) -> Iterator[Row]:
    """GB at most, and MB more for four times the packs."""
    if settings.scenario(HUIZHOU) is None or find_spec("resource") is None:
        return
    counts = (2, 4) if settings.quick else PACKS
    few, many = (peak_mb(settings, packs) for packs in counts)
    yield Row("memory", f"peak of {counts[1]:,} packs of huizhou-2017.yaml", many / 1e3, "GB", LOWER, BOUND_GB)
    yield Row("memory", f"more than for {counts[0]:,} packs", many - few, "MB", LOWER)


def peak_mb(settings: Settings, packs: int) -> float:
    """Largest resident memory of a run [MB]."""
    with tempfile.TemporaryDirectory() as folder:
        file = str(settings.checkout / "configs" / HUIZHOU)
        command = [sys.executable, "-c", SCRIPT, file, str(packs), f"{folder}/run"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    unit = 1e6 if sys.platform == "darwin" else 1e3  # bytes there, kB elsewhere
    return float(done.stdout) / unit

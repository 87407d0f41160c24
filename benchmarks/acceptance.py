"""The whole acceptance table: every line `measured | bound`. About an hour alone on two cores.

    python benchmarks/acceptance.py

Runs the acceptance tests with their slow cases, the accuracy matrix against PyBaMM (writes docs/accuracy.md) and the costs.
Exits 1 if any line is missed.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PARTS = (
    ("-m", "pytest", "tests/acceptance", "--slow", "-q"),
    ("benchmarks/accuracy.py", "--check"),
    ("benchmarks/speed.py", "--year", "--check"),
)


def main() -> int:
    """Run all parts, even after a miss; the exit code."""
    missed = 0
    for part in PARTS:
        print(f"== python {' '.join(part)}", flush=True)
        missed |= subprocess.run([sys.executable, *part], cwd=ROOT, check=False).returncode != 0
    print("an acceptance line is missed" if missed else "all acceptance lines hold")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())

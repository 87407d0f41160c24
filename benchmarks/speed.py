"""All numbers of docs/benchmarks.md, one after another: what `packsim bench` says, costs, floors, Dask, the estimate.

    python benchmarks/speed.py [--year] [--write] [--check]      a quarter of an hour, alone on the machine

--write puts the tables into the docs; --check exits 1 if a bound is missed; --year as in cost.py. liionpack needs an
environment of its own: benchmarks/liionpack_run.py.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from place import ROOT, place

PARTS = ("cost.py", "floor.py", "dask_rate.py", "cluster_estimate.py")


def python(*arguments: str) -> int:
    """Run a script or module with this interpreter; its exit code."""
    print(f"== python {' '.join(arguments)}", flush=True)
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, check=False).returncode


def bench(write: bool, check: bool) -> int:
    """`packsim bench`, and its table if asked."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "found.json"
        code = python("-m", "packsim.cli", "bench", "--json", str(file), *(["--check"] if check else []))
        if write and file.exists():
            from packsim.bench.page import markdown
            from packsim.bench.result import read

            place("benchmarks.md", "bench", markdown(read(file)))
    return code


def main() -> int:
    """Run all parts, even after a miss; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("year", "write", "check"):
        parser.add_argument(f"--{name}", action="store_true")
    given = parser.parse_args()
    wanted = [f"--{name}" for name in ("write", "check") if getattr(given, name)]
    codes = [bench(given.write, given.check)]
    for part in PARTS:
        extra = ["--year"] if part == "cost.py" and given.year else []
        codes.append(python(f"benchmarks/{part}", *extra, *wanted))
    return int(any(codes))


if __name__ == "__main__":
    sys.exit(main())

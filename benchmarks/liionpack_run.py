"""liionpack 0.4 beside packsim: coupled cell-steps a second of 26s7p at 1C, each with its own model and steps.

    python benchmarks/liionpack_run.py [--folder DIR] [--minutes 30] [--write]

liionpack runs on a PyBaMM of its time only, so this makes an environment of its own in DIR (pip installs liionpack 0.4,
PyBaMM 24.9 and what they need, about a gigabyte) and runs it there; what is there already is used again. Both use all
cores. --write: docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import venv
from pathlib import Path

from place import place, table

from packsim.bench.cells import spme
from packsim.bench.discharge import PACKS, PARALLEL, SERIES, errors, rate
from packsim.numerics.kernel_cache import user_cache_root

# newer pandas hands out arrays that liionpack cannot write to; newer CasADi changed what NumPy functions do to its types
PINNED = ("liionpack==0.4.0", "pybamm==24.9.0", "pandas<3", "casadi<3.7", "setuptools<81")
SCRIPT = """
import json, sys, time, warnings
warnings.simplefilter("ignore")
import liionpack, numpy, pybamm
series, parallel, minutes = map(int, sys.argv[1:])
liionpack.set_logging_level("ERROR")
netlist = liionpack.setup_circuit(Np=parallel, Ns=series, Rb=1e-6, Rc=1e-3, Ri=2e-2, V=4.0, I=5.0 * parallel)
experiment = pybamm.Experiment([f"Discharge at {5.0 * parallel} A for {minutes} minutes"], period="10 seconds")
values = pybamm.ParameterValues("Chen2020")
def solve():
    return liionpack.solve(netlist=netlist.copy(), parameter_values=values.copy(), experiment=experiment, initial_soc=1.0,
                           output_variables=["Terminal voltage [V]"])
begun = time.perf_counter()
found = solve()
seconds = time.perf_counter() - begun
steps = found["Time [s]"].size - 1
print(json.dumps({"rate": series * parallel * steps / seconds, "steps": steps, "seconds": seconds,
                  "versions": f"liionpack {liionpack.__version__}, PyBaMM {pybamm.__version__}"}))
"""


def environment(folder: Path) -> Path:
    """The Python of liionpack's environment, made if it is not there.

    Raises:
        SystemExit: pip cannot install it.
    """
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if (folder / "ready").exists():
        return python
    print(f"installing {', '.join(PINNED)} into {folder}", flush=True)
    venv.create(folder, with_pip=True, clear=True)
    if subprocess.run([python, "-m", "pip", "install", "-qq", *PINNED], check=False).returncode:
        raise SystemExit("pip cannot install liionpack here: no comparison")
    (folder / "ready").touch()
    return python


def liionpack(python: Path, minutes: int) -> dict[str, float]:
    """What its run found."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    clean["PYBAMM_DISABLE_TELEMETRY"] = "true"
    command = [python, "-c", SCRIPT, str(SERIES), str(PARALLEL), str(minutes)]
    done = subprocess.run(command, env=clean, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"liionpack failed: {done.stderr.strip().splitlines()[-1]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def main() -> None:
    """Run both, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=user_cache_root() / "liionpack")
    parser.add_argument("--minutes", type=int, default=30, help="of the discharge, for liionpack")
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    theirs = liionpack(environment(given.folder), given.minutes)
    ours, off = 1e6 * rate(spme(), PACKS, 5), errors(spme())
    ratio = ours / theirs["rate"]
    rows = [
        [theirs["versions"], "SPM, one set of parameters, 10 s steps", f"{theirs['rate']:,.0f}", ""],
        ["packsim", "SPMe, every trait of every cell its own", f"{ours:,.0f}", f"{off.voltage_mv:.2g} mV to 1 s steps"],
        ["ratio", "", f"{ratio:,.0f}", ""],
    ]
    found = table([f"{SERIES}s{PARALLEL}p at 1C, Chen2020", "model", "cell-steps/s", "error"], rows)
    print(found)
    if given.write:
        place("benchmarks.md", "liionpack", found)


if __name__ == "__main__":
    sys.exit(main())

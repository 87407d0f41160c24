# ruff: noqa: E402
"""Shells of a particle whose diffusivity depends on stoichiometry, and the poles beneath its surface (docs/spme.md).

python benchmarks/shells.py            fit, print the constants and the table (a minute)
python benchmarks/shells.py --write    also put the table into docs/spme.md; exit 1 where the kernels' shells are worse
"""

from __future__ import annotations

import argparse
import itertools
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import numpy as np
import numpy.typing as npt
from particle import of_poles, of_shells, step_response
from scipy.optimize import least_squares

from packsim.cell.electrodes.shells import FITTED, Shells

Array = npt.NDArray[np.float64]

DOCS = ROOT / "docs" / "spme.md"
TIMES = np.geomspace(1e-8, 3.0, 500)  # of R^2 / D
LATE = 3e-6  # errors weigh as sqrt(t) before it, as the poles' do
EDGES = (0.0, 3e-7, 3e-6, 1e-4, 1e-2, np.inf)
NORMS = (2, 4, 6, 10, 16)  # one after another, towards the smallest largest error
STARTS = 3  # of ever thinner outer shells
BEFORE = {  # equal volumes and a gradient at the surface that is there at once: shells, reach, weight of the flux
    5: Shells(tuple(np.cbrt(np.arange(6) / 5)), 0.01150423, (np.inf,), (0.02344907,)),
    3: Shells(tuple(np.cbrt(np.arange(4) / 3)), 0.01965677, (np.inf,), (0.04071392,)),
}


def error(shells: Shells) -> Array:
    """How far off the surface is after a step of the flux, over TIMES."""
    slow = of_shells(np.array(shells.edges), shells.reach, TIMES)
    out: Array = slow + of_poles(np.array(shells.rates), np.array(shells.weights), TIMES) - step_response(TIMES)
    return out


def weighed(shells: Shells) -> Array:
    """The same, early times weighed."""
    out: Array = error(shells) * np.minimum(1.0, np.sqrt(TIMES / LATE))
    return out


def fit(count: int, poles: int) -> Shells:
    """`count` shells and `poles` poles with a small largest weighted error; the weights' sum makes late times exact."""
    found = []
    for start in range(STARTS):
        free = np.concatenate(
            [np.linspace(0.0, -1.5 - 0.8 * start, count), [0.01], np.log(np.geomspace(80.0 * count**2, 8e5, poles))]
        )
        low, high = free - 6.0, free + 6.0
        for norm in NORMS:
            scale = np.max(np.abs(weighed(of_free(free, count))))

            def bent(x: Array, norm: int = norm, scale: float = scale) -> Array:
                off = weighed(of_free(x, count)) / scale
                return np.asarray(np.sign(off) * np.abs(off) ** (norm / 2))

            free = least_squares(bent, free, bounds=(low, high), max_nfev=100).x
        found.append(of_free(free, count))
    return min(found, key=lambda shells: float(np.max(np.abs(weighed(shells)))))


def of_free(free: Array, count: int) -> Shells:
    """Shells of logarithms of thicknesses, the reach and logarithms of rates; the weights by least squares."""
    edges = np.append(0.0, np.cumsum(np.exp(free[:count])))
    edges /= edges[-1]
    edges[-1] = 1.0
    reach, rates = float(free[count]), np.exp(free[count + 1 :])
    slow = of_shells(edges, reach, TIMES)
    left, early = 0.2 - slow[-1], np.minimum(1.0, np.sqrt(TIMES / LATE))
    basis = (1.0 - np.exp(-np.outer(TIMES, rates))) * early[:, None]
    wanted = (step_response(TIMES) - slow) * early - left * basis[:, -1]
    first = np.linalg.lstsq(basis[:, :-1] - basis[:, -1:], wanted, rcond=None)[0]
    weights = np.append(first, left - first.sum())
    return Shells(tuple(edges.tolist()), reach, tuple(rates.tolist()), tuple(weights.tolist()))


def row(name: str, shells: Shells) -> str:
    """One line of the table: largest errors between EDGES, in units in which the surface comes 1/5 before the mean."""
    off = np.abs(error(shells))
    cells = [f"{np.max(off[(a <= TIMES) & (b > TIMES)]):.1e}" for a, b in itertools.pairwise(EDGES)]
    return f"| {name} | {' | '.join(cells)} |"


def main() -> int:
    """Fit, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="put the table into docs/spme.md")
    given = parser.parse_args()
    rows = ["| shells and poles | t < 3e-7 | < 3e-6 | < 1e-4 | < 1e-2 | later |", "|---|---|---|---|---|---|"]
    same = True
    for count in sorted(FITTED, reverse=True):
        rows.append(row(f"{count} of equal volume, gradient there at once (used before)", BEFORE[count]))
        for poles in (2, 3):
            found = fit(count, poles)
            used = poles == len(FITTED[count].rates)
            rows.append(
                row(f"**{count} and {poles}, used**", FITTED[count]) if used else row(f"{count} and {poles}", found)
            )
            if used:
                print(found)
                same = same and np.max(np.abs(weighed(FITTED[count]))) < 1.02 * np.max(np.abs(weighed(found)))
    print("\n".join(rows))
    print("the kernels' shells are as good" if same else "THE KERNELS' SHELLS ARE WORSE")
    if given.write:
        text = DOCS.read_text(encoding="utf-8")
        pattern = re.compile(r"(<!-- shells -->\n).*?(<!-- end -->)", re.DOTALL)
        new = pattern.sub(lambda found: found.group(1) + "\n".join(rows) + "\n" + found.group(2), text)
        DOCS.write_text(new, encoding="utf-8")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())

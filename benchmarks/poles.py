# ruff: noqa: E402
"""The fitted poles of a particle (docs/spme.md): the fit, and how far off each number of poles is.

python benchmarks/poles.py            fit, print the constants and the table (under a minute)
python benchmarks/poles.py --write    also put the table into docs/spme.md; exit 1 where the kernels' constants are others
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import itertools

import numpy as np
import numpy.typing as npt
from particle import eigenvalues, of_poles, step_response
from scipy.optimize import linprog

from packsim.cell.spme.kernels import POLE_RATE, POLE_WEIGHT

Array = npt.NDArray[np.float64]

DOCS = ROOT / "docs" / "spme.md"
TIMES = np.geomspace(1e-9, 3.0, 900)  # of R^2 / D
LATE, EARLY = 3e-6, 1e-9  # errors weigh as sqrt(t) between them, evenly before and after
LATE_BEFORE, EARLY_BEFORE = 3e-3, 1e-5
EDGES = (0.0, 3e-7, 3e-6, 1e-4, 1e-2, np.inf)
HELD = (1e-3, 1e-2)  # of R^2 / D: how long each of the random currents is held
BEFORE = (  # five poles, LATE_BEFORE and EARLY_BEFORE
    np.array([20.603741, 81.64894, 354.43758, 1979.41, 26115.181]),
    np.array([0.10380833, 0.04776861, 0.02644406, 0.01390139, 0.00807761]),
)


def weight(t: Array, early: float = EARLY, late: float = LATE) -> Array:
    """What an error at t counts."""
    return np.sqrt(np.clip(t, early, late) / late)


def fit(count: int, weights: Array) -> tuple[Array, Array]:
    """Rates and weights of `count` poles with the smallest largest weighted error; the weights' sum is kept at 1/5.

    Linear programmes in the changes of ln(rate) and weight, inside a region that shrinks where the error does not.
    """
    exact = step_response(TIMES)
    log_rate = np.log(np.geomspace(20.0, 10.0 ** (2.2 + 0.5 * count), count))
    share = np.linalg.lstsq(of_basis(log_rate) * weights[:, None], exact * weights, rcond=None)[0]
    share *= 0.2 / share.sum()
    best, reach = largest(log_rate, share, exact, weights), 0.5
    while reach > 1e-9:
        rate = np.exp(log_rate)
        slopes = np.hstack([of_basis(log_rate), np.exp(-np.outer(TIMES, rate)) * np.outer(TIMES, rate) * share])
        slopes *= weights[:, None]
        error, ones = (of_basis(log_rate) @ share - exact) * weights, np.ones((TIMES.size, 1))
        found = linprog(
            np.append(np.zeros(2 * count), 1.0),
            A_ub=np.vstack([np.hstack([slopes, -ones]), np.hstack([-slopes, -ones])]),
            b_ub=np.concatenate([-error, error]),
            A_eq=np.concatenate([np.ones(count), np.zeros(count + 1)])[None],
            b_eq=[0.0],
            bounds=[(-0.05 * reach, 0.05 * reach)] * count + [(-reach, reach)] * count + [(0.0, None)],
        )
        change = found.x if found.status == 0 else np.zeros(2 * count + 1)
        new = largest(log_rate + change[count : 2 * count], share + change[:count], exact, weights)
        if new < best * (1.0 - 1e-9):
            log_rate, share, best = log_rate + change[count : 2 * count], share + change[:count], new
            reach = min(1.5 * reach, 1.0)
        else:
            reach *= 0.4
    order = np.argsort(log_rate)
    return np.exp(log_rate[order]), share[order]


def of_basis(log_rate: Array) -> Array:
    """Each pole alone over TIMES, [time, pole]."""
    return 1.0 - np.exp(-np.outer(TIMES, np.exp(log_rate)))


def largest(log_rate: Array, share: Array, exact: Array, weights: Array) -> float:
    """The largest weighted error."""
    return float(np.max(np.abs(of_basis(log_rate) @ share - exact) * weights))


def eigenmodes(count: int) -> tuple[Array, Array]:
    """The slowest eigenmodes, and a term without delay for the rest."""
    squares = eigenvalues(count) ** 2
    return np.append(squares, np.inf), np.append(2.0 / squares, 0.2 - np.sum(2.0 / squares))


def row(name: str, rates: Array, weights: Array) -> str:
    """One line of the table: largest errors between EDGES, in units in which the surface comes 1/5 before the mean."""
    error = np.abs(of_poles(rates, weights, TIMES) - step_response(TIMES))
    cells = [f"{np.max(error[(a <= TIMES) & (b > TIMES)]):.1e}" for a, b in itertools.pairwise(EDGES)]
    for held in HELD:  # independent currents: every one leaves the difference of two errors behind
        ends = np.arange(0.0, 3.0, held)
        left = np.diff(of_poles(rates, weights, ends) - step_response(ends))
        cells.append(f"{np.sqrt(np.sum(left**2)):.1e}")
    return f"| {name} | {' | '.join(cells)} |"


def main() -> int:
    """Fit, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="put the table into docs/spme.md")
    given = parser.parse_args()
    rows = [
        f"| poles | t < 3e-7 | < 3e-6 | < 1e-4 | < 1e-2 | later | random, held {HELD[0]:g} | held {HELD[1]:g} |",
        "|---|---|---|---|---|---|---|---|",
        row("4 eigenmodes and a static term", *eigenmodes(4)),
        row("5, weighed from 1e-5 to 3e-3 (used before)", *BEFORE),
        row("5", *fit(5, weight(TIMES))),
        row("6", *fit(6, weight(TIMES))),
    ]
    used = fit(7, weight(TIMES))
    rows += [row("**7, used**", *used), row("7, no time weighs more", *fit(7, np.ones(TIMES.size)))]
    rows.append(row("7, weighed from 1e-5 to 3e-3", *fit(7, weight(TIMES, EARLY_BEFORE, LATE_BEFORE))))
    rows.append(row("8", *fit(8, weight(TIMES))))
    print("rates  ", ", ".join(f"{value:.8g}" for value in used[0]))
    print("weights", ", ".join(f"{value:.8f}" for value in used[1]), "\n" + "\n".join(rows))
    same = np.allclose(used[0], POLE_RATE, rtol=2e-3) and np.allclose(used[1], POLE_WEIGHT, rtol=2e-3)
    print("the kernels' constants are these" if same else "THE KERNELS' CONSTANTS ARE OTHERS")
    if given.write:
        text = DOCS.read_text(encoding="utf-8")
        pattern = re.compile(r"(<!-- poles -->\n).*?(<!-- end -->)", re.DOTALL)
        new = pattern.sub(lambda found: found.group(1) + "\n".join(rows) + "\n" + found.group(2), text)
        DOCS.write_text(new, encoding="utf-8")
    return 0 if same or not given.write else 1


if __name__ == "__main__":
    sys.exit(main())

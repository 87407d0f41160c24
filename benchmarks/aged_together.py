"""48 cells that aged together: fit configs/nmc-18650-aged-together.yaml, predict, and put the table beside the measured.

    python benchmarks/aged_together.py [--fit] [--cells 1000] [--write]

The mean curve (speed of the SEI, area and growth of cracks) is calibrated to the measured means at check-ups 2, 4, 6 and 8;
the spread (of the speed of ageing) and the SEI's resistivity are fitted to the coefficients of variation of capacity and
resistance and to their correlation at check-ups 2 and 4. All ten residuals are in standard errors of 48 cells. What is
predicted then (check-ups 6 and 8, lives) has no part in the fit. --fit prints the numbers to put into the scenario; the
fit takes lives of nominal cells at eleven speeds of ageing, and adds the deviations that cells of the line have when new.
Without --fit the scenario as shipped is run, every cell of the line on its own; --write puts the table into docs/life.md.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.interpolate import PchipInterpolator
from scipy.optimize import least_squares

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

import aged_together as t  # noqa: E402

from packsim.cell.traits import INDEX, trait_values  # noqa: E402
from packsim.scenario.model import Scenario  # noqa: E402

Array = npt.NDArray[np.float64]
BEGIN, END = "<!-- aged together -->\n", "<!-- end of aged together -->"
AGEING = ("sei_rate_ratio", "crack_area_ratio", "crack_growth_pct_per_cycle", "sei_resistivity_ratio")
SPREAD = "line.steps.formation.ageing_rate_ratio.sd_pct"
SPEEDS = np.exp(np.linspace(-0.45, 0.45, 11))
DRAWN = 2000
AFTER = [t.CHECK_UPS.index(check_up) for check_up in t.FITTED]


def with_numbers(of: Scenario, numbers: Array) -> Scenario:
    """The scenario with numbers of the laws (AGEING) and of the spread (%)."""
    laws = {f"life.ageing.{name}": float(x) for name, x in zip(AGEING, numbers, strict=False)}
    return of.updated(laws | {SPREAD: float(numbers[4])})


def spread_pct(of: Scenario) -> float:
    """Standard deviation of the speed of ageing in the scenario."""
    spread = of.line.steps.formation.ageing_rate_ratio
    if spread is None or spread.sd_pct is None:
        raise ValueError(f"{SPREAD}: none")
    return spread.sd_pct


class Emulator:
    """Statistics of a population from lives of nominal cells, for the fit."""

    def __init__(self, of: Scenario) -> None:
        self.scenario = of
        values = t.built(of, DRAWN, 1)
        sd = 0.01 * spread_pct(of)
        self.score = (np.log(values[INDEX["ageing_rate_ratio"]]) + 0.5 * np.log1p(sd**2)) / np.sqrt(np.log1p(sd**2))
        new = t.aged(t.life_plan_of(of, 1e-3), values, np.ones(DRAWN))
        self.nominal = trait_values()
        self.nominal[INDEX["weld_resistance_mohm"]] = values[INDEX["weld_resistance_mohm"]].mean()
        one = t.aged(t.life_plan_of(of, 1e-3), self.nominal, np.ones(1))
        self.capacity, self.resistance = new.capacity_ah[0] / one.capacity_ah[0], new.resistance_ohm[0] - one.resistance_ohm[0]

    def __call__(self, numbers: Array) -> t.Statistics:
        """Statistics of the whole population."""
        plan = t.life_plan_of(with_numbers(self.scenario, numbers))
        lives = t.aged(plan, np.repeat(self.nominal, SPEEDS.size, axis=1), SPEEDS)
        width = np.sqrt(np.log1p((0.01 * numbers[4]) ** 2))
        at = np.clip(width * self.score - 0.5 * width**2, np.log(SPEEDS[0]), np.log(SPEEDS[-1]))
        of_speed = [PchipInterpolator(np.log(SPEEDS), x.T) for x in (lives.capacity_ah, lives.resistance_ohm)]
        capacity, resistance = of_speed[0](at).T * self.capacity, of_speed[1](at).T + self.resistance
        return t.statistics(t.Population(np.exp(at), capacity, resistance))


def residuals(found: t.Statistics) -> Array:
    """What the fit makes small, in standard errors of the measured."""
    n = t.CELLS
    sd = np.array(t.CAPACITY_CV_PCT) * np.array(t.MEAN_PCT) / 100.0
    mean = (found.mean_pct - np.array(t.MEAN_PCT))[1:] / (sd[1:] / np.sqrt(n))
    cv = [np.log(a[AFTER] / np.array(b)[AFTER]) * np.sqrt(2.0 * (n - 1)) for a, b in (
        (found.capacity_cv_pct, t.CAPACITY_CV_PCT), (found.resistance_cv_pct, t.RESISTANCE_CV_PCT))]
    rho = (np.arctanh(found.correlation[AFTER]) - np.arctanh(np.array(t.CORRELATION)[AFTER])) * np.sqrt(n - 3)
    return np.concatenate([mean, *cv, rho])


def fit(of: Scenario, start: Array) -> Array:
    """Numbers of AGEING and the spread (%)."""
    emulator = Emulator(of)

    def off(logs: Array) -> Array:
        out = residuals(emulator(np.exp(logs)))
        print(np.exp(logs).round(4), "chi2", round(float(out @ out), 3), out.round(2), flush=True)
        return out

    found = least_squares(off, np.log(start), diff_step=0.02, x_scale=[0.05, 0.3, 0.1, 0.1, 0.1], max_nfev=12, xtol=1e-3, ftol=1e-3)
    error = np.sqrt(np.diag(np.linalg.inv(found.jac.T @ found.jac)))
    for name, log, se in zip((*AGEING, "spread of the speed of ageing, %"), found.x, error, strict=True):
        print(f"{name}: {np.exp(log):.4g} (standard error {100.0 * se:.2g} %)")
    return np.exp(found.x)


def main() -> None:
    """Fit or only predict, print, and with --write keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fit", action="store_true")
    parser.add_argument("--cells", type=int, default=1000)
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    scenario = t.scenario()
    if asked.fit:
        laws = scenario.life.ageing
        start = np.array([*(getattr(laws, name) for name in AGEING), spread_pct(scenario)])
        scenario = with_numbers(scenario, fit(scenario, start))


if __name__ == "__main__":
    main()

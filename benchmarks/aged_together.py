"""48 cells that aged together: fit configs/nmc-18650-aged-together.yaml, predict, and put the table beside the measured.

    python benchmarks/aged_together.py [--fit] [--forms] [--cells 1000] [--write]

The mean curve (speed of the SEI, area and growth of cracks) is calibrated to the measured means at check-ups 2, 4, 6 and 8;
the spread (of the speed of ageing) and the SEI's resistivity are fitted to the coefficients of variation of capacity and
resistance and to their correlation at check-ups 2 and 4. All ten residuals are in standard errors of 48 cells. What is
predicted then (check-ups 6 and 8, lives) has no part in the fit. --fit prints the numbers to put into the scenario; the
fit takes lives of nominal cells at 29 speeds of ageing, and adds the deviations that cells of the line have when new.
--forms fits other distributions of the speed of ageing as well, and sets what they predict side by side.
Without --fit the scenario as shipped is run, every cell of the line on its own; --write puts the tables into docs/life.md.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.interpolate import PchipInterpolator
from scipy.optimize import least_squares
from scipy.special import ndtri
from scipy.stats import rankdata, weibull_min

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

import aged_together as t  # noqa: E402

from packsim.cell.traits import INDEX, trait_values  # noqa: E402
from packsim.scenario.model import Scenario  # noqa: E402

Array = npt.NDArray[np.float64]
MARKS = ("<!-- aged together -->\n", "<!-- end of aged together -->")
FORM_MARKS = ("<!-- forms -->\n", "<!-- end of forms -->")
AGEING = ("sei_rate_ratio", "crack_area_ratio", "crack_growth_pct_per_cycle", "sei_resistivity_ratio")
SPREAD = "line.steps.formation.ageing_rate_ratio"
RATE = INDEX["ageing_rate_ratio"]
SPEEDS = np.exp(np.linspace(-0.7, 1.4, 29))
MOST_OUTSIDE = 1e-3  # share of cells faster or slower than these
FORMS = ("normal", "lognormal", "inverse_weibull")
DRAWN = 4000


def with_numbers(of: Scenario, numbers: Array) -> Scenario:
    """The scenario with numbers of the laws (AGEING) and of the spread (%)."""
    laws = {f"life.ageing.{name}": float(x) for name, x in zip(AGEING, numbers, strict=False)}
    return of.updated(laws | {f"{SPREAD}.sd_pct": float(numbers[4])})


def spread_pct(of: Scenario) -> float:
    """Standard deviation of the speed of ageing in the scenario."""
    spread = of.line.steps.formation.ageing_rate_ratio
    if spread is None or spread.sd_pct is None:
        raise ValueError(f"{SPREAD}.sd_pct: none")
    return spread.sd_pct


class Emulator:
    """Statistics of a population from lives of nominal cells, for the fit."""

    def __init__(self, of: Scenario) -> None:
        self.scenario = of
        values = t.built(of, DRAWN, 1)
        # by rank: the fit should know the distribution's tail, not that of one sample
        self.score = ndtri((rankdata(values[RATE]) - 0.5) / DRAWN)
        new = t.aged(t.life_plan_of(of, 1e-3), values, np.ones(DRAWN))
        self.nominal = trait_values()
        self.nominal[INDEX["weld_resistance_mohm"]] = values[INDEX["weld_resistance_mohm"]].mean()
        one = t.aged(t.life_plan_of(of, 1e-3), self.nominal, np.ones(1))
        self.capacity, self.resistance = (
            new.capacity_ah[0] / one.capacity_ah[0],
            new.resistance_ohm[0] - one.resistance_ohm[0],
        )

    def population(self, numbers: Array) -> t.Population:
        """The whole population.

        Raises:
            ArithmeticError: too many cells beyond SPEEDS.
        """
        scenario = with_numbers(self.scenario, numbers)
        lives = t.aged(t.life_plan_of(scenario), np.repeat(self.nominal, SPEEDS.size, axis=1), SPEEDS)
        rate = t.speeds(scenario, self.score)
        inside = np.clip(rate, SPEEDS[0], SPEEDS[-1])
        if np.mean(rate != inside) > MOST_OUTSIDE:
            raise ArithmeticError(f"cells beyond the speeds that are known: {np.mean(rate != inside):.2%}")
        of_speed = [PchipInterpolator(np.log(SPEEDS), x.T) for x in (lives.capacity_ah, lives.resistance_ohm)]
        at = np.log(inside)
        return t.Population(rate, of_speed[0](at).T * self.capacity, of_speed[1](at).T + self.resistance)

    def __call__(self, numbers: Array) -> t.Statistics:
        """Statistics of the whole population."""
        return t.statistics(self.population(numbers))


def fit(emulator: Emulator, start: Array, spread: float | None) -> Array:
    """Numbers of AGEING and the spread (%); with `spread` only the others."""
    fixed = [] if spread is None else [np.log(spread)]
    free = len(start) - len(fixed)

    def off(logs: Array) -> Array:
        out = t.residuals(emulator(np.exp([*logs, *fixed])))
        print(np.exp(logs).round(4), "chi2", round(float(out @ out), 3), out.round(2), flush=True)
        return out

    scale = np.array([0.05, 0.3, 0.1, 0.1, 0.1])[:free]
    found = least_squares(off, np.log(start)[:free], diff_step=0.02, x_scale=scale, max_nfev=12, xtol=1e-3, ftol=1e-3)
    error = np.sqrt(np.diag(np.linalg.inv(found.jac.T @ found.jac)))
    for name, log, se in zip((*AGEING, "spread of the speed of ageing, %"), found.x, error, strict=False):
        print(f"{name}: {np.exp(log):.4g} (standard error {100.0 * se:.2g} %)")
    return np.exp([*found.x, *fixed])


def of_48(population: t.Population) -> t.Statistics:
    """2.5 and 97.5 % quantiles [2, ...] of the statistics of 48 cells out of a population."""
    rng = np.random.default_rng(48)  # what a benchmark prints beside its numbers, no part of any simulation
    drawn = []
    for _ in range(400):
        some = rng.choice(population.rate.size, t.CELLS, replace=False)
        capacity, resistance = population.capacity_ah[:, some], population.resistance_ohm[:, some]
        drawn.append(t.statistics(t.Population(population.rate[some], capacity, resistance)))
    return t.Statistics(*(np.quantile(np.array(values), (0.025, 0.975), axis=0) for values in zip(*drawn, strict=True)))


def table(population: t.Population, of: Scenario) -> str:
    """Measured beside simulated as Markdown; in brackets where 95 % of samples of 48 simulated cells lie."""
    found, low_high = t.statistics(population), of_48(population)

    def beside(measured: float, name: str, at: int | None = None, digits: int = 2) -> str:
        value, (low, high) = getattr(found, name), getattr(low_high, name)
        if at is not None:
            value, low, high = value[at], low[at], high[at]
        return f"{measured:.{digits}f}: {value:.{digits}f} ({low:.{digits}f} .. {high:.{digits}f})"

    lines = [
        "| check-up | mean capacity, % | CV of capacity, % | CV of resistance, % | correlation Q-R | CV of loss, % | |",
        "|---|---|---|---|---|---|---|",
    ]
    for at, check_up in enumerate(t.CHECK_UPS):
        loss = beside(t.LOSS_CV_PCT[at - 1], "loss_cv_pct", at - 1, 0) if 1 <= at <= 3 else ""
        cells = [
            beside(t.MEAN_PCT[at], "mean_pct", at, 1),
            beside(t.CAPACITY_CV_PCT[at], "capacity_cv_pct", at),
            beside(t.RESISTANCE_CV_PCT[at], "resistance_cv_pct", at),
            beside(t.CORRELATION[at], "correlation", at),
            loss,
            ("set", "fitted", "fitted", "predicted", "predicted")[at],
        ]
        lines.append(f"| {check_up} | " + " | ".join(cells) + " |")
    lines += [
        "",
        "| lives to 80 % | measured: simulated (95 % of samples of 48) |",
        "|---|---|",
        f"| CV, % | {beside(t.LIFE_CV_PCT, 'life_cv_pct', None, 1)} |",
        f"| ... without the luck of the speeds that were drawn | {t.LIFE_CV_PCT}: {t.life_cv_pct(population, of):.1f} |",
        f"| correlation of initial capacity with life | -0.17 to +0.13: {found.initial_capacity_with_life:.2f} |",
        f"| correlation of initial resistance with life | {beside(-0.33, 'initial_resistance_with_life')} |",
    ]
    return "\n".join(lines) + "\n"


def forms(of: Scenario, start: Array) -> str:
    """Distributions of the speed of ageing, each fitted to the same ten numbers, and what they predict, as Markdown."""
    lines = [
        "| speed of ageing | chi2 | its sd, % | CV of capacity at 2, % | at 4 (fitted) | at 6 | at 8 (predicted) | "
        "correlation at 6 | at 8 | CV of lives, % | their Weibull shape |",
        "|" + "---|" * 11,
    ]
    for name in FORMS:
        emulator = Emulator(of.updated({f"{SPREAD}.distribution": name}))
        numbers = fit(emulator, start, None)
        population = emulator.population(numbers)
        found, life = t.statistics(population), t.lives(population.capacity_ah)
        off = t.residuals(found)
        shape = weibull_min.fit(life[np.isfinite(life)], floc=0.0)[0]
        cells = [
            name,
            f"{off @ off:.1f}",
            f"{numbers[4]:.1f}",
            *(f"{cv:.2f}" for cv in found.capacity_cv_pct[1:]),
            *(f"{rho:.2f}" for rho in found.correlation[3:]),
            f"{found.life_cv_pct:.1f}",
            f"{shape:.1f}",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    measured = [f"{cv:.2f}" for cv in t.CAPACITY_CV_PCT[1:]] + [f"{rho:.2f}" for rho in t.CORRELATION[3:]]
    lines.append("| " + " | ".join(["*measured*", "", "", *measured, f"{t.LIFE_CV_PCT}", f"{t.LIFE_SHAPE}"]) + " |")
    return "\n".join(lines) + "\n"


def write(found: str, marks: tuple[str, str]) -> None:
    """Put a table into the page between its marks."""
    page = ROOT / "docs/life.md"
    head, _, rest = page.read_text(encoding="utf-8").partition(marks[0])
    page.write_text(head + marks[0] + found + marks[1] + rest.partition(marks[1])[2], encoding="utf-8")


def main() -> None:
    """Fit or only predict, print, and with --write keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fit", action="store_true")
    parser.add_argument("--forms", action="store_true")
    parser.add_argument("--spread", type=float, help="fit the others with this spread (%%)")
    parser.add_argument("--cells", type=int, default=1000)
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    scenario = t.scenario()
    laws = scenario.life.ageing
    start = np.array([*(getattr(laws, name) for name in AGEING), spread_pct(scenario)])
    if asked.forms:
        found = forms(scenario, start)
        print(found)
        if asked.write:
            write(found, FORM_MARKS)
    if asked.fit or asked.spread:
        scenario = with_numbers(scenario, fit(Emulator(scenario), start, asked.spread))
    found = table(t.population(scenario, asked.cells), scenario)
    print(found)
    if asked.write:
        write(found, MARKS)


if __name__ == "__main__":
    main()

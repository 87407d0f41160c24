"""A fit in words and table rows, for the report and the terminal."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from packsim.quality.eol_file.quantities import BY_NAME
from packsim.report import labels

if TYPE_CHECKING:
    from packsim.study.fit import Fit

DOT = "\N{NO-BREAK SPACE}"


def headline(fit: Fit) -> str:
    """What the file says, in a sentence."""
    data = fit.data
    lots = f"{data.lots} lot{'s' * (data.lots > 1)}"
    parts = []
    for name in data.quantities[:2]:
        rows = fit.components[(fit.components["quantity"] == name) & (fit.components["level"] != "gauge")]
        total = math.sqrt(float((rows["sd"] ** 2).sum()))
        lot = rows.loc[rows["level"] == "lot", "sd"]
        share = (
            f", {100.0 * float(lot.iloc[0]) ** 2 / total**2:.0f}{DOT}% of the variance between lots" if len(lot) else ""
        )
        parts.append(
            f"{BY_NAME[name].title} spreads by {labels.figures(100 * total / abs(fit.means[name]), 2)}{DOT}%{share}"
        )
    return f"{data.cells:,} cells in {lots}: {'; '.join(parts)}."


def sentences(fit: Fit) -> list[str]:
    """What stands out: tails, gauges, outliers."""
    found = []
    for name in fit.data.quantities:
        chosen, quantity = fit.chosen(name), BY_NAME[name]
        numbers, unit = chosen.family.numbers(), quantity.unit
        if "tail_share" in numbers:
            low, high = chosen.intervals["tail_share"]
            where = (
                f"lie {labels.figures(numbers['tail_offset'])}{DOT}{unit} off the others, with an sd of "
                f"{labels.figures(numbers['tail_sd'])}{DOT}{unit}"
                if "tail_offset" in numbers
                else f"are a class of their own, with a median of {labels.figures(numbers['tail_median'])}{DOT}{unit} "
                f"(68{DOT}% within a factor of {labels.figures(numbers['tail_factor'])})"
            )
            found.append(
                f"{begin(quantity.title)} has a tail: {percent(numbers['tail_share'])}{DOT}% of the cells ({percent(low)} "
                f"to {percent(high)}{DOT}%) {where}."
            )
        verdict = "Anderson-Darling does not refuse it" if chosen.passes else "Anderson-Darling refuses it all the same"
        found.append(
            f"{begin(quantity.title)} within lots is best described by: {spoken_family(chosen.family.name)} ({verdict})."
        )
    gauges: list[Any] = list(fit.gauge.itertuples())
    for row in gauges:
        title = BY_NAME[str(row.quantity)].title
        found.append(
            f"The {title} gauge has an sd of {labels.figures(row.sd)}{DOT}{row.unit}: "
            f"{labels.figures(row.grr_pct)}{DOT}% GRR."
        )
    if len(fit.outliers):
        found.append(f"{len(fit.outliers)} readings lie more than 5 robust sds from their lot; they are listed below.")
    return found


def begin(title: str) -> str:
    """A quantity's name at the beginning of a sentence."""
    return title[0].upper() + title[1:]


def percent(share: float) -> str:
    """A share in percent with two figures."""
    return labels.figures(100.0 * share, 2)


def spoken_family(name: str) -> str:
    """A family's name for readers."""
    return {
        "weibull": "Weibull",
        "mixture": "normal with a rare tail",
        "truncated": "truncated normal",
        "lognormal_mixture": "lognormal with a rare tail",
    }.get(name, name)


def interval(low: float, high: float) -> str:
    """An interval in three figures; what is not known is said so."""
    if math.isnan(low) or math.isnan(high):
        return "cannot be said"
    return f"{labels.figures(low)} to {labels.figures(high)}"


def component_rows(fit: Fit) -> list[list[str]]:
    """quantity, level, sd, interval, unit, sd in percent of the mean, share of the variance, groups."""
    rows = []
    for row in fit.components.itertuples():
        numbers: Any = row
        rows.append(
            [
                BY_NAME[numbers.quantity].title, spoken_level(numbers.level), labels.figures(numbers.sd, 4),
                interval(numbers.low, numbers.high), labels.unit_text(numbers.unit), labels.figures(numbers.sd_pct),
                f"{100 * numbers.variance_share:.1f}", f"{numbers.groups:,}",
            ]
        )  # fmt: skip
    return rows


def spoken_level(level: str) -> str:
    """A level for readers."""
    return {
        "lot": "between lots",
        "roll": "between rolls of a lot",
        "cell": "between cells",
        "gauge": "gauge (repeats)",
        "within": "within (cells and gauge)",
    }[level]

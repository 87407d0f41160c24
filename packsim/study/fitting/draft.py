"""A scenario in the making: the data, the plain values written so far, and what had to be said on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from packsim.quality.fit.families import LogMixture, Mixture
from packsim.scenario.model import Scenario
from packsim.study.fitting.response import READINGS, STEP_OF, TRAIT_OF, Bench, bench

if TYPE_CHECKING:
    from packsim.study.fit import Fit

LEVELS = ("lot", "roll", "within")
DIGITS = 6


class Draft:
    """Values of the scenario under `data`; `carried` quantities have the traits `traits`, rows `rows` of a response."""

    def __init__(self, fit: Fit, base: Scenario) -> None:
        self.fit, self.base = fit, base
        self.notes: list[str] = []
        self.sources: dict[str, str] = {}
        self.gauge_variance: dict[str, float] = {}
        self.data = _without_line(base)
        data = fit.data
        self.source = f"fitted to {data.facts['file']}, {data.cells} cells, {data.lots} lot{'s' * (data.lots > 1)}"
        self.quantities = [q for q in READINGS if q in data.quantities]
        self.carry()

    def carry(self) -> None:
        """Which quantities have a trait, and which."""
        self.carried = [q for q in self.quantities if q in TRAIT_OF]
        self.traits = tuple(TRAIT_OF[q] for q in self.carried)
        self.rows = [READINGS.index(q) for q in self.carried]

    def leave_out(self, quantity: str, why: str) -> None:
        """Go on without a quantity."""
        self.quantities.remove(quantity)
        self.carry()
        self.notes.append(f"{why} and was left out of the scenario.")

    def block(self, trait: str) -> dict[str, Any]:
        """The block of one trait, which is there from the nominal cell on."""
        found: dict[str, Any] = self.data["line"]["steps"][STEP_OF[trait]][trait]
        return found

    def nominal(self, trait: str) -> float:
        """Nominal value of a trait."""
        return float(self.block(trait).get("nominal", 1.0))

    def within(self, quantity: str) -> float:
        """Variance within the innermost lot or roll, gauge included."""
        return self._variance(quantity, ("within", "cell", "gauge"))

    def main_variance(self, quantity: str) -> float:
        """Variance of a quantity without its gauge and without its tail."""
        total = self._variance(quantity, ("lot", "roll", "within", "cell"))
        return total - self.within(quantity) + self.main_within(quantity)

    def main_within(self, quantity: str) -> float:
        """As `within`, without a tail."""
        within, family = self.within(quantity), self.fit.chosen(quantity).family
        return min(within, family.sd**2) if isinstance(family, (Mixture, LogMixture)) else within

    def _variance(self, quantity: str, levels: tuple[str, ...]) -> float:
        return sum(c.sd**2 for c in self.fit.fitted_components if c.quantity == quantity and c.level in levels)

    def scenario(self) -> Scenario:
        """The scenario as far as it is written; files are found where the base finds them."""
        scenario = Scenario.model_validate(self.data)
        scenario._path = self.base._path
        return scenario

    def bench(self) -> Bench:
        """Its nominal cell, read."""
        return bench(self.scenario(), self.traits)


def _without_line(base: Scenario) -> dict[str, Any]:
    """The base's cell, inspection, pack and verdict; its line, target and their sources go."""
    data = base.model_dump(exclude_unset=True)
    data = {key: value for key, value in data.items() if key not in ("line", "qualification", "name", "description")}
    for key in ("bpx_file", "table_file"):
        if data["cell"].get(key):
            data["cell"][key] = str(base.file(data["cell"][key]).absolute())
    kept = {
        k: v for k, v in data.get("sources", {}).items() if k.split(".")[0] not in ("line", "qualification", "name")
    }
    data["sources"] = kept
    head = {"name": f"Fitted line ({base.name})"[:200], "description": f"Cell, inspection and pack of: {base.name}."}
    return head | data


def rounded(value: float) -> float:
    """Six significant digits: more than any such data know."""
    return float(f"{value:.{DIGITS}g}")

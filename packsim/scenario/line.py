"""The factory of a scenario: its steps with spreads, automation and inspections, lots and rolls, correlations, defects."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field, create_model, model_validator

from packsim.scenario.automation import AutomationLevels, InLineInspection, Level
from packsim.scenario.base import Count, Model, Percent, require
from packsim.scenario.defects import Defects
from packsim.scenario.spread import Spread, Variable, spread_of
from packsim.scenario.traits import STEPS, TRAIT_NAMES, TRAITS

MOST_VARIABLES = 32
MOST_INSPECTIONS = 32
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]


class Step(Model):
    """What every step can have."""

    automation: Level | None = None
    """Level of automation: multiplies the step's spreads and defect rates, see `automation_levels`. Default: as given."""
    inspection: InLineInspection | None = None
    """In-line inspection at the end of the step; without one, nothing is scrapped here."""
    variables: dict[Name, Variable] = Field(default_factory=dict)
    """Process variables of your own: name -> spread, with their effects on traits."""
    material_yield_pct: Annotated[float, Field(gt=0.0, le=100.0)] = 100.0
    """Material that is left after trimming, edges, start and stop; pieces are not counted here."""


class OwnStep(Step):
    """A step of your own, with variables that it sets."""

    after: Name
    """Step that comes before it: one of the line's, or another of your own that stands above."""
    branch: Literal["cathode", "anode", "cell"] = "cell"
    """What is lost with a piece scrapped here: a cathode, an anode, or all that has been built so far."""


def _step(name: str) -> type[Model]:
    fields: dict[str, Any] = {
        trait.name: (
            spread_of(trait),
            Field(default=None, description=f"Spread of the {trait.meaning} [{trait.unit}]."),
        )
        for trait in TRAITS
        if trait.step == name
    }
    title = "".join(part.title() for part in name.split("_"))
    sets = "Traits set here; one that is left out does not spread." if fields else "Sets no trait of its own."
    return create_model(title, __base__=Step, __doc__=f"{STEPS[name].meaning}. {sets}", **fields)


_STEP_FIELDS: dict[str, Any] = {
    name: (model, Field(default_factory=model)) for name, model in ((name, _step(name)) for name in STEPS)
}
Steps: Any = create_model(
    "Steps",
    __base__=Model,
    __doc__="The steps of the line in the order in which a cell passes them.",
    **_STEP_FIELDS,
)


class Correlation(Model):
    """A correlation of two traits or variables: a Gaussian copula, so that their own distributions stay."""

    a: str
    """One trait or process variable."""
    b: str
    """The other."""
    value: Annotated[float, Field(gt=-1.0, lt=1.0)]
    """Correlation of the normals behind the two."""
    level: Literal["lot", "roll", "within", "all"] = "all"
    """Which part of their variation is correlated: between lots, between rolls, within rolls, or all three."""


class LineModel(Model):
    """The process line. Lots and rolls are consecutive ranges of the places that cells fill in packs."""

    supplier_lot_cells: Count
    """Cells made from one supplier lot. A smaller lot than a block restarts in every block (the last may be cut short); a
    larger one is rounded down to whole blocks."""
    roll_cells: Count
    """Cells cut from one electrode roll."""
    web_lanes: Annotated[int, Field(ge=1, le=64)] = 1
    """Positions across the electrode web, dealt out to the cells of a roll in turn."""
    segment_cells: Count = 32
    """Cells of a roll between two steps of drift, wear and feedback."""
    steps: Steps = Field(default_factory=Steps)
    """The steps in order, with the spread of every trait."""
    own_steps: dict[Name, OwnStep] = Field(default_factory=dict)
    """Steps of your own, by name."""
    automation_levels: AutomationLevels = Field(default_factory=AutomationLevels)
    """What each level of automation does."""
    correlations: list[Correlation] = Field(default_factory=list)
    """Correlations between traits and variables."""
    defects: Defects = Field(default_factory=Defects)
    """Discrete defects with rates and severities."""

    def ordered(self) -> list[tuple[str, Any]]:
        """Name and model of every step, in the order in which a cell passes them."""
        order: list[tuple[str, Any]] = [(name, getattr(self.steps, name)) for name in STEPS]
        for name, own in self.own_steps.items():
            place = next((k for k, (other, _) in enumerate(order) if other == own.after), len(order) - 1)
            order.insert(place + 1, (name, own))
        return order

    def spreads(self) -> Iterator[tuple[str, str, Spread]]:
        """(dotted key below `line`, name, spread) of every trait that spreads and of every variable."""
        for name, step in self.ordered():
            block = "own_steps" if name in self.own_steps else "steps"
            for trait in TRAITS:
                if trait.step == name and (spread := getattr(step, trait.name)) is not None:
                    yield f"{block}.{name}.{trait.name}", trait.name, spread
            for own, variable in step.variables.items():
                yield f"{block}.{name}.variables.{own}", own, variable

    def files(self) -> dict[str, str]:
        """Files that the line names: dotted key -> name."""
        return {f"line.{key}.file": spread.file for key, _, spread in self.spreads() if spread.file is not None}

    @model_validator(mode="after")
    def _nested(self) -> LineModel:
        lot = self.supplier_lot_cells
        rule = f"a divisor of supplier_lot_cells {lot}: a roll lies within one lot"
        require(self, (lot % self.roll_cells == 0, "roll_cells", rule))
        return self

    @model_validator(mode="after")
    def _named_once(self) -> LineModel:
        own = [name for _, step in self.ordered() for name in step.variables]
        double = {name for name in own if own.count(name) > 1 or name in TRAIT_NAMES}
        known = list(STEPS)
        rules = []
        for name, step in self.own_steps.items():
            rules.append((name not in STEPS, "own_steps", f"names that are no step of the line, unlike {name}"))
            rules.append((step.after in known, f"own_steps.{name}.after", f"one of {', '.join(known)}"))
            known.append(name)
        inspected = sum(step.inspection is not None for _, step in self.ordered())
        require(
            self,
            *rules,
            (not double, "", f"variables with names of their own, unlike {', '.join(sorted(double))}"),
            (
                len(own) + len(TRAITS) <= MOST_VARIABLES,
                "",
                f"at most {MOST_VARIABLES - len(TRAITS)} process variables, not {len(own)}",
            ),
            (inspected <= MOST_INSPECTIONS, "", f"at most {MOST_INSPECTIONS} in-line inspections, not {inspected}"),
        )
        return self

    @model_validator(mode="after")
    def _correlated(self) -> LineModel:
        names = [name for _, name, _ in self.spreads()]
        seen: set[tuple[frozenset[str], str]] = set()
        for each in self.correlations:
            pair = frozenset((each.a, each.b))
            for level in ("lot", "roll", "within") if each.level == "all" else (each.level,):
                require(
                    self,
                    ((pair, level) not in seen, "correlations", f"each pair once, not {each.a} and {each.b} again"),
                )
                seen.add((pair, level))
            require(
                self,
                (each.a in names and each.b in names, "correlations", f"names that spread: {', '.join(names)}"),
                (each.a != each.b, "correlations", "two different names"),
            )
        return self

    @model_validator(mode="after")
    def _detectable(self) -> LineModel:
        from packsim.scenario.traits import DEFECT_STEPS

        order = [name for name, _ in self.ordered()]
        rules = []
        for place, (name, step) in enumerate(self.ordered()):
            block = "own_steps" if name in self.own_steps else "steps"
            if step.inspection is None or step.inspection.detects is None:
                continue
            late = [d for d in step.inspection.detects if order.index(DEFECT_STEPS[d]) > place]
            made = ", ".join(f"{d} ({DEFECT_STEPS[d]})" for d in late)
            rules.append(
                (not late, f"{block}.{name}.inspection", f"defects made at this step or before, unlike {made}")
            )
        require(self, *rules)
        return self


__all__ = ["Correlation", "Defects", "LineModel", "OwnStep", "Percent", "Spread", "Step", "Steps", "Variable"]

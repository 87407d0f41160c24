"""Every number of a scenario with its unit and its source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from packsim.scenario.base import Model
from packsim.scenario.meanings import meanings
from packsim.scenario.model import Scenario
from packsim.scenario.units import unit_of


class Number(NamedTuple):
    """One number: dotted key, value, unit ("1" for none), origin, whether the file gives it, what it means."""

    key: str
    value: float
    unit: str
    source: str | None
    """None: assumed."""
    given: bool
    """False: the default."""
    meaning: str


def numbers(scenario: Scenario) -> list[Number]:
    """All numbers of `scenario`, defaults too, in the order of the models. A source for a block covers all in it."""
    return list(_walk(scenario, "", scenario.sources))


def source_of(key: str, sources: Mapping[str, str]) -> str | None:
    """Source of a dotted key: its own entry, or that of the innermost block around it that has one."""
    while key:
        if key in sources:
            return sources[key]
        key = key.rpartition(".")[0]
    return None


def _walk(model: Model, prefix: str, sources: Mapping[str, str]) -> Iterator[Number]:
    told = meanings(type(model))
    for name in type(model).model_fields:
        key, value = prefix + name, getattr(model, name)
        if isinstance(value, Model):
            yield from _walk(value, key + ".", sources)
        elif isinstance(value, Mapping | list):
            named = value.items() if isinstance(value, Mapping) else enumerate(value)
            for inner, member in named:
                if isinstance(member, Model):
                    yield from _walk(member, f"{key}.{inner}.", sources)
                elif isinstance(member, float):
                    yield Number(
                        f"{key}.{inner}", member, unit_of(key), source_of(key, sources), True, told.get(name, "")
                    )
        elif isinstance(value, int | float) and not isinstance(value, bool):
            given = name in model.model_fields_set
            yield Number(key, value, unit_of(key), source_of(key, sources), given, told.get(name, ""))

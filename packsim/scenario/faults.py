"""Pydantic's errors as lines for people: `file:line: key: given ...; allowed: ...`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from packsim.scenario import keys
from packsim.scenario.base import RULE
from packsim.scenario.document import Node, dotted, show
from packsim.scenario.suggest import meant

Path = tuple[str, ...]


class Place(NamedTuple):
    """Where a key was written (line 0: nowhere in a file) and what was written there."""

    line: int
    given: str


class Fault(NamedTuple):
    """One fault at a key."""

    line: int
    key: str
    text: str

    def __str__(self) -> str:
        return f"{self.key}: {self.text}" if self.key else self.text


_NAME = "a name of up to 40 small letters, digits and _, with a letter first"
Lookup = Callable[[Path], Place | None]


def in_document(root: Node) -> Lookup:
    """Look keys up in a file that was read."""

    def place(path: Path) -> Place | None:
        node = root
        for name in path:
            if name not in node.entries:
                return None
            node = node.entries[name]
        return Place(node.line, node.given)

    return place


def in_values(values: Mapping[str, Any]) -> Lookup:
    """Look keys up in plain nested dictionaries, which have no lines."""

    def place(path: Path) -> Place | None:
        value: Any = values
        for name in path:
            if isinstance(value, (list, tuple)) and name.isdigit() and int(name) < len(value):
                value = value[int(name)]
            elif isinstance(value, Mapping) and name in value:
                value = value[name]
            else:
                return None
        return Place(0, show(value))

    return place


def faults(error: ValidationError, model: type[BaseModel], place: Lookup) -> list[Fault]:
    """Every error of a validation of `model`, placed and in words, in the order of the lines."""
    found = [_fault(details, model, place) for details in error.errors(include_url=False)]
    return sorted(dict.fromkeys(found), key=lambda fault: fault.line)


def nearest_line(path: Path, place: Lookup) -> int:
    """Line of the key at `path`, or of the innermost block around it that was written."""
    while path:
        here = place(path)
        if here is not None:
            return here.line
        path = path[:-1]
    root = place(())
    return 0 if root is None else root.line


def unknown(path: Path, model: type[BaseModel]) -> str:
    """The line for a key that does not exist: what its block allows and which key was probably meant."""
    while len(path) > 1 and keys.find(model, path[:-1]) is None:
        path = path[:-1]  # blame the first part that does not exist
    block = keys.find(model, path[:-1])
    names = [] if block is None else list(keys.children(keys.schema(model), block))
    near = meant(path[-1], names, keys.dotted(model))
    tail = f"; did you mean {near}?" if near else ""
    return f"given an unknown key; allowed: {', '.join(names) or 'nothing below a plain value'}{tail}"


def _fault(details: ErrorDetails, model: type[BaseModel], place: Lookup) -> Fault:
    path = tuple(str(part) for part in details["loc"])
    if path[-1:] == ("[key]",):  # pydantic's mark for the name of an entry itself
        return Fault(nearest_line(path[:-1], place), dotted(path[:-1]), f"given a name like this; allowed: {_NAME}")
    key = dotted(path)
    here = place(path)
    line = nearest_line(path, place)
    if details["type"] == "extra_forbidden":
        return Fault(line, key, unknown(path, model))
    default = None if details["type"] == "missing" else details["input"]
    given = here.given if here else ("nothing" if default is None else f"nothing (default {show(default)})")
    context = details.get("ctx", {})
    if details["type"] == RULE:
        return Fault(line, key, f"given {context['given'] or given}; allowed: {context['allowed']}")
    known = keys.find(model, path) is not None
    return Fault(line, key, f"given {given}; allowed: {keys.allowed(model, path) if known else details['msg']}")

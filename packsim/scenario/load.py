"""A scenario file becomes a `Scenario`, or one line for each of its faults."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import ValidationError

from packsim.scenario.cell import absent, absent_files
from packsim.scenario.document import Node, Refused, read
from packsim.scenario.errors import ScenarioError
from packsim.scenario.faults import Fault, faults, in_document, nearest_line
from packsim.scenario.model import Scenario
from packsim.scenario.suggest import hint

MAX_BYTES = 1_000_000
_A_FILE = "allowed: a scenario file (YAML)"


def load(path: str | os.PathLike[str]) -> Scenario:
    """Read a scenario from a YAML file; file names in it are relative to it.

    Raises:
        ScenarioError: with all faults of the file, one line each.
    """
    name = os.fspath(path)
    text = _text(name)
    try:
        root, problems = read(text)
    except Refused as refused:
        raise ScenarioError([f"{name}:{refused.line}: {refused.text}"]) from refused
    if not isinstance(root.value, dict):
        what = "an empty file" if root.value is None else f"{root.given} at the top level"
        raise ScenarioError(
            [f"{name}:{root.line}: given {what}; allowed: `key: value`, at least name, cell, line, pack"]
        )
    found = [Fault(line, "", problem) for line, problem in problems]
    scenario = None
    try:
        scenario = Scenario.model_validate(root.value)
    except ValidationError as error:
        found += faults(error, Scenario, in_document(root))
    found += _missing(root, Path(name).parent)
    if scenario is not None:
        place = in_document(root)
        lost = absent(scenario.files(), Path(name).parent)
        found += [Fault(nearest_line(tuple(key.split(".")), place), key, text) for key, text in lost.items()]
    if scenario is None or found:
        raise ScenarioError([f"{name}:{fault.line}: {fault}" for fault in sorted(found, key=lambda each: each.line)])
    scenario._path = Path(name)
    return scenario


def _missing(root: Node, folder: Path) -> list[Fault]:
    """Files that the cell names and that are not there; also in a scenario that has other faults."""
    cell = root.entries.get("cell")
    if cell is None:
        return []
    return [
        Fault(cell.entries[key].line, f"cell.{key}", text) for key, text in absent_files(cell.value, folder).items()
    ]


def _text(name: str) -> str:
    path = Path(name)
    try:
        if path.is_dir():
            raise ScenarioError([f"{name}: given a folder; {_A_FILE}"])
        if not path.exists():
            raise ScenarioError([f"{name}: given a file that does not exist; {_A_FILE}{_neighbour(path)}"])
        if not path.is_file():  # reading a pipe or a device could wait for ever
            raise ScenarioError([f"{name}: given something that is no regular file; {_A_FILE}"])
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ScenarioError([f"{name}: given a file that cannot be read ({error.strerror}); {_A_FILE}"]) from error
    if len(data) > MAX_BYTES:
        raise ScenarioError(
            [f"{name}: given more than {MAX_BYTES} bytes; allowed: a scenario file of up to {MAX_BYTES}"]
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ScenarioError(
            [f"{name}:{line}: given bytes that are no UTF-8; allowed: a text file (YAML, UTF-8)"]
        ) from error


def _neighbour(path: Path) -> str:
    try:
        files = [other.name for other in path.parent.iterdir() if other.suffix in (".yaml", ".yml")]
    except OSError:
        return ""
    return hint(path.name, sorted(files))

"""JSON Schema of scenario files, for editors: completion, units and limits while typing."""

from __future__ import annotations

import copy
import json
import os
from pathlib import Path
from typing import Any

from packsim.scenario import keys
from packsim.scenario.model import Scenario
from packsim.scenario.units import OF_PARENT, unit_of

FILE_NAME = "scenario.schema.json"


def json_schema() -> dict[str, Any]:
    """The models' JSON Schema; numbers carry `x-unit` and the unit in their description. Always the same order."""
    body = copy.deepcopy(keys.schema(Scenario))
    for block in (body, *body["$defs"].values()):
        for name, node in block.get("properties", {}).items():
            node.pop("title", None)  # pydantic repeats the key in title case
            if keys.resolve(body, node).get("type") in ("number", "integer") and name not in OF_PARENT:
                node["x-unit"] = unit_of(name)
                node["description"] = f"{node.get('description', '')} [{node['x-unit']}]".strip()
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "urn:packsim:scenario"}
    return head | {"title": "packsim scenario"} | {key: value for key, value in body.items() if key != "title"}


def schema_text() -> str:
    """The schema as the text of `scenario.schema.json`."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def write_schema(path: str | os.PathLike[str]) -> None:
    """Write the schema to `path`, whole or not at all.

    Raises:
        OSError: the file cannot be written.
    """
    target = Path(path)
    draft = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        draft.write_text(schema_text(), encoding="utf-8", newline="\n")
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)

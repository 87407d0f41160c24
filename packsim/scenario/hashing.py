"""Which scenarios give the same results."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection

from packsim.scenario.cell import FILE_KEYS
from packsim.scenario.model import Scenario

NOT_IN_RESULTS = frozenset({"name", "description", "sources"})


def scenario_hash(scenario: Scenario, parts: Collection[str] | None = None) -> str:
    """SHA-256 (hex) of everything that affects results, defaults spelled out; of named files the content, not the name.

    Args:
        parts: top-level keys that are looked at, "cell" among them; default: all. Files count in any case.

    Raises:
        OSError: a file that the scenario names cannot be read.
    """
    include = None if parts is None else set(parts)
    data = scenario.model_dump(mode="json", include=include, exclude=set(NOT_IN_RESULTS))
    for key in FILE_KEYS:
        name = data["cell"][key]
        if name is not None:
            data["cell"][key] = hashlib.sha256(scenario.file(name).read_bytes()).hexdigest()
    files = {
        key: hashlib.sha256(scenario.file(name).read_bytes()).hexdigest() for key, name in scenario.files().items()
    }
    if files:
        data["files"] = files
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()

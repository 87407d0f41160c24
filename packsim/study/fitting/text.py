"""Plain values as the text of a scenario file."""

from __future__ import annotations

import json
import re
from typing import Any

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def scenario_text(data: dict[str, Any], source: str) -> str:
    """YAML that loads as the scenario of these values."""
    head = [f"# A line {source.splitlines()[0]}." if source.isprintable() else "# A fitted line."]
    return (
        "\n".join(
            [
                *head,
                "# docs/fit.md explains what was fitted and what cannot be known from such data.",
                *_lines(data, ""),
            ]
        )
        + "\n"
    )


def _lines(values: dict[str, Any], indent: str) -> list[str]:
    out = []
    for key, value in values.items():
        name = key if re.fullmatch(r"[A-Za-z][A-Za-z0-9_.]*", key) else json.dumps(key, ensure_ascii=False)
        if isinstance(value, dict) and value:
            out += [f"{indent}{name}:", *_lines(value, indent + "  ")]
        elif isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
            rows = (", ".join(f"{k}: {_scalar(v)}" for k, v in each.items()) for each in value)
            out += [f"{indent}{name}:", *(f"{indent}  - {{{row}}}" for row in rows)]
        else:
            out.append(f"{indent}{name}: {_scalar(value)}")
    return out


def _scalar(value: Any) -> str:
    words = ("true", "false", "null", "yes", "no", "on", "off")
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in words:
        return value
    return json.dumps(value, ensure_ascii=False)

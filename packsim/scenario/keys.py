"""The keys of a scenario and what each allows, read from the models' JSON Schema."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from functools import cache
from typing import Any, get_args

from pydantic import BaseModel

from packsim.scenario.meanings import meanings

Schema = dict[str, Any]
_BOUNDS = {"exclusiveMinimum": "> {}", "minimum": ">= {}", "exclusiveMaximum": "< {}", "maximum": "<= {}"}
_NOUNS = {"number": "a number", "integer": "a whole number", "string": "text", "boolean": "true or false"}


@cache
def schema(model: type[BaseModel]) -> Schema:
    """JSON Schema of a model. One shared copy: do not write into it."""
    root = copy.deepcopy(_bare(model))
    for name, each in _models(model).items():
        block = root if each is model else root["$defs"][name]
        fields, told = block.get("properties", {}), meanings(each)
        for field in fields.keys() & told.keys():
            fields[field] = dict(sorted({**fields[field], "description": told[field]}.items()))  # as pydantic orders
    return root


@cache
def _bare(model: type[BaseModel]) -> Schema:
    """The schema without what fields mean, which every scenario's keys are looked up in."""
    return model.model_json_schema()


def _models(model: type[BaseModel]) -> dict[str, type[BaseModel]]:
    """A model and all that it is made of, by their names in its schema."""
    found: dict[str, type[BaseModel]] = {}

    def walk(annotation: Any) -> None:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            if annotation.__name__ not in found:
                found[annotation.__name__] = annotation
                for info in annotation.model_fields.values():
                    walk(info.annotation)
        else:
            for part in get_args(annotation):
                walk(part)

    walk(model)
    return found


def resolve(root: Schema, node: Schema) -> Schema:
    """`node` without references and without the alternative null."""
    if "$ref" in node:
        return resolve(root, root["$defs"][node["$ref"].rpartition("/")[2]])
    if "anyOf" in node:
        return resolve(root, next(option for option in node["anyOf"] if option.get("type") != "null"))
    return node


def children(root: Schema, node: Schema) -> dict[str, Schema]:
    """The keys of a block, in the order in which they are declared; none if `node` is no block."""
    properties: dict[str, Schema] = resolve(root, node).get("properties", {})
    return properties


def find(model: type[BaseModel], path: Sequence[str]) -> Schema | None:
    """Schema of the key at `path`, None if there is no such key."""
    root = _bare(model)
    node = root
    for name in path:
        inner = children(root, node)
        free = _of_any_name(resolve(root, node))
        if name in inner:
            node = inner[name]
        elif free is not None:
            node = free
        else:
            return None
    return node


def _of_any_name(block: Schema) -> Schema | None:
    """Schema of the values of a block whose keys are free, or of the members of a list."""
    patterns: Schema = block.get("patternProperties", {})
    for free in (block.get("additionalProperties"), *patterns.values(), block.get("items")):
        if isinstance(free, dict):
            return free
    return None


@cache
def dotted(model: type[BaseModel]) -> tuple[str, ...]:
    """All dotted keys of a model, blocks before their contents."""
    root = _bare(model)

    def walk(node: Schema, prefix: str) -> list[str]:
        return [
            key
            for name, child in children(root, node).items()
            for key in (prefix + name, *walk(child, f"{prefix}{name}."))
        ]

    return tuple(walk(root, ""))


def allowed(model: type[BaseModel], path: Sequence[str]) -> str:
    """What may stand at `path`, in words: `a number > 0 and <= 5`. Raises KeyError if there is no such key."""
    node = find(model, path)
    if node is None:
        raise KeyError(".".join(path))
    words = _words(_bare(model), node)
    optional = any(option.get("type") == "null" for option in node.get("anyOf", ()))
    return f"{words}, or leave it out" if optional else words


def _words(root: Schema, node: Schema) -> str:
    node = resolve(root, node)
    if "enum" in node:
        return "one of " + ", ".join(node["enum"])
    if node.get("type") == "object":
        names = ", ".join(node.get("properties", ()))
        if names:
            return f"a block with keys {names}"
        values = _of_any_name(node)
        if values is None or values.get("type") == "string":
            return "a block of `dotted.key: text`"
        return f"a block of `name: {_words(root, values).partition(' ')[2] or 'value'}`"
    if node.get("type") == "array":
        return f"a list, each {_words(root, _of_any_name(node) or {'type': 'string'})}"
    text = _NOUNS[node["type"]]
    if node.get("minLength"):
        text += f" of at least {node['minLength']} character"
    if "maxLength" in node:
        text += f" and at most {node['maxLength']} characters"
    bounds = [form.format(_plain(node[key])) for key, form in _BOUNDS.items() if key in node]
    return " ".join([text, " and ".join(bounds)]).rstrip()


def _plain(bound: float) -> str:
    return str(int(bound)) if bound == int(bound) else repr(bound)

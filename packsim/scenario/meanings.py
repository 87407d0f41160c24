"""What the fields of the models mean: the strings that stand below them in the source, read when somebody asks.

Pydantic can do the same (`use_attribute_docstrings`), but when a class is made: a quarter of a second of every command.
"""

from __future__ import annotations

import ast
import contextlib
import inspect
import sys
from collections.abc import Mapping
from functools import cache

from pydantic import BaseModel


@cache
def meanings(model: type[BaseModel]) -> Mapping[str, str]:
    """Field -> what it means, for every field that says it, also those of the classes that `model` is made from."""
    found: dict[str, str] = {}
    for each in reversed(model.__mro__):
        own = _of_module(each.__module__).get(each.__qualname__, {})
        for name in vars(each).get("__annotations__", {}):
            found.pop(name, None)  # declared anew
        found.update(own)
    told = {name: info.description for name, info in model.model_fields.items() if info.description}
    return {**{name: text for name, text in found.items() if name in model.model_fields}, **told}


@cache
def _of_module(name: str) -> dict[str, dict[str, str]]:
    """Class -> field -> the string below it; nothing where there is no source."""
    with contextlib.suppress(OSError, TypeError, KeyError):
        tree = ast.parse(inspect.getsource(sys.modules[name]))
        return {node.name: _of_class(node) for node in tree.body if isinstance(node, ast.ClassDef)}
    return {}


def _of_class(node: ast.ClassDef) -> dict[str, str]:
    found = {}
    for field, below in zip(node.body[:-1], node.body[1:], strict=True):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(below, ast.Expr):
            text = below.value.value if isinstance(below.value, ast.Constant) else None
            if isinstance(text, str):
                found[field.target.id] = inspect.cleandoc(text)
    return found

"""What all scenario models share: frozen, no unknown keys, no guessed types, finite numbers; and how rules fail."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError


class Model(BaseModel):
    """A part of a scenario. Units are the suffixes of the keys; what fields mean stands below them, see `meanings`."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        validate_default=True,
    )


Share = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[float, Field(gt=0.0)]
NotNegative = Annotated[float, Field(ge=0.0)]
Percent = Annotated[float, Field(ge=0.0, le=100.0)]
Count = Annotated[int, Field(ge=1, le=1_000_000_000)]

RULE = "rule"


def broken(path: tuple[str, ...], value: object, allowed: str, given: str = "") -> InitErrorDetails:
    """One broken rule, located at `path` below the validated value; `given` is shown instead of the value itself."""
    error = PydanticCustomError(RULE, "allowed: {allowed}", {"allowed": allowed, "given": given})
    return InitErrorDetails(type=error, loc=path, input=value)


def refuse(title: str, faults: list[InitErrorDetails]) -> None:
    """Raise pydantic's ValidationError for all `faults` together, each at its own location; nothing without faults."""
    if faults:
        raise ValidationError.from_exception_data(title, faults)


def require_names(kind: str, names: Iterable[str], known: tuple[str, ...]) -> None:
    """Refuse keys of a block that are not the names of a trait, a defect ..., each at its own place."""
    wrong = [name for name in names if name not in known]
    refuse(kind, [broken((name,), name, ", ".join(known), f"an unknown {kind}") for name in wrong])


def require(model: Model, *rules: tuple[bool, str, str]) -> None:
    """Check rules between keys of `model`: (holds, dotted key to blame or "" for the block, what is allowed there).

    Raises:
        ValidationError: one located error for each rule that does not hold.
    """
    faults = []
    for holds, key, allowed in rules:
        if not holds:
            path = tuple(key.split(".")) if key else ()
            value: Any = model
            for name in path:
                value = value.get(name) if isinstance(value, dict) else getattr(value, name)
            faults.append(broken(path, value, allowed))
    refuse(type(model).__name__, faults)

"""What stands below a field is what it means, also for fields of the classes that a model is made from."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, create_model

from packsim.scenario.line import Step, Steps
from packsim.scenario.meanings import meanings


class First(BaseModel):
    a: int = 1
    """One line."""
    b: int = 2
    """Two
    lines."""
    c: int = Field(default=3, description="Said in the field.")
    d: int = 4


class Second(First):
    b: int = 5
    d: int = 6
    """Said only here."""


class ByPydantic(First):
    model_config = ConfigDict(use_attribute_docstrings=True)
    e: int = 1
    """As pydantic
    reads it."""


def test_what_stands_below_a_field() -> None:
    assert meanings(First) == {"a": "One line.", "b": "Two\nlines.", "c": "Said in the field."}


def test_declared_anew_it_means_what_is_said_there() -> None:
    assert meanings(Second) == {"a": "One line.", "c": "Said in the field.", "d": "Said only here."}


def test_models_made_by_a_call_have_those_of_their_base() -> None:
    made = create_model("Made", __base__=First, f=(int, Field(default=1, description="Said in the call.")))
    assert meanings(made) == {**meanings(First), "f": "Said in the call."}
    assert meanings(Steps.model_fields["winding"].annotation).items() >= meanings(Step).items()


def test_as_pydantic_does_it() -> None:
    assert meanings(ByPydantic)["e"] == ByPydantic.model_fields["e"].description == "As pydantic\nreads it."


def test_without_source_nothing_is_known() -> None:
    space: dict[str, object] = {"__name__": "nowhere"}
    exec("from pydantic import BaseModel\nclass M(BaseModel):\n    a: int = 1\n    'text'", space)
    assert meanings(space["M"]) == {}  # type: ignore[arg-type]

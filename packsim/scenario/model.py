"""The whole scenario: one frozen object per file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from numbers import Integral, Real
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, PrivateAttr, ValidationError, model_validator

from packsim.scenario import keys
from packsim.scenario.base import Count, Model, broken, refuse, require
from packsim.scenario.cell import CellModel, absent, absent_files
from packsim.scenario.document import dotted
from packsim.scenario.errors import ScenarioError
from packsim.scenario.faults import faults, in_values, unknown
from packsim.scenario.inspection import InspectionModel
from packsim.scenario.life import LifeModel
from packsim.scenario.line import LineModel
from packsim.scenario.pack import PackModel, VerdictModel
from packsim.scenario.suggest import hint
from packsim.scenario.yields import QualificationModel

MAX_SLOTS = 2**31
"""Places in a block: they are counted in 32 bits."""


def _known(sources: dict[str, str]) -> dict[str, str]:
    known = [key for key in keys.dotted(Scenario) if key != "sources"]
    wrong = sorted(key for key in set(sources) - set(known) if not _named(key))
    allowed = "a dotted key of the scenario, or a block to cover all in it"
    refuse("sources", [broken((key,), key, allowed + hint(key, known), "an unknown key") for key in wrong])
    return sources


def _named(key: str) -> bool:
    """Whether a key that is no fixed one lies in a block whose names are the user's own."""
    return not key.startswith("sources") and keys.find(Scenario, key.split(".")) is not None


class Scenario(Model):
    """A factory, its cells, its packs and what is asked of them."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    """Name shown in reports."""
    description: str = ""
    """What the scenario stands for."""
    seed: Annotated[int, Field(ge=0, lt=2**64)] = 2015
    """Seed of every random number; two scenarios with one seed share their luck."""
    packs: Count = 200
    """Packs to build."""
    packs_per_block: Count = 10
    """Packs built from one grading buffer (block), fewer in the last; a lot may span several blocks."""
    max_candidates: Annotated[int, Field(ge=1, le=10_000)] = 100
    """Cells tried for one place in a pack before the run is refused."""
    cell: CellModel
    line: LineModel
    inspection: InspectionModel = Field(default_factory=InspectionModel)
    qualification: QualificationModel | None = None
    pack: PackModel
    verdict: VerdictModel = Field(default_factory=VerdictModel)
    life: LifeModel | None = None
    """Years in the field (`packsim run --life`)."""
    sources: Annotated[dict[str, Annotated[str, Field(min_length=1)]], AfterValidator(_known)] = Field(
        default_factory=dict
    )
    """Where numbers come from: dotted key -> source. Numbers without an entry are reported as assumed."""

    _path: Path | None = PrivateAttr(default=None)

    @property
    def slots_per_block(self) -> int:
        """Places for cells in one block, spare ones included (grading.whole_packs)."""
        per_pack = self.pack.series * self.pack.parallel
        return self.packs_per_block * per_pack + self.inspection.grading.spare_cells(self.packs_per_block, per_pack)

    @model_validator(mode="after")
    def _blocks_fit_addresses(self) -> Scenario:
        slots = self.slots_per_block
        require(
            self,
            (slots <= MAX_SLOTS, "packs_per_block", f"at most {MAX_SLOTS} cells in a block, which here has {slots}"),
        )
        return self

    def file(self, name: str) -> Path:
        """Path of a file that the scenario names, which is relative to the scenario's own file."""
        return Path(name) if self._path is None else self._path.parent / name

    def files(self) -> dict[str, str]:
        """Files that the line and the pack name: dotted key -> name."""
        return {**self.line.files(), **self.pack.files()}

    def updated(self, changes: Mapping[str, Any]) -> Scenario:
        """A copy with other values at dotted keys, validated again. `{"pack.series": 12}`.

        A value may be a block (a dict or a model); None takes an optional key away.

        Raises:
            ScenarioError: one line for each unknown key, or for each value or combination that is not allowed.
        """
        data = self.model_dump(exclude_unset=True)
        lines = []
        for key, value in changes.items():
            first, _, rest = key.partition(".")
            path = (first, rest) if first == "sources" and rest else tuple(key.split("."))
            if keys.find(Scenario, path) is None:
                lines.append(f"updated: {dotted(path)}: {unknown(path, Scenario)}")
            else:
                _put(data, path, _plain(value))
        if lines:
            raise ScenarioError(lines)
        try:
            scenario = Scenario.model_validate(data)
        except ValidationError as error:
            raise ScenarioError([f"updated: {fault}" for fault in faults(error, Scenario, in_values(data))]) from error
        if self._path is not None and (gone := absent_files(data["cell"], self._path.parent)):
            raise ScenarioError([f"updated: cell.{key}: {text}" for key, text in gone.items()])
        if self._path is not None and (lost := absent(scenario.files(), self._path.parent)):
            raise ScenarioError([f"updated: {key}: {text}" for key, text in lost.items()])
        scenario._path = self._path
        return scenario


def _put(data: dict[str, Any], path: tuple[str, ...], value: object) -> None:
    for name in path[:-1]:
        if not isinstance(data.get(name), dict):
            data[name] = {}
        data = data[name]
    data[path[-1]] = value


def _plain(value: Any) -> Any:
    """NumPy's numbers, paths and models as what a file would hold; everything else is left to the validation."""
    if isinstance(value, Model):
        return value.model_dump(exclude_unset=True)
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, bool):
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value)
    return os.fspath(value) if isinstance(value, os.PathLike) else value

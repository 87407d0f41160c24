"""The whole scenario: one frozen object per file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, PrivateAttr, model_validator

from packsim.scenario.base import Count, Model
from packsim.scenario.cell import CellModel
from packsim.scenario.inspection import InspectionModel
from packsim.scenario.line import LineModel
from packsim.scenario.pack import PackModel, VerdictModel
from packsim.scenario.yields import QualificationModel


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
    """Packs built from one grading buffer (block), fewer in the last; blocks are independent unless a lot spans several."""
    max_candidates: Annotated[int, Field(ge=1, le=10_000)] = 100
    """Cells tried for one place in a pack before the run is refused."""
    cell: CellModel
    line: LineModel
    inspection: InspectionModel = Field(default_factory=InspectionModel)
    qualification: QualificationModel | None = None
    pack: PackModel
    verdict: VerdictModel = Field(default_factory=VerdictModel)
    sources: dict[str, str] = Field(default_factory=dict)
    """Where numbers come from: dotted key -> source. Numbers without an entry are reported as assumed."""

    _path: Path | None = PrivateAttr(default=None)

    @property
    def slots_per_block(self) -> int:
        """Places for cells in one block."""
        return self.packs_per_block * self.pack.series * self.pack.parallel

    @model_validator(mode="after")
    def _lots_fit_blocks(self) -> Scenario:
        lot, slots = self.line.supplier_lot_cells, self.slots_per_block
        if lot < slots and slots % lot:
            raise ValueError(f"line.supplier_lot_cells {lot} must divide the {slots} cells of a block, or be a multiple of them")
        if lot >= slots and lot % slots:
            raise ValueError(f"line.supplier_lot_cells {lot} must be a multiple of the {slots} cells of a block")
        return self

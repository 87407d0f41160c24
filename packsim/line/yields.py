"""What a line loses on the way: materials used for pieces that were scrapped, trimmed or rejected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from packsim.scenario.line import LineModel
from packsim.scenario.traits import STEPS


class MaterialUse(NamedTuple):
    """One material, in units of what one cell holds."""

    material: str
    used: float
    in_good_cells: float

    @property
    def loss_pct(self) -> float:
        """Share of what was used that is not in good cells."""
        return 100.0 * (1.0 - self.in_good_cells / self.used) if self.used > 0.0 else 0.0


def material_use(model: LineModel, starts: int, scrapped: Mapping[str, int], good: int) -> list[MaterialUse]:
    """Use of every material by `starts` cells, of which `scrapped` ended at inspected steps and `good` ship.

    A piece scrapped in the branch of one electrode used that electrode's material only, and nothing of the other one;
    one scrapped before its material is added used none. Yields of material along a branch multiply.
    """
    order = model.ordered()
    names = [name for name, _ in order]
    branch = {name: STEPS[name].branch if name in STEPS else step.branch for name, step in order}
    uses = []
    for name in names:
        material = STEPS[name].material if name in STEPS else ""
        if not material:
            continue
        own = branch[name]
        spared = sum(
            count
            for step, count in scrapped.items()
            if names.index(step) < names.index(name) or (branch[step] != own and branch[step] != "cell")
        )
        kept = 1.0
        for step, settings in order:
            if names.index(step) >= names.index(name) and branch[step] in (own, "cell"):
                kept *= settings.material_yield_pct / 100.0
        uses.append(MaterialUse(material, (starts - spared) / kept, float(good)))
    return uses

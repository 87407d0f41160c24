"""What was seen in the packs of a run, with the cell it was seen at and where that cell came from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from packsim.cell.cells import Cells
from packsim.line.defects import DEFECTS, defect_names
from packsim.pack.duty.words import PLACE, SEEN
from packsim.pack.fleet.plan import FleetPlan
from packsim.verdict.causes import OF_SIGHTING

if TYPE_CHECKING:
    import pandas as pd

Columns = dict[str, npt.NDArray[np.generic]]
COLUMNS = (
    "pack", "time_s", "code", "place", "value", "group", "cell_slot", "cell_candidate", "cell_lot", "cell_defect",
)  # fmt: skip
WORDS = ("seen", "at", "verdict", "cell_defect", "made_at")
STEP_OF = {defect.name: defect.step for defect in DEFECTS}


def sightings(
    plan: FleetPlan, seen: npt.NDArray[np.void], cells: Cells, order: npt.NDArray[np.int64], first_pack: int
) -> Columns:
    """Columns, one row a fault found or contactors opened, in the order of packs and times.

    Args:
        seen: of the packs of a block (packsim.pack.duty.run.SEEN); order: cell at each position [pack, position].
    """
    seen = seen[np.isin(seen["code"], list(OF_SIGHTING))]
    pack, place = seen["pack"], seen["place"].astype(np.int64)
    at_cell = np.array([PLACE[int(code)] == "cell" for code in seen["code"]], bool)
    by_group = plan.kinds[plan.own] == "every_group"
    at_group = np.array([PLACE[int(code)] == "sensor" for code in seen["code"]], bool) & by_group
    cell = order[pack, np.where(at_cell, place, 0)]
    group = np.where(at_cell, np.searchsorted(plan.first_cell, place, side="right") - 1, np.where(at_group, place, -1))
    return {
        "pack": first_pack + pack,
        "time_s": seen["time_s"],
        "code": seen["code"],
        "place": place,
        "value": seen["value"],
        "group": group,
        "cell_slot": np.where(at_cell, cells.address[cell, 1], -1),
        "cell_candidate": np.where(at_cell, cells.address[cell, 2], -1),
        "cell_lot": np.where(at_cell, cells.lot[cell], -1),
        "cell_defect": np.where(at_cell, cells.defect[cell], 0).astype(np.uint16),
    }


def nothing() -> pd.DataFrame:
    """No sightings."""
    whole, real = np.zeros(0, np.int64), np.zeros(0)
    return frame([{name: real if name in ("time_s", "value") else whole for name in COLUMNS}])


def frame(blocks: list[Columns]) -> pd.DataFrame:
    """Sightings in words, each with the step of the line that made the cell's defect, if it has one."""
    import pandas as pd

    table = pd.DataFrame({name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]})
    codes = [int(code) for code in table.pop("code")]
    table.insert(2, "seen", [SEEN[code] for code in codes])
    table.insert(3, "at", [PLACE[code] for code in codes])
    table.insert(4, "verdict", [OF_SIGHTING[code].name.lower() for code in codes])
    found = [defect_names(int(bits)) for bits in table["cell_defect"]]
    table["cell_defect"] = ["+".join(names) for names in found]
    table["made_at"] = ["+".join(dict.fromkeys(STEP_OF[name] for name in names)) for names in found]
    return table.astype(dict.fromkeys(WORDS, str))  # also where there are no rows to tell by

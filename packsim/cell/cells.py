"""Many as-built cells: what passes from the line to the test, to packs and to the verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from packsim.cell.traits import INDEX, TRAIT_NAMES

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

ADDRESS = ("block", "slot", "candidate")


@dataclass(frozen=True)
class Cells:
    """n as-built cells, structure of arrays.

    `address` int64[n, 3] (block, slot, candidate); `lot` int32[n]; `values` float64[trait, n] in the order of `TRAITS`,
    defects included; `defect` uint16[n], one bit per defect of `packsim.line.defects`, 0 for none; `scrapped` int8[n],
    the inspected step of the line that scrapped it, -1 if it reached the end; `rejected` uint32[n], a bit for each
    inspected step that did not pass it at first.
    """

    address: npt.NDArray[np.int64]
    lot: npt.NDArray[np.int32]
    values: npt.NDArray[np.float64]
    defect: npt.NDArray[np.uint16]
    scrapped: npt.NDArray[np.int8]
    rejected: npt.NDArray[np.uint32]

    @classmethod
    def at_the_end(
        cls,
        address: npt.NDArray[np.int64],
        lot: npt.NDArray[np.int32],
        values: npt.NDArray[np.float64],
        defect: npt.NDArray[np.uint16],
    ) -> Cells:
        """Cells that no in-line inspection has rejected."""
        return cls(address, lot, values, defect, np.full(lot.size, -1, np.int8), np.zeros(lot.size, np.uint32))

    def __len__(self) -> int:
        return int(self.lot.size)

    def take(self, index: npt.NDArray[np.int64]) -> Cells:
        """The cells at `index`, in that order."""
        return Cells(
            self.address[index],
            self.lot[index],
            np.take(self.values, index, axis=1),  # stays in rows: columns would be another type of array to compile for
            self.defect[index],
            self.scrapped[index],
            self.rejected[index],
        )

    def frame(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """One row a cell: address, lot, defect and traits, or only `columns` of them.

        Raises:
            KeyError: a column that does not exist.
        """
        import pandas as pd

        everything: dict[str, npt.NDArray[np.generic]] = {name: self.address[:, k] for k, name in enumerate(ADDRESS)}
        everything |= {"lot": self.lot, "defect": self.defect}
        everything |= {name: self.values[INDEX[name]] for name in TRAIT_NAMES}
        chosen = list(everything) if columns is None else list(columns)
        return pd.DataFrame({name: everything[name] for name in chosen})


def concatenate(parts: Sequence[Cells]) -> Cells:
    """Several groups of cells as one, in order."""
    return Cells(
        np.concatenate([part.address for part in parts]),
        np.concatenate([part.lot for part in parts]),
        np.concatenate([part.values for part in parts], axis=1),
        np.concatenate([part.defect for part in parts]),
        np.concatenate([part.scrapped for part in parts]),
        np.concatenate([part.rejected for part in parts]),
    )

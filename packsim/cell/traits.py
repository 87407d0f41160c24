"""As-built traits as arrays: rows in the order of `TRAITS` (declared in scenario/traits.py)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from packsim.scenario.traits import TRAIT_NAMES, TRAITS

__all__ = ["INDEX", "NOMINAL", "TRAITS", "TRAIT_NAMES", "trait_values"]

INDEX = {name: row for row, name in enumerate(TRAIT_NAMES)}
NOMINAL = np.array([trait.nominal for trait in TRAITS])
NOMINAL.setflags(write=False)


def trait_values(changes: dict[str, float] | None = None, cells: int = 1) -> npt.NDArray[np.float64]:
    """Trait array [trait, cell]: nominal but for `changes`.

    Raises:
        KeyError: a name that is not a trait.
    """
    values = np.repeat(NOMINAL[:, None], cells, axis=1)
    for name, value in (changes or {}).items():
        if name not in INDEX:
            raise KeyError(f"unknown trait {name!r}; traits are: {', '.join(INDEX)}")
        values[INDEX[name]] = value
    return values

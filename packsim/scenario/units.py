"""Units are the suffixes of names; this is the one table that says which."""

from __future__ import annotations

UNITS: dict[str, str] = {
    "ah": "A.h",
    "a": "A",
    "ma": "mA",
    "c_rate": "1/h",
    "days": "d",
    "degc": "degC",
    "h": "h",
    "j_per_k": "J/K",
    "k": "K",
    "kj_per_mol": "kJ/mol",
    "km": "km",
    "km_per_cycle": "km",
    "mohm": "mOhm",
    "msiemens_per_ah": "mS/(A.h)",
    "mv": "mV",
    "mv_per_day": "mV/d",
    "mv_per_k": "mV/K",
    "pct": "%",
    "pct_per_cycle": "%",
    "pct_per_k": "%/K",
    "ppm": "ppm",
    "s": "s",
    "ua": "uA",
    "v": "V",
    "w": "W",
    "w_per_k": "W/K",
    "wh": "W.h",
    "years": "years",
    # pure numbers that say so
    "bins": "1",
    "cells": "1",
    "cells_per_day": "1/d",
    "cells_per_row": "1",
    "cycles": "1",
    "cycles_per_week": "1/week",
    "exponent": "1",
    "channels": "1",
    "cpk": "1",
    "detects": "%",
    "effects": "1",
    "factor": "1",
    "gain": "1",
    "lanes": "1",
    "packs": "1",
    "ratio": "1",
    "repeat": "1",
    "scale": "1",
    "shape": "1",
    "share": "1",
    "sigmas": "1",
    "times": "1",
    "value": "1",
}
DIMENSIONLESS = frozenset(
    {"seed", "place", "pack", "packs_per_block", "max_candidates", "series", "parallel", "groups_per_module"}
)
OF_PARENT = frozenset({"nominal"})
"""Keys in the unit of the block that holds them: the nominal value of a trait is in the trait's unit."""


def suffix(name: str) -> str:
    """The longest suffix of `name` that is in the table, or "". `rest_days` -> `days`, `c_rate` -> `c_rate`."""
    found = [key for key in UNITS if name == key or name.endswith("_" + key)]
    return max(found, key=len, default="")


def unit_of(key: str) -> str:
    """Unit of a dotted key or of a name. `cell.capacity_ah` -> `A.h`.

    Raises:
        KeyError: the name has no suffix of the table and is not declared dimensionless.
    """
    parent, _, name = key.rpartition(".")
    if name in OF_PARENT and parent:
        return unit_of(parent)
    if name in DIMENSIONLESS:
        return "1"
    return UNITS[suffix(name)]

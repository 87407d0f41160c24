"""What can be counted of all packs of a run in one pass over its store, whatever their number."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pandas as pd

    from packsim.study.run import Result

BELOW = "over_discharged_"
HOTTEST, LOWEST = "hottest_cell_degc", "lowest_group_v"
LOWEST_PACK_ONLY = "lowest_group_pack_only_v"
FIRST = 40  # sightings


class PackCounts(NamedTuple):
    """Packs by what is said about them."""

    verdict: dict[str, int]
    roots: pd.DataFrame  # root, root_step, packs; most frequent first, then by name
    charge_limited: int  # the group that is full first costs more than the one that is empty first
    below: dict[str, npt.NDArray[np.int64]]  # column over_discharged_* -> [independent unit] packs
    packs: npt.NDArray[np.int64]  # [independent unit]
    extremes: dict[
        str, tuple[float, float]
    ]  # temperatures and lowest voltages: smallest, largest; only those there are

    @classmethod
    def of(cls, result: Result) -> PackCounts:
        """Count the packs of a run."""
        import pandas as pd

        names = list(next(result.iter_packs()).columns)
        below = [name for name in names if name.startswith(BELOW)]
        real = [name for name in (HOTTEST, LOWEST, LOWEST_PACK_ONLY) if name in names]
        verdicts: Counter[str] = Counter()
        roots: Counter[tuple[str, str]] = Counter()
        charge_limited, units = 0, len(result.sums)
        counts = {name: np.zeros(units, np.int64) for name in ("", *below)}
        ends = dict.fromkeys(real, (np.inf, -np.inf))
        columns = ["block", "verdict", "root", "root_step", "weakest_limits", *below, *real]
        for part in result.iter_packs(columns):
            verdicts.update(part["verdict"])
            roots.update(zip(part["root"], part["root_step"], strict=True))
            charge_limited += int((part["weakest_limits"] == "charge").sum())
            unit = part["block"].to_numpy(np.int64) // result.plans.line.blocks_per_lot
            counts[""] += np.bincount(unit, minlength=units)
            for name in below:
                counts[name] += np.bincount(unit[part[name].to_numpy(bool)], minlength=units)
            for name in real:
                values = part[name].to_numpy(float)
                if not np.isnan(values).all():
                    ends[name] = (min(ends[name][0], np.nanmin(values)), max(ends[name][1], np.nanmax(values)))
        roots.pop(("", ""), None)
        rows = sorted(((*root, packs) for root, packs in roots.items()), key=lambda row: (-row[2], row[:2]))
        return cls(
            verdict=dict(verdicts),
            roots=pd.DataFrame(rows, columns=["root", "root_step", "packs"]),
            charge_limited=charge_limited,
            below={name: counts[name] for name in below},
            packs=counts[""],
            extremes={name: (float(low), float(high)) for name, (low, high) in ends.items() if low <= high},
        )


class SeenCounts(NamedTuple):
    """What was seen in the packs of a run."""

    rows: int
    packs: int  # in which something was seen
    by_kind: dict[str, int]  # packs, in the order in which kinds were first seen
    first: pd.DataFrame  # the first rows

    @classmethod
    def of(cls, result: Result) -> SeenCounts:
        """Count, and keep the first 40 rows."""
        import pandas as pd

        rows, packs = 0, 0
        kinds: Counter[str] = Counter()
        first: list[pd.DataFrame] = []
        for part in result.iter_sightings():  # all rows of a pack are in one part
            if rows < FIRST:
                first.append(part.head(FIRST - rows))
            rows += len(part)
            packs += int(part["pack"].nunique())
            kinds.update({str(kind): int(n) for kind, n in part.groupby("seen", sort=False)["pack"].nunique().items()})
        return cls(rows, packs, dict(kinds), pd.concat(first, ignore_index=True))

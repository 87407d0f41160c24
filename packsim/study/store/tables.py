"""Blocks as the tables that stores keep: `blocks` (one row a block), `packs` and `sightings`, in words."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from packsim.line.defects import defect_names
from packsim.study.block import ROOTS, BlockResult
from packsim.study.metrics import SUMS
from packsim.verdict.causes import Verdict

if TYPE_CHECKING:
    import pandas as pd

    from packsim.study.store.arrow import Column

# arrays of a block, with all sizes but the last
LISTS = {"steps_in_line": (3,), "causes": (), "defects": (2,), "histograms": (2,), "candidate": ()}
SMALL = ("block", *SUMS, "steps", "simulated_s", *(name for name in LISTS if name != "candidate"))
LIMITS = ("", "charge", "discharge")


def packs_frame(blocks: Iterable[BlockResult]) -> pd.DataFrame:
    """One row a pack, with words for codes."""
    import pandas as pd

    parts = [block.packs for block in blocks]
    frame = pd.DataFrame({name: np.concatenate([part[name] for part in parts]) for name in parts[0]})
    frame["verdict"] = [Verdict(v).name.lower() for v in frame["verdict"]]
    frame["weakest_limits"] = [LIMITS[k + 1] for k in frame["weakest_limits"]]
    roots = [ROOTS[k] if k >= 0 else ("", "") for k in frame["root"]]
    frame["root"] = [trait for trait, _ in roots]
    frame.insert(list(frame.columns).index("root") + 1, "root_step", [step for _, step in roots])
    frame["weakest_cell_defect"] = [joined_defects(bits) for bits in frame["weakest_cell_defect"]]
    return frame


def joined_defects(bits: int) -> str:
    """Names of the defects whose bits are set, joined by '+'; empty for none."""
    return "+".join(defect_names(int(bits)))


def small(block: BlockResult) -> dict[str, Any]:
    """What of a block is not one row a pack or a sighting."""
    return {name: getattr(block, name) for name in (*LISTS, "sums", "steps", "simulated_s")}


def blocks_columns(blocks: Mapping[int, BlockResult]) -> dict[str, Column | list[Column]]:
    """One row a block: its number, its sums by name, and its arrays as lists."""
    order = sorted(blocks)
    sums = np.array([blocks[number].sums for number in order])
    return {
        "block": np.array(order, np.int64),
        **{name: sums[:, k] for k, name in enumerate(SUMS)},
        "steps": np.array([blocks[number].steps for number in order], np.int64),
        "simulated_s": np.array([blocks[number].simulated_s for number in order], float),
        **{name: [getattr(blocks[number], name).ravel() for number in order] for name in LISTS},
    }


def smalls(columns: Mapping[str, Column | list[Column]]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Number and small arrays of each block, from columns SMALL or more of `blocks_columns`."""
    sums = np.stack([np.asarray(columns[name], float) for name in SUMS], axis=1)
    for row, number in enumerate(np.asarray(columns["block"], np.int64)):
        found = {"sums": sums[row], "steps": columns["steps"][row], "simulated_s": columns["simulated_s"][row]}
        for name in LISTS.keys() & columns.keys():
            flat = np.asarray(columns[name][row])
            found[name] = flat.reshape(*LISTS[name], flat.size // math.prod(LISTS[name]))
        yield int(number), found


def chosen(frame: pd.DataFrame, columns: Sequence[str] | None) -> pd.DataFrame:
    """A frame, or only some of its columns."""
    return frame if columns is None else frame[list(columns)]


def blocks_frame(blocks: Mapping[int, BlockResult]) -> pd.DataFrame:
    """`blocks_columns` as a frame."""
    import pandas as pd

    return pd.DataFrame(blocks_columns(blocks))

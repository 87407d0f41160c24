"""How cells are joined: `96s12p`, `2p96s1p`, `2p(8s(12s4p))`, and the resistances of the joints.

Read from the outside in: `2p(8s(12s4p))` is two strings in parallel, each of eight modules in series, each of twelve
groups in series, each of four cells in parallel. Brackets may be left out. The last pair is made of cells.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from packsim.scenario.base import Model, NotNegative

MOST_CELLS = 1_000_000
_PAIR = re.compile(r"(\d+)\s*([sSpP])")


class Level(NamedTuple):
    """`count` parts in series ("s") or in parallel ("p")."""

    count: int
    way: str


class TopologyError(ValueError):
    """A description that cannot be read; the message is one line."""


def parse(text: str) -> tuple[Level, ...]:
    """Levels of a description, the outermost first.

    Raises:
        TopologyError: anything but counts followed by s or p, in brackets that match; no or too many cells.
    """

    def refuse(why: str) -> TopologyError:
        return TopologyError(f"given {text!r}: {why}; allowed: counts with s or p, as 96s12p or 2p(8s(12s4p))")

    rest, levels, depth = text.strip(), [], 0
    while rest and rest != ")" * depth:
        pair = _PAIR.match(rest)
        if pair is None:
            raise refuse(f"cannot read {rest[:12]!r}")
        count = int(pair.group(1)) if len(pair.group(1)) < 9 else MOST_CELLS + 1
        if not 1 <= count <= MOST_CELLS:
            raise refuse(f"count {pair.group(1)} is not within 1..{MOST_CELLS}")
        levels.append(Level(count, pair.group(2).lower()))
        rest = rest[pair.end() :].lstrip()
        if rest.startswith("("):
            depth, rest = depth + 1, rest[1:].lstrip()
            if _PAIR.match(rest) is None:
                raise refuse("a bracket must hold a description")
    if rest != ")" * depth:
        raise refuse("brackets do not match")
    if not levels:
        raise refuse("no level")
    total = 1
    for level in levels:
        total *= level.count
    if total > MOST_CELLS:
        raise refuse(f"{total} cells are more than {MOST_CELLS}")
    return tuple(levels)


def text_of(levels: tuple[Level, ...]) -> str:
    """The shortest description of levels."""
    return "".join(f"{level.count}{level.way}" for level in levels)


class Joint(Model):
    """The resistance of one kind of joint and how it scatters."""

    nominal_mohm: NotNegative
    """Nominal resistance."""
    spread_pct: Annotated[float, Field(ge=0.0, le=100.0)] = 0.0
    """Standard deviation of its logarithm, in percent."""
    open_ppm: Annotated[float, Field(ge=0.0, le=1e6)] = 0.0
    """Joints that are open from the start, per million."""
    high_ppm: Annotated[float, Field(ge=0.0, le=1e6)] = 0.0
    """Joints with `high_factor` times the resistance, per million."""
    high_factor: Annotated[float, Field(ge=1.0)] = 20.0
    """What a bad joint's resistance is multiplied by."""


class Joints(Model):
    """Resistances between the cells' own terminals and the pack's; what is left out is ideal."""

    tab: Joint | None = None
    """In series with each cell of a group, beyond the cell's own weld."""
    busbar: Joint | None = None
    """One rail segment between neighbouring cells of a group, each of the two rails."""
    group_link: Joint | None = None
    """In series with each group of a module."""
    module_connector: Joint | None = None
    """In series with each module or string."""
    string_rail: Joint | None = None
    """One rail segment between neighbouring strings in parallel."""
    disconnect: Joint | None = None
    """In series with the pack: the high-voltage disconnect."""
    terminals: Literal["one_end", "opposite_ends"] = "one_end"
    """Where a group's two terminals sit on its rails."""

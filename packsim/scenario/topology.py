"""How the cells of a pack are connected: a short text such as `2p(8s(12s4p))`, and the resistances of the joints.

Grammar, outermost connection first:

    layout = level, { level }, [ "(", layout, { ",", layout }, ")" ]        level = count, ( "s" | "p" )

`96s12p`: 96 in series, each 12 cells in parallel. `2p96s1p`: two strings of 96 cells. Brackets hold what the level before
them repeats, `2p(8s(12s4p))`, or one layout for each of its places, `2s(12s4p, 10s4p)`. Cells in series are groups of
one: `96s` is `96s1p`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field, model_validator

from packsim.scenario.base import Model, NotNegative, Positive, broken, refuse, require

MAX_CELLS, MAX_DEPTH = 500_000, 16
NORMAL_MAX_PCT = 15.0  # the least normal number drawn is -6.34 (numerics/streams.py): resistances stay positive
SERIES, PARALLEL = "s", "p"


class LayoutError(ValueError):
    """A layout text that is none; one line."""


@dataclass(frozen=True)
class Tree:
    """A connection and what hangs in it: other connections, or (`cells` > 0, kind "p") that many cells: a group."""

    kind: str
    children: tuple[Tree, ...] = ()
    cells: int = 0

    @cached_property
    def total_cells(self) -> int:
        """Cells below."""
        return self.cells + sum(child.total_cells for child in self.children)

    @property
    def is_group(self) -> bool:
        """Whether cells hang here."""
        return self.cells > 0

    @property
    def in_series(self) -> int:
        """Groups in series from end to end; 0 where parallel branches differ, so that there is no such number."""
        if self.is_group:
            return 1
        below = [child.in_series for child in self.children]
        if 0 in below:
            return 0
        if self.kind == SERIES:
            return sum(below)
        return below[0] if len(set(below)) == 1 else 0

    @property
    def groups(self) -> int:
        """Parallel groups below, this one included."""
        return 1 if self.is_group else sum(child.groups for child in self.children)

    @property
    def is_module(self) -> bool:
        """Whether it is an innermost series connection."""
        return self.kind == SERIES and all(child.is_group for child in self.children)

    @property
    def modules(self) -> int:
        """Modules below, this one included; every group is one where nothing is in series."""
        return self._innermost or self.groups

    @property
    def _innermost(self) -> int:
        return 1 if self.is_module else sum(child._innermost for child in self.children)

    def text(self) -> str:
        """The layout's shortest text; `parse` gives this tree back."""
        if self.is_group:
            return f"{self.cells}p"
        once = {id(child): child for child in self.children}  # repeated parts are one object
        written = {key: child.text() for key, child in once.items()}
        texts = [written[id(child)] for child in self.children]
        head = f"{len(texts)}{self.kind}"
        if len(set(texts)) > 1:
            return f"{head}({', '.join(texts)})"
        return head + texts[0]


def parse(text: str) -> Tree:
    """The tree of a layout text.

    Raises:
        LayoutError: one line that says what is wrong and where.
    """
    words = re.findall(r"\d+|\S", text)
    reader = _Reader(text, words)
    tree = reader.layout(0)
    if reader.at < len(words):
        raise reader.fault("the end, or a comma within brackets")
    return tree


class _Reader:
    """One pass over the words of a layout, innermost calls first."""

    def __init__(self, text: str, words: list[str]) -> None:
        self.text, self.words, self.at = text, words, 0

    def fault(self, expected: str) -> LayoutError:
        read = "".join(self.words[: self.at])
        found = self.words[self.at] if self.at < len(self.words) else "the end"
        place = f"after {read}" if read else "at the start"
        return LayoutError(f"{expected} {place}, not {found}: a layout reads 96s12p or 2p(8s(12s4p))")

    def peek(self) -> str:
        return self.words[self.at] if self.at < len(self.words) else ""

    def layout(self, depth: int) -> Tree:
        if depth >= MAX_DEPTH:
            raise LayoutError(f"at most {MAX_DEPTH} connections within each other")
        if not self.peek().isdecimal() or not self.peek().isascii():
            raise self.fault("a count")
        if len(self.peek()) > 6 or not 1 <= int(self.peek()) <= MAX_CELLS:
            raise self.fault(f"a count from 1 to {MAX_CELLS}")
        count = int(self.peek())
        self.at += 1
        kind = self.peek().lower()
        if kind not in (SERIES, PARALLEL):
            raise self.fault("s or p")
        self.at += 1
        return self.checked(kind, count, self.inside(kind, count, depth + 1))

    def inside(self, kind: str, count: int, depth: int) -> tuple[Tree, ...]:
        """What a level repeats (one tree), has at each place (count trees), or () for cells."""
        if self.peek().isdecimal():
            return (self.layout(depth),)
        if self.peek() != "(":
            return ()
        start = self.at
        self.at += 1
        found = [self.layout(depth)]
        while self.peek() == ",":
            self.at += 1
            found.append(self.layout(depth))
        if self.peek() != ")":
            raise self.fault("a comma or a closing bracket")
        self.at += 1
        if len(found) not in (1, count):
            before = "".join(self.words[:start])
            raise LayoutError(f"1 or {count} layouts in the brackets after {before}, not {len(found)}")
        return tuple(found)

    def checked(self, kind: str, count: int, inside: tuple[Tree, ...]) -> Tree:
        below = [part.total_cells for part in inside] or [1]
        if sum(below) * (count if len(below) == 1 else 1) > MAX_CELLS:
            raise LayoutError(f"at most {MAX_CELLS} cells in a pack")
        if not inside and kind == PARALLEL:
            return Tree(PARALLEL, cells=count)
        inside = inside or (Tree(PARALLEL, cells=1),)
        return Tree(kind, inside * count if len(inside) == 1 else inside)


class Joint(Model):
    """A kind of joint; the key that holds it says the unit. Counts as absent while `nominal` is 0."""

    nominal: NotNegative = 0.0
    """Mean resistance."""
    spread_pct: Annotated[float, Field(ge=0.0, le=200.0)] = 0.0
    """Standard deviation, in percent of nominal."""
    distribution: Literal["normal", "lognormal"] = "lognormal"
    """Shape of the spread; normal up to 15 %, so that no resistance is negative."""
    source: str = ""
    """Where the numbers come from, or `assumed`."""

    @model_validator(mode="after")
    def _positive(self) -> Joint:
        fits = self.distribution == "lognormal" or self.spread_pct <= NORMAL_MAX_PCT
        require(self, (fits, "spread_pct", f"at most {NORMAL_MAX_PCT:g} with distribution normal"))
        return self


class Weld(Joint):
    """The joint of each cell to the rails of its group, with welds that failed."""

    open_ppm: Annotated[float, Field(ge=0.0, le=1e6)] = 0.0
    """Rate of open welds: their cells carry nothing."""
    high_ppm: Annotated[float, Field(ge=0.0, le=1e6)] = 0.0
    """Rate of welds of high resistance."""
    high_factor: Positive = 10.0
    """Resistance of a weld of high resistance over that of a sound one (assumed)."""

    @model_validator(mode="after")
    def _rates(self) -> Weld:
        require(
            self,
            (self.open_ppm + self.high_ppm <= 1e6, "high_ppm", f"at most {1e6 - self.open_ppm:g} beside open_ppm"),
            (self.high_ppm == 0.0 or self.nominal > 0.0, "nominal", "a number > 0 beside high_ppm"),
        )
        return self


class JointsModel(Model):
    """Resistances between the cells' own terminals and the pack's; 0, the default, leaves a joint out. For orders of magnitude see docs/network.md."""  # noqa: E501

    tab_mohm: Weld = Field(default_factory=Weld)
    """Each cell to the rails of its group, both tabs together; besides the cell's own trait weld_resistance_mohm."""
    busbar_mohm: Joint = Field(default_factory=Joint)
    """Each segment between neighbouring cells of a group, on each of its two rails."""
    group_link_mohm: Joint = Field(default_factory=Joint)
    """Between neighbouring groups in series."""
    module_connector_mohm: Joint = Field(default_factory=Joint)
    """Between neighbouring modules in series; and between each module or string in parallel and the common rails."""
    string_busbar_mohm: Joint = Field(default_factory=Joint)
    """Each segment between neighbouring modules or strings in parallel, on each of the two common rails."""
    disconnect_mohm: Joint = Field(default_factory=Joint)
    """High-voltage disconnect: one in the pack, or one in each of its strings in parallel."""


class Topology(Model):
    """Connections of a pack's cells and the resistances of its joints."""

    layout: str | None = None
    """Such as 96s12p, 2p96s1p or 2p(8s(12s4p)); left out: `series` groups of `parallel` cells."""
    groups_per_module: Annotated[int, Field(ge=1, le=MAX_CELLS)] | None = None
    """Neighbouring groups in series that make one module; left out: the innermost series connections are the modules."""
    terminals: Literal["one_end", "opposite_ends"] = "one_end"
    """Where current enters and leaves rails: both at the first cell or string, or diagonally."""
    joints: JointsModel = Field(default_factory=JointsModel)

    def tree(self, series: int = 1, parallel: int = 1) -> Tree:
        """The tree, with modules cut; `series` and `parallel` stand in for a layout that was left out."""
        tree = parse(f"{series}s{parallel}p" if self.layout is None else self.layout)
        return tree if self.groups_per_module is None else cut(tree, self.groups_per_module)

    @model_validator(mode="after")
    def _fits(self) -> Topology:
        try:
            if self.layout is not None:
                self.tree()
        except LayoutError as error:
            key = "groups_per_module" if isinstance(error, ModuleError) else "layout"
            refuse("Topology", [broken((key,), getattr(self, key), str(error))])
        return self


class ModuleError(LayoutError):
    """A number of groups a module that does not divide the groups in series."""


def cut(tree: Tree, groups: int) -> Tree:
    """Cut series connections of more than `groups` groups into modules of that many.

    Raises:
        ModuleError: they cannot be cut evenly.
    """
    if tree.is_group:
        return tree
    if tree.kind == PARALLEL or not all(child.is_group for child in tree.children):
        return Tree(tree.kind, tuple(cut(child, groups) for child in tree.children))
    count = len(tree.children)
    if count % groups:
        raise ModuleError(f"a number that divides the {count} groups in series of {tree.text()}")
    if count == groups:
        return tree
    parts = (Tree(SERIES, tree.children[k : k + groups]) for k in range(0, count, groups))
    return Tree(SERIES, tuple(parts))

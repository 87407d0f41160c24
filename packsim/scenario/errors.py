"""What a user's mistake raises: every fault of a file at once, one line each."""

from __future__ import annotations

from collections.abc import Sequence


class ScenarioError(ValueError):
    """A scenario that cannot be used. `lines` holds one `file:line: key: given ...; allowed: ...` for each fault."""

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines: tuple[str, ...] = tuple(lines)

    def __reduce__(self) -> tuple[type[ScenarioError], tuple[tuple[str, ...]]]:
        return type(self), (self.lines,)  # else a worker process could not send it home


class NominalCellError(ValueError):
    """A scenario that is well formed but whose nominal cell cannot do what is asked of it; one line."""

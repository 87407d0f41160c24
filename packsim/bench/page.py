"""Results as a Markdown table, for docs/benchmarks.md."""

from __future__ import annotations

from packsim.bench.result import Result
from packsim.bench.words import beside_words, bound_words, error_words, number


def markdown(result: Result) -> str:
    """The machine in one line, then one table of all rows."""
    told = ("processor", "cores", "vector registers", "python", "numpy", "numba", "pybamm", "packsim", "kernels")
    facts = ", ".join(f"{name} {result.machine[name]}" for name in told if name in result.machine)
    lines = [f"{facts}.", "", "| what | measured | bound | beside | error of the same build |", "|---|---|---|---|---|"]
    for row in result.rows:
        missed = " **missed**" if row.misses else ""
        cells = (
            row.name,
            f"{number(row.value)} {row.unit}{missed}",
            bound_words(row),
            beside_words(row),
            error_words(row),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)

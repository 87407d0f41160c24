"""The NumPy sampler of benchmarks/ samples the same lines as ours, so that its ratio means something."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packsim.bench.agreement import disagreement
from packsim.bench.sampling import STANDARD_ERRORS, lines, planned
from packsim.bench.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable


def test_both_samplers_make_the_same_cells(report: Callable[..., None]) -> None:
    """About 160 statistics of 40 lots each: one beyond 5 standard errors (t of 78) by chance in 2,000 choices of seeds."""
    numpy = Settings().incumbent("whole_line_numpy")
    assert numpy is not None
    for line in lines(Settings()):
        off = disagreement(planned(line.model, 40), 40 * line.model.supplier_lot_cells, numpy.with_numpy)
        report(f"sampling beside NumPy: disagreement, {line.name}", off, STANDARD_ERRORS, "standard errors")

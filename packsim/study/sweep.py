"""One comparison over several values of an assumption that the source leaves open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from packsim.scenario.model import Scenario
from packsim.study.calibrate import CalibrationError
from packsim.study.compare import Comparison
from packsim.study.engine import Progress
from packsim.study.run import Result, run


class Variant(NamedTuple):
    """The comparison under one pair of assumptions, or the one line that says why it cannot be."""

    baseline_conformance_share: float
    improvement_conformance_share: float
    comparison: Comparison | None
    refused: str


def compare_over(
    a: Scenario,
    b: Scenario,
    baseline_shares: Sequence[float],
    improvement_shares: Sequence[float],
    packs: int | None = None,
    seed: int | None = None,
    *,
    progress: Progress | None = None,
) -> list[Variant]:
    """Compare `a` and `b` under every pair of shares; runs that do not depend on a share are made once.

    Raises:
        ValueError: neither scenario states a qualification rate.
    """
    if a.qualification is None and b.qualification is None:
        raise ValueError("neither scenario has a block qualification: there is no assumption to vary")
    packs = a.packs if packs is None else packs
    seed = a.seed if seed is None else seed
    jobs = len(baseline_shares) * len(improvement_shares)
    known: dict[str, Result | CalibrationError] = {}
    variants = []

    def result(scenario: Scenario, number: int) -> Result | CalibrationError:
        key = scenario.model_dump_json()
        if key not in known:
            blocks = -(-packs // scenario.packs_per_block)
            report = None
            if progress is not None:
                report = lambda done, _: progress(number * blocks + done, 2 * jobs * blocks)  # noqa: E731
            try:
                known[key] = run(scenario, packs, seed, progress=report)
            except CalibrationError as error:
                known[key] = error
        return known[key]

    for i, baseline in enumerate(baseline_shares):
        for j, improvement in enumerate(improvement_shares):
            number = 2 * (i * len(improvement_shares) + j)
            first = result(_with(a, baseline, improvement), number)
            second = result(_with(b, baseline, improvement), number + 1)
            refused = [str(x) for x in (first, second) if isinstance(x, CalibrationError)]
            comparison = None
            if isinstance(first, Result) and isinstance(second, Result):
                comparison = Comparison(first, second)
            variants.append(Variant(baseline, improvement, comparison, "; ".join(refused)))
    return variants


def _with(scenario: Scenario, baseline: float, improvement: float) -> Scenario:
    """The scenario under both assumptions; a share that cannot matter to it is left as it is."""
    if scenario.qualification is None:
        return scenario
    changes = {"qualification.baseline_conformance_share": baseline}
    if scenario.qualification.baseline_pct is not None:
        changes["qualification.improvement_conformance_share"] = improvement
    return scenario.updated(changes)

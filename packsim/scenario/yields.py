"""The qualification rate that a scenario's line is calibrated to, and what is assumed about its rejects."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from packsim.scenario.base import Model, Share

Rate = Annotated[float, Field(gt=0.0, lt=100.0)]


class QualificationModel(Model):
    """Expected qualification rate (final test's pass rate). One common factor on all spreads and one on all defect rates reach it."""  # noqa: E501

    target_pct: Rate
    """Expected qualification rate of this line."""
    baseline_pct: Rate | None = None
    """Rate of the line before the improvement; leave out if this line is the baseline."""
    baseline_conformance_share: Annotated[float, Field(ge=0.05, le=1.0)] = 0.5
    """Part of the baseline's rejects that is conformance (spread against limits); the rest are defects."""
    improvement_conformance_share: Share = 0.5
    """Part of the fall in rejects, baseline to this line, that is conformance."""

    @property
    def conformance_reject_pct(self) -> float:
        """Expected rejects without a defect; negative if the assumptions cannot hold together."""
        baseline = 100.0 - (self.target_pct if self.baseline_pct is None else self.baseline_pct)
        fall = baseline - (100.0 - self.target_pct)
        return baseline * self.baseline_conformance_share - fall * self.improvement_conformance_share

    @property
    def defect_reject_pct(self) -> float:
        """Expected rejects with a defect; negative if the assumptions cannot hold together."""
        return 100.0 - self.target_pct - self.conformance_reject_pct

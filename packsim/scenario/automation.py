"""How far a step is automated, and the inspection in it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator

from packsim.scenario.base import Model, NotNegative, Percent, Share, require_names
from packsim.scenario.defects import Defects

LEVELS = ("manual", "semi_automatic", "automatic", "industrie_4_0")
Level = Literal["manual", "semi_automatic", "automatic", "industrie_4_0"]
DEFECT_NAMES = tuple(Defects.model_fields)


class AutomationLevel(Model):
    """What a level of automation does to a step whose spreads and rates are given for a semi-automatic one."""

    spread_factor: NotNegative = 1.0
    """Factor on the standard deviations, wear and tails of the step's traits and variables."""
    defect_factor: NotNegative = 1.0
    """Factor on the rates of the defects that the step makes."""
    feedback_gain: Share = 0.0
    """Part of a measured deviation that the closed loop takes out at the next segment of the roll; 0 is no loop."""
    detection_pct: Percent = 90.0
    """Bad pieces that an in-line inspection of the step finds, where the step does not say itself."""
    false_alarm_pct: Percent = 0.5
    """Good pieces that an in-line inspection of the step rejects, where the step does not say itself."""


class AutomationLevels(Model):
    """The levels that steps can name.

    Only the fall from semi-automatic to automatic rests on a report: rejects from 10.2 to 8 %, so defects times 0.784 if
    they were all defects, or spreads times 0.934 if all were spread (Zhao & Luethje 2024, section 3.2). Everything else
    is assumed.
    """

    manual: AutomationLevel = AutomationLevel(
        spread_factor=1.5, defect_factor=2.0, detection_pct=80.0, false_alarm_pct=1.0
    )
    semi_automatic: AutomationLevel = AutomationLevel()
    automatic: AutomationLevel = AutomationLevel(
        spread_factor=0.934, defect_factor=0.784, detection_pct=98.0, false_alarm_pct=0.3
    )
    industrie_4_0: AutomationLevel = AutomationLevel(
        spread_factor=0.934, defect_factor=0.5, feedback_gain=0.5, detection_pct=99.5, false_alarm_pct=0.1
    )


def _known_defects(detects: dict[str, float]) -> dict[str, float]:
    require_names("defect", detects, DEFECT_NAMES)
    return detects


class InLineInspection(Model):
    """An inspection of every piece at the end of a step. A piece is bad if one of the step's traits or variables misses its limits (LSL, USL), or if it has a defect that the inspection looks for."""  # noqa: E501

    detection_pct: Percent | None = None
    """Bad pieces that are found: for each fault independently. Default: that of the step's level of automation, else 100."""
    false_alarm_pct: Percent | None = None
    """Good pieces that are rejected. Default: that of the step's level of automation, else 0."""
    detects: Annotated[dict[str, Percent], AfterValidator(_known_defects)] | None = None
    """Defects looked for, with the share found; made at this step or before. Default: those made at this step, with detection_pct."""  # noqa: E501
    on_reject: Literal["scrap", "rework"] = "scrap"
    """rework: the step is done again, once; its traits are drawn anew and its own defects are gone."""
    rework_yield_pct: Percent = 100.0
    """Reworked pieces that are good enough to go on; the rest is scrapped."""

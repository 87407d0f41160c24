"""A line with everything on: 15 traits of five shapes and two process variables with effects, spread over lots, lanes,
rolls and within; drift, wear, closed loops, two groups of correlations, six defects, eight in-line inspections, two of
them with rework.
"""

from __future__ import annotations

from typing import Any

from packsim.cell.traits import TRAITS
from packsim.line.defects import DEFECTS
from packsim.scenario.line import LineModel

LOT, ROLL = 10_000, 1_000
SHARES = {"between_lot_share": 0.25, "between_roll_share": 0.2}
DRIFT = {"drift_share": 0.2, "drift_cells": 300.0, "between_lane_share": 0.1}
OWN: dict[str, dict[str, Any]] = {  # beside an sd of 0.8 % and SHARES
    "cathode_loading_ratio": {**DRIFT, "tolerance_pct": 2.2},
    "anode_loading_ratio": {**DRIFT, "tolerance_pct": 2.2},
    "cathode_thickness_ratio": {**DRIFT, "tolerance_pct": 2.2},
    "anode_thickness_ratio": {**DRIFT, "tolerance_pct": 2.2},
    "coated_area_ratio": {"wear_pct": 1.0, "tool_life_cells": 25_000, "lower_pct": 97.5, "upper_pct": 103.0},
    "separator_thickness_ratio": {"distribution": "truncated", "tolerance_pct": 1.6},
    "electrolyte_fill_ratio": {
        "distribution": "mixture",
        "tail_share_pct": 2.0,
        "tail_offset_pct": -3.0,
        "tail_sd_pct": 1.0,
    },
    "formation_loss_ratio": {"distribution": "weibull", "weibull_shape": 2.0, "sd_pct": 4.0},
    "weld_resistance_mohm": {"nominal": 0.3, "sd_pct": 15.0, "distribution": "lognormal", "upper_pct": 150.0},
    "leakage_ua": {"nominal": 10.0, "sd_pct": 20.0, "distribution": "lognormal"},
}
CORRELATED = [
    ("separator_thickness_ratio", "separator_porosity_ratio", -0.4),
    ("cathode_loading_ratio", "cathode_thickness_ratio", 0.5),
    ("cathode_loading_ratio", "anode_loading_ratio", 0.3),
    ("cathode_thickness_ratio", "anode_loading_ratio", 0.2),
]


def whole_line() -> LineModel:
    """The line as a model."""
    steps: dict[str, Any] = {}
    for trait in TRAITS:
        steps.setdefault(trait.step, {})[trait.name] = {"sd_pct": 0.8, **SHARES, **OWN.get(trait.name, {})}
    for name in ("mixing_cathode", "drying_anode"):
        steps[name] = {}
    for name in ("coating_cathode", "coating_anode", "welding"):
        steps[name]["automation"] = "industrie_4_0"
    steps["calendering_cathode"]["automation"] = steps["calendering_anode"]["automation"] = "automatic"
    variable = {"sd_pct": 1.0, **SHARES}
    steps["mixing_cathode"]["variables"] = {"viscosity": {**variable, "effects": {"cathode_loading_ratio": 0.4}}}
    steps["drying_anode"]["variables"] = {"moisture_left": {**variable, "effects": {"formation_loss_ratio": 0.5}}}
    for name in ("coating_cathode", "coating_anode", "calendering_cathode", "calendering_anode", "cutting"):
        steps[name]["inspection"] = {"detection_pct": 95.0, "false_alarm_pct": 0.3}
    steps["winding"]["inspection"] = {"detects": {"misalignment": 80.0, "coating_defect": 30.0}, "false_alarm_pct": 0.2}
    steps["welding"]["inspection"] = {"on_reject": "rework", "rework_yield_pct": 90.0}
    steps["filling"]["inspection"] = {"detection_pct": 70.0, "false_alarm_pct": 0.2, "on_reject": "rework"}
    rates = (5_000, 10_000, 10_000, 8_000, 20_000, 5_000)
    size = {"leakage_ua": 300.0, "resistance_mohm": 4.0}
    return LineModel.model_validate(
        {
            "supplier_lot_cells": LOT,
            "roll_cells": ROLL,
            "web_lanes": 4,
            "steps": steps,
            "correlations": [{"a": a, "b": b, "value": value} for a, b, value in CORRELATED],
            "defects": {
                defect.name: {"rate_ppm": rate, defect.severity: size.get(defect.severity, 5.0), "spread_factor": 1.5}
                for defect, rate in zip(DEFECTS, rates, strict=True)
            },
        }
    )

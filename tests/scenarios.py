"""Small scenarios for tests: quick to run, with lots, rolls, defects and a gauge that all matter."""

from __future__ import annotations

from typing import Any

from packsim.scenario.model import Scenario

SMALL: dict[str, Any] = {
    "name": "small",
    "seed": 1,
    "packs": 120,
    "packs_per_block": 4,
    "cell": {"parameter_set": "Mohtat2020", "capacity_ah": 2.5},
    "line": {
        "supplier_lot_cells": 24,
        "roll_cells": 8,
        "steps": {
            "coating_cathode": {
                "cathode_loading_ratio": {"sd_pct": 1.0, "between_lot_share": 0.25, "between_roll_share": 0.2}
            },
            "coating_anode": {"anode_loading_ratio": {"sd_pct": 1.0, "between_lot_share": 0.25}},
            "calendering_cathode": {"cathode_thickness_ratio": {"cpk": 1.0, "tolerance_pct": 3.0}},
            "cutting": {"coated_area_ratio": {"sd_pct": 0.4}},
            "welding": {"weld_resistance_mohm": {"nominal": 0.3, "sd_pct": 20.0, "distribution": "lognormal"}},
            "formation": {
                "formation_loss_ratio": {"sd_pct": 4.0, "between_lot_share": 0.3},
                "leakage_ua": {"nominal": 5.0, "sd_pct": 30.0, "distribution": "lognormal"},
            },
        },
        "defects": {
            "particle_contamination": {"rate_ppm": 30000, "leakage_ua": 100.0, "spread_factor": 2.0},
            "misalignment": {"rate_ppm": 30000, "overlap_loss_pct": 3.0, "spread_factor": 1.5},
        },
    },
    "inspection": {
        "capacity": {"lower_pct": 97.0, "upper_pct": 103.0, "gauge_sd_pct": 0.5},
        "dcir": {"upper_pct": 110.0, "gauge_sd_pct": 2.0},
        "ocv": {"meter_sd_mv": 0.1},
        "k_value": {"rest_days": 7.0, "upper_mv_per_day": 0.1},
        "storage": {"soc_pct": 30.0, "charge_sd_pct": 0.8},
    },
    "pack": {
        "series": 12,
        "parallel": 1,
        "bms": {"sensor_offset_sd_mv": 120.0},
        "discharge": {"c_rate": 1.0},
        "charge": {"rest_s": 600.0},
    },
    "verdict": {"usable_capacity_min_pct": 75.0, "under_charge_max_pct": 6.0, "over_discharge_margin_v": 0.2},
}


def small(**changes: Any) -> Scenario:
    """The small scenario, with other values at dotted keys (`__` for the dot)."""
    scenario = Scenario.model_validate(SMALL)
    return scenario.updated({key.replace("__", "."): value for key, value in changes.items()}) if changes else scenario

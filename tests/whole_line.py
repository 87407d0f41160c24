"""A line with everything on: every shape, source of variation, correlation, effect, inspection and level of automation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from ruamel.yaml import YAML

from packsim.scenario.line import LineModel

if TYPE_CHECKING:
    from pathlib import Path

SHARES = "between_lot_share: 0.2, between_lane_share: 0.1, between_roll_share: 0.15, drift_share: 0.2, drift_cells: 150"
WHOLE = f"""
supplier_lot_cells: 240
roll_cells: 120
web_lanes: 3
segment_cells: 7
steps:
  incoming:
    automation: automatic
    inspection: {{false_alarm_pct: 2.0}}
    cathode_particle_radius_ratio: {{sd_pct: 2.0, distribution: lognormal, {SHARES}}}
    anode_particle_radius_ratio: {{distribution: empirical, file: radii.txt, between_lot_share: 0.5, offset_pct: 1.0}}
    separator_thickness_ratio: {{sd_pct: 1.0, tolerance_pct: 1.5, distribution: truncated, offset_pct: 0.4, {SHARES}}}
    separator_porosity_ratio: {{cpk: 0.8, lower_pct: 95.0, upper_pct: 106.0, offset_pct: 0.5, between_lot_share: 0.5}}
  mixing_cathode:
    automation: industrie_4_0
    inspection: {{detection_pct: 90.0, false_alarm_pct: 1.0, on_reject: rework, rework_yield_pct: 80.0}}
    variables:
      slurry_viscosity:
        {{sd_pct: 3.0, lower_pct: 94.0, offset_pct: -1.0, wear_pct: 4.0, tool_life_cells: 333, {SHARES},
        effects: {{cathode_loading_ratio: 0.4, cathode_thickness_ratio: -0.2}}}}
  coating_cathode:
    automation: industrie_4_0
    inspection: {{detects: {{coating_defect: 70.0}}, on_reject: rework, rework_yield_pct: 60.0}}
    cathode_loading_ratio: {{sd_pct: 1.0, tolerance_pct: 2.0, offset_pct: 0.7, {SHARES}}}
  coating_anode:
    automation: manual
    anode_loading_ratio: {{sd_pct: 0.8, wear_pct: -3.0, tool_life_cells: 1000, {SHARES}}}
  calendering_cathode:
    automation: industrie_4_0
    inspection: {{}}
    cathode_thickness_ratio:
      {{sd_pct: 1.0, distribution: mixture, tail_share_pct: 3.0, tail_offset_pct: 4.0, tail_sd_pct: 1.5, offset_pct: -0.5,
      tolerance_pct: 3.0, wear_pct: 1.0, tool_life_cells: 500, {SHARES}}}
  calendering_anode:
    automation: manual
    inspection: {{on_reject: rework}}
    anode_thickness_ratio:
      {{sd_pct: 1.2, distribution: weibull, weibull_shape: 1.8, upper_pct: 103.0, {SHARES}}}
  cutting:
    coated_area_ratio: {{first_pass_yield_pct: 97.0, lower_pct: 98.5, upper_pct: 101.0, offset_pct: 0.1}}
  winding:
    automation: semi_automatic
    inspection: {{detects: {{misalignment: 80.0, coating_defect: 50.0, particle_contamination: 20.0}}}}
    overlap_ratio: {{sd_pct: 0.5, lower_pct: 98.8, between_roll_share: 0.3}}
  welding:
    automation: industrie_4_0
    inspection: {{on_reject: rework, rework_yield_pct: 95.0}}
    weld_resistance_mohm:
      {{nominal: 0.3, sd_pct: 20.0, upper_pct: 140.0, distribution: lognormal, offset_pct: 5.0, wear_pct: 15.0,
      tool_life_cells: 200, {SHARES}}}
  filling:
    automation: automatic
    electrolyte_fill_ratio: {{sd_pct: 0.6, between_lot_share: 0.4, between_lane_share: 0.2}}
  formation:
    formation_loss_ratio: {{sd_pct: 4.0, distribution: weibull, weibull_shape: 6.0, {SHARES}}}
    leakage_ua:
      {{nominal: 8.0, sd_pct: 25.0, distribution: mixture, tail_share_pct: 2.0, tail_offset_pct: 90.0, tail_sd_pct: 30.0}}
own_steps:
  cleaning:
    after: cutting
    branch: cathode
    automation: manual
    inspection: {{detection_pct: 95.0, on_reject: rework, detects: {{coating_defect: 40.0}}}}
    variables:
      laser_power: {{sd_pct: 2.0, tolerance_pct: 4.5, drift_share: 0.5, effects: {{overlap_ratio: 0.1}}}}
  x_ray:
    after: cleaning
    inspection: {{detects: {{coating_defect: 60.0}}, false_alarm_pct: 0.5}}
correlations:
  - {{a: cathode_loading_ratio, b: cathode_thickness_ratio, value: 0.6}}
  - {{a: slurry_viscosity, b: cathode_loading_ratio, value: -0.3, level: within}}
  - {{a: slurry_viscosity, b: cathode_thickness_ratio, value: 0.2, level: within}}
  - {{a: laser_power, b: weld_resistance_mohm, value: 0.5, level: lot}}
  - {{a: anode_thickness_ratio, b: anode_loading_ratio, value: 0.7, level: roll}}
defects:
  particle_contamination: {{rate_ppm: 40000.0, leakage_ua: 90.0, spread_factor: 2.0}}
  weld_void: {{rate_ppm: 50000.0, resistance_mohm: 3.0, spread_factor: 1.5}}
  misalignment: {{rate_ppm: 30000.0, overlap_loss_pct: 5.0, spread_factor: 1.8}}
  coating_defect: {{rate_ppm: 60000.0, area_loss_pct: 5.0, spread_factor: 1.8}}
  wetting_fault: {{rate_ppm: 30000.0, fill_loss_pct: 10.0, spread_factor: 1.8}}
  moisture: {{rate_ppm: 30000.0, extra_formation_loss_pct: 60.0, spread_factor: 1.8}}
"""


def data() -> dict[str, Any]:
    """The line as plain data."""
    loaded: dict[str, Any] = YAML(typ="safe", pure=True).load(WHOLE)
    return loaded


def whole(folder: Path, lot: int = 240, roll: int = 120) -> LineModel:
    """The line, and the file it names in `folder`."""
    values = 100.0 + 2.0 * np.random.default_rng(4).gamma(2.0, size=60)
    (folder / "radii.txt").write_text("# percent of nominal\n" + "\n".join(f"{value:.4f}" for value in values))
    return LineModel.model_validate(data() | {"supplier_lot_cells": lot, "roll_cells": roll})

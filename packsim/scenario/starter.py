"""The scenario that `packsim init` writes: small, complete, and explained by the models' own descriptions."""

from __future__ import annotations

import json
import re
import textwrap
from typing import Any

from packsim.scenario import keys
from packsim.scenario.model import Scenario
from packsim.scenario.provenance import source_of
from packsim.scenario.schema import FILE_NAME
from packsim.scenario.units import unit_of

WIDTH = 110
_CHEN = "Chen et al. 2020, J. Electrochem. Soc. 167, 080534, doi:10.1149/1945-7111/ab9050, as in PyBaMM's Chen2020"
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_EXAMPLE: dict[str, Any] = {
    "name": "Starter: 7s2p module of 2.5 Ah cells",
    "description": "A small line with invented tolerances, to copy and to change.",
    "seed": 2015,
    "packs": 20,
    "packs_per_block": 2,
    "cell": {
        "parameter_set": "Chen2020",
        "capacity_ah": 2.5,
        "temperature_degc": 25.0,
        "lower_cutoff_v": 2.5,
        "upper_cutoff_v": 4.2,
    },
    "line": {
        "supplier_lot_cells": 28,
        "roll_cells": 14,
        "steps": {
            "incoming": {
                "cathode_particle_radius_ratio": {"sd_pct": 2.0, "between_lot_share": 0.8},
                "separator_thickness_ratio": {"sd_pct": 1.0, "between_lot_share": 0.5},
            },
            "coating_cathode": {
                "automation": "automatic",
                "inspection": {"detection_pct": 98.0, "false_alarm_pct": 0.3, "on_reject": "scrap"},
                "cathode_loading_ratio": {
                    "cpk": 1.33,
                    "tolerance_pct": 1.5,
                    "between_lot_share": 0.2,
                    "between_roll_share": 0.3,
                },
            },
            "coating_anode": {
                "anode_loading_ratio": {"sd_pct": 0.4, "between_lot_share": 0.2, "between_roll_share": 0.3}
            },
            "calendering_cathode": {"cathode_thickness_ratio": {"sd_pct": 0.5, "between_roll_share": 0.3}},
            "calendering_anode": {"anode_thickness_ratio": {"sd_pct": 0.5, "between_roll_share": 0.3}},
            "cutting": {"coated_area_ratio": {"sd_pct": 0.1}},
            "winding": {"overlap_ratio": {"sd_pct": 0.1}},
            "welding": {"weld_resistance_mohm": {"sd_pct": 10.0, "nominal": 0.3, "distribution": "lognormal"}},
            "filling": {"electrolyte_fill_ratio": {"sd_pct": 0.5}},
            "formation": {
                "formation_loss_ratio": {"sd_pct": 3.0, "between_lot_share": 0.3},
                "leakage_ua": {"sd_pct": 30.0, "nominal": 5.0, "distribution": "lognormal"},
            },
        },
        "automation_levels": {
            "automatic": {
                "spread_factor": 0.934,
                "defect_factor": 0.784,
                "feedback_gain": 0.0,
                "detection_pct": 98.0,
                "false_alarm_pct": 0.3,
            }
        },
        "defects": {
            "particle_contamination": {"rate_ppm": 2000.0, "spread_factor": 3.0, "leakage_ua": 500.0},
            "weld_void": {"rate_ppm": 2000.0, "spread_factor": 2.0, "resistance_mohm": 5.0},
        },
    },
    "inspection": {
        "capacity": {"c_rate": 0.5, "lower_pct": 98.0, "upper_pct": 102.0, "gauge_sd_pct": 0.1},
        "dcir": {"c_rate": 1.0, "pulse_s": 10.0, "soc_pct": 50.0, "upper_pct": 110.0, "gauge_sd_pct": 1.0},
        "ocv": {"lower_mv": -10.0, "upper_mv": 10.0, "meter_sd_mv": 0.1},
        "k_value": {"rest_days": 7.0, "upper_robust_sigmas": 4.5},
        "storage": {"soc_pct": 30.0, "charge_sd_pct": 0.1},
        "grading": {"matching": "in_order"},
    },
    "pack": {
        "series": 7,
        "parallel": 2,
        "bms": {"monitoring": "every_group", "sensor_offset_sd_mv": 1.0},
        "charge": {"c_rate": 0.5, "cutoff_c_rate": 0.05},
        "discharge": {"c_rate": 1.0},
    },
    "verdict": {"usable_capacity_min_pct": 95.0, "under_charge_max_pct": 5.0},
    "sources": {"cell.parameter_set": _CHEN, "cell.lower_cutoff_v": _CHEN, "cell.upper_cutoff_v": _CHEN},
}


def starter_text() -> str:
    """A commented scenario file that loads as it is. Beside `scenario.schema.json`, editors check it while you type."""
    root = keys.schema(Scenario)
    head = [
        f"# yaml-language-server: $schema={FILE_NAME}",
        "# A scenario of packsim: a factory, its cells, its packs and what is asked of them.",
        "# The unit of a number is the suffix of its key. `# assumed` marks numbers without an entry under `sources:`.",
    ]
    return "\n".join(head + _block(root, root, _EXAMPLE, "", set())) + "\n"


def _block(root: keys.Schema, node: keys.Schema, values: dict[str, Any], prefix: str, explained: set[int]) -> list[str]:
    lines: list[str] = []
    indent = "  " * prefix.count(".")
    for name, child in keys.children(root, node).items():
        key, first = prefix + name, id(child) not in explained
        explained.add(id(child))
        meaning = child.get("description") or keys.resolve(root, child).get("description", "")
        meaning = " ".join(meaning.split())
        if name not in values:
            if first:
                lines += _comment(f"Not used here - {name}: {meaning}{_rule(root, child, key, explained)}", indent)
            continue
        if not prefix:
            lines.append("")
        if first:
            lines += _comment(meaning, indent)
        explained.add(id(keys.resolve(root, child)))
        value = values[name]
        if name == "sources":
            lines += ["sources:", *(f"  {inner}: {_scalar(text)}" for inner, text in value.items())]
        elif isinstance(value, dict):
            lines += [f"{indent}{name}:", *_block(root, child, value, key + ".", explained)]
        else:
            lines.append(f"{indent}{name}: {_scalar(value)}{_origin(key, value)}")
    return lines


def _rule(root: keys.Schema, child: keys.Schema, key: str, explained: set[int]) -> str:
    """What a key that is left out allows; of a block only once, because many share one."""
    inner = keys.resolve(root, child)
    if inner.get("type") == "object" and id(inner) in explained:
        return ""
    explained.add(id(inner))
    allowed = keys.allowed(Scenario, key.split(".")).removesuffix(", or leave it out")
    default = child.get("default")
    return f" Allowed: {allowed}" + ("." if default is None else f"; default: {_scalar(default)}.")


def _comment(text: str, indent: str) -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}#   ", break_on_hyphens=False
    )


def _scalar(value: object) -> str:
    return value if isinstance(value, str) and _PLAIN.fullmatch(value) else json.dumps(value, ensure_ascii=False)


def _origin(key: str, value: object) -> str:
    """The end of a number's line: its unit, and whether it is assumed."""
    if isinstance(value, str):
        return ""
    unit = unit_of(key)
    sourced = source_of(key, _EXAMPLE["sources"]) is not None
    return "  # " + ", ".join(([] if unit == "1" else [unit]) + ["see sources" if sourced else "assumed"])

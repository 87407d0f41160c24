"""Lines by chance: any shapes, shares, levels, correlations, inspections, own steps and defects that a scenario allows."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import ValidationError

from packsim.line.defects import DEFECTS
from packsim.scenario.automation import LEVELS
from packsim.scenario.line import LineModel
from packsim.scenario.traits import DEFECT_STEPS, STEPS, TRAITS

SHAPES = ("normal", "lognormal", "weibull", "truncated", "mixture", "empirical")
PARTS = ("lot", "roll", "within", "all")
SHARES = ("between_lot_share", "between_roll_share", "between_lane_share", "drift_share")


def spread(draw: np.random.Generator, nominal: float | None) -> dict[str, Any]:
    kind = str(draw.choice(SHAPES))
    low, high = 100.0 - draw.uniform(1, 6), 100.0 + draw.uniform(1, 6)
    own: dict[str, Any] = {"distribution": kind, "offset_pct": float(draw.choice([0.0, draw.uniform(-0.9, 0.9)]))}
    size = str(draw.choice(["sd_pct", "cpk", "first_pass_yield_pct"]))
    if kind == "empirical":
        own["file"] = "values.txt"
    else:
        own[size] = {"sd_pct": draw.uniform(0.1, 3.0), "cpk": draw.uniform(0.5, 1.7)}.get(size, draw.uniform(60, 99.9))
    if kind == "truncated" or size != "sd_pct" or draw.random() < 0.5:
        own |= {"lower_pct": low, "upper_pct": high} if draw.random() < 0.5 else {"tolerance_pct": high - 100.0}
    if kind == "weibull":
        own["weibull_shape"] = draw.uniform(0.8, 12.0)
        if own["weibull_shape"] > 7.0:  # without a draw of its own: the other lines stay what they were
            del own["weibull_shape"]
            own["distribution"] = "inverse_weibull"
    if kind == "mixture":
        own |= {"tail_share_pct": draw.uniform(0.5, 20.0), "tail_offset_pct": draw.uniform(-8, 8)}
        own["tail_sd_pct"] = draw.uniform(0.5, 3.0)
    if draw.random() < 0.8:
        parts = draw.dirichlet(np.ones(5)) * (draw.random(5) < 0.7)
        if draw.random() < 0.2:
            parts /= max(parts[:4].sum(), 1e-9)  # nothing within
        own |= dict(zip(SHARES, (float(min(part, 1.0)) for part in parts), strict=False))
        own["drift_cells"] = draw.uniform(2, 400)
    if draw.random() < 0.3:
        own |= {"wear_pct": draw.uniform(-4, 4), "tool_life_cells": int(draw.integers(1, 900))}
    return own if nominal is None else own | {"nominal": nominal}


def inspection(draw: np.random.Generator, defects: list[str]) -> dict[str, Any]:
    own: dict[str, Any] = {"rework_yield_pct": draw.uniform(0, 100)}
    own["on_reject"] = str(draw.choice(["scrap", "rework"]))
    for key, most in (("detection_pct", 100), ("false_alarm_pct", 10)):
        if draw.random() < 0.5:
            own[key] = draw.uniform(0, most)
    if draw.random() < 0.5:
        own["detects"] = {name: draw.uniform(0, 100) for name in defects if draw.random() < 0.7}
    return own


def variables(draw: np.random.Generator, prefix: str) -> dict[str, Any]:
    names = [trait.name for trait in TRAITS]
    return {
        f"{prefix}_{k}": {
            **spread(draw, None),
            "effects": {str(draw.choice(names)): draw.uniform(-2, 2) for _ in range(draw.integers(0, 3))},
        }
        for k in range(draw.integers(0, 3))
    }


def random_line(seed: int) -> LineModel:
    """A line; those that break a rule by chance (too many variables, a mean outside limits) are drawn again."""
    draw = np.random.default_rng(seed)
    while True:
        roll = int(draw.integers(1, 200))
        steps: dict[str, Any] = {}
        order = list(STEPS)
        own: dict[str, Any] = {}
        for k in range(draw.integers(0, 5)):
            after = str(draw.choice(order))
            order.insert(order.index(after) + 1, f"own{k}")
            own[f"own{k}"] = {"after": after}
        for name in order:
            step = own.get(name, steps.setdefault(name, {}) if name in STEPS else {})
            if draw.random() < 0.5:
                step["automation"] = str(draw.choice(LEVELS))
            if draw.random() < 0.4:
                made = [d for d, where in DEFECT_STEPS.items() if order.index(where) <= order.index(name)]
                step["inspection"] = inspection(draw, made)
            if draw.random() < 0.2:
                step["variables"] = variables(draw, name)
        for trait in TRAITS:
            if draw.random() < 0.8:
                nominal = None if trait.unit == "1" else draw.uniform(0.5, 9.0)
                steps[trait.step][trait.name] = spread(draw, nominal)
        spreads = [trait.name for trait in TRAITS if trait.name in steps[trait.step]]
        spreads += [name for step in (*steps.values(), *own.values()) for name in step.get("variables", {})]
        pairs = {tuple(sorted(draw.choice(spreads, 2, replace=False).tolist())) for _ in range(draw.integers(0, 4))}
        data = {
            "supplier_lot_cells": roll * int(draw.integers(1, 12)),
            "roll_cells": roll,
            "web_lanes": int(draw.integers(1, 6)),
            "segment_cells": int(draw.integers(1, 50)),
            "steps": steps,
            "own_steps": own,
            "correlations": [
                {
                    "a": a,
                    "b": b,
                    "value": draw.uniform(-0.45, 0.45),
                    "level": str(draw.choice(["lot", "roll", "within", "all"])),
                }
                for a, b in sorted(pairs)
            ],
            "defects": {
                d.name: {
                    "rate_ppm": draw.uniform(0, 2e5),
                    d.severity: draw.uniform(1, 50),
                    "spread_factor": draw.uniform(1, 3),
                }
                for d in DEFECTS
                if draw.random() < 0.8
            },
        }
        try:
            return LineModel.model_validate(data)
        except ValidationError:
            continue

"""Published cases through the line: porosity corners and the Monte Carlo of the N/P ratio."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from packs import cell_plan
from scipy import stats

from packsim.cell.electrodes import kernels
from packsim.cell.traits import INDEX
from packsim.line import plan as plans
from packsim.line.build import build, slot_addresses
from packsim.scenario.line import LineModel

if TYPE_CHECKING:
    from collections.abc import Callable

# loading [mg/cm2], thickness [um], density of the solids [g/cm3]: solved from the published ranges, two numbers for two;
# nominal porosities, porosities at the corners, and void volumes there beside nominal are as published, in percent
POROSITY = {
    "cathode": (10.0605, 31.667, 4.5386, 30.0, (19.6, 38.6), (59.0, 141.0)),
    "anode": (5.4894, 43.0, 2.1277, 40.0, (30.8, 48.0), (72.0, 128.0)),
}


@pytest.mark.parametrize("side", POROSITY)
def test_porosity_at_corners_of_loading_and_calendering(report: Callable[..., None], side: str) -> None:
    """Loading +-0.4 mg/cm2 and thickness -+3 um (Batteries 2020, 6(2), 23, doi:10.3390/batteries6020023).

    Porosities are those of packsim's own electrode coefficients. The ratios of void volumes were not fitted.
    """
    loading, thickness, density, nominal, porosities, voids = POROSITY[side]
    offset = kernels.ELECTRODE if side == "cathode" else 0
    volume = kernels.VOL_P if side == "cathode" else kernels.VOL_N
    report(
        f"porosity, {side}: nominal off", abs(100 * (1 - 10 * loading / thickness / density) - nominal), 0.1, "points"
    )
    plan = cell_plan("Chen2020", 2.5)
    numbers = plan.design.nominal.copy()
    numbers[offset + kernels.POROSITY] = nominal / 100.0
    design = plan.design._replace(nominal=numbers)
    for sign, published, void in zip((1.0, -1.0), porosities, voids, strict=True):
        steps = {
            f"coating_{side}": {f"{side}_loading_ratio": {"sd_pct": 0.0, "offset_pct": sign * 40.0 / loading}},
            f"calendering_{side}": {
                f"{side}_thickness_ratio": {"sd_pct": 0.0, "offset_pct": -sign * 300.0 / thickness}
            },
        }
        model = LineModel.model_validate({"supplier_lot_cells": 1, "roll_cells": 1, "steps": steps})
        cells = build(plans.plan(model, 1), 1, slot_addresses(0, range(1)))
        coefficients = np.zeros((kernels.N_COEF, 1))
        kernels.electrode_coefficients(coefficients, np.ascontiguousarray(cells.values), design, 0, 1)
        deep = numbers[offset + kernels.THICKNESS] * cells.values[INDEX[f"{side}_thickness_ratio"], 0]
        porosity = 100.0 * coefficients[volume, 0] / deep
        corner = f"porosity, {side}, loading {0.4 * sign:+.1f} mg/cm2, thickness {-3 * sign:+.0f} um"
        report(f"{corner}: {porosity:.2f} % off {published}", abs(porosity - published), 0.5, "points")
        ratio = 100.0 * porosity * (thickness - 3.0 * sign) / (nominal * thickness)
        report(f"{corner}: void volume {ratio:.1f} % off {void:g}", abs(ratio - void), 0.5, "points")


@pytest.mark.parametrize(
    ("case", "anode", "cathode_cv_pct", "published_pct", "sd"),
    [
        ("as designed", 1.0, 3.0, 51.27, 0.0363),
        ("anode 5 % more", 1.05, 3.0, 9.128, None),
        ("anode 5 % more, cathode 1.5 %", 1.05, 1.5, 2.924, None),
    ],
)
def test_share_of_cells_with_less_anode_than_cathode(
    report: Callable[..., None], case: str, anode: float, cathode_cv_pct: float, published_pct: float, sd: float | None
) -> None:
    """Loadings 14.85 mg/cm2 (372 mAh/g, CV 2 %) and 24.69 mg/cm2 (224 mAh/g); two normals, exact beside 1e6 cells."""
    n = 1_000_000
    spread: dict[str, Any] = {"sd_pct": 2.0 * anode, "offset_pct": 100.0 * (anode - 1.0)}
    steps = {
        "coating_anode": {"anode_loading_ratio": spread},
        "coating_cathode": {"cathode_loading_ratio": {"sd_pct": cathode_cv_pct}},
    }
    model = LineModel.model_validate({"supplier_lot_cells": n, "roll_cells": n, "steps": steps})
    x = build(plans.plan(model, n), 4, slot_addresses(0, range(n))).values
    nominal = 14.85 * 372.0 / (24.69 * 224.0)
    ratio = nominal * x[INDEX["anode_loading_ratio"]] / x[INDEX["cathode_loading_ratio"]]
    share = 100.0 * float(np.mean(ratio < 1.0))
    margin = nominal * anode - 1.0
    exact = 100.0 * stats.norm.cdf(-margin / math.hypot(0.02 * nominal * anode, cathode_cv_pct / 100.0))
    report(f"N/P below 1, {case}: {share:.2f} % off {published_pct}", abs(share - published_pct), 0.3, "points")
    error = 4.9 * math.sqrt(exact * (100.0 - exact) / n)  # false-alarm probability 1e-6
    report(f"N/P below 1, {case}: off the closed form", abs(share - exact), error, "points")
    if sd is not None:
        report(f"N/P, {case}: nominal {nominal:.5f} off 0.99885", abs(nominal - 0.99885), 5e-6)
        report(f"N/P, {case}: sd {ratio.std():.5f} off {sd}", abs(ratio.std() - sd), 0.0003)

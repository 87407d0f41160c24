"""Plain, slow twins of the line and of the end-of-line test: from the scenario, one cell at a time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import naive
from scipy.special import ndtri
from scipy.stats import norm

from packsim.scenario.traits import TRAITS

if TYPE_CHECKING:
    from packsim.cell.cell import Cell
    from packsim.scenario.inspection import InspectionModel
    from packsim.scenario.line import LineModel, Spread

WITHIN, ROLL, LOT, OCCURS, SEVERITY, GAUGE, STORAGE = 1, 5, 9, 13, 15, 17, 18  # numerics/purposes.py
DEFECTS = (  # name, key, severity per unit, trait, added (or lost share)
    ("particle_contamination", "leakage_ua", 1.0, "leakage_ua", True),
    ("weld_void", "resistance_mohm", 1.0, "weld_resistance_mohm", True),
    ("misalignment", "overlap_loss_pct", 0.01, "overlap_ratio", False),
    ("coating_defect", "area_loss_pct", 0.01, "coated_area_ratio", False),
    ("wetting_fault", "fill_loss_pct", 0.01, "electrolyte_fill_ratio", False),
    ("moisture", "extra_formation_loss_pct", 0.01, "formation_loss_ratio", True),
)


def word(seed: int, purpose: int, index: int, block: int, slot: int, candidate: int) -> int:
    """32 random bits: word `index` % 4 of purpose + index // 4."""
    counter = (slot, block, candidate, purpose + index // 4)
    return naive.philox4x32(counter, (seed & 0xFFFFFFFF, seed >> 32))[index % 4]


def normal(*address: int) -> float:
    """Standard normal: top bit sign, the rest the tail probability."""
    w = word(*address)
    z = -float(ndtri(((w & 0x7FFFFFFF) + 0.5) * 2.0**-32))
    return -z if w >> 31 else z


def sd_pct(spread: Spread) -> float:
    """Overall sd from whichever way it is given; a yield is inverted by bisection."""
    if spread.sd_pct is not None:
        return spread.sd_pct
    tolerance, offset = spread.tolerance_pct, spread.offset_pct
    if spread.cpk is not None:
        return (tolerance - abs(offset)) / (3.0 * spread.cpk)
    low, high = 1e-6 * tolerance, 1e6 * tolerance
    for _ in range(200):
        middle = math.sqrt(low * high)
        inside = norm.cdf((tolerance - offset) / middle) - norm.cdf((-tolerance - offset) / middle)
        low, high = (middle, high) if inside > spread.first_pass_yield_pct / 100.0 else (low, middle)
    return middle


def built(line: LineModel, slots_per_block: int, seed: int, address: tuple[int, int, int]) -> tuple[dict, int, int]:
    """Traits by name, defect bits and lot number of one cell."""
    block, slot, candidate = address
    span = max(line.supplier_lot_cells // slots_per_block, 1)
    place = block % span * slots_per_block + slot
    first = block - block % span
    starts = [place // cells * cells for cells in (line.supplier_lot_cells, line.roll_cells)]
    (lot_block, lot_slot), (roll_block, roll_slot) = (
        (first + p // slots_per_block, p % slots_per_block) for p in starts
    )
    values = {}
    for t, trait in enumerate(TRAITS):
        spread = getattr(getattr(line.steps, trait.step), trait.name)
        if spread is None:
            values[trait.name] = trait.nominal
            continue
        nominal = trait.nominal if spread.nominal is None else spread.nominal
        mean, sd = nominal * (1 + spread.offset_pct / 100), nominal * sd_pct(spread) / 100
        z = math.sqrt(spread.between_lot_share) * normal(seed, LOT, t, lot_block, lot_slot, 0)
        z += math.sqrt(spread.between_roll_share) * normal(seed, ROLL, t, roll_block, roll_slot, 0)
        rest = 1.0 - spread.between_lot_share - spread.between_roll_share
        z += math.sqrt(max(rest, 0.0)) * normal(seed, WITHIN, t, block, slot, candidate)
        if spread.distribution == "lognormal":
            s = math.sqrt(math.log(1 + (sd / mean) ** 2))
            values[trait.name] = math.exp(math.log(mean) - s * s / 2 + s * z)
        else:
            values[trait.name] = max(mean + sd * z, 0.0)
    mask = 0
    for k, (name, key, per_unit, trait_name, added) in enumerate(DEFECTS):
        defect = getattr(line.defects, name)
        if defect is None or word(seed, OCCURS, k, *address) / 2**32 >= defect.rate_ppm * 1e-6:
            continue
        mask |= 1 << k
        severity = per_unit * getattr(defect, key) * defect.spread_factor ** normal(seed, SEVERITY, k, *address)
        values[trait_name] = values[trait_name] + severity if added else values[trait_name] * (1 - min(severity, 0.95))
    lots = span * slots_per_block // line.supplier_lot_cells
    return values, mask, block // span * lots + place // line.supplier_lot_cells


def tested(cell: Cell, leak_ua: float, model: InspectionModel, nominal_ah: float, charge_z: float) -> dict[str, float]:
    """True values of one cell by its own public functions; `nominal_ah` is what the nominal cell gives in the test."""
    rated = cell.nominal_capacity_ah
    capacity = cell.discharge(model.capacity.c_rate, dt_s=1.0).capacity_ah
    current = model.dcir.c_rate * rated
    pulse = cell.profile(
        [(0.0, 0.0), (current, model.dcir.pulse_s)], dt_s=model.dcir.pulse_s / 500, initial_soc=model.dcir.soc_pct / 100
    )
    whole = cell.balance.capacity_ah
    leak_a = 1e-6 * leak_ua
    held = whole - capacity - leak_a * capacity / (model.capacity.c_rate * rated)
    put = nominal_ah * (model.storage.soc_pct + model.storage.charge_sd_pct * charge_z) / 100
    soc = min(max((held + put) / whole, 0.0), 1.0)
    days = model.k_value.rest_days
    later = soc - leak_a * days * 24.0 / whole
    return {
        "capacity_ah": capacity,
        "dcir_mohm": 1e3 * float(pulse.voltage_v[0] - pulse.voltage_v[-1]) / current,
        "soc": later,
        "ocv_v": cell.open_circuit_v(later),
        "k_value_mv_per_day": 1e3 * (cell.open_circuit_v(soc) - cell.open_circuit_v(later)) / days,
    }

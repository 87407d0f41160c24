"""Plain, slow twins of the line (docs/line.md) and of the end-of-line test: from the scenario, one cell at a time."""

from __future__ import annotations

import math
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import naive
import naive_shapes
from scipy.stats import norm

from packsim.scenario.traits import DEFECT_STEPS, STEPS, TRAITS

if TYPE_CHECKING:
    from collections.abc import Callable

    from packsim.cell.cell import Cell
    from packsim.scenario.inspection import InspectionModel
    from packsim.scenario.line import LineModel, Spread

    Pair = Callable[[int, int], tuple[float, float]]

FIRST = {"within": 1, "roll": 5, "lot": 9, "lane": 20, "drift": 24, "rework": 28}  # numerics/purposes.py
DECISIONS, OCCURS_DIGITS, SEVERITY, GAUGE, STORAGE, IN_LINE_DIGITS, REWORK_GOOD = 83, 71, 15, 17, 18, 75, 37
ELECTRODES = [f"{step}_{electrode}" for step in ("coating", "calendering") for electrode in ("cathode", "anode")]
USUAL = [*ELECTRODES, "cutting", "winding", "welding", "filling"]
DIGIT = {step: 8 + k for k, step in enumerate([*USUAL, *(step for step in STEPS if step not in USUAL)])}  # of DECISIONS
DEFECTS = (  # name, key, severity per unit, trait, added (or lost share)
    ("particle_contamination", "leakage_ua", 1.0, "leakage_ua", True),
    ("weld_void", "resistance_mohm", 1.0, "weld_resistance_mohm", True),
    ("misalignment", "overlap_loss_pct", 0.01, "overlap_ratio", False),
    ("coating_defect", "area_loss_pct", 0.01, "coated_area_ratio", False),
    ("wetting_fault", "fill_loss_pct", 0.01, "electrolyte_fill_ratio", False),
    ("moisture", "extra_formation_loss_pct", 0.01, "formation_loss_ratio", True),
)
TRAIT_PLACE = {trait.name: place for place, trait in enumerate(TRAITS)}


class Built(NamedTuple):
    """One cell."""

    values: dict[str, float]
    defect: int
    lot: int
    scrapped: int
    rejected: int


def word(seed: int, purpose: int, index: int, block: int, slot: int, candidate: int) -> int:
    """32 random bits: word `index` % 4 of purpose + index // 4."""
    counter = (slot, block, candidate, purpose + index // 4)
    return naive.philox4x32(counter, (seed & 0xFFFFFFFF, seed >> 32))[index % 4]


def pair(first: int, second: int) -> tuple[float, float]:
    """Two standard normals of two words, after Box and Muller (docs/line.md)."""
    radius = math.sqrt(-2.0 * math.log(((first & 0x7FFFFFFF) + 0.5) * 2.0**-31))
    signed = (second | 1) - (2**32 if second >> 31 else 0)
    angle = math.pi / 4.0 * signed * 2.0**-31
    cosine, sine = (-1.0 if first >> 31 else 1.0) * radius * math.cos(angle), radius * math.sin(angle)
    return (sine, cosine) if second & 1 else (cosine, sine)


def normal(*address: int) -> float:
    """Standard normal at an address, see `word`: 0 and 1 from words 0 and 1, 2 and 3 from words 2 and 3."""
    return normal_by(pair, *address)


def normal_by(pair: Pair, seed: int, purpose: int, index: int, *address: int) -> float:
    """As `normal`, made by `pair`."""
    first = index // 2 * 2
    return pair(word(seed, purpose, first, *address), word(seed, purpose, first + 1, *address))[index % 2]


def hashed(name: str) -> int:
    """Purpose of a name of the user's."""
    return 2**31 + zlib.crc32(name.encode()) % 2**31


def sd_pct(spread: Spread) -> float:
    """Overall sd from whichever way it is given; a yield is inverted by bisection."""
    if spread.sd_pct is not None:
        return spread.sd_pct
    mean = 100.0 + spread.offset_pct
    lower, upper = limits_pct(spread)
    if spread.cpk is not None:
        return min(upper - mean, mean - lower) / (3.0 * spread.cpk)
    low, high = 1e-6, 1e6
    for _ in range(200):
        middle = math.sqrt(low * high)
        inside = norm.cdf((upper - mean) / middle) - norm.cdf((lower - mean) / middle)
        low, high = (middle, high) if inside > spread.first_pass_yield_pct / 100.0 else (low, middle)
    return middle


def limits_pct(spread: Spread) -> tuple[float, float]:
    """LSL and USL in percent of nominal, infinite where there is none."""
    if spread.tolerance_pct is not None:
        return 100.0 - spread.tolerance_pct, 100.0 + spread.tolerance_pct
    lower, upper = spread.lower_pct, spread.upper_pct
    return -math.inf if lower is None else lower, math.inf if upper is None else upper


def cholesky(matrix: list[list[float]]) -> list[list[float]]:
    """Lower triangle, Cholesky and Banachiewicz."""
    n = len(matrix)
    out = [[0.0] * n for _ in range(n)]
    for i in range(n):
        for j in range(i + 1):
            rest = matrix[i][j] - sum(out[i][k] * out[j][k] for k in range(j))
            out[i][j] = math.sqrt(rest) if i == j else rest / out[j][j]
    return out


class Line:
    """A line, and its cells one by one.

    `as_tabulated` interpolates between the 2,049 points of docs/line.md, else quantiles are exact; `pair` makes two
    standard normals from two words.
    """

    def __init__(
        self,
        model: LineModel,
        slots: int,
        seed: int,
        *,
        sd_factor: float = 1.0,
        folder: Path | None = None,
        as_tabulated: bool = False,
        pair: Pair = pair,
    ) -> None:
        self.model, self.slots, self.seed, self.sd_factor = model, slots, seed, sd_factor
        self.folder, self.as_tabulated, self.pair = folder or Path(), as_tabulated, pair
        self.steps: dict[str, Any] = {}
        order = list(STEPS)
        for name, own in model.own_steps.items():
            order.insert(order.index(own.after) + 1, name)
        for name in order:
            self.steps[name] = model.own_steps[name] if name in model.own_steps else getattr(model.steps, name)
        self.spreads = {}  # name -> (step, spread)
        for trait in TRAITS:
            if (spread := getattr(self.steps[trait.step], trait.name)) is not None:
                self.spreads[trait.name] = (trait.step, spread)
        for name, step in self.steps.items():
            self.spreads |= {variable: (name, spread) for variable, spread in step.variables.items()}
        self.names = [trait.name for trait in TRAITS] + [name for name in self.spreads if name not in TRAIT_PLACE]
        self.factor = {level: cholesky(self.matrix(level)) for level in ("lot", "roll", "within")}
        self.shape = {name: self.shape_of(*pair) for name, pair in self.spreads.items()}

    def matrix(self, level: str) -> list[list[float]]:
        """Correlations of all variables at a level."""
        out = [[float(a == b) for b in self.names] for a in self.names]
        for each in self.model.correlations:
            if each.level in (level, "all"):
                a, b = self.names.index(each.a), self.names.index(each.b)
                out[a][b] = out[b][a] = each.value
        return out

    def level_of(self, step: str) -> Any:
        """Level of automation of a step, or None."""
        name = self.steps[step].automation
        return None if name is None else getattr(self.model.automation_levels, name)

    def shape_of(self, step: str, spread: Spread) -> naive_shapes.Shape:
        level = self.level_of(step)
        factor = self.sd_factor * (level.spread_factor if level else 1.0)
        nominal = 1.0 if spread.nominal is None else spread.nominal
        sd = 0.0 if spread.distribution == "empirical" else sd_pct(spread)
        return naive_shapes.shape(spread, nominal, sd, limits_pct(spread), factor, self.folder, self.as_tabulated)

    def words_of(self, name: str, level: str) -> tuple[int, int]:
        """Purpose and index of the word of a variable at a level."""
        if name in TRAIT_PLACE:
            return FIRST[level], TRAIT_PLACE[name]
        return hashed(f"variable {name} {level}"), 0

    def raw(self, name: str, level: str, *address: int) -> float:
        """Independent standard normal; of a variable of the user's four neighbouring slots share a call."""
        purpose, index = self.words_of(name, level)
        if name not in TRAIT_PLACE:
            block, slot, candidate = address
            index, address = slot % 4, (block, slot // 4, candidate)
        return normal_by(self.pair, self.seed, purpose, index, *address)

    def correlated(self, name: str, level: str, *address: int) -> float:
        row = self.factor[level][self.names.index(name)]
        return sum(part * self.raw(other, level, *address) for part, other in zip(row, self.names, strict=True) if part)

    def latent(self, name: str, address: tuple[int, int, int]) -> tuple[float, float]:
        """Latent value of the cell's segment and lane, and the sd within."""
        step, spread = self.spreads[name]
        shape, model = self.shape[name], self.model
        block, slot, _ = address
        span = max(model.supplier_lot_cells // self.slots, 1)
        first, place = block - block % span, block % span * self.slots + slot
        lot, roll = (place // cells * cells for cells in (model.supplier_lot_cells, model.roll_cells))
        at_lot, at_roll = ((first + p // self.slots, p % self.slots) for p in (lot, roll))
        shares = {
            "lot": spread.between_lot_share,
            "roll": spread.between_roll_share,
            "lane": spread.between_lane_share,
            "drift": spread.drift_share,
        }
        sd = {part: shape.sd * math.sqrt(share) for part, share in shares.items()}
        own = shape.location + sd["lot"] * self.correlated(name, "lot", *at_lot, 0)
        own += sd["roll"] * self.correlated(name, "roll", *at_roll, 0)
        gain = (level.feedback_gain if (level := self.level_of(step)) else 0.0) or 0.0
        p = math.exp(-model.segment_cells / spread.drift_cells)
        drift = correction = here = 0.0
        for segment in range((place - roll) // model.segment_cells + 1):
            z = self.raw(name, "drift", *at_roll, segment) if sd["drift"] > 0.0 else 0.0
            drift = sd["drift"] * z if segment == 0 else p * drift + math.sqrt(1.0 - p * p) * sd["drift"] * z
            made = first * self.slots + roll + segment * model.segment_cells
            life = spread.tool_life_cells or 1
            here = own + drift + shape.wear * (made % life) / life + correction
            correction -= gain * (here - shape.target)
        if sd["lane"] > 0.0:
            here += sd["lane"] * self.raw(name, "lane", *at_lot, (place - roll) % model.web_lanes)
        return here, shape.sd * math.sqrt(max(1.0 - sum(shares.values()), 0.0))

    def lot_number(self, block: int, slot: int) -> int:
        """Lots are counted through the run."""
        lot, slots = self.model.supplier_lot_cells, self.slots
        if lot >= slots:
            return block // (lot // slots)
        return block * math.ceil(slots / lot) + slot // lot

    def cell(self, address: tuple[int, int, int]) -> Built:
        """Everything of one cell."""
        values = {trait.name: trait.nominal for trait in TRAITS}
        latent = {name: self.latent(name, address) for name in self.spreads}
        for name, (here, within) in latent.items():
            z = self.correlated(name, "within", *address) if within > 0.0 else 0.0
            values[name] = self.shape[name].value(here + within * z)
        mask = 0
        for k, (name, *_) in enumerate(DEFECTS):
            defect, level = getattr(self.model.defects, name), self.level_of(DEFECT_STEPS[name])
            if defect is None:
                continue
            rate = defect.rate_ppm * (level.defect_factor if level else 1.0) * 1e-6
            digit = word(self.seed, DECISIONS, k // 4, *address) >> 8 * (k % 4) & 0xFF
            mask |= ((digit << 32 | word(self.seed, OCCURS_DIGITS, k, *address)) / 2**40 < rate) << k
        mask, scrapped, rejected = self.inspected(address, values, latent, mask)
        for name, (_, spread) in self.spreads.items():
            for trait, effect in getattr(spread, "effects", {}).items():
                values[trait] *= max(1.0 + effect * (values[name] - 1.0), 0.0)
        for k, (name, key, per_unit, trait, added) in enumerate(DEFECTS):
            if mask >> k & 1:
                defect, z = getattr(self.model.defects, name), normal_by(self.pair, self.seed, SEVERITY, k, *address)
                severity = per_unit * getattr(defect, key) * defect.spread_factor**z
                values[trait] = values[trait] + severity if added else values[trait] * (1 - min(severity, 0.95))
        return Built(values, mask, self.lot_number(*address[:2]), scrapped, rejected)

    def inspected(
        self, address: tuple[int, int, int], values: dict[str, float], latent: dict[str, Any], mask: int
    ) -> tuple[int, int, int]:
        """Defects left, number of the inspected step that scrapped (-1 for none), bits of those that rejected."""
        rejected, kinds = 0, [name for name, *_ in DEFECTS]
        inspections = [(name, step) for name, step in self.steps.items() if step.inspection is not None]
        for j, (name, step) in enumerate(inspections):
            inspection, level = step.inspection, self.level_of(name)
            detection = inspection.detection_pct
            detection = (level.detection_pct if level else 100.0) if detection is None else detection
            alarm = inspection.false_alarm_pct
            alarm = (level.false_alarm_pct if level else 0.0) if alarm is None else alarm
            made_here = [defect for defect in kinds if DEFECT_STEPS[defect] == name]
            looks_for = dict.fromkeys(made_here, detection) if inspection.detects is None else inspection.detects
            set_here = [variable for variable, (where, _) in self.spreads.items() if where == name]
            passed = 1.0 - alarm / 100.0
            for variable in set_here:
                spread = self.spreads[variable][1]
                ratio = 100.0 * values[variable] / (1.0 if spread.nominal is None else spread.nominal)
                lower, upper = limits_pct(spread)
                passed *= 1.0 if lower <= ratio <= upper else 1.0 - detection / 100.0
            for defect, share in looks_for.items():
                passed *= 1.0 - share / 100.0 if mask >> kinds.index(defect) & 1 else 1.0
            if name in STEPS:
                place = list(STEPS).index(name)
                decides, digits, again = (DECISIONS, DIGIT[name] // 4), (IN_LINE_DIGITS, place), (REWORK_GOOD, place)
                shift = 8 * (DIGIT[name] % 4)
            else:
                purposes = [hashed(f"step {name} {what}") for what in ("inspection", "inspection digits", "rework")]
                (decides, digits, again), shift = [(purpose, 0) for purpose in purposes], 0
            first = word(self.seed, *decides, *address) >> shift & 0xFF
            if (first << 32 | word(self.seed, *digits, *address)) / 2**40 >= 1.0 - passed:
                continue
            rejected |= 1 << j
            good = (word(self.seed, *again, *address) + 0.5) / 2**32 < inspection.rework_yield_pct / 100.0
            if inspection.on_reject == "scrap" or not good:
                return mask, j, rejected
            for variable in set_here:
                here, within = latent[variable]
                values[variable] = self.shape[variable].value(here + within * self.raw(variable, "rework", *address))
            for defect in made_here:
                mask &= ~(1 << kinds.index(defect))
        return mask, -1, rejected


def built(line: LineModel, slots_per_block: int, seed: int, address: tuple[int, int, int]) -> Built:
    """Traits and variables by name, defect bits, lot number, scrapping step and rejecting steps of one cell."""
    return Line(line, slots_per_block, seed).cell(address)


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

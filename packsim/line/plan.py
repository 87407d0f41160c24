"""From the scenario's line to what the kernels need."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from packsim.cell.traits import INDEX, TRAITS
from packsim.line.defects import DEFECTS
from packsim.line.digits.kernels import DigitsPlan
from packsim.line.digits.plan import digits_plan
from packsim.line.distributions import table_of
from packsim.line.in_line.kernels import InLinePlan
from packsim.line.in_line.plan import in_line_plan
from packsim.line.size import sd_pct
from packsim.line.variation.kernels import KNOTS, LOGNORMAL, NORMAL, TABLE
from packsim.line.variation.plan import correlations, places, words
from packsim.scenario.automation import AutomationLevel
from packsim.scenario.line import LineModel
from packsim.scenario.spread import Spread
from packsim.scenario.traits import DEFECT_STEPS

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
File = Callable[[str], Path]
AS_GIVEN = AutomationLevel()


class LinePlan(NamedTuple):
    """The line in numbers, in the traits' units. t traits, v variables (the traits first), d defects, g word groups.

    The latent value of a variable is `location + sd_lot z1 + sd_lane z2 + sd_roll z3 + drift and wear + sd_within z4`;
    by `form` it is the variable itself, its logarithm, or what `tables` turn into it.
    """

    nominal: Array  # [t]
    mean: Array  # [t] of the value itself, before effects of other variables and before defects
    location: Array  # [v]
    sd_lot: Array  # [v]
    sd_roll: Array  # [v]
    sd_within: Array  # [v]
    sd_lane: Array  # [v]
    sd_drift: Array  # [v]
    draws: Array  # [lot, roll, within][v] > 0 where a normal is needed: by itself or through a correlation
    form: Integers  # [v] NORMAL, LOGNORMAL or TABLE
    table: Integers  # [v] row of tables
    centre: Array  # [v] value = centre + scale * table(latent)
    scale: Array  # [v]
    tables: Array  # [rows, KNOTS]
    moves: Integers  # [m] the variables that drift, wear or are controlled
    persistence: Array  # [v] of the drift from segment to segment
    wear: Array  # [v] latent shift over one tool's life
    tool_life: Integers  # [v] cells
    gain: Array  # [v] of the closed loop
    target: Array  # [v] latent value that the closed loop aims at
    any_moves: bool
    any_lanes: bool
    lanes: int
    segment_cells: int
    purpose: Integers  # [level, g] of the normals of each level, and of rework
    group_rows: Integers  # [g, 4] variable of each word, v for none
    own_group: Integers  # [v]
    own_word: Integers  # [v]
    correlated: Flags  # [lot, roll, within]
    factor_lot: Array  # [v, v] lower triangles: correlated normals are these times independent ones
    factor_roll: Array
    factor_within: Array
    effect_variable: Integers  # [effect]
    effect_trait: Integers  # [effect]
    elasticity: Array  # [effect]
    slots_per_block: int
    lot_cells: int
    roll_cells: int
    blocks_per_lot: int  # 1 where lots lie within a block
    probability: Array  # [d], changed by `at_rates` only: `digits` follow from it
    severity: Array  # [d] median, unit of the trait, or share lost
    severity_log_sd: Array  # [d]
    defect_trait: Integers  # [d] row of the trait it acts on
    defect_mode: Integers  # [d] ADD or LOSE
    digits: DigitsPlan
    in_line: InLinePlan


class _Row(NamedTuple):
    """One variable."""

    nominal: float
    mean: float
    location: float = 0.0
    sd_lot: float = 0.0
    sd_roll: float = 0.0
    sd_within: float = 0.0
    sd_lane: float = 0.0
    sd_drift: float = 0.0
    form: int = NORMAL
    centre: float = 0.0
    scale: float = 1.0
    persistence: float = 0.0
    wear: float = 0.0
    tool_life: int = 1
    gain: float = 0.0
    target: float = 0.0
    table: Array | None = None


def plan(
    model: LineModel,
    slots_per_block: int,
    *,
    sd_factor: float = 1.0,
    defect_factor: float = 1.0,
    file: File = Path,
) -> LinePlan:
    """Numbers of a scenario's line; every sd times `sd_factor`, every defect rate times `defect_factor`.

    Args:
        file: where a file that the scenario names is (`Scenario.file`).

    Raises:
        ValueError: a negative factor, or a rate above 1 (see `largest_defect_factor`).
        ScenarioError: an empirical distribution's file that cannot be used, an inverse Weibull that is too wide,
            correlations that cannot hold together.
    """
    largest = largest_defect_factor(model)
    if not (0.0 <= sd_factor < math.inf and 0.0 <= defect_factor <= largest):
        raise ValueError(
            f"sd_factor {sd_factor:g} must be >= 0 and defect_factor {defect_factor:g} within 0..{largest:g}"
        )
    names = variable_names(model)
    rows = _rows(model, names, sd_factor, file)
    columns = {field: np.array([getattr(row, field) for row in rows]) for field in _Row._fields if field != "table"}
    tables = [row.table for row in rows if row.table is not None]
    given = [getattr(model.defects, defect.name) for defect in DEFECTS]
    rate = [
        d.rate_ppm * level_of(model, DEFECT_STEPS[k.name]).defect_factor if d else 0.0
        for k, d in zip(DEFECTS, given, strict=True)
    ]
    correlated, factors = correlations(model, names)
    sd_within, gain = columns["sd_within"], columns["gain"]
    moves = (columns["sd_drift"] > 0.0) | (columns["wear"] != 0.0) | (gain > 0.0)
    group_rows, purpose = words(names)
    own_group, own_word = places(group_rows, len(names))
    probability = np.array([min(1e-6 * r * defect_factor, 1.0) for r in rate])
    in_line = in_line_plan(model, names, columns["nominal"])
    effects = [
        (names.index(name), INDEX[trait], elasticity)
        for _, name, spread in model.spreads()
        for trait, elasticity in getattr(spread, "effects", {}).items()
    ]
    return LinePlan(
        nominal=columns["nominal"][: len(TRAITS)].copy(),
        mean=columns["mean"][: len(TRAITS)].copy(),
        location=columns["location"],
        sd_lot=columns["sd_lot"],
        sd_roll=columns["sd_roll"],
        sd_within=sd_within,
        sd_lane=columns["sd_lane"],
        sd_drift=columns["sd_drift"],
        draws=np.array(
            [
                ((f != 0.0).T @ (columns[sd] > 0.0)).astype(float)
                for f, sd in zip(factors, ("sd_lot", "sd_roll", "sd_within"), strict=True)
            ]
        ),
        form=columns["form"],
        table=np.cumsum(columns["form"] == TABLE) - 1,
        centre=columns["centre"],
        scale=columns["scale"],
        tables=np.array(tables) if tables else np.zeros((1, KNOTS)),
        moves=np.flatnonzero(moves),
        persistence=columns["persistence"],
        wear=columns["wear"],
        tool_life=columns["tool_life"],
        gain=gain,
        target=columns["target"],
        any_moves=bool(moves.any()),
        any_lanes=bool((columns["sd_lane"] > 0.0).any()),
        lanes=model.web_lanes,
        segment_cells=model.segment_cells,
        purpose=purpose,
        group_rows=group_rows,
        own_group=own_group,
        own_word=own_word,
        correlated=correlated,
        factor_lot=factors[0],
        factor_roll=factors[1],
        factor_within=factors[2],
        effect_variable=np.array([e[0] for e in effects], np.int64),
        effect_trait=np.array([e[1] for e in effects], np.int64),
        elasticity=np.array([e[2] for e in effects], np.float64),
        slots_per_block=slots_per_block,
        lot_cells=model.supplier_lot_cells,
        roll_cells=model.roll_cells,
        blocks_per_lot=max(model.supplier_lot_cells // slots_per_block, 1),
        probability=probability,
        severity=np.array(
            [k.per_unit * getattr(d, k.severity) if d else 0.0 for k, d in zip(DEFECTS, given, strict=True)]
        ),
        severity_log_sd=np.array([math.log(d.spread_factor) if d else 0.0 for d in given]),
        defect_trait=np.array([INDEX[defect.trait] for defect in DEFECTS]),
        defect_mode=np.array([defect.mode for defect in DEFECTS]),
        digits=digits_plan(probability, in_line.purpose, in_line.digit, in_line.alarm),
        in_line=in_line,
    )


def at_rates(line: LinePlan, probability: Array) -> LinePlan:
    """The same line with other probabilities [d] of defects."""
    in_line = line.in_line
    digits = digits_plan(probability, in_line.purpose, in_line.digit, in_line.alarm)
    return line._replace(probability=probability, digits=digits)


def uninspected(line: LinePlan) -> LinePlan:
    """The same line without its in-line inspections, so that no cell is scrapped and no defect removed."""
    nobody = np.empty(0, np.int64)
    in_line = line.in_line._replace(alarm=np.empty(0), purpose=nobody, digit=nobody)
    return at_rates(line._replace(in_line=in_line), line.probability)


def variable_names(model: LineModel) -> list[str]:
    """The traits, then the process variables of the user's, in the order of the steps."""
    return [trait.name for trait in TRAITS] + [name for _, step in model.ordered() for name in step.variables]


def level_of(model: LineModel, step: str) -> AutomationLevel:
    """The level of automation of a step; factors of 1 and no loop where it has none."""
    name = dict(model.ordered())[step].automation
    level: AutomationLevel = AS_GIVEN if name is None else getattr(model.automation_levels, name)
    return level


def largest_defect_factor(model: LineModel) -> float:
    """The factor on all defect rates at which the first rate reaches 1; inf without defects."""
    given = ((defect.name, getattr(model.defects, defect.name)) for defect in DEFECTS)
    rate = max((d.rate_ppm * level_of(model, DEFECT_STEPS[name]).defect_factor for name, d in given if d), default=0.0)
    return 1e6 / rate if rate > 0.0 else math.inf


def _rows(model: LineModel, names: list[str], sd_factor: float, file: File) -> list[_Row]:
    rows = {trait.name: _Row(trait.nominal, trait.nominal, trait.nominal) for trait in TRAITS}
    for key, name, spread in model.spreads():
        level = level_of(model, key.split(".")[1])
        source = file(spread.file) if spread.file is not None else None
        nominal = spread.nominal if spread.nominal is not None else 1.0
        rows[name] = _row(model, spread, nominal, level, sd_factor, source, key)
    return [rows[name] for name in names]


def _row(
    model: LineModel,
    spread: Spread,
    nominal: float,
    level: AutomationLevel,
    sd_factor: float,
    source: Path | None,
    key: str,
) -> _Row:
    mean, factor = nominal * (1.0 + spread.offset_pct / 100.0), sd_factor * level.spread_factor
    one = 0.0 if spread.distribution == "empirical" else nominal * sd_pct(spread) / 100.0
    wear, target = nominal * spread.wear_pct / 100.0 * factor, nominal
    form, location, sd, centre, scale, table = NORMAL, mean, one * factor, 0.0, 1.0, None
    if spread.distribution == "lognormal" and sd > 0.0:
        form, variance = LOGNORMAL, math.log1p((sd / mean) ** 2)
        location, sd = math.log(mean) - 0.5 * variance, math.sqrt(variance)
        wear, target = wear / mean, math.log(nominal) - 0.5 * variance  # where its mean is nominal
    elif spread.distribution not in ("normal", "lognormal"):
        form, location, sd = TABLE, 0.0, 1.0
        own = level.spread_factor
        mean, scale, table = table_of(spread, nominal, mean, one, factor, source, f"line.{key}", own)
        centre = mean
        spread_out = scale * float(table[KNOTS // 2 + 146] - table[KNOTS // 2 - 146]) / 2.0  # about one sd: 146 knots
        per_sd = 1.0 / spread_out if spread_out > 0.0 else 0.0
        wear, target = wear * per_sd, (nominal - mean) * per_sd
    shares = spread.between_lot_share, spread.between_roll_share, spread.between_lane_share, spread.drift_share
    lot, roll, lane, drift = (sd * math.sqrt(share) for share in shares)
    return _Row(
        nominal=nominal,
        mean=mean,
        location=location,
        sd_lot=lot,
        sd_roll=roll,
        sd_within=sd * math.sqrt(max(1.0 - sum(shares), 0.0)),
        sd_lane=lane,
        sd_drift=drift,
        form=form,
        centre=centre,
        scale=scale,
        persistence=math.exp(-model.segment_cells / spread.drift_cells),
        wear=wear,
        tool_life=spread.tool_life_cells or 1,
        gain=level.feedback_gain,
        target=target,
        table=table,
    )

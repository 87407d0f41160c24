"""Response surface of the test: what cells really are, from polynomials in their traits, about ten times as fast.

Fitted to cells that the line itself makes with wider spreads, so whatever shape and correlation its traits have is
covered; cells with one defect have surfaces of their own, by its kind, but for the EDGE mildest and worst. Cells outside the
fitted range (several defects, dry pores, far tails) are run, dry ones in the steps of all others. Errors:
docs/inspection.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from packsim.cell.cells import Cells
from packsim.cell.electrodes.kernels import Design
from packsim.cell.traits import INDEX, TRAITS
from packsim.inspection import kernels as k
from packsim.inspection.plan import InspectionPlan
from packsim.inspection.surface import kernels as surfaces
from packsim.inspection.surface.kernels import Surface
from packsim.inspection.test import TrueValues, true_values
from packsim.line.defects import DEFECTS
from packsim.line.plan import LinePlan
from packsim.numerics.streams import seed_key
from packsim.numerics.threads import alone, in_parallel

Array = npt.NDArray[np.float64]
STEP = 0.01  # of the slopes' finite differences, in units of the nominal value
CELLS_PER_TERM = 3  # fewer cells that can be run than this, and no polynomial is trusted
RIDGE = 1e-10
LEAK_SHARE = 2e-3  # of the test current: a larger leak also moves what the electrodes give, which is left to the test
OTHER_KIND = 30.0  # times the median error: such a cell ends its charge or discharge by another limit than the rest
WORSE = 5.0  # times the residual of sound cells: a kind that fits worse is run,
HALVINGS = 2  # of the severities of a kind that no one polynomial fits
OF_KIND = (
    1 << 10
)  # cells of a kind, or of half its severities, that are fitted; a quarter's 512 are enough for all traits
SHORTS = sum(1 << kind for kind, defect in enumerate(DEFECTS) if defect.trait == "leakage_ua")
EDGE = 5  # largest and smallest severities of a kind beyond which its polynomial is held by too few cells
ENOUGH, ENOUGH_X = 1e-5, 1e-7  # unless it fits to this share of nominal capacity and DCIR, and of stoichiometry
CONSTANT = 1e-12  # relative range under which a trait does not spread

__all__ = ["Surface", "Surfaces", "by_one", "estimate", "fit", "fit_kinds", "reading_slopes", "through"]


class Surfaces(NamedTuple):
    """The surface of cells without a defect, tried first, and those of cells that have one, by its number in DEFECTS.

    Each of these holds for a range of severities of its own.
    """

    sound: Surface
    of_kind: Mapping[int, tuple[Surface, ...]]


def fit(plan: InspectionPlan, cells: Cells) -> Surface:
    """Polynomials fitted to what `cells` really are, and trusted between the least and largest of each of their traits.

    `cells` should spread wider than those to be estimated, and have the same defects or none. Cells far off the polynomial
    of all are left out of a second fit; `residual` says how well it fits, them included. Where too few cells have a window,
    nothing is trusted and `estimate` runs every cell.
    """
    values = cells.values.copy()
    values[INDEX["leakage_ua"]] = 0.0
    still = plan._replace(bench=plan.bench._replace(charge_sd_ah=0.0))
    true = true_values(still, Cells.at_the_end(cells.address, cells.lot, values, np.zeros_like(cells.defect)), 0)
    y = np.stack([true.capacity_ah, 1e-3 * true.dcir_mohm, true.window[0], true.window[1]])
    alive = np.flatnonzero(np.isfinite(y).all(axis=0))
    low, high = values.min(axis=1), values.max(axis=1)
    rows = np.flatnonzero(high - low > CONSTANT * np.abs(high))
    terms = 1 + 2 * rows.size + rows.size * (rows.size + 1) // 2
    if alive.size < CELLS_PER_TERM * terms:
        return _untrusted(len(values))
    values, y = np.take(values, alive, axis=1), np.take(y, alive, axis=1)
    low, high = values.min(axis=1), values.max(axis=1)
    still_there = ~np.isin(np.arange(len(values)), rows)
    margin = CONSTANT * np.abs(high)
    low[still_there] -= margin[still_there]
    high[still_there] += margin[still_there]
    low[INDEX["leakage_ua"]], high[INDEX["leakage_ua"]] = 0.0, 1e6 * LEAK_SHARE * plan.bench.test_a
    centre, scale = values[rows].mean(axis=1), np.maximum(values[rows].std(axis=1), 1e-300)

    def fitted(to: npt.NDArray[np.bool_] | slice) -> tuple[Surface, Array]:
        surface = through(values[rows][:, to], y[:, to], rows, centre, scale)._replace(low=low, high=high)
        return surface, surfaces.polynomials(values, surface) - y

    surface, off = fitted(slice(None))
    median = np.median(np.abs(off), axis=1)[:, None]
    same_kind = np.asarray((np.abs(off) <= OTHER_KIND * median).all(axis=0))
    if not same_kind.all():  # one cell in thousands that an anode too small ends would bend the whole polynomial
        surface, off = fitted(same_kind)
    return surface._replace(residual=np.stack([np.sqrt((off**2).mean(axis=1)), np.abs(off).max(axis=1)]))


def through(values: Array, y: Array, rows: npt.NDArray[np.int64], centre: Array, scale: Array) -> Surface:
    """Polynomials of the traits `rows`, values[a, n], through y[N_FIT, n]; where they hold is left open."""
    u = (values - centre[:, None]) / scale[:, None]
    coefficients = surfaces.least_squares(np.ascontiguousarray(u), np.ascontiguousarray(y), RIDGE)
    return _unpacked(coefficients, rows, centre, scale)


def fit_kinds(plan: InspectionPlan, made: Callable[[tuple[int, ...]], Cells], kinds: Sequence[int]) -> Surfaces:
    """Surfaces of cells without a defect and with one of each of `kinds` (numbers in DEFECTS).

    `made` gives the cells to fit, with exactly the defects that it is asked for. A short moves nothing that is fitted: its
    cells take the surface of the rest. Where no polynomial fits all severities about as well as sound cells are fitted, each
    half has one, or a quarter; severities that none fits (dry pores) have none.
    """
    fitted = [kind for kind in kinds if not 1 << kind & SHORTS]
    sound = fit(plan, made(()))
    enough = np.array([ENOUGH * plan.nominal_capacity_ah, 1e-3 * ENOUGH * plan.nominal_dcir_mohm, ENOUGH_X, ENOUGH_X])
    most = np.maximum(WORSE * sound.residual[0], enough)
    found: dict[int, tuple[Surface, ...]] = {}

    def some(first: int, last: int) -> None:
        with alone():
            for kind in fitted[first:last]:
                cells, trait = made((kind,)), INDEX[DEFECTS[kind].trait]
                found[kind] = tuple(_parts(plan, cells, trait, most, HALVINGS))

    in_parallel(some, len(fitted))
    return Surfaces(sound, {kind: found[kind] for kind in fitted if found[kind]})


def _parts(plan: InspectionPlan, cells: Cells, trait: int, most: Array, halvings: int) -> list[Surface]:
    """Surfaces whose residuals are no larger than `most`, of ranges of this trait."""
    fitted = cells.take(np.arange(0, len(cells), max(len(cells) // OF_KIND, 1)))
    surface = fit(plan, fitted)
    if np.all(surface.residual[0] <= most):  # nan is not
        return [_without_ends(surface, fitted.values, trait)]
    if not halvings:
        return []
    order = np.argsort(cells.values[trait], kind="stable")
    halves = np.array_split(order, 2)
    return [part for half in halves for part in _parts(plan, cells.take(half), trait, most, halvings - 1)]


def _without_ends(surface: Surface, values: Array, trait: int) -> Surface:
    """Trusted where at least EDGE of the fitted cells' values [trait, n] lie beyond, of one trait: its tail is long.

    The other traits were drawn with wider spreads than they have.
    """
    ordered = np.sort(values[trait])
    if ordered.size <= 2 * EDGE:
        return surface
    low, high = surface.low.copy(), surface.high.copy()
    low[trait], high[trait] = max(low[trait], ordered[EDGE]), min(high[trait], ordered[-1 - EDGE])
    return surface._replace(low=low, high=high)


def estimate(plan: InspectionPlan, by: Surfaces, cells: Cells, seed: int) -> TrueValues:
    """As `true_values`, by the polynomials where they are trusted."""
    n = len(cells)
    true, window, inside = np.empty((k.N_TRUE, n)), np.empty((5, n)), np.zeros(n, np.bool_)
    by_one(plan.design, plan.bench, by.sound, cells, seed, np.arange(n), true, window, inside)
    outside = np.flatnonzero(~inside)
    defect = cells.defect[outside] & np.uint16(~SHORTS & 0xFFFF)
    for kind, surfaces_of_kind in by.of_kind.items():
        own = outside[defect == 1 << kind]
        for surface in surfaces_of_kind:
            if own.size:
                by_one(plan.design, plan.bench, surface, cells, seed, own, true, window, inside)
                own = own[~inside[own]]
    outside = outside[~inside[outside]]
    if outside.size:
        run = true_values(plan, cells.take(outside), seed, finer=False)
        for row, of in (
            (k.CAPACITY, run.capacity_ah),
            (k.DCIR, run.dcir_mohm),
            (k.OCV_FIRST, run.ocv_first_v),
            (k.OCV_SECOND, run.ocv_second_v),
            (k.SOC, run.soc),
        ):
            true[row, outside] = of
        window[:, outside] = run.window
    return TrueValues(true[k.CAPACITY], true[k.DCIR], true[k.OCV_FIRST], true[k.OCV_SECOND], true[k.SOC], window)


def by_one(
    design: Design,
    bench: k.Bench,
    surface: Surface,
    cells: Cells,
    seed: int,
    which: npt.NDArray[np.int64],
    true: Array,
    window: Array,
    inside: npt.NDArray[np.bool_],
) -> None:
    """True values [N_TRUE, n] and windows [5, n] by one surface, of those of `which` it is trusted for: now inside[n]."""
    key = seed_key(seed)

    def rows(first: int, last: int) -> None:
        surfaces.estimate_cells(
            true,
            window,
            inside,
            cells.values,
            cells.address,
            which,
            surface,
            design,
            bench,
            *key,
            first,
            last,
        )

    in_parallel(rows, which.size, surfaces.CHUNK)


def reading_slopes(line: LinePlan, inspection: InspectionPlan) -> Array:
    """Change of capacity (Ah), DCIR (mohm) and OCV (V) per unit of each trait, [3, trait], at the line's mean cell."""
    step = np.array([STEP * (1.0 if t.unit == "1" else max(m, 1.0)) for t, m in zip(TRAITS, line.mean, strict=True)])
    values = np.concatenate([line.mean[:, None] + np.diag(step), line.mean[:, None] - np.diag(step)], axis=1)
    n = values.shape[1]
    probes = Cells.at_the_end(np.zeros((n, 3), np.int64), np.zeros(n, np.int32), values, np.zeros(n, np.uint16))
    exact = inspection._replace(bench=inspection.bench._replace(charge_sd_ah=0.0))
    true = true_values(exact, probes, 0)
    out = np.stack([true.capacity_ah, true.dcir_mohm, true.ocv_second_v])
    slopes: Array = np.nan_to_num((out[:, : len(TRAITS)] - out[:, len(TRAITS) :]) / (2.0 * step))
    return slopes


def _unpacked(coefficients: Array, rows: npt.NDArray[np.int64], centre: Array, scale: Array) -> Surface:
    """From the orthogonal terms of `least_squares` to powers of u."""
    a = rows.size
    square = np.zeros((surfaces.N_FIT, a, a))
    upper = np.triu_indices(a)
    square[:, upper[0], upper[1]] = coefficients[1 + a : 1 + a + upper[0].size].T
    cube = np.ascontiguousarray(coefficients[1 + a + upper[0].size :].T)
    return Surface(
        rows=rows,
        centre=centre,
        scale=scale,
        constant=coefficients[0] - np.einsum("kaa->k", square),
        linear=coefficients[1 : 1 + a].T - 3.0 * cube,
        cube=cube,
        square=square,
        low=np.empty(0),
        high=np.empty(0),
        residual=np.empty((2, surfaces.N_FIT)),
    )


def _untrusted(traits: int) -> Surface:
    nothing = _unpacked(np.zeros((1, surfaces.N_FIT)), np.empty(0, np.int64), np.empty(0), np.empty(0))
    return nothing._replace(
        low=np.full(traits, np.inf), high=np.full(traits, -np.inf), residual=np.full((2, surfaces.N_FIT), np.nan)
    )

"""From the scenario's inspection to what the test needs: currents, steps, absolute limits."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from packsim.cell import kernels as cell
from packsim.cell.cell import empty_lane, window_of
from packsim.cell.electrodes.kernels import Design
from packsim.cell.plan import CellPlan
from packsim.cell.traits import INDEX
from packsim.inspection import kernels as k
from packsim.inspection.bins import Grades, Limits, grades_of
from packsim.inspection.gauge import Gauge, gauge_of
from packsim.inspection.overhang import Relaxation, relaxation_of
from packsim.line.plan import LinePlan
from packsim.numerics.streams import seed_key
from packsim.scenario.errors import NominalCellError
from packsim.scenario.inspection import InspectionModel, Retest

Array = npt.NDArray[np.float64]

# Common steps of the capacity test: (number, where the last one ends as a share of the nominal cell's end), and steps
# of the pulse. The first that is accurate enough on the probes is taken; trials and errors: docs/inspection.md.
CAPACITY_STEPS = ((4, 0.97), (6, 0.97), (10, 0.97), (10, 0.99), (16, 0.997), (24, 0.997), (40, 0.997), (80, 0.999))
CAPACITY_ERROR = 4e-5
PULSE_STEPS = (1, 2, 3, 4, 6, 10, 20)
PULSE_ERROR = 5e-4
REFERENCE_STEPS = 20_000  # a second each where the test is shorter than that
REFERENCE_PULSE_STEPS = 1_000
# loading and thickness of both electrodes, electrolyte fill: the nominal cell alone may be right by chance
PROBES = ((1.0, 1.0, 1.0), (1.03, 1.0, 1.0), (0.97, 1.0, 1.0), (1.0, 0.97, 1.0), (1.0, 1.0, 0.8))


class Repeats(NamedTuple):
    """Most repetitions of a reading that misses a limit, and what then decides: last, mean or any."""

    times: int
    decide: str


class InspectionPlan(NamedTuple):
    """The test in numbers: Ah, mohm, V, mV/day. Limits left out are infinite.

    `*_ah`, `*_mohm`, `*_v` limits are for readings (inside their guard band), `*_spec_*` for true values. `*_sd_*` are of
    one reading about the true value: repeatability, channel, session and temperature together.
    """

    design: Design
    bench: k.Bench
    nominal_capacity_ah: float
    nominal_dcir_mohm: float
    nominal_ocv_v: float
    nominal_k_mv_per_day: float
    capacity_ah: Limits  # lower and upper limit
    dcir_mohm: Limits
    ocv_v: Limits
    k_mv_per_day: float  # upper limit, inf if relative or none
    k_robust_sigmas: float  # relative upper limit, inf if absolute or none
    capacity_sd_ah: float  # gauge
    dcir_sd_mohm: float
    meter_sd_v: float
    rest_days: float
    capacity_spec_ah: Limits
    dcir_spec_mohm: Limits
    ocv_spec_v: Limits
    k_guard_mv_per_day: float  # absolute limits of true value and of reading differ by this
    k_shift_mv_per_day: float  # the mean relaxation, which a limit relative to the lot holds already
    k_noise_sd_mv_per_day: float  # of a reading about the leak's part and the mean relaxation
    k_pool_cells: int  # fewest cells of a lot for a limit of its own
    gauge: Gauge
    relaxation: Relaxation
    capacity_repeats: Repeats
    dcir_repeats: Repeats
    ocv_repeats: Repeats
    k_repeats: Repeats
    grades: Grades

    def without_retests(self) -> InspectionPlan:
        """The same test whose first readings decide."""
        once = Repeats(0, "last")
        return self._replace(capacity_repeats=once, dcir_repeats=once, ocv_repeats=once, k_repeats=once)

    @property
    def disturbed(self) -> bool:
        """Whether relaxation or temperature has a part in the K-value."""
        warm = self.gauge.per_k[2] != 0.0 and self.gauge.temperature_k > 0.0
        return warm or self.relaxation.mean_v != 0.0 or self.relaxation.sd_v > 0.0


def plan(model: InspectionModel, cell_plan: CellPlan, line_plan: LinePlan) -> InspectionPlan:
    """Numbers of a scenario's inspection; the nominal cell goes through the same tests as every cell.

    Raises:
        NominalCellError: the nominal cell has no window, or no capacity at the test current; guard bands that meet.
    """
    design, bench = cell_plan.design, _bench(model, cell_plan, line_plan)
    capacity = float(exact_values(design, bench, bench.nominal)[k.CAPACITY, 0])
    if not capacity > 0.0:
        raise NominalCellError(f"{cell_plan.name}: the nominal cell gives no charge at {model.capacity.c_rate:g}C")
    bench = bench._replace(
        storage_ah=model.storage.soc_pct / 100.0 * capacity, charge_sd_ah=model.storage.charge_sd_pct / 100.0 * capacity
    )
    _, resistance, first, second, _ = (float(value) for value in exact_values(design, bench, bench.nominal)[:, 0])
    mohm, days = 1e3 * resistance, model.k_value.rest_days
    lower, upper = model.ocv.lower_mv, model.ocv.upper_mv
    relative, absolute = model.k_value.upper_robust_sigmas, model.k_value.upper_mv_per_day
    gauge, relaxation = gauge_of(model, (capacity, mohm), line_plan.slots_per_block), relaxation_of(model.k_value)
    capacity_spec = _limits(model.capacity.lower_pct, model.capacity.upper_pct, capacity)
    dcir_spec = _limits(model.dcir.lower_pct, model.dcir.upper_pct, mohm)
    ocv_spec = (
        -math.inf if lower is None else second + 1e-3 * lower,
        math.inf if upper is None else second + 1e-3 * upper,
    )
    gained = relaxation.second_share - relaxation.first_share
    ocv_sd = math.hypot(gauge.total(2), relaxation.sd_v * relaxation.second_share)
    k_noise = 1e3 / days * math.hypot(gauge.fall_sd_v(), relaxation.sd_v * gained)
    k_guard = model.k_value.guard_band_sigmas * k_noise
    if absolute is not None and absolute <= k_guard:
        raise NominalCellError(
            f"{cell_plan.name}: the guard band of the K-value, {k_guard:.3g} mV/day, reaches its limit {absolute:g}"
        )
    return InspectionPlan(
        design=design,
        bench=bench,
        nominal_capacity_ah=capacity,
        nominal_dcir_mohm=mohm,
        nominal_ocv_v=second,
        nominal_k_mv_per_day=1e3 * (first - second) / days,
        capacity_ah=_guarded("capacity", capacity_spec, model.capacity.guard_band_sigmas * gauge.total(0)),
        dcir_mohm=_guarded("DCIR", dcir_spec, model.dcir.guard_band_sigmas * gauge.total(1)),
        ocv_v=_guarded("OCV", ocv_spec, model.ocv.guard_band_sigmas * ocv_sd),
        k_mv_per_day=math.inf if absolute is None else absolute - k_guard,
        k_robust_sigmas=math.inf if relative is None else relative,
        capacity_sd_ah=gauge.total(0),
        dcir_sd_mohm=gauge.total(1),
        meter_sd_v=ocv_sd,
        rest_days=days,
        capacity_spec_ah=capacity_spec,
        dcir_spec_mohm=dcir_spec,
        ocv_spec_v=ocv_spec,
        k_guard_mv_per_day=k_guard,
        k_shift_mv_per_day=0.0 if relative is None else 1e3 / days * gained * relaxation.mean_v,
        k_noise_sd_mv_per_day=k_noise,
        k_pool_cells=model.k_value.relative_limit_min_cells,
        gauge=gauge,
        relaxation=relaxation,
        capacity_repeats=_repeats(model.capacity.retest),
        dcir_repeats=_repeats(model.dcir.retest),
        ocv_repeats=_repeats(model.ocv.retest),
        k_repeats=_repeats(model.k_value.retest),
        grades=grades_of(model, (capacity_spec, dcir_spec, ocv_spec)),
    )


def _repeats(model: Retest) -> Repeats:
    return Repeats(model.times, model.decide)


def _guarded(name: str, limits: Limits, band: float) -> Limits:
    """Limits for readings: `band` inside those for true values."""
    low, high = limits[0] + band, limits[1] - band
    if not low < high:
        raise NominalCellError(f"the guard band of {name} leaves nothing between its limits")
    return low, high


def _limits(lower_pct: float | None, upper_pct: float | None, nominal: float) -> Limits:
    lower = -math.inf if lower_pct is None else lower_pct / 100.0 * nominal
    upper = math.inf if upper_pct is None else upper_pct / 100.0 * nominal
    return lower, upper


def _bench(model: InspectionModel, cell_plan: CellPlan, line_plan: LinePlan) -> k.Bench:
    """The bench with the coarsest steps that are accurate enough on the nominal cell; storage charge still 0."""
    design = cell_plan.design
    nominal = np.ascontiguousarray(line_plan.nominal[:, None])
    window = np.ascontiguousarray(window_of(design, nominal)[:, 0])
    if not window[4] > 0.0:
        raise NominalCellError(f"{cell_plan.name}: the nominal cell has no usable window between its cut-offs")
    bench = coarsest(model, cell_plan, nominal, window)
    probes = _probes(nominal)
    capacity = np.array([reference_capacity_ah(design, bench, probes[:, j : j + 1].copy()) for j in range(len(PROBES))])
    bench = bench._replace(end_share=float(capacity[0]) / float(window[4]))
    for number, end in CAPACITY_STEPS:
        bench = bench._replace(shares=steps_towards_end(number, end))
        if _error(exact_values(design, bench, probes)[k.CAPACITY], capacity) <= CAPACITY_ERROR:
            break
    pulses = [reference_resistance_ohm(design, bench, probes[:, j : j + 1].copy()) for j in range(len(PROBES))]
    for steps in PULSE_STEPS:
        bench = bench._replace(pulse_steps=steps)
        if _error(exact_values(design, bench, probes)[k.DCIR], np.array(pulses)) <= PULSE_ERROR:
            break
    return bench


def coarsest(model: InspectionModel, cell_plan: CellPlan, nominal: Array, window: Array) -> k.Bench:
    """The bench as it is before any step has been tried, for the nominal cell [t, 1] and its window [5]."""
    return k.Bench(
        nominal=nominal,
        window=window,
        test_a=model.capacity.c_rate * cell_plan.rated_capacity_ah,
        end_share=1.0,
        shares=steps_towards_end(*CAPACITY_STEPS[-1]),
        pulse_a=model.dcir.c_rate * cell_plan.rated_capacity_ah,
        pulse_s=model.dcir.pulse_s,
        pulse_soc=model.dcir.soc_pct / 100.0,
        pulse_steps=PULSE_STEPS[-1],
        storage_ah=0.0,
        charge_sd_ah=0.0,
        rest_s=86_400.0 * model.k_value.rest_days,
    )


def _probes(nominal: Array) -> Array:
    values = np.repeat(nominal, len(PROBES), axis=1)
    for j, (loading, thickness, fill) in enumerate(PROBES):
        values[[INDEX["cathode_loading_ratio"], INDEX["anode_loading_ratio"]], j] *= loading
        values[[INDEX["cathode_thickness_ratio"], INDEX["anode_thickness_ratio"]], j] *= thickness
        values[INDEX["electrolyte_fill_ratio"], j] *= fill
    return values


def _error(values: Array, reference: Array) -> float:
    """Largest relative error; probes that have no value in the reference do not count."""
    return float(np.nanmax(np.abs(values / reference - 1.0), initial=0.0))


def steps_towards_end(number: int, end: float) -> Array:
    """Ends of `number` steps, each a fixed part of what is left: what is left after the last is 1 - end."""
    return 1.0 - (1.0 - end) ** (np.arange(1, number + 1) / number)


def reference_capacity_ah(design: Design, bench: k.Bench, values: Array) -> float:
    """Capacity of one cell [t, 1] in the same test, by error-controlled steps of a second or less; nan if none."""
    window = window_of(design, values)
    if not np.all(np.isfinite(window)):
        return math.nan
    longest = 3600.0 * float(window[4, 0]) / bench.test_a
    dt = max(1.0, longest / REFERENCE_STEPS)
    trace = _trace(design, values, 1.0, (bench.test_a, longest, dt), design.lower_cutoff_v)
    return float(trace[0, -1]) * bench.test_a / 3600.0


def reference_resistance_ohm(design: Design, bench: k.Bench, values: Array) -> float:
    """DCIR of one cell [t, 1] by fine steps; nan if it has no window."""
    if not np.all(np.isfinite(window_of(design, values))):
        return math.nan
    still = _trace(design, values, bench.pulse_soc, (0.0, 0.0, 1.0), -math.inf)[1, -1]
    step = bench.pulse_s / REFERENCE_PULSE_STEPS
    loaded = _trace(design, values, bench.pulse_soc, (bench.pulse_a, bench.pulse_s, step), -math.inf)[1, -1]
    return float(still - loaded) / bench.pulse_a


def _trace(design: Design, values: Array, soc: float, segment: tuple[float, float, float], stop_v: float) -> Array:
    """Time, voltage and current of one cell; segment: current, seconds, longest step."""
    lane = empty_lane(1)
    cell.coefficients(lane.coef, values, design, 0, 1)
    cell.rest_state(lane.state, design, np.array([soc]), window_of(design, values), 0, 1)
    current, seconds, dt = segment
    trace: Array = cell.profile(lane, design, np.array([current]), np.array([seconds]), dt, stop_v, math.inf)[0]
    return trace


def exact_values(design: Design, bench: k.Bench, values: Array) -> Array:
    """Rows [N_TRUE, n] (Ah, ohm, V, V, 1) of cells [t, n] without charge error."""
    n = values.shape[1]
    true, window = np.empty((k.N_TRUE, n)), np.empty((5, n))
    address = np.zeros((n, 3), np.int64)
    k.test_cells(true, window, values, address, design, bench._replace(charge_sd_ah=0.0), *seed_key(0), 0, len(address))
    return true

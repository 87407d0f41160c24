"""RC pairs from records of current and voltage: pulses (HPPC), profiles, cells in parallel.

The circuit is the kernels' own (`kernels.py`): its overvoltage is linear in the resistances once the time constants are
known, so only those are searched and the resistances follow by non-negative least squares (variable projection, Golub &
Pereyra, SIAM J. Numer. Anal. 10, 1973).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from packsim.cell.table.table_cell import TableCell

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Array = npt.NDArray[np.float64]
Shape = Literal["flat", "ocv_slope"]

SLOPE_HALF_WIDTH = 0.01  # of SOC, over which the slope of the OCV is taken where no current is given
NARROWEST = 1e-3  # likewise, at the least
TRIAL_TIMES = 9  # time constants tried before the search, evenly in log


@dataclass(frozen=True)
class RcFit:
    """What a fit found: `cells` carry the pairs, whose resistance is `size` times its shape over SOC.

    With shape "flat" a size is in ohm, with "ocv_slope" in SOC per ampere. `resistance_scale` multiplies the R0 given.
    """

    cells: tuple[TableCell, ...]
    size: tuple[float, ...]
    time_s: tuple[float, ...]
    resistance_scale: float
    rmse: float  # of what was fitted: V, or the unit of `measured`

    @property
    def cell(self) -> TableCell:
        """The only, or first, cell."""
        return self.cells[0]


def shape_of(cell: TableCell, shape: Shape, half_width: float = SLOPE_HALF_WIDTH) -> Array:
    """What a pair's resistance is proportional to over the cell's SOCs [n]: 1, or dOCV/dSOC [V] as diffusion has it.

    A concentration gradient shifts the SOC at the particles' surface; its overvoltage is that shift times the OCV's slope,
    here over +-half_width of SOC.
    """
    soc = np.asarray(cell.soc, float)
    if shape == "flat":
        return np.ones(soc.size)
    ocv = np.asarray(cell.over(cell.ocv_v)[0])
    width = min(max(half_width, NARROWEST), 0.5 * (soc[-1] - soc[0]))
    low = np.clip(soc - width, soc[0], soc[-1] - 2.0 * width)
    slope: Array = (np.interp(low + 2.0 * width, soc, ocv) - np.interp(low, soc, ocv)) / (2.0 * width)
    return slope


def with_pairs(
    cell: TableCell,
    size: Sequence[float],
    time_s: Sequence[float],
    shape: Shape = "flat",
    scale: float = 1.0,
    current_a: float | None = None,
) -> TableCell:
    """The cell with RC pairs of resistance size * shape [ohm] and R0 times `scale`.

    With `current_a` the OCV's slope is taken over the shift that this current makes, +-size * current_a: the overvoltage is
    then the mean of OCV(z + shift) - OCV(z) and OCV(z) - OCV(z - shift), what charge and discharge do at that current.
    """
    forms = [shape_of(cell, shape, SLOPE_HALF_WIDTH if current_a is None else a * current_a) for a in size]
    return replace(
        cell,
        resistance_mohm=scale * np.asarray(cell.resistance_mohm, float),
        rc_mohm=tuple(1e3 * a * form for a, form in zip(size, forms, strict=True)),
        rc_s=tuple(float(t) for t in time_s),
    )


def fit_record(
    cell: TableCell,
    time_s: Array,
    current_a: Array,
    voltage_v: Array,
    *,
    initial_soc: float,
    pairs: int = 2,
    shape: Shape = "flat",
    fit_resistance: bool = True,
    use: npt.NDArray[np.bool_] | None = None,
) -> RcFit:
    """RC pairs (and a factor on R0) of one cell from a record that begins at rest.

    Args:
        cell: capacity, OCV and R0 as known so far; its pairs are replaced. One temperature.
        time_s, current_a, voltage_v: [k], time never falling; current_a[k] flows from time_s[k-1] to time_s[k], voltage
            is read at time_s[k], discharge positive.
        use: [k] samples that count (default all).

    Raises:
        ValueError: lengths differ, time falls, a value is not finite, fewer samples than numbers to fit, a cell with
            tables over temperature or with hysteresis.
    """
    from scipy.optimize import least_squares

    time, current, voltage = (np.asarray(a, float) for a in (time_s, current_a, voltage_v))
    if time.ndim != 1 or not time.shape == current.shape == voltage.shape:
        raise ValueError("time_s, current_a and voltage_v must be one-dimensional and of equal length")
    if not all(np.all(np.isfinite(a)) for a in (time, current, voltage)) or np.any(np.diff(time) < 0.0):
        raise ValueError("time_s, current_a and voltage_v must be finite and time_s must not fall")
    if pairs not in (1, 2) or len(cell.temperature_degc) > 1 or np.any(np.asarray(cell.hysteresis_mv) > 0.0):
        raise ValueError("a record is fitted with one or two pairs, at one temperature and without hysteresis")
    chosen = np.ones(time.size, np.bool_) if use is None else np.asarray(use, np.bool_)
    if np.sum(chosen) < 2 * pairs + 1:
        raise ValueError(f"{np.sum(chosen)} samples are too few for {pairs} pairs")
    dt = np.diff(time, prepend=time[0])
    soc = initial_soc - np.cumsum(current * dt) / (3600.0 * cell.capacity_ah)
    r0 = np.interp(soc, cell.soc, cell.over(cell.resistance_mohm)[0]) * 1e-3
    form = np.interp(soc, cell.soc, shape_of(cell, shape))
    drop = open_circuit(cell, soc) - voltage
    if not fit_resistance:
        drop = drop - r0 * current

    def solved(log_time: Array) -> tuple[Array, Array]:
        columns = [form * branch for branch in branch_currents(dt, current, np.exp(log_time))]
        return _not_negative(columns + ([r0 * current] if fit_resistance else []), drop, chosen)

    shortest = max(float(np.min(dt[dt > 0.0])), 1e-6 * (time[-1] - time[0]))
    tried = np.log(np.geomspace(shortest, 2.0 * (time[-1] - time[0]), TRIAL_TIMES))
    start = min(combinations(tried, pairs), key=lambda t: float(np.sum(solved(np.array(t))[1] ** 2)))
    margin = np.log(3.0)
    found = least_squares(
        lambda t: solved(t)[1], np.array(start), bounds=(tried[0] - margin, tried[-1] + margin), xtol=1e-10, ftol=1e-12
    )
    times = np.exp(found.x)
    sizes, rest = solved(found.x)
    order = np.argsort(times)
    scale = float(sizes[-1]) if fit_resistance else 1.0
    size, constant = tuple(sizes[:pairs][order].tolist()), tuple(times[order].tolist())
    rmse = float(np.sqrt(np.mean(rest**2)))
    return RcFit((with_pairs(cell, size, constant, shape, scale),), size, constant, scale, rmse)


def fit_together(
    cells: Sequence[TableCell],
    predict: Callable[[Sequence[TableCell]], Array],
    measured: Array,
    *,
    start: Sequence[tuple[float, float]] = ((0.05, 3000.0),),
    shape: Shape = "ocv_slope",
    current_a: float | None = None,
) -> RcFit:
    """Pairs that several cells share (size and time constant alike, R = size * shape of each), R0 as given.

    Args:
        predict: what is measured, from cells with pairs: for example common voltage and currents of a parallel group.
        measured: as `predict` returns it [k].
        start: (size, time_s) of each pair at which the search begins.
        current_a: typical current of a cell where it flows (see `with_pairs`).
    """
    from scipy.optimize import least_squares

    def made(logs: Array) -> list[TableCell]:
        size, time = np.exp(logs.reshape(2, -1))
        return [with_pairs(cell, size.tolist(), time.tolist(), shape, current_a=current_a) for cell in cells]

    begin = np.log(np.array(start, float).T.ravel())
    found = least_squares(lambda logs: predict(made(logs)) - measured, begin, diff_step=1e-4)
    size, time = np.exp(found.x.reshape(2, -1))
    rmse = float(np.sqrt(np.mean(found.fun**2)))
    return RcFit(tuple(made(found.x)), tuple(size.tolist()), tuple(time.tolist()), 1.0, rmse)


def open_circuit(cell: TableCell, soc: Array) -> Array:
    """The cell's OCV as the kernels have it: a shape-preserving cubic, straight on beyond the table."""
    from scipy.interpolate import PchipInterpolator

    curve = PchipInterpolator(np.asarray(cell.soc, float), cell.over(cell.ocv_v)[0])
    inside = np.clip(soc, cell.soc[0], cell.soc[-1])
    values: Array = curve(inside) + curve.derivative()(inside) * (soc - inside)
    return values


def branch_currents(dt: Array, current: Array, time_s: Array) -> Array:
    """Currents [pair, k] through the resistors of RC pairs, from rest, current[k] held over dt[k]."""
    decay = np.exp(-dt[:, None] / time_s)
    out = np.empty((time_s.size, dt.size))
    now = np.zeros(time_s.size)
    for k in range(dt.size):
        now = decay[k] * now + (1.0 - decay[k]) * current[k]
        out[:, k] = now
    return out


def _not_negative(columns: Sequence[Array], target: Array, use: npt.NDArray[np.bool_]) -> tuple[Array, Array]:
    """Coefficients >= 0 of the columns that come nearest to the target, and what remains."""
    from scipy.optimize import nnls

    matrix = np.column_stack(columns)[use]
    weight = np.sqrt(np.sum(matrix**2, axis=0))
    weight[weight == 0.0] = 1.0
    scaled, _ = nnls(matrix / weight, target[use])
    return scaled / weight, matrix @ (scaled / weight) - target[use]

"""`ps.Cell`: one physical cell from a PyBaMM set, BPX file or tables, ready to be discharged."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from packsim.cell import kernels as k
from packsim.cell.electrodes.balance import Balance
from packsim.cell.electrodes.design import scaled_area
from packsim.cell.electrodes.kernels import N_COEF, N_DECAY, N_STATE, N_WORK, Design
from packsim.cell.from_pybamm import UnsupportedParameterSet
from packsim.cell.nominal import KELVIN, nominal_cell
from packsim.cell.table.design import table_design
from packsim.cell.table.table_cell import TableCell
from packsim.cell.traits import INDEX, trait_values

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pybamm

    from packsim.cell.ageing.reading import AgeingParameters

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """Voltage and current of one cell over time; `capacity_ah` is the discharged charge, the end point located."""

    time_s: Array
    voltage_v: Array
    current_a: Array
    capacity_ah: float
    reached_limit: bool


class Cell:
    """One cell at a uniform temperature.

    Args:
        source: PyBaMM set name, `pybamm.ParameterValues`, `"file.bpx.json"` or a `TableCell`.
        traits: as-built traits that differ from nominal (names in `packsim.cell.traits`).
        capacity_ah: area-scale the nominal cell to this electrode-balance capacity between its cut-offs.
        temperature_degc: temperature at which every parameter is evaluated (a `TableCell` may have none).
        lower_cutoff_v, upper_cutoff_v: default to the set's own; they define 0 and 100 % SOC.
        lithium_made_ratio: lithium per cathode capacity before formation (design value 1).

    Raises:
        FileNotFoundError, ValueError: missing file, unknown or unsupported set, cut-offs out of order or out of reach,
            a number that is not finite or not positive, `capacity_ah` or `lithium_made_ratio` for a `TableCell`.
        KeyError: unknown trait.
    """

    def __init__(
        self,
        source: str | Path | pybamm.ParameterValues | TableCell,
        *,
        traits: Mapping[str, float] | None = None,
        capacity_ah: float | None = None,
        temperature_degc: float = 25.0,
        lower_cutoff_v: float | None = None,
        upper_cutoff_v: float | None = None,
        lithium_made_ratio: float | None = None,
    ) -> None:
        finite(lower_cutoff_v=lower_cutoff_v, upper_cutoff_v=upper_cutoff_v, **dict(traits or {}))
        positive(capacity_ah=capacity_ah, lithium_made_ratio=lithium_made_ratio)
        if not -KELVIN < temperature_degc < 1000.0:
            raise ValueError(f"temperature_degc must be above absolute zero and finite, got {temperature_degc!r}")
        self.temperature_degc = temperature_degc
        self.values = trait_values(dict(traits or {}))
        positive(**{name: self.values[row, 0] for name, row in INDEX.items() if name.endswith("_ratio")})
        if isinstance(source, TableCell):
            if capacity_ah is not None or lithium_made_ratio is not None:
                raise ValueError("a TableCell states its own capacity_ah and has no lithium_made_ratio")
            self.name = "table"
            self.design = table_design(
                source,
                lower_cutoff_v=lower_cutoff_v,
                upper_cutoff_v=upper_cutoff_v,
                temperature_degc=temperature_degc,
            )
            self.nominal_capacity_ah = float(source.capacity_ah)
            self.ageing: AgeingParameters | None = None
            return
        nominal = nominal_cell(source, temperature_degc, lithium_made_ratio, lower_cutoff_v, upper_cutoff_v)
        self.name, design, self.nominal_capacity_ah, self.ageing = nominal
        nominal_ah = float(window_of(design, trait_values())[4, 0])
        if not nominal_ah > 0.0:  # nan: no such window
            raise UnsupportedParameterSet(
                f"{self.name}: its open-circuit voltage does not run from {design.lower_cutoff_v:g} to "
                f"{design.upper_cutoff_v:g} V while lithium moves between its electrodes"
            )
        if capacity_ah is not None:
            design = scaled_area(design, capacity_ah / nominal_ah)
            self.nominal_capacity_ah = float(capacity_ah)
        self.design = design

    @cached_property
    def window(self) -> Array:
        """Electrode balance [x0, x100, y0, y100, capacity_ah; 1] of this cell."""
        window = window_of(self.design, self.values)
        if not np.all(np.isfinite(window)):
            raise ValueError(f"{self.name}: these traits leave no usable window between the cut-offs")
        return window

    @property
    def balance(self) -> Balance:
        """Stoichiometries at 0 and 100 % SOC and the capacity between the cut-offs."""
        return Balance(*(float(value) for value in self.window[:, 0]))

    def lane(self, soc: float) -> k.Lane:
        """Kernel arrays of this cell at rest at `soc` (0..1, beyond is allowed).

        Raises:
            ValueError: `soc` is not finite, or the traits leave no window or no pores.
        """
        finite(soc=soc)
        lane = empty_lane(1)
        k.coefficients(lane.coef, self.values, self.design, 0, 1)
        if not np.all(np.isfinite(lane.coef)):
            raise ValueError(f"{self.name}: these traits leave no pores for electrolyte in an electrode")
        k.rest_state(lane.state, self.design, np.array([soc]), self.window, 0, 1)
        return lane

    def discharge(
        self,
        c_rate: float | None = None,
        *,
        current_a: float | None = None,
        dt_s: float = 10.0,
        until_v: float | None = None,
        initial_soc: float = 1.0,
    ) -> Curve:
        """Constant-current discharge from `initial_soc` to the lower cut-off (or `until_v`).

        Args:
            c_rate: of the nominal capacity, as in PyBaMM (default 1). Or give `current_a`, not both.
            dt_s: longest step; steps are halved where the voltage changes fast and the end point is located.

        Raises:
            ValueError: a rate or step that is not positive, or both `c_rate` and `current_a`.
        """
        if c_rate is not None and current_a is not None:
            raise ValueError("give c_rate or current_a, not both")
        if current_a is None:
            current_a = (1.0 if c_rate is None else c_rate) * self.nominal_capacity_ah
        if not (np.isfinite(current_a) and current_a > 0.0):
            raise ValueError(f"discharge current must be positive, got {current_a!r} A")
        finite(until_v=until_v)
        limit = self.design.lower_cutoff_v if until_v is None else until_v
        longest = 3600.0 * 20.0 * self.nominal_capacity_ah / current_a
        return self.profile([(current_a, longest)], dt_s=dt_s, lower_v=limit, initial_soc=initial_soc)

    def profile(
        self,
        segments: Iterable[tuple[float, float]],
        *,
        dt_s: float = 10.0,
        lower_v: float = -np.inf,
        upper_v: float = np.inf,
        initial_soc: float = 1.0,
    ) -> Curve:
        """Currents held one after another: `(current_a, duration_s)`, discharge positive.

        Samples: every accepted step's end and the first instant after each jump. Ends where the voltage falls to
        `lower_v` on discharge or rises to `upper_v` on charge.

        Raises:
            ValueError: no segment, a negative or non-finite duration, a step that is not positive, a limit that is nan.
        """
        currents, durations = checked_segments(segments, dt_s)
        if np.isnan(lower_v) or np.isnan(upper_v):
            raise ValueError("lower_v and upper_v must be numbers (infinite: no limit)")
        lane = self.lane(initial_soc)
        trace, reached = k.profile(lane, self.design, currents, durations, float(dt_s), float(lower_v), float(upper_v))
        time, voltage, current = (np.ascontiguousarray(row) for row in trace)
        discharged = float(np.sum(np.diff(time) * current[1:])) / 3600.0
        return Curve(time, voltage, current, discharged, bool(reached))

    def open_circuit_v(self, soc: float) -> float:
        """Equilibrium voltage at `soc` (0..1)."""
        lane = self.lane(soc)
        return float(k.voltage_after(lane, self.design, 0.0, 0.0))

    def dcir_mohm(self, *, soc: float = 0.5, c_rate: float = 1.0, pulse_s: float = 10.0) -> float:
        """Direct-current internal resistance: voltage drop of a discharge pulse from rest over its current."""
        positive(c_rate=c_rate, pulse_s=pulse_s)
        current = c_rate * self.nominal_capacity_ah
        pulse = self.profile([(0.0, 0.0), (current, pulse_s)], dt_s=min(1.0, pulse_s / 8), initial_soc=soc)
        return 1e3 * float(pulse.voltage_v[0] - pulse.voltage_v[-1]) / current


def checked_segments(segments: Iterable[tuple[float, float]], dt_s: float) -> tuple[Array, Array]:
    """Currents and durations of a profile; ValueError for none, a negative or non-finite one, or a step not positive."""
    pairs = np.array(list(segments), dtype=np.float64).reshape(-1, 2)
    if not len(pairs) or not np.all(np.isfinite(pairs)) or np.any(pairs[:, 1] < 0.0):
        raise ValueError("segments must be (current_a, duration_s) pairs, finite, with durations >= 0")
    if not (np.isfinite(dt_s) and dt_s > 0.0):
        raise ValueError(f"dt_s must be positive, got {dt_s!r}")
    return np.ascontiguousarray(pairs[:, 0]), np.ascontiguousarray(pairs[:, 1])


def finite(**given: float | None) -> None:
    """Raise ValueError that names the first given number that is not finite; None passes."""
    for name, value in given.items():
        if value is not None and not np.isfinite(value):
            raise ValueError(f"{name} must be a finite number, got {value!r}")


def positive(**given: float | None) -> None:
    """Raise ValueError that names the first given number that is not finite and above zero; None passes."""
    for name, value in given.items():
        if value is not None and not (np.isfinite(value) and value > 0.0):
            raise ValueError(f"{name} must be a finite number above 0, got {value!r}")


def empty_lane(cells: int) -> k.Lane:
    """Kernel arrays for `cells` cells; nothing in them is initialised but by the kernels."""
    return k.Lane(
        state=np.zeros((N_STATE, cells)),
        coef=np.zeros((N_COEF, cells)),
        work=np.zeros((N_WORK, cells)),
        decay=np.zeros((N_DECAY, cells)),
        current=np.zeros(cells),
        emf=np.zeros(cells),
        slope=np.zeros(cells),
    )


def window_of(design: Design, values: Array) -> Array:
    """Window [x0, x100, y0, y100, capacity_ah; cell] of cells given by traits [trait, cell]; nan where none."""
    out = np.empty((5, values.shape[1]))
    k.balance(out, values, design, 0, values.shape[1])
    return out

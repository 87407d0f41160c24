"""The table cell: OCV, R0 and up to two RC pairs over SOC and temperature, hysteresis; what a user states about a cell."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pybamm

Array = npt.NDArray[np.float64]
Table = Array | float  # one number, [n] over SOC, or [t, n] over temperature and SOC

HYSTERESIS_RATE = 100.0  # assumed: h crosses 86 % of the gap within 2 % of SOC
ABSOLUTE_ZERO_DEGC = -273.15


@dataclass(frozen=True)
class TableCell:
    """A cell known by measured tables; a table is one number, [n] over SOC, or [t, n] over temperature and SOC.

    Args:
        capacity_ah: charge between SOC 0 and 1.
        soc: increasing, within 0..1 [n].
        ocv_v: never falling with SOC [n] or [t, n]; with hysteresis the middle between charge and discharge.
        resistance_mohm: R0; on discharge only if `resistance_charge_mohm` is given.
        rc_mohm, rc_s: tables of up to two RC pairs: resistance and time constant.
        temperature_degc: increasing [t], for tables over temperature; none: the cell knows no temperature.
        resistance_charge_mohm: R0 on charge.
        hysteresis_mv: half the gap between the OCV after charge and after discharge.
        hysteresis_rate: gamma of Plett's one-state model: h moves by |dSOC| gamma (-sgn I - h). The default is assumed.

    Raises:
        ValueError: shapes differ, SOC or temperature not increasing, OCV falling, a value not finite or not positive.
    """

    capacity_ah: float
    soc: Array
    ocv_v: Array
    resistance_mohm: Table
    rc_mohm: tuple[Table, ...] = ()
    rc_s: tuple[Table, ...] = ()
    temperature_degc: Sequence[float] | Array = ()
    resistance_charge_mohm: Table | None = None
    hysteresis_mv: Table = 0.0
    hysteresis_rate: float = HYSTERESIS_RATE

    def __post_init__(self) -> None:
        soc, ocv, temperature = (np.asarray(a, float) for a in (self.soc, self.ocv_v, self.temperature_degc))
        if soc.ndim != 1 or soc.size < 2 or ocv.ndim not in (1, 2) or ocv.shape[-1] != soc.size:
            raise ValueError("soc and ocv_v must be one-dimensional, of equal length, with at least two points")
        if not (np.all(np.isfinite(soc)) and np.all(np.diff(soc) > 0) and soc[0] >= 0.0 and soc[-1] <= 1.0):
            raise ValueError("soc must be increasing within 0..1")
        if temperature.ndim != 1 or not (
            np.all(np.isfinite(temperature)) and np.all(np.diff(temperature, prepend=ABSOLUTE_ZERO_DEGC) > 0)
        ):
            raise ValueError("temperature_degc must be finite, increasing and above absolute zero")
        rows = self.over(ocv, "ocv_v")
        if not (np.all(np.isfinite(rows)) and np.all(np.diff(rows) >= 0.0) and np.all(rows[:, -1] > rows[:, 0])):
            raise ValueError("ocv_v must be finite and rise with soc")
        r0 = [self.over(self.resistance_mohm, "resistance_mohm")]
        if self.resistance_charge_mohm is not None:
            r0.append(self.over(self.resistance_charge_mohm, "resistance_charge_mohm"))
        if not (_at_least_0(r0) and np.isfinite(self.capacity_ah) and self.capacity_ah > 0):
            raise ValueError("resistance_mohm must be finite and >= 0, capacity_ah finite and > 0")
        if len(self.rc_mohm) != len(self.rc_s) or len(self.rc_s) > 2:
            raise ValueError("rc_mohm and rc_s must have equal length, at most 2")
        time = [self.over(value, "rc_s") for value in self.rc_s]
        if not (_at_least_0([self.over(value, "rc_mohm") for value in self.rc_mohm]) and _at_least_0(time)) or any(
            np.any(value == 0.0) for value in time
        ):
            raise ValueError("rc_mohm must be finite and >= 0, rc_s finite and > 0")
        if not _at_least_0([self.over(self.hysteresis_mv, "hysteresis_mv")]):
            raise ValueError("hysteresis_mv must be finite and >= 0")
        if not (np.isfinite(self.hysteresis_rate) and self.hysteresis_rate > 0.0):
            raise ValueError("hysteresis_rate must be finite and > 0")

    def over(self, value: Table, name: str = "table") -> Array:
        """A table as [t, n] (t = 1 where the cell knows no temperature).

        Raises:
            ValueError: it is neither one number nor over SOC nor over temperature and SOC.
        """
        shape = (max(1, len(self.temperature_degc)), len(self.soc))
        given = np.asarray(value, float)
        if given.shape not in ((), shape[1:], shape):
            raise ValueError(
                f"{name} must be one number or of equal length with soc, [{shape[1]}], or over temperature and soc, "
                f"[{shape[0]}, {shape[1]}]; its shape is {list(given.shape)}"
            )
        return np.broadcast_to(given, shape)

    def at(self, value: Table, temperature_degc: float) -> Array:
        """A table as [n] at a temperature, straight between the temperatures given (tables of voltages)."""
        rows = self.over(value)
        t = np.asarray(self.temperature_degc, float)
        if t.size < 2:
            first: Array = rows[0]
            return first
        return np.array([np.interp(temperature_degc, t, column) for column in rows.T])

    @classmethod
    def from_csv(cls, path: str | Path, capacity_ah: float, **more: Any) -> TableCell:
        """Read a table file; columns in `packsim.cell.table.csv_file`, `more` as other arguments of `TableCell`.

        Raises:
            FileNotFoundError, ValueError: missing file or column, or a value that `TableCell` refuses; one line that
                names file, line and column.
        """
        from packsim.cell.table.csv_file import read

        return read(Path(path), cls, capacity_ah, **more)

    @classmethod
    def from_pulses(cls, source: str | Path | pybamm.ParameterValues, soc: Sequence[float], **more: Any) -> TableCell:
        """Tables of a cell from simulated pulse tests; arguments and result of `packsim.cell.table.pulses.from_pulses`."""
        from packsim.cell.table.pulses import from_pulses

        return from_pulses(source, soc, **more)


def _at_least_0(tables: Sequence[Array]) -> bool:
    return all(bool(np.all(np.isfinite(table)) and np.all(table >= 0.0)) for table in tables)

"""The table cell: OCV(SOC), R0(SOC) and up to two RC pairs behind the same kernel functions as the SPMe cell."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from packsim.cell.electrodes import kernels as k
from packsim.cell.electrodes.ocp import cubic_rows, grid

if TYPE_CHECKING:
    from scipy.interpolate import PchipInterpolator

Array = npt.NDArray[np.float64]

R0_POINTS = 257


@dataclass(frozen=True)
class TableCell:
    """A cell known by measured tables.

    Args:
        capacity_ah: charge between SOC 0 and 1.
        soc: increasing, within 0..1 [n]; ocv_v [n], never falling; resistance_mohm [n] or one number.
        rc_mohm, rc_s: up to two RC pairs.

    Raises:
        ValueError: lengths differ, SOC not increasing within 0..1, OCV falling, a value not finite or not positive.
    """

    capacity_ah: float
    soc: Array
    ocv_v: Array
    resistance_mohm: Array | float
    rc_mohm: tuple[float, ...] = ()
    rc_s: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        soc, ocv = np.asarray(self.soc, float), np.asarray(self.ocv_v, float)
        r0 = np.broadcast_to(np.asarray(self.resistance_mohm, float), soc.shape)
        if soc.ndim != 1 or soc.size < 2 or ocv.shape != soc.shape:
            raise ValueError("soc and ocv_v must be one-dimensional, of equal length, with at least two points")
        if not (np.all(np.isfinite(soc)) and np.all(np.diff(soc) > 0) and soc[0] >= 0.0 and soc[-1] <= 1.0):
            raise ValueError("soc must be increasing within 0..1")
        if not (np.all(np.isfinite(ocv)) and np.all(np.diff(ocv) >= 0.0) and ocv[-1] > ocv[0]):
            raise ValueError("ocv_v must be finite and rise with soc")
        if not (np.all(r0 >= 0) and np.all(np.isfinite(r0)) and np.isfinite(self.capacity_ah) and self.capacity_ah > 0):
            raise ValueError("resistance_mohm must be finite and >= 0, capacity_ah finite and > 0")
        if len(self.rc_mohm) != len(self.rc_s) or len(self.rc_s) > 2:
            raise ValueError("rc_mohm and rc_s must have equal length, at most 2")
        pairs = np.array([self.rc_mohm, self.rc_s], float)
        if not (np.all(np.isfinite(pairs)) and np.all(pairs[0] >= 0.0) and np.all(pairs[1] > 0.0)):
            raise ValueError("rc_mohm must be finite and >= 0, rc_s finite and > 0")

    @classmethod
    def from_csv(cls, path: str | Path, capacity_ah: float) -> TableCell:
        """Read columns `soc_pct, ocv_v, resistance_mohm` (header required).

        Raises:
            FileNotFoundError, ValueError: missing file or column, or values that `TableCell` refuses.
        """
        import pandas as pd

        frame = pd.read_csv(path)
        missing = [name for name in ("soc_pct", "ocv_v", "resistance_mohm") if name not in frame.columns]
        if missing:
            raise ValueError(
                f"{path}: missing columns {', '.join(missing)}; found {', '.join(map(str, frame.columns))}"
            )
        soc, ocv, r0 = (frame[name].to_numpy(float) for name in ("soc_pct", "ocv_v", "resistance_mohm"))
        return cls(capacity_ah, soc / 100.0, ocv, r0)


def table_design(
    cell: TableCell, *, lower_cutoff_v: float | None = None, upper_cutoff_v: float | None = None
) -> k.Design:
    """Kernel design of a table cell; the OCV becomes a shape-preserving cubic, straight beyond the table.

    Cut-offs default to the OCV at SOC 0 and 1. Others move 0 and 100 % SOC, as in the SPMe cell: to the table's SOC at
    which the OCV equals them; the capacity is then the charge in between.

    Raises:
        ValueError: cut-offs not in order or outside the table's OCV.
    """
    from scipy.interpolate import PchipInterpolator

    soc, ocv = np.asarray(cell.soc, float), np.asarray(cell.ocv_v, float)
    curve = PchipInterpolator(soc, ocv, extrapolate=False)
    ends = np.array([0.0, 1.0])
    for end, cutoff, name in ((0, lower_cutoff_v, "lower_cutoff_v"), (1, upper_cutoff_v, "upper_cutoff_v")):
        if cutoff is None:
            continue
        if not ocv[0] <= cutoff <= ocv[-1]:
            raise ValueError(f"{name} {cutoff:g} is outside the table's open-circuit voltage {ocv[0]:g}..{ocv[-1]:g} V")
        ends[end] = soc_at(curve, soc, cutoff)
    if not ends[0] < ends[1]:
        raise ValueError(f"lower_cutoff_v {lower_cutoff_v} must be below upper_cutoff_v {upper_cutoff_v}")
    span = ends[1] - ends[0]
    nodes = grid()
    at = ends[0] + span * nodes
    inside = np.clip(at, soc[0], soc[-1])
    slope = np.asarray(curve.derivative()(inside))
    value = np.asarray(curve(inside)) + slope * (at - inside)
    r0 = np.broadcast_to(np.asarray(cell.resistance_mohm, float), soc.shape)
    rc_ohm, rc_s = np.zeros(2), np.ones(2)
    rc_ohm[: len(cell.rc_mohm)] = 1e-3 * np.asarray(cell.rc_mohm)
    rc_s[: len(cell.rc_s)] = cell.rc_s
    nominal = np.zeros(k.N_NOMINAL)
    nominal[k.AREA] = cell.capacity_ah * span * 3600.0  # a table cell's area is its charge
    none = np.zeros(2)
    return k.Design(
        is_table=True,
        ocp_n=np.zeros((2, 4)),
        ocp_p=cubic_rows(nodes, value, span * slope),
        thermal_v=0.0,
        chi=none,
        c_e_init=0.0,
        d_e=none,
        kappa=none,
        per_c_e=0.0,
        closure=np.zeros((2, 2, 2)),
        shells_n=0,
        shells_p=0,
        d_n=none,
        d_p=none,
        shell_geometry=np.zeros((2, k.SHELLS, 2)),
        shell_surface=np.zeros((2, 2)),
        r0=1e-3 * np.interp(np.linspace(ends[0], ends[1], R0_POINTS), soc, r0),
        rc_ohm=rc_ohm,
        rc_s=rc_s,
        nominal=nominal,
        lower_cutoff_v=float(np.interp(0.0, nodes, value)) if lower_cutoff_v is None else float(lower_cutoff_v),
        upper_cutoff_v=float(np.interp(1.0, nodes, value)) if upper_cutoff_v is None else float(upper_cutoff_v),
    )


def soc_at(curve: PchipInterpolator, soc: Array, voltage: float) -> float:
    """The SOC within the table at which its OCV is `voltage` (bisection: the curve never falls)."""
    low, high = float(soc[0]), float(soc[-1])
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if curve(middle) < voltage else (low, middle)
    return high
